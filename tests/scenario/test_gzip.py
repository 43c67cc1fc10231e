# SPDX-License-Identifier: Apache-2.0
"""Bodies with Content-Encoding: gzip (api-design 13.1): stored as they were before, refused when
they are not whole, too large, or grow out of all proportion."""

import gzip
import json
import os
import zlib

import pytest

from harness.gateway import envelope_of, event_of, events_target
from harness.limits import wait_until
from harness.problems import check_problem, check_success
from harness.wire import chunked, request

JSON = ("Content-Type", "application/json")
GZIP = ("Content-Encoding", "gzip")
ANY = "?current_version=any"
ONE = envelope_of("any", [event_of(data='{"a": 1.10}')]).encode()
FREE_BYTES = 64 * 1024
MAX_RATIO = 256


def post(gateway, stream, body, headers=(JSON, GZIP), query="", **options):
    return gateway.ask("POST", events_target(stream) + query, headers, body, **options)


# -- whole ones ----------------------------------------------------------------------------

@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_envelope(gateway, devdb, stream, coding):
    answer = post(gateway, stream, gzip.compress(ONE), [JSON, ("Content-Encoding", coding)])
    check_success(answer, stream, version=0)
    assert [event.data for event in devdb.read(stream)] == [b'{"a": 1.10}']


def test_lines(gateway, devdb, stream):
    lines = b'{"type":"A","data":1}\n{"type":"B","data":2}\n'
    answer = post(gateway, stream, gzip.compress(lines),
                  [("Content-Type", "application/x-ndjson"), GZIP], ANY)
    check_success(answer, version=1)
    assert [event.data for event in devdb.read(stream)] == [b"1", b"2"]


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(256)) * 40, os.urandom(300_000)])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_raw(gateway, devdb, stream, payload, level):
    answer = gateway.ask("POST", events_target(stream) + "/T" + ANY, [GZIP],
                         gzip.compress(payload, level))
    check_success(answer, version=0)
    [event] = devdb.read(stream)
    assert event.data == payload and event.content_type == "application/octet-stream"


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_chunked(gateway, devdb, stream, piece):
    payload = os.urandom(2000) + b"0" * 30_000
    packed = gzip.compress(payload)
    body = chunked([packed[at:at + piece] for at in range(0, len(packed), piece)])
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream) + "/T" + ANY,
                                [GZIP, ("Transfer-Encoding", "chunked")]) + body)
        check_success(connection.receive(), version=0)
        connection.expect_open()
    assert devdb.read(stream)[0].data == payload


def test_several_members(gateway, devdb, stream):
    body = gzip.compress(ONE[:20]) + gzip.compress(b"") + gzip.compress(ONE[20:])
    check_success(post(gateway, stream, body), version=0)
    assert [event.data for event in devdb.read(stream)] == [b'{"a": 1.10}']


def test_with_expect(gateway, devdb, stream):
    body = gzip.compress(ONE)
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream), [
            JSON, GZIP, ("Expect", "100-continue"), ("Content-Length", str(len(body)))]))
        assert connection.receive_interim() == 100
        connection.send(body)
        check_success(connection.receive(), version=0)
    assert len(devdb.read(stream)) == 1


def test_offset_is_that_of_the_text(gateway, stream):
    text = ONE[:-1] + b" !"
    members = check_problem(post(gateway, stream, gzip.compress(text)), 400, "malformed-json")
    assert members["byte_offset"] == len(text) - 1


def test_key_covers_the_text(gateway, devdb, stream):
    key = ("Idempotency-Key", f"gzip-{stream}")
    one = check_success(post(gateway, stream, gzip.compress(ONE, 1), [JSON, GZIP, key]))
    two = check_success(post(gateway, stream, gzip.compress(ONE, 9), [JSON, GZIP, key]))
    three = check_success(post(gateway, stream, ONE, [JSON, key]), replayed=True)
    assert one["event_ids"] == two["event_ids"] == three["event_ids"]
    check_problem(post(gateway, stream, gzip.compress(ONE + b" "), [JSON, GZIP, key]), 422,
                  "idempotency-key-reused")
    assert len(devdb.read(stream)) == 1


def test_honest_repetition_passes(gateway, devdb, stream):
    """A thousand equal events, as a load generator sends them."""
    lines = [{"sku": f"ABC-{number:03}", "qty": 1, "price": "19.90"} for number in range(20)]
    text = envelope_of("any", [event_of(data=json.dumps({"lines": lines}))] * 1000).encode()
    packed = gzip.compress(text, 9)
    assert len(text) > FREE_BYTES + 100 * len(packed)
    check_success(post(gateway, stream, packed), version=999)
    assert len(devdb.read(stream)) == 1000


# -- other codings -------------------------------------------------------------------------

@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "gzip,", "identity", "gzip;q=1",
                                    "zstd", "compress", "", "gzi"])
@pytest.mark.parametrize("target", ["/events", "/events/T" + ANY])
def test_other_codings(refused, stream, coding, target):
    content = request("POST", f"/v1/streams/{stream}{target}",
                      [JSON, ("Content-Encoding", coding)], ONE)
    answer, members = refused(content, 415, "unsupported-media-type", closes=True)
    assert answer.header("Accept-Encoding") == "gzip"
    assert members["accepted_types"]


def test_type_comes_before_coding(refused, stream):
    content = request("POST", events_target(stream),
                      [("Content-Type", "text/plain"), ("Content-Encoding", "br")], ONE)
    answer, _ = refused(content, 415, "unsupported-media-type", closes=True)
    assert answer.header("Accept-Encoding") is None


# -- broken ones ---------------------------------------------------------------------------

PACKED = gzip.compress(ONE)
BROKEN = {
    "plain": ONE,
    "empty": b"",
    "head only": PACKED[:10],
    "half": PACKED[:len(PACKED) // 2],
    "without the last byte": PACKED[:-1],
    "wrong length": PACKED[:-1] + bytes([PACKED[-1] ^ 1]),
    "wrong check value": PACKED[:-5] + bytes([PACKED[-5] ^ 1]) + PACKED[-4:],
    "byte behind": PACKED + b"\0",
    "text behind": PACKED + b"{}",
    "half a member behind": PACKED + PACKED[:12],
    "zlib": zlib.compress(ONE),
    "twice": gzip.compress(PACKED),
    "noise": b"\x1f\x8b" + os.urandom(500),
}


@pytest.mark.parametrize("form", [name for name in BROKEN if name != "twice"])
def test_broken(refused, stream, form):
    refused(request("POST", events_target(stream), [JSON, GZIP], BROKEN[form]), 400,
            "malformed-request", closes=False)


def test_twice_is_once(refused, stream):
    refused(request("POST", events_target(stream), [JSON, GZIP], BROKEN["twice"]), 400,
            "malformed-json", closes=False)


def test_connection_goes_on_after_a_broken_one(gateway, devdb, stream):
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream), [JSON, GZIP], PACKED[:-1]))
        check_problem(connection.receive(), 400, "malformed-request")
        connection.send(request("POST", events_target(stream), [JSON, GZIP], PACKED))
        check_success(connection.receive(), version=0)
    assert len(devdb.read(stream)) == 1


# -- large ones ----------------------------------------------------------------------------

@pytest.fixture
def narrow(start_gateway, devdb):
    return start_gateway(devdb.address, max_body_bytes="200000", max_inflight_bytes="1MiB")


def raw(gateway, stream, packed, **options):
    return gateway.ask("POST", events_target(stream) + "/T" + ANY, [GZIP], packed, **options)


def test_limit_after_decompression(narrow, devdb, stream):
    exact = os.urandom(1000) * 200
    check_success(raw(narrow, stream, gzip.compress(exact)), version=0)
    answer = raw(narrow, stream, gzip.compress(exact + b"x"))
    members = check_problem(answer, 413, "body-too-large")
    assert (members["limit_bytes"], members["actual_bytes"]) == (200_000, None)
    assert members["enforced_by"] == "gateway"
    assert [len(event.data) for event in devdb.read(stream)] == [200_000]


def test_limit_before_decompression(narrow, refused, stream):
    """The declared length counts before anything is read."""
    packed = gzip.compress(os.urandom(200_001), 0)
    with narrow.connect() as connection:
        connection.send_blindly(request("POST", events_target(stream) + "/T" + ANY, [GZIP], packed))
        members = check_problem(connection.receive(), 413, "body-too-large")
    assert members["actual_bytes"] == len(packed)


def test_limit_of_a_chunked_body(narrow, stream):
    packed = gzip.compress(os.urandom(190_000), 0) + b"x" * 20_000
    with narrow.connect() as connection:
        connection.send(request("POST", events_target(stream) + "/T" + ANY,
                                [GZIP, ("Transfer-Encoding", "chunked")]) + chunked([packed]))
        check_problem(connection.receive(), 413, "body-too-large")


def bomb(size):
    return gzip.compress(b"0" * size, 9)


def test_bomb(refused, stream):
    packed = bomb(16 * 1024 * 1024)
    _, members = refused(request("POST", events_target(stream), [JSON, GZIP], packed), 413,
                         "body-too-large", closes=False)
    assert members["limit_bytes"] == FREE_BYTES + MAX_RATIO * len(packed)
    assert members["actual_bytes"] is None


def test_bound_of_the_ratio(gateway, devdb, stream):
    """To the byte: what is just within it is taken."""
    def grown(size):
        packed = bomb(size)
        return size - FREE_BYTES - MAX_RATIO * len(packed)
    size = FREE_BYTES
    while grown(size + 1) <= 0:
        size += max(1, -grown(size + 1))
    check_success(raw(gateway, stream, bomb(size)), version=0)
    check_problem(raw(gateway, stream, bomb(size + 1)), 413, "body-too-large")
    assert [len(event.data) for event in devdb.read(stream)] == [size]


def test_bomb_in_chunks(gateway, stream):
    packed = bomb(1024 * 1024)
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream) + "/T" + ANY,
                                [GZIP, ("Transfer-Encoding", "chunked")]) + chunked([packed]))
        check_problem(connection.receive(), 413, "body-too-large")
        connection.expect_open()


def test_bytes_in_flight_are_those_that_come_out(narrow, devdb, stream):
    """Bodies that wait for their last byte fill the room; who comes then is refused."""
    packed = gzip.compress(os.urandom(1000) * 190, 9)
    assert len(packed) < 20_000
    waiting = []
    try:
        for _ in range(4):
            connection = narrow.connect()
            connection.send(request("POST", events_target(stream) + "/T" + ANY, [
                GZIP, ("Content-Length", str(len(packed)))]) + packed[:-1])
            waiting.append(connection)

        def is_full():
            answer = raw(narrow, stream + "-other", packed)
            if answer.status == 200:
                return False
            check_problem(answer, 503, "overloaded", retryable=True)
            return True
        wait_until(is_full, 10, "there is no room for another body")
        for connection in waiting:
            connection.send(packed[-1:])
        # One of them may have found the room taken by a body of the other stream.
        answers = [connection.receive() for connection in waiting]
        taken = sum(answer.status == 200 for answer in answers)
        assert taken >= 3 and {answer.status for answer in answers} <= {200, 503}
    finally:
        for connection in waiting:
            connection.close()
    check_success(raw(narrow, stream + "-other", packed))
    assert len(devdb.read(stream)) == taken


def test_bodies_that_are_left_take_no_memory(gateway, devdb, stream):
    """Clients that go away in the middle of a body."""
    for _ in range(50):
        with gateway.connect() as connection:
            connection.send(request("POST", events_target(stream), [
                JSON, GZIP, ("Content-Length", "1000")]) + PACKED)
    check_success(post(gateway, stream, PACKED), version=0)
    assert len(devdb.read(stream)) == 1


def test_get_ignores_the_coding(gateway):
    assert gateway.get("/v1/info", [GZIP]).status == 200
