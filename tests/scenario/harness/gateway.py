# SPDX-License-Identifier: Apache-2.0
"""The real kurrentgate, and short ways to ask it something."""

import json

from . import link, trace
from .limits import wait_until
from .process import Process, free_port, program, run
from .wire import Connection, Ended, request

START_TRIES = 3
M_TARGET = "/v1/multi-append"
K_TARGET = "/v1/append-records"


def binary():
    return program("KURRENTGATE", "kurrentgate")


def run_gateway(*flags, environment=None):
    """Runs the program to its end, for --check-config and the like."""
    done = run([binary(), *flags], environment=environment)
    trace.note("ran", " ".join(["kurrentgate", *flags]))
    trace.note(f"exit status {done.returncode}", done.stdout + done.stderr)
    return done


def flags_of(options):
    """max_body_bytes="1KiB" → --max-body-bytes=1KiB; a list repeats the flag."""
    flags = []
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        flags.extend(f"--{name.replace('_', '-')}={each}" for each in values)
    return flags


def without_password(database, environment):
    """A connection string with a password has no place on the command line."""
    if "@" not in database:
        return {"database": database}, environment
    return {}, {"KURRENTGATE_DATABASE": database, **(environment or {})}


class Gateway(Process):
    """A running gateway on a free loopback port. database: "host:port" or a connection string;
    also_listen: further listeners; options: flags, hyphens as underscores."""

    def __init__(self, database, wait_ready=True, environment=None, also_listen=(), **options):
        if "://" not in database:
            database = f"kurrentdb://{database}?tls=false"
        database = link.connection_string(database)
        where, environment = without_password(database, environment)
        for attempt in range(START_TRIES):
            self.port = free_port()
            given = {**where, "listen": [f"127.0.0.1:{self.port}", *also_listen],
                     "log_format": "json", **options}
            super().__init__("kurrentgate", [binary(), *flags_of(given)], environment)
            try:
                wait_until(self._is_alive, 10, "kurrentgate answers /livez")
                break
            except AssertionError:
                if attempt + 1 == START_TRIES or not self._lost_port():
                    raise
        if wait_ready:
            self.wait_ready()

    def _lost_port(self):
        return not self.is_running() and any("in use" in line for line in self.lines)

    def _is_alive(self):
        self.must_run()
        try:
            return self.get("/livez").status == 200
        except (OSError, Ended):
            return False

    def wait_ready(self, seconds=10):
        wait_until(lambda: self.must_run() and self.get("/readyz").status == 200, seconds,
                   "kurrentgate is ready")

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, **options):
        return Connection(self.address, **options)

    def ask(self, method, target, headers=(), body=None, seconds=10, **options):
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.send(request(method, target, headers, body, **options))
            return connection.receive(method, seconds)

    def get(self, target, headers=()):
        return self.ask("GET", target, headers)

    def post(self, target, body, headers=(), seconds=10):
        return self.ask("POST", target, headers, body, seconds)

    def append(self, stream, envelope, headers=(), query="", seconds=10):
        """E with a JSON envelope: a dict, text or bytes."""
        return self.post(events_target(stream) + query, as_body(envelope),
                         with_type("application/json", headers), seconds)

    def append_one(self, stream, version="any", data="{}", headers=(), **members):
        """E with one event of type T; data is JSON text."""
        return self.append(stream, envelope_of(version, [event_of(data=data, **members)]), headers)

    def append_lines(self, stream, lines, headers=(), query=""):
        return self.post(events_target(stream) + query, as_body(lines),
                         with_type("application/x-ndjson", headers))

    def append_raw(self, stream, event_type, body, headers=(), query=""):
        return self.post(f"{events_target(stream)}/{segment(event_type)}{query}", body, headers)

    def multi_append(self, body, headers=(), seconds=10):
        """M: a dict, text or bytes."""
        return self.post(M_TARGET, as_body(body), with_type("application/json", headers), seconds)

    def append_records(self, body, headers=(), seconds=10):
        """K: a dict, text or bytes."""
        return self.post(K_TARGET, as_body(body), with_type("application/json", headers), seconds)

    def get_metadata(self, stream, headers=(), query="", method="GET"):
        """G"""
        return self.ask(method, metadata_target(stream) + query, headers)

    def put_metadata(self, stream, body, headers=(), query=""):
        """P: a dict, text or bytes."""
        return self.ask("PUT", metadata_target(stream) + query,
                        with_type("application/json", headers), as_body(body))

    def append_cloudevents(self, stream, body, headers=(), query="?current_version=any"):
        """C, in the mode that the headers tell."""
        return self.post(cloudevents_target(stream) + query, as_body(body), headers)

    def request_lines(self, since=0):
        """The log lines of requests, decoded (log-format json)."""
        decoded = []
        for line in self.lines[since:]:
            try:
                members = json.loads(line)
            except ValueError:
                continue
            if isinstance(members, dict) and "status" in members and "method" in members:
                decoded.append(members)
        return decoded


def with_type(media_type, headers):
    """headers with a Content-Type, unless they have one."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    if any(name.lower() == "content-type" for name, _ in pairs):
        return pairs
    return [("Content-Type", media_type), *pairs]


def as_body(content):
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode("utf-8")
    return json.dumps(content).encode("utf-8")


def segment(text):
    """One path segment: everything but unreserved characters percent-encoded."""
    content = text.encode("utf-8") if isinstance(text, str) else text
    safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(chr(c) if c in safe else f"%{c:02X}" for c in content)


def events_target(stream):
    return f"/v1/streams/{segment(stream)}/events"


def metadata_target(stream):
    return f"/v1/streams/{segment(stream)}/metadata"


def cloudevents_target(stream):
    return f"/v1/streams/{segment(stream)}/cloudevents"


def event_of(data="{}", **members):
    """The JSON text of one event; data, metadata are JSON text and stay as they are."""
    parts = [f'"type":{json.dumps(members.pop("type", "T"))}']
    if data is not None:
        parts.append(f'"data":{data}')
    if "metadata" in members:
        parts.append(f'"metadata":{members.pop("metadata")}')
    parts.extend(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members.items())
    return "{" + ",".join(parts) + "}"


def envelope_of(version, events):
    """The JSON text of an envelope; version None leaves current_version out."""
    head = "" if version is None else f'"current_version":{json.dumps(version)},'
    return "{" + head + '"events":[' + ",".join(events) + "]}"


def group_of(stream, version, events):
    """The JSON text of one group of M; version None leaves current_version out."""
    return f'{{"stream_name":{json.dumps(stream)},{envelope_of(version, events)[1:]}'


def groups_of(*groups):
    """The JSON text of M's body."""
    return '{"streams":[' + ",".join(groups) + "]}"


def record_of(stream, data="{}", **members):
    """The JSON text of one record of K."""
    return f'{{"stream_name":{json.dumps(stream)},{event_of(data, **members)[1:]}'


def records_of(records, checks=None):
    """The JSON text of K's body. checks: pairs of a stream and its state; None: left out."""
    text = '{"records":[' + ",".join(records) + "]"
    if checks is not None:
        listed = [{"stream_name": stream, "expected_state": state} for stream, state in checks]
        text += f',"checks":{json.dumps(listed)}'
    return text + "}"
