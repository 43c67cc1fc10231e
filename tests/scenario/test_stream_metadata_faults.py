# SPDX-License-Identifier: Apache-2.0
"""Stream metadata when the database fails, forbids, or is slow: a read comes before every write,
and only a write that was sent can be in doubt (api-design 8, 10)."""

import base64
import re
import threading
import time

import pytest

from harness.gateway import metadata_target
from harness.ids import metadata_id
from harness.limits import limit, wait_until
from harness.problems import (HINT_INEXACT, HINT_KEY, HINT_PLAIN, check_metadata,
                              check_metadata_set, check_problem, check_success)
from harness.wire import Ended, request

NEVER_SET = {"If-None-Match": "*"}
JSON = {"Content-Type": "application/json"}
ANY = "?current_version=any"
SHORT = {"Kurrent-Timeout": str(limit(0.5))}


def read_fault(faults, stream, action, **members):
    faults(action, **{"method": "Read", "stream": "$$" + stream, "count": 1, **members})


def write_fault(faults, stream, action, **members):
    faults(action, **{"method": "BatchAppend", "stream": "$$" + stream, "count": 1, **members})


def milliseconds(answer, name):
    [value] = re.findall(rf"\b{name};dur=([0-9.]+)", answer.header("Server-Timing"))
    return float(value)


# -- reads ---------------------------------------------------------------------------------

FAILED_READS = [
    ("not-ready", {}, 503, "leader-unavailable", True),
    ("refuse", {"status": 14, "message": "gone"}, 503, "connection-lost", True),
    ("end-call", {}, 503, "connection-lost", True),
    ("garbage", {}, 502, "database-error", False),
    ("refuse", {"status": 13, "message": "broken"}, 502, "database-error", False),
    ("unauthenticated", {}, 502, "upstream-credentials", False),
    ("drop-before", {}, 504, "deadline-exceeded", True),
    ("hang", {}, 504, "deadline-exceeded", True)]


@pytest.mark.parametrize("action, members, status, code, retryable", FAILED_READS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_failed_read(gateway, devdb, faults, stream, method, action, members, status, code,
                     retryable):
    """Whatever a read ends with, nothing was written, also when it stands before a write."""
    if action != "unauthenticated":  # which is known before the stream is
        members = {**members, "stream": "$$" + stream}
    faults(action, method="Read", count=100, **members)
    before = devdb.written()
    headers = {**SHORT, **JSON, **(NEVER_SET if method == "PUT" else {})}
    answer = gateway.ask(method, metadata_target(stream), headers,
                         b"{}" if method == "PUT" else None)
    check_problem(answer, status, code, retryable=retryable)
    assert devdb.written() == before
    devdb.clear_faults()
    check_metadata_set(gateway.put_metadata(stream, "{}", NEVER_SET), stream, 0)


def test_forbidden_read(gateway, faults, stream):
    read_fault(faults, stream, "access-denied")
    check_problem(gateway.get_metadata(stream), 403, "forbidden")


def test_forbidden_read_before_a_write(gateway, devdb, faults, stream):
    """Who may not read may still be allowed to write."""
    read_fault(faults, stream, "access-denied")
    check_metadata_set(gateway.put_metadata(stream, "{}", NEVER_SET), stream, 0)
    assert [event.data for event in devdb.read("$$" + stream)] == [b"{}"]


def test_forbidden_read_before_a_weak_tag(gateway, devdb, faults, stream):
    """It never matches, and what it is compared with must not be told."""
    read_fault(faults, stream, "access-denied")
    answer = gateway.put_metadata(stream, "{}", {"If-Match": 'W/"0"'})
    check_problem(answer, 403, "forbidden")
    assert devdb.read("$$" + stream) == []


def test_detail_of_a_slow_read(gateway, faults, stream):
    read_fault(faults, stream, "drop-before")
    answer = gateway.get_metadata(stream, {"Kurrent-Timeout": "0.25"})
    members = check_problem(answer, 504, "deadline-exceeded", retryable=True)
    assert "0.25 s" in members["detail"] and "stored" not in members["detail"]


def test_unreachable_database(start_devdb, start_gateway, stream):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.stop()
    for answer in (gateway.get_metadata(stream, SHORT),
                   gateway.put_metadata(stream, "{}", {**NEVER_SET, **SHORT})):
        assert answer.status == 503
        members = answer.json()
        assert members["code"] in ("database-unreachable", "leader-unavailable")
        assert (members["outcome"], members["retryable"]) == ("not_written", True)


# -- writes --------------------------------------------------------------------------------

@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
@pytest.mark.parametrize("has_key", [False, True])
def test_unanswered_exact_write(gateway, devdb, faults, stream, action, stored, has_key):
    """The same request again is all that it takes, with and without a key."""
    write_fault(faults, stream, action)
    headers = {**NEVER_SET, **({"Idempotency-Key": f"key-{stream}"} if has_key else {})}
    answer = gateway.put_metadata(stream, "{}", {**headers, **SHORT})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == (HINT_KEY if has_key else HINT_PLAIN)
    assert members["event_ids"] == [metadata_id(stream, "no_stream", b"{}")]
    assert len(devdb.read("$$" + stream)) == stored
    check_metadata_set(gateway.put_metadata(stream, "{}", headers), stream, 0)
    assert [event.id for event in devdb.read("$$" + stream)] == members["event_ids"]
    assert devdb.read("$$" + stream)[0].revision == 0


@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
@pytest.mark.parametrize("headers, query", [({}, ANY), ({"If-Match": "*"}, "")])
def test_unanswered_inexact_write(gateway, devdb, faults, stream, action, stored, headers, query):
    gateway.put_metadata(stream, '{"old":1}', NEVER_SET)
    write_fault(faults, stream, action)
    answer = gateway.put_metadata(stream, "{}", {**headers, **SHORT}, query)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT
    [event] = devdb.read("$$" + stream)
    assert event.revision == stored
    assert (members["event_ids"] == [event.id]) == bool(stored)


def test_too_large(start_devdb, start_gateway, stream):
    devdb = start_devdb(emulate="24.10")
    gateway = start_gateway(devdb.address)
    body = b'{"text":"' + b"x" * 2 ** 20 + b'"}'
    members = check_problem(gateway.put_metadata(stream, body, NEVER_SET), 413, "append-too-large")
    assert (members["enforced_by"], members["limit_bytes"]) == ("database", 2 ** 20)
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")


def test_larger_than_a_message(start_devdb, start_gateway, stream):
    """Known before anything is asked."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address, max_body_bytes="32MiB")
    calls = devdb.calls("Read")
    body = b'{"text":"' + b"x" * 16767216 + b'"}'
    members = check_problem(gateway.put_metadata(stream, body, NEVER_SET), 413, "event-too-large")
    assert members["enforced_by"] == "gateway"
    assert devdb.calls("Read") == calls


@pytest.mark.parametrize("version", ["26.1", "25.1", "24.10", "23.10"])
def test_older_servers(start_devdb, start_gateway, stream, version):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")
    check_metadata_set(gateway.put_metadata(stream, '{"a":1}', NEVER_SET), stream, 0)
    check_metadata(gateway.get_metadata(stream), '{"a":1}', 0)


# -- time ----------------------------------------------------------------------------------

def test_one_deadline_for_both(gateway, devdb, faults, stream):
    """What the read took, the write does not have any more."""
    read_fault(faults, stream, "delay", delay_ms=int(limit(0.6) * 1000))
    write_fault(faults, stream, "delay", delay_ms=int(limit(0.6) * 1000))
    begin = time.monotonic()
    answer = gateway.put_metadata(stream, "{}", {**NEVER_SET, "Kurrent-Timeout": str(limit(0.9))})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert limit(0.85) <= time.monotonic() - begin < limit(3)
    assert f"{limit(0.9):g} s" in members["detail"]
    assert [event.id for event in devdb.read("$$" + stream)] == members["event_ids"]


def test_times_of_both(gateway, faults, stream):
    read_fault(faults, stream, "delay", delay_ms=150)
    write_fault(faults, stream, "delay", delay_ms=150)
    answer = gateway.put_metadata(stream, "{}", {**NEVER_SET, "Kurrent-Timeout": "4.5"})
    check_metadata_set(answer, stream, 0)
    assert milliseconds(answer, "db") >= 280
    assert milliseconds(answer, "parse") < 140
    assert milliseconds(answer, "deadline") == 4500
    answer = gateway.get_metadata(stream, {"Kurrent-Timeout": "3"})
    assert milliseconds(answer, "deadline") == 3000


@pytest.mark.parametrize("headers, query, pointer", [
    ({"Kurrent-Timeout": "0"}, "", "header:Kurrent-Timeout"),
    ({"Grpc-Timeout": "1"}, "", "header:Grpc-Timeout"), ({}, "&timeout=x", "query:timeout")])
def test_timeouts_that_are_none(gateway, stream, headers, query, pointer):
    for answer in (gateway.get_metadata(stream, headers, "?" + query),
                   gateway.put_metadata(stream, "{}", headers, ANY + query)):
        check_problem(answer, 422, "invalid-request", [pointer])


# -- clients that leave, and the end -------------------------------------------------------

def test_client_leaves_between_read_and_write(gateway, devdb, faults, stream):
    read_fault(faults, stream, "delay", delay_ms=300)
    reads, before = devdb.calls("Read"), devdb.written()
    headers = {**JSON, **NEVER_SET, "X-Request-Id": f"leaves-{stream}"}
    connection = gateway.connect()
    connection.send(request("PUT", metadata_target(stream), headers, b"{}"))
    wait_until(lambda: devdb.calls("Read") > reads, 5, "the read arrives")
    connection.reset()

    def ended():
        return [line for line in gateway.request_lines()
                if line["request_id"] == f"leaves-{stream}"]
    [line] = wait_until(ended, 5, "the request ends")
    assert line["code"] == "client-closed"
    assert devdb.written() == before
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")


def test_stop_waits_for_both(start_devdb, start_gateway, stream):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("delay", method="Read", delay_ms=300, count=1)
    with gateway.connect() as connection:
        connection.send(request("PUT", metadata_target(stream), {**JSON, **NEVER_SET}, b"{}"))
        wait_until(lambda: devdb.calls("Read") > 0, 5, "the read arrives")
        gateway.kill()
        check_metadata_set(connection.receive("PUT"), stream, 0)
    assert gateway.wait() == 0
    assert [event.data for event in devdb.read("$$" + stream)] == [b"{}"]


def test_stop_at_once_between_read_and_write(start_devdb, start_gateway, stream):
    """Nothing may be asked any more when the client of the database has stopped."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-before", method="Read", count=100)
    connections = [gateway.connect() for _ in range(8)]
    for connection in connections:
        connection.send(request("PUT", metadata_target(stream), {**JSON, **NEVER_SET}, b"{}"))
    wait_until(lambda: devdb.calls("Read") == 8, 5, "the reads arrive")
    gateway.kill()
    gateway.wait_for_line("requests in progress are finished")
    gateway.kill()
    for connection in connections:
        try:
            answer = connection.receive("PUT")
            assert answer.json()["code"] in ("draining", "connection-lost")
            check_problem(answer, 503, answer.json()["code"], retryable=True)
        except Ended:
            pass
        connection.close()
    assert gateway.wait() == 0
    devdb.clear_faults()
    assert devdb.read("$$" + stream) == []


def run_at_once(ask, count):
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_request_many_times_at_once(gateway, devdb, faults, stream):
    """Under one key they are one write, although each reads before it."""
    headers = {"Idempotency-Key": f"key-{stream}"}
    gateway.put_metadata(stream, '{"old":1}', NEVER_SET)
    read_fault(faults, stream, "delay", delay_ms=200, count=2)
    answers = []

    def write(_):
        answers.append(gateway.put_metadata(stream, '{"new":1}', headers, ANY))

    run_at_once(write, 30)
    for answer in answers:
        check_metadata_set(answer, stream, 1)
    [event] = devdb.read("$$" + stream)
    assert (event.revision, event.data) == (1, b'{"new":1}')
    answer = gateway.put_metadata(stream, '{"newer":1}', headers, ANY)
    check_problem(answer, 422, "idempotency-key-reused")


def test_many_at_once(gateway, devdb, stream):
    """Of writers at one version one wins, and the others are told by 412."""
    gateway.put_metadata(stream, "{}", NEVER_SET)
    answers = []

    def write(number):
        answers.append(gateway.put_metadata(stream, f'{{"n":{number}}}', {"If-Match": '"0"'}))

    run_at_once(write, 20)
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] + [412] * 19
    [event] = devdb.read("$$" + stream)
    assert event.revision == 1


# -- users ---------------------------------------------------------------------------------

@pytest.fixture
def secure(start_devdb):
    return start_devdb(user=("admin:changeit", "writer:pass-1:writers", "reader:pass-2"))


@pytest.fixture
def guarded(secure, start_gateway):
    """A gateway without credentials of its own."""
    return start_gateway(secure.address)


def own(pair):
    return {"Kurrent-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


ADMIN = own("admin:changeit")
WRITER = own("writer:pass-1")
READER = own("reader:pass-2")


def test_credentials(guarded, stream):
    check_problem(guarded.get_metadata(stream), 403, "forbidden")
    check_problem(guarded.put_metadata(stream, "{}", NEVER_SET), 403, "forbidden")
    wrong = own("writer:wrong")
    answer = guarded.get_metadata(stream, wrong)
    check_problem(answer, 401, "unauthenticated")
    assert answer.header("WWW-Authenticate").startswith("Basic")
    check_problem(guarded.put_metadata(stream, "{}", {**NEVER_SET, **wrong}), 401,
                  "unauthenticated")
    check_metadata_set(guarded.put_metadata(stream, "{}", {**NEVER_SET, **WRITER}), stream, 0)
    check_metadata(guarded.get_metadata(stream, READER), "{}", 0)
    check_metadata(guarded.get_metadata(stream, {"Authorization": READER["Kurrent-Authorization"]}),
                   "{}", 0)


def test_access_lists(guarded, stream):
    lists = '{"$acl":{"$r":["writers","reader"],"$w":"writers","$mr":"reader","$mw":"writers"}}'
    check_metadata_set(guarded.put_metadata(stream, lists, {**NEVER_SET, **ADMIN}), stream, 0)
    check_metadata(guarded.get_metadata(stream, READER), lists, 0)
    check_problem(guarded.get_metadata(stream, WRITER), 403, "forbidden")
    check_problem(guarded.put_metadata(stream, "{}", {"If-Match": '"0"', **READER}), 403,
                  "forbidden")
    check_metadata(guarded.get_metadata(stream, ADMIN), lists, 0)
    # The writer may not read the metadata, and may write it.
    check_metadata_set(guarded.put_metadata(stream, "{}", {"If-Match": '"0"', **WRITER}), stream, 1)
    check_metadata(guarded.get_metadata(stream, WRITER), "{}", 1)


def test_access_lists_are_obeyed(guarded, stream):
    """What was put is in force for appends."""
    check_success(guarded.append_one(stream, headers=READER), version=0)
    closed = '{"$acl":{"$w":["writers"]}}'
    check_metadata_set(guarded.put_metadata(stream, closed, {**NEVER_SET, **ADMIN}), stream, 0)
    check_problem(guarded.append_one(stream, headers=READER), 403, "forbidden")
    check_success(guarded.append_one(stream, headers=WRITER), version=1)
    check_metadata_set(guarded.put_metadata(stream, "{}", {"If-Match": '"0"', **ADMIN}), stream, 1)
    check_success(guarded.append_one(stream, headers=READER), version=2)


def test_system_streams_are_for_administrators(guarded, fresh):
    name = fresh("$order-index")
    check_problem(guarded.put_metadata(name, "{}", {**NEVER_SET, **WRITER}), 403, "forbidden")
    check_problem(guarded.get_metadata(name, WRITER), 403, "forbidden")
    check_metadata_set(guarded.put_metadata(name, "{}", {**NEVER_SET, **ADMIN}), name, 0)
    check_metadata(guarded.get_metadata(name, ADMIN), "{}", 0)
