# SPDX-License-Identifier: Apache-2.0
"""What a failing database makes of an append: code, outcome, advice, and that a retry which
follows the advice stores one copy (api-design 10, 11, 13.3)."""

import json
import re
import threading
import time

import pytest

from harness.gateway import envelope_of, event_of, events_target
from harness.limits import limit, wait_until
from harness.problems import (HINT_IDS, HINT_INEXACT, HINT_KEY, check_problem, check_success)
from harness.process import free_port
from harness.wire import request

SHORT = {"Kurrent-Timeout": str(limit(0.5))}
JSON = ("Content-Type", "application/json")


def batch_fault(faults, stream, action, **members):
    faults(action, **{"method": "BatchAppend", "stream": stream, "count": 1, **members})


# -- no answer -----------------------------------------------------------------------------

@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
def test_dropped_answer_with_a_key(gateway, devdb, faults, stream, action, stored):
    batch_fault(faults, stream, action)
    headers = {**SHORT, "Idempotency-Key": f"key-{stream}"}
    answer = gateway.append_one(stream, "no_stream", headers=headers)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_KEY
    assert len(members["event_ids"]) == 1
    assert len(devdb.read(stream)) == stored
    retry = gateway.append_one(stream, "no_stream",
                               headers={"Idempotency-Key": f"key-{stream}"})
    again = check_success(retry, version=0)
    assert again["event_ids"] == members["event_ids"]
    # Nothing newer was seen on the connection, so a stored event cannot be told from a new one.
    assert again["replayed"] is None or not stored
    assert [event.id for event in devdb.read(stream)] == members["event_ids"]


@pytest.mark.parametrize("action, stored", [("drop-after", 2), ("drop-before", 0)])
def test_dropped_answer_without_a_key(gateway, devdb, faults, stream, action, stored):
    batch_fault(faults, stream, action)
    answer = gateway.append(stream, envelope_of("no_stream", [event_of(), event_of()]), SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_IDS
    assert len(members["event_ids"]) == 2
    assert len(devdb.read(stream)) == stored
    retry = envelope_of("no_stream", [event_of(id=each) for each in members["event_ids"]])
    check_success(gateway.append(stream, retry), version=1)
    assert [event.id for event in devdb.read(stream)] == members["event_ids"]


@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
@pytest.mark.parametrize("expectation", ["any", "exists"])
def test_dropped_answer_of_an_inexact_append(gateway, devdb, faults, stream, action, stored,
                                             expectation):
    gateway.append_one(stream)
    batch_fault(faults, stream, action)
    answer = gateway.append_one(stream, expectation, headers=SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT
    found = [event.id for event in devdb.read(stream)]
    assert len(found) == 1 + stored
    assert (members["event_ids"][0] in found) == bool(stored)


def test_dropped_answer_of_a_raw_event(gateway, devdb, faults, stream):
    batch_fault(faults, stream, "drop-after")
    answer = gateway.append_raw(stream, "T", b"x", SHORT, "?current_version=no_stream")
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    [event_id] = members["event_ids"]
    query = f"?current_version=no_stream&event_id={event_id}"
    gateway.append_one(stream + "-newer")
    check_success(gateway.append_raw(stream, "T", b"x", query=query), version=0, replayed=True)
    assert len(devdb.read(stream)) == 1


def test_detail_of_an_unknown_outcome(gateway, faults, stream):
    batch_fault(faults, stream, "drop-before")
    answer = gateway.append_one(stream, "no_stream", headers={"Kurrent-Timeout": "0.5"})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["detail"] == (
        "No answer within 0.5 s. The append may or may not have been stored.")


def test_deadline_is_kept(gateway, faults, stream):
    batch_fault(faults, stream, "drop-before")
    begin = time.monotonic()
    answer = gateway.append_one(stream, headers={"Kurrent-Timeout": "0.3"})
    assert 0.25 <= time.monotonic() - begin < limit(3)
    check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)


def test_others_go_on_beside_an_unanswered_append(gateway, faults, stream):
    batch_fault(faults, stream, "drop-before")
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream), [JSON, *SHORT.items()],
                                envelope_of("any", [event_of()]).encode()))
        for version in range(5):
            check_success(gateway.append_one(stream + "-other"), version=version)
        check_problem(connection.receive(), 504, "deadline-exceeded", outcome="unknown")


def test_late_answer_disturbs_nobody(gateway, devdb, faults, stream):
    """The answer of an append that gave up comes while another one waits in its place."""
    other = stream + "-other"
    for version in range(5):
        check_success(gateway.append_one(other), version=version)
    batch_fault(faults, stream, "delay", delay_ms=400)
    batch_fault(faults, other, "delay", delay_ms=800)
    answer = gateway.append_one(stream, "no_stream", headers={"Kurrent-Timeout": "0.1"})
    check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    check_success(gateway.append_one(other), other, version=5)
    assert len(devdb.read(stream)) == 1
    check_success(gateway.append_one(other), version=6)


def test_delayed_answer_in_time(gateway, faults, stream):
    batch_fault(faults, stream, "delay", delay_ms=150)
    answer = gateway.append_one(stream)
    check_success(answer, version=0)
    [database] = re.findall(r"\bdb;dur=([0-9.]+)", answer.header("Server-Timing"))
    assert float(database) >= 140


# -- refusals of the database --------------------------------------------------------------

def test_not_ready(gateway, devdb, faults, stream):
    batch_fault(faults, stream, "not-ready")
    begin = time.monotonic()
    check_problem(gateway.append_one(stream), 503, "leader-unavailable", retryable=True)
    assert time.monotonic() - begin < limit(2), "it must come at once"
    assert devdb.read(stream) == []
    check_success(gateway.append_one(stream), version=0)


def test_busy(gateway, devdb, faults, stream):
    batch_fault(faults, stream, "busy")
    begin = time.monotonic()
    check_problem(gateway.append_one(stream), 503, "database-busy", retryable=True)
    assert time.monotonic() - begin < limit(2), "it must come at once"
    assert devdb.read(stream) == []


def test_timeout_of_the_database(gateway, faults, stream):
    """The database did not confirm the write within its own limit: not "not written"."""
    batch_fault(faults, stream, "timeout")
    answer = gateway.append_one(stream, "no_stream")
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == HINT_IDS


def test_timeout_of_the_database_inexact(gateway, faults, stream):
    batch_fault(faults, stream, "timeout")
    members = check_problem(gateway.append_one(stream, "any"), 504, "deadline-exceeded",
                            outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT


@pytest.mark.parametrize("expectation", ["any", "no_stream", 0])
def test_tombstoned_stream(gateway, devdb, stream, expectation):
    gateway.append_one(stream)
    devdb.tombstone(stream)
    members = check_problem(gateway.append_one(stream, expectation), 410, "stream-tombstoned")
    assert members["stream_name"] == stream


@pytest.mark.parametrize("end", ["delete", "tombstone"])
def test_deleted_stream_with_exists(gateway, devdb, stream, end):
    """Soft-deleted or tombstoned: the database does not tell which."""
    gateway.append_one(stream)
    getattr(devdb, end)(stream)
    members = check_problem(gateway.append_one(stream, "exists"), 410, "stream-deleted")
    assert members["stream_name"] == stream


def test_soft_deleted_stream_goes_on(gateway, devdb, stream):
    gateway.append_one(stream)
    devdb.delete(stream)
    check_success(gateway.append_one(stream, "no_stream"), version=1)
    assert [event.revision for event in devdb.read(stream)] == [1]


def test_empty_append_does_not_undelete(gateway, devdb, stream):
    gateway.append_one(stream)
    devdb.delete(stream)
    answer = gateway.append(stream, '{"current_version":"any","events":[]}')
    check_problem(answer, 422, "invalid-request", ["/events"])
    assert devdb.read(stream) == []


def test_permission_denied(gateway, devdb, faults, stream):
    batch_fault(faults, stream, "refuse", status=7, message="Access Denied")
    answer = gateway.append_one(stream, headers={"Authorization": "Basic YTpi"})
    check_problem(answer, 403, "forbidden")
    assert devdb.read(stream) == []


def test_status_that_fits_nothing(gateway, faults, stream):
    """The call was ended with this append alone in it, and nothing says that it was refused."""
    batch_fault(faults, stream, "refuse", status=2, message="Exception was thrown by handler.")
    answer = gateway.append_one(stream, "no_stream", headers={"Authorization": "Basic YTpi"})
    code = {502: "database-error", 503: "connection-lost"}[answer.status]
    check_problem(answer, answer.status, code, outcome="unknown", retryable=True)


def test_tombstoned_stream_beyond_ascii(gateway, devdb, stream):
    """In-band answers survive names that a server cannot put into a trailer."""
    name = stream + "-naïve"
    gateway.append_one(name)
    devdb.tombstone(name)
    members = check_problem(gateway.append_one(name, "any"), 410, "stream-tombstoned")
    assert members["stream_name"] == name


# -- the call ------------------------------------------------------------------------------

def test_not_leader_with_this_append_alone(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("not-leader", method="BatchAppend", count=1, leader_host="127.0.0.1",
                leader_port=devdb.port)
    check_problem(gateway.append_one("alone"), 503, "leader-unavailable", retryable=True)
    assert devdb.read("alone") == []
    # The spoiled channel is dropped and a new one serves the next append.
    check_success(gateway.append_one("alone"), version=0)


def test_not_leader_names_another_node(start_devdb, start_gateway):
    old, new = start_devdb(), start_devdb()
    gateway = start_gateway(old.address)
    old.fault("not-leader", method="BatchAppend", leader_host="127.0.0.1", leader_port=new.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    check_success(gateway.append_one("moved"), version=0)
    assert len(new.read("moved")) == 1
    assert old.read("moved") == []


def send_at_once(gateway, streams, headers):
    """Sends one append per stream, each on its own connection, before any is read."""
    connections = []
    for stream in streams:
        connection = gateway.connect()
        connection.send(request("POST", events_target(stream), [JSON, *headers.items()],
                                envelope_of("no_stream", [event_of()]).encode()))
        connections.append(connection)
    return connections


def test_call_ends_with_several_in_flight(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-before", method="BatchAppend", stream="held-1")
    devdb.fault("drop-before", method="BatchAppend", stream="held-2")
    held = send_at_once(gateway, ["held-1", "held-2"], {"Kurrent-Timeout": "20"})
    wait_until(lambda: devdb.batches() >= 2, 5, "both appends arrived")
    devdb.fault("end-call", method="BatchAppend", stream="ender", count=1)
    last = gateway.append_one("ender", "no_stream")
    for connection in held:
        members = check_problem(connection.receive(), 503, "connection-lost", outcome="unknown",
                                retryable=True)
        assert members["retry_hint"] == HINT_IDS
        connection.close()
    assert last.status == 503
    assert last.json()["outcome"] == "unknown"
    devdb.clear_faults()
    check_success(gateway.append_one("held-1", "no_stream"), version=0)


def test_not_leader_with_several_in_flight(start_devdb, start_gateway):
    """Who of them was refused is not told: every outcome is unknown."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-before", method="BatchAppend", stream="held")
    [held] = send_at_once(gateway, ["held"], {"Kurrent-Timeout": "20"})
    wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
    devdb.fault("not-leader", method="BatchAppend", stream="other", count=1,
                leader_host="127.0.0.1", leader_port=devdb.port)
    gateway.append_one("other", "no_stream")
    check_problem(held.receive(), 503, "connection-lost", outcome="unknown", retryable=True)
    held.close()


def test_connection_cut_after_sending(start_devdb, start_gateway, start_proxy):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    devdb.fault("drop-before", method="BatchAppend", stream="cut")
    [held] = send_at_once(gateway, ["cut"], {"Kurrent-Timeout": "20"})
    wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
    proxy.drop_connections()
    members = check_problem(held.receive(), 503, "connection-lost", outcome="unknown",
                            retryable=True)
    assert members["retry_hint"] == HINT_IDS
    held.close()
    devdb.clear_faults()
    retry = envelope_of("no_stream", [event_of(id=each) for each in members["event_ids"]])
    check_success(gateway.append("cut", retry), version=0)
    assert len(devdb.read("cut")) == 1


@pytest.mark.parametrize("count", [1, 40, 300])
def test_connection_cut_in_the_middle_of_an_append(start_devdb, start_gateway, start_proxy, count):
    """HTTP/2 has bytes of its own: when those spend the count, the append goes out on the next
    connection and is stored, once; then it is tried again."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    for attempt in range(10):
        stream = f"cut-{attempt}"
        gateway.append_one("warm")
        proxy.cut_after("to_database", count)
        answer = gateway.append_one(stream, "no_stream", data=json.dumps("x" * 2000))
        proxy.wait_for_cut()
        if answer.status != 200:
            break
        check_success(answer, stream, version=0)
        assert len(devdb.read(stream)) == 1
    members = check_problem(answer, 503, "connection-lost", outcome="unknown", retryable=True)
    assert devdb.read(stream) == []
    retry = envelope_of("no_stream", [event_of(id=each) for each in members["event_ids"]])
    check_success(gateway.append(stream, retry), version=0)
    assert len(devdb.read(stream)) == 1


@pytest.mark.parametrize("count", [1, 20])
def test_connection_cut_in_the_middle_of_the_answer(start_devdb, start_gateway, start_proxy, count):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    gateway.append_one("warm")
    devdb.fault("delay", method="BatchAppend", stream="cut", delay_ms=100, count=1)
    [held] = send_at_once(gateway, ["cut"], {"Kurrent-Timeout": "20"})
    wait_until(lambda: devdb.batches() >= 2, 5, "the append arrived")
    proxy.cut_after("to_gateway", count)
    members = check_problem(held.receive(), 503, "connection-lost", outcome="unknown",
                            retryable=True)
    held.close()
    wait_until(lambda: devdb.read("cut"), 5, "the append is stored")
    retry = envelope_of("no_stream", [event_of(id=each) for each in members["event_ids"]])
    check_success(gateway.append("cut", retry), version=0)
    assert len(devdb.read("cut")) == 1


def test_deadline_over_before_sending(start_devdb, start_gateway, start_proxy):
    """Behind other work on a call that takes no more: not written, and never written later."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    gateway.append_one("warm")
    proxy.freeze()
    connections = []
    for number in range(40):
        connections.append(gateway.connect())
        connections[-1].send(request(
            "POST", events_target(f"frozen-{number}") + "/T?current_version=no_stream",
            {"Kurrent-Timeout": str(limit(2))}, b"x" * 200000))
    proxy.wait_for_held(10000)
    outcomes = {}
    for number, connection in enumerate(connections):
        answer = connection.receive()
        outcome = answer.json()["outcome"]
        check_problem(answer, 504, "deadline-exceeded", outcome=outcome, retryable=True)
        outcomes[number] = outcome
        connection.close()
    assert set(outcomes.values()) == {"not_written", "unknown"}, outcomes
    proxy.thaw()
    gateway.wait_ready()
    wait_until(lambda: gateway.append_one("after").status == 200, 10, "appends go on")
    for number, outcome in outcomes.items():
        if outcome == "not_written":
            assert devdb.read(f"frozen-{number}") == []


def test_connection_lost_with_appends_that_were_not_sent(start_devdb, start_gateway, start_proxy):
    """Those never handed to the call are sent again; the others' outcome is unknown."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    gateway.append_one("warm")
    proxy.freeze()
    connections = []
    for number in range(40):
        connections.append(gateway.connect())
        connections[-1].send(request(
            "POST", events_target(f"queued-{number}") + "/T?current_version=no_stream",
            {"Kurrent-Timeout": "25"}, b"x" * 200000))
    proxy.wait_for_held(10000)
    proxy.drop_connections()
    proxy.thaw()
    statuses = []
    for number, connection in enumerate(connections):
        answer = connection.receive()
        statuses.append(answer.status)
        if answer.status == 503:
            check_problem(answer, 503, "connection-lost", outcome="unknown", retryable=True)
        else:
            check_success(answer, f"queued-{number}", version=0)
            assert len(devdb.read(f"queued-{number}")) == 1
        connection.close()
    assert set(statuses) == {200, 503}, statuses


def test_frozen_connection_ends_at_the_deadline(start_devdb, start_gateway, start_proxy):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    gateway.append_one("warm")
    proxy.freeze()
    answer = gateway.append_one("frozen", "no_stream", headers={"Kurrent-Timeout": "0.4"})
    check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    proxy.thaw()
    wait_until(lambda: devdb.read("frozen"), 5, "the frozen append got through")
    check_success(gateway.append_one("other"), version=0)


def test_call_that_answers_nothing_is_replaced(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("hang", method="BatchAppend", count=1)

    def is_answered():
        return gateway.append_one("mute", headers={"Kurrent-Timeout": "2.6"}).status == 200

    assert not is_answered()
    wait_until(is_answered, 20, "an append on another call")
    assert any("answers nothing" in line for line in gateway.lines)


def test_call_of_its_own_that_cannot_connect_leaves_the_leader(start_devdb, start_gateway,
                                                                start_proxy):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("shared"), version=0)
    proxy.refuse_new()
    own = {"Kurrent-Authorization": "Basic dXNlcjpwYXNz", "Kurrent-Timeout": str(limit(1))}
    answer = gateway.append_one("own", headers=own)
    assert answer.status in (503, 504) and answer.json()["outcome"] == "not_written"
    check_success(gateway.append_one("shared", 0), version=1)
    assert gateway.get("/readyz").status == 200
    assert sum("append call open" in line for line in gateway.lines) == 1
    assert devdb.read("own") == []


# -- old server, credentials ---------------------------------------------------------------

def test_server_without_batch_append(start_devdb, start_gateway):
    devdb = start_devdb()
    devdb.fault("unimplemented", method="BatchAppend")
    gateway = start_gateway(devdb.address, wait_ready=False)
    answer = gateway.append_one("old", headers={"Kurrent-Timeout": str(limit(3))})
    members = check_problem(answer, 501, "operation-not-supported")
    assert members["requires"] == "21.10"
    assert "server_version" in members
    assert devdb.read("old") == []
    answer = gateway.append_raw("old", "T", b"x", query="?current_version=any")
    check_problem(answer, 501, "operation-not-supported")


def test_server_that_knows_no_features(start_devdb, start_gateway):
    """Older still: there is no version to tell."""
    devdb = start_devdb()
    devdb.fault("unimplemented", method="BatchAppend")
    devdb.fault("unimplemented", method="ServerFeatures")
    gateway = start_gateway(devdb.address, wait_ready=False)
    answer = gateway.append_one("old", headers={"Kurrent-Timeout": str(limit(3))})
    members = check_problem(answer, 501, "operation-not-supported")
    assert members["server_version"] is None
    assert devdb.read("old") == []


def test_request_credentials_refused(gateway, devdb, faults, stream):
    faults("unauthenticated", method="BatchAppend", count=1)
    answer = gateway.append_one(stream, headers={"Authorization": "Basic YWRtaW46d3Jvbmc="})
    check_problem(answer, 401, "unauthenticated")
    assert answer.header("WWW-Authenticate").startswith("Basic")
    assert devdb.read(stream) == []


def test_own_credentials_refused(start_devdb, start_gateway):
    devdb = start_devdb()
    devdb.fault("unauthenticated", method="BatchAppend")
    gateway = start_gateway(f"kurrentdb://admin:secret-word@{devdb.address}?tls=false",
                            wait_ready=False)
    answer = gateway.append_one("mine", headers={"Kurrent-Timeout": str(limit(2))})
    check_problem(answer, 502, "upstream-credentials")
    assert "secret-word" not in answer.body.decode() + "\n".join(gateway.lines)


def test_own_credentials_are_sent(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(f"kurrentdb://admin:changeit@{devdb.address}?tls=false")
    check_success(gateway.append_one("mine"), version=0)


# -- coming and going ----------------------------------------------------------------------

def test_database_down_at_start_then_up(start_devdb, start_gateway):
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    assert gateway.get("/livez").status == 200
    assert gateway.get("/readyz").status == 503
    assert gateway.get("/v1/info").json()["database"]["version"] is None
    start_devdb(port=port)
    gateway.wait_ready()
    check_success(gateway.append_one("first"), version=0)


def test_unreachable_database(start_gateway):
    gateway = start_gateway(f"127.0.0.1:{free_port()}", wait_ready=False)
    begin = time.monotonic()
    answer = gateway.append_one("x", headers={"Kurrent-Timeout": "0.4"})
    check_problem(answer, 503, "database-unreachable", retryable=True)
    assert 0.3 <= time.monotonic() - begin < limit(3)


def test_write_waits_for_the_leader_inside_its_deadline(start_devdb, start_gateway):
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    waiting = send_at_once(gateway, [f"early-{number}" for number in range(3)],
                           {"Kurrent-Timeout": "25"})
    devdb = start_devdb(port=port)
    for number, connection in enumerate(waiting):
        check_success(connection.receive(), f"early-{number}", version=0)
        connection.close()
    assert len(devdb.read("early-0")) == 1


def test_node_that_does_not_lead(start_devdb, start_gateway):
    """No append call is opened on it; writes wait, and go out when it leads."""
    devdb = start_devdb()
    devdb.set_role("Follower")
    gateway = start_gateway(devdb.address, wait_ready=False)
    answer = gateway.append_one("early", headers={"Kurrent-Timeout": "0.4"})
    check_problem(answer, 503, "leader-unavailable", retryable=True)
    assert gateway.get("/readyz/leader").status == 503
    assert devdb.calls("BatchAppend") == 0
    [waiting] = send_at_once(gateway, ["early"], {"Kurrent-Timeout": "25"})
    devdb.set_role("Leader")
    check_success(waiting.receive(), version=0)
    waiting.close()
    assert len(devdb.read("early")) == 1


def test_half_closed_client_that_waits_gets_its_answer(start_devdb, start_gateway):
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    [waiting] = send_at_once(gateway, ["half"], {"Kurrent-Timeout": "25"})
    waiting.half_close()
    devdb = start_devdb(port=port)
    check_success(waiting.receive(), version=0)
    waiting.expect_closed()
    waiting.close()
    assert len(devdb.read("half")) == 1


def test_writes_that_waited_go_in_order(start_devdb, start_gateway):
    """One connection, pipelined, each expecting the one before it."""
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    with gateway.connect() as connection:
        for expectation in ("no_stream", 0, 1):
            connection.send(request("POST", events_target("queue"),
                                    [JSON, ("Kurrent-Timeout", "25")],
                                    envelope_of(expectation, [event_of()]).encode()))
        start_devdb(port=port)
        for version in range(3):
            check_success(connection.receive(), version=version)


def test_client_that_leaves_while_waiting_stores_nothing(start_devdb, start_gateway):
    """Work of a client that reset its connection is dropped if it was not yet sent."""
    port = free_port()
    gateway = start_gateway(f"127.0.0.1:{port}", wait_ready=False)
    [gone] = send_at_once(gateway, ["gone"], {"Kurrent-Timeout": "25"})
    # The loop is one thread: an answer to a later connection shows that it has the request.
    for _ in range(3):
        assert gateway.get("/livez").status == 200
    gone.reset()
    wait_until(lambda: "client-closed" in [line.get("code") for line in gateway.request_lines()],
               5, "the gateway noticed that the client left")
    devdb = start_devdb(port=port)
    gateway.wait_ready()
    check_success(gateway.append_one("other"), version=0)
    assert devdb.read("gone") == []


def test_client_that_leaves_while_a_connection_is_made_stores_nothing(
        start_devdb, start_gateway, start_proxy):
    """The same for what does not go on the connection that all share."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("warm"))
    before = proxy.accepted
    proxy.freeze()
    trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    gone = gateway.connect()
    gone.send(request("POST", events_target("gone"), [JSON, trace, ("Kurrent-Timeout", "25")],
                      envelope_of("any", [event_of()]).encode()))
    wait_until(lambda: proxy.accepted > before, 5, "the gateway connects once more")
    gone.reset()
    wait_until(lambda: "client-closed" in [line.get("code") for line in gateway.request_lines()],
               5, "the gateway noticed that the client left")
    proxy.thaw()
    check_success(gateway.append_one("other", headers=[trace]), version=0)
    assert devdb.read("gone") == []


def test_many_refusals_do_not_put_the_search_off(start_devdb, start_gateway):
    """Each is a reason to look for the leader, and all of them are no more than one."""
    port = free_port()
    devdb = start_devdb(port=port)
    gateway = start_gateway(devdb.address)
    devdb.fault("not-ready", method="BatchAppend")
    with gateway.connect() as connection:
        for _ in range(500):
            connection.send(request("POST", events_target("s"), [JSON],
                                    envelope_of("any", [event_of()]).encode()))
            check_problem(connection.receive(), 503, "leader-unavailable", retryable=True)
    devdb.stop()
    start_devdb(port=port)
    gateway.wait_ready(limit(15))
    check_success(gateway.append_one("s"), version=0)


def test_database_restarts(start_devdb, start_gateway):
    port = free_port()
    devdb = start_devdb(port=port)
    gateway = start_gateway(devdb.address)
    check_success(gateway.append_one("before"), version=0)
    devdb.stop()
    wait_until(lambda: gateway.get("/readyz").status == 503, 10, "the gateway noticed the end")
    start_devdb(port=port)
    gateway.wait_ready()
    check_success(gateway.append_one("before"), version=0)


def test_new_connection_forgets_positions(start_devdb, start_gateway):
    """An empty database behind the same address does not make replays of first writes."""
    port = free_port()
    devdb = start_devdb(port=port)
    gateway = start_gateway(devdb.address)
    for _ in range(5):
        gateway.append_one("before")
    devdb.stop()
    start_devdb(port=port)
    gateway.wait_ready()
    answer = gateway.append_one("fresh", id="4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11")
    check_success(answer, version=0, replayed=None)


def test_many_clients_beside_a_failing_call(start_devdb, start_gateway):
    """The shared call dies under load: every request gets one answer, and later ones succeed."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    results = []

    def client(number):
        for turn in range(10):
            answer = gateway.append_one(f"load-{number}", "any", headers={"Kurrent-Timeout": "20"})
            results.append((turn, answer.status))
    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    devdb.fault("end-call", method="BatchAppend", count=3)
    for thread in threads:
        thread.join(limit(30))
    assert len(results) == 80
    assert {status for _, status in results} <= {200, 503}
    check_success(gateway.append_one("after"), version=0)
