# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key beyond the ids (api-design 11): a changed request under a key, duplicates at
the same moment, and what `replayed` says."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from harness import server
from harness.gateway import (envelope_of, event_of, events_target, group_of, groups_of, record_of,
                             records_of)
from harness.ids import cloudevent_id, derived_id, metadata_id
from harness.limits import limit, wait_until
from harness.problems import HINT_KEY, check_problem, check_success
from harness.process import free_port
from harness.wire import request

JSON = ("Content-Type", "application/json")
HERE = Path(__file__).resolve().parent


def keyed(stream, key, version="no_stream", data="{}", timeout=None, headers=()):
    """The bytes of E with one event under a key."""
    fields = [JSON, ("Idempotency-Key", key), *headers]
    if timeout is not None:
        fields.append(("Kurrent-Timeout", f"{timeout:g}"))
    body = envelope_of(version, [event_of(data=data)]).encode()
    return request("POST", events_target(stream), fields, body)


class Crowd:
    """Connections that send and wait, each for one answer."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.connections = []

    def send(self, content, count=1):
        for _ in range(count):
            connection = self.gateway.connect()
            self.connections.append(connection)
            connection.send(content)
        # Whoever asks now is served behind them.
        for _ in range(3):
            assert self.gateway.get("/livez").status == 200
        return self.connections[-count:]

    def receive(self, seconds=15):
        return [connection.receive(seconds=seconds) for connection in self.connections]

    def close(self):
        for connection in self.connections:
            connection.close()


@pytest.fixture
def crowd():
    """Makes crowds that are gone after the test."""
    made = []

    def make(gateway):
        made.append(Crowd(gateway))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.fixture
def frozen(start_devdb, start_gateway, start_proxy):
    """A gateway whose database can be made to answer later: devdb, gateway, proxy."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    # The call is open and has been used.
    check_success(gateway.append_one("warm"))
    return devdb, gateway, proxy


def without_replayed(answer):
    members = answer.json()
    members.pop("replayed")
    return members


def check_same(answers, first_replayed=Ellipsis):
    """One answer, and copies of it that say so; returns the members."""
    originals = [answer for answer in answers if answer.header("Idempotent-Replayed") is None]
    assert len(originals) == 1
    for answer in answers:
        is_copy = answer is not originals[0]
        check_success(answer, replayed=True if is_copy else first_replayed)
        assert without_replayed(answer) == without_replayed(originals[0])
    ids = {answer.header("X-Request-Id") for answer in answers}
    assert len(ids) == len(answers), "each has a request id of its own"
    return originals[0].json()


# -- the same request at the same moment ---------------------------------------------------

@pytest.mark.parametrize("expectation", ["no_stream", "any"])
def test_two_hundred_at_once_are_one(frozen, crowd, expectation):
    devdb, gateway, proxy = frozen
    before = devdb.batches()
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("many", "one-key", expectation), 200)
    proxy.thaw()
    members = check_same(many.receive())
    assert members["current_version"] == 0
    assert devdb.batches() == before + 1, "the database was asked once"
    assert [event.id for event in devdb.read("many")] == members["event_ids"]


def test_two_hundred_at_once_without_luck(gateway, devdb, stream):
    """However they fall: copies, replays, or the first."""
    content = keyed(stream, f"k-{stream}", "any")
    connections = [gateway.connect() for _ in range(200)]
    for connection in connections:
        connection.send(content)
    answers = [connection.receive() for connection in connections]
    for connection in connections:
        connection.close()
    ids = {tuple(check_success(answer, version=0)["event_ids"]) for answer in answers}
    assert len(ids) == 1
    assert len({answer.json()["commit_position"] for answer in answers}) == 1
    assert len(devdb.read(stream)) == 1


def test_each_has_its_own_request_id_and_id(frozen, crowd):
    _, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    for number in range(3):
        many.send(keyed("s", "k", headers=[("X-Request-Id", f"mine-{number}")]))
    proxy.thaw()
    answers = many.receive()
    assert [answer.header("X-Request-Id") for answer in answers] == ["mine-0", "mine-1", "mine-2"]
    check_same(answers)


def test_quoted_and_bare_keys_meet(frozen, crowd):
    devdb, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"))
    many.send(keyed("s", '"k"'))
    proxy.thaw()
    check_same(many.receive())
    assert len(devdb.read("s")) == 1


def test_a_conflict_is_shared(frozen, crowd):
    devdb, gateway, proxy = frozen
    before = devdb.batches()
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("warm", "k", 7), 5)
    proxy.thaw()
    answers = many.receive()
    for answer in answers:
        members = check_problem(answer, 409, "wrong-current-version")
        assert members["actual_version"] == 0
    assert [answer.header("Idempotent-Replayed") for answer in answers] == [None] + ["true"] * 4
    assert devdb.batches() == before + 1
    # It was not written, so the key is free.
    check_success(gateway.ask("POST", events_target("warm"), [JSON, ("Idempotency-Key", "k")],
                              envelope_of(0, [event_of()]).encode()), version=1)


def test_an_unknown_outcome_is_shared(start_devdb, start_gateway, crowd):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-after", method="BatchAppend", stream="s", count=1)
    many = crowd(gateway)
    many.send(keyed("s", "k", timeout=limit(1)))
    many.send(keyed("s", "k", timeout=limit(20)), 3)
    answers = many.receive()
    for answer in answers:
        members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown",
                                retryable=True)
        assert members["retry_hint"] == HINT_KEY
        assert members["detail"].startswith(f"No answer within {limit(1):g} s.")
    assert len({json.dumps(answer.json()["event_ids"]) for answer in answers}) == 1
    # The advice is good.
    again = gateway.ask("POST", events_target("s"), [JSON, ("Idempotency-Key", "k")],
                        envelope_of("no_stream", [event_of()]).encode())
    check_success(again, version=0)
    assert len(devdb.read("s")) == 1


def test_who_waits_keeps_its_own_deadline(start_devdb, start_gateway, crowd):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("delay", method="BatchAppend", stream="s", delay_ms=int(limit(2) * 1000))
    many = crowd(gateway)
    many.send(keyed("s", "k", timeout=25))
    many.send(keyed("s", "k", timeout=1.5))
    many.send(keyed("s", "k", timeout=0.2))
    begin = time.monotonic()
    first, longer, shorter = many.connections
    members = check_problem(shorter.receive(), 504, "deadline-exceeded", outcome="unknown",
                            retryable=True)
    assert time.monotonic() - begin < limit(1)
    assert members["retry_hint"] == HINT_KEY and len(members["event_ids"]) == 1
    assert members["detail"].startswith("No answer within 0.2 s.")
    answer = longer.receive()
    check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert answer.header("Idempotent-Replayed") is None
    assert "deadline;dur=1500" in answer.header("Server-Timing")
    assert check_success(first.receive())["event_ids"] == members["event_ids"]


def test_timing_of_who_waited(frozen, crowd):
    _, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"), 2)
    begin = time.monotonic()
    wait_until(lambda: time.monotonic() - begin > 0.4, 5, "a while")
    proxy.thaw()
    first, second = (dict(part.split(";dur=") for part in
                          answer.header("Server-Timing").split(", ")) for answer in many.receive())
    assert float(first["db"]) >= 100
    assert float(second["queue"]) >= 100 and float(second["db"]) == 0


# -- every route ---------------------------------------------------------------------------

CE = [("ce-specversion", "1.0"), ("ce-type", "T"), ("ce-source", "/s"), ("ce-id", "1")]
# Method, target, headers, body, and which streams hold what was written.
ROUTES = {
    "E": ("POST", "/v1/streams/s/events", [JSON], envelope_of("any", [event_of()]), ["s"]),
    "R": ("POST", "/v1/streams/s/events/T?current_version=any", [], "x", ["s"]),
    "C binary": ("POST", "/v1/streams/s/cloudevents?current_version=any", CE, "x", ["s"]),
    "C structured": (
        "POST", "/v1/streams/s/cloudevents?current_version=any",
        [("Content-Type", "application/cloudevents+json")],
        '{"specversion":"1.0","type":"T","source":"/s","id":"1","data":{}}', ["s"]),
    "M": ("POST", "/v1/multi-append", [JSON],
          groups_of(group_of("s", "any", [event_of()]), group_of("t", "any", [event_of()])),
          ["s", "t"]),
    "K": ("POST", "/v1/append-records", [JSON],
          records_of([record_of("s"), record_of("t")], [("u", "no_stream")]), ["s", "t"]),
    "P": ("PUT", "/v1/streams/s/metadata", [JSON, ("Kurrent-ExpectedVersion", "any")], "{}",
          ["$$s"]),
    "P exact": ("PUT", "/v1/streams/s/metadata", [JSON, ("If-None-Match", "*")], "{}", ["$$s"]),
}


def request_of(route, key):
    method, target, headers, body, _ = ROUTES[route]
    return method, request(method, target, [*headers, ("Idempotency-Key", key)], body.encode())


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_shares_its_answer(frozen, crowd, route):
    devdb, gateway, proxy = frozen
    before = devdb.stats()["calls"]
    proxy.freeze()
    many = crowd(gateway)
    method, content = request_of(route, "k")
    many.send(content, 6)
    proxy.thaw()
    answers = [connection.receive(method) for connection in many.connections]
    server.end_where_it_is_missing(ROUTES[route][1], answers[0])
    assert [answer.status for answer in answers] == [200] * 6
    assert [answer.header("Idempotent-Replayed") for answer in answers].count("true") == 5
    assert len({json.dumps(without_replayed(answer)) for answer in answers}) == 1
    for name in ("Kurrent-Position", "Kurrent-CurrentVersion", "ETag"):
        assert len({answer.header(name) for answer in answers}) == 1
    for stream in ROUTES[route][4]:
        assert len(devdb.read(stream)) == 1, stream
    calls = devdb.stats()["calls"]
    transactions = sum(calls[name] - before[name] for name in ("AppendRecords", "AppendSession"))
    assert transactions == int(route in "MK")


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_refuses_another_request(frozen, route):
    _, gateway, _ = frozen
    method, target, headers, body, _ = ROUTES[route]
    headers = [*headers, ("Idempotency-Key", "k")]
    assert gateway.ask(method, target, headers, body.encode()).status == 200
    if route != "P exact":
        again = gateway.ask(method, target, headers, body.encode())
        assert again.status == 200 and again.header("Idempotent-Replayed") == "true"
    answer = gateway.ask(method, target, headers, body.encode() + b" ")
    check_problem(answer, 422, "idempotency-key-reused")


@pytest.mark.parametrize("route", ["P", "P exact"])
def test_refused_read_before_a_put_is_shared(frozen, crowd, route):
    """The metadata of a tombstoned stream: the answer comes from the read."""
    devdb, gateway, proxy = frozen
    check_success(gateway.append_one("s"))
    devdb.tombstone("s")
    before = devdb.calls("Read")
    proxy.freeze()
    many = crowd(gateway)
    method, content = request_of(route, "k")
    many.send(content, 4)
    proxy.thaw()
    answers = [connection.receive(method) for connection in many.connections]
    for answer in answers:
        check_problem(answer, 410, "stream-tombstoned")
    assert [answer.header("Idempotent-Replayed") for answer in answers].count("true") == 3
    assert devdb.calls("Read") == before + 1


def test_headers_of_a_cloudevent_have_no_order(frozen):
    devdb, gateway, _ = frozen
    method, target, headers, body, _ = ROUTES["C binary"]
    key = ("Idempotency-Key", "k")
    upper = [(name.upper(), value) for name, value in reversed(headers)]
    assert gateway.ask(method, target, [*headers, key], body.encode()).status == 200
    answer = gateway.ask(method, target, [key, *upper], body.encode())
    assert answer.status == 200 and answer.header("Idempotent-Replayed") == "true"
    more = [*headers, key, ("ce-subject", "x")]
    check_problem(gateway.ask(method, target, more, body.encode()), 422, "idempotency-key-reused")
    other = [(name, "2" if name == "ce-id" else value) for name, value in headers]
    check_problem(gateway.ask(method, target, [*other, key], body.encode()), 422,
                  "idempotency-key-reused")
    assert len(devdb.read("s")) == 1


def test_each_waits_with_its_own_form_of_numbers(frozen, crowd):
    _, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"))
    many.send(keyed("s", "k", headers=[("Prefer", "int64=string")]))
    proxy.thaw()
    first, second = many.receive()
    assert first.json()["current_version"] == 0
    assert second.json()["current_version"] == "0"
    assert second.header("Preference-Applied") == "int64=string"
    assert str(first.json()["commit_position"]) == second.json()["commit_position"]


# -- the first one fails -------------------------------------------------------------------

def down(start_gateway):
    """A gateway whose database is not there yet, and the port where it is looked for."""
    port = free_port()
    return start_gateway(f"127.0.0.1:{port}", wait_ready=False), port


def test_another_one_takes_the_place(start_devdb, start_gateway, crowd):
    gateway, port = down(start_gateway)
    many = crowd(gateway)
    [first] = many.send(keyed("s", "k", timeout=0.3))
    rest = many.send(keyed("s", "k", timeout=limit(15)), 5)
    check_problem(first.receive(), 503, "database-unreachable", retryable=True)
    devdb = start_devdb(port=port)
    members = check_same([connection.receive(seconds=15) for connection in rest])
    assert devdb.batches() == 1, "one of them asked, the others waited on"
    assert [event.id for event in devdb.read("s")] == members["event_ids"]


def test_places_are_taken_one_after_the_other(start_devdb, start_gateway, crowd):
    gateway, port = down(start_gateway)
    many = crowd(gateway)
    for seconds in (0.2, 0.4, 0.6):
        many.send(keyed("s", "k", timeout=seconds))
    many.send(keyed("s", "k", timeout=limit(15)))
    *early, last = many.connections
    codes = {check_problem(connection.receive(), 503, "database-unreachable",
                           retryable=True)["code"] for connection in early[:1]}
    assert codes == {"database-unreachable"}
    for connection in early[1:]:
        answer = connection.receive()
        # The deadline of a wait, or that of a question.
        assert answer.status in (503, 504), answer
    devdb = start_devdb(port=port)
    check_success(last.receive(seconds=15), version=0)
    assert len(devdb.read("s")) == 1


def test_refused_for_now_and_taken_over(start_devdb, start_gateway, start_proxy, crowd):
    """The database itself refuses the first: the second asks again and is written."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("warm"))
    devdb.fault("busy", method="BatchAppend", stream="s", count=1)
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"), 4)
    proxy.thaw()
    first, *rest = many.receive()
    check_problem(first, 503, "database-busy", retryable=True)
    check_same(rest)
    assert len(devdb.read("s")) == 1


# -- clients that leave --------------------------------------------------------------------

def test_first_client_leaves_after_sending(frozen, crowd):
    devdb, gateway, proxy = frozen
    before = devdb.batches()
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"), 3)
    many.connections.pop(0).reset()
    assert gateway.get("/livez").status == 200
    proxy.thaw()
    for answer in many.receive():
        check_success(answer, version=0, replayed=True)
    assert devdb.batches() == before + 1
    assert len(devdb.read("s")) == 1


def test_first_client_leaves_before_sending(start_devdb, start_gateway, crowd):
    gateway, port = down(start_gateway)
    many = crowd(gateway)
    many.send(keyed("s", "k", timeout=limit(15)), 3)
    many.connections.pop(0).reset()
    wait_until(lambda: gateway.get("/livez").status == 200, 5, "livez")
    devdb = start_devdb(port=port)
    for answer in many.receive():
        check_success(answer, version=0, replayed=True)
    assert devdb.batches() == 1
    assert len(devdb.read("s")) == 1


def test_who_leaves_while_it_waits_is_forgotten(frozen, crowd):
    devdb, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"), 4)
    for _ in range(2):
        many.connections.pop(1).reset()
    assert gateway.get("/livez").status == 200
    proxy.thaw()
    check_same(many.receive())
    wait_until(lambda: sum(line["status"] == 0 for line in gateway.request_lines()) == 2, 5,
               "both are in the log as closed")
    assert len(devdb.read("s")) == 1


# -- stopping ------------------------------------------------------------------------------

def test_stop_answers_those_who_wait(frozen, crowd):
    devdb, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"), 5)
    gateway.kill()
    proxy.thaw()
    check_same(many.receive())
    assert gateway.wait(10) == 0
    assert len(devdb.read("s")) == 1


@pytest.mark.parametrize("is_sent", [True, False])
def test_drain_time_over_with_some_who_wait(start_devdb, start_gateway, crowd, is_sent):
    if is_sent:
        devdb = start_devdb()
        gateway = start_gateway(devdb.address, drain_timeout_seconds="0.3")
        devdb.fault("drop-before", method="BatchAppend", stream="s")
    else:
        gateway = start_gateway(f"127.0.0.1:{free_port()}", wait_ready=False,
                                drain_timeout_seconds="0.3")
    many = crowd(gateway)
    many.send(keyed("s", "k", timeout=25), 5)
    gateway.kill()
    assert gateway.wait(10) == 0
    # Answered or cut: as for a request that waits for nobody (test_life.py).
    outcome = b"unknown" if is_sent else b"not_written"
    for connection in many.connections:
        content = connection.read_to_end()
        assert content == b"" or b'"outcome":"%s"' % outcome in content


def test_stop_when_another_one_takes_the_place(start_devdb, start_gateway, start_proxy, crowd):
    """The refusal of the first and the end come in the same moment, or nearly so: whoever took
    the place may still have been in time."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("warm"))
    devdb.fault("busy", method="BatchAppend", stream="s", count=1)
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k", timeout=25), 4)
    gateway.kill()
    wait_until(lambda: any("stopping:" in line for line in gateway.lines), 5, "the drain began")
    gateway.kill(signal.SIGSTOP)
    before = proxy.forwarded["to_gateway"]
    proxy.thaw()
    wait_until(lambda: proxy.forwarded["to_gateway"] > before, 5, "the refusal has come")
    gateway.kill(signal.SIGTERM)
    gateway.kill(signal.SIGCONT)
    assert gateway.wait(10) == 0
    contents = [connection.read_to_end() for connection in many.connections]
    told = {found.decode() for content in contents
            for found in re.findall(rb'"outcome":"(\w+)"|"(replayed)":', content) for found in found
            if found}
    assert told <= {"not_written", "unknown", "replayed"}
    stored = len(devdb.read("s"))
    assert stored == 1 if "replayed" in told else stored == 0 or "unknown" in told


# -- another request under the same key ----------------------------------------------------

RAW = "/v1/streams/{stream}/events/T"
E = "/v1/streams/{stream}/events"
ONE = envelope_of("any", [event_of()]).encode()

# name: (first, second) as (target, headers, body)
CHANGES = {
    "body": ((E, [JSON], ONE), (E, [JSON], ONE + b" ")),
    "expectation": ((E, [JSON], ONE), (E, [JSON], ONE.replace(b"any", b"no_stream"))),
    "stream": ((E, [JSON], ONE), ("/v1/streams/{stream}-2/events", [JSON], ONE)),
    "route": ((E, [JSON], ONE), (RAW + "?current_version=any", [JSON], ONE)),
    "type": ((RAW + "?current_version=any", [], b"x"),
             ("/v1/streams/{stream}/events/U?current_version=any", [], b"x")),
    "query": ((RAW + "?current_version=any", [], b"x"),
              (RAW + "?current_version=no_stream", [], b"x")),
    "header": ((RAW, [("Kurrent-ExpectedVersion", "any")], b"x"),
               (RAW, [("Kurrent-ExpectedVersion", "no_stream")], b"x")),
    "content type": ((RAW + "?current_version=any", [("Content-Type", "text/plain")], b"{}"),
                     (RAW + "?current_version=any", [JSON], b"{}")),
    "event id": ((RAW + "?current_version=any", [], b"x"),
                 (RAW + "?current_version=any", [("Kurrent-EventId", str(uuid.uuid4()))], b"x")),
    "metadata": ((RAW + "?current_version=any", [("Kurrent-Metadata", "1")], b"x"),
                 (RAW + "?current_version=any", [("Kurrent-Metadata", "2")], b"x")),
    "parts that wander": ((RAW + "?current_version=any", [("Kurrent-Metadata", "12")], b"3"),
                          (RAW + "?current_version=any", [("Kurrent-Metadata", "1")], b"23")),
}


def ask(gateway, stream, key, what):
    target, headers, body = what
    return gateway.ask("POST", target.format(stream=stream),
                       [*headers, ("Idempotency-Key", key)], body)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_request(gateway, devdb, stream, change):
    first, second = CHANGES[change]
    key = f"changed-{stream}"
    check_success(ask(gateway, stream, key, first))
    before = devdb.written()
    check_problem(ask(gateway, stream, key, second), 422, "idempotency-key-reused")
    assert devdb.written() == before
    # And back again it is the same as ever.
    check_success(ask(gateway, stream, key, first))
    assert len(devdb.read(stream)) == 1


# What means the same is the same.
EQUALS = {
    "spelling of the expectation": ((RAW, [("Kurrent-ExpectedVersion", "no_stream")], b"x"),
                                    (RAW, [("Kurrent-ExpectedVersion", "-1")], b"x")),
    "timeout": ((E, [JSON], ONE), (E, [JSON, ("Kurrent-Timeout", "3")], ONE)),
    "other headers": ((E, [JSON], ONE), (E, [JSON, ("Accept", "*/*"), ("X-A", "b")], ONE)),
    "metadata in base64": (
        (RAW + "?current_version=any", [("Kurrent-Metadata", "12")], b"x"),
        (RAW + "?current_version=any", [("Kurrent-Metadata-Base64", "MTI=")], b"x")),
}


@pytest.mark.parametrize("equal", EQUALS)
def test_request_that_means_the_same(gateway, devdb, stream, equal):
    first, second = EQUALS[equal]
    key = f"equal-{stream}"
    one = check_success(ask(gateway, stream, key, first))
    two = check_success(ask(gateway, stream, key, second), replayed=True)
    assert one["event_ids"] == two["event_ids"]
    assert len(devdb.read(stream)) == 1


def test_absolute_target_is_the_same(gateway, devdb, stream):
    key = f"absolute-{stream}"
    check_success(ask(gateway, stream, key, (E, [JSON], ONE)))
    check_success(ask(gateway, stream, key, ("http://localhost" + E, [JSON], ONE)), replayed=True)
    assert len(devdb.read(stream)) == 1


def test_changed_request_in_flight(frozen, crowd):
    devdb, gateway, proxy = frozen
    proxy.freeze()
    many = crowd(gateway)
    many.send(keyed("s", "k"))
    answer = gateway.ask("POST", events_target("s"), [JSON, ("Idempotency-Key", "k")],
                         envelope_of("no_stream", [event_of(data="2")]).encode())
    check_problem(answer, 422, "idempotency-key-reused")
    proxy.thaw()
    check_success(many.receive()[0])
    assert len(devdb.read("s")) == 1


def test_refresh_after_a_conflict(gateway, devdb, stream):
    key = f"refresh-{stream}"
    gateway.append_one(stream)
    check_problem(gateway.append_one(stream, 5, headers={"Idempotency-Key": key}), 409,
                  "wrong-current-version")
    check_success(gateway.append_one(stream, 0, headers={"Idempotency-Key": key}), version=1)
    # Now it has been used up: a refreshed version would store a second copy.
    check_problem(gateway.append_one(stream, 1, headers={"Idempotency-Key": key}), 422,
                  "idempotency-key-reused")
    assert len(devdb.read(stream)) == 2


def test_refused_before_the_database(gateway, devdb, stream):
    """A request that was refused earlier uses nothing up, and the key is looked at last."""
    key = f"early-{stream}"
    bad = gateway.append(stream, envelope_of("any", [event_of(id="x")]),
                         {"Idempotency-Key": key})
    check_problem(bad, 422, "invalid-request", ["/events/0/id"])
    check_success(gateway.append_one(stream, headers={"Idempotency-Key": key}))
    bad = gateway.append(stream, envelope_of("any", [event_of(id="x")]),
                         {"Idempotency-Key": key})
    check_problem(bad, 422, "invalid-request", ["/events/0/id"])
    assert len(devdb.read(stream)) == 1


def test_unknown_outcome_keeps_the_key(gateway, devdb, faults, stream):
    key = f"unknown-{stream}"
    faults("drop-after", method="BatchAppend", stream=stream, count=1)
    headers = {"Idempotency-Key": key, "Kurrent-Timeout": f"{limit(0.4):g}"}
    check_problem(gateway.append_one(stream, "no_stream", headers=headers), 504,
                  "deadline-exceeded", outcome="unknown", retryable=True)
    check_problem(gateway.append_one(stream, "any", headers=headers), 422,
                  "idempotency-key-reused")
    # A refusal for now says nothing of the first one: the key stays.
    faults("busy", method="BatchAppend", stream=stream, count=1)
    check_problem(gateway.append_one(stream, "no_stream", headers=headers), 503,
                  "database-busy", retryable=True)
    check_problem(gateway.append_one(stream, "any", headers=headers), 422,
                  "idempotency-key-reused")
    check_success(gateway.append_one(stream, "no_stream", headers=headers), version=0)
    assert len(devdb.read(stream)) == 1


def test_refusal_for_now_frees_the_key(gateway, devdb, faults, stream):
    key = f"busy-{stream}"
    faults("busy", method="BatchAppend", stream=stream, count=1)
    check_problem(gateway.append_one(stream, headers={"Idempotency-Key": key}), 503,
                  "database-busy", retryable=True)
    check_success(gateway.append_one(stream, data="2", headers={"Idempotency-Key": key}))
    assert [event.data for event in devdb.read(stream)] == [b"2"]


# -- replayed ------------------------------------------------------------------------------

def test_new_key_after_a_fresh_write_is_no_replay(start_devdb, start_gateway):
    """api-design 11, the rows of `replayed` in order, on one connection."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)

    def write(stream, key=None, version="any", **members):
        headers = {"Idempotency-Key": key} if key else {}
        return check_success(gateway.append_one(stream, version, headers=headers, **members))
    assert write("a", "k1")["replayed"] is None, "nothing was seen before it"
    assert write("b", "k2")["replayed"] is None, "what was seen could be a replay"
    assert write("c")["replayed"] is False
    assert write("d", "k3")["replayed"] is False
    assert write("d", "k3")["replayed"] is True
    assert write("e", "k4", id=str(uuid.uuid4()))["replayed"] is None, "an id of its own"
    assert write("d", "k5")["replayed"] is False
    assert write("a", "k1")["replayed"] is True
    assert len(devdb.read("d")) == 2


def test_known_key_is_never_called_new(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    check_success(gateway.append_one("fresh"), replayed=False)
    devdb.fault("drop-after", method="BatchAppend", stream="s", count=1)
    headers = {"Idempotency-Key": "k", "Kurrent-Timeout": f"{limit(0.3):g}"}
    check_problem(gateway.append_one("s", "no_stream", headers=headers), 504,
                  "deadline-exceeded", outcome="unknown", retryable=True)
    # Stored after the last position that was seen: neither proof.
    check_success(gateway.append_one("s", "no_stream", headers=headers), replayed=None)
    assert len(devdb.read("s")) == 1


def test_new_connection_has_seen_nothing_fresh(start_devdb, start_gateway, start_proxy):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("fresh"), replayed=False)
    check_success(gateway.append_one("s", headers={"Idempotency-Key": "a"}), replayed=False)
    proxy.drop_connections()
    wait_until(lambda: gateway.append_one("t", "any", headers={
        "Idempotency-Key": str(uuid.uuid4())}).status == 200, 10, "connected again")
    answer = gateway.append_one("u", headers={"Idempotency-Key": "b"})
    check_success(answer, replayed=None)


# -- scope, restart ------------------------------------------------------------------------

def basic(pair):
    return ("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())


@pytest.mark.devdb_only
def test_users_have_keys_of_their_own(gateway, devdb, stream):
    key = f"mine-{stream}"
    one = check_success(ask(gateway, stream, key, (E, [JSON, basic("a:x")], ONE)))
    two = check_success(ask(gateway, stream, key, (E, [JSON, basic("b:x")], ONE + b" ")))
    assert one["event_ids"] != two["event_ids"]
    check_problem(ask(gateway, stream, key, (E, [JSON, basic("a:y")], ONE + b" ")), 422,
                  "idempotency-key-reused")
    assert len(devdb.read(stream)) == 2


def test_wrong_password_does_not_get_the_answer_of_the_right_one(start_devdb, start_gateway,
                                                                 crowd):
    devdb = start_devdb(user=["admin:changeit"])
    gateway = start_gateway(f"kurrentdb://admin:changeit@{devdb.address}?tls=false")
    devdb.fault("delay", method="BatchAppend", stream="s", delay_ms=300)
    many = crowd(gateway)
    many.send(keyed("s", "k", headers=[basic("admin:changeit")]))
    wait_until(lambda: devdb.batches() >= 1, 5, "the first one has arrived")
    many.send(keyed("s", "k", headers=[basic("admin:guess")]), 2)
    many.send(keyed("s", "k", headers=[basic("admin:changeit")]))
    first, wrong, too, last = many.receive()
    one = check_success(first, version=0)
    check_problem(wrong, 401, "unauthenticated")
    check_problem(too, 401, "unauthenticated")
    assert check_success(last, version=0, replayed=True)["event_ids"] == one["event_ids"]
    assert devdb.stats()["events_stored"] == 1


def test_ids_survive_a_restart(start_devdb, start_gateway):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    headers = {"Idempotency-Key": "k"}
    one = check_success(gateway.append_one("s", "no_stream", headers=headers))
    gateway.stop()
    gateway = start_gateway(devdb.address)
    check_success(gateway.append_one("other"))
    two = check_success(gateway.append_one("s", "no_stream", headers=headers), replayed=True)
    assert one["event_ids"] == two["event_ids"]
    assert len(devdb.read("s")) == 1


def test_documented_scheme_gives_the_published_ids():
    """docs/event-ids.md is a program."""
    page = (Path(os.environ.get("top_srcdir") or HERE.parents[1]) / "docs/event-ids.md").read_text()
    [code] = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    [printed] = re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == printed, done.stderr
    assert printed.split() == [
        derived_id("student-1", "enrol-7f3c2a", 0), derived_id("student-1", "enrol-7f3c2a", 1),
        cloudevent_id("order-123", "/shop/42", "A234-1234-1234"),
        metadata_id("order-123", 3, b'{"$maxAge":86400,"foo":"baz"}')]


def test_keys_mean_nothing_to_a_get(gateway):
    for _ in range(2):
        assert gateway.get("/v1/info", {"Idempotency-Key": "k"}).status == 200
