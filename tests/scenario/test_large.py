# SPDX-License-Identifier: Apache-2.0
"""Appends above 256 KiB, above one message, and the limits of event and append sizes."""

import base64
import threading

import pytest

from harness.gateway import Gateway, envelope_of, event_of, events_target
from harness.limits import wait_until
from harness.problems import check_problem, check_success
from harness.wire import request

KIB, MIB = 2 ** 10, 2 ** 20
ANY = "?current_version=any"
# One event may fill one message of the protocol (api-design 10, event-too-large).
MESSAGE_BYTES = 16767216


@pytest.fixture(scope="module")
def wide(devdb):
    """A gateway that takes bodies above one message."""
    gateway = Gateway(devdb.address, max_body_bytes="64MiB", default_timeout_seconds="20")
    yield gateway
    gateway.stop()


def pattern(size, seed=0):
    """Bytes of every value in an order that shows a lost or doubled piece."""
    block = bytes((seed + number * 7 + number // 256) % 256 for number in range(64 * KIB - 3))
    return (block * (size // len(block) + 1))[:size]


@pytest.mark.parametrize("size, own_call", [(200 * KIB, False), (300 * KIB, True), (MIB, True)])
def test_call_of_a_large_append(gateway, devdb, stream, size, own_call):
    gateway.append_one(stream + "-warm")
    before = devdb.calls("BatchAppend")
    content = pattern(size)
    check_success(gateway.append_raw(stream, "T", content, query=ANY), version=0)
    assert devdb.calls("BatchAppend") == before + own_call
    [event] = devdb.read(stream)
    assert event.data == content


def test_small_appends_go_on_beside_a_large_one(gateway, stream):
    content = pattern(8 * MIB)
    with gateway.connect() as connection:
        connection.send(request("POST", events_target(stream) + "/T" + ANY, (), content))
        for version in range(5):
            check_success(gateway.append_one(stream + "-small"), version=version)
        check_success(connection.receive())


def test_body_at_the_limit(gateway, devdb, stream):
    """16 MiB of envelope: base64 needs four bytes for three."""
    frame = len(envelope_of("any", [event_of(data=None, data_base64="")]))
    text = base64.b64encode(pattern((16 * MIB - frame) // 4 * 3)).decode()
    envelope = envelope_of("any", [event_of(data=None, data_base64=text)]).encode()
    envelope += b" " * (16 * MIB - len(envelope))
    assert len(envelope) == 16 * MIB
    check_success(gateway.append(stream, envelope), version=0)
    [event] = devdb.read(stream)
    assert event.data == base64.b64decode(text)


def test_forty_mib_go_in_several_messages(wide, devdb, stream):
    """Atomic and in order, metadata too."""
    pieces = [pattern(4 * MIB, seed) for seed in range(7)]
    events = [event_of(data=None, data_base64=base64.b64encode(piece).decode(),
                       metadata=f'{{"n":{seed}}}') for seed, piece in enumerate(pieces)]
    envelope = envelope_of("no_stream", events)
    assert len(envelope) > 37 * MIB
    members = check_success(wide.append(stream, envelope, seconds=30), version=6, events=7)
    stored = devdb.read(stream)
    assert [event.data for event in stored] == pieces
    assert [event.metadata for event in stored] == [b'{"n":%d}' % seed for seed in range(7)]
    assert [event.id for event in stored] == members["event_ids"]
    retry = envelope_of("no_stream", [
        event_of(data=None, data_base64="AAAA", id=each) for each in members["event_ids"]])
    # Large appends have a connection of their own, and positions are known by connection.
    wide.append_one(stream + "-newer")
    check_success(wide.append(stream, retry), version=6, replayed=True)
    assert len(devdb.read(stream)) == 7


def test_conflict_of_a_large_append_stores_nothing(wide, devdb, stream):
    wide.append_one(stream)
    text = base64.b64encode(pattern(5 * MIB)).decode()
    envelope = envelope_of("no_stream", [event_of(data=None, data_base64=text)] * 4)
    check_problem(wide.append(stream, envelope, seconds=30), 409, "wrong-current-version")
    assert len(devdb.read(stream)) == 1


def test_event_that_does_not_fit_one_message(wide, devdb, stream):
    before = devdb.written()
    answer = wide.ask("POST", events_target(stream) + "/T" + ANY, (), pattern(MESSAGE_BYTES + 1),
                      seconds=30)
    members = check_problem(answer, 413, "event-too-large")
    assert members["enforced_by"] == "gateway"
    assert members["limit_bytes"] == MESSAGE_BYTES
    assert members["actual_bytes"] > MESSAGE_BYTES
    assert devdb.written() == before


def test_event_over_the_limit_of_the_database(wide, devdb, start_devdb, start_gateway):
    """The database's limit is below what one message holds when its operator says so."""
    small = start_devdb(max_append_event_size="1048576")
    gateway = start_gateway(small.address)
    answer = gateway.append_raw("big", "T", pattern(2 * MIB), query=ANY)
    members = check_problem(answer, 413, "event-too-large")
    assert members["enforced_by"] == "database"
    assert members["limit_bytes"] == 1048576
    assert members["actual_bytes"] >= 2 * MIB
    assert small.read("big") == []


def test_append_over_the_limit_of_the_database(start_devdb, start_gateway):
    small = start_devdb(max_append_size="1048576")
    gateway = start_gateway(small.address)
    text = base64.b64encode(pattern(300 * KIB)).decode()
    envelope = envelope_of("any", [event_of(data=None, data_base64=text)] * 5)
    members = check_problem(gateway.append("big", envelope), 413, "append-too-large")
    assert members["enforced_by"] == "database"
    assert members["limit_bytes"] == 1048576
    assert members["actual_bytes"] is None or members["actual_bytes"] > 1048576
    assert small.read("big") == []
    check_success(gateway.append_one("big"), version=0)


def test_connection_cut_in_the_middle_of_a_large_append(start_devdb, start_gateway, start_proxy):
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address, default_timeout_seconds="20")
    gateway.append_one("warm")
    proxy.cut_after("to_database", 3 * MIB)
    query = "?current_version=no_stream&event_id=4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"
    answer = gateway.append_raw("cut", "T", pattern(6 * MIB), query=query)
    check_problem(answer, 503, "connection-lost", outcome="unknown", retryable=True)
    proxy.wait_for_cut()
    assert devdb.read("cut") == []
    gateway.wait_ready()
    check_success(gateway.append_raw("cut", "T", pattern(6 * MIB), query=query), version=0)
    [event] = devdb.read("cut")
    assert event.data == pattern(6 * MIB)


def test_client_that_resets_while_its_append_runs_disturbs_nobody(gateway, devdb, faults, stream):
    faults("delay", method="BatchAppend", stream=stream, delay_ms=300, count=1)
    before = devdb.batches()
    connection = gateway.connect()
    connection.send(request("POST", events_target(stream) + "/T" + ANY, (), pattern(MIB)))
    wait_until(lambda: devdb.batches() > before, 5, "the append arrived")
    connection.reset()
    check_success(gateway.append_one(stream + "-other"), version=0)
    wait_until(lambda: devdb.read(stream), 5, "the append is stored")


def test_many_large_appends_at_once(gateway, devdb, stream):
    statuses = []

    def client(number):
        answer = gateway.append_raw(f"{stream}-{number}", "T", pattern(MIB, number), query=ANY)
        statuses.append(answer.status)
    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    for number in range(8):
        assert devdb.read(f"{stream}-{number}")[0].data == pattern(MIB, number)
