// SPDX-License-Identifier: Apache-2.0
// CloudEvents' official SDK sends events to the gateway in each mode; what is stored is compared
// with the bytes that it sent, and makes the same CloudEvent again.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { Processes } from "./processes.mjs";
import { assertBytes, readBytes, require } from "./stored.mjs";

const { CloudEvent, CONSTANTS, HTTP, Mode, emitterFor, httpTransport } = require("cloudevents");
const { KurrentDBClient } = require("@kurrent/kurrentdb-client");

const MODES = [Mode.BINARY, Mode.STRUCTURED];
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, value) => value);

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
	return `cloudevents-${process.pid}-${++count}`;
}

// The SDK's own transport, which also keeps the message that the SDK made.
function sender(stream, version) {
	const send = httpTransport(`${base}/v1/streams/${stream}/cloudevents?current_version=${version}`);
	return async (message, options) => {
		sender.message = message;
		return send(message, options);
	};
}

function answered({ body }) {
	const members = JSON.parse(body);
	assert.ok(members.event_ids, body);
	return members;
}

async function emit(mode, stream, event, version = "any") {
	return answered(await emitterFor(sender(stream, version), { mode })(event));
}

// The SDK has no emitter for batches: it reads them, and an application sends what
// JSON.stringify() makes of its events.
async function emitBatch(stream, events, version = "any") {
	const message = {
		headers: { [CONSTANTS.HEADER_CONTENT_TYPE]: CONSTANTS.MIME_CE_BATCH },
		body: JSON.stringify(events),
	};
	assert.equal(HTTP.toEvent(message).length, events.length);
	return answered(await sender(stream, version)(message, {}));
}

function orderPlaced(members = {}) {
	return new CloudEvent({
		type: "com.example.order.placed", source: "/shop/42", id: "A234-1234-1234",
		time: "2026-09-20T10:00:00.000Z", data: { total: "19.90", naïve: "日本 😀" }, ...members,
	});
}

// The CloudEvent that a stored event makes, through the SDK.
function restored({ data, metadata, isJson }) {
	const attributes = Object.fromEntries(Object.entries(JSON.parse(metadata))
		.map(([name, value]) => [name.replace(/^ce-/, ""), value]));
	return new CloudEvent({ ...attributes, data: isJson ? JSON.parse(data) : new Uint8Array(data) });
}

// In binary mode the SDK writes a type of its own where the event has none.
function assertSame(stored, sent) {
	const found = restored(stored).toJSON();
	if (sent.datacontenttype === undefined && sender.message.headers["ce-id"])
		delete found.datacontenttype;
	assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(JSON.stringify(sent)));
}

for (const mode of MODES) {
	test(`JSON data, ${mode}`, async () => {
		const stream = streamName();
		const sent = orderPlaced();
		const answer = await emit(mode, stream, sent, "no_stream");
		const [event, ...others] = await readBytes(client, stream);
		assert.equal(others.length, 0);
		assert.equal(event.type, sent.type);
		assert.equal(event.isJson, true);
		assert.equal(event.id, answer.event_ids[0]);
		assertBytes(event.data, JSON.stringify(sent.data));
		assert.ok(Buffer.from(sender.message.body).includes(event.data));
		assertSame(event, sent);
	});

	test(`every byte value, ${mode}`, async () => {
		const stream = streamName();
		const sent = orderPlaced({ datacontenttype: "image/png", data: EVERY_BYTE });
		await emit(mode, stream, sent);
		const [event] = await readBytes(client, stream);
		assertBytes(event.data, EVERY_BYTE);
		assert.equal(event.isJson, false);
		assertSame(event, sent);
	});

	test(`text, ${mode}`, async () => {
		const stream = streamName();
		const text = '<a b="é"/>\r\n';
		await emit(mode, stream, orderPlaced({ datacontenttype: "text/xml", data: text }));
		const [event] = await readBytes(client, stream);
		assertBytes(event.data, text);
		assert.equal(event.isJson, false);
	});

	test(`all attributes and extensions, ${mode}`, async () => {
		const stream = streamName();
		const sent = orderPlaced({
			datacontenttype: "application/vnd.order+json", subject: "42/a",
			dataschema: "https://example.com/order", partitionkey: "k",
			traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		});
		await emit(mode, stream, sent);
		const [event] = await readBytes(client, stream);
		assert.equal(event.isJson, true);
		assertSame(event, sent);
	});

	test(`ids that the SDK makes are the events' ids, ${mode}`, async () => {
		const stream = streamName();
		const sent = orderPlaced({ id: undefined });
		const answer = await emit(mode, stream, sent);
		assert.deepEqual(answer.event_ids, [sent.id]);
		assert.equal((await readBytes(client, stream))[0].id, sent.id);
	});

	for (const version of ["no_stream", "any"])
		for (const isUuid of [false, true])
			test(`redelivery at ${version}, ${isUuid ? "UUID" : "other id"}, ${mode}`, async () => {
				const stream = streamName();
				const sent = orderPlaced(isUuid ? { id: randomUUID() } : {});
				const first = await emit(mode, stream, sent, version);
				await emit(mode, streamName(), orderPlaced());
				const again = await emit(mode, stream, sent, version);
				assert.equal(again.replayed, true);
				assert.deepEqual(again.event_ids, first.event_ids);
				assert.equal((await readBytes(client, stream)).length, 1);
			});
}

test("extensions that are no strings, structured", async () => {
	const stream = streamName();
	const sent = orderPlaced({ sequence: 7, urgent: true });
	await emit(Mode.STRUCTURED, stream, sent);
	const [event] = await readBytes(client, stream);
	assertSame(event, sent);
});

test("a batch", async () => {
	const stream = streamName();
	const sent = [orderPlaced(), orderPlaced({ id: "2", data: EVERY_BYTE, datacontenttype: "a/b" }),
		orderPlaced({ id: undefined, type: "com.example.order.paid", data: [1, "2", null] })];
	const answer = await emitBatch(stream, sent, "no_stream");
	const events = await readBytes(client, stream);
	assert.equal(answer.current_version, 2);
	assert.deepEqual(events.map((event) => event.id), answer.event_ids);
	assertBytes(events[0].data, JSON.stringify(sent[0].data));
	assertBytes(events[1].data, EVERY_BYTE);
	assertBytes(events[2].data, '[1,"2",null]');
	events.forEach((event, at) => assertSame(event, sent[at]));
});

test("redelivery of a batch", async () => {
	const stream = streamName();
	const sent = [orderPlaced(), orderPlaced({ id: "2" })];
	const first = await emitBatch(stream, sent);
	await emit(Mode.BINARY, streamName(), orderPlaced());
	const again = await emitBatch(stream, sent);
	assert.equal(again.replayed, true);
	assert.deepEqual(again.event_ids, first.event_ids);
	assert.equal((await readBytes(client, stream)).length, 2);
});

test("a redelivery in another mode is known again", async () => {
	const stream = streamName();
	const { event_ids: ids } = await emit(Mode.BINARY, stream, orderPlaced(), "no_stream");
	await emit(Mode.BINARY, streamName(), orderPlaced());
	for (const again of [await emit(Mode.STRUCTURED, stream, orderPlaced(), "no_stream"),
		await emitBatch(stream, [orderPlaced()], "no_stream")]) {
		assert.deepEqual(again.event_ids, ids);
		assert.equal(again.replayed, true);
	}
	assert.equal((await readBytes(client, stream)).length, 1);
});
