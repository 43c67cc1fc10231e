# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between gateway and database that cuts, freezes or refuses on command."""

import fcntl
import selectors
import socket
import struct
import termios
import threading

from .limits import wait_until


class Proxy:
    """Forwards to (host, port). Give port to the gateway in place of the database's.

    cut_at: connections end as soon as that many bytes of the direction have been forwarded
    since cut_after() was called; not one byte more gets through.
    """

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs = {}
        self._frozen = False
        self._refusing = False
        self._cut = None
        self.accepted = 0
        self.cuts = 0
        self.forwarded = {"to_database": 0, "to_gateway": 0}
        self._stop_read, self._stop_write = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.listener, selectors.EVENT_READ)
        self._selector.register(self._stop_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def cut_after(self, direction, count):
        """Cuts when count more bytes went "to_database" or "to_gateway"."""
        with self._lock:
            self._cut = (direction, self.forwarded[direction] + count)
            self.cuts = 0

    def wait_for_cut(self, seconds=10):
        wait_until(lambda: self.cuts > 0, seconds, "the proxy cut a connection")

    def freeze(self):
        """Forwards nothing until thaw(); connections stay open."""
        with self._lock:
            self._frozen = True
        self._wake()

    def wait_for_held(self, count, seconds=10):
        """Waits until the frozen proxy holds back at least that many bytes for the database."""
        wait_until(lambda: self._held() >= count, seconds,
                   f"{count} bytes for the database wait in the proxy")

    def _held(self):
        """Bytes that came from the gateway and lie unread in our sockets."""
        with self._lock:
            sources = [one for one, (_, direction) in self._pairs.items()
                       if direction == "to_database"]
        held = 0
        for one in sources:
            answer = fcntl.ioctl(one.fileno(), termios.FIONREAD, struct.pack("i", 0))
            held += struct.unpack("i", answer)[0]
        return held

    def thaw(self):
        with self._lock:
            self._frozen = False
        self._wake()

    def refuse(self):
        """Resets every connection, and new ones at once, until allow()."""
        self.refuse_new()
        self.drop_connections()

    def refuse_new(self):
        """Resets new connections at once, until allow(); open ones go on."""
        with self._lock:
            self._refusing = True

    def allow(self):
        with self._lock:
            self._refusing = False

    def drop_connections(self):
        """Resets what is open now; new connections are served."""
        with self._lock:
            pairs = list(self._pairs)
        for one in pairs:
            self._close_pair(one)

    def close(self):
        self._stop_write.send(b"s")
        self._thread.join(10)
        for one in list(self._pairs):
            self._close_pair(one)
        for one in (self.listener, self._stop_read, self._stop_write):
            one.close()
        self._selector.close()

    def _wake(self):
        self._stop_write.send(b"w")

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stop_read:
                    if b"s" in self._stop_read.recv(4096):
                        return
                    self._set_reading(not self._frozen)
                elif key.fileobj is self.listener:
                    self._accept()
                else:
                    self._forward(key.fileobj)

    def _set_reading(self, on):
        with self._lock:
            for one in self._pairs:
                try:
                    self._selector.unregister(one)
                except (KeyError, ValueError):
                    pass
                if on:
                    self._selector.register(one, selectors.EVENT_READ)

    def _accept(self):
        near, _ = self.listener.accept()
        if self._refusing:
            _reset(near)
            return
        try:
            far = socket.create_connection(self.target, 5)
        except OSError:
            _reset(near)
            return
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.accepted += 1
            self._pairs[near] = (far, "to_database")
            self._pairs[far] = (near, "to_gateway")
            if not self._frozen:
                self._selector.register(near, selectors.EVENT_READ)
                self._selector.register(far, selectors.EVENT_READ)

    def _forward(self, source):
        with self._lock:
            if source not in self._pairs or self._frozen:
                return
            sink, direction = self._pairs[source]
            room = self._room(direction)
        try:
            content = source.recv(min(65536, room) if room is not None else 65536)
            if content:
                sink.sendall(content)
        except OSError:
            content = b""
        with self._lock:
            self.forwarded[direction] += len(content)
            is_cut = self._room(direction) == 0
            if is_cut:
                self._cut = None
                self.cuts += 1
        if is_cut or not content:
            self._close_pair(source)

    def _room(self, direction):
        """Bytes until the cut in that direction; None without one."""
        if self._cut is None or self._cut[0] != direction:
            return None
        return max(0, self._cut[1] - self.forwarded[direction])

    def _close_pair(self, one):
        with self._lock:
            pair = self._pairs.pop(one, None)
            if pair is None:
                return
            other = pair[0]
            self._pairs.pop(other, None)
            for each in (one, other):
                try:
                    self._selector.unregister(each)
                except (KeyError, ValueError):
                    pass
                _reset(each)


def _reset(one):
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
    except OSError:
        pass
