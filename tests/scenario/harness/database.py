# SPDX-License-Identifier: Apache-2.0
"""The real kurrentgate-devdb: faults, counters, and what it has stored."""

import base64
import json
import subprocess
import uuid

from . import link, server, trace
from .gateway import flags_of
from .limits import wait_until
from .process import Process, clean_environment, free_port, program
from .wire import Connection, Ended, request


class Event:
    """One stored event, bytes as they lie in the database."""

    def __init__(self, members):
        self.revision = members["revision"]
        self.position = members["position"]
        self.id = members["id"]
        self.type = base64.b64decode(members["type"])
        self.content_type = members["content_type"]
        self.data = base64.b64decode(members["data"])
        self.metadata = base64.b64decode(members["metadata"])

    def __repr__(self):
        return (f"<Event {self.revision} {self.type!r} {self.content_type} "
                f"data={self.data[:80]!r} metadata={self.metadata[:80]!r}>")


class Devdb(Process):
    """A running devdb on free loopback ports. roots: whom to trust when it is read back, where a
    test brings a certificate of its own."""

    def __init__(self, port=None, wait_ready=True, roots=None, **options):
        if server.EMULATED:
            options = {"emulate": server.EMULATED, **options}
        options = link.database_options(options)
        self._roots = roots or link.authority_file()
        self.port = port or free_port()
        self.admin_port = free_port()
        argv = [program("KURRENTGATE_DEVDB", "kurrentgate-devdb"),
                "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin_port}",
                *flags_of(options)]
        self._reader_process = None
        users = options.get("user", ())
        users = [users] if isinstance(users, str) else users
        # The first user reads back; "admin" may read all.
        self._credentials = ":".join(users[0].split(":")[:2]) if users else None
        super().__init__("devdb", argv)
        if wait_ready:
            wait_until(self._is_ready, 10, "devdb is ready")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _is_ready(self):
        self.must_run()
        try:
            return self._ask("GET", "/readyz").status == 200
        except (OSError, Ended):
            return False

    def _ask(self, method, target, body=None):
        with Connection(("127.0.0.1", self.admin_port)) as connection:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.socket.sendall(request(method, target, headers, body))
            return connection.receive(method)

    def fault(self, action, **members):
        """Sets a fault: action with method, stream, delay_ms, status, message, count …"""
        body = json.dumps({"action": action, **members}).encode()
        answer = self._ask("POST", "/faults", body)
        assert answer.status in (200, 201, 204), f"devdb refused the fault {body}: {answer}"

    def set_role(self, state, **leader):
        """What gossip says and whether writes are taken: state, leader_host, leader_port."""
        answer = self._ask("POST", "/role", json.dumps({"state": state, **leader}).encode())
        assert answer.status in (200, 204), f"devdb refused the role {state}: {answer}"

    def clear_faults(self):
        answer = self._ask("DELETE", "/faults")
        assert answer.status in (200, 204), f"devdb: {answer}"

    def faults(self):
        return self._ask("GET", "/faults").json()

    def stats(self):
        """All of devdb's counters."""
        return self._ask("GET", "/stats").json()

    def written(self):
        """Counters that move whenever an append reaches the database or stores something."""
        stats = self.stats()
        calls = stats["calls"]
        return (stats["batches_received"], calls["AppendSession"], calls["AppendRecords"],
                *self.stored())

    def stored(self):
        """Counters that move whenever an append stores something."""
        stats = self.stats()
        return stats["appends_stored"], stats["events_stored"]

    def batches(self):
        """How many appends have arrived, answered or not."""
        return self.stats()["batches_received"]

    def calls(self, method):
        """How many calls of a method were begun."""
        return self.stats()["calls"].get(method, 0)

    def read(self, stream):
        """All events of a stream, in order; [] when there is no such stream."""
        return self._readback().run("read", stream)

    def delete(self, stream):
        """Soft-deletes a stream."""
        self._readback().run("delete", stream)

    def tombstone(self, stream):
        """Deletes a stream for ever."""
        self._readback().run("tombstone", stream)

    def store(self, stream, data, event_type, content_type="application/json"):
        """Appends one event past the gateway, at whatever version."""
        self._readback().run("store", stream, str(uuid.uuid4()), event_type, content_type, data)

    def _readback(self):
        if self._reader_process is None or self._reader_process.address != self.address:
            self._reader_process = Reader(self.address, self._credentials, self._roots)
        return self._reader_process

    def stop(self, seconds=15):
        if self._reader_process is not None:
            self._reader_process.close()
            self._reader_process = None
        super().stop(seconds)


class Reader:
    """The C program that reads streams back (readback.c); one process for many calls. roots: whom
    to trust, a file or "unverified"; None for no TLS."""

    def __init__(self, address, credentials=None, roots=None):
        self.address = address
        secret = {"READBACK_CREDENTIALS": credentials} if credentials else {}
        if roots:
            secret["READBACK_TLS"] = str(roots)
        self.child = subprocess.Popen(
            [program("KURRENTGATE_READBACK", "tests/scenario/readback"), address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(secret))

    def run(self, command, stream, *more):
        arguments = [each.encode("utf-8") if isinstance(each, str) else each
                     for each in (stream, *more)]
        words = [command.encode(), *(base64.b64encode(each) for each in arguments)]
        self.child.stdin.write(b" ".join(words) + b"\n")
        self.child.stdin.flush()
        events = []
        for line in self.child.stdout:
            members = json.loads(line)
            if "end" not in members:
                events.append(Event(members))
                continue
            assert members["end"] in ("ok", "not-found"), f"{command} failed: {members}"
            trace.note(f"{command} of {stream!r}", repr(events))
            return events
        raise AssertionError(f"readback ended with {self.child.wait(5)}")

    def close(self):
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait(10)
        self.child.stdout.close()
