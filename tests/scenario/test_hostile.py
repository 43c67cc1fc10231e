# SPDX-License-Identifier: Apache-2.0
"""Broken requests by the hundred, always the same ones: the gateway stays well, and what is
stored is exactly what was answered with 200."""

import random

import pytest

from harness.gateway import Gateway, envelope_of, event_of, events_target
from harness.wire import request

BATCH = 60
BATCHES = 6
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b'"', b"\\", b"{", b"}", b"[", b"]",
          b"\xff", b"\xc3\xa9", b"%00", b"%2F", b"../", b"?", b"#", b"0", b"-1", b"99999999999",
          b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: evil\r\n",
          b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"0\r\n\r\n", b"HTTP/1.1",
          b"X: " + b"v" * 5000 + b"\r\n"]


@pytest.fixture(scope="module")
def hasty(devdb):
    """A gateway that does not wait long for what is missing."""
    gateway = Gateway(devdb.address, header_timeout_seconds="0.3", body_grace_seconds="0.3",
                      idle_timeout_seconds="1", log_level="error")
    yield gateway
    gateway.stop()


def whole_request(chance):
    """A good request of any of the three kinds."""
    target = events_target(f"hostile-{chance.randrange(5)}")
    kind = chance.randrange(3)
    if kind == 0:
        return request("POST", target, {"Content-Type": "application/json"},
                       envelope_of("any", [event_of(metadata='{"a":[1,"é"]}')]).encode())
    if kind == 1:
        return request("POST", target + "/T?current_version=any&timeout=2",
                       {"Kurrent-Metadata": "{}"}, bytes(range(256)))
    return (request("POST", target + "?current_version=any", [
        ("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked")])
        + b"e\r\n{\"type\":\"A\",\"\r\n9\r\ndata\":1}\n\r\n0\r\n\r\n")


def broken(chance, content):
    """content with a few bytes changed, taken out, doubled or put in."""
    content = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(content))
        kind = chance.randrange(5)
        if kind == 0:
            content[at] = chance.randrange(256)
        elif kind == 1:
            del content[at:at + chance.randrange(1, 20)]
        elif kind == 2:
            content[at:at] = chance.choice(PIECES)
        elif kind == 3:
            content[at:at] = content[at:at + chance.randrange(1, 40)]
        else:
            content[at] ^= 1 << chance.randrange(8)
        if not content:
            return b"\r\n"
    return bytes(content)


def check_answers(content):
    """Everything that came back begins with answers; returns how many appends succeeded."""
    assert content == b"" or content.startswith(b"HTTP/1."), content[:200]
    assert b" 500 " not in content and b" 504 " not in content
    return content.count(b'"replayed":')


@pytest.mark.parametrize("seed", range(BATCHES))
def test_broken_requests(hasty, devdb, seed):
    chance = random.Random(seed)
    before = devdb.stats()["appends_stored"]
    connections = []
    for _ in range(BATCH):
        connection = hasty.connect()
        connection.send_blindly(broken(chance, whole_request(chance)) + whole_request(chance))
        connections.append(connection)
    succeeded = 0
    for number, connection in enumerate(connections):
        if number % 2 == 0:
            try:
                connection.half_close()
            except OSError:
                pass  # the gateway was faster
        succeeded += check_answers(connection.read_to_end())
        connection.close()
    assert devdb.stats()["appends_stored"] - before == succeeded
    assert hasty.get("/readyz").status == 200


@pytest.mark.parametrize("seed", range(BATCHES))
def test_noise(hasty, devdb, seed):
    chance = random.Random(1000 + seed)
    before = devdb.written()
    connections = []
    for _ in range(BATCH):
        connection = hasty.connect()
        connection.send_blindly(chance.randbytes(chance.randrange(1, 3000)))
        connections.append(connection)
    for connection in connections:
        check_answers(connection.read_to_end())
        connection.close()
    assert devdb.written() == before
    assert hasty.get("/livez").status == 200


def test_clients_that_leave_at_every_byte(hasty, devdb):
    """A reset in the middle of anything stores nothing, or one whole event."""
    chance = random.Random(7)
    whole = whole_request(chance)
    before = devdb.stats()["appends_stored"]
    for length in range(1, len(whole)):
        connection = hasty.connect()
        connection.send(whole[:length])
        connection.reset()
    assert hasty.get("/readyz").status == 200
    assert devdb.stats()["appends_stored"] == before
