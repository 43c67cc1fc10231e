// SPDX-License-Identifier: Apache-2.0
// The examples of the official Node client's documentation against devdb, without the gateway.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Processes } from "./processes.mjs";
import { require } from "./stored.mjs";

const {
	ANY, BACKWARDS, END, FORWARDS, KurrentDBClient, NO_STREAM, START, STREAM_EXISTS,
	STREAM_STATE, StreamDeletedError, StreamNotFoundError, WrongExpectedVersionError, binaryEvent,
	jsonEvent,
} = require("@kurrent/kurrentdb-client");

const processes = new Processes();
const folder = mkdtempSync(path.join(os.tmpdir(), "kurrentgate-node-"));
let client;
let count = 0;

before(async () => {
	const { database } = await processes.start();
	client = KurrentDBClient.connectionString(`kurrentdb://${database}?tls=false`);
});

after(async () => {
	await client?.dispose();
	await processes.stop();
	rmSync(folder, { recursive: true });
});

function streamName() {
	return `official-${++count}`;
}

function orderPlaced(n) {
	return jsonEvent({ type: "OrderPlaced", data: { n }, metadata: { $correlationId: `c-${n}` } });
}

async function read(stream, options = {}, reader = client) {
	const events = [];
	for await (const { event } of reader.readStream(stream, options))
		events.push(event);
	return events;
}

async function numbers(stream, options) {
	return (await read(stream, options)).map((event) => event.data.n);
}

// A stream of so many events, numbered from 0.
async function filled(length) {
	const stream = streamName();
	await client.appendToStream(stream, Array.from({ length }, (_, n) => orderPlaced(n)));
	return stream;
}

// -- append --------------------------------------------------------------------------------

test("append to a new stream", async () => {
	const stream = streamName();
	const event = orderPlaced(7);
	const result = await client.appendToStream(stream, event, { streamState: NO_STREAM });
	assert.equal(result.success, true);
	assert.equal(result.nextExpectedRevision, 0n);
	const [stored] = await read(stream);
	assert.equal(stored.id, event.id);
	assert.deepEqual(stored.data, { n: 7 });
	assert.deepEqual(stored.metadata, { $correlationId: "c-7" });
	assert.equal(stored.position.commit, result.position.commit);
});

test("append at the revision that was read", async () => {
	const stream = await filled(3);
	const [last] = await read(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 });
	const result = await client.appendToStream(stream, orderPlaced(3), { streamState: last.revision });
	assert.equal(result.nextExpectedRevision, 3n);
});

test("append to a stream that must exist", async () => {
	await assert.rejects(
		client.appendToStream(streamName(), orderPlaced(0), { streamState: STREAM_EXISTS }),
		WrongExpectedVersionError);
	const stream = await filled(1);
	const result = await client.appendToStream(stream, orderPlaced(1), { streamState: STREAM_EXISTS });
	assert.equal(result.nextExpectedRevision, 1n);
});

test("a conflict names both versions and stores nothing", async () => {
	const stream = await filled(2);
	await assert.rejects(client.appendToStream(stream, orderPlaced(2), { streamState: 0n }), (error) => {
		assert.ok(error instanceof WrongExpectedVersionError, String(error));
		assert.equal(error.actualState, 1n);
		assert.equal(error.expectedState, 0n);
		return true;
	});
	assert.deepEqual(await numbers(stream), [0, 1]);
});

test("the same event twice is stored once", async () => {
	const stream = streamName();
	const event = orderPlaced(0);
	const first = await client.appendToStream(stream, event, { streamState: NO_STREAM });
	const second = await client.appendToStream(stream, event, { streamState: NO_STREAM });
	assert.equal(second.nextExpectedRevision, first.nextExpectedRevision);
	assert.deepEqual(await numbers(stream), [0]);
});

test("append bytes", async () => {
	const stream = streamName();
	const data = Uint8Array.from({ length: 256 }, (_, at) => at);
	await client.appendToStream(stream, binaryEvent({ type: "Photo", data, metadata: data }));
	const [stored] = await read(stream);
	assert.equal(stored.isJson, false);
	assert.deepEqual([...stored.data], [...data]);
	assert.deepEqual([...stored.metadata], [...data]);
});

test("append two thousand events in several batches", async () => {
	const stream = streamName();
	const events = Array.from({ length: 2000 }, (_, n) => orderPlaced(n));
	const result = await client.appendToStream(stream, events, { batchAppendSize: 16 * 1024 });
	assert.equal(result.nextExpectedRevision, 1999n);
	assert.deepEqual(await numbers(stream), events.map((event) => event.data.n));
});

// -- multi-append --------------------------------------------------------------------------

test("append to several streams at once", async () => {
	const [order, stock] = [streamName(), streamName()];
	const result = await client.multiStreamAppend([
		{ streamName: order, expectedState: NO_STREAM, events: [orderPlaced(0), orderPlaced(1)] },
		{ streamName: stock, expectedState: ANY, events: [orderPlaced(2)] },
	]);
	assert.deepEqual(result.responses, [
		{ streamName: order, revision: 1n }, { streamName: stock, revision: 0n },
	]);
	assert.deepEqual(await numbers(order), [0, 1]);
	const [stored] = await read(stock);
	assert.equal(stored.position.commit, result.position);
	assert.equal(stored.type, "OrderPlaced");
	assert.equal(stored.metadata.$correlationId, "c-2");
});

test("a conflict in one of several streams stores nothing in any", async () => {
	const [order, stock] = [streamName(), await filled(1)];
	await assert.rejects(client.multiStreamAppend([
		{ streamName: order, expectedState: ANY, events: [orderPlaced(0)] },
		{ streamName: stock, expectedState: NO_STREAM, events: [orderPlaced(1)] },
	]), (error) => {
		assert.ok(error instanceof WrongExpectedVersionError, String(error));
		assert.equal(error.streamName, stock);
		assert.equal(error.actualState, 0n);
		return true;
	});
	await assert.rejects(read(order), StreamNotFoundError);
	assert.deepEqual(await numbers(stock), [0]);
});

test("append records of several streams in any order", async () => {
	const [one, two] = [streamName(), streamName()];
	await client.appendRecords([
		{ streamName: one, record: orderPlaced(0) },
		{ streamName: two, record: orderPlaced(1) },
		{ streamName: one, record: orderPlaced(2) },
	]);
	assert.deepEqual(await numbers(one), [0, 2]);
	assert.deepEqual(await numbers(two), [1]);
});

test("append records only if another stream is where it was", async () => {
	const [order, stock] = [streamName(), await filled(3)];
	const check = (expectedState) => ({ type: STREAM_STATE, streamName: stock, expectedState });
	const records = [{ streamName: order, record: orderPlaced(0) }];
	await assert.rejects(client.appendRecords(records, [check(1n)]), (error) => {
		assert.equal(error.type, "append-consistency-violation");
		assert.equal(error.violations[0].streamName, stock);
		assert.equal(error.violations[0].actualState, 2n);
		return true;
	});
	await assert.rejects(read(order), StreamNotFoundError);
	await client.appendRecords(records, [check(2n)]);
	assert.deepEqual(await numbers(order), [0]);
});

// -- read ----------------------------------------------------------------------------------

test("read forwards, from a revision, and no more than asked for", async () => {
	const stream = await filled(10);
	assert.deepEqual(await numbers(stream, { direction: FORWARDS, fromRevision: START }),
		[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
	assert.deepEqual(await numbers(stream, { fromRevision: 7n }), [7, 8, 9]);
	assert.deepEqual(await numbers(stream, { fromRevision: START, maxCount: 2 }), [0, 1]);
	assert.deepEqual(await numbers(stream, { fromRevision: 10n }), []);
});

test("read backwards", async () => {
	const stream = await filled(4);
	assert.deepEqual(await numbers(stream, { direction: BACKWARDS, fromRevision: END }), [3, 2, 1, 0]);
	assert.deepEqual(await numbers(stream, { direction: BACKWARDS, fromRevision: 1n }), [1, 0]);
});

test("read a stream that was never written", async () => {
	await assert.rejects(read(streamName()), StreamNotFoundError);
});

test("read all streams", async () => {
	const stream = await filled(3);
	const found = [];
	for await (const { event } of client.readAll({ direction: FORWARDS, fromPosition: START }))
		if (event?.streamId === stream)
			found.push(event.data.n);
	assert.deepEqual(found, [0, 1, 2]);
	const backwards = [];
	for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 3 }))
		backwards.push([event.streamId, event.data.n]);
	assert.deepEqual(backwards, [[stream, 2], [stream, 1], [stream, 0]]);
});

// -- metadata ------------------------------------------------------------------------------

test("set and get stream metadata", async () => {
	const stream = await filled(5);
	assert.equal((await client.getStreamMetadata(stream)).metadata, undefined);
	await client.setStreamMetadata(stream, { maxCount: 2, maxAge: 3600, owner: "orders" });
	const { metadata, streamName: name } = await client.getStreamMetadata(stream);
	assert.equal(name, stream);
	assert.equal(metadata.maxCount, 2);
	assert.equal(metadata.maxAge, 3600);
	assert.equal(metadata.owner, "orders");
	assert.deepEqual(await numbers(stream), [3, 4]);
});

test("truncate a stream", async () => {
	const stream = await filled(5);
	await client.setStreamMetadata(stream, { truncateBefore: 3 });
	assert.deepEqual(await numbers(stream), [3, 4]);
});

// -- delete --------------------------------------------------------------------------------

test("delete a stream and write to it again", async () => {
	const stream = await filled(2);
	await client.deleteStream(stream, { expectedRevision: 1n });
	await assert.rejects(read(stream), StreamNotFoundError);
	const result = await client.appendToStream(stream, orderPlaced(2), { streamState: NO_STREAM });
	assert.equal(result.nextExpectedRevision, 2n);
	assert.deepEqual(await numbers(stream), [2]);
});

test("delete at a wrong revision", async () => {
	const stream = await filled(2);
	await assert.rejects(client.deleteStream(stream, { expectedRevision: 5n }), WrongExpectedVersionError);
	assert.deepEqual(await numbers(stream), [0, 1]);
});

test("tombstone a stream", async () => {
	const stream = await filled(2);
	await client.tombstoneStream(stream, { expectedRevision: ANY });
	await assert.rejects(read(stream), StreamDeletedError);
	await assert.rejects(client.appendToStream(stream, orderPlaced(2)), StreamDeletedError);
});

// -- TLS and users -------------------------------------------------------------------------

// An authority and a certificate of its hand for localhost; false without openssl.
function makeCertificates() {
	const common = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-days", "2"];
	const steps = [
		["-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem"],
		["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem", "-CA", "ca.pem",
			"-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
			"-addext", "basicConstraints=critical,CA:FALSE"],
	];
	return steps.every((step) =>
		spawnSync("openssl", [...common, ...step], { cwd: folder }).status === 0);
}

test("append, append to several streams and read over TLS, as a user", async (t) => {
	if (!makeCertificates())
		return t.skip("needs openssl");
	const inFolder = (name) => path.join(folder, name);
	const port = await processes.startSecure(inFolder("cert.pem"), inFolder("key.pem"), "admin:changeit");
	const connect = (user) => KurrentDBClient.connectionString(
		`kurrentdb://${user}localhost:${port}?tls=true&tlsCaFile=${inFolder("ca.pem")}`);
	const [admin, wrong, nobody] = [connect("admin:changeit@"), connect("admin:wrong@"), connect("")];
	try {
		await admin.appendToStream("secure", orderPlaced(0), { streamState: NO_STREAM });
		await admin.multiStreamAppend([
			{ streamName: "secure", expectedState: 0n, events: [orderPlaced(1)] }]);
		assert.deepEqual((await read("secure", {}, admin)).map((event) => event.data.n), [0, 1]);
		for (const other of [wrong, nobody])
			await assert.rejects(other.appendToStream("secure", orderPlaced(2)), { type: "access-denied" });
		assert.equal((await read("secure", {}, admin)).length, 2);
	} finally {
		await Promise.all([admin, wrong, nobody].map((each) => each.dispose()));
	}
});

// -- what devdb does not have --------------------------------------------------------------

test("subscriptions, filters and projections end with an error", async () => {
	const stream = await filled(1);
	const firstOf = async (subscription) => {
		for await (const event of subscription)
			return event;
		return undefined;
	};
	await assert.rejects(firstOf(client.subscribeToStream(stream)), /unimplemented|not supported/i);
	await assert.rejects(client.listProjections(), /unimplemented|not supported/i);
});
