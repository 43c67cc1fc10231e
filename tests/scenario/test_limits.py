# SPDX-License-Identifier: Apache-2.0
"""Limits of api-design 15.3: sizes, slow senders, connections, bytes in flight."""

import time

import pytest

from harness.gateway import Gateway, envelope_of, event_of, events_target
from harness.limits import limit, wait_until
from harness.problems import check_problem, check_success
from harness.wire import Ended, chunked, request

JSON = ("Content-Type", "application/json")
GOOD = envelope_of("any", [event_of()]).encode()


@pytest.fixture(scope="module")
def small(devdb):
    """A gateway whose limits a test can reach."""
    gateway = Gateway(devdb.address, max_body_bytes="1KiB", max_events=3, max_depth=4,
                      max_header_bytes="8KiB", max_name_bytes=16)
    yield gateway
    gateway.stop()


def raw_head(stream, *fields):
    return request("POST", events_target(stream) + "/T?current_version=any", fields)


# -- bodies --------------------------------------------------------------------------------

@pytest.mark.parametrize("size, passes", [(1023, True), (1024, True), (1025, False),
                                          (10 ** 18, False)])
def test_declared_length(small, devdb, stream, size, passes):
    before = devdb.written()
    with small.connect() as connection:
        connection.send(raw_head(stream, ("Content-Length", str(size))))
        if passes:
            connection.send(b"x" * size)
            check_success(connection.receive())
            connection.expect_open()
            assert devdb.read(stream)[0].data == b"x" * size
            return
        # Nothing of the body was sent: the answer comes before it.
        members = check_problem(connection.receive(), 413, "body-too-large")
        connection.expect_closed()
    assert (members["limit_bytes"], members["actual_bytes"]) == (1024, size)
    assert members["enforced_by"] == "gateway"
    assert devdb.written() == before


def test_no_hundred_continue_for_a_body_that_is_too_large(small, stream):
    with small.connect() as connection:
        connection.send(raw_head(stream, ("Content-Length", "1025"), ("Expect", "100-continue")))
        answer = connection.receive()
        check_problem(answer, 413, "body-too-large")
        assert answer.interims == []
        connection.expect_closed()


@pytest.mark.parametrize("fields, status", [
    ([("Content-Type", "text/plain")], 415), ([JSON, ("Accept", "text/html")], 406),
    ([JSON, ("Kurrent-Timeout", "x")], 422)])
def test_no_hundred_continue_before_the_checks(gateway, stream, fields, status):
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream), [
            *fields, ("Content-Length", "100"), ("Expect", "100-continue")]))
        answer = connection.receive()
        assert (answer.status, answer.interims) == (status, [])
        connection.expect_closed()


def test_body_that_is_too_large_and_sent_blindly(small, stream):
    with small.connect() as connection:
        connection.send_blindly(raw_head(stream, ("Content-Length", "1025")) + b"x" * 1025)
        check_problem(connection.receive(), 413, "body-too-large")
        connection.expect_closed()


@pytest.mark.parametrize("sizes", [[1024], [1] * 1024, [1023, 1]])
def test_chunked_body_at_the_limit(small, devdb, stream, sizes):
    with small.connect() as connection:
        connection.send(raw_head(stream, ("Transfer-Encoding", "chunked"))
                        + chunked([b"x" * size for size in sizes]))
        check_success(connection.receive())
    assert devdb.read(stream)[0].data == b"x" * 1024


@pytest.mark.parametrize("sizes", [[1025], [1024, 1], [512] * 4])
def test_chunked_body_over_the_limit_is_read_and_refused(small, devdb, stream, sizes):
    """Up to one more limit is read and discarded, then the answer comes."""
    before = devdb.written()
    with small.connect() as connection:
        connection.send(raw_head(stream, ("Transfer-Encoding", "chunked"))
                        + chunked([b"x" * size for size in sizes]))
        members = check_problem(connection.receive(), 413, "body-too-large")
    assert members["limit_bytes"] == 1024
    assert members["actual_bytes"] in (None, sum(sizes))
    assert devdb.written() == before


def test_chunked_body_far_over_the_limit_is_closed(small, devdb, stream):
    before = devdb.written()
    with small.connect() as connection:
        connection.send(raw_head(stream, ("Transfer-Encoding", "chunked")))
        connection.send_blindly(b"%x\r\n" % 100000 + b"x" * 100000)
        assert connection.read_to_end() == b"", "an answer in the middle of a body"
    assert devdb.written() == before


def test_number_of_events(small, stream):
    check_success(small.append(stream, envelope_of("any", [event_of()] * 3)), events=3)
    answer = small.append(stream, envelope_of("any", [event_of()] * 4))
    members = check_problem(answer, 413, "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (3, 4)


@pytest.mark.parametrize("data, passes", [("[[[[]]]]", True), ("[[[[[]]]]]", False),
                                          ('{"a":{"a":{"a":[]}}}', True),
                                          ('{"a":{"a":{"a":[[]]}}}', False)])
def test_depth(small, stream, data, passes):
    answer = small.append(stream, envelope_of("any", [event_of(data=data)]))
    if passes:
        check_success(answer)
    else:
        check_problem(answer, 400, "malformed-json")


@pytest.mark.parametrize("length, passes", [(16, True), (17, False)])
def test_length_of_names(small, length, passes):
    answer = small.append("n" * length, envelope_of("any", [event_of()]))
    if passes:
        check_success(answer)
    else:
        check_problem(answer, 422, "invalid-request", ["path:stream"])


def test_limits_are_shown(small):
    limits = small.get("/v1/info").json()["limits"]
    assert limits["max_body_bytes"] == 1024
    assert (limits["max_events"], limits["max_depth"], limits["max_name_bytes"]) == (3, 4, 16)
    assert limits["max_header_bytes"] == 8192


# -- headers -------------------------------------------------------------------------------

@pytest.mark.parametrize("count", [1, 32, 60])
def test_eight_kib_of_headers_pass(gateway, stream, count):
    size = 8192 // count - 60
    fields = [(f"X-Filler-{number}", "v" * max(1, size)) for number in range(count)]
    check_success(gateway.append_one(stream, headers=fields))


def test_long_target_passes(gateway, devdb):
    name = "%41" * 2000
    check_success(gateway.post(f"/v1/streams/{name}/events", GOOD, [JSON]))
    assert devdb.read("A" * 2000)


@pytest.mark.parametrize("fields", [
    [("X-Filler", "v" * 20000)], [(f"X-{number}", "v" * 100) for number in range(125)]],
    ids=["one", "many"])
def test_headers_over_the_limit(gateway, devdb, stream, fields):
    """431 by us, or by the library beyond its buffer; never a stored event."""
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send_blindly(request("POST", events_target(stream), [JSON, *fields], GOOD))
        answer = connection.receive()
        assert answer.status == 431
        if answer.header("Content-Type") == "application/problem+json":
            check_problem(answer, 431, "headers-too-large")
        connection.expect_closed()
    assert devdb.written() == before


def test_too_many_header_fields(refused, stream):
    fields = [JSON] + [(f"X{number}", "1") for number in range(130)]
    refused(request("POST", events_target(stream), fields, GOOD), 431, "headers-too-large",
            closes=True)


def test_target_over_the_limit(gateway, devdb):
    before = devdb.written()
    with gateway.connect() as connection:
        target = "/v1/streams/" + "a" * 40000 + "/events"
        connection.send_blindly(request("POST", target, [JSON], GOOD))
        assert connection.receive().status in (414, 431)
        connection.expect_closed()
    assert devdb.written() == before


# -- slow senders --------------------------------------------------------------------------

@pytest.fixture(scope="module")
def hasty(devdb):
    """A gateway that waits for nobody."""
    gateway = Gateway(devdb.address, header_timeout_seconds="0.3", body_grace_seconds="0.3",
                      min_body_rate="1MiB", idle_timeout_seconds="0.5")
    yield gateway
    gateway.stop()


def seconds_until_closed(connection):
    begin = time.monotonic()
    assert connection.read_to_end() == b"", "an answer in the middle of a message"
    return time.monotonic() - begin


def test_silent_connection_is_closed(hasty):
    with hasty.connect() as connection:
        assert seconds_until_closed(connection) < limit(5)


@pytest.mark.parametrize("content", [b"P", b"POST /v1/streams/a/events HTTP/1.1\r\nHost: loc",
                                     b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"])
def test_slow_header_is_closed_without_an_answer(hasty, content):
    with hasty.connect() as connection:
        connection.send(content)
        assert seconds_until_closed(connection) < limit(5)


def test_header_one_byte_at_a_time_is_closed(hasty):
    """The clock counts from the first byte, not from the last."""
    with hasty.connect() as connection:
        content = request("GET", "/livez", [("X-Filler", "v" * 500)])
        begin = time.monotonic()
        for octet in content:
            try:
                connection.socket.send(bytes([octet]))
            except OSError:
                break
            if not connection.is_quiet(0.01):
                break
        assert seconds_until_closed(connection) < limit(5)
        assert time.monotonic() - begin < limit(4)


@pytest.mark.parametrize("fields, start", [
    ([("Content-Length", "100000")], b"x" * 10),
    ([("Transfer-Encoding", "chunked")], b"a\r\n" + b"x"),
    ([("Content-Length", "100000")], b"")])
def test_slow_body_is_closed_without_an_answer(hasty, devdb, stream, fields, start):
    before = devdb.written()
    with hasty.connect() as connection:
        connection.send(raw_head(stream, *fields) + start)
        assert seconds_until_closed(connection) < limit(5)
    assert devdb.written() == before
    wait_until(lambda: "request-read-timeout" in [line.get("code") for line in
                                                  hasty.request_lines()],
               5, "the log names the reason")


def test_body_that_trickles_is_closed(hasty, devdb, stream):
    before = devdb.written()
    with hasty.connect() as connection:
        connection.send(raw_head(stream, ("Content-Length", "100000")))
        begin = time.monotonic()
        while connection.is_quiet(0.02) and time.monotonic() - begin < limit(5):
            try:
                connection.socket.send(b"x" * 10)
            except OSError:
                break
        assert seconds_until_closed(connection) < limit(5)
    assert devdb.written() == before


def test_idle_connection_is_closed_after_its_answer(hasty):
    with hasty.connect() as connection:
        connection.expect_open()
        assert seconds_until_closed(connection) < limit(5)


def test_idle_connection_stays_within_the_timeout(gateway):
    with gateway.connect() as connection:
        connection.expect_open()
        assert connection.is_quiet(0.3)
        connection.expect_open()


def test_request_that_waits_for_the_database_is_not_idle(hasty, devdb, faults, stream):
    faults("delay", method="BatchAppend", stream=stream, delay_ms=900, count=1)
    answer = hasty.append_one(stream)
    check_success(answer)


# -- connections ---------------------------------------------------------------------------

def test_longest_idle_connection_is_closed_for_a_new_one(start_gateway, devdb):
    gateway = start_gateway(devdb.address, max_connections=4)
    connections = [gateway.connect() for _ in range(4)]
    try:
        for connection in connections:
            wait_until(lambda c=connection: answers(c), 10, "one of four connections is served")
        with gateway.connect() as one_more:
            one_more.expect_open()
            connections[0].expect_closed()
        for connection in connections[1:3]:
            connection.expect_open()
    finally:
        for connection in connections:
            connection.close()


def answers(connection):
    try:
        return connection.send(request("GET", "/livez")).receive("GET").status == 200
    except (Ended, OSError):
        return False


def test_more_connections_than_the_limit_with_none_idle(start_gateway, devdb, faults, stream):
    """Up to 64 more get 503 overloaded and close."""
    gateway = start_gateway(devdb.address, max_connections=2, max_timeout_seconds="60")
    faults("drop-before", method="BatchAppend", stream=stream, count=2)
    busy = [gateway.connect() for _ in range(2)]
    try:
        append = request("POST", events_target(stream), [JSON, ("Kurrent-Timeout", str(limit(3)))],
                         GOOD)
        before = devdb.batches()
        for connection in busy:
            connection.send(append)
        wait_until(lambda: devdb.batches() >= before + 2, 5, "both appends arrived")
        with gateway.connect() as one_more:
            one_more.send(request("POST", events_target(stream), [JSON], GOOD))
            check_problem(one_more.receive(), 503, "overloaded", retryable=True)
            one_more.expect_closed()
        for connection in busy:
            check_problem(connection.receive(seconds=8), 504, "deadline-exceeded",
                          outcome="unknown")
    finally:
        for connection in busy:
            connection.close()


# -- bytes in flight -----------------------------------------------------------------------

BUDGET = {"max_body_bytes": "100KiB", "max_inflight_bytes": "100KiB"}


def test_byte_budget(start_gateway, devdb, stream):
    """Bodies held at one time: beyond the budget a request is refused before its body is read."""
    gateway = start_gateway(devdb.address, **BUDGET)
    with gateway.connect() as holder:
        holder.send(raw_head(stream, ("Content-Length", "90000"), ("Expect", "100-continue")))
        assert holder.receive_interim() == 100
        with gateway.connect() as other:
            other.send(raw_head(stream, ("Content-Length", "20000"), ("Expect", "100-continue")))
            answer = other.receive()
            check_problem(answer, 503, "overloaded", retryable=True)
            assert answer.interims == []
            other.expect_closed()
        check_success(gateway.append_one(stream))
        holder.send(b"x" * 90000)
        check_success(holder.receive())
    wait_until(lambda: accepts(gateway, stream, 90000), 5, "the budget is free again")


def accepts(gateway, stream, size):
    return gateway.append_raw(stream, "T", b"x" * size, query="?current_version=any").status == 200


def test_byte_budget_of_chunked_bodies(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, **BUDGET)
    before = devdb.written()
    with gateway.connect() as holder, gateway.connect() as other:
        holder.send(raw_head(stream, ("Content-Length", "90000"), ("Expect", "100-continue")))
        assert holder.receive_interim() == 100
        other.send_blindly(raw_head(stream, ("Transfer-Encoding", "chunked"))
                           + chunked([b"x" * 10000] * 4))
        check_problem(other.receive(), 503, "overloaded", retryable=True)
    assert devdb.written() == before


def test_client_that_leaves_frees_its_bytes(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, **BUDGET)
    holder = gateway.connect()
    holder.send(raw_head(stream, ("Content-Length", "90000"), ("Expect", "100-continue")))
    assert holder.receive_interim() == 100
    holder.reset()
    wait_until(lambda: accepts(gateway, stream, 90000), 5, "the bytes are free again")
