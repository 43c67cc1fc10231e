// SPDX-License-Identifier: Apache-2.0
// What the gateway wrote, read back with the official client and compared byte for byte.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { Processes } from "./processes.mjs";
import { assertBytes, readBytes as readStored, require } from "./stored.mjs";

const { KurrentDBClient, START, BACKWARDS, END } = require("@kurrent/kurrentdb-client");

const processes = new Processes();
let client;
let base;
let count = 0;

before(async () => {
	const { database, gateway } = await processes.start();
	base = `http://${gateway}`;
	client = KurrentDBClient.connectionString(`kurrentdb://${database}?tls=false`);
});

after(async () => {
	await client?.dispose();
	await processes.stop();
});

function streamName() {
	return `node-${process.pid}-${++count}`;
}

async function post(target, body, headers = {}) {
	const response = await fetch(base + target, { method: "POST", body, headers });
	const text = await response.text();
	assert.equal(response.status, 200, `${target}: ${response.status} ${text}`);
	return JSON.parse(text);
}

function append(stream, envelope) {
	return post(`/v1/streams/${encodeURIComponent(stream)}/events`, envelope,
		{ "Content-Type": "application/json" });
}

// The events as the client gives them out: JSON payloads are parsed.
async function read(stream, options = {}) {
	const events = [];
	for await (const { event } of client.readStream(stream, { fromRevision: START, ...options }))
		events.push(event);
	return events;
}

// The same events with their bytes.
function readBytes(stream) {
	return readStored(client, stream);
}

const ODD_PAYLOADS = [
	"9223372036854775808",
	'{"a":1,"a":2,"A":3}',
	'"\\u0041\\/\\ud83d\\ude00\\u0000"',
	'{ "a" :\t[ 1 ,\r\n 2 ] ,\n"b":  { } }',
	"[12345678901234567890.10,-0,1E400,0.0]",
	'["\\ud800"]',
	'{"naïve":"日本語 😀"}',
	"null",
];

test("a first event", async () => {
	const stream = streamName();
	const answer = await append(stream,
		'{"current_version":"no_stream","events":[{"type":"StudentRegistered","data":{"name":"Greg"}}]}');
	const [event, ...others] = await read(stream);
	assert.equal(others.length, 0);
	assert.equal(event.type, "StudentRegistered");
	assert.deepEqual(event.data, { name: "Greg" });
	assert.equal(event.isJson, true);
	assert.equal(event.id, answer.event_ids[0]);
	assert.equal(event.revision, BigInt(answer.current_version));
	assert.equal(event.streamId, stream);
	assert.ok(Math.abs(Date.now() - event.created.getTime()) < 60000);
});

for (const payload of ODD_PAYLOADS) {
	test(`JSON source bytes of ${payload}`.replaceAll(/[\r\n\t]/g, " "), async () => {
		const stream = streamName();
		await append(stream, `{"current_version":"any","events":[{"type":"T","data": ${payload} ,` +
			`"metadata": ${payload} }]}`);
		const [event] = await readBytes(stream);
		assertBytes(event.data, payload);
		assertBytes(event.metadata, payload);
		assert.equal(event.isJson, true);
	});
}

test("every byte value through the raw route", async () => {
	const stream = streamName();
	const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
	await post(`/v1/streams/${stream}/events/Photo?current_version=no_stream`, every, {
		"Content-Type": "image/jpeg",
		"Kurrent-Metadata-Base64": every.toString("base64"),
	});
	const [event] = await read(stream);
	assert.equal(event.isJson, false);
	assert.equal(event.type, "Photo");
	assertBytes(Buffer.from(event.data), every);
	const [raw] = await readBytes(stream);
	assertBytes(raw.data, every);
	assertBytes(raw.metadata, every);
});

test("JSON metadata arrives as an object", async () => {
	const stream = streamName();
	await append(stream, '{"current_version":"any","events":[{"type":"T","data":{},' +
		'"metadata":{"$correlationId":"c-81"}}]}');
	const [event] = await read(stream);
	assert.deepEqual(event.metadata, { $correlationId: "c-81" });
});

test("no metadata is none", async () => {
	const stream = streamName();
	await append(stream, '{"current_version":"any","events":[{"type":"T","data":{}}]}');
	const [event] = await read(stream);
	assert.equal(event.metadata, undefined);
});

test("an empty event", async () => {
	const stream = streamName();
	await post(`/v1/streams/${stream}/events/T?current_version=any`, new Uint8Array());
	const [event] = await readBytes(stream);
	assert.equal(event.data.length, 0);
	assert.equal(event.isJson, false);
});

test("NDJSON lines in order", async () => {
	const stream = streamName();
	const answer = await post(`/v1/streams/${stream}/events?current_version=no_stream`,
		'{"type":"A","data":{"n":1}}\r\n{"type":"B","data_base64":"AAECAw=="}\n',
		{ "Content-Type": "application/x-ndjson" });
	const events = await readBytes(stream);
	assert.deepEqual(events.map((event) => event.type), ["A", "B"]);
	assertBytes(events[0].data, '{"n":1}');
	assertBytes(events[1].data, [0, 1, 2, 3]);
	assert.deepEqual(events.map((event) => event.id), answer.event_ids);
});

test("a hundred events", async () => {
	const stream = streamName();
	const numbers = Array.from({ length: 100 }, (_, number) => number);
	const answer = await append(stream, JSON.stringify({
		current_version: "no_stream", events: numbers.map((n) => ({ type: "T", data: { n } })),
	}));
	const events = await read(stream);
	assert.deepEqual(events.map((event) => event.data.n), numbers);
	assert.deepEqual(events.map((event) => event.id), answer.event_ids);
	const [last] = await read(stream, { fromRevision: END, direction: BACKWARDS, maxCount: 1 });
	assert.equal(last.id, answer.event_ids[99]);
});

test("the same request with the same ids is stored once", async () => {
	const stream = streamName();
	const id = randomUUID();
	const envelope = JSON.stringify({
		current_version: "no_stream", events: [{ type: "T", data: 1, id }],
	});
	await append(stream, envelope);
	const again = await append(stream, envelope);
	assert.equal(again.replayed, true);
	assert.deepEqual((await read(stream)).map((event) => event.id), [id]);
});

test("a key makes a retry a replay", async () => {
	const stream = streamName();
	const target = `/v1/streams/${stream}/events/T?current_version=any`;
	const first = await post(target, "x", { "Idempotency-Key": stream });
	const again = await post(target, "x", { "Idempotency-Key": stream });
	assert.equal(again.replayed, true);
	assert.deepEqual(again.event_ids, first.event_ids);
	assert.equal((await read(stream)).length, 1);
});

test("names with a slash and beyond ASCII", async () => {
	for (const name of [`${streamName()}/a b`, `${streamName()}-naïve-日本-😀`]) {
		await append(name, '{"current_version":"any","events":[{"type":"Größe/😀","data":1}]}');
		const [event] = await read(name);
		assert.equal(event.streamId, name);
		assert.equal(event.type, "Größe/😀");
	}
});

test("three MiB in one event", async () => {
	const stream = streamName();
	const content = Buffer.alloc(3 * 1024 * 1024, (_, at) => at);
	for (let at = 0; at < content.length; at++)
		content[at] = (at * 7 + (at >> 8)) & 255;
	await post(`/v1/streams/${stream}/events/T?current_version=any`, content);
	const [event] = await read(stream);
	assert.ok(Buffer.from(event.data).equals(content));
});

test("a stream that was never written is not found", async () => {
	await assert.rejects(read(streamName()), { type: "stream-not-found" });
});

test("the client's own append and the gateway's follow each other", async () => {
	const stream = streamName();
	const { jsonEvent } = require("@kurrent/kurrentdb-client");
	await client.appendToStream(stream, jsonEvent({ type: "FromClient", data: { n: 0 } }));
	const answer = await append(stream,
		'{"current_version":0,"events":[{"type":"FromGateway","data":{"n":1}}]}');
	assert.equal(answer.current_version, 1);
	assert.deepEqual((await read(stream)).map((event) => event.type), ["FromClient", "FromGateway"]);
});

// Stream metadata, from here to the official client and back. The client spells the members of
// the database in its own way, and keeps the others.
test("stream metadata is that of the official client", async () => {
	const stream = streamName();
	const target = `${base}/v1/streams/${stream}/metadata`;
	const put = await fetch(target, {
		method: "PUT", body: '{"$maxCount":2,"$acl":{"$r":"$all"},"owner":"registrar"}',
		headers: { "Content-Type": "application/json", "If-None-Match": "*" },
	});
	assert.equal(put.status, 200, await put.text());
	for (let n = 0; n < 3; n++)
		await append(stream, `{"current_version":"any","events":[{"type":"T","data":${n}}]}`);
	assert.deepEqual((await read(stream)).map((event) => Number(event.revision)), [1, 2]);

	// Its metastreamRevision is a position in the log (1.3.1), so it is no help here.
	const { metadata } = await client.getStreamMetadata(stream);
	assert.equal(metadata.maxCount, 2);
	assert.equal(metadata.owner, "registrar");

	await client.setStreamMetadata(stream, { ...metadata, owner: "dean" }, { expectedRevision: 0n });
	const got = await fetch(target);
	assert.equal(got.headers.get("ETag"), '"1"');
	const now = await got.json();
	assert.equal(now.$maxCount, 2);
	assert.equal(now.owner, "dean");

	const late = await fetch(target, {
		method: "PUT", body: "{}",
		headers: { "Content-Type": "application/json", "If-Match": put.headers.get("ETag") },
	});
	assert.equal(late.status, 412);
});
