# SPDX-License-Identifier: Apache-2.0
"""K: records in any order, with checks, all or nothing (api-design 7)."""

import json
import uuid

import pytest

from harness.gateway import K_TARGET, envelope_of, event_of, record_of, records_of
from harness.ids import derived_id
from harness.limits import limit
from harness.problems import (HINT_IDS, HINT_INEXACT, HINT_KEY, check_problem, check_streams,
                              check_success)
from harness.wire import request

JSON = ("Content-Type", "application/json")
SHORT = {"Kurrent-Timeout": str(limit(0.5))}
# With bodies of many megabytes, or of other versions than the one that all tests may be run with.
not_emulated = pytest.mark.own_version


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


def post(body):
    return request("POST", K_TARGET, [JSON], body.encode())


# -- what is stored ------------------------------------------------------------------------

def test_records_of_several_streams_interleaved(gateway, devdb, a, b, c):
    fill(gateway, c, 3)
    own_id = str(uuid.uuid4())
    body = records_of([record_of(b, '{"n" :1}', type="One", metadata='{"by":"x"}'),
                       record_of(a, data=None, data_base64="AAH/", type="Two"),
                       record_of(b, "null", type="Three", id=own_id)],
                      [(a, "no_stream"), (c, 2), (b, "no_stream")])
    members = check_streams(gateway.append_records(body), [(b, 1), (a, 0)])
    one, three = devdb.read(b)
    [two] = devdb.read(a)
    assert one.position < two.position < three.position == members["commit_position"]
    assert [one.id, two.id, three.id] == members["event_ids"]
    assert three.id == own_id
    assert [event.type for event in (one, two, three)] == [b"One", b"Two", b"Three"]
    assert [event.data for event in (one, two, three)] == [b'{"n" :1}', b"\x00\x01\xff", b"null"]
    assert json.loads(one.metadata) == {"by": "x", "$schema.name": "One",
                                        "$schema.format": "Json"}
    assert two.content_type == "application/octet-stream"
    assert len(devdb.read(c)) == 3


def test_streams_are_in_the_order_of_records_not_of_checks(gateway, a, b, c):
    body = records_of([record_of(c), record_of(a), record_of(c), record_of(b)],
                      [(b, "no_stream"), (a, "no_stream")])
    check_streams(gateway.append_records(body), [(c, 1), (a, 0), (b, 0)])


def test_checks_in_front_of_records(gateway, a, b):
    body = ('{"checks":[{"expected_state":"no_stream","stream_name":%s}],"records":[%s,%s]}'
            % (json.dumps(b), record_of(a), record_of(b)))
    check_streams(gateway.append_records(body), [(a, 0), (b, 0)])


def test_versions_and_positions_as_strings(gateway, a, b):
    fill(gateway, a, 2)
    prefer = {"Prefer": "int64=string"}
    answer = gateway.append_records(records_of([record_of(a)], [(a, 1)]), prefer)
    assert answer.status == 200
    members = answer.json()
    assert members["streams"] == [{"stream_name": a, "current_version": "2"}]
    assert members["commit_position"] == answer.header("Kurrent-Position")
    answer = gateway.append_records(records_of([record_of(a)], [(a, 1), (b, "exists")]), prefer)
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert [(each["check_index"], each["expected_state"], each["actual_state"])
            for each in members["failures"]] == [(0, "1", "2"), (1, "exists", "no_stream")]


def test_metadata_of_a_stream_beside_its_first_event(gateway, devdb, a):
    metadata = '{"type":"$metadata","data":{"$maxCount":2},"stream_name":%s}'
    body = records_of([metadata % json.dumps("$$" + a), record_of(a)])
    check_streams(gateway.append_records(body), [("$$" + a, 0), (a, 0)])
    assert devdb.read("$$" + a)[0].data == b'{"$maxCount":2}'


@pytest.mark.parametrize("wanted", ["no_stream", -1, "-1"])
def test_states_of_a_new_stream(gateway, a, b, wanted):
    check_streams(gateway.append_records(records_of([record_of(a)], [(a, wanted), (b, wanted)])),
                  [(a, 0)])


@pytest.mark.parametrize("wanted", [0, "0", "exists", -4, "-4"])
def test_states_of_an_old_stream(gateway, a, b, wanted):
    fill(gateway, a, 1)
    fill(gateway, b, 1)
    check_streams(gateway.append_records(records_of([record_of(a)], [(a, wanted), (b, wanted)])),
                  [(a, 1)])


def test_states_of_streams_that_are_gone(gateway, devdb, a, b, c):
    fill(gateway, b, 2)
    fill(gateway, c, 2)
    devdb.delete(b)
    devdb.tombstone(c)
    for checks in ([(b, "deleted")], [(c, "tombstoned")], [(b, "deleted"), (c, "tombstoned")],
                   [(b, 1)], [(b, "no_stream"), (c, "no_stream")]):
        answer = gateway.append_records(records_of([record_of(a)], checks))
        assert answer.status == 200, (checks, answer)


def test_the_same_id_twice_is_passed_on(gateway, devdb, a, b):
    own_id = str(uuid.uuid4())
    body = records_of([record_of(a, id=own_id), record_of(b, id=own_id)], [(a, "no_stream")])
    assert gateway.append_records(body).status == 200
    assert [event.id for event in devdb.read(a) + devdb.read(b)] == [own_id] * 2


def test_ids_from_a_key(gateway, devdb, a, b):
    key = f"key-{a}"
    body = records_of([record_of(a), record_of(b), record_of(a)])
    answer = gateway.append_records(body, {"Idempotency-Key": key})
    ids = [derived_id(name, key, ordinal, K_TARGET) for ordinal, name in enumerate((a, b, a))]
    assert check_streams(answer, [(a, 1), (b, 0)])["event_ids"] == ids
    assert [event.id for event in devdb.read(a)] == [ids[0], ids[2]]


# -- checks that fail ----------------------------------------------------------------------

def failure(kind, index, pointer, stream, expected, actual):
    return {"kind": kind, "check_index": index, "pointer": pointer, "stream_name": stream,
            "expected_state": expected, "actual_state": actual}


def test_two_checks_and_a_target(gateway, devdb, stream, a, b, c):
    """The example of the contract."""
    audit = stream + "-audit"
    for each in (a, c, audit):
        fill(gateway, each, 2)
    devdb.delete(c)
    devdb.tombstone(audit)
    body = records_of([record_of(a), record_of(b), record_of(audit), record_of(audit)],
                      [(a, "no_stream"), (b, "no_stream"), (c, "exists")])
    answer = gateway.append_records(body)
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["detail"] == "2 of 3 checks failed and 1 target stream cannot be written."
    assert members["failures"] == [
        failure("check", 0, "/checks/0", a, "no_stream", 1),
        failure("check", 2, "/checks/2", c, "exists", "deleted"),
        failure("target", None, "/records/2", audit, "any", "tombstoned")]
    assert members["failures_complete"] is True
    assert "stream_name" not in members and "pointer" not in members
    assert answer.header("Kurrent-CurrentVersion") is None
    assert len(devdb.read(a)) == 2 and devdb.read(b) == []


def test_checks_by_index_then_targets_by_first_record(gateway, devdb, stream, a, b):
    gone = [f"{stream}-gone-{number}" for number in range(3)]
    for each in gone:
        fill(gateway, each, 1)
        devdb.tombstone(each)
    body = records_of([record_of(gone[2]), record_of(a), record_of(gone[0]), record_of(gone[1])],
                      [(b, 7), (gone[0], 0), (a, 3)])
    members = check_problem(gateway.append_records(body), 409, "consistency-checks-failed")
    assert members["detail"] == "3 of 3 checks failed and 2 target streams cannot be written."
    assert members["failures"] == [
        failure("check", 0, "/checks/0", b, 7, "no_stream"),
        failure("check", 1, "/checks/1", gone[0], 0, "tombstoned"),
        failure("check", 2, "/checks/2", a, 3, "no_stream"),
        failure("target", None, "/records/0", gone[2], "any", "tombstoned"),
        failure("target", None, "/records/3", gone[1], "any", "tombstoned")]
    assert devdb.read(a) == []


@pytest.mark.parametrize("state, wanted, actual", [
    ("live", 5, 1), ("live", "no_stream", 1), ("live", "deleted", 1), ("live", "tombstoned", 1),
    ("none", 0, "no_stream"), ("none", "exists", "no_stream"), ("none", "deleted", "no_stream"),
    ("none", "tombstoned", "no_stream"),
    ("deleted", 5, 1), ("deleted", "exists", "deleted"), ("deleted", "tombstoned", 1),
    ("gone", 1, "tombstoned"), ("gone", "exists", "tombstoned"), ("gone", "deleted", "tombstoned")])
@pytest.mark.parametrize("is_written", [False, True])
def test_state_and_what_was_wanted(gateway, devdb, a, b, state, wanted, actual, is_written):
    if state != "none":
        fill(gateway, b, 2)
    if state == "deleted":
        devdb.delete(b)
    if state == "gone":
        devdb.tombstone(b)
    before = len(devdb.read(b)) if state == "live" else None
    records = [record_of(a)] + ([record_of(b)] if is_written else [])
    members = check_problem(gateway.append_records(records_of(records, [(b, wanted)])), 409,
                            "consistency-checks-failed")
    assert members["failures"] == [failure("check", 0, "/checks/0", b, wanted, actual)]
    assert members["detail"] == "1 of 1 check failed."
    assert devdb.read(a) == []
    assert before is None or len(devdb.read(b)) == before


@pytest.mark.parametrize("wanted", ["tombstoned", "no_stream"])
def test_tombstoned_stream_that_is_written_always_fails(gateway, devdb, a, b, wanted):
    fill(gateway, b, 1)
    devdb.tombstone(b)
    body = records_of([record_of(a), record_of(b)], [(b, wanted)])
    members = check_problem(gateway.append_records(body), 409, "consistency-checks-failed")
    assert members["failures"] == [
        failure("check", 0, "/checks/0", b, wanted, "tombstoned")]
    assert devdb.read(a) == []


def test_check_that_names_a_number_is_told_as_a_number(gateway, a):
    body = records_of([record_of(a)], [(a, "7")])
    members = check_problem(gateway.append_records(body), 409, "consistency-checks-failed")
    assert members["failures"][0]["expected_state"] == 7


def test_replay_with_a_check_that_would_fail_now(gateway, devdb, a, b):
    body = records_of([record_of(a, id=str(uuid.uuid4()))], [(a, "no_stream"), (b, "no_stream")])
    first = check_streams(gateway.append_records(body), [(a, 0)])
    fill(gateway, b, 1)
    again = check_streams(gateway.append_records(body), [(a, 0)], replayed=True)
    assert again["commit_position"] == first["commit_position"]
    assert len(devdb.read(a)) == 1


def test_part_of_a_replay_is_a_conflict(gateway, devdb, a, b):
    """A check that is named may then look satisfied."""
    record = record_of(a, id=str(uuid.uuid4()))
    check_streams(gateway.append_records(records_of([record], [(a, "no_stream")])), [(a, 0)])
    body = records_of([record, record_of(b)], [(a, "no_stream"), (b, "no_stream")])
    members = check_problem(gateway.append_records(body), 409, "consistency-checks-failed")
    assert failure("check", 0, "/checks/0", a, "no_stream", 0) in members["failures"]
    assert len(devdb.read(a)) == 1 and devdb.read(b) == []


# -- many ----------------------------------------------------------------------------------

@pytest.mark.devdb_only
def test_a_thousand_checks(gateway, devdb, stream, a):
    checks = [(f"{stream}-{number}", "no_stream") for number in range(1000)]
    check_streams(gateway.append_records(records_of([record_of(a)], checks)), [(a, 0)])
    checks = [(name, "exists") for name, _ in checks]
    answer = gateway.append_records(records_of([record_of(a)], checks))
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["detail"] == "1000 of 1000 checks failed."
    assert members["failures"] == [
        failure("check", index, f"/checks/{index}", name, "exists", "no_stream")
        for index, (name, _) in enumerate(checks)]
    assert len(devdb.read(a)) == 1


def test_too_many_checks(refused, stream):
    checks = [(f"{stream}-{number}", "no_stream") for number in range(1001)]
    _, members = refused(post(records_of([record_of(stream)], checks)), 413, "append-too-large")
    assert (members["limit_checks"], members["actual_checks"]) == (1000, 1001)
    assert members["enforced_by"] == "gateway" and "limit_events" not in members


def test_too_many_records(refused, stream):
    _, members = refused(post(records_of([record_of(stream)] * 1001)), 413, "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (1000, 1001)


# -- rules that are checked before anything is sent ----------------------------------------

def test_stream_twice_in_checks(refused, stream):
    checks = [("x", 0), (stream, 0), ("x", 0), ("x", 1)]
    _, members = refused(post(records_of([record_of(stream)], checks)), 422, "duplicate-stream",
                         ["/checks/2/stream_name", "/checks/3/stream_name"])
    assert members["errors"][0]["detail"].startswith("The stream of /checks/0 stands here again")


def test_names_that_differ_by_letter_case(refused, stream):
    upper = stream.upper()
    refused(post(records_of([record_of(stream), record_of(upper), record_of(upper)])), 422,
            "case-variant-streams", ["/records/1/stream_name"])
    refused(post(records_of([record_of(stream)], [(upper, "no_stream")])), 422,
            "case-variant-streams", ["/checks/0/stream_name"])
    refused(post(records_of([record_of(stream)], [("\u00e9", 0), ("\u00c9", 0)])), 422,
            "case-variant-streams", ["/checks/1/stream_name"])


@pytest.mark.parametrize("state", ["any", -2, "-2"])
def test_any_is_no_check(refused, stream, state):
    _, members = refused(post(records_of([record_of(stream)], [(stream, state)])), 422,
                         "invalid-request", ["/checks/0/expected_state"])
    assert "needs no check" in members["errors"][0]["detail"]


@pytest.mark.parametrize("state", [
    "ANY", "No_stream", "", "-3", -3, -5, "-6", 1.0, "01", "+1", " 1", 2 ** 63, "1e3"])
def test_states_that_are_none(refused, stream, state):
    refused(post(records_of([record_of(stream)], [(stream, state)])), 422, "invalid-request",
            ["/checks/0/expected_state"])


@pytest.mark.parametrize("state", [None, True, [0], {"version": 1}])
def test_states_of_a_wrong_type(refused, stream, state):
    refused(post(records_of([record_of(stream)], [(stream, state)])), 422, "invalid-request",
            ["/checks/0/expected_state"])


@pytest.mark.parametrize("record, code, members", [
    ('"type":"a b","data":1', "invalid-event-type", ["/type"]),
    ('"type":"T","data":1,"metadata":{"a":1,"by":[]}', "metadata-not-strings",
     ["/metadata/a", "/metadata/by"]),
    ('"type":"T","data":1,"metadata":null', "metadata-not-strings", ["/metadata"]),
    ('"type":"T","data":1,"metadata_base64":""', "metadata-not-strings", ["/metadata_base64"]),
    ('"type":"T","data":1,"metadata":{"$schema.id":"x"}', "reserved-metadata-key",
     ["/metadata/$schema.id"]),
    ('"type":"T","data":1,"metadata":{"k":"","k":""}', "duplicate-member", ["/metadata/k"]),
    ('"type":"T","data":1,"metadata":{" ":""}', "invalid-request", ["/metadata/ "]),
    ('"type":"T","data":1,"metadata":{"k":"\\udc00"}', "invalid-request", ["/metadata/k"]),
    ('"type":"T","dta":1', "unknown-member", ["/dta", "/data"]),
    ('"type":1,"data":1,"id":"x"', "invalid-request", ["/type"]),
    ('"type":"","data":1,"id":"x"', "invalid-request", ["/type", "/id"])])
def test_records_that_are_refused(refused, stream, record, code, members):
    body = records_of([record_of(stream), f'{{"stream_name":{json.dumps(stream)},{record}}}'])
    refused(post(body), 422, code, ["/records/1" + each for each in members])


@pytest.mark.parametrize("name", ["", " ", "\u3000", "$$", "$all", "a\x00b"])
def test_stream_names_that_cannot_be(refused, stream, name):
    refused(post(records_of([record_of(stream), record_of(name)], [(name, 0)])), 422,
            "invalid-request", ["/records/1/stream_name", "/checks/0/stream_name"])


def test_stream_names_at_the_limit(gateway, refused, stream, fresh):
    longest = fresh("k" * 4096).ljust(4096, "k")
    check_streams(gateway.append_records(records_of([record_of(longest)], [(longest, -1)])),
                  [(longest, 0)])
    refused(post(records_of([record_of(stream), record_of("n" * 4097)])), 422, "invalid-request",
            ["/records/1/stream_name"])


@pytest.mark.parametrize("body, code, pointers", [
    ("null", "invalid-request", [""]),
    ("{}", "invalid-request", ["/records"]),
    ('{"records":[]}', "invalid-request", ["/records"]),
    ('{"records":{},"checks":{}}', "invalid-request", ["/records", "/checks"]),
    ('{"records":[@],"checks":null}', "invalid-request", ["/checks"]),
    ('{"records":[@],"check":[]}', "unknown-member", ["/check"]),
    ('{"records":[@],"records":[@]}', "duplicate-member", ["/records"]),
    ('{"records":[@,1]}', "invalid-request", ["/records/1"]),
    ('{"records":[@,{}]}', "invalid-request",
     ["/records/1/stream_name", "/records/1/type", "/records/1/data"]),
    ('{"records":[@],"checks":[1,{},{"stream_name":"x"},{"expected_state":1,"a":2}]}',
     "invalid-request",
     ["/checks/0", "/checks/1/stream_name", "/checks/1/expected_state", "/checks/2/expected_state",
      "/checks/3/a", "/checks/3/stream_name"])])
def test_shape(refused, stream, body, code, pointers):
    refused(post(body.replace("@", record_of(stream))), 422, code, pointers)


# -- sizes ---------------------------------------------------------------------------------

@pytest.fixture
def wide(devdb, start_gateway):
    return start_gateway(devdb.address, max_body_bytes="64MiB", default_timeout_seconds="30",
                         max_timeout_seconds="60")


def big(size):
    return '"' + "x" * (size - 2) + '"'


@not_emulated
@pytest.mark.seconds(60)
@pytest.mark.devdb_only
def test_record_that_is_too_large(wide, devdb, a):
    before = devdb.calls("AppendRecords")
    members = check_problem(wide.append_records(records_of([record_of(a), record_of(
        a, big(16767215))]), seconds=40), 413, "event-too-large")
    assert members["limit_bytes"] == 16767216 and members["enforced_by"] == "gateway"
    assert members["detail"].startswith("Event 1, counted from 0,")
    assert devdb.calls("AppendRecords") == before and devdb.read(a) == []


@not_emulated
@pytest.mark.seconds(60)
@pytest.mark.devdb_only
def test_records_that_are_too_large(wide, devdb, a):
    before = devdb.calls("AppendRecords")
    members = check_problem(wide.append_records(records_of(
        [record_of(a, big(10_500_000))] * 3), seconds=40), 413, "append-too-large")
    assert members["limit_bytes"] == 30_000_000 and members["enforced_by"] == "gateway"
    assert members["actual_bytes"] > 31_500_000
    assert devdb.calls("AppendRecords") == before and devdb.read(a) == []


# -- no answer -----------------------------------------------------------------------------

@pytest.mark.parametrize("action, stored", [("drop-after", 2), ("drop-before", 0)])
def test_lost_answer_of_an_exact_request(gateway, devdb, faults, a, b, c, action, stored):
    """Also with an inexact check on a stream that is not written."""
    fill(gateway, c, 1)
    faults(action, method="AppendRecords", count=1)
    checks = [(a, "no_stream"), (b, "no_stream"), (c, "exists")]
    answer = gateway.append_records(
        records_of([record_of(a), record_of(b), record_of(a)], checks), SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_IDS
    assert len(members["event_ids"]) == 3
    assert len(devdb.read(a)) == stored
    again = records_of([record_of(name, id=event_id)
                        for name, event_id in zip((a, b, a), members["event_ids"])], checks)
    check_streams(gateway.append_records(again), [(a, 1), (b, 0)])
    assert [event.id for event in devdb.read(a)] == members["event_ids"][::2]


@pytest.mark.parametrize("extra", [[], [("b", "exists")], [("b", "deleted")]])
def test_lost_answer_of_an_inexact_request(gateway, devdb, faults, stream, a, b, extra):
    """A written stream without a check makes a request inexact, and so does `exists`."""
    fill(gateway, b, 1)
    if extra and extra[0][1] == "deleted":
        devdb.delete(b)
    faults("drop-after", method="AppendRecords", count=1)
    checks = [(a, "no_stream"), *((b, state) for _, state in extra)]
    answer = gateway.append_records(records_of([record_of(a), record_of(b)], checks), SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT
    assert len(devdb.read(a)) == 1


def test_lost_answer_with_a_key(gateway, devdb, faults, a):
    faults("drop-after", method="AppendRecords", count=1)
    key = {"Idempotency-Key": f"key-{a}"}
    body = records_of([record_of(a)], [(a, "no_stream")])
    answer = gateway.append_records(body, {**SHORT, **key})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_KEY
    again = check_streams(gateway.append_records(body, key), [(a, 0)])
    assert again["event_ids"] == members["event_ids"]
    assert len(devdb.read(a)) == 1


# -- servers -------------------------------------------------------------------------------

@not_emulated
@pytest.mark.parametrize("version", ["25.1", "24.10", "23.10"])
def test_server_without_it(start_devdb, start_gateway, a, version):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    with gateway.connect() as connection:
        connection.send_blindly(post(records_of([record_of(a)])))
        answer = connection.receive("POST")
    members = check_problem(answer, 501, "operation-not-supported")
    assert members["requires"] == "26.1"
    assert members["server_version"].startswith(version + ".")
    assert devdb.read(a) == []


@not_emulated
def test_server_that_was_not_known_before(start_devdb, start_gateway, a):
    """Step 23: the request waits for a leader, and then learns that it lacks the operation."""
    devdb = start_devdb(emulate="25.1")
    devdb.set_role("Follower")
    gateway = start_gateway(devdb.address, wait_ready=False)
    with gateway.connect() as connection:
        fields = [JSON, ("Kurrent-Timeout", "25")]
        body = records_of([record_of(a)]).encode()
        connection.send(request("POST", K_TARGET, fields, body))
        assert connection.is_quiet(0.2)
        devdb.set_role("Leader")
        members = check_problem(connection.receive("POST"), 501, "operation-not-supported")
    assert members["requires"] == "26.1" and members["server_version"].startswith("25.1.")
    assert devdb.read(a) == []
