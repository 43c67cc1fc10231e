# SPDX-License-Identifier: Apache-2.0
"""Start, many connections, unix sockets, and stopping under load (api-design 15)."""

import os
import selectors
import signal
import socket
import stat
import time

import pytest

from harness.gateway import envelope_of, event_of, events_target, run_gateway
from harness.limits import limit, wait_until
from harness.problems import check_problem, check_success
from harness.wire import Connection, Ended, request

JSON = ("Content-Type", "application/json")
GOOD = envelope_of("any", [event_of()]).encode()


def append_of(stream, *fields):
    return request("POST", events_target(stream), [JSON, *fields], GOOD)


# -- many connections ----------------------------------------------------------------------

class Load:
    """Keep-alive connections that append one after the other, driven by one selector: each has
    at most one request on its way."""

    def __init__(self, address, count):
        self.selector = selectors.DefaultSelector()
        self.address = address
        self.clients = [self._open(number) for number in range(count)]
        self.statuses = {}
        self.ended_idle = 0
        self.ended_waiting = []
        self.slowest = 0.0

    def _open(self, number):
        client = {"number": number, "socket": socket.create_connection(self.address, limit(10)),
                  "pending": b"", "sent_at": None, "done": 0, "closing": False}
        client["socket"].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(client["socket"], selectors.EVENT_READ, client)
        return client

    def send(self, client):
        try:
            client["socket"].sendall(append_of(f"load-{client['number']}"))
        except OSError:
            self._end(client)
            return
        client["sent_at"] = time.monotonic()

    def send_all(self):
        for client in self.clients:
            self.send(client)

    def run(self, is_over, again, seconds):
        """Serves answers until is_over(); again: whether an answer is followed by a request."""
        end = time.monotonic() + limit(seconds)
        while not is_over(self):
            assert time.monotonic() < end, f"stalled: {self.report()}"
            for key, _ in self.selector.select(0.2):
                self._receive(key.data, again)

    def _receive(self, client, again):
        try:
            piece = client["socket"].recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            self._end(client)
            return
        client["pending"] += piece
        while (answer := take_answer(client)) is not None:
            status, closes = answer
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.slowest = max(self.slowest, time.monotonic() - client["sent_at"])
            client["sent_at"] = None
            client["done"] += 1
            if again and not closes:
                self.send(client)

    def _end(self, client):
        if client["socket"] not in self.selector.get_map():
            return
        self.selector.unregister(client["socket"])
        client["socket"].close()
        self.clients.remove(client)
        if client["sent_at"] is None:
            self.ended_idle += 1
        else:
            self.ended_waiting.append(client)

    def answers(self):
        return sum(self.statuses.values())

    def report(self):
        waiting = sum(client["sent_at"] is not None for client in self.clients)
        return f"{self.statuses}, {waiting} of {len(self.clients)} connections wait"

    def close(self):
        for client in list(self.clients):
            client["socket"].close()
        self.selector.close()


def take_answer(client):
    """The status of the next whole answer, and whether it announces the end; None: not there."""
    head, found, rest = client["pending"].partition(b"\r\n\r\n")
    if not found:
        return None
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    size = int(fields[b"content-length"])
    if len(rest) < size:
        return None
    client["pending"] = rest[size:]
    return int(head.split(b" ")[1]), fields.get(b"connection") == b"close"


@pytest.mark.parametrize("count", [1, 64, 127, 128, 129, 256])
def test_connections_at_once(gateway, count):
    """Bursts from exactly that many connections: no stall, no error."""
    load = Load(gateway.address, count)
    try:
        for _ in range(3):
            before = load.answers()
            load.send_all()
            load.run(lambda each, least=before + count: each.answers() >= least, False, 20)
        load.send_all()
        load.run(lambda each: each.answers() >= count * 8, True, 20)
        assert set(load.statuses) == {200}, load.report()
        assert load.ended_idle == 0 and not load.ended_waiting
    finally:
        load.close()


def test_connections_that_come_and_go(gateway):
    for _ in range(150):
        with gateway.connect() as connection:
            connection.expect_open()
    for _ in range(50):
        gateway.connect().reset()
    assert gateway.get("/livez").status == 200


# -- stopping ------------------------------------------------------------------------------

def test_stop_without_load(start_gateway, devdb):
    gateway = start_gateway(devdb.address)
    begin = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begin < limit(5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_stop(start_gateway, devdb, number):
    gateway = start_gateway(devdb.address)
    gateway.kill(number)
    assert gateway.wait(10) == 0


def test_stop_with_a_database_that_is_not_there(start_gateway):
    gateway = start_gateway("127.0.0.1:1", wait_ready=False)
    gateway.kill()
    assert gateway.wait(10) == 0


@pytest.mark.parametrize("turn", range(3))
def test_stop_under_load(start_gateway, start_devdb, turn):
    """Every request is answered, or its connection was closed before it was sent; what was
    answered with 200 is stored."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    load = Load(gateway.address, 64)
    try:
        load.send_all()
        load.run(lambda each: each.answers() >= 200 + 150 * turn, True, 20)
        gateway.kill()
        load.run(lambda each: not each.clients, True, 20)
        assert gateway.wait(15) == 0
        assert set(load.statuses) <= {200, 503}, load.report()
        check_unanswered(devdb, load)
    finally:
        load.close()


def check_unanswered(devdb, load):
    """A request that crossed the end of its connection must not have been carried out."""
    for client in load.ended_waiting:
        stored = len(devdb.read(f"load-{client['number']}"))
        assert stored <= client["done"], f"connection {client['number']} lost an answer"


def test_requests_in_progress_finish(start_gateway, start_devdb):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("delay", method="BatchAppend", stream="slow", delay_ms=500)
    with gateway.connect() as connection:
        connection.send(append_of("slow"))
        wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
        gateway.kill()
        check_success(connection.receive())
        connection.expect_closed()
    assert gateway.wait(10) == 0
    assert len(devdb.read("slow")) == 1


def test_draining_refuses_new_requests_and_answers_probes(start_gateway, start_devdb):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("delay", method="BatchAppend", stream="slow", delay_ms=1500)
    with gateway.connect() as slow, gateway.connect() as kept, gateway.connect() as probe:
        kept.expect_open()
        probe.expect_open()
        slow.send(append_of("slow"))
        wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
        gateway.kill()
        gateway_is_draining(probe)
        kept.send_blindly(append_of("late"))
        try:
            answer = kept.receive()
        except Ended:
            answer = None  # closed before it was sent
        if answer is not None:
            check_problem(answer, 503, "draining", retryable=True)
            kept.expect_closed()
        check_success(slow.receive())
    assert gateway.wait(10) == 0
    assert devdb.read("late") == []


def gateway_is_draining(probe):
    """Asks until the probe says so; a closed connection says it, too."""
    def ask():
        try:
            answer = probe.send(request("GET", "/readyz")).receive("GET")
        except (Ended, OSError):
            return True
        if answer.status == 200:
            return False
        assert answer.json()["checks"]["draining"]["status"] == "fail"
        return True
    wait_until(ask, 5, "readyz says that the gateway is draining")


def test_drain_ends_at_its_timeout(start_gateway, start_devdb):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address, drain_timeout_seconds="0.3")
    devdb.fault("drop-before", method="BatchAppend", stream="stuck")
    with gateway.connect() as connection:
        connection.send(append_of("stuck", ("Kurrent-Timeout", "25")))
        wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
        gateway.kill()
        assert gateway.wait(10) == 0
        content = connection.read_to_end()
    # Answered or cut, but never called written or not written.
    assert content == b"" or b'"outcome":"unknown"' in content.replace(b": ", b":")


def test_idle_connections_do_not_hold_the_stop(start_gateway, devdb):
    gateway = start_gateway(devdb.address)
    idle = [gateway.connect() for _ in range(20)]
    half = gateway.connect()
    half.send(b"POST /v1/streams/a/events HTTP/1.1\r\nHost: local")
    for connection in idle[:10]:
        connection.expect_open()
    begin = time.monotonic()
    gateway.kill()
    assert gateway.wait(15) == 0
    assert time.monotonic() - begin < limit(10)
    for connection in idle + [half]:
        connection.close()


# -- unix sockets --------------------------------------------------------------------------

def test_unix_socket(start_gateway, devdb, stream, tmp_path):
    path = str(tmp_path / "gate.sock")
    gateway = start_gateway(devdb.address, also_listen=[f"unix:{path}"])
    mode = os.stat(path)
    assert stat.S_ISSOCK(mode.st_mode)
    assert stat.S_IMODE(mode.st_mode) == 0o660
    with Connection(path) as connection:
        answer = connection.send(append_of(stream)).receive()
        check_success(answer, version=0)
        assert answer.header("Server-Timing")
        connection.expect_open()
        # The Host list is for TCP listeners only.
        connection.send(request("POST", events_target(stream), [JSON], GOOD, host="gate.internal"))
        check_success(connection.receive(), version=1)
    gateway.stop()
    assert not os.path.exists(path)


def test_mode_of_a_unix_socket(start_gateway, devdb, tmp_path):
    path = str(tmp_path / "gate.sock")
    start_gateway(devdb.address, also_listen=[f"unix:{path}"], unix_socket_mode="0600")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_stale_unix_socket_is_replaced(start_gateway, devdb, tmp_path):
    path = str(tmp_path / "gate.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    start_gateway(devdb.address, also_listen=[f"unix:{path}"])
    with Connection(path) as connection:
        connection.expect_open()


def test_living_unix_socket_and_files_are_left_alone(devdb, start_gateway, tmp_path):
    living, plain = str(tmp_path / "living.sock"), tmp_path / "plain"
    plain.write_text("precious")
    start_gateway(devdb.address, also_listen=[f"unix:{living}"])
    for path in (living, str(plain)):
        done = run_gateway(f"--database=kurrentdb://{devdb.address}?tls=false",
                           f"--listen=unix:{path}")
        assert done.returncode != 0
        assert path in done.stderr
    assert plain.read_text() == "precious"
    with Connection(living) as connection:
        connection.expect_open()
