# SPDX-License-Identifier: Apache-2.0
"""In front of older servers: what they are told to lack, their smaller limits, and multi-append
without AppendRecords. emulate-*.tap run the other scenarios in front of them.
"""

import base64

import pytest

from harness.gateway import (K_TARGET, M_TARGET, cloudevents_target, event_of, group_of, groups_of,
                             metadata_target, record_of, records_of)
from harness.limits import limit, wait_until
from harness.problems import check_problem, check_streams, check_success
from harness.process import free_port
from harness.wire import request

MIB = 2 ** 20
ANY = "?current_version=any"


@pytest.fixture(params=["26.1", "25.1", "24.10", "23.10"])
def version(request):
    return request.param


@pytest.fixture
def older(version, start_devdb):
    return start_devdb(emulate=version)


def lacks(version, operation):
    return version in {"multi_append": ["24.10", "23.10"],
                       "append_records": ["25.1", "24.10", "23.10"]}[operation]


REQUIRES = {"multi_append": "25.1", "append_records": "26.1"}


def ask(gateway, operation, stream, **options):
    if operation == "multi_append":
        return gateway.multi_append(groups_of(group_of(stream, "any", [event_of()])), **options)
    return gateway.append_records(records_of([record_of(stream)]), **options)


def send(connection, operation, stream, seconds):
    target, body = {
        "multi_append": (M_TARGET, groups_of(group_of(stream, "any", [event_of()]))),
        "append_records": (K_TARGET, records_of([record_of(stream)])),
    }[operation]
    connection.send(request("POST", target, [("Content-Type", "application/json"),
                                             ("Kurrent-Timeout", f"{seconds:g}")],
                            body.encode()))


def test_older_server(version, older, start_gateway, stream):
    gateway = start_gateway(older.address)
    check_success(gateway.append_one(stream), version=0)
    wait_until(lambda: gateway.get("/v1/info").json()["database"]["version"], 5, "the version")
    database = gateway.get("/v1/info").json()["database"]
    assert database["version"].startswith(version + ".")
    assert [database["append"], database["multi_append"], database["append_records"]] == [
        True, not lacks(version, "multi_append"), not lacks(version, "append_records")]


# 23.10 counts data alone, 24.10 type and metadata, too.
@pytest.mark.parametrize("version, most", [("24.10", MIB - 2 * len("T")), ("23.10", MIB)],
                         indirect=["version"])
def test_limit_of_an_older_server(older, start_gateway, stream, most):
    gateway = start_gateway(older.address)
    answer = gateway.append_raw(stream, "T", bytes(most + 1), query=ANY)
    members = check_problem(answer, 413, "append-too-large")
    assert members["limit_bytes"] == MIB
    check_success(gateway.append_raw(stream, "T", bytes(most), query=ANY), version=0)


# -- operations that the server lacks ------------------------------------------------------

@pytest.mark.parametrize("operation", REQUIRES)
def test_operations_of_newer_servers(version, older, start_gateway, stream, operation):
    gateway = start_gateway(older.address)
    answer = ask(gateway, operation, stream)
    if not lacks(version, operation):
        check_streams(answer, [(stream, 0)])
        assert len(older.read(stream)) == 1
        return
    members = check_problem(answer, 501, "operation-not-supported")
    assert members["requires"] == REQUIRES[operation]
    assert members["server_version"].startswith(version + ".")
    assert older.stored() == (0, 0) and older.read(stream) == []
    calls = older.stats()["calls"]
    assert (calls["AppendSession"], calls["AppendRecords"]) == (0, 0)


@pytest.mark.parametrize("operation", REQUIRES)
@pytest.mark.parametrize("version", ["24.10"], indirect=True)
def test_missing_operation_is_told_before_the_body(older, start_gateway, operation):
    """Once the features are known nobody needs to send a body in vain."""
    gateway = start_gateway(older.address)
    target = {"multi_append": "/v1/multi-append", "append_records": "/v1/append-records"}[operation]
    with gateway.connect() as connection:
        connection.send(f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n"
                        "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
        answer = connection.receive()
        check_problem(answer, 501, "operation-not-supported")
        assert answer.interims == []
        connection.expect_closed()


@pytest.mark.parametrize("operation", REQUIRES)
def test_missing_operation_of_a_server_that_comes_later(start_gateway, start_devdb, stream,
                                                        operation):
    """The request waits for the server, and is refused when its features are known."""
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    with gateway.connect(seconds=20) as connection:
        body = (groups_of(group_of(stream, "any", [event_of()])) if operation == "multi_append"
                else records_of([record_of(stream)])).encode()
        target = operation.replace("_", "-")
        connection.send(f"POST /v1/{target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                        f"{len(body)}\r\nContent-Type: application/json\r\nKurrent-Timeout: 15"
                        "\r\n\r\n".encode() + body)
        devdb = start_devdb(port=port, emulate="24.10")
        members = check_problem(connection.receive(), 501, "operation-not-supported")
    assert members["requires"] == REQUIRES[operation]
    assert members["server_version"].startswith("24.10.")
    assert devdb.stored() == (0, 0)


@pytest.mark.parametrize("version", ["24.10"], indirect=True)
@pytest.mark.parametrize("operation", REQUIRES)
def test_next_leader_is_newer(older, start_devdb, start_gateway, operation):
    """What the last leader lacked is asked of the next one."""
    newer = start_devdb(emulate="26.1")
    newer.set_role("Follower", leader_host="127.0.0.1", leader_port=older.port)
    gateway = start_gateway(f"kurrentdb://{older.address},{newer.address}?tls=false")
    check_problem(ask(gateway, operation, "s"), 501, "operation-not-supported")
    older.stop()
    wait_until(lambda: gateway.get("/readyz").status == 503, 10, "the leader is lost")
    with gateway.connect() as connection:
        send(connection, operation, "s", limit(20))
        assert gateway.get("/livez").status == 200
        newer.set_role("Leader")
        check_streams(connection.receive(seconds=25), [("s", 0)])
    check_streams(ask(gateway, operation, "t"), [("t", 0)])


@pytest.mark.parametrize("version", ["24.10"], indirect=True)
def test_newer_server_that_refuses_the_credentials(version, start_devdb, start_gateway):
    """The features of the server before are not those of a server that does not tell its own."""
    port = free_port()
    older = start_devdb(port=port, emulate=version, user=["admin:one", "u:three"])
    gateway = start_gateway(f"kurrentdb://admin:one@{older.address}?tls=false")
    check_problem(ask(gateway, "multi_append", "s"), 501, "operation-not-supported")
    older.stop()
    start_devdb(port=port, emulate="26.1", user=["admin:two", "u:three"])
    wait_until(lambda: gateway.get("/readyz/credentials").status == 503, 15, "the refusal")
    own = [("Kurrent-Authorization", "Basic " + base64.b64encode(b"u:three").decode())]
    check_streams(ask(gateway, "multi_append", "s", headers=own), [("s", 0)])
    assert gateway.get("/v1/info").json()["database"]["multi_append"] is None


@pytest.mark.parametrize("target", [cloudevents_target("s"), metadata_target("s")])
def test_other_operations_need_no_newer_server(version, older, start_gateway, stream, target):
    gateway = start_gateway(older.address)
    if target == metadata_target("s"):
        assert gateway.put_metadata(stream, "{}", {"If-None-Match": "*"}).status == 200
        assert gateway.get_metadata(stream).header("ETag") == '"0"'
        assert len(older.read("$$" + stream)) == 1
        return
    event = {"specversion": "1.0", "type": "T", "source": "/s", "id": "1", "data": 1}
    answer = gateway.append_cloudevents(stream, event,
                                        {"Content-Type": "application/cloudevents+json"})
    check_success(answer, stream, version=0)
    assert len(older.read(stream)) == 1


# -- multi-append without AppendRecords ----------------------------------------------------

@pytest.fixture
def session(start_devdb):
    return start_devdb(emulate="25.1")


@pytest.fixture
def gateway_of_session(session, start_gateway):
    return start_gateway(session.address)


def test_multi_append_as_a_session(session, gateway_of_session):
    answer = gateway_of_session.multi_append(groups_of(
        group_of("a", "no_stream", [event_of(), event_of()]), group_of("b", "any", [event_of()])))
    members = check_streams(answer, [("a", 1), ("b", 0)], replayed=False)
    assert [event.id for event in session.read("a")] == members["event_ids"][0]
    assert [event.id for event in session.read("b")] == members["event_ids"][1]
    assert session.read("b")[0].position == members["commit_position"]
    assert session.stats()["calls"]["AppendSession"] == 1


@pytest.mark.parametrize("expectations, place, actual", [
    ((3, "any"), 0, 0), (("any", 3), 1, "no_stream"), (("no_stream", "exists"), 0, 0),
    ((0, "exists"), 1, "no_stream")])
def test_conflict_of_a_session_is_incomplete(session, gateway_of_session, expectations, place,
                                             actual):
    check_success(gateway_of_session.append_one("a"), version=0)
    answer = gateway_of_session.multi_append(groups_of(
        group_of("a", expectations[0], [event_of()]), group_of("b", expectations[1],
                                                               [event_of()])))
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["pointer"], members["stream_name"]) == (f"/streams/{place}", "ab"[place])
    assert members["expected_version"] == expectations[place]
    assert members["actual_version"] == actual
    assert members["failures_complete"] is False and "failures" not in members
    assert len(session.read("a")) == 1 and session.read("b") == []


@pytest.mark.parametrize("end, expectation, code", [
    ("tombstone", "any", "stream-tombstoned"), ("tombstone", "exists", "stream-deleted"),
    ("delete", "exists", "stream-deleted")])
def test_deleted_stream_of_a_session(session, gateway_of_session, end, expectation, code):
    """Whether softly or for good is not told."""
    check_success(gateway_of_session.append_one("b"), version=0)
    getattr(session, end)("b")
    answer = gateway_of_session.multi_append(groups_of(
        group_of("a", "any", [event_of()]), group_of("b", expectation, [event_of()])))
    members = check_problem(answer, 410, code)
    assert (members["pointer"], members["stream_name"]) == ("/streams/1", "b")
    assert members["failures_complete"] is False and "failures" not in members
    assert session.read("a") == []


def test_event_types_of_a_session_are_ascii(session, gateway_of_session):
    """Newer servers take letters of any script."""
    answer = gateway_of_session.multi_append(groups_of(
        group_of("a", "any", [event_of(), event_of(type="Prüfung")])))
    check_problem(answer, 422, "invalid-event-type", ["/streams/0/events/1/type"])
    assert session.read("a") == []


def test_session_that_is_retried(session, gateway_of_session):
    body = groups_of(group_of("a", "no_stream", [event_of()]),
                     group_of("b", "no_stream", [event_of()]))
    first = check_streams(gateway_of_session.multi_append(body, {"Idempotency-Key": "k"}),
                          [("a", 0), ("b", 0)])
    again = check_streams(gateway_of_session.multi_append(body, {"Idempotency-Key": "k"}),
                          [("a", 0), ("b", 0)], replayed=True)
    assert again["event_ids"] == first["event_ids"]
    assert len(session.read("a")) == 1 and len(session.read("b")) == 1


@pytest.mark.parametrize("fault, status, code, outcome", [
    ("not-ready", 503, "leader-unavailable", "not_written"),
    ("busy", 503, "database-busy", "not_written"),
    ("access-denied", 403, "forbidden", "not_written"),
    ("timeout", 504, "deadline-exceeded", "unknown"),
    ("drop-before", 504, "deadline-exceeded", "unknown"),
    ("drop-after", 504, "deadline-exceeded", "unknown")])
def test_faults_of_a_session(session, gateway_of_session, fault, status, code, outcome):
    session.fault(fault, method="AppendSession")
    answer = gateway_of_session.multi_append(
        groups_of(group_of("a", "no_stream", [event_of()])),
        {"Kurrent-Timeout": f"{limit(0.5):g}"})
    check_problem(answer, status, code, outcome=outcome, retryable=status != 403)
    assert len(session.read("a")) == (1 if fault == "drop-after" else 0) or fault == "timeout"


def test_large_session(session, start_gateway):
    """No single message has to hold it, as AppendRecords must."""
    gateway = start_gateway(session.address, max_body_bytes="64MiB", default_timeout_seconds="25")
    data = '"' + "x" * 11_000_000 + '"'
    answer = gateway.multi_append(groups_of(
        *[group_of(name, "no_stream", [event_of(data)]) for name in "abc"]), seconds=30)
    check_streams(answer, [(name, 0) for name in "abc"])
    assert [len(session.read(name)[0].data) for name in "abc"] == [11_000_002] * 3
