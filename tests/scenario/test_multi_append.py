# SPDX-License-Identifier: Apache-2.0
"""M: several streams, grouped, all or nothing (api-design 6, 7)."""

import json
import uuid

import pytest

from harness import server
from harness.gateway import M_TARGET, envelope_of, event_of, group_of, groups_of
from harness.ids import derived_id
from harness.limits import limit, wait_until
from harness.problems import (HINT_IDS, HINT_INEXACT, HINT_KEY, check_problem, check_streams,
                              check_success)
from harness.wire import request

JSON = ("Content-Type", "application/json")
SHORT = {"Kurrent-Timeout": str(limit(0.5))}
# The refusal comes before bodies of many megabytes, and the connection is closed.
needs_it = pytest.mark.skipif(not server.is_at_least("25.1"), reason="needs multi-append")
# Of other versions than the one that all tests may be run with.
not_emulated = pytest.mark.own_version
E0 = "/streams/0/events/0"


@pytest.fixture
def a(stream):
    return stream + "-a"


@pytest.fixture
def b(stream):
    return stream + "-b"


@pytest.fixture
def c(stream):
    return stream + "-c"


def fill(gateway, stream, count):
    check_success(gateway.append(stream, envelope_of("any", [event_of()] * count)))


def one(stream, version="any", **members):
    """M with one group of one event."""
    return groups_of(group_of(stream, version, [event_of(**members)]))


def calls(devdb):
    """How many calls there were of either form of M."""
    return devdb.calls("AppendRecords") + devdb.calls("AppendSession")


# -- what is stored ------------------------------------------------------------------------

def test_what_is_stored_of_an_event(gateway, devdb, a):
    own_id = str(uuid.uuid4())
    data = '{ "b":1.10, "a":[ "\\u00e9" ],"a":null }'
    body = groups_of(group_of(a, "no_stream", [
        event_of(data, metadata='{"by":"\\u00e9\\ud83c\\udf93","$correlationId":"","a b":"/"}',
                 id=own_id.upper()),
        event_of(data=None, data_base64="AAH/"),
        event_of(' "x"  ', content_type="application/octet-stream", metadata="{}")]))
    members = check_streams(gateway.multi_append(body), [(a, 2)])
    assert members["event_ids"][0][0] == own_id
    json_event, bytes_event, marked_event = devdb.read(a)
    assert json_event.data == data.encode()
    assert json_event.content_type == "application/json"
    assert json_event.id == own_id
    assert json.loads(json_event.metadata) == {
        "by": "é🎓", "$correlationId": "", "a b": "/", "$schema.name": "T",
        "$schema.format": "Json"}
    assert (bytes_event.data, bytes_event.content_type) == (b"\x00\x01\xff",
                                                             "application/octet-stream")
    assert (marked_event.data, marked_event.content_type) == (b'"x"', "application/octet-stream")
    assert json.loads(marked_event.metadata) == {"$schema.name": "T", "$schema.format": "Bytes"}


def test_order_of_the_log_is_that_of_the_groups(gateway, devdb, a, b, c):
    body = groups_of(group_of(c, "any", [event_of()] * 2), group_of(a, "any", [event_of()]),
                     group_of(b, "any", [event_of()] * 3))
    members = check_streams(gateway.multi_append(body), [(c, 1), (a, 0), (b, 2)], replayed=False)
    stored = devdb.read(c) + devdb.read(a) + devdb.read(b)
    positions = [event.position for event in stored]
    assert positions == sorted(positions)
    assert positions[-1] == members["commit_position"]
    assert [event.id for event in stored] == sum(members["event_ids"], [])
    assert [len(ids) for ids in members["event_ids"]] == [2, 1, 3]


def test_members_of_a_group_in_any_order(gateway, devdb, a):
    body = '{"streams":[{"events":[%s],"current_version":"no_stream","stream_name":"%s"}]}'
    check_streams(gateway.multi_append(body % (event_of(), a)), [(a, 0)])
    assert len(devdb.read(a)) == 1


def test_versions_and_positions_as_strings(gateway, a, b):
    fill(gateway, a, 3)
    prefer = {"Prefer": "int64=string"}
    answer = gateway.multi_append(
        groups_of(group_of(a, "2", [event_of()]), group_of(b, -1, [event_of()])), prefer)
    assert answer.status == 200
    assert answer.header("Preference-Applied") == "int64=string"
    members = answer.json()
    assert members["streams"] == [{"stream_name": a, "current_version": "3"},
                                  {"stream_name": b, "current_version": "0"}]
    assert members["commit_position"] == answer.header("Kurrent-Position")
    answer = gateway.multi_append(one(a, 7), prefer)
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == ("7", "3")
    if server.lists_all_failures():
        [failure] = members["failures"]
        assert (failure["expected_version"], failure["actual_version"]) == ("7", "3")


def test_metadata_of_a_stream_beside_its_first_event(gateway, devdb, a):
    body = groups_of(group_of("$$" + a, "no_stream", [
        event_of('{"$maxCount":2}', type="$metadata")]), group_of(a, "no_stream", [event_of()]))
    check_streams(gateway.multi_append(body), [("$$" + a, 0), (a, 0)])
    [event] = devdb.read("$$" + a)
    assert (event.type, event.data) == (b"$metadata", b'{"$maxCount":2}')


@pytest.mark.parametrize("expectation", ["no_stream", "any", -1, -2, "-1", "-2"])
def test_expectations_of_a_new_stream(gateway, a, expectation):
    check_streams(gateway.multi_append(one(a, expectation)), [(a, 0)])


@pytest.mark.parametrize("expectation", [0, "0", "exists", -4, "-4", "any"])
def test_expectations_of_an_old_stream(gateway, a, expectation):
    fill(gateway, a, 1)
    check_streams(gateway.multi_append(one(a, expectation)), [(a, 1)])


def test_default_expectation(devdb, start_gateway, a, b):
    gateway = start_gateway(devdb.address, default_current_version="no_stream")
    body = groups_of(group_of(a, None, [event_of()]), group_of(b, "any", [event_of()]))
    check_streams(gateway.multi_append(body), [(a, 0), (b, 0)])
    members = check_problem(gateway.multi_append(body), 409, "wrong-current-version")
    assert (members["pointer"], members["expected_version"]) == ("/streams/0", "no_stream")


@pytest.mark.devdb_only
def test_a_thousand_groups(gateway, devdb, stream):
    names = [f"{stream}-{number}" for number in range(1000)]
    body = groups_of(*(group_of(name, "no_stream", [event_of()]) for name in names))
    members = check_streams(gateway.multi_append(body), [(name, 0) for name in names])
    assert [len(ids) for ids in members["event_ids"]] == [1] * 1000
    assert devdb.read(names[999])[0].position == members["commit_position"]
    members = check_problem(gateway.multi_append(body), 409, "wrong-current-version")
    if server.lists_all_failures():
        assert [each["pointer"] for each in members["failures"]] == [
            f"/streams/{number}" for number in range(1000)]


# -- ids -----------------------------------------------------------------------------------

def test_ids_from_a_key(gateway, devdb, a, b):
    key = f"key-{a}"
    body = groups_of(group_of(a, "no_stream", [event_of()] * 2),
                     group_of(b, "no_stream", [event_of()]))
    answer = gateway.multi_append(body, {"Idempotency-Key": key})
    members = check_streams(answer, [(a, 1), (b, 0)])
    ids = [derived_id(a, key, 0, M_TARGET), derived_id(a, key, 1, M_TARGET),
           derived_id(b, key, 2, M_TARGET)]
    assert members["event_ids"] == [ids[:2], ids[2:]]
    assert [event.id for event in devdb.read(a) + devdb.read(b)] == ids


# -- refusals of the database --------------------------------------------------------------

def failure(pointer, stream, code, expected, actual):
    return {"pointer": pointer, "stream_name": stream, "code": code,
            "expected_version": expected, "actual_version": actual}


def check_failures(members, wanted):
    assert members["failures_complete"] is server.lists_all_failures()
    if server.lists_all_failures():
        assert members["failures"] == wanted, members
    else:
        assert "failures" not in members


def test_conflict_of_the_second_stream(gateway, devdb, a, b):
    fill(gateway, a, 2)
    fill(gateway, b, 1)
    answer = gateway.multi_append(groups_of(group_of(a, 1, [event_of()]),
                                            group_of(b, 5, [event_of()])))
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["pointer"] == "/streams/1"
    assert members["stream_name"] == b
    assert (members["expected_version"], members["actual_version"]) == (5, 0)
    assert members["detail"] == (
        f'Stream "{b}" is at version 0, the request expected version 5.')
    check_failures(members, [failure("/streams/1", b, "wrong-current-version", 5, 0)])
    assert answer.header("Kurrent-CurrentVersion") is None
    assert len(devdb.read(a)) == 2 and len(devdb.read(b)) == 1


def test_every_kind_of_failure_at_once(gateway, devdb, stream, a, b, c):
    gone, fresh = stream + "-gone", stream + "-fresh"
    for each in (a, b, gone):
        fill(gateway, each, 2)
    devdb.delete(b)
    devdb.tombstone(gone)
    answer = gateway.multi_append(groups_of(
        group_of(fresh, "no_stream", [event_of()]), group_of(a, "no_stream", [event_of()]),
        group_of(b, "exists", [event_of()]), group_of(c, "exists", [event_of()]),
        group_of(gone, 1, [event_of()])))
    if server.lists_all_failures():
        members = check_problem(answer, 409, "wrong-current-version")
        assert (members["expected_version"], members["actual_version"]) == ("no_stream", 1)
        assert (members["pointer"], members["stream_name"]) == ("/streams/1", a)
    check_failures(answer.json(), [
        failure("/streams/1", a, "wrong-current-version", "no_stream", 1),
        failure("/streams/2", b, "stream-deleted", "exists", "deleted"),
        failure("/streams/3", c, "wrong-current-version", "exists", "no_stream"),
        failure("/streams/4", gone, "stream-tombstoned", 1, "tombstoned")])
    assert devdb.read(fresh) == [] and devdb.read(c) == []
    assert len(devdb.read(a)) == 2


@pytest.mark.parametrize("expectation", [1, "no_stream", "any"])
def test_tombstoned_stream(gateway, devdb, a, b, expectation):
    fill(gateway, b, 2)
    devdb.tombstone(b)
    answer = gateway.multi_append(groups_of(group_of(a, "any", [event_of()]),
                                            group_of(b, expectation, [event_of()])))
    members = check_problem(answer, 410, "stream-tombstoned")
    assert (members["stream_name"], members["pointer"]) == (b, "/streams/1")
    assert "expected_version" not in members
    if server.lists_all_failures() and expectation != "any":
        check_failures(members, [
            failure("/streams/1", b, "stream-tombstoned", expectation, "tombstoned")])
    assert devdb.read(a) == []


def test_deleted_stream_that_should_exist(gateway, devdb, a, b):
    fill(gateway, a, 2)
    devdb.delete(a)
    answer = gateway.multi_append(groups_of(group_of(a, "exists", [event_of()]),
                                            group_of(b, "any", [event_of()])))
    members = check_problem(answer, 410, "stream-deleted")
    assert (members["stream_name"], members["pointer"]) == (a, "/streams/0")
    check_failures(members, [failure("/streams/0", a, "stream-deleted", "exists", "deleted")])
    assert devdb.read(b) == []


@pytest.mark.parametrize("expectation", ["no_stream", 1, "any"])
def test_deleted_stream_goes_on(gateway, devdb, a, expectation):
    fill(gateway, a, 2)
    devdb.delete(a)
    check_streams(gateway.multi_append(one(a, expectation)), [(a, 2)])


def test_part_of_a_replay_is_a_conflict(gateway, devdb, a, b):
    event = event_of(id=str(uuid.uuid4()))
    check_success(gateway.append(a, envelope_of("no_stream", [event])))
    answer = gateway.multi_append(groups_of(group_of(a, "no_stream", [event]),
                                            group_of(b, "no_stream", [event_of()])))
    if server.lists_all_failures():
        check_problem(answer, 409, "wrong-current-version")
    else:
        assert answer.status in (409, 502), "25.1 has no reason to give (wire-protocol 4.4)"
    assert len(devdb.read(a)) == 1 and devdb.read(b) == []


# -- rules that are checked before anything is sent ----------------------------------------

def test_same_stream_twice(gateway, devdb, refused, a, b):
    body = groups_of(*(group_of(name, "any", [event_of()]) for name in (a, b, a, a)))
    _, members = refused(request("POST", M_TARGET, [JSON], body.encode()), 422,
                         "duplicate-stream",
                         ["/streams/2/stream_name", "/streams/3/stream_name"])
    assert members["errors"][0]["detail"] == "The stream of /streams/0 stands here again."
    assert devdb.read(a) == [] and devdb.read(b) == []


@pytest.mark.parametrize("left, right", [
    ("Order", "order"), ("\u00c9", "\u00e9"), ("\U00010400", "\U00010428"), ("\u03c3", "\u03c2"),
    ("\u01c5", "\u01c4"), ("\u1fb3", "\u1fbc"), ("\u00b5", "\u03bc"), ("\u0131", "i"),
    ("\u017f", "S")])
def test_names_that_differ_by_letter_case(refused, stream, left, right):
    body = groups_of(group_of(stream + left, "any", [event_of()]),
                     group_of(stream + right, "any", [event_of()]))
    refused(request("POST", M_TARGET, [JSON], body.encode()), 422, "case-variant-streams",
            ["/streams/1/stream_name"])


@pytest.mark.parametrize("left, right", [
    ("\u00e9", "e\u0301"), ("\u00df", "\u1e9e"), ("\u212a", "k"), ("\u0130", "i")])
def test_names_that_the_database_keeps_apart(gateway, devdb, stream, left, right):
    names = [stream + left, stream + right]
    answer = gateway.multi_append(groups_of(*(group_of(name, "no_stream", [event_of()])
                                              for name in names)))
    check_streams(answer, [(name, 0) for name in names])
    assert [len(devdb.read(name)) for name in names] == [1, 1]


@pytest.mark.parametrize("event_type", [
    "a b", "a/b", "a\n", "e\u0301", "\U0001d49c", "\U0001f600", "\u0915\u093f", "a\u00b7b", "\u212b",
    "\uf900", "a\u200db", "\u1112\u1161"])
def test_types_that_are_refused(refused, stream, event_type):
    refused(request("POST", M_TARGET, [JSON], one(stream, type=event_type).encode()), 422,
            "invalid-event-type", [E0 + "/type"])


@pytest.mark.parametrize("event_type", [
    "a.b:c-d_e$", "Gr\u00f6\u00dfe", "\u6ce8\u6587", "\u2167\u00bd\u00b2", "\ufb01le", "\ud55c"])
def test_types_that_are_taken(gateway, devdb, a, event_type):
    answer = gateway.multi_append(one(a, type=event_type))
    if not server.lists_all_failures() and not event_type.isascii():
        members = check_problem(answer, 422, "invalid-event-type", [E0 + "/type"])
        assert "older than 26.1" in members["detail"]
        return
    check_streams(answer, [(a, 0)])
    assert devdb.read(a)[0].type == event_type.encode()


@pytest.mark.parametrize("metadata, code, pointers", [
    ("null", "metadata-not-strings", ["/metadata"]),
    ("[]", "metadata-not-strings", ["/metadata"]),
    ('"x"', "metadata-not-strings", ["/metadata"]),
    ('{"a":"b","n":1,"o":{"p":"q"},"l":[],"t":true,"z":null}', "metadata-not-strings",
     ["/metadata/n", "/metadata/o", "/metadata/l", "/metadata/t", "/metadata/z"]),
    ('{"$schema.name":"x","$schema":"y"}', "reserved-metadata-key", ["/metadata/$schema.name"]),
    ('{"a":"1","b":"2","\\u0061":"3"}', "duplicate-member", ["/metadata/a"]),
    ('{"":"x"}', "invalid-request", ["/metadata/"]),
    ('{"\\u2003":"x"}', "invalid-request", ["/metadata/\u2003"]),
    ('{"k":"\\ud800"}', "invalid-request", ["/metadata/k"])])
def test_metadata_that_is_refused(refused, stream, metadata, code, pointers):
    refused(request("POST", M_TARGET, [JSON], one(stream, metadata=metadata).encode()), 422, code,
            [E0 + each for each in pointers])


def test_metadata_in_base64(refused, stream):
    refused(request("POST", M_TARGET, [JSON], one(stream, metadata_base64="e30=").encode()), 422,
            "metadata-not-strings", [E0 + "/metadata_base64"])


def test_findings_of_all_rules_in_the_order_of_the_document(refused, stream):
    body = groups_of(
        group_of(stream, "any", [event_of(type="!"), event_of(metadata='{"n":1}')]),
        group_of(stream.upper(), "any", [event_of()]),
        group_of(stream, "any", [event_of(metadata='{"$schema.x":""}')]))
    refused(request("POST", M_TARGET, [JSON], body.encode()), 422, "invalid-event-type", [
        "/streams/0/events/0/type", "/streams/0/events/1/metadata/n", "/streams/1/stream_name",
        "/streams/2/stream_name", "/streams/2/events/0/metadata/$schema.x"])


# -- shape and values ----------------------------------------------------------------------

@pytest.mark.parametrize("body, code, pointers", [
    ("[]", "invalid-request", [""]),
    ("{}", "invalid-request", ["/streams"]),
    ('{"streams":7}', "invalid-request", ["/streams"]),
    ('{"streams":[]}', "invalid-request", ["/streams"]),
    ('{"stream":[]}', "unknown-member", ["/stream", "/streams"]),
    ('{"streams":[1]}', "invalid-request", ["/streams/0"]),
    ('{"streams":[{}]}', "invalid-request",
     ["/streams/0/stream_name", "/streams/0/current_version", "/streams/0/events"]),
    ('{"streams":[{"stream_name":"@","current_version":"deleted","events":[]}]}',
     "invalid-request", ["/streams/0/current_version", "/streams/0/events"]),
    ('{"streams":[{"stream_name":" ","current_version":1,"events":[{"type":"T","data":1,'
     '"id":"x"}]}]}', "invalid-request", ["/streams/0/stream_name", "/streams/0/events/0/id"]),
    ('{"streams":[{"events":[{"type":"T","data":1}],"current_version":1,"stream_name":"$$@"}]}',
     "invalid-request", ["/streams/0/events/0/type", "/streams/0/events/0/data"]),
    ('{"streams":[{"stream_name":"@","current_version":1,"events":[{"type":"T","data":1,'
     '"type":"U","dat":1}]}]}', "duplicate-member",
     ["/streams/0/events/0/type", "/streams/0/events/0/dat"])])
def test_shape_and_values(refused, stream, body, code, pointers):
    content = body.replace("@", stream).encode()
    refused(request("POST", M_TARGET, [JSON], content), 422, code, pointers)


def test_hint_for_a_member_of_a_group(refused, stream):
    body = one(stream).replace('"current_version"', '"expected_version"')
    _, members = refused(request("POST", M_TARGET, [JSON], body.encode()), 422, "unknown-member",
                         ["/streams/0/expected_version", "/streams/0/current_version"])
    assert members["errors"][0]["hint"]


def test_syntax_wins_and_is_told_by_its_byte(refused, stream):
    body = groups_of(group_of("", "any", [event_of('{"a":tru}')])).encode()
    _, members = refused(request("POST", M_TARGET, [JSON], body), 400, "malformed-json")
    assert members["byte_offset"] == body.index(b"tru}") + 3


@pytest.mark.parametrize("name, value", [
    ("Kurrent-ExpectedVersion", "any"), ("Kurrent-EventId", str(uuid.uuid4())),
    ("If-Match", '"1"'), ("Kurrent-Metadata", "{}")])
def test_fields_that_mean_nothing_here(refused, stream, name, value):
    content = request("POST", M_TARGET, [JSON, (name, value)], one(stream).encode())
    refused(content, 400, "conflicting-parameters", [f"header:{name}"], closes=True)


def test_query_that_means_nothing_here(refused, stream):
    content = request("POST", M_TARGET + "?current_version=any", [JSON], one(stream).encode())
    refused(content, 422, "unknown-member", ["query:current_version"], closes=True)


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "text/plain", None])
def test_media_types(refused, stream, media_type):
    fields = [("Content-Type", media_type)] if media_type else []
    _, members = refused(request("POST", M_TARGET, fields, one(stream).encode()), 415,
                         "unsupported-media-type", closes=True)
    assert members["accepted_types"] == ["application/json"]


def test_method(gateway):
    answer = gateway.get(M_TARGET)
    check_problem(answer, 405, "method-not-allowed")
    assert answer.header("Allow") == "POST, OPTIONS"


# -- sizes ---------------------------------------------------------------------------------

def test_too_many_events_over_all_groups(refused, stream):
    body = groups_of(*(group_of(f"{stream}-{number}", "any", [event_of()] * 501)
                       for number in range(2)))
    _, members = refused(request("POST", M_TARGET, [JSON], body.encode()), 413,
                         "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (1000, 1002)
    assert members["enforced_by"] == "gateway"


@pytest.fixture
def wide(devdb, start_gateway):
    return start_gateway(devdb.address, max_body_bytes="64MiB", default_timeout_seconds="30",
                         max_timeout_seconds="60")


def big(size):
    return '"' + "x" * (size - 2) + '"'


@needs_it
@pytest.mark.seconds(60)
@pytest.mark.devdb_only
def test_event_that_is_too_large(wide, devdb, a, b):
    """16,767,216 bytes of data, metadata as properties, and twice the type."""
    before = calls(devdb)
    body = groups_of(group_of(a, "any", [event_of()]), group_of(b, "any", [event_of(big(16767215))]))
    members = check_problem(wide.multi_append(body, seconds=40), 413, "event-too-large")
    assert members["limit_bytes"] == 16767216 and members["enforced_by"] == "gateway"
    assert members["detail"].startswith("Event 1, counted from 0,")
    assert calls(devdb) == before and devdb.read(a) == []


@needs_it
@pytest.mark.seconds(60)
@pytest.mark.devdb_only
def test_append_that_is_too_large(wide, devdb, a, b):
    """30,000,000 bytes are the limit of AppendRecords; AppendSession has none."""
    body = groups_of(group_of(a, "any", [event_of(big(15_500_000))]),
                     group_of(b, "any", [event_of(big(15_500_000))]))
    answer = wide.multi_append(body, seconds=40)
    if server.lists_all_failures():
        members = check_problem(answer, 413, "append-too-large")
        assert members["limit_bytes"] == 30_000_000 and members["enforced_by"] == "gateway"
        assert members["actual_bytes"] > 31_000_000
        assert devdb.read(a) == []
    else:
        check_streams(answer, [(a, 0), (b, 0)])


# -- no answer -----------------------------------------------------------------------------

def lose_answer(faults, action):
    method = "AppendRecords" if server.lists_all_failures() else "AppendSession"
    faults(action, method=method, count=1)


@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
def test_lost_answer_of_an_exact_request(gateway, devdb, faults, a, b, action, stored):
    lose_answer(faults, action)
    body = groups_of(group_of(a, "no_stream", [event_of()] * 2),
                     group_of(b, "no_stream", [event_of()]))
    answer = gateway.multi_append(body, SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_IDS
    assert [len(ids) for ids in members["event_ids"]] == [2, 1]
    assert len(devdb.read(b)) == stored
    again = groups_of(
        group_of(a, "no_stream", [event_of(id=each) for each in members["event_ids"][0]]),
        group_of(b, "no_stream", [event_of(id=each) for each in members["event_ids"][1]]))
    check_streams(gateway.multi_append(again), [(a, 1), (b, 0)])
    stored_ids = [event.id for event in devdb.read(a) + devdb.read(b)]
    assert stored_ids == sum(members["event_ids"], [])


@pytest.mark.parametrize("expectation", ["any", "exists"])
def test_lost_answer_where_one_expectation_is_inexact(gateway, devdb, faults, a, b, expectation):
    fill(gateway, b, 1)
    lose_answer(faults, "drop-after")
    answer = gateway.multi_append(groups_of(group_of(a, "no_stream", [event_of()]),
                                            group_of(b, expectation, [event_of()])), SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT
    assert len(devdb.read(a)) == 1


def test_lost_answer_with_a_key(gateway, devdb, faults, a, b):
    lose_answer(faults, "drop-after")
    key = {"Idempotency-Key": f"key-{a}"}
    body = groups_of(group_of(a, "no_stream", [event_of()]), group_of(b, "no_stream", [event_of()]))
    answer = gateway.multi_append(body, {**SHORT, **key})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_KEY
    again = check_streams(gateway.multi_append(body, key), [(a, 0), (b, 0)])
    assert again["event_ids"] == members["event_ids"]
    assert len(devdb.read(a)) == 1 and len(devdb.read(b)) == 1


def test_call_that_ends_after_the_write(gateway, devdb, faults, a, b):
    lose_answer(faults, "end-call")
    body = [group_of(name, "no_stream", [event_of(id=str(uuid.uuid4()))]) for name in (a, b)]
    members = check_problem(gateway.multi_append(groups_of(*body)), 503, "connection-lost",
                            outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_IDS
    check_streams(gateway.multi_append(groups_of(*body)), [(a, 0), (b, 0)])
    assert len(devdb.read(a)) == 1 and len(devdb.read(b)) == 1


# -- servers -------------------------------------------------------------------------------

@not_emulated
@pytest.mark.parametrize("version, method", [("26.1", "AppendRecords"), ("25.1", "AppendSession")])
def test_form_by_server(start_devdb, start_gateway, a, version, method):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    answer = gateway.multi_append(one(a, "no_stream"))
    assert answer.status == 200
    assert devdb.calls(method) == 1 and calls(devdb) == 1
    members = check_problem(gateway.multi_append(one(a, "no_stream")), 409,
                            "wrong-current-version")
    assert members["failures_complete"] is (version == "26.1")
    assert ("failures" in members) is (version == "26.1")
    assert members["pointer"] == "/streams/0"


@not_emulated
@pytest.mark.parametrize("version", ["24.10", "23.10"])
def test_server_without_it(start_devdb, start_gateway, a, version):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    content = request("POST", M_TARGET, [JSON], one(a).encode())
    with gateway.connect() as connection:
        connection.send_blindly(content)
        answer = connection.receive("POST")
    members = check_problem(answer, 501, "operation-not-supported")
    assert members["requires"] == "25.1"
    assert members["server_version"].startswith(version + ".")
    assert devdb.read(a) == []


@not_emulated
def test_server_that_was_not_known_before(start_devdb, start_gateway, a):
    """Step 23: the request waits for a leader, and then learns that it lacks the operation."""
    devdb = start_devdb(emulate="24.10")
    devdb.set_role("Follower")
    gateway = start_gateway(devdb.address, wait_ready=False)
    with gateway.connect() as connection:
        fields = [JSON, ("Kurrent-Timeout", "25")]
        connection.send(request("POST", M_TARGET, fields, one(a).encode()))
        assert connection.is_quiet(0.2)
        devdb.set_role("Leader")
        members = check_problem(connection.receive("POST"), 501, "operation-not-supported")
    assert members["requires"] == "25.1" and members["server_version"].startswith("24.10.")
    assert devdb.read(a) == []


@not_emulated
def test_type_that_only_the_server_knows_to_refuse(start_devdb, start_gateway, a, b):
    """The version of the server was not known yet when the body was read."""
    devdb = start_devdb(emulate="25.1")
    devdb.set_role("Follower")
    gateway = start_gateway(devdb.address, wait_ready=False)
    body = groups_of(group_of(a, "any", [event_of()] * 2),
                     group_of(b, "any", [event_of(), event_of(type="Gr\u00f6\u00dfe")]))
    with gateway.connect() as connection:
        fields = [JSON, ("Kurrent-Timeout", "25")]
        connection.send(request("POST", M_TARGET, fields, body.encode()))
        assert connection.is_quiet(0.2)
        devdb.set_role("Leader")
        answer = connection.receive("POST")
    check_problem(answer, 422, "invalid-event-type", ["/streams/1/events/1/type"])
    assert devdb.read(a) == [] and devdb.read(b) == []
