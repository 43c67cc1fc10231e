# SPDX-License-Identifier: Apache-2.0
"""Servers that are no devdb: a TLS server in front of one that is, as a load balancer is, with
demands of its own, and such that do not speak TLS at all."""

import selectors
import socket
import ssl
import threading

from .limits import wait_until


class Server:
    """Accepts on a loopback port until close(); serve() has a thread for each connection."""

    def __init__(self, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self._sockets = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def keep(self, opened):
        """A socket that ends with the server, so that no thread stays in it."""
        self._sockets.append(opened)
        return opened

    def _accept(self):
        while True:
            try:
                connection = self.keep(self.listener.accept()[0])
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass  # the other side ended, or we do

    def serve(self, connection):
        """Silent: takes what comes and says nothing."""
        while connection.recv(65536):
            pass

    def close(self):
        for opened in [self.listener, *self._sockets]:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            opened.close()
        self._thread.join(5)


class Recorder(Server):
    """Keeps what it is sent."""

    def __init__(self, host="127.0.0.1"):
        self.received = bytearray()
        super().__init__(host)

    def serve(self, connection):
        while content := connection.recv(65536):
            self.received += content


class Talker(Server):
    """Answers whatever it is sent with the same bytes, and ends the connection."""

    def __init__(self, answer):
        self.answer = answer
        super().__init__()

    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(self.answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


class Terminator(Server):
    """TLS with a certificate, to a devdb without; clients: the authority of certificates that
    clients must show; newest: the highest version of TLS; protocols: what ALPN offers."""

    def __init__(self, pair, target, clients=None, newest=None, protocols=("h2",)):
        self.target = target
        self.links = []  # in the order of their handshakes
        self.ended = []
        self.context = self.context_of(pair, clients, newest, protocols)
        super().__init__()

    @staticmethod
    def context_of(pair, clients=None, newest=None, protocols=("h2",)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert_file, pair.key_file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if newest:
            context.maximum_version = newest
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        return context

    def cut(self, number):
        """Ends one connection, and waits until the gateway has seen it and ends it, too."""
        link = self.links[number]
        link.shutdown(socket.SHUT_WR)
        wait_until(lambda: link in self.ended, 10, "the gateway ends the connection")

    def serve(self, connection):
        with self.keep(self.context.wrap_socket(connection, server_side=True)) as tls, \
                self.keep(socket.create_connection(("127.0.0.1", self.target))) as plain:
            self.links.append(tls)
            try:
                self.forward(tls, plain)
            finally:
                self.ended.append(tls)

    @staticmethod
    def forward(tls, plain):
        with selectors.DefaultSelector() as selector:
            selector.register(tls, selectors.EVENT_READ, plain)
            selector.register(plain, selectors.EVENT_READ, tls)
            while True:
                for key, _ in selector.select():
                    content = key.fileobj.recv(65536)
                    while key.fileobj is tls and tls.pending():
                        content += tls.recv(65536)
                    if not content:
                        return
                    key.data.sendall(content)
