# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP/1.1 client: sends any bytes, reads answers exactly, sees how a connection ends."""

import json
import select
import socket
import struct
import time

from . import contract, server, trace
from .limits import limit

HOST = "localhost"


class Ended(Exception):
    """The connection ended, or nothing came in time, before an answer was complete."""


class Answer:
    """One answer: status, header fields in order, body bytes."""

    def __init__(self, version, status, reason, fields, body, interims):
        self.version = version
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body
        self.interims = interims

    def header(self, name):
        """The value of a field that stands at most once; None when absent."""
        values = self.headers(name)
        assert len(values) < 2, f"{name} stands {len(values)} times in the answer"
        return values[0] if values else None

    def headers(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self):
        """The body as JSON; members twice are a failure."""
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=_unique)

    def __repr__(self):
        return f"<Answer {self.status} {trace.printable(self.body[:300])!r}>"


def _unique(pairs):
    members = dict(pairs)
    assert len(members) == len(pairs), f"a member stands twice in the answer: {pairs}"
    return members


def request(method, target, headers=(), body=None, host=HOST, version="HTTP/1.1"):
    """The bytes of one request. headers: pairs or a dict; body: bytes, announced by length."""
    lines = [f"{method} {target} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines.extend(f"{name}: {value}" for name, value in pairs)
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head + (body or b"")


def chunked(pieces, trailer=b""):
    """A body in chunked coding, one chunk a piece."""
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
    return coded + b"0\r\n" + trailer + b"\r\n"


class Connection:
    """One connection. address: (host, port), or a path of a unix socket."""

    def __init__(self, address, seconds=10, receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if not isinstance(address, str) and ":" in address[0]:
            family = socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.seconds = seconds
        self.socket.settimeout(limit(seconds))
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.was_reset = False
        self.target = ""
        self.sent = contract.Sent()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, content):
        trace.note("sent", content)
        self._note_target(content)
        self.sent.add(content)
        self.socket.sendall(content)
        return self

    def send_blindly(self, content):
        """Sends as far as the other side lets us; a closed connection is no failure here."""
        trace.note("sent as far as possible", content)
        self._note_target(content)
        self.sent.add(content)
        try:
            self.socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def _note_target(self, content):
        """The target of the request that begins with this content, if one does."""
        words = content[:200].split(b" ", 2)
        if len(words) == 3 and words[1].startswith(b"/"):
            self.target = words[1].decode("latin-1")

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def receive(self, method="POST", seconds=None):
        """Reads one answer; interim answers (1xx) are collected in it."""
        end = time.monotonic() + limit(self.seconds if seconds is None else seconds)
        interims = []
        while True:
            version, status, reason, fields = self._head(end)
            if status >= 200:
                break
            interims.append(status)
        body = self._body(method, status, fields, end)
        answer = Answer(version, status, reason, fields, body, interims)
        head = f"{version} {status} {reason}\n" + "\n".join(f"{k}: {v}" for k, v in fields)
        trace.note("got", head.encode("latin-1") + b"\n\n" + body)
        contract.check(self.sent.next(), method, answer)
        server.end_where_it_is_missing(self.target, answer)
        return answer

    def receive_interim(self, seconds=None):
        """Reads one answer head that must be an interim one, and returns its status."""
        end = time.monotonic() + limit(self.seconds if seconds is None else seconds)
        _, status, _, _ = self._head(end)
        assert status < 200, f"expected an interim answer, got {status}"
        return status

    def expect_closed(self, seconds=10):
        """Waits for the other side's end; no further byte may come."""
        rest = self.read_to_end(seconds)
        assert rest == b"", f"bytes after the last answer: {rest[:200]!r}"

    def read_to_end(self, seconds=10):
        end = time.monotonic() + limit(seconds)
        content = self.pending
        self.pending = b""
        while True:
            piece = self._piece(end)
            if not piece:
                trace.note("connection", "reset" if self.was_reset else "closed")
                return content
            content += piece

    def expect_open(self):
        """The connection still serves requests."""
        answer = self.send(request("GET", "/livez")).receive("GET")
        assert answer.status == 200, f"the connection was kept, but then answered {answer}"

    def is_quiet(self, seconds):
        """Whether no byte and no end comes for that long. Only for things that must not come."""
        readable, _, _ = select.select([self.socket], [], [], seconds)
        return not readable and not self.pending

    def _piece(self, end):
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise Ended("nothing came within the limit")
        self.socket.settimeout(remaining)
        try:
            return self.socket.recv(262144)
        except socket.timeout:
            raise Ended("nothing came within the limit") from None
        except ConnectionResetError:
            self.was_reset = True
            return b""

    def _fill(self, end, what):
        piece = self._piece(end)
        if not piece:
            how = "reset" if self.was_reset else "closed"
            raise Ended(f"connection {how} while waiting for {what}; had {self.pending[:200]!r}")
        self.pending += piece

    def _head(self, end):
        while b"\r\n\r\n" not in self.pending:
            self._fill(end, "an answer")
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        version, status, reason = (lines[0].split(" ", 2) + [""])[:3]
        assert version in ("HTTP/1.1", "HTTP/1.0"), f"no status line: {lines[0]!r}"
        fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            assert colon and name == name.strip(), f"no header line: {line!r}"
            fields.append((name, value.strip()))
        return version, int(status), reason, fields

    def _body(self, method, status, fields, end):
        if method == "HEAD" or status in (204, 304):
            return b""
        known = {name.lower(): value for name, value in fields}
        if known.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks(end)
        if "content-length" in known:
            return self._exactly(int(known["content-length"]), end)
        return self.read_to_end()

    def _exactly(self, count, end):
        pieces = [self.pending[:count]]
        missing = count - len(pieces[0])
        self.pending = self.pending[count:]
        while missing > 0:
            self._fill(end, f"{missing} more bytes of a body")
            pieces.append(self.pending[:missing])
            self.pending = self.pending[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _chunks(self, end):
        content = b""
        while True:
            while b"\r\n" not in self.pending:
                self._fill(end, "a chunk")
            size, self.pending = self.pending.split(b"\r\n", 1)
            count = int(size, 16)
            piece = self._exactly(count + 2, end)
            assert piece.endswith(b"\r\n")
            if count == 0:
                return content
            content += piece[:-2]
