# SPDX-License-Identifier: Apache-2.0
"""The guide "Appending events" of the Python client over HTTP: its examples and its statements,
item by item and in its order (api-design, annex A). On devdb, and on any KurrentDB (tests/live).
"""

import base64
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import live, server
from harness.gateway import (as_body, envelope_of, event_of, events_target, group_of, groups_of,
                             record_of, records_of)
from harness.limits import limit, wait_until
from harness.problems import (check_metadata, check_metadata_set, check_problem, check_streams,
                              check_success)
from harness.wire import request

JSON = ("Content-Type", "application/json")
PNG = bytes.fromhex("89504e470d0a1a0a00ff")


@pytest.fixture
def student(stream):
    return stream + "-student"


@pytest.fixture
def course(stream):
    return stream + "-course"


@pytest.fixture
def term(stream):
    return stream + "-term"


def fill(gateway, stream, count):
    """A stream of that many events."""
    check_success(gateway.append(stream, envelope_of("any", [event_of()] * count)))


def registered(name="Greg", **members):
    return event_of(json.dumps({"name": name}), type="StudentRegistered", **members)


def joined(**members):
    return event_of('{"course_id":"course-1"}', type="StudentJoinedCourse", **members)


def types(devdb, stream):
    return [event.type.decode() for event in devdb.read(stream)]


def new_id():
    return str(uuid.uuid4())


# What holds for one event in whichever operation: how each takes it, and where it stands then.
PLACES = {"append": "/events/0", "multi_append": "/streams/0/events/0",
          "append_records": "/records/0"}
each_way = pytest.mark.parametrize("way", PLACES)
each_newer_way = pytest.mark.parametrize("way", ["multi_append", "append_records"])


def write_one(gateway, way, stream, expectation="any", data="{}", **members):
    """One event for one stream, in one of the three ways."""
    if way == "append":
        return gateway.append_one(stream, expectation, data, **members)
    if way == "multi_append":
        group = group_of(stream, expectation, [event_of(data, **members)])
        return gateway.multi_append(groups_of(group))
    checks = None if expectation in ("any", -2, "-2") else [(stream, expectation)]
    return gateway.append_records(records_of([record_of(stream, data, **members)], checks))


def check_written(answer, way, stream, version):
    """Checks the success of write_one(); returns the event's id."""
    if way == "append":
        return check_success(answer, stream, version=version)["event_ids"][0]
    ids = check_streams(answer, [(stream, version)])["event_ids"]
    return ids[0][0] if way == "multi_append" else ids[0]


# -- connection string; sync and async client ----------------------------------------------

def test_every_request_is_independent(gateway, devdb, stream):
    """Concurrency is connections: no request waits for another one's end."""
    barrier = threading.Barrier(8)

    def writer(number):
        barrier.wait(limit(10))
        for version in range(5):
            expectation = version - 1 if version else "no_stream"
            check_success(gateway.append_one(f"{stream}-{number}", expectation), version=version)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(writer, range(8)))
    assert all(len(devdb.read(f"{stream}-{number}")) == 5 for number in range(8))


def test_the_daemon_knows_its_leader(gateway):
    database = gateway.get("/v1/info").json()["database"]
    assert database["leader"] and database["append"] is True
    assert database["multi_append"] is server.is_at_least("25.1")
    assert database["append_records"] is server.is_at_least("26.1")


# -- append_to_stream(), multi_append_to_stream(), append_records() ------------------------

def test_append_to_stream(gateway, devdb, student):
    answer = gateway.append(student, envelope_of("no_stream", [registered()]))
    members = check_success(answer, student, version=0, events=1)
    [event] = devdb.read(student)
    assert (event.type, event.data) == (b"StudentRegistered", b'{"name": "Greg"}')
    assert event.position == members["commit_position"]


def test_append_several_events_at_once(gateway, devdb, student):
    answer = gateway.append(student, envelope_of("no_stream", [registered(), joined(), joined()]))
    check_success(answer, version=2, events=3)
    assert types(devdb, student) == ["StudentRegistered", "StudentJoinedCourse",
                                     "StudentJoinedCourse"]


def test_append_one_raw_event(gateway, devdb, student):
    answer = gateway.append_raw(student, "StudentRegistered", b' {"name" : "Greg"}\n', [JSON],
                                "?current_version=no_stream")
    check_success(answer, student, version=0, events=1)
    [event] = devdb.read(student)
    assert (event.data, event.content_type) == (b' {"name" : "Greg"}\n', "application/json")


def test_append_cloudevents(gateway, devdb, student):
    envelope = {"specversion": "1.0", "type": "StudentRegistered", "source": "/school",
                "id": new_id(), "data": {"name": "Greg"}}
    answer = gateway.append_cloudevents(student, envelope,
                                        {"Content-Type": "application/cloudevents+json"})
    check_success(answer, student, version=0, events=1)
    [event] = devdb.read(student)
    assert (event.type, event.data) == (b"StudentRegistered", b'{"name": "Greg"}')
    assert event.id == envelope["id"]


def test_multi_append_to_two_streams_has_one_position_and_both_versions(gateway, devdb, student,
                                                                        course):
    fill(gateway, student, 2)
    fill(gateway, course, 1)
    answer = gateway.multi_append(groups_of(group_of(student, 1, [joined(), joined()]),
                                            group_of(course, 0, [joined()])))
    members = check_streams(answer, [(student, 3), (course, 1)])
    assert [len(ids) for ids in members["event_ids"]] == [2, 1]
    stored = devdb.read(student)[2:] + devdb.read(course)[1:]
    assert [event.id for event in stored] == sum(members["event_ids"], [])
    assert stored[-1].position == members["commit_position"]


def test_append_records_interleaves_streams(gateway, devdb, student, course):
    answer = gateway.append_records(records_of(
        [record_of(student, type="A"), record_of(course, type="B"), record_of(student, type="C")],
        [(student, "no_stream"), (course, "no_stream")]))
    members = check_streams(answer, [(student, 1), (course, 0)])
    assert types(devdb, student) == ["A", "C"] and types(devdb, course) == ["B"]
    one, three = devdb.read(student)
    [two] = devdb.read(course)
    assert [one.id, two.id, three.id] == members["event_ids"]
    assert one.position <= two.position <= three.position == members["commit_position"]


# -- get_stream_metadata(), set_stream_metadata() ------------------------------------------

def test_get_returns_the_bytes_that_were_put(gateway, devdb, stream):
    body = '{ "$maxAge" : 86400,\t"foo": "b\\u0061r", "n": 1.10, "x": "\U0001d11e" }\n'
    answer = gateway.put_metadata(stream, body, {"If-None-Match": "*"})
    check_metadata_set(answer, stream, 0)
    check_metadata(gateway.get_metadata(stream), body, 0)
    [event] = devdb.read("$$" + stream)
    assert (event.type, event.data) == (b"$metadata", body.encode())
    assert (event.content_type, event.metadata) == ("application/json", b"")


def test_metadata_a_b_a_with_any_ends_with_a(gateway, stream):
    for version, body in enumerate(['{"v":"A"}', '{"v":"B"}', '{"v":"A"}']):
        answer = gateway.put_metadata(stream, body, query="?current_version=any")
        check_metadata_set(answer, stream, version)
    check_metadata(gateway.get_metadata(stream), '{"v":"A"}', 2)


def test_metadata_is_edited_under_its_tag(gateway, stream):
    check_metadata_set(gateway.put_metadata(stream, '{"foo":"bar"}', {"If-None-Match": "*"}),
                       stream, 0)
    tag = gateway.get_metadata(stream).header("ETag")
    check_metadata_set(gateway.put_metadata(stream, '{"foo":"baz"}', {"If-Match": tag}), stream, 1)
    lost = gateway.put_metadata(stream, '{"foo":"late"}', {"If-Match": tag})
    members = check_problem(lost, 412, "precondition-failed")
    assert (members["expected_version"], members["actual_version"]) == (0, 1)
    check_metadata(gateway.get_metadata(stream), '{"foo":"baz"}', 1)


# -- atomic --------------------------------------------------------------------------------

def test_append_is_all_or_nothing(gateway, devdb, student):
    fill(gateway, student, 1)
    answer = gateway.append(student, envelope_of(7, [registered(), joined()]))
    check_problem(answer, 409, "wrong-current-version")
    assert len(devdb.read(student)) == 1


def test_one_wrong_expectation_changes_neither_stream(gateway, devdb, student, course):
    fill(gateway, student, 2)
    fill(gateway, course, 1)
    answer = gateway.multi_append(groups_of(group_of(student, 1, [joined()]),
                                            group_of(course, 5, [joined()])))
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["pointer"] == "/streams/1"
    assert members["stream_name"] == course
    assert (members["expected_version"], members["actual_version"]) == (5, 0)
    check_failures_of_groups(members, [("/streams/1", course, 5, 0)])
    assert (len(devdb.read(student)), len(devdb.read(course))) == (2, 1)


def check_failures_of_groups(members, wanted):
    """failures[] of M, where the server's refusal is complete."""
    assert members["failures_complete"] is server.lists_all_failures()
    if not server.lists_all_failures():
        assert "failures" not in members
        return
    found = [(each["pointer"], each["stream_name"], each["expected_version"],
              each["actual_version"]) for each in members["failures"]]
    assert found == wanted, members


def test_multi_append_names_every_wrong_expectation(gateway, devdb, student, course, term):
    fill(gateway, student, 2)
    answer = gateway.multi_append(groups_of(group_of(student, "no_stream", [joined()]),
                                            group_of(course, "any", [joined()]),
                                            group_of(term, 3, [joined()])))
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["pointer"] == "/streams/0"
    check_failures_of_groups(members, [("/streams/0", student, "no_stream", 1),
                                       ("/streams/2", term, 3, "no_stream")])
    assert len(devdb.read(student)) == 2
    assert devdb.read(course) == [] and devdb.read(term) == []


# -- requires leader -----------------------------------------------------------------------

@pytest.mark.devdb_only
@each_way
def test_the_gateway_follows_the_leader(start_devdb, start_gateway, way):
    old, new = start_devdb(), start_devdb()
    gateway = start_gateway(old.address)
    check_written(write_one(gateway, way, "student", "no_stream"), way, "student", 0)
    old.set_role("Follower", leader_host="127.0.0.1", leader_port=new.port)
    wait_until(lambda: write_one(gateway, way, "course", "no_stream").status == 200, 15,
               "a write to the new leader")
    assert len(new.read("course")) == 1 and new.read("student") == []
    assert old.read("course") == [] and len(old.read("student")) == 1


# -- idempotent retries --------------------------------------------------------------------

def test_retried_append_stores_nothing_twice(gateway, devdb, student):
    envelope = envelope_of("no_stream", [registered(id=new_id()), joined(id=new_id())])
    first = check_success(gateway.append(student, envelope), version=1)
    fill(gateway, student, 1)
    again = check_success(gateway.append(student, envelope), version=1, replayed=True)
    assert again["commit_position"] == first["commit_position"]
    assert len(devdb.read(student)) == 3


def test_retried_raw_event_stores_nothing_twice(gateway, devdb, student):
    query = f"?current_version=no_stream&event_id={new_id()}"
    first = check_success(gateway.append_raw(student, "T", b"x", query=query), version=0)
    again = check_success(gateway.append_raw(student, "T", b"x", query=query), version=0)
    assert again["commit_position"] == first["commit_position"]
    assert len(devdb.read(student)) == 1


def test_retried_multi_append_stores_nothing_twice(gateway, devdb, student, course):
    body = groups_of(group_of(student, "no_stream", [joined(id=new_id())]),
                     group_of(course, "no_stream", [joined(id=new_id())]))
    first = check_streams(gateway.multi_append(body), [(student, 0), (course, 0)])
    fill(gateway, course, 1)
    again = check_streams(gateway.multi_append(body), [(student, 0), (course, 0)], replayed=True)
    assert again["commit_position"] == first["commit_position"]
    assert again["event_ids"] == first["event_ids"]
    assert (len(devdb.read(student)), len(devdb.read(course))) == (1, 2)


def test_retried_append_records_stores_nothing_twice(gateway, devdb, student, course, term):
    """Also when a stream that is only checked has gone on meanwhile."""
    body = records_of([record_of(student, id=new_id()), record_of(course, id=new_id())],
                      [(student, "no_stream"), (course, "no_stream"), (term, "no_stream")])
    first = check_streams(gateway.append_records(body), [(student, 0), (course, 0)])
    fill(gateway, term, 1)
    again = check_streams(gateway.append_records(body), [(student, 0), (course, 0)],
                          replayed=True)
    assert again["commit_position"] == first["commit_position"]
    assert (len(devdb.read(student)), len(devdb.read(course))) == (1, 1)


def test_retry_with_a_key_stores_nothing_twice(gateway, devdb, student, course):
    key = {"Idempotency-Key": f"key-{student}"}
    envelope = envelope_of("no_stream", [registered()])
    first = check_success(gateway.append(student, envelope, key), version=0)
    again = check_success(gateway.append(student, envelope, key), version=0, replayed=True)
    assert again["event_ids"] == first["event_ids"]
    assert [event.id for event in devdb.read(student)] == first["event_ids"]
    key = {"Idempotency-Key": f"other-key-{student}"}
    body = groups_of(group_of(student, 0, [joined()]), group_of(course, "no_stream", [joined()]))
    first = check_streams(gateway.multi_append(body, key), [(student, 1), (course, 0)])
    again = check_streams(gateway.multi_append(body, key), [(student, 1), (course, 0)],
                          replayed=True)
    assert again["event_ids"] == first["event_ids"]
    assert (len(devdb.read(student)), len(devdb.read(course))) == (2, 1)


def test_retried_put_of_metadata_is_a_replay(gateway, devdb, stream):
    for _ in range(3):
        answer = gateway.put_metadata(stream, '{"foo":"bar"}', {"If-Match": '"no_stream"'})
        check_metadata_set(answer, stream, 0)
    assert [event.revision for event in devdb.read("$$" + stream)] == [0]


def test_new_events_at_an_old_version_are_no_retry(gateway, devdb, student):
    envelope = envelope_of("no_stream", [registered()])
    check_success(gateway.append(student, envelope), version=0)
    check_problem(gateway.append(student, envelope), 409, "wrong-current-version")
    assert len(devdb.read(student)) == 1


def test_retry_of_a_part_is_a_conflict(gateway, devdb, student):
    known = registered(id=new_id())
    check_success(gateway.append(student, envelope_of("no_stream", [known])))
    answer = gateway.append(student, envelope_of("no_stream", [known, joined()]))
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["actual_version"] == 0
    assert len(devdb.read(student)) == 1


def test_retry_of_one_stream_of_two_is_a_conflict(gateway, devdb, student, course):
    known = new_id()
    check_success(gateway.append(student, envelope_of("no_stream", [registered(id=known)])))
    answer = gateway.append_records(records_of(
        [record_of(student, id=known), record_of(course)], [(student, "no_stream")]))
    check_problem(answer, 409, "consistency-checks-failed")
    assert len(devdb.read(student)) == 1 and devdb.read(course) == []



PARALLEL = 200


def test_two_hundred_parallel_requests_with_one_key_store_one_event(gateway, devdb, stream):
    """All answers are equal, apart from the request's id, and `replayed`."""
    content = request("POST", events_target(stream), [
        JSON, ("Idempotency-Key", f"once-{stream}"), ("Kurrent-Timeout", "30")],
        as_body(envelope_of("no_stream", [registered()])))
    connections = [gateway.connect(seconds=25) for _ in range(PARALLEL)]
    try:
        for connection in connections:
            connection.send(content)
        answers = [connection.receive() for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    members = [check_success(answer, stream, version=0) for answer in answers]
    assert len({answer.header("X-Request-Id") for answer in answers}) == PARALLEL
    assert sum(each["replayed"] is True for each in members) >= PARALLEL - 1
    for each in members:
        each.pop("replayed")
        assert each == members[0]
    [event] = devdb.read(stream)
    assert [event.id] == members[0]["event_ids"]
    assert event.position == members[0]["commit_position"]


# -- argument stream_name ------------------------------------------------------------------

@each_way
@pytest.mark.parametrize("end", ["-a/b", "-naïve Ω", "-a%2Fb", "-..", "-\U0001f393", "-a?b#c"])
def test_stream_names_are_data(gateway, devdb, stream, end, way):
    check_written(write_one(gateway, way, stream + end, "no_stream"), way, stream + end, 0)
    assert len(devdb.read(stream + end)) == 1


# -- argument events -----------------------------------------------------------------------

def test_events_as_lines(gateway, devdb, student):
    lines = "\n".join([registered(), joined()]) + "\n"
    answer = gateway.append_lines(student, lines, query="?current_version=no_stream")
    check_success(answer, version=1, events=2)
    assert types(devdb, student) == ["StudentRegistered", "StudentJoinedCourse"]


def test_no_events_are_refused(gateway, devdb, student):
    empty = envelope_of("any", [])
    check_problem(gateway.append(student, empty), 422, "invalid-request", ["/events"])
    assert devdb.read(student) == []


def test_no_groups_and_empty_groups_are_refused(gateway, devdb, student):
    check_problem(gateway.multi_append(groups_of()), 422, "invalid-request", ["/streams"])
    answer = gateway.multi_append(groups_of(group_of(student, "any", [])))
    check_problem(answer, 422, "invalid-request", ["/streams/0/events"])
    assert devdb.read(student) == []


# -- arguments records, checks -------------------------------------------------------------

@pytest.mark.parametrize("checks", [None, []])
def test_records_without_checks(gateway, devdb, student, checks):
    answer = gateway.append_records(records_of([record_of(student), record_of(student)], checks))
    check_streams(answer, [(student, 1)])
    assert len(devdb.read(student)) == 2


def test_checks_without_records_are_refused(gateway, student):
    answer = gateway.append_records(records_of([], [(student, "no_stream")]))
    check_problem(answer, 422, "invalid-request", ["/records"])


def test_checks_on_streams_that_are_not_written(gateway, devdb, student, course, term):
    fill(gateway, course, 3)
    answer = gateway.append_records(records_of(
        [record_of(student)], [(course, 2), (term, "no_stream")]))
    check_streams(answer, [(student, 0)])
    answer = gateway.append_records(records_of(
        [record_of(student)], [(course, 1), (term, "exists")]))
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["failures"] == [
        failure("check", 0, "/checks/0", course, 1, 2),
        failure("check", 1, "/checks/1", term, "exists", "no_stream")]
    assert len(devdb.read(student)) == 1 and len(devdb.read(course)) == 3
    assert devdb.read(term) == []


def failure(kind, index, pointer, stream, expected, actual):
    return {"kind": kind, "check_index": index, "pointer": pointer, "stream_name": stream,
            "expected_state": expected, "actual_state": actual}


# -- argument current_version --------------------------------------------------------------

@pytest.mark.parametrize("place", ["member", "header", "query"])
def test_current_version_is_wherever_one_likes(gateway, student, place):
    for version in range(3):
        expectation = version - 1 if version else "no_stream"
        headers = {"Kurrent-ExpectedVersion": expectation} if place == "header" else {}
        query = f"?current_version={expectation}" if place == "query" else ""
        envelope = envelope_of(expectation if place == "member" else None, [event_of()])
        check_success(gateway.append(student, envelope, headers, query), version=version)


def test_current_version_has_no_default(gateway, devdb, student):
    answer = gateway.append(student, envelope_of(None, [event_of()]))
    check_problem(answer, 422, "invalid-request", ["/current_version"])
    answer = gateway.append_raw(student, "T", b"x")
    check_problem(answer, 422, "invalid-request", ["query:current_version"])
    answer = gateway.put_metadata(student, "{}")
    assert "If-Match" in check_problem(answer, 428, "precondition-required")["detail"]
    assert devdb.read(student) == [] and devdb.read("$$" + student) == []


def test_multi_append_has_no_default_either(gateway, devdb, student, course):
    answer = gateway.multi_append(groups_of(group_of(student, "any", [event_of()]),
                                            group_of(course, None, [event_of()])))
    check_problem(answer, 422, "invalid-request", ["/streams/1/current_version"])
    assert devdb.read(student) == []


# -- argument metadata ---------------------------------------------------------------------

def test_metadata_is_replaced_whole(gateway, stream):
    check_metadata_set(gateway.put_metadata(stream, '{"a":1,"b":2}', query="?current_version=any"),
                       stream, 0)
    check_metadata_set(gateway.put_metadata(stream, '{"c":3}', query="?current_version=0"),
                       stream, 1)
    check_metadata(gateway.get_metadata(stream), '{"c":3}', 1)


# -- argument timeout ----------------------------------------------------------------------

def test_timeout_in_seconds(gateway, student):
    answer = gateway.append_one(student, headers={"Kurrent-Timeout": "2.5"})
    check_success(answer)
    assert "deadline;dur=2500" in answer.header("Server-Timing")
    answer = gateway.append(student, envelope_of("any", [event_of()]), query="?timeout=7")
    assert "deadline;dur=7000" in answer.header("Server-Timing")


def test_default_timeout(gateway, student):
    assert "deadline;dur=5000" in gateway.append_one(student).header("Server-Timing")


# -- argument credentials ------------------------------------------------------------------

def test_credentials_of_one_request(gateway, devdb, student):
    pair = (live.credentials_of(live.URL) if live.URL else None) or "admin:changeit"
    value = "Basic " + base64.b64encode(pair.encode()).decode()
    answer = gateway.append_one(student, headers={"Kurrent-Authorization": value})
    check_success(answer, version=0)
    assert len(devdb.read(student)) == 1


# -- results -------------------------------------------------------------------------------

def test_result_is_the_commit_position(gateway, devdb, student):
    positions = []
    for _ in range(3):
        answer = gateway.append_one(student)
        positions.append(check_success(answer)["commit_position"])
        assert answer.header("Kurrent-Position") == str(positions[-1])
    assert positions == sorted(set(positions))
    assert [event.position for event in devdb.read(student)] == positions


def test_result_of_get_when_never_set(gateway, stream):
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")


def test_result_of_set(gateway, devdb, stream):
    answer = gateway.put_metadata(stream, "{}", {"If-None-Match": "*"})
    members = check_metadata_set(answer, stream, 0)
    [event] = devdb.read("$$" + stream)
    assert event.position == members["commit_position"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_metadata_takes_the_plain_name(gateway, stream, method):
    if method == "GET":
        answer = gateway.get_metadata("$$" + stream)
    else:
        answer = gateway.put_metadata("$$" + stream, "{}", query="?current_version=any")
    members = check_problem(answer, 422, "invalid-request", ["path:stream"])
    assert members["errors"][0]["hint"]


def test_metadata_may_come_before_the_stream(gateway, devdb, stream):
    check_problem(gateway.append_one(stream, "exists"), 409, "wrong-current-version")
    answer = gateway.put_metadata(stream, '{"$maxCount":10}', {"If-None-Match": "*"})
    check_metadata_set(answer, stream, 0)
    assert devdb.read(stream) == []
    check_success(gateway.append_one(stream, "exists"), version=0)


def test_metadata_is_obeyed(gateway, devdb, stream):
    fill(gateway, stream, 5)
    check_metadata_set(gateway.put_metadata(stream, '{"$maxCount":2}', {"If-None-Match": "*"}),
                       stream, 0)
    assert [event.revision for event in devdb.read(stream)] == [3, 4]


# -- stream positions ----------------------------------------------------------------------

def test_positions_in_a_stream_are_zero_based_and_gapless(gateway, devdb, student, course):
    check_success(gateway.append(student, envelope_of("no_stream", [event_of()] * 3)), version=2)
    check_success(gateway.append_one(student, 2), version=3)
    answer = gateway.multi_append(groups_of(group_of(student, 3, [event_of()] * 2),
                                            group_of(course, "no_stream", [event_of()])))
    check_streams(answer, [(student, 5), (course, 0)])
    assert [event.revision for event in devdb.read(student)] == list(range(6))


# -- type ----------------------------------------------------------------------------------

@pytest.mark.parametrize("event_type", ["StudentRegistered", "a b/c", "Ω\U0001f600", "$system",
                                        "t" * 300])
def test_type(gateway, devdb, student, event_type):
    check_success(gateway.append(student, envelope_of("any", [event_of(type=event_type)])))
    check_success(gateway.append_raw(student, event_type, b"x", query="?current_version=0"))
    assert types(devdb, student) == [event_type] * 2


def test_type_is_required(gateway, student):
    envelope = '{"current_version":"any","events":[{"data":1}]}'
    check_problem(gateway.append(student, envelope), 422, "invalid-request", ["/events/0/type"])


@each_newer_way
@pytest.mark.parametrize("event_type, is_good", [
    ("StudentRegistered", True), ("a_b.c$d:e-9", True), ("a b", False), ("a/b", False),
    ("\U0001f393", False), ("", False)])
def test_type_of_records(gateway, devdb, student, event_type, is_good, way):
    answer = write_one(gateway, way, student, type=event_type)
    if is_good:
        check_written(answer, way, student, 0)
        assert types(devdb, student) == [event_type]
        return
    code = "invalid-event-type" if event_type else "invalid-request"
    check_problem(answer, 422, code, [PLACES[way] + "/type"])
    assert devdb.read(student) == []


# -- data ----------------------------------------------------------------------------------

@each_way
@pytest.mark.parametrize("data", [
    '{ "b": 1,  "a": 1.10, "b": 12345678901234567890 }', '"\\u0041\\/"', "null", "[ ]", "-0.0e5",
    '"\U0001f393"'])
def test_data_is_stored_byte_for_byte(gateway, devdb, student, data, way):
    check_written(write_one(gateway, way, student, data=data), way, student, 0)
    [event] = devdb.read(student)
    assert (event.data, event.content_type) == (data.encode(), "application/json")


def test_raw_data_is_stored_byte_for_byte(gateway, devdb, student):
    data = b'\n{ "n": 1.10 }  '
    check_success(gateway.append_raw(student, "T", data, [JSON], "?current_version=any"))
    assert devdb.read(student)[0].data == data


BINARY = pytest.mark.parametrize("content", [PNG, b"", bytes(range(256))],
                                 ids=["png", "empty", "all"])


@each_way
@BINARY
def test_binary_data(gateway, devdb, student, content, way):
    coded = base64.b64encode(content).decode()
    check_written(write_one(gateway, way, student, data=None, data_base64=coded), way, student, 0)
    [event] = devdb.read(student)
    assert (event.data, event.content_type) == (content, "application/octet-stream")


@BINARY
def test_raw_binary_data(gateway, devdb, student, content):
    check_success(gateway.append_raw(student, "T", content, query="?current_version=any"))
    [event] = devdb.read(student)
    assert (event.data, event.content_type) == (content, "application/octet-stream")


# -- metadata ------------------------------------------------------------------------------

def test_metadata_default_is_empty(gateway, devdb, student):
    check_success(gateway.append_one(student))
    assert devdb.read(student)[0].metadata == b""


@pytest.mark.parametrize("metadata", ['{ "$correlationId" : "c-81" }', "null", "[1, 2]", '"x"'])
def test_metadata_is_any_json(gateway, devdb, student, metadata):
    check_success(gateway.append(student, envelope_of("any", [event_of(metadata=metadata)])))
    check_success(gateway.append_raw(student, "T", b"x", {"Kurrent-Metadata": metadata},
                                     "?current_version=0"))
    assert [event.metadata for event in devdb.read(student)] == [metadata.encode()] * 2


def test_metadata_is_any_bytes(gateway, devdb, student):
    coded = base64.b64encode(PNG).decode()
    check_success(gateway.append(student, envelope_of("any", [event_of(metadata_base64=coded)])))
    check_success(gateway.append_raw(student, "T", b"x", {"Kurrent-Metadata-Base64": coded},
                                     "?current_version=0"))
    assert [event.metadata for event in devdb.read(student)] == [PNG] * 2


# -- content_type --------------------------------------------------------------------------

@each_way
@pytest.mark.parametrize("members, content_type", [
    ({"data": "{}"}, "application/json"),
    ({"data": "{}", "content_type": "application/octet-stream"}, "application/octet-stream"),
    ({"data": None, "data_base64": "e30="}, "application/octet-stream"),
    ({"data": None, "data_base64": "e30=", "content_type": "application/json"},
     "application/json")])
def test_content_type(gateway, devdb, student, members, content_type, way):
    check_written(write_one(gateway, way, student, **members), way, student, 0)
    [event] = devdb.read(student)
    assert (event.data, event.content_type) == (b"{}", content_type)


@each_way
def test_other_content_types_are_refused(gateway, devdb, student, way):
    answer = write_one(gateway, way, student, content_type="text/plain")
    check_problem(answer, 422, "invalid-request", [PLACES[way] + "/content_type"])
    assert devdb.read(student) == []


# -- id ------------------------------------------------------------------------------------

@each_way
def test_id_default_is_random(gateway, devdb, student, way):
    ids = [check_written(write_one(gateway, way, student), way, student, version)
           for version in range(3)]
    assert len(set(ids)) == 3 and {uuid.UUID(each).version for each in ids} == {4}
    assert [event.id for event in devdb.read(student)] == ids


@each_way
def test_id_of_the_sender(gateway, devdb, student, way):
    own = new_id()
    assert check_written(write_one(gateway, way, student, id=own.upper()), way, student, 0) == own
    assert devdb.read(student)[0].id == own


def test_id_of_a_raw_event(gateway, devdb, student):
    own = new_id()
    answer = gateway.append_raw(student, "T", b"x", {"Kurrent-EventId": own},
                                "?current_version=any")
    assert check_success(answer)["event_ids"] == [own]
    assert devdb.read(student)[0].id == own


@each_way
@pytest.mark.parametrize("bad", ["", "x", "00000000-0000-0000-0000-000000000000",
                                 "{4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11}",
                                 "4c7c0f0a8a394c599a3a9d1c8a6f5d11"])
def test_bad_ids_are_refused(gateway, devdb, student, bad, way):
    answer = write_one(gateway, way, student, id=bad)
    check_problem(answer, 422, "invalid-request", [PLACES[way] + "/id"])
    assert devdb.read(student) == []


# -- int, NO_STREAM, EXISTS, ANY -----------------------------------------------------------

@each_way
@pytest.mark.parametrize("words", [
    ["no_stream", 0, "exists", "any"], [-1, "0", -4, -2], ["-1", "0", "-4", "-2"]])
def test_states(gateway, student, words, way):
    for version, expectation in enumerate(words):
        check_written(write_one(gateway, way, student, expectation), way, student, version)


@pytest.mark.parametrize("state", ["any", -2, "-2"])
def test_any_is_no_check(gateway, devdb, student, state):
    answer = gateway.append_records(records_of([record_of(student)], [(student, state)]))
    check_problem(answer, 422, "invalid-request", ["/checks/0/expected_state"])
    assert devdb.read(student) == []


@each_way
@pytest.mark.parametrize("expectation", [-3, -6, "+1", "01", 1.0, "Any", "", None, [], "1e2", "-0",
                                         2 ** 63])
def test_other_words_are_no_states(gateway, devdb, student, expectation, way):
    answer = write_one(gateway, way, student, expectation)
    place = {"append": "/current_version", "multi_append": "/streams/0/current_version",
             "append_records": "/checks/0/expected_state"}[way]
    check_problem(answer, 422, "invalid-request", [place])
    assert devdb.read(student) == []


# -- metadata restrictions of multi-append and append-records ------------------------------

def metadata_of(event):
    """The members that a sender gave; the server adds some of its own on reading."""
    members = json.loads(event.metadata)
    return {name: value for name, value in members.items() if not name.startswith("$schema.")}


@each_newer_way
@pytest.mark.parametrize("metadata", [
    "{}", '{"a":"1"}', '{"a":"","$correlationId":"c \\u0041","ü":"\U0001f393"}'])
def test_metadata_of_texts_is_accepted(gateway, devdb, student, metadata, way):
    check_written(write_one(gateway, way, student, metadata=metadata), way, student, 0)
    assert metadata_of(devdb.read(student)[0]) == json.loads(metadata)


@each_newer_way
@pytest.mark.parametrize("metadata, pointer", [
    ('"a"', ""), ("null", ""), ("[]", ""), ('{"a":1}', "/a"), ('{"a":"1","b":null}', "/b"),
    ('{"a":{"b":"c"}}', "/a"), ('{"a/b":["c"]}', "/a~1b"), ('{"a":true}', "/a")])
def test_other_metadata_is_refused(gateway, devdb, student, metadata, pointer, way):
    answer = write_one(gateway, way, student, metadata=metadata)
    check_problem(answer, 422, "metadata-not-strings", [f"{PLACES[way]}/metadata{pointer}"])
    assert devdb.read(student) == []


@each_newer_way
def test_random_bytes_as_metadata_are_refused(gateway, devdb, student, way):
    answer = write_one(gateway, way, student, metadata_base64=base64.b64encode(PNG).decode())
    check_problem(answer, 422, "metadata-not-strings", [PLACES[way] + "/metadata_base64"])
    assert devdb.read(student) == []


# -- WrongCurrentVersionError --------------------------------------------------------------

WRONG = pytest.mark.parametrize("filled, expected, actual", [
    (0, 5, "no_stream"), (0, "exists", "no_stream"), (2, "no_stream", 1), (2, 0, 1), (2, 9, 1)])


@WRONG
def test_wrong_current_version(gateway, devdb, student, filled, expected, actual):
    if filled:
        fill(gateway, student, filled)
    answer = gateway.append_one(student, expected)
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["stream_name"] == student
    assert (members["expected_version"], members["actual_version"]) == (expected, actual)
    assert answer.header("Kurrent-CurrentVersion") == str(actual)
    assert len(devdb.read(student)) == filled


@WRONG
def test_wrong_current_version_of_a_group(gateway, devdb, student, filled, expected, actual):
    if filled:
        fill(gateway, student, filled)
    answer = write_one(gateway, "multi_append", student, expected)
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["stream_name"], members["pointer"]) == (student, "/streams/0")
    assert (members["expected_version"], members["actual_version"]) == (expected, actual)
    check_failures_of_groups(members, [("/streams/0", student, expected, actual)])
    assert len(devdb.read(student)) == filled


def test_wrong_version_of_metadata(gateway, stream):
    answer = gateway.put_metadata(stream, "{}", query="?current_version=4")
    members = check_problem(answer, 409, "wrong-current-version")
    assert members["stream_name"] == stream
    assert (members["expected_version"], members["actual_version"]) == (4, "no_stream")
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")


# -- MultiAppendToSameStreamError ----------------------------------------------------------

def test_multi_append_to_the_same_stream(gateway, devdb, student):
    answer = gateway.multi_append(groups_of(group_of(student, "any", [event_of()]),
                                            group_of(student, 0, [event_of()])))
    check_problem(answer, 422, "duplicate-stream", ["/streams/1/stream_name"])
    assert devdb.read(student) == []


def test_streams_that_differ_by_letter_case(gateway, devdb, stream):
    one, two = stream + "-Straße", stream + "-STRAßE"
    answer = gateway.multi_append(groups_of(group_of(one, "any", [event_of()]),
                                            group_of(two, "any", [event_of()])))
    check_problem(answer, 422, "case-variant-streams", ["/streams/1/stream_name"])
    assert devdb.read(one) == [] and devdb.read(two) == []


def test_checks_that_differ_by_letter_case(gateway, devdb, stream):
    answer = gateway.append_records(records_of([record_of(stream + "-É")],
                                               [(stream + "-é", "no_stream")]))
    check_problem(answer, 422, "case-variant-streams", ["/checks/0/stream_name"])
    assert devdb.read(stream + "-É") == []


# -- ConsistencyChecksFailedError ----------------------------------------------------------

def test_one_conflict_names_two_failed_checks_and_a_tombstoned_target(gateway, devdb, stream,
                                                                      student, course, term):
    audit = stream + "-audit"
    fill(gateway, student, 2)
    fill(gateway, course, 1)
    fill(gateway, term, 1)
    fill(gateway, audit, 1)
    devdb.delete(term)
    devdb.tombstone(audit)
    answer = gateway.append_records(records_of(
        [record_of(student), record_of(course), record_of(audit), record_of(audit)],
        [(student, "no_stream"), (course, 0), (term, "exists")]))
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["failures"] == [
        failure("check", 0, "/checks/0", student, "no_stream", 1),
        failure("check", 2, "/checks/2", term, "exists", "deleted"),
        failure("target", None, "/records/2", audit, "any", "tombstoned")]
    assert members["failures_complete"] is True
    assert "1 target" in members["detail"] and "2 of 3" in members["detail"]
    assert (len(devdb.read(student)), len(devdb.read(course))) == (2, 1)


@pytest.mark.parametrize("state", ["no_stream", -1, "-1"])
def test_failure_has_the_word_for_minus_one(gateway, student, state):
    fill(gateway, student, 3)
    answer = gateway.append_records(records_of([record_of(student)], [(student, state)]))
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["failures"] == [failure("check", 0, "/checks/0", student, "no_stream", 2)]


def test_order_of_failures_is_that_of_the_checks(gateway, student, stream):
    names = [f"{stream}-{number}" for number in range(12)]
    answer = gateway.append_records(records_of([record_of(student)],
                                               [(name, "exists") for name in reversed(names)]))
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["failures"] == [
        failure("check", index, f"/checks/{index}", name, "exists", "no_stream")
        for index, name in enumerate(reversed(names))]


# -- deleted streams -----------------------------------------------------------------------

def test_soft_deleted_stream_goes_on_after_its_old_version(gateway, devdb, student):
    fill(gateway, student, 2)
    devdb.delete(student)
    check_problem(gateway.append_one(student, "exists"), 410, "stream-deleted")
    check_success(gateway.append_one(student, "no_stream"), version=2)
    wait_until(lambda: [event.revision for event in devdb.read(student)] == [2], 5,
               "the stream goes on")


def test_multi_append_to_a_soft_deleted_stream(gateway, devdb, student, course):
    fill(gateway, student, 2)
    devdb.delete(student)
    answer = gateway.multi_append(groups_of(group_of(course, "any", [event_of()]),
                                            group_of(student, "exists", [event_of()])))
    members = check_problem(answer, 410, "stream-deleted")
    assert (members["pointer"], members["stream_name"]) == ("/streams/1", student)
    check_failures_of_groups(members, [("/streams/1", student, "exists", "deleted")])
    assert devdb.read(course) == []
    answer = gateway.multi_append(groups_of(group_of(student, 1, [event_of()])))
    check_streams(answer, [(student, 2)])


def test_tombstoned_stream_is_gone(gateway, devdb, student):
    fill(gateway, student, 1)
    devdb.tombstone(student)
    for expectation in ("any", "no_stream", 0):
        members = check_problem(gateway.append_one(student, expectation), 410, "stream-tombstoned")
        assert members["stream_name"] == student
    check_problem(gateway.append_raw(student, "T", b"x", query="?current_version=any"), 410,
                  "stream-tombstoned")


def test_metadata_of_a_tombstoned_stream(gateway, devdb, student):
    fill(gateway, student, 1)
    devdb.tombstone(student)
    for answer in (gateway.get_metadata(student),
                   gateway.put_metadata(student, "{}", query="?current_version=any")):
        members = check_problem(answer, 410, "stream-tombstoned")
        assert members["stream_name"] == student


def test_multi_append_to_a_tombstoned_stream(gateway, devdb, student, course):
    fill(gateway, course, 1)
    devdb.tombstone(course)
    answer = gateway.multi_append(groups_of(group_of(student, "any", [event_of()]),
                                            group_of(course, "any", [event_of()])))
    members = check_problem(answer, 410, "stream-tombstoned")
    assert (members["pointer"], members["stream_name"]) == ("/streams/1", course)
    assert devdb.read(student) == []


def test_checks_may_expect_deleted_streams(gateway, devdb, student, course, term):
    for name, end in ((course, devdb.delete), (term, devdb.tombstone)):
        fill(gateway, name, 1)
        end(name)
    answer = gateway.append_records(records_of(
        [record_of(student)], [(course, "deleted"), (term, "tombstoned")]))
    check_streams(answer, [(student, 0)])


def test_metadata_of_a_soft_deleted_stream_undeletes_it(gateway, devdb, student):
    fill(gateway, student, 2)
    devdb.delete(student)
    answer = gateway.put_metadata(student, '{"foo":"bar"}', query="?current_version=0")
    check_metadata_set(answer, student, 1)
    wait_until(lambda: gateway.get_metadata(student).json() == {"foo": "bar", "$tb": 2}, 5,
               "the database adds a version of its own")
    check_success(gateway.append_one(student, "any"), version=2)
