# SPDX-License-Identifier: Apache-2.0
"""The table of problems (api-design 10), row by row: which request gets which of them, with its
pointers, members and headers, and what is in the database afterwards.
"""

import gzip
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.database import Devdb
from harness.gateway import Gateway, binary, event_of
from harness.limits import limit, wait_until
from harness.problems import (HINT_IDS, HINT_INEXACT, HINT_KEY, HINT_PLAIN, among, check_problem,
                              check_success)
from harness.process import free_port
from harness.wire import request

PROBLEMS_DEF = Path(__file__).resolve().parents[2] / "daemon" / "problems.def"

# Limits of the rate of a caller, and tokens of the gateway's own, are not there yet.
NOT_BUILT = {"rate-limited"}

JSON = ("Content-Type", "application/json")
WRONG_USER = ("Kurrent-Authorization", "Basic YWRtaW46d3Jvbmc=")
KEY = ("Idempotency-Key", "@1-key")
SHORT = ("Kurrent-Timeout", f"{limit(0.4):g}")
LIMITED = {"max_body_bytes": "4KiB", "max_events": "3"}


# -- requests; @1, @2 and @3 stand for streams of the test ---------------------------------

@dataclass
class Ask:
    method: str
    target: str
    fields: tuple = ()
    body: bytes = None
    host: str = "localhost"
    prefix: bytes = None  # in place of a request made of these parts

    def content(self, world):
        if self.prefix is not None:
            return world.fill(self.prefix)
        fields = [(name, world.fill(value)) for name, value in self.fields]
        return request(self.method, world.fill(self.target), fields, world.fill(self.body),
                       self.host)


def ask_of(method, target, body, fields, query, media_type=JSON):
    content = body.encode("utf-8") if isinstance(body, str) else body
    return Ask(method, target + query, (*([media_type] if media_type else []), *fields), content)


def E(body, *fields, query="", **options):
    return ask_of("POST", "/v1/streams/@1/events", body, fields, query, **options)


def R(body, *fields, query="?current_version=any", media_type=None):
    return ask_of("POST", "/v1/streams/@1/events/T", body, fields, query, media_type)


def C(body, *fields, query="?current_version=any",
      media_type=("Content-Type", "application/cloudevents+json")):
    return ask_of("POST", "/v1/streams/@1/cloudevents", body, fields, query, media_type)


def M(body, *fields, query="", **options):
    return ask_of("POST", "/v1/multi-append", body, fields, query, **options)


def K(body, *fields, query="", **options):
    return ask_of("POST", "/v1/append-records", body, fields, query, **options)


def P(body, *fields, query="?current_version=any", **options):
    return ask_of("PUT", "/v1/streams/@1/metadata", body, fields, query, **options)


def G(*fields, query=""):
    return Ask("GET", "/v1/streams/@1/metadata" + query, fields)


def envelope(version, *events):
    return json.dumps({"current_version": version}, separators=(",", ":"))[:-1] + (
        ',"events":[' + ",".join(events or ['{"type":"T","data":{}}']) + "]}")


def group(stream, version, *events):
    return f'{{"stream_name":"{stream}",' + envelope(version, *events)[1:]


def groups(*listed):
    return '{"streams":[' + ",".join(listed) + "]}"


def record(stream, more='"type":"T","data":{}'):
    return f'{{"stream_name":"{stream}",{more}}}'


def records(*listed, checks=()):
    coded = json.dumps([{"stream_name": stream, "expected_state": state}
                        for stream, state in checks])
    return '{"records":[' + ",".join(listed) + f'],"checks":{coded}}}'


GOOD = envelope("any")
EXACT = envelope("no_stream")
TWO = groups(group("@1", "any"), group("@2", "any"))
EXACT_TWO = groups(group("@1", "no_stream"), group("@2", "no_stream"))
ONE_RECORD = records(record("@1"))
EXACT_RECORD = records(record("@1"), checks=[("@1", "no_stream")])
CLOUD = '{"specversion":"1.0","type":"T","source":"/s","id":"1","data":{}}'

# One good request of every operation, and the call that it becomes.
WRITES = {"E": (E(GOOD), "BatchAppend"), "R": (R(b"x"), "BatchAppend"),
          "C": (C(CLOUD), "BatchAppend"), "M": (M(TWO), "AppendRecords"),
          "K": (K(ONE_RECORD), "AppendRecords"), "P": (P("{}"), "BatchAppend")}
EXACT_WRITES = {"E": (E(EXACT), "BatchAppend"),
                "R": (R(b"x", query="?current_version=no_stream"), "BatchAppend"),
                "C": (C(CLOUD, query="?current_version=no_stream"), "BatchAppend"),
                "M": (M(EXACT_TWO), "AppendRecords"), "K": (K(EXACT_RECORD), "AppendRecords"),
                "P": (P("{}", query="?current_version=no_stream"), "BatchAppend")}
OPERATIONS = {**WRITES, "G": (G(), "Read")}


def also(ask, *fields):
    return Ask(ask.method, ask.target, (*ask.fields, *fields), ask.body)


# -- what a row needs beforehand -----------------------------------------------------------

def has(name, count=1):
    events = ",".join([event_of()] * count)
    return lambda world: world.append(name, events)


def has_known(name, event_id):
    """An event whose id another request uses again."""
    return lambda world: world.append(name, event_of(id=event_id))


def soft_deleted(name):
    return lambda world: (has(name)(world), world.devdb.delete(world.fill(name)))


def tombstoned(name):
    return lambda world: (has(name)(world), world.tombstone(name))


def has_text_as_metadata(name):
    return lambda world: world.devdb.store("$$" + world.fill(name), b"no object", "$metadata")


def fault(action, method, **members):
    return lambda devdb: devdb.fault(action, method=method, **members)


def not_leader(method):
    """It names itself, so that nothing becomes better by following it."""
    return lambda devdb: devdb.fault("not-leader", method=method, leader_host="127.0.0.1",
                                     leader_port=devdb.port)


# -- rows ----------------------------------------------------------------------------------

@dataclass
class Row:
    """One way to one problem. sent: it reaches the database, which refuses it or stays silent;
    closes: whether the connection ends after the answer, None where the contract leaves it
    open; stored: how many events it stored all the same, None where nobody knows."""
    code: str
    status: int
    what: str
    ask: Ask
    pointers: object = None
    given: tuple = ()
    faults: tuple = ()
    members: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    outcome: str = "not_written"
    retryable: bool = False
    hint: str = None
    closes: bool = False
    sent: bool = False
    stored: int = 0
    gateway: dict = None
    devdb: dict = None

    def __str__(self):
        return f"{self.code}-{self.what}"


ROWS = []


def row(*arguments, **options):
    ROWS.append(Row(*arguments, **options))


def before_body(*arguments, **options):
    """A refusal that comes before the body is read."""
    row(*arguments, closes=True, **options)


def from_database(*arguments, **options):
    row(*arguments, sent=True, **options)


# 400

for what, prefix in {
        "both-framings": b"POST /v1/streams/@1/events HTTP/1.1\r\nHost: localhost\r\n"
                         b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "length-twice": b"POST /v1/append-records HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "no-host": b"POST /v1/multi-append HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"}.items():
    before_body("malformed-request", 400, what, Ask("POST", "", prefix=prefix))
before_body("malformed-request", 400, "target",
            Ask("POST", "/v1/streams/%ff/events", (JSON,), b"{}"))
for name in ("E", "M", "K", "P"):
    before_body("malformed-request", 400, f"{name}-header-twice", also(WRITES[name][0], KEY, KEY))
    before_body("malformed-request", 400, f"{name}-credentials",
                also(WRITES[name][0], ("Kurrent-Authorization", "Basic x")))
    row("malformed-request", 400, f"{name}-gzip",
        also(WRITES[name][0], ("Content-Encoding", "gzip")), closes=None)
row("malformed-request", 400, "body-on-get", Ask("GET", "/v1/streams/@1/metadata", (), b"x"),
    closes=True)

for name, ask, offset in (
        ("E", E('{"current_version":"any","events":[}'), 35),
        ("E-too-early", E('{"current_version":"any"'), 24),
        ("E-encoding", E(b'{"\xff":1}'), 2),
        ("E-lines", E('{"type":"T","data":1}\n{"type":T}', query="?current_version=any",
                      media_type=("Content-Type", "application/x-ndjson")), 30),
        ("R", R("{]", media_type=JSON), 1),
        ("C", C('{"specversion":"1.0",}'), 21),
        ("C-binary", C("[1,]", ("ce-specversion", "1.0"), ("ce-type", "T"), ("ce-source", "s"),
                       ("ce-id", "1"), media_type=JSON), 3),
        ("M", M('{"streams":[{]}'), 13),
        ("K", K('{"records":[{"data":01}]}'), 21),
        ("P", P('{"a":tru}'), 8)):
    row("malformed-json", 400, name, ask, members={"byte_offset": offset})
deep = "[" * 513 + "]" * 513
for name, ask, offset in (
        ("E-depth", E('{"current_version":"any","events":[{"type":"T","data":' + deep + "}]}"),
         54 + 512),
        ("K-depth", K('{"records":[{"stream_name":"s","type":"T","data":' + deep + "}]}"),
         49 + 512)):
    row("malformed-json", 400, name, ask, members={"byte_offset": offset})

row("conflicting-parameters", 400, "E-header-against-body",
    E(GOOD, ("Kurrent-ExpectedVersion", "1")),
    among("/current_version", "header:Kurrent-ExpectedVersion"))
before_body("conflicting-parameters", 400, "R-header-against-query",
            R(b"x", ("Kurrent-ExpectedVersion", "1")),
            among("query:current_version", "header:Kurrent-ExpectedVersion"))
before_body("conflicting-parameters", 400, "R-type", R(b"x", ("Kurrent-EventType", "U")),
            ["header:Kurrent-EventType"])
for name, field_name in (("E", "Kurrent-EventId"), ("M", "Kurrent-ExpectedVersion"),
                         ("K", "Kurrent-ExpectedVersion"), ("C", "Kurrent-Metadata"),
                         ("P", "Kurrent-Foo"), ("M", "If-Match"), ("K", "If-None-Match"),
                         ("E", "If-Match")):
    before_body("conflicting-parameters", 400, f"{name}-{field_name}",
                also(WRITES[name][0], (field_name, '"1"')), [f"header:{field_name}"])
row("conflicting-parameters", 400, "G-Kurrent-ExpectedVersion",
    G(("Kurrent-ExpectedVersion", "1")), ["header:Kurrent-ExpectedVersion"])
before_body("conflicting-parameters", 400, "P-condition-against-query",
            P("{}", ("If-Match", '"3"')), among("header:If-Match", "query:current_version"))

for name in WRITES:
    before_body("bad-idempotency-key", 400, name, also(WRITES[name][0], ("Idempotency-Key", "a b")),
                ["header:Idempotency-Key"])
    before_body("unknown-preference", 400, name,
                also(WRITES[name][0], ("Prefer", "handling=strict, dry-run")), ["header:Prefer"])

# 401, 403

for name, (ask, call) in OPERATIONS.items():
    from_database("unauthenticated", 401, name, also(ask, WRONG_USER),
                  faults=(fault("unauthenticated", call),),
                  headers={"WWW-Authenticate": re.compile("Basic")})
    from_database("forbidden", 403, f"{name}-access-denied", ask,
                  faults=(fault("access-denied", call),))
    from_database("forbidden", 403, f"{name}-no-credentials", ask, gateway={},
                  devdb={"user": ["admin:changeit"]})
    # A GET has no body that is left unread.
    row("forbidden", 403, f"{name}-credentials-off", also(ask, WRONG_USER),
        gateway={"allow_request_credentials": "false"}, closes=name != "G")
for name, (ask, _) in OPERATIONS.items():
    row("host-not-allowed", 403, name,
        Ask(ask.method, ask.target, ask.fields, ask.body, host="evil.example"), closes=name != "G")
    row("origin-not-allowed", 403, name, also(ask, ("Origin", "http://evil.example")),
        closes=name != "G")

# 404, 405, 406

row("not-found", 404, "route", Ask("GET", "/v1/streams/@1/nothing"))
before_body("not-found", 404, "route-with-a-body", Ask("POST", "/v1/multi-append/", (JSON,), b"{}"))
row("not-found", 404, "check", Ask("GET", "/readyz/nothing"))
row("not-found", 404, "problem", Ask("GET", "/problems/nothing"))
for target, allow in (("/v1/streams/@1/events", "OPTIONS POST"),
                      ("/v1/streams/@1/cloudevents", "OPTIONS POST"),
                      ("/v1/multi-append", "OPTIONS POST"),
                      ("/v1/append-records", "OPTIONS POST"),
                      ("/v1/streams/@1/metadata", "GET HEAD OPTIONS PUT")):
    row("method-not-allowed", 405, target.rpartition("/")[2], Ask("PATCH", target),
        headers={"Allow": lambda value, allow=allow:
                 sorted(value.replace(" ", "").split(",")) == allow.split()})
for name, (ask, _) in OPERATIONS.items():
    row("not-acceptable", 406, name, also(ask, ("Accept", "text/html")), closes=name != "G")

# 409

for name, ask in {"E": E(envelope(7)), "R": R(b"x", query="?current_version=7"),
                  "C": C(CLOUD, query="?current_version=7")}.items():
    from_database("wrong-current-version", 409, name, ask, given=(has("@1", 2),),
                  members={"stream_name": "@1", "expected_version": 7, "actual_version": 1},
                  headers={"Kurrent-CurrentVersion": "1"})
from_database("wrong-current-version", 409, "P", P("{}", query="?current_version=7"),
              members={"stream_name": "@1", "expected_version": 7, "actual_version": "no_stream"},
              headers={"Kurrent-CurrentVersion": "no_stream"})
from_database("wrong-current-version", 409, "M",
              M(groups(group("@2", "any"), group("@1", "exists"), group("@3", 4))),
              members={"stream_name": "@1", "expected_version": "exists", "pointer": "/streams/1",
                       "actual_version": "no_stream", "failures_complete": True, "failures": [
                           {"pointer": "/streams/1", "stream_name": "@1",
                            "code": "wrong-current-version", "expected_version": "exists",
                            "actual_version": "no_stream"},
                           {"pointer": "/streams/2", "stream_name": "@3",
                            "code": "wrong-current-version", "expected_version": 4,
                            "actual_version": "no_stream"}]},
              headers={"Kurrent-CurrentVersion": None})
# What is left of a refusal whose details do not fit into what a channel takes.
TOO_LARGE = "received trailing metadata size exceeds limit"
KNOWN = "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"
from_database("wrong-current-version", 409, "ids-stored-in-part",
              E(envelope("no_stream", event_of(id=KNOWN), event_of())),
              given=(has_known("@1", KNOWN),),
              members={"expected_version": "no_stream", "actual_version": 0})

from_database("consistency-checks-failed", 409, "K-every-failure",
              K(records(record("@1"), record("@3"), record("@2"), checks=[
                  ("@1", 3), ("@2", "no_stream")])),
              given=(has("@1"), tombstoned("@3")),
              members={"failures_complete": True, "failures": [
                  {"kind": "check", "check_index": 0, "pointer": "/checks/0", "stream_name": "@1",
                   "expected_state": 3, "actual_state": 0},
                  {"kind": "target", "check_index": None, "pointer": "/records/1",
                   "stream_name": "@3", "expected_state": "any", "actual_state": "tombstoned"}]})
from_database("consistency-checks-failed", 409, "K-details-too-large", K(EXACT_RECORD),
              faults=(fault("refuse", "AppendRecords", status=8, message=TOO_LARGE),),
              members={"failures_complete": False, "failures": []})

# 410, 412

for name, (ask, _) in OPERATIONS.items():
    if name == "K":
        continue
    more = {"pointer": "/streams/0", "failures_complete": True,
            "failures": lambda value: [each["code"] for each in value] == ["stream-tombstoned"]}
    from_database("stream-tombstoned", 410, name, ask, given=(tombstoned("@1"),),
                  members={"stream_name": "@1", **(more if name == "M" else {})})
for name, ask in {"E": E(envelope("exists")), "R": R(b"x", query="?current_version=exists"),
                  "C": C(CLOUD, query="?current_version=exists")}.items():
    for end in (soft_deleted, tombstoned):
        from_database("stream-deleted", 410, f"{name}-{end.__name__}", ask, given=(end("@1"),),
                      members={"stream_name": "@1"})
from_database("stream-tombstoned", 410, "M-exists", M(groups(group("@1", "exists"))),
              given=(tombstoned("@1"),),
              members={"stream_name": "@1", "pointer": "/streams/0", "failures": [
                  {"pointer": "/streams/0", "stream_name": "@1", "code": "stream-tombstoned",
                   "expected_version": "exists", "actual_version": "tombstoned"}]})
from_database("stream-deleted", 410, "M", M(groups(group("@2", "any"), group("@1", "exists"))),
              given=(soft_deleted("@1"),),
              members={"stream_name": "@1", "pointer": "/streams/1", "failures_complete": True,
                       "failures": [{"pointer": "/streams/1", "stream_name": "@1",
                                     "code": "stream-deleted", "expected_version": "exists",
                                     "actual_version": "deleted"}]})

for what, condition, expected in (("If-Match", ("If-Match", '"3"'), 3),
                                  ("If-Match-any", ("If-Match", "*"), "exists")):
    from_database("precondition-failed", 412, what, P("{}", condition, query=""),
                  members={"stream_name": "@1", "expected_version": expected,
                           "actual_version": "no_stream"},
                  headers={"Kurrent-CurrentVersion": "no_stream"})
from_database("precondition-failed", 412, "If-None-Match",
              P("{}", ("If-None-Match", "*"), query=""),
              given=(lambda world: world.put_metadata("@1", "{}"),),
              members={"stream_name": "@1", "expected_version": "no_stream", "actual_version": 0},
              headers={"Kurrent-CurrentVersion": "0"})

# 413

for name, ask in {"E": E("x" * 5000), "R": R("x" * 5000), "C": C("x" * 5000), "M": M("x" * 5000),
                  "K": K("x" * 5000), "P": P("x" * 5000)}.items():
    before_body("body-too-large", 413, name, ask, gateway=LIMITED,
                members={"limit_bytes": 4096, "actual_bytes": 5000, "enforced_by": "gateway"})
for name in ("E", "K"):
    packed = gzip.compress(b" " * 5000)
    row("body-too-large", 413, f"{name}-decompressed",
        Ask("POST", WRITES[name][0].target, (JSON, ("Content-Encoding", "gzip")), packed),
        gateway=LIMITED, closes=None,
        members={"limit_bytes": 4096, "enforced_by": "gateway",
                 "actual_bytes": lambda value: value in (None, 5000)})

BIG = '{"type":"T","data":"' + "x" * 2000 + '"}'
SMALL = {"max_append_event_size": "1000"}
for name, ask in {"E": E(envelope("any", BIG)), "R": R("x" * 2000),
                  "C": C(CLOUD.replace("{}", '"' + "x" * 2000 + '"')),
                  "M": M(groups(group("@1", "any", BIG))),
                  "K": K(records(record("@1", BIG[1:-1]))),
                  "P": P('{"a":"' + "x" * 2000 + '"}')}.items():
    from_database("event-too-large", 413, f"{name}-database", ask, devdb=SMALL,
                  members={"limit_bytes": 1000, "enforced_by": "database",
                           "actual_bytes": lambda value: value is None or value > 2000})
    from_database("append-too-large", 413, f"{name}-database", ask,
                  devdb={"max_append_size": "1500"},
                  members={"limit_bytes": 1500, "enforced_by": "database",
                           "actual_bytes": lambda value: value is None or value > 1500})
WIDE = {"max_body_bytes": "64MiB", "default_timeout_seconds": "20"}
HUGE = b'{"type":"T","data":"' + b"x" * 16767214 + b'"}'
for name, ask in {
        "E": E(b'{"current_version":"any","events":[' + HUGE + b"]}"),
        "R": R(b"x" * 16767217),
        "M": M(b'{"streams":[{"stream_name":"@1","current_version":"any","events":[' + HUGE
               + b"]}]}"),
        "K": K(b'{"records":[{"stream_name":"@1",' + HUGE[1:] + b"]}")}.items():
    row("event-too-large", 413, f"{name}-gateway", ask, gateway=WIDE,
        members={"limit_bytes": 16767216, "enforced_by": "gateway",
                 "actual_bytes": lambda value: value > 16767216})
TEN = b'"type":"T","data":"' + b"x" * 10000000 + b'"}'
for name, ask in {
        "M": M(b'{"streams":[{"stream_name":"@1","current_version":"any","events":['
               + b",".join([b"{" + TEN] * 3) + b"]}]}"),
        "K": K(b'{"records":[' + b",".join([b'{"stream_name":"@1",' + TEN] * 3) + b"]}")}.items():
    row("append-too-large", 413, f"{name}-one-message", ask, gateway=WIDE,
        members={"limit_bytes": 30000000, "enforced_by": "gateway",
                 "actual_bytes": lambda value: value > 30000000})
LINE = '{"type":"T","data":1}'
for name, ask in {"E": E(envelope("any", *[LINE] * 4)),
                  "E-lines": E("\n".join([LINE] * 4), query="?current_version=any",
                               media_type=("Content-Type", "application/x-ndjson")),
                  "C": C("[" + ",".join([CLOUD] * 4) + "]",
                         media_type=("Content-Type", "application/cloudevents-batch+json")),
                  "M": M(groups(group("@1", "any", LINE, LINE), group("@2", "any", LINE, LINE))),
                  "K": K(records(*[record("@1")] * 4))}.items():
    row("append-too-large", 413, f"{name}-events", ask, gateway=LIMITED,
        members={"limit_events": 3, "actual_events": 4, "enforced_by": "gateway"})
row("append-too-large", 413, "K-checks",
    K(records(record("@1"), checks=[(f"@1-{number}", 1) for number in range(1001)])),
    members={"limit_checks": 1000, "actual_checks": 1001, "enforced_by": "gateway"})

# 415, 421

TEXT = ("Content-Type", "text/plain")
E_TYPES = ["application/json", "application/x-ndjson"]
for name, ask, types in (("E", E(GOOD, media_type=TEXT), E_TYPES),
                         ("M", M(TWO, media_type=TEXT), ["application/json"]),
                         ("K", K(ONE_RECORD, media_type=None), ["application/json"])):
    before_body("unsupported-media-type", 415, name, ask, members={"accepted_types": types},
                headers={"Accept-Post": ", ".join(types), "Accept": None})
before_body("unsupported-media-type", 415, "P", P("{}", media_type=TEXT),
            members={"accepted_types": ["application/json"]},
            headers={"Accept": "application/json", "Accept-Post": None})
before_body("unsupported-media-type", 415, "C", C("{}", media_type=TEXT),
            members={"accepted_types": lambda value: "application/cloudevents+json" in value},
            headers={"Accept-Post": re.compile(r"application/cloudevents-batch\+json")})
before_body("unsupported-media-type", 415, "R-charset",
            R("{}", media_type=("Content-Type", "application/json; charset=latin-1")),
            members={"accepted_types": lambda value: isinstance(value, list)})
before_body("unsupported-media-type", 415, "E-form",
            E("a=b", media_type=("Content-Type", "application/x-www-form-urlencoded")),
            members={"accepted_types": E_TYPES, "detail": re.compile("--json")})
for name, (ask, _) in WRITES.items():
    before_body("unsupported-media-type", 415, f"{name}-coding",
                also(ask, ("Content-Encoding", "br")), headers={"Accept-Encoding": "gzip"})

before_body("misdirected-request", 421, "absolute-form", Ask("POST", "", prefix=(
    b"POST http://127.0.0.1/v1/multi-append HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 2\r\n\r\n{}")))

# 422

for what, ask, pointers in (
        ("E-no-expectation", E('{"events":[' + LINE + "]}"), ["/current_version"]),
        ("E-values", E('{"current_version":"x","events":[{"type":"","data":1}]}'),
         ["/current_version", "/events/0/type"]),
        ("C-batch-of-none", C("[]", media_type=("Content-Type",
                                                "application/cloudevents-batch+json")), [""]),
        ("C-no-id", C('{"specversion":"1.0","type":"T","source":"/s"}'), ["/id"]),
        ("M-no-groups", M('{"streams":[]}'), ["/streams"]),
        ("M-no-events", M('{"streams":[{"stream_name":"@1","current_version":1,"events":[]}]}'),
         ["/streams/0/events"]),
        ("M-no-expectation", M('{"streams":[{"stream_name":"@1","events":[' + LINE + "]}]}"),
         ["/streams/0/current_version"]),
        ("M-name", M(groups(group("$all", "any"))), ["/streams/0/stream_name"]),
        ("K-any", K(records(record("@1"), checks=[("@1", "any")])), ["/checks/0/expected_state"]),
        ("K-id", K(records(record("@1", '"type":"T","data":1,"id":"x"'))), ["/records/0/id"]),
        ("K-no-stream", K('{"records":[' + LINE + "]}"), ["/records/0/stream_name"]),
        ("K-blank-key", K(records(record("@1", '"type":"T","data":1,"metadata":{" ":"x"}'))),
         among("/records/0/metadata/ ", "/records/0/metadata")),
        ("P-float", P('{"$maxAge":1.5}'), ["/$maxAge"]),
        ("P-access-list", P('{"$acl":{"$x":"a"}}'), ["/$acl/$x"]),
        ("P-no-object", P("[]"), [""])):
    row("invalid-request", 422, what, ask, pointers)
before_body("invalid-request", 422, "R-no-expectation", R(b"x", query=""),
            ["query:current_version"])
before_body("invalid-request", 422, "C-no-id-header",
            C("x", ("ce-specversion", "1.0"), ("ce-type", "T"), ("ce-source", "/s"),
              media_type=None), ["header:ce-id"])
before_body("invalid-request", 422, "timeout", M(TWO, ("Kurrent-Timeout", "x")),
            ["header:Kurrent-Timeout"])
before_body("invalid-request", 422, "path", Ask("POST", "/v1/streams/$all/events", (JSON,), b"{}"),
            ["path:stream"])
row("invalid-request", 422, "G-prefix", Ask("GET", "/v1/streams/$$@1/metadata"), ["path:stream"])
before_body("invalid-request", 422, "P-list-of-tags", P("{}", ("If-Match", '"1", "2"'), query=""),
            ["header:If-Match"])

for what, ask, pointers in (
        ("E", E('{"current_version":"any","event":[]}'), ["/event", "/events"]),
        ("E-event", E('{"current_version":"any","events":[{"type":"T","dat":1}]}'),
         ["/events/0/dat", "/events/0/data"]),
        ("M", M('{"streams":[{"stream_name":"@1","current_version":"any","x":1,"events":['
                + LINE + "]}]}"), ["/streams/0/x"]),
        ("M-top", M('{"streams":[' + group("@1", "any") + '],"checks":[]}'), ["/checks"]),
        ("K", K(records(record("@1", '"type":"T","data":1,"current_version":1'))),
         ["/records/0/current_version"])):
    row("unknown-member", 422, what, ask, pointers)
for name in ("E", "M", "K", "P"):
    ask = WRITES[name][0]
    mark = "&" if "?" in ask.target else "?"
    before_body("unknown-member", 422, f"{name}-query",
                Ask(ask.method, ask.target + mark + "x=1", ask.fields, ask.body), ["query:x"])

for what, ask, pointers in (
        ("E", E('{"current_version":"any","current_version":"any","events":[' + LINE + "]}"),
         ["/current_version"]),
        ("M", M('{"streams":[{"stream_name":"@1","stream_name":"@1","current_version":1,"events":['
                + LINE + "]}]}"), ["/streams/0/stream_name"]),
        ("K-metadata", K(records(record("@1", '"type":"T","data":1,"metadata":{"a":"1","a":"2"}'))),
         ["/records/0/metadata/a"]),
        ("P", P('{"$maxAge":1,"$maxAge":1}'), ["/$maxAge"]),
        ("C", C(CLOUD[:-1] + ',"id":"1"}'), ["/id"])):
    row("duplicate-member", 422, what, ask, pointers)

row("duplicate-stream", 422, "M", M(groups(group("@1", "any"), group("@2", "any"),
                                           group("@1", "any"))), ["/streams/2/stream_name"])
row("duplicate-stream", 422, "K-checks", K(records(record("@1"), checks=[("@2", 1), ("@2", 1)])),
    ["/checks/1/stream_name"])
row("case-variant-streams", 422, "M", M(groups(group("@1-é", "any"), group("@1-É", "any"))),
    ["/streams/1/stream_name"])
row("case-variant-streams", 422, "K-records", K(records(record("@1-a"), record("@1-A"))),
    ["/records/1/stream_name"])
row("case-variant-streams", 422, "K-check",
    K(records(record("@1-a"), checks=[("@1-A", "no_stream")])), ["/checks/0/stream_name"])
for bad in ("a b", "é/", "\U0001d49c", "e\u0301"):
    row("invalid-event-type", 422, f"M-{bad}", M(groups(group("@1", "any", json.dumps(
        {"type": bad, "data": 1})))), ["/streams/0/events/0/type"])
    row("invalid-event-type", 422, f"K-{bad}", K(records(record("@1", json.dumps(
        {"type": bad, "data": 1})[1:-1]))), ["/records/0/type"])
for bad, more in (('{"a":1}', "/a"), ("null", ""), ('{"a":{"b":"c"}}', "/a")):
    member = f'"type":"T","data":1,"metadata":{bad}'
    row("metadata-not-strings", 422, f"M-{bad}", M(groups(group("@1", "any", "{" + member + "}"))),
        ["/streams/0/events/0/metadata" + more])
    row("metadata-not-strings", 422, f"K-{bad}", K(records(record("@1", member))),
        ["/records/0/metadata" + more])
member = '"type":"T","data":1,"metadata":{"$schema.format":"x"}'
row("reserved-metadata-key", 422, "M", M(groups(group("@1", "any", "{" + member + "}"))),
    ["/streams/0/events/0/metadata/$schema.format"])
row("reserved-metadata-key", 422, "K", K(records(record("@1", member))),
    ["/records/0/metadata/$schema.format"])

for name, first, second in (
        ("E-body", E(GOOD, KEY), E(envelope("any", '{"type":"T","data":2}'), KEY)),
        ("E-version", E(EXACT, KEY), E(envelope(0), KEY)),
        ("K-body", K(ONE_RECORD, KEY), K(records(record("@1", '"type":"U","data":1')), KEY)),
        ("other-route", E(GOOD, KEY), K(ONE_RECORD, KEY))):
    row("idempotency-key-reused", 422, name, second,
        given=(lambda world, first=first: world.succeed(first),))

# 428, 431, 501

before_body("precondition-required", 428, "P", P("{}", query=""),
            members={"detail": re.compile("If-Match")})
row("headers-too-large", 431, "fields", E(GOOD, *[(f"X{number}", "1") for number in range(130)]),
    closes=True)
before_body("operation-not-supported", 501, "M", M(TWO), devdb={"emulate": "24.10"},
            members={"requires": "25.1", "server_version": re.compile("24.10")})
for version in ("25.1", "24.10"):
    before_body("operation-not-supported", 501, f"K-{version}", K(ONE_RECORD),
                devdb={"emulate": version},
                members={"requires": "26.1", "server_version": re.compile(version)})
before_body("unsupported-transfer-coding", 501, "gzip", Ask("POST", "", prefix=(
    b"POST /v1/append-records HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")))

# 502

for name in ("M", "K"):
    for exactness, (ask, call), retryable, hint in (
            ("exact", EXACT_WRITES[name], True, HINT_IDS),
            ("inexact", WRITES[name], False, HINT_INEXACT)):
        from_database("database-error", 502, f"{name}-{exactness}", ask, outcome="unknown",
                      faults=(fault("refuse", call, status=13, message="Malfunction"),),
                      retryable=retryable, hint=hint)
from_database("database-error", 502, "E-own-call", E(EXACT, WRONG_USER), outcome="unknown",
              faults=(fault("refuse", "BatchAppend", status=13, message="Malfunction"),),
              retryable=True, hint=HINT_IDS)
for name in ("M", "K"):
    from_database("database-error", 502, f"{name}-garbage", EXACT_WRITES[name][0],
                  outcome="unknown", faults=(fault("garbage", "AppendRecords"),), retryable=True,
                  stored=None, hint=HINT_IDS)
from_database("database-error", 502, "G-garbage", G(), faults=(fault("garbage", "Read"),))
from_database("database-error", 502, "G", G(),
              faults=(fault("refuse", "Read", status=13, message="Malfunction"),))
row("database-error", 502, "G-no-object", G(), given=(has_text_as_metadata("@1"),),
    members={"detail": re.compile(r"\b0\b")})
for name in ("E", "M", "K"):
    from_database("upstream-credentials", 502, name, also(WRITES[name][0], (
        "Kurrent-Timeout", f"{limit(2):g}")), gateway={"wait_ready": False},
        devdb={"user": ["admin:changeit"], "as": "admin:wrong"})

# 503

HINTS = {"C": HINT_PLAIN, "P": HINT_PLAIN}
for name, (ask, call) in OPERATIONS.items():
    from_database("leader-unavailable", 503, f"{name}-not-ready", ask, retryable=True,
                  faults=(fault("not-ready", call),))
    from_database("leader-unavailable", 503, f"{name}-not-leader", also(ask, SHORT), devdb={},
                  faults=(not_leader(call),), retryable=True)
    row("leader-unavailable", 503, f"{name}-no-leader", also(ask, SHORT), retryable=True,
        devdb={"role": "Follower"}, gateway={"wait_ready": False})
    row("database-unreachable", 503, name, also(ask, SHORT), retryable=True,
        gateway={"wait_ready": False, "nowhere": True})
for name, (ask, call) in WRITES.items():
    from_database("database-busy", 503, name, ask, retryable=True, faults=(fault("busy", call),))
for name, (ask, call) in EXACT_WRITES.items():
    from_database("connection-lost", 503, f"{name}-exact", also(ask, SHORT), outcome="unknown",
                  faults=(fault("end-call", call),), retryable=True, devdb={},
                  hint=HINTS.get(name, HINT_IDS))
for name, (ask, call) in WRITES.items():
    from_database("connection-lost", 503, f"{name}-inexact", also(ask, SHORT), outcome="unknown",
                  faults=(fault("end-call", call),), devdb={}, hint=HINT_INEXACT)

# 504

for silence, stored in (("drop-before", 0), ("drop-after", 1), ("timeout", None)):
    for name, (ask, call) in EXACT_WRITES.items():
        count = stored and (2 if name == "M" else 1)
        from_database("deadline-exceeded", 504, f"{name}-{silence}-exact", also(ask, SHORT),
                      outcome="unknown", faults=(fault(silence, call),), retryable=True,
                      stored=count, hint=HINTS.get(name, HINT_IDS))
    for name, (ask, call) in WRITES.items():
        count = stored and (2 if name == "M" else 1)
        from_database("deadline-exceeded", 504, f"{name}-{silence}-inexact", also(ask, SHORT),
                      outcome="unknown", faults=(fault(silence, call),), retryable=False,
                      stored=count, hint=HINT_INEXACT)
from_database("deadline-exceeded", 504, "G", G(SHORT), faults=(fault("drop-before", "Read"),),
              retryable=True)
for name in ("E", "M", "K"):
    ask, call = EXACT_WRITES[name]
    from_database("deadline-exceeded", 504, f"{name}-with-a-key", also(ask, SHORT, KEY),
                  outcome="unknown", faults=(fault("drop-before", call),), retryable=True,
                  hint=HINT_KEY)


# -- a row is run --------------------------------------------------------------------------

class World:
    """The database and the gateway of one row, and the streams of its request."""

    def __init__(self, devdb, gateway, stream):
        self.devdb = devdb
        self.gateway = gateway
        self.names = {f"@{number}": f"{stream}-{number}" for number in (1, 2, 3)}
        self.tombstones = set()

    def fill(self, value):
        """The value with the names of the streams in it, whatever its kind."""
        if isinstance(value, dict):
            return {name: self.fill(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        for mark, name in self.names.items():
            if isinstance(value, str):
                value = value.replace(mark, name)
            elif isinstance(value, bytes):
                value = value.replace(mark.encode(), name.encode())
        return value

    def append(self, name, events):
        check_success(self.gateway.append(
            self.fill(name), f'{{"current_version":"any","events":[{events}]}}'))

    def put_metadata(self, name, body):
        answer = self.gateway.put_metadata(self.fill(name), body, query="?current_version=any")
        assert answer.status == 200, answer

    def succeed(self, ask):
        with self.gateway.connect() as connection:
            assert connection.send(ask.content(self)).receive(ask.method).status == 200

    def tombstone(self, name):
        self.devdb.tombstone(self.fill(name))
        self.tombstones.add(self.fill(name))

    def ids(self):
        """Read back: what is in the streams of the row and in those of their metadata."""
        return [event.id for name in self.names.values() if name not in self.tombstones
                for prefix in ("", "$$") for event in self.devdb.read(prefix + name)]


class Pairs:
    """Databases and gateways with the options of a row, kept for further rows with the same."""

    def __init__(self, devdb, gateway):
        self.shared = devdb, gateway
        self.databases = {}
        self.gateways = {}

    def of(self, row):
        if row.devdb is None and row.gateway is None:
            return self.shared
        database, address = self._database(row.devdb)
        key = repr((row.devdb, row.gateway))
        if key not in self.gateways:
            options = dict(row.gateway or {})
            if options.pop("nowhere", False):
                address = f"127.0.0.1:{free_port()}"
            self.gateways[key] = Gateway(address, **options)
        return database, self.gateways[key]

    def _database(self, options):
        if options is None:
            return self.shared[0], self.shared[0].address
        given = dict(options)
        pair, role = given.pop("as", None), given.pop("role", None)
        if repr(options) not in self.databases:
            self.databases[repr(options)] = Devdb(**given)
        database = self.databases[repr(options)]
        if role:
            database.set_role(role)
        if pair:
            return database, f"kurrentdb://{pair}@{database.address}?tls=false"
        return database, database.address

    def stop(self):
        for process in [*self.gateways.values(), *self.databases.values()]:
            process.stop()


@pytest.fixture(scope="module")
def pairs(devdb, gateway):
    kept = Pairs(devdb, gateway)
    yield kept
    kept.stop()


def matches(value, wanted, world):
    if callable(wanted):
        return wanted(value)
    if isinstance(wanted, re.Pattern):
        return isinstance(value, str) and wanted.search(value) is not None
    return value == world.fill(wanted)


@pytest.mark.devdb_only
@pytest.mark.parametrize("this", ROWS, ids=str)
def test_row(this, pairs, stream):
    world = World(*pairs.of(this), stream)
    try:
        for step in this.given:
            step(world)
        before = snapshot(world)
        for order in this.faults:
            order(world.devdb)
        members, answer = ask_and_check(this, world)
    finally:
        world.devdb.clear_faults()
    check_details(this, world, members, answer)
    check_database(this, world, before)


def snapshot(world):
    return world.devdb.written(), world.devdb.stored(), world.ids()


def ask_and_check(this, world):
    with world.gateway.connect(seconds=20) as connection:
        connection.send_blindly(this.ask.content(world))
        answer = connection.receive(this.ask.method)
        members = check_problem(answer, this.status, this.code, this.pointers, this.outcome,
                                this.retryable)
        check_end(connection, answer, this.closes)
    return members, answer


def check_end(connection, answer, closes):
    tokens = (answer.header("Connection") or "").lower()
    if closes:
        assert "close" in tokens
        connection.expect_closed()
    elif closes is False:
        assert "close" not in tokens
        connection.expect_open()


def check_details(this, world, members, answer):
    for name, wanted in this.members.items():
        assert name in members and matches(members[name], wanted, world), (name, members)
    for name, wanted in this.headers.items():
        value = answer.header(name)
        assert value is wanted is None or matches(value, wanted, world), (name, value)
    if this.hint:
        assert members["retry_hint"] == this.hint


def check_database(this, world, before):
    """Nothing is stored by what was not written, and nothing sent that the gateway refused."""
    if not this.sent:
        assert world.devdb.written() == before[0], "the database got something"
    if this.outcome == "not_written":
        assert (world.devdb.stored(), world.ids()) == before[1:], "the database stored something"
    elif this.stored is not None:
        assert world.devdb.stored()[1] - before[1][1] == this.stored


# -- rows that need more than a request ----------------------------------------------------

def reaches(*codes):
    """Tells that a test reaches these codes."""
    def mark(test):
        SPECIAL.update(codes)
        return pytest.mark.devdb_only(test)
    return mark


SPECIAL = set()


def append_to(stream, *fields, body=EXACT):
    return request("POST", f"/v1/streams/{stream}/events", [JSON, *fields], body.encode())


def logged(gateway, code):
    return [line for line in gateway.request_lines() if line.get("code") == code]


@reaches("request-read-timeout")
def test_slow_sender_stands_in_the_log(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, body_grace_seconds="0.3", min_body_rate="1MiB")
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(request("POST", "/v1/append-records", [JSON, ("Content-Length", "9999")]))
        assert connection.read_to_end() == b""
    wait_until(lambda: logged(gateway, "request-read-timeout"), 5, "the line")
    assert devdb.written() == before and devdb.read(stream) == []


@reaches("client-closed")
def test_client_that_left_stands_in_the_log(start_gateway, start_devdb):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-after", method="BatchAppend", stream="left")
    connection = gateway.connect()
    connection.send(append_to("left", ("Kurrent-Timeout", f"{limit(1):g}")))
    wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
    connection.reset()
    [line] = wait_until(lambda: logged(gateway, "client-closed"), 5, "the line")
    assert line["outcome"] == "unknown"
    assert len(devdb.read("left")) == 1


@reaches("overloaded")
def test_bytes_over_the_budget(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, max_body_bytes="100KiB", max_inflight_bytes="100KiB")
    before = devdb.written()
    waits = [JSON, ("Content-Length", "90000"), ("Expect", "100-continue")]
    with gateway.connect() as holder, gateway.connect() as other:
        holder.send(request("POST", "/v1/append-records", waits))
        assert holder.receive_interim() == 100
        other.send(request("POST", "/v1/multi-append", waits))
        check_problem(other.receive(), 503, "overloaded", retryable=True)
        other.expect_closed()
    assert devdb.written() == before and devdb.read(stream) == []


@reaches("draining")
def test_new_request_while_draining(start_gateway, start_devdb):
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    devdb.fault("drop-before", method="BatchAppend", stream="slow")
    with gateway.connect() as slow:
        slow.send(append_to("slow", ("Kurrent-Timeout", f"{limit(2):g}")))
        wait_until(lambda: devdb.batches() >= 1, 5, "the append arrived")
        gateway.kill()
        gateway.wait_for_line("stopping")
        with gateway.connect() as late:
            late.send_blindly(append_to("late"))
            check_problem(late.receive(), 503, "draining", retryable=True)
            late.expect_closed()
        check_problem(slow.receive(), 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert gateway.wait(10) == 0
    assert devdb.stored() == (0, 0)


@reaches("deadline-exceeded")
def test_deadline_over_before_sending(start_devdb, start_gateway, start_proxy):
    """Behind other work on a call that takes no more."""
    devdb = start_devdb()
    proxy = start_proxy(devdb)
    gateway = start_gateway(proxy.address)
    check_success(gateway.append_one("warm"))
    proxy.freeze()
    fields = {"Kurrent-Timeout": f"{limit(1):g}"}
    connections = [gateway.connect() for _ in range(40)]
    for number, connection in enumerate(connections):
        connection.send(request("POST", f"/v1/streams/s-{number}/events/T?current_version=any",
                                fields, b"x" * 200000))
    answers = [connection.receive() for connection in connections]
    for connection in connections:
        connection.close()
    unsent = [number for number, answer in enumerate(answers)
              if answer.json()["outcome"] == "not_written"]
    assert unsent
    for number in unsent:
        check_problem(answers[number], 504, "deadline-exceeded", retryable=True)
    proxy.thaw()
    wait_until(lambda: gateway.append_one("after").status == 200, 10, "appends go on")
    assert all(devdb.read(f"s-{number}") == [] for number in unsent)


# -- a thousand failures -------------------------------------------------------------------

def check_count():
    """gRPC's parser copies an unfinished trailer over and over, which AddressSanitizer makes
    too slow for a thousand."""
    return 100 if b"__asan_init" in Path(binary()).read_bytes() else 1000


@pytest.mark.devdb_only
@pytest.mark.parametrize("character", ["n", "é"])
def test_a_thousand_failing_checks_with_long_names_are_all_told(gateway, devdb, stream, character):
    names = [f"{number:04}".ljust(4 + 4092 // len(character.encode()), character)
             for number in range(check_count())]
    assert {len(name.encode()) for name in names} == {4096}
    body = json.dumps({"records": [{"stream_name": stream, "type": "T", "data": 1}],
                       "checks": [{"stream_name": name, "expected_state": 7} for name in names]},
                      ensure_ascii=False)
    before = devdb.stored()
    answer = gateway.append_records(body, {"Kurrent-Timeout": "30"}, seconds=35)
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert members["failures_complete"] is True
    assert members["failures"] == [
        {"kind": "check", "check_index": index, "pointer": f"/checks/{index}",
         "stream_name": name, "expected_state": 7, "actual_state": "no_stream"}
        for index, name in enumerate(names)]
    assert devdb.stored() == before and devdb.read(stream) == []


# -- every row -----------------------------------------------------------------------------

def test_every_problem_has_a_scenario():
    """A code without one, or with another status, has no place in problems.def."""
    defined = {code: int(status) for code, status in re.findall(
        r'KG_PROBLEM_ROW\(\w+, "([a-z-]+)", ([0-9]{3}),', PROBLEMS_DEF.read_text("utf-8"))}
    assert len(defined) == PROBLEMS_DEF.read_text("utf-8").count("KG_PROBLEM_ROW(") - 1
    reached = {each.code for each in ROWS} | SPECIAL
    assert reached == set(defined) - NOT_BUILT
    assert {(each.code, each.status) for each in ROWS} <= set(defined.items())
