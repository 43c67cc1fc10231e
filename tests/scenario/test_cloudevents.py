# SPDX-License-Identifier: Apache-2.0
"""C: CloudEvents in structured, batch and binary mode (api-design 12)."""

import gzip
import json
import uuid

import pytest

from harness.gateway import cloudevents_target
from harness.ids import cloudevent_id
from harness.limits import limit
from harness.problems import (HINT_INEXACT, HINT_KEY, HINT_PLAIN, check_problem, check_success)
from harness.wire import chunked, request

ONE_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
ONE = {"Content-Type": ONE_TYPE}
BATCH = {"Content-Type": BATCH_TYPE}
MODES = ["binary", "structured", "batch"]
EVERY_BYTE = bytes(range(256))
NEW = "?current_version=no_stream"
ANY = "?current_version=any"
SHORT = {"Kurrent-Timeout": str(limit(0.5))}
PLAIN = b'{"ce-specversion":"1.0","ce-type":"t","ce-source":"/s","ce-id":"1"}'


def attributes(**others):
    return {"specversion": "1.0", "type": "t", "source": "/s", "id": "1", **others}


def headers_of(content_type=None, **others):
    """The head of an event in binary mode; None leaves an attribute out."""
    fields = {f"ce-{name}": value for name, value in attributes(**others).items()
              if value is not None}
    return fields if content_type is None else {**fields, "Content-Type": content_type}


def event_of(data=None, **others):
    """The JSON text of an event; data is JSON text. None leaves an attribute out."""
    parts = [f'"{name}":{json.dumps(value)}' for name, value in attributes(**others).items()
             if value is not None]
    if data is not None:
        parts.append(f'"data":{data}')
    return "{" + ",".join(parts) + "}"


def send(gateway, stream, mode, data="{}", query=ANY, headers=None, **others):
    """One event with JSON data, in any mode."""
    headers = headers or {}
    if mode == "binary":
        return gateway.append_cloudevents(
            stream, data, {**headers_of("application/json", **others), **headers}, query)
    text = event_of(data, **others)
    if mode == "batch":
        return gateway.append_cloudevents(stream, f"[{text}]", {**BATCH, **headers}, query)
    return gateway.append_cloudevents(stream, text, {**ONE, **headers}, query)


# -- what is stored ------------------------------------------------------------------------

EXAMPLE_ID = "6d947c3d-30af-81f1-9281-950eaa7a1e61"
EXAMPLE_HEAD = {
    "ce-specversion": "1.0", "ce-type": "com.example.order.placed", "ce-source": "/shop/42",
    "ce-id": "A234-1234-1234", "ce-time": "2026-09-20T10:00:00Z",
    "Content-Type": "application/json"}
EXAMPLE = """{ "specversion": "1.0", "type": "com.example.order.placed", "source": "/shop/42", \
"id": "A234-1234-1234",
  "time": "2026-09-20T10:00:00Z", "datacontenttype": "application/json", \
"data": { "total": "19.90" } }"""
EXAMPLE_BATCH = """[
  { "specversion": "1.0", "type": "com.example.order.placed", "source": "/shop/42", "id": "1", \
"data": { "n": 1 } },
  { "specversion": "1.0", "type": "com.example.order.paid", "source": "/shop/42", "id": "2", \
"datacontenttype": "application/octet-stream", "data_base64": "AQI=" }
]"""
EXAMPLE_METADATA = (
    b'{"ce-specversion":"1.0","ce-type":"com.example.order.placed","ce-source":"/shop/42",'
    b'"ce-id":"A234-1234-1234","ce-time":"2026-09-20T10:00:00Z",'
    b'"ce-datacontenttype":"application/json"}')


@pytest.mark.parametrize("head, body, data", [
    (EXAMPLE_HEAD, '{"total":"19.90"}', b'{"total":"19.90"}'),
    (ONE, EXAMPLE, b'{ "total": "19.90" }')])
def test_the_examples_of_the_contract(start_devdb, start_gateway, head, body, data):
    """Both modes make the same event of it, which is that of the published vector."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    members = check_success(gateway.append_cloudevents("order-123", body, head), "order-123",
                            version=0, replayed=None)
    assert members["event_ids"] == [EXAMPLE_ID]
    [event] = devdb.read("order-123")
    assert (event.id, event.type) == (EXAMPLE_ID, b"com.example.order.placed")
    assert (event.data, event.content_type) == (data, "application/json")
    assert event.metadata == EXAMPLE_METADATA


def test_a_batch(gateway, devdb, stream):
    """One append: versions follow each other, and the ids are told in order."""
    members = check_success(gateway.append_cloudevents(stream, EXAMPLE_BATCH, BATCH, NEW), stream,
                            version=1, events=2)
    placed, paid = devdb.read(stream)
    assert (placed.type, placed.data) == (b"com.example.order.placed", b'{ "n": 1 }')
    assert placed.content_type == "application/json"
    assert placed.metadata == (
        b'{"ce-specversion":"1.0","ce-type":"com.example.order.placed","ce-source":"/shop/42",'
        b'"ce-id":"1"}')
    assert (paid.type, paid.data) == (b"com.example.order.paid", b"\x01\x02")
    assert paid.content_type == "application/octet-stream"
    assert paid.metadata.endswith(b'"ce-id":"2","ce-datacontenttype":"application/octet-stream"}')
    assert [placed.id, paid.id] == members["event_ids"]
    assert members["event_ids"] == [cloudevent_id(stream, "/shop/42", each) for each in "12"]


@pytest.mark.parametrize("mode", MODES)
def test_all_modes_are_one_event(gateway, devdb, stream, mode):
    """Whatever mode came first: a delivery in another one is known again."""
    check_success(send(gateway, stream, mode, query=NEW), stream, version=0)
    gateway.append_one(stream + "-newer")
    for other in MODES:
        members = check_success(send(gateway, stream, other, query=NEW), version=0, replayed=True)
        assert members["event_ids"] == [cloudevent_id(stream, "/s", "1")]
    assert len(devdb.read(stream)) == 1


def test_every_byte_value_in_binary_mode(gateway, devdb, stream):
    head = headers_of("image/jpeg", subject="a%20b")
    check_success(gateway.append_cloudevents(stream, EVERY_BYTE, head), stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (EVERY_BYTE, "application/octet-stream")
    assert event.metadata == PLAIN[:-1] + (b',"ce-subject":"a b","ce-datacontenttype":'
                                           b'"image/jpeg"}')


def test_binary_mode_without_a_media_type(gateway, devdb, stream):
    check_success(gateway.append_cloudevents(stream, b"{}", headers_of()), stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (b"{}", "application/octet-stream")
    assert event.metadata == PLAIN


@pytest.mark.parametrize("body", [b"", None])
def test_binary_mode_without_a_body(gateway, devdb, stream, body):
    answer = gateway.ask("POST", cloudevents_target(stream) + ANY, headers_of(), body)
    check_success(answer, stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (b"", "application/octet-stream")


@pytest.mark.parametrize("media_type, content_type", [
    ("application/json", "application/json"), ("application/json; charset=UTF-8", None),
    ("application/vnd.order+json", None), ("text/plain", "application/octet-stream"),
    ("application/x-www-form-urlencoded", "application/octet-stream"),
    ("application/cloudevents", "application/octet-stream"),
    ("application/cloudevents+avro", "application/octet-stream"),
    ("nonsense", "application/octet-stream")])
def test_media_types_of_binary_mode(gateway, devdb, stream, media_type, content_type):
    body = b' { "a" : 1 }\n'
    check_success(gateway.append_cloudevents(stream, body, headers_of(media_type)), stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (body, content_type or "application/json")
    assert json.loads(event.metadata)["ce-datacontenttype"] == media_type


def test_a_body_in_chunks(gateway, devdb, stream):
    with gateway.connect() as connection:
        head = request("POST", cloudevents_target(stream) + ANY,
                       {**headers_of("application/json"), "Transfer-Encoding": "chunked"})
        connection.send(head + chunked([b"[1,", b" 2]"]))
        check_success(connection.receive(), stream)
    assert devdb.read(stream)[0].data == b"[1, 2]"


def test_names_of_headers_have_no_case(gateway, devdb, stream):
    """As Go and many proxies write them; attributes are in small letters all the same."""
    head = [("Ce-Id", "1"), ("CE-SUBJECT", "x"), ("Ce-Source", "/s"), ("Ce-Type", "t"),
            ("Ce-Specversion", "1.0"), ("Accept", "*/*"), ("Ce-7", "8")]
    check_success(gateway.append_cloudevents(stream, b"", head), stream)
    assert devdb.read(stream)[0].metadata == (
        b'{"ce-id":"1","ce-subject":"x","ce-source":"/s","ce-type":"t","ce-specversion":"1.0",'
        b'"ce-7":"8"}')


def test_values_of_headers(gateway, devdb, stream):
    """Percent escapes are decoded once; quotes are those of senders before 1.0.1."""
    head = headers_of(type="Gr%C3%B6%C3%9Fe%20%F0%9F%98%80", source="%2Fa%2525", id="%22",
                      quoted='"a \\"b\\" %41"', empty="", plus="a+b")
    check_success(gateway.append_cloudevents(stream, b"", head), stream)
    [event] = devdb.read(stream)
    assert event.type == "Größe 😀".encode()
    assert json.loads(event.metadata) == {
        "ce-specversion": "1.0", "ce-type": "Größe 😀", "ce-source": "/a%25", "ce-id": '"',
        "ce-quoted": 'a "b" A', "ce-empty": "", "ce-plus": "a+b"}
    assert event.id == cloudevent_id(stream, "/a%25", '"')


@pytest.mark.parametrize("data", [
    "9223372036854775808", '{"a":1,"a":2,"A":3}', r'"\u0041\/\ud83d\ude00\u0000"',
    '{ "a" :\t[ 1 ,\r\n 2 ] ,\n"b":  { } }', "[12345678901234567890.10,-0,1E400,0.0]",
    r'["\ud800"]', '{"naïve":"日本語 😀"}', "null", "true", '""'])
@pytest.mark.parametrize("mode", MODES)
def test_bytes_of_json_data(gateway, devdb, stream, mode, data):
    check_success(send(gateway, stream, mode, data), stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (data.encode(), "application/json")


@pytest.mark.parametrize("text, data, content_type, more", [
    ('"datacontenttype":"text/xml","data":"<a b=\\"\\u00e9\\"/>"', '<a b="é"/>'.encode(),
     "application/octet-stream", b',"ce-datacontenttype":"text/xml"'),
    ('"data_base64":"AAECAw==","x":true', b"\0\1\2\3", "application/octet-stream",
     b',"ce-x":true'),
    ('"data_base64":"IHt9IA==","datacontenttype":"a/b+json"', b" {} ", "application/json",
     b',"ce-datacontenttype":"a/b+json"'),
    ('"datacontenttype":"application/json"', b"", "application/octet-stream",
     b',"ce-datacontenttype":"application/json"'),
    (' "n" : -2147483648 , "gone" : null ,\n"s":"\\u0041\\/"', b"", "application/octet-stream",
     b',"ce-n":-2147483648,"ce-s":"\\u0041\\/"')])
def test_data_and_attributes_of_structured_mode(gateway, devdb, stream, text, data, content_type,
                                                more):
    check_success(gateway.append_cloudevents(stream, event_of()[:-1] + f",{text}}}", ONE), stream)
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (data, content_type)
    assert event.metadata == PLAIN[:-1] + more + b"}"


def test_the_media_type_wins_over_headers(gateway, devdb, stream):
    """They are ignored then, whatever is wrong with them."""
    head = [*ONE.items(), ("ce-id", "other"), ("ce-id", "%zz"), ("ce-specversion", "0.3"),
            ("ce-data", "x")]
    check_success(gateway.append_cloudevents(stream, event_of(), head), stream)
    assert devdb.read(stream)[0].metadata == PLAIN


@pytest.mark.parametrize("head, body, data", [
    (headers_of("image/jpeg"), EVERY_BYTE, EVERY_BYTE), (ONE, event_of("[1, 2]"), b"[1, 2]"),
    (BATCH, f"[{event_of('[1, 2]')}]", b"[1, 2]")])
def test_compressed_bodies(gateway, devdb, stream, head, body, data):
    content = gzip.compress(body.encode() if isinstance(body, str) else body)
    answer = gateway.append_cloudevents(stream, content, {**head, "Content-Encoding": "gzip"})
    check_success(answer, stream)
    assert [event.data for event in devdb.read(stream)] == [data]


def test_integers_as_strings(gateway, stream):
    answer = send(gateway, stream, "batch", headers={"Prefer": "int64=string"})
    assert answer.json()["current_version"] == "0"
    assert answer.header("Preference-Applied") == "int64=string"


@pytest.mark.parametrize("media_type", [
    ONE_TYPE + ";charset=utf-8", "Application/CloudEvents+JSON; charset=UTF-8; x=y"])
def test_parameters_of_the_media_type(gateway, stream, media_type):
    check_success(gateway.append_cloudevents(stream, event_of(), {"Content-Type": media_type}),
                  stream)


# -- ids and redelivery --------------------------------------------------------------------

@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", [NEW, ANY])
def test_redelivery_is_stored_once(gateway, devdb, stream, mode, query):
    first = check_success(send(gateway, stream, mode, query=query), stream, version=0,
                          replayed=None)
    gateway.append_one(stream + "-newer")
    again = check_success(send(gateway, stream, mode, query=query), stream, version=0,
                          replayed=True)
    assert again["event_ids"] == first["event_ids"]
    assert again["commit_position"] == first["commit_position"]
    assert [event.id for event in devdb.read(stream)] == first["event_ids"]


def test_redelivery_of_a_batch(gateway, devdb, stream):
    first = check_success(gateway.append_cloudevents(stream, EXAMPLE_BATCH, BATCH, NEW), version=1)
    gateway.append_one(stream + "-newer")
    again = check_success(gateway.append_cloudevents(stream, EXAMPLE_BATCH, BATCH, NEW), version=1,
                          replayed=True)
    assert again["event_ids"] == first["event_ids"]
    assert len(devdb.read(stream)) == 2


@pytest.mark.parametrize("mode", MODES)
def test_ids_that_are_uuids(gateway, devdb, stream, mode):
    identity = str(uuid.uuid4())
    members = check_success(send(gateway, stream, mode, id=identity.upper()), stream)
    assert members["event_ids"] == [identity]
    assert devdb.read(stream)[0].id == identity
    assert json.loads(devdb.read(stream)[0].metadata)["ce-id"] == identity.upper()


@pytest.mark.parametrize("identity", ["00000000-0000-0000-0000-000000000000", "x" * 1000])
def test_other_ids(gateway, devdb, stream, identity):
    members = check_success(send(gateway, stream, "structured", id=identity), stream)
    assert members["event_ids"] == [cloudevent_id(stream, "/s", identity)]


def test_the_source_belongs_to_the_id(gateway, devdb, stream):
    for source in ("/a", "/b", "/a"):
        gateway.append_one(stream + "-newer")
        check_success(send(gateway, stream, "binary", source=source), stream)
    assert [json.loads(event.metadata)["ce-source"] for event in devdb.read(stream)] == ["/a", "/b"]


def test_a_key_does_not_change_the_ids(gateway, devdb, stream):
    key = {"Idempotency-Key": f"key-{stream}"}
    members = check_success(send(gateway, stream, "binary", query=NEW, headers=key), version=0)
    assert members["event_ids"] == [cloudevent_id(stream, "/s", "1")]
    again = check_success(send(gateway, stream, "binary", query=NEW, headers=key), version=0)
    assert again["event_ids"] == members["event_ids"]
    assert len(devdb.read(stream)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_key_with_another_event(gateway, devdb, stream, mode):
    key = {"Idempotency-Key": f"key-{stream}"}
    check_success(send(gateway, stream, mode, headers=key), version=0)
    answer = send(gateway, stream, mode, headers=key, id="2")
    check_problem(answer, 422, "idempotency-key-reused")
    assert len(devdb.read(stream)) == 1


@pytest.mark.devdb_only
def test_the_same_event_twice_in_a_batch(gateway, devdb, stream):
    """It is passed on: what becomes of it is the database's choice."""
    answer = gateway.append_cloudevents(stream, f"[{event_of()},{event_of()}]", BATCH, NEW)
    members = check_success(answer, stream, events=2)
    assert members["event_ids"] == 2 * [cloudevent_id(stream, "/s", "1")]


@pytest.mark.parametrize("action, stored", [("drop-after", 1), ("drop-before", 0)])
@pytest.mark.parametrize("has_key", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_unanswered_exact_append(gateway, devdb, faults, stream, mode, action, stored, has_key):
    """The same request again is all that it takes, with and without a key."""
    faults(action, method="BatchAppend", stream=stream, count=1)
    key = {"Idempotency-Key": f"key-{stream}"} if has_key else {}
    answer = send(gateway, stream, mode, query=NEW, headers={**SHORT, **key})
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=True)
    assert members["retry_hint"] == (HINT_KEY if has_key else HINT_PLAIN)
    assert members["event_ids"] == [cloudevent_id(stream, "/s", "1")]
    assert len(devdb.read(stream)) == stored
    check_success(send(gateway, stream, mode, query=NEW, headers=key), stream, version=0)
    assert [event.id for event in devdb.read(stream)] == members["event_ids"]


def test_unanswered_inexact_append(gateway, devdb, faults, stream):
    faults("drop-before", method="BatchAppend", stream=stream, count=1)
    answer = send(gateway, stream, "structured", headers=SHORT)
    members = check_problem(answer, 504, "deadline-exceeded", outcome="unknown", retryable=False)
    assert members["retry_hint"] == HINT_INEXACT
    assert members["event_ids"] == [cloudevent_id(stream, "/s", "1")]


# -- expectations --------------------------------------------------------------------------

@pytest.mark.parametrize("mode", MODES)
def test_the_expectation_is_obeyed(gateway, devdb, stream, mode):
    check_success(send(gateway, stream, mode, query="",
                       headers={"Kurrent-ExpectedVersion": "no_stream"}), version=0)
    answer = send(gateway, stream, mode, query="?current_version=5", id="2")
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == (5, 0)
    assert len(devdb.read(stream)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_the_expectation_is_required(gateway, devdb, stream, mode):
    answer = send(gateway, stream, mode, query="")
    check_problem(answer, 422, "invalid-request", ["query:current_version"])
    answer = send(gateway, stream, mode, headers={"Kurrent-ExpectedVersion": "0"})
    check_problem(answer, 400, "conflicting-parameters", ["query:current_version"])
    assert devdb.read(stream) == []


@pytest.mark.parametrize("mode", MODES)
def test_the_expectation_has_a_default(start_gateway, devdb, stream, mode):
    gateway = start_gateway(devdb.address, default_current_version="any")
    check_success(send(gateway, stream, mode, query=""), stream, version=0)


@pytest.mark.parametrize("name", ["Kurrent-EventId", "Kurrent-EventType", "Kurrent-Metadata",
                                  "Kurrent-Metadata-Base64", "Kurrent-Other", "If-Match"])
def test_headers_of_other_routes(gateway, stream, name):
    answer = send(gateway, stream, "binary", headers={name: "x"})
    check_problem(answer, 400, "conflicting-parameters", [f"header:{name}"])


# -- refusals ------------------------------------------------------------------------------

@pytest.mark.parametrize("media_type, advice", [
    (None, "ce-specversion"), ("application/json", "ce-specversion"), ("text/plain", ""),
    ("application/cloudevents", ""), ("application/cloudevents+xml", ""),
    ("application/cloudevents+jsonx", ""), ("application/x-www-form-urlencoded", "--json")])
def test_what_is_no_cloudevent(gateway, devdb, stream, media_type, advice):
    head = {"ce-id": "1", "ce-type": "t", "ce-source": "/s"}
    if media_type is not None:
        head["Content-Type"] = media_type
    answer = gateway.append_cloudevents(stream, event_of(), head)
    members = check_problem(answer, 415, "unsupported-media-type")
    assert members["accepted_types"] == [ONE_TYPE, BATCH_TYPE]
    assert answer.header("Accept-Post") == f"{ONE_TYPE}, {BATCH_TYPE}"
    assert advice in members["detail"]
    assert devdb.read(stream) == []


@pytest.mark.parametrize("head", [
    {"Content-Type": ONE_TYPE + ";charset=latin1"}, {"Content-Type": BATCH_TYPE + ";charset=x"},
    headers_of("application/json; charset=iso-8859-1")])
def test_charsets(gateway, devdb, stream, head):
    check_problem(gateway.append_cloudevents(stream, event_of(), head), 415,
                  "unsupported-media-type")
    assert devdb.read(stream) == []


REQUIRED = ["specversion", "type", "source", "id"]


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("mode", MODES)
def test_required_attributes(gateway, devdb, stream, mode, name, value):
    if mode == "binary" and name == "specversion" and value is None:
        # Then it is not binary mode at all.
        answer = send(gateway, stream, mode, **{name: value})
        check_problem(answer, 415, "unsupported-media-type")
        return
    pointer = {"binary": f"header:ce-{name}", "structured": f"/{name}", "batch": f"/0/{name}"}
    answer = send(gateway, stream, mode, **{name: value})
    check_problem(answer, 422, "invalid-request", [pointer[mode]])
    assert devdb.read(stream) == []


@pytest.mark.parametrize("mode", MODES)
def test_other_versions_of_the_specification(gateway, stream, mode):
    pointer = {"binary": "header:ce-specversion", "structured": "/specversion",
               "batch": "/0/specversion"}
    for version in ("0.3", "1", "1.0.2", " 1.0 x", "2.0"):
        answer = send(gateway, stream, mode, specversion=version)
        check_problem(answer, 422, "invalid-request", [pointer[mode]])


@pytest.mark.parametrize("fields, pointers", [
    ({"ce-a_b": "1", "CE-Sub-Ject": "2", "ce-": "3"},
     ["header:ce-a_b", "header:ce-sub-ject", "header:ce-"]),
    ({"ce-data": "1", "Ce-DataContentType": "a/b"},
     ["header:ce-data", "header:ce-datacontenttype"]),
    ({"ce-type": "t" * 4097}, ["header:ce-type"])])
def test_headers_that_are_no_attributes(gateway, devdb, stream, fields, pointers):
    answer = gateway.append_cloudevents(stream, b"x", {**headers_of(), **fields})
    check_problem(answer, 422, "invalid-request", pointers)
    assert devdb.read(stream) == []


@pytest.mark.parametrize("fields", [
    {"ce-x": "%zz"}, {"ce-x": "50%"}, {"ce-x": "%C0%A0"}, {"ce-x": "%00"}, {"ce-x": "\xe9"},
    {"Content-Type": "\xe9"}, {"CE-ID": "1"}])
def test_malformed_headers(gateway, devdb, stream, fields):
    """Also one that is given twice, in whatever letter case."""
    answer = gateway.append_cloudevents(stream, b"x", {**headers_of(), **fields})
    members = check_problem(answer, 400, "malformed-request")
    assert f"The header {next(iter(fields))} " in members["detail"]
    assert devdb.read(stream) == []


def test_headers_are_refused_before_the_body(gateway, stream):
    """The body never comes."""
    head = {**headers_of(id=""), "Content-Length": "1000", "Expect": "100-continue"}
    with gateway.connect() as connection:
        connection.send(request("POST", cloudevents_target(stream) + ANY, head))
        answer = connection.receive()
        check_problem(answer, 422, "invalid-request", ["header:ce-id"])
        assert answer.interims == []
        connection.expect_closed()


@pytest.mark.parametrize("text, code, pointers", [
    ('"x":1,"x":1', "duplicate-member", ["/x"]), ('"id":"1"', "duplicate-member", ["/id"]),
    ('"Subject":"","a_b":1,"":2', "invalid-request", ["/Subject", "/a_b", "/"]),
    ('"a":{},"b":[]', "invalid-request", ["/a", "/b"]),
    ('"a":1.0,"b":1e2,"c":-0,"d":2147483648', "invalid-request", ["/a", "/b", "/c", "/d"]),
    ('"datacontenttype":7', "invalid-request", ["/datacontenttype"]),
    ('"data":1,"data_base64":"AA=="', "invalid-request", ["/data_base64"]),
    ('"data":{},"datacontenttype":"text/plain"', "invalid-request", ["/data"]),
    ('"data_base64":"AA"', "invalid-request", ["/data_base64"]),
    ('"data_base64":"AA==","datacontenttype":"application/json"', "invalid-request",
     ["/data_base64"])])
def test_members_that_are_refused(gateway, devdb, stream, text, code, pointers):
    body = event_of()[:-1] + f",{text}}}"
    check_problem(gateway.append_cloudevents(stream, body, ONE), 422, code, pointers)
    batch = f"[{event_of()},{body}]"
    check_problem(gateway.append_cloudevents(stream, batch, BATCH), 422, code,
                  [f"/1{each}" for each in pointers])
    assert devdb.read(stream) == []


@pytest.mark.parametrize("head, body, pointers", [
    (ONE, "[]", [""]), (ONE, "7", [""]), (BATCH, "[]", [""]), (BATCH, "{}", [""]),
    (BATCH, "[1]", ["/0"]), (ONE, "{}", [f"/{each}" for each in REQUIRED])])
def test_bodies_that_are_refused(gateway, devdb, stream, head, body, pointers):
    check_problem(gateway.append_cloudevents(stream, body, head), 422, "invalid-request", pointers)
    assert devdb.read(stream) == []


@pytest.mark.parametrize("head, body, offset", [
    (ONE, b"", 0), (ONE, b"{", 1), (BATCH, b"[{}", 3), (ONE, b'{"ID":1,"data":[01]}', 17),
    (ONE, b'{"id":"\xff"}', 7), (headers_of("application/json"), b"[1,]", 3)])
def test_broken_json(gateway, devdb, stream, head, body, offset):
    answer = gateway.append_cloudevents(stream, body, head)
    assert check_problem(answer, 400, "malformed-json")["byte_offset"] == offset
    assert devdb.read(stream) == []


def test_an_empty_body_is_not_json(gateway, devdb, stream):
    answer = gateway.append_cloudevents(stream, b"", headers_of("application/json"))
    check_problem(answer, 422, "invalid-request", [""])
    assert devdb.read(stream) == []


def test_one_bad_event_spoils_a_batch(gateway, devdb, stream):
    body = f'[{event_of()},{event_of(id="")},{event_of()},{event_of(type="", source="")}]'
    answer = gateway.append_cloudevents(stream, body, BATCH)
    check_problem(answer, 422, "invalid-request", ["/1/id", "/3/type", "/3/source"])
    assert devdb.read(stream) == []


def test_a_batch_of_too_many_events(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, max_events="3")
    batch = [event_of(id=str(number)) for number in range(4)]
    answer = gateway.append_cloudevents(stream, f"[{','.join(batch)}]", BATCH)
    members = check_problem(answer, 413, "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (3, 4)
    assert devdb.read(stream) == []
    check_success(gateway.append_cloudevents(stream, f"[{','.join(batch[:3])}]", BATCH), version=2)


def test_payloads_that_are_not_checked(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, validate_json_payloads="false")
    for mode in MODES:
        check_success(send(gateway, stream, mode, "[nul]", id=mode), stream)
    assert [event.data for event in devdb.read(stream)] == 3 * [b"[nul]"]


@pytest.mark.parametrize("mode", MODES)
def test_streams_of_metadata(gateway, devdb, stream, mode):
    """What the database obeys must be what it understands."""
    at = {"binary": "header:ce-type", "structured": "/type", "batch": "/0/type"}[mode]
    answer = send(gateway, "$$" + stream, mode, '{"$maxCount":1}')
    check_problem(answer, 422, "invalid-request", [at])
    at = {"binary": "/$maxCount", "structured": "/data/$maxCount", "batch": "/0/data/$maxCount"}
    answer = send(gateway, "$$" + stream, mode, '{"$maxCount":"1"}', type="$metadata")
    check_problem(answer, 422, "invalid-request", [at[mode]])
    check_success(send(gateway, "$$" + stream, mode, '{"$maxCount":1}', type="$metadata"))
    [event] = devdb.read("$$" + stream)
    assert (event.type, event.data) == (b"$metadata", b'{"$maxCount":1}')


def test_a_stream_of_metadata_takes_json_only(gateway, devdb, stream):
    answer = gateway.append_cloudevents("$$" + stream, b"{}",
                                        headers_of("text/plain", type="$metadata"))
    check_problem(answer, 422, "invalid-request", ["header:Content-Type"])
    answer = gateway.append_cloudevents("$$" + stream, event_of(type="$metadata"), ONE)
    check_problem(answer, 422, "invalid-request", ["/data"])
    assert devdb.read("$$" + stream) == []


def test_methods(gateway, stream):
    answer = gateway.ask("GET", cloudevents_target(stream))
    check_problem(answer, 405, "method-not-allowed")
    assert answer.header("Allow") == "POST, OPTIONS"
