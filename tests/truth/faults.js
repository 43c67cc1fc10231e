// SPDX-License-Identifier: Apache-2.0
'use strict';
// What faults, roles, limits, users and TLS of the development database look like on the wire. Each
// test orders a fault over the admin port and calls as a client would; run by faults.tap.
const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const os = require('node:os');
const { spawn, spawnSync } = require('node:child_process');
const grpc = require('@grpc/grpc-js');
const { RPCS, root, decode } = require('./lib/wire');

const PROGRAM = `${process.env.top_builddir ?? '.'}/kurrentgate-devdb`;
const QUIET_MS = 300;          // long enough for an answer that must not come

/** A database of its own for each test; stopped, and its status looked at, at the end. */
async function database(t, ...options) {
  const child = spawn(PROGRAM, ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise(resolve => child.on('exit', (code, signal) => resolve(code ?? signal)));
  let log = '';
  const started = new Promise((resolve, reject) => {
    child.stderr.on('data', text => { log += text; if (/^kurrentgate-devdb admin on /m.test(log)) resolve(); });
    ended.then(() => reject(new Error(log)));
  });
  await started;
  const address = /^kurrentgate-devdb listening on (\S+)$/m.exec(log)[1];
  const admin = /^kurrentgate-devdb admin on (\S+)$/m.exec(log)[1];
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  t.after(async () => {
    client.close();
    child.kill('SIGTERM');
    assert.equal(await ended, 0, log);
  });
  const http = async (method, path, body) => {
    const answer = await fetch(`http://${admin}${path}`, { method, body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  const fault = async order => assert.equal((await http('POST', '/faults', order)).status, 200);
  return { address, client, http, fault, child, ended, log: () => log };
}

const encode = (rpc, message) => { const type = root.lookupType(RPCS[rpc].req); return Buffer.from(type.encode(type.fromObject(message)).finish()); };
const event = (id = crypto.randomUUID()) => ({ id: { string: id }, metadata: { type: 'T', 'content-type': 'application/json' }, data: Buffer.from('{}') });
const batch = (stream, more = {}) => ({
  correlation_id: { string: crypto.randomUUID() },
  options: { stream_identifier: { stream_name: Buffer.from(stream) }, any: {} }, proposed_messages: [event()], is_final: true, ...more,
});

/** A call under way: its answers so far, and promises for what comes. */
function open(db, rpc, metadata = {}) {
  const md = new grpc.Metadata();
  for (const [k, v] of Object.entries({ ...db.metadata, ...metadata })) md.set(k, v);
  const call = db.client.makeBidiStreamRequest(RPCS[rpc].path, b => b, b => b, md);
  const answers = [];
  let wake = () => {};
  call.on('data', bytes => { answers.push(decode(RPCS[rpc].resp, bytes)); wake(); });
  call.on('error', () => {});
  const status = new Promise(resolve => call.on('status', s => resolve({ code: s.code, text: s.details, trailers: s.metadata.getMap() })));
  let over = false;
  status.then(() => { over = true; wake(); });
  const answer = async count => {
    while (answers.length < count && !over) await new Promise(resolve => { wake = resolve; });
    return answers;
  };
  const send = message => call.write(encode(rpc, message));
  return { call, answers, answer, send, status, isOver: () => over };
}

async function unary(db, rpc, ...messages) {
  const call = open(db, rpc);
  for (const message of messages) call.send(message);
  call.call.end();
  return { ...(await call.status), answers: call.answers };
}
const appendMessages = (stream, id) => [{ options: { stream_identifier: { stream_name: Buffer.from(stream) }, any: {} } }, { proposed_message: event(id) }];
const read = async (db, stream) => {
  const { answers } = await unary(db, 'Read', { options: { stream: { stream_identifier: { stream_name: Buffer.from(stream) }, start: {} }, count: 100, no_filter: {}, uuid_option: { string: {} } } });
  return answers.filter(a => a.event).length;
};
const quiet = () => new Promise(resolve => setTimeout(resolve, QUIET_MS));

test('drop-before: not stored, no answer, the call goes on', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', stream: 'a', action: 'drop-before', count: 1 });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  call.send(batch('b'));
  await call.answer(1);
  await quiet();
  assert.deepEqual(call.answers.map(a => a.stream_identifier.stream_name), ['b']);
  assert.equal(await read(db, 'a'), 0);
  call.send(batch('a'));
  assert.ok((await call.answer(2))[1].success);
  call.call.cancel();
});

test('drop-after: stored, no answer', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', action: 'drop-after', count: 1 });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  call.send(batch('b'));
  await call.answer(1);
  await quiet();
  assert.deepEqual(call.answers.map(a => a.stream_identifier.stream_name), ['b']);
  assert.equal(await read(db, 'a'), 1);
  call.call.cancel();
});

test('delay: stored at once, answered later, later answers pass it', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', stream: 'a', action: 'delay', delay_ms: 400 });
  const call = open(db, 'BatchAppend');
  const started = Date.now();
  call.send(batch('a'));
  call.send(batch('b'));
  await call.answer(2);
  assert.deepEqual(call.answers.map(a => a.stream_identifier.stream_name), ['b', 'a']);
  assert.ok(Date.now() - started >= 390);
  call.call.cancel();
});

const inBand = {
  'not-ready': { message: 'Server Is Not Ready', details: [{ type_url: 'type.googleapis.com/google.protobuf.Empty', value: {} }] },
  busy: { message: 'Server Is Busy', details: [{ type_url: 'type.googleapis.com/google.protobuf.Empty', value: {} }] },
  timeout: { code: 4, message: 'Timeout', details: [{ type_url: 'type.googleapis.com/event_store.client.Timeout', value: {} }] },
  'access-denied': { code: 7, message: 'AccessDenied', details: [{ type_url: 'type.googleapis.com/event_store.client.AccessDenied', value: {} }] },
};
for (const [action, error] of Object.entries(inBand))
  test(`${action} of a batch: in-band, the call goes on`, async t => {
    const db = await database(t);
    await db.fault({ method: 'BatchAppend', action, count: 1 });
    const call = open(db, 'BatchAppend');
    call.send(batch('a'));
    assert.deepEqual((await call.answer(1))[0].error, error);
    assert.equal(await read(db, 'a'), 0);
    call.send(batch('a'));
    assert.ok((await call.answer(2))[1].success);
    call.call.cancel();
  });

const statuses = {
  'not-ready': { code: 14, text: 'Server Is Not Ready', trailers: {} },
  busy: { code: 14, text: 'Server Is Too Busy', trailers: {} },
  timeout: { code: 10, text: 'Operation timed out: Commit phase timeout.', trailers: {} },
  'access-denied': { code: 7, text: 'Access Denied', trailers: { exception: 'access-denied' } },
  unauthenticated: { code: 16, text: 'Unauthenticated', trailers: {} },
  unimplemented: { code: 12, text: 'Method is unimplemented.', trailers: {} },
};
const shown = ({ code, text, trailers }) => {
  const { 'content-type': _type, date: _date, 'grpc-accept-encoding': _encoding, ...rest } = trailers;
  return { code, text, trailers: rest };
};
for (const [action, status] of Object.entries(statuses))
  test(`${action} of an Append: the call ends`, async t => {
    const db = await database(t);
    await db.fault({ method: 'Append', action, count: 1 });
    assert.deepEqual(shown(await unary(db, 'Append', ...appendMessages('a'))), status);
    assert.equal(await read(db, 'a'), 0);
    assert.equal((await unary(db, 'Append', ...appendMessages('a'))).code, 0);
  });

const record = stream => ({ record_id: crypto.randomUUID(), schema: { format: 'SCHEMA_FORMAT_JSON', name: 'T' }, data: Buffer.from('{}'), ...(stream && { stream }) });
const V2 = {
  AppendSession: { what: 'Append session', messages: (...streams) => streams.map(stream => ({ stream, records: [record()] })) },
  AppendRecords: { what: 'Append records', messages: (...streams) => [{ records: streams.map(record) }] },
};
const explain = ({ code, trailers }) => {
  const bytes = trailers['grpc-status-details-bin'];
  const { code: inner, message, details } = bytes ? decode('google.rpc.Status', bytes) : {};
  return { code, inner, message, details: details?.map(d => d.value) };
};
const retry = { retry_delay: { seconds: '5' } };
const refusals = {
  'not-ready': () => [14, 'SERVER_NOT_READY', 'The server is not yet ready to handle requests. Please try again after 5 seconds.', retry],
  busy: () => [14, 'SERVER_OVERLOADED', 'The server is currently overloaded and cannot handle the request. Please try again after 5 seconds.', retry],
  timeout: what => [4, 'OPERATION_TIMEOUT', `Operation timed out: ${what} timed out while waiting for commit Please try again after 5 seconds.`, retry],
  'access-denied': () => [7, 'ACCESS_DENIED', 'Access denied. Insufficient permissions to perform streams:write:b', { operation: 'streams:write:b' }],
};
for (const [rpc, { what, messages }] of Object.entries(V2))
  for (const [action, refusal] of Object.entries(refusals))
    test(`${action} of an ${rpc}: the call ends with details, and nothing is stored`, async t => {
      const db = await database(t);
      const [code, reason, message, detail] = refusal(what);
      await db.fault({ method: rpc, stream: 'b', action, count: 1 });
      assert.equal((await unary(db, rpc, ...messages('a'))).code, 0);
      assert.deepEqual(explain(await unary(db, rpc, ...messages('a', 'b'))), { code, inner: code, message, details: [{ reason, domain: 'server' }, detail] });
      assert.deepEqual([await read(db, 'a'), await read(db, 'b')], [1, 0]);
      assert.equal((await unary(db, rpc, ...messages('a', 'b'))).code, 0);
      assert.deepEqual([await read(db, 'a'), await read(db, 'b')], [2, 1]);
    });

for (const [rpc, { messages }] of Object.entries(V2))
  test(`${rpc}: a follower names its leader in details, a node without one is not ready`, async t => {
    const db = await database(t);
    await db.http('POST', '/role', { state: 'Follower', leader_host: '127.0.0.9', leader_port: 4711 });
    const { code, details: [info, detail] } = explain(await unary(db, rpc, ...messages('a')));
    assert.deepEqual([code, info.reason, detail.current_leader.host, detail.current_leader.port], [9, 'NOT_LEADER_NODE', '127.0.0.9', 4711]);
    await db.http('POST', '/role', { state: 'Unknown' });
    assert.equal(explain(await unary(db, rpc, ...messages('a'))).details[0].reason, 'SERVER_NOT_READY');
    await db.http('POST', '/role', { state: 'Leader' });
    assert.equal((await unary(db, rpc, ...messages('a'))).code, 0);
  });

for (const [rpc, { messages }] of Object.entries(V2))
  test(`${rpc}: dropped after storing, all of it is stored; dropped before, nothing`, async t => {
    const db = await database(t);
    for (const [action, stored] of [['drop-before', 0], ['drop-after', 1]]) {
      await db.fault({ method: rpc, stream: 'b', action, count: 1 });
      const call = open(db, rpc);
      for (const message of messages('a', 'b')) call.send(message);
      call.call.end();
      await quiet();
      assert.ok(!call.isOver());
      assert.deepEqual([await read(db, 'a'), await read(db, 'b')], [stored, stored]);
      call.call.cancel();
    }
  });

test('an Append that is dropped after storing stays open', async t => {
  const db = await database(t);
  await db.fault({ method: 'Append', action: 'drop-after', count: 1 });
  const call = open(db, 'Append');
  for (const message of appendMessages('a')) call.send(message);
  call.call.end();
  await quiet();
  assert.ok(!call.isOver());
  assert.equal(await read(db, 'a'), 1);
  call.call.cancel();
});

test('refuse ends a BatchAppend call as ordered; earlier answers are delivered', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', stream: 'b', action: 'refuse', status: 8, message: 'as ordered' });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  call.send(batch('b'));
  const status = await call.status;
  assert.deepEqual(shown(status), { code: 8, text: 'as ordered', trailers: {} });
  assert.deepEqual(call.answers.map(a => a.stream_identifier.stream_name), ['a']);
});

test('not-leader names the leader in trailers', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', action: 'not-leader', leader_host: '127.0.0.9', leader_port: 4711, count: 1 });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  assert.deepEqual(shown(await call.status), {
    code: 5, text: 'Leader info available', trailers: { exception: 'not-leader', 'leader-endpoint-host': '127.0.0.9', 'leader-endpoint-port': '4711' },
  });
});

test('unimplemented methods are not among the features', async t => {
  const db = await database(t);
  const names = async () => (await unary(db, 'Features', {})).answers[0].methods.map(m => m.method_name);
  assert.ok((await names()).includes('batchappend'));
  await db.fault({ method: 'BatchAppend', action: 'unimplemented' });
  assert.ok(!(await names()).includes('batchappend'));
  assert.equal((await open(db, 'BatchAppend').status).code, 12);
});

test('end-call ends the call without an answer', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', action: 'end-call', count: 1 });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  assert.equal((await call.status).code, 1);
  assert.deepEqual(call.answers, []);
  assert.equal(await read(db, 'a'), 0);
});

test('hang: the call neither answers nor ends', async t => {
  const db = await database(t);
  await db.fault({ method: 'BatchAppend', action: 'hang', count: 1 });
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  call.send(batch('b'));
  await quiet();
  assert.ok(!call.isOver());
  assert.deepEqual(call.answers, []);
  call.call.cancel();
  assert.equal(await read(db, 'b'), 0);
});

test('garbage: bytes that are no message', async t => {
  const db = await database(t);
  await db.fault({ action: 'garbage', count: 2 });
  const gossip = await unary(db, 'Gossip', {});
  assert.equal(gossip.code, 0);
  assert.ok(gossip.answers[0].$undecodable);
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  assert.ok((await call.answer(1))[0].$undecodable);
  call.send(batch('a'));
  assert.ok((await call.answer(2))[1].success);
  call.call.cancel();
});

test('big-trailers: the status comes with as many bytes as ordered', async t => {
  const db = await database(t);
  await db.fault({ method: 'Append', action: 'big-trailers', status: 9, message: 'big', trailer_bytes: 40000 });
  const { code, text, trailers } = await unary(db, 'Append', ...appendMessages('a'));
  assert.deepEqual([code, text, trailers['x-padding'].length], [9, 'big', 40000]);
});

test('restart with calls ended: GOAWAY, then the same port and data again', async t => {
  const db = await database(t);
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  await call.answer(1);
  assert.equal((await db.http('POST', '/restart', { calls: 'end' })).status, 200);
  assert.notEqual((await call.status).code, 0);
  for (const end = Date.now() + 20000; Date.now() < end;) {
    const next = open(db, 'BatchAppend');
    next.send(batch('a'));
    if ((await next.answer(1))[0]?.success) { next.call.cancel(); break; }
    await new Promise(resolve => setTimeout(resolve, 50));   // the client's own pause before it connects again
  }
  assert.equal(await read(db, 'a'), 2);
});

test('restart with calls finished: they go on, new ones get through', async t => {
  const db = await database(t);
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  await call.answer(1);
  await db.http('POST', '/restart', { calls: 'finish' });
  await db.http('POST', '/restart', { calls: 'finish' });
  const other = new grpc.Client(db.address, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  await new Promise((resolve, reject) => other.waitForReady(Date.now() + 5000, e => (e ? reject(e) : resolve())));
  assert.equal((await unary({ client: other }, 'Append', ...appendMessages('b'))).code, 0);
  call.send(batch('a'));
  assert.ok((await call.answer(2))[1].success);
  assert.ok(!call.isOver());
  call.call.cancel();
  other.close();
  assert.equal((await db.http('POST', '/restart', {})).status, 400);
});

test('a fault for every method strikes gossip, and is listed with its count', async t => {
  const db = await database(t);
  await db.fault({ method: '*', action: 'refuse', status: 14, message: 'gone', count: 2 });
  assert.equal((await unary(db, 'Gossip', {})).code, 14);
  assert.deepEqual((await db.http('GET', '/faults')).body, { faults: [{ method: '*', action: 'refuse', left: 1, struck: 1 }] });
  assert.equal((await unary(db, 'Append', ...appendMessages('a'))).code, 14);
  assert.equal((await unary(db, 'Gossip', {})).code, 0);
  await db.fault({ action: 'hang' });
  assert.equal((await db.http('DELETE', '/faults')).status, 200);
  assert.deepEqual((await db.http('GET', '/faults')).body, { faults: [] });
  assert.equal((await unary(db, 'Gossip', {})).code, 0);
});

test('orders that make no sense are refused', async t => {
  const db = await database(t);
  const orders = ['', '[]', '{', { action: 'explode' }, { method: 'Nothing', action: 'hang' }, { action: 'delay' }, { action: 'delay', delay_ms: -1 },
    { action: 'refuse', status: 17 }, { action: 'refuse', status: 1.5 }, { action: 'not-leader' }, { action: 'hang', count: 0 }, { action: 7 },
    { action: 'big-trailers', trailer_bytes: 1e9 }, { action: 'hang', stream: 'x'.repeat(256) }, 'x'.repeat(20000)];
  for (const order of orders) {
    const { status, body } = await db.http('POST', '/faults', order);
    assert.ok(status >= 400 && status < 500, JSON.stringify(order));
    assert.equal(typeof body.error, 'string');
  }
  assert.equal((await db.http('GET', '/nothing')).status, 404);
  assert.deepEqual((await db.http('GET', '/faults')).body, { faults: [] });
});

test('a follower says so, and sends writers to its leader', async t => {
  const db = await database(t);
  await db.http('POST', '/role', { state: 'Follower', leader_host: '127.0.0.9', leader_port: 4711 });
  assert.equal((await unary(db, 'Gossip', {})).answers[0].members[0].state, 'Follower');
  assert.equal((await unary(db, 'Append', ...appendMessages('a'))).trailers['leader-endpoint-port'], '4711');
  const call = open(db, 'BatchAppend');
  call.send(batch('a'));
  assert.equal((await call.status).trailers.exception, 'not-leader');
  await db.http('POST', '/role', { state: 'Unknown' });
  const other = open(db, 'BatchAppend');
  other.send(batch('a'));
  assert.equal((await other.answer(1))[0].error.message, 'Server Is Not Ready');
  await db.http('POST', '/role', { state: 'Leader' });
  other.send(batch('a'));
  assert.ok((await other.answer(2))[1].success);
  other.call.cancel();
  assert.equal((await db.http('POST', '/role', { state: 'King' })).status, 400);
});

test('gossip names the listening address, or the advertised one', async t => {
  const plain = await database(t);
  const endPoint = async db => (await unary(db, 'Gossip', {})).answers[0].members[0].http_end_point;
  const { address, port } = await endPoint(plain);
  assert.equal(`${address}:${port}`, plain.address);
  assert.deepEqual(await endPoint(await database(t, '--advertise', 'db.example:7')), { address: 'db.example', port: 7 });
});

test('statistics count calls, batches and what was stored', async t => {
  const db = await database(t);
  const call = open(db, 'BatchAppend');
  call.send(batch('a', { proposed_messages: [event(), event(), event()] }));
  call.send(batch('a', { options: { stream_identifier: { stream_name: Buffer.from('a') }, stream_position: 9 } }));
  await call.answer(2);
  const { memory_bytes, calls, ...stats } = (await db.http('GET', '/stats')).body;
  assert.ok(memory_bytes > 0);
  assert.deepEqual(Object.entries(calls).filter(([, count]) => count), [['BatchAppend', 1]]);
  assert.ok(Object.keys(calls).length >= 7);
  assert.deepEqual(stats, { appends_stored: 1, events_stored: 3, batches_received: 2, open_batch_calls: 1 });
  call.call.cancel();
  await call.status;
  while ((await db.http('GET', '/stats')).body.open_batch_calls) await new Promise(resolve => setTimeout(resolve, 10));
});

/** Options of a read of $all, by hand: the recorder's definitions leave it out. */
async function readAll(db, { from, backwards = false, count }) {
  const where = from === 'start' ? '1200' : from === 'end' ? '1a00' : (p => { const w = new (require('protobufjs').Writer)().uint32(8).uint64(p).uint32(16).uint64(p).finish(); return Buffer.from([0x0a, w.length, ...w]).toString('hex'); })(from);
  const all = Buffer.from(where, 'hex');
  const options = Buffer.concat([Buffer.from([0x12, all.length]), all, Buffer.from([0x18, backwards ? 1 : 0, 0x28, count, 0x42, 0, 0x4a, 2, 0x12, 0])]);
  const call = open(db, 'Read');
  call.call.end(Buffer.concat([Buffer.from([0x0a, options.length]), options]));
  assert.equal((await call.status).code, 0);
  return call.answers.map(a => a.event.event);
}

test('reads of all streams in the order of the log', async t => {
  const db = await database(t);
  assert.deepEqual(await readAll(db, { from: 'start', count: 10 }), []);
  for (const stream of ['a', 'b', 'a', 'c']) await unary(db, 'Append', ...appendMessages(stream));
  await unary(db, 'Delete', { options: { stream_identifier: { stream_name: Buffer.from('b') }, any: {} } });
  const names = events => events.map(e => e.stream_identifier.stream_name);
  const forwards = await readAll(db, { from: 'start', count: 10 });
  assert.deepEqual(names(forwards), ['a', 'b', 'a', 'c', '$$b']);
  const positions = forwards.map(e => BigInt(e.commit_position));
  assert.deepEqual(positions, positions.toSorted((x, y) => (x < y ? -1 : 1)));
  assert.deepEqual(names(await readAll(db, { from: 'end', backwards: true, count: 2 })), ['$$b', 'c']);
  assert.deepEqual(names(await readAll(db, { from: forwards[2].commit_position, count: 2 })), ['a', 'c']);
  assert.deepEqual(names(await readAll(db, { from: forwards[2].commit_position, backwards: true, count: 9 })), ['b', 'a']);
  assert.deepEqual(await readAll(db, { from: 'end', count: 9 }), []);
});

test('a full database refuses writes, keeps what it has, and answers reads', async t => {
  const db = await database(t, '--max-memory', '100000');
  const call = open(db, 'BatchAppend');
  let answer;
  let stored = 0;
  do {
    call.send(batch('a', { proposed_messages: [{ ...event(), data: Buffer.alloc(20000) }] }));
    answer = (await call.answer(++stored))[stored - 1];
  } while (answer.success && stored < 10);
  assert.equal(answer.error.code, 8);
  assert.match(answer.error.message, /--max-memory/);
  assert.ok(stored > 1);
  assert.equal(await read(db, 'a'), stored - 1);
  const big = appendMessages('a');
  big[1].proposed_message.data = Buffer.alloc(90000);
  assert.equal((await unary(db, 'Append', ...big)).code, 8);
  call.call.cancel();
});

test('a client that does not read its answers does not stop others', async t => {
  const db = await database(t);
  const call = open(db, 'BatchAppend');
  call.call.pause();
  for (let i = 0; i < 2000; i++) call.send(batch('x'.repeat(5000)));
  assert.equal((await unary(db, 'Append', ...appendMessages('a'))).code, 0);
  call.call.resume();
  assert.equal((await call.answer(2000)).length, 2000);
  call.call.cancel();
});

test('bytes that are no message, and endings at any time, leave it running', async t => {
  const db = await database(t);
  for (const rpc of ['Read', 'Append', 'Delete', 'Tombstone', 'BatchAppend', 'AppendSession', 'AppendRecords']) {
    for (const bytes of ['ff', '0aff', '0a8080808010', '', '1a04deadbeef', '08ffffffffffffffffff']) {
      const call = open(db, rpc);
      call.call.write(Buffer.from(bytes, 'hex'));
      if (rpc !== 'BatchAppend') call.call.end();
      assert.notEqual((await call.status).code, 0, `${rpc} ${bytes}`);
    }
    open(db, rpc).call.cancel();
  }
  for (let i = 0; i < 200; i++) {
    const call = open(db, 'BatchAppend');
    call.send(batch('a', i % 2 ? {} : { is_final: false }));
    if (i % 3) call.call.end();
    setTimeout(() => call.call.cancel(), i % 7);
  }
  assert.equal((await unary(db, 'Gossip', {})).code, 0);
});

test('it ends while calls are open', async t => {
  const db = await database(t);
  const call = open(db, 'BatchAppend');
  call.send(batch('a', { is_final: false }));
  await db.fault({ method: 'Gossip', action: 'delay', delay_ms: 60000 });
  const gossip = unary(db, 'Gossip', {});
  while (!(await db.http('GET', '/faults')).body.faults[0].struck) await new Promise(resolve => setTimeout(resolve, 10));
  db.child.kill('SIGINT');
  assert.equal(await db.ended, 0, db.log());
  assert.notEqual((await gossip).code, 0);
  assert.notEqual((await call.status).code, 0);
});

/** The same database as somebody else. */
const as = (db, pair) => ({ ...db, metadata: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } });

test('users: made and disabled by administrators only, and wrong credentials end any call', async t => {
  const db = await database(t, '--user', 'admin:pw-1', '--user', 'boss:pw-2:staff,$admins', '--user', 'plain:pw-3');
  const create = (who, name, groups = []) => unary(who, 'UsersCreate', { options: { login_name: name, password: 'pw-4', full_name: name, groups } });
  const append = async (who, stream) => (await unary(who, 'Append', ...appendMessages(stream))).code;
  for (const who of [db, as(db, 'plain:pw-3')]) {
    const { code, trailers } = await create(who, 'new');
    assert.equal(code, grpc.status.PERMISSION_DENIED);
    assert.equal(trailers.exception, 'access-denied');
    assert.equal((await unary(who, 'UsersDisable', { options: { login_name: 'admin' } })).code, grpc.status.PERMISSION_DENIED);
  }
  assert.equal(await append(as(db, 'new:pw-4'), 'a'), grpc.status.UNAUTHENTICATED);
  assert.equal((await create(as(db, 'boss:pw-2'), 'new', ['ops', '$admins'])).code, grpc.status.OK);
  assert.equal((await create(as(db, 'boss:pw-2'), 'new')).code, grpc.status.FAILED_PRECONDITION);
  assert.equal((await create(as(db, 'boss:pw-2'), 'a:b')).code, grpc.status.FAILED_PRECONDITION);
  assert.equal(await append(as(db, 'new:pw-4'), '$system'), grpc.status.OK);
  assert.equal(await append(as(db, 'plain:pw-3'), '$system'), grpc.status.PERMISSION_DENIED);
  assert.equal((await unary(as(db, 'admin:pw-1'), 'UsersDisable', { options: { login_name: 'nobody' } })).code, grpc.status.NOT_FOUND);
  assert.equal((await unary(as(db, 'admin:pw-1'), 'UsersDisable', { options: { login_name: 'new' } })).code, grpc.status.OK);
  for (const rpc of ['Gossip', 'Features', 'UsersCreate', 'Read', 'AppendSession']) {
    const { code, text, trailers } = await unary(as(db, 'new:pw-4'), rpc, {});
    assert.deepEqual([code, text], [grpc.status.UNAUTHENTICATED, 'Unauthenticated'], rpc);
    assert.deepEqual(Object.keys(trailers).filter(k => k !== 'content-type'), [], rpc);
  }
});

test('users: a call keeps the identity that it began with', async t => {
  const db = await database(t, '--user', 'admin:pw-1', '--user', 'plain:pw-2');
  const call = open(as(db, 'plain:pw-2'), 'BatchAppend');
  call.send(batch('a'));
  assert.ok((await call.answer(1))[0].success);
  assert.equal((await unary(as(db, 'admin:pw-1'), 'UsersDisable', { options: { login_name: 'plain' } })).code, grpc.status.OK);
  call.send(batch('a'));
  assert.ok((await call.answer(2))[1].success);
  call.call.cancel();
  assert.equal((await unary(as(db, 'plain:pw-2'), 'Gossip', {})).code, grpc.status.UNAUTHENTICATED);
});

test('without --user everybody may do anything, and users cannot be made', async t => {
  const db = await database(t);
  assert.equal((await unary(as(db, 'no:body'), 'Append', ...appendMessages('$system'))).code, grpc.status.OK);
  assert.equal((await unary(db, 'UsersCreate', { options: { login_name: 'a', password: 'b' } })).code, grpc.status.UNIMPLEMENTED);
});

test('TLS: verified by clients, no clear text beside it, the same after a restart', async t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kurrentgate-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const [cert, key, otherKey] = ['cert.pem', 'key.pem', 'other.pem'].map(name => path.join(folder, name));
  const make = keyFile => spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile,
    '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
  if (make(otherKey).status !== 0) return t.skip('needs the program openssl');
  make(key);
  const wrong = await run('--tls-cert', cert, '--tls-key', otherKey);
  assert.equal(wrong.code, 2);
  assert.match(wrong.text, /no pair/);
  const db = await database(t, '--tls-cert', cert, '--tls-key', key);
  const connect = trust => {
    const client = new grpc.Client(db.address, trust, { 'grpc.enable_retries': 0, 'grpc.ssl_target_name_override': 'localhost', 'grpc.use_local_subchannel_pool': 1 });
    t.after(() => client.close());
    return { ...db, client };
  };
  const trusting = connect(grpc.credentials.createSsl(fs.readFileSync(cert)));
  assert.equal((await unary(trusting, 'Append', ...appendMessages('a'))).code, grpc.status.OK);
  assert.equal((await unary(db, 'Gossip', {})).code, grpc.status.UNAVAILABLE);
  assert.equal((await unary(connect(grpc.credentials.createSsl()), 'Gossip', {})).code, grpc.status.UNAVAILABLE);
  assert.equal((await db.http('POST', '/restart', { calls: 'end' })).status, 200);
  const deadline = Date.now() + 20000;
  let again;
  for (;;) {
    again = await unary(trusting, 'Gossip', {});
    if (again.code === grpc.status.OK || Date.now() > deadline) break;   // a call on the dying connection may also end as INTERNAL
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.equal(again.code, grpc.status.OK);
  assert.equal(await read(trusting, 'a'), 1);
});

/** The program without a database: what it prints, and its status. */
const run = (...options) => new Promise(resolve => {
  const child = spawn(PROGRAM, options);
  let text = '';
  child.stdout.on('data', d => { text += d; });
  child.stderr.on('data', d => { text += d; });
  child.on('close', code => resolve({ code, text }));
});

test('the command line', async t => {
  const db = await database(t);
  assert.match(db.log(), /no production database/);
  const help = await run('--help');
  assert.equal(help.code, 0);
  const manual = fs.readFileSync(path.join(__dirname, '..', '..', 'devdb', 'kurrentgate-devdb.1'), 'utf8').replaceAll('\\-', '-').replace(/\\f[BIR]/g, '');
  const words = help.text.match(/--[a-z-]+|^ {11}[a-z]+(-[a-z]+)?(?=[ ,])|(?<=(POST|GET|DELETE) +)\/[a-z]+/gm).map(w => w.trim());
  assert.ok(words.length > 20);
  for (const word of words) assert.ok(manual.includes(word), `${word} is not in the manual`);
  assert.match((await run('--version')).text, /^kurrentgate-devdb \d/);
  for (const options of [['--nonsense'], ['--listen'], ['--listen', 'here'], ['--listen', '127.0.0.1:65536'], ['--listen', '::1:2113'], ['--max-memory', '0'],
    ['--max-append-size', '1x'], ['--max-append-event-size', '16777217'], ['extra'],
    ['--user', 'a'], ['--user', 'a:'], ['--user', ':b'], ['--user', 'a:b:'], ['--user', 'a:b:c,'], ['--user', 'a:b', '--user', 'a:c'],
    ['--tls-cert', PROGRAM], ['--tls-key', PROGRAM], ['--tls-cert', '/nowhere', '--tls-key', '/nowhere'], ['--tls-cert', __filename, '--tls-key', __filename]]) {
    const { code, text } = await run(...options);
    assert.equal(code, 2, options.join(' '));
    assert.ok(text.length > 10);
  }
  const taken = await run('--listen', db.address);
  assert.equal(taken.code, 1);
  assert.match(taken.text, /cannot listen/);
});
