# SPDX-License-Identifier: Apache-2.0
"""R: the body is the payload (api-design 5)."""

import base64
import uuid

import pytest

from harness.gateway import events_target
from harness.ids import R_ROUTE, derived_id
from harness.problems import check_problem, check_success
from harness.wire import chunked, request

EVERY_BYTE = bytes(range(256))
ANY = "?current_version=any"


def test_every_byte_value(gateway, devdb, stream):
    answer = gateway.append_raw(stream, "Photo", EVERY_BYTE,
                                {"Content-Type": "image/jpeg",
                                 "Kurrent-ExpectedVersion": "no_stream"})
    members = check_success(answer, stream, version=0, events=1, replayed=False)
    [event] = devdb.read(stream)
    assert (event.type, event.data, event.metadata) == (b"Photo", EVERY_BYTE, b"")
    assert event.content_type == "application/octet-stream"
    assert event.id == members["event_ids"][0]


def test_json_keeps_its_outer_white_space(gateway, devdb, stream):
    body = b' \r\n{ "name" : "Gregory" }\t\n'
    answer = gateway.append_raw(stream, "StudentNameChanged", body, {
        "Content-Type": "application/json",
        "Kurrent-EventId": "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
        "Kurrent-Metadata": '{"$correlationId":"c-81"}'}, ANY)
    members = check_success(answer, stream, version=0)
    assert members["event_ids"] == ["4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"]
    [event] = devdb.read(stream)
    assert event.data == body
    assert event.metadata == b'{"$correlationId":"c-81"}'
    assert event.content_type == "application/json"
    assert event.id == "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"


@pytest.mark.parametrize("media_type", [
    "application/json", "application/json; charset=utf-8", "application/vnd.order+json",
    "application/ld+json;charset=UTF-8", "APPLICATION/JSON", "text/x+json"])
def test_json_media_types(gateway, devdb, stream, media_type):
    check_success(gateway.append_raw(stream, "T", b"[1]", {"Content-Type": media_type}, ANY))
    assert devdb.read(stream)[0].content_type == "application/json"


@pytest.mark.parametrize("fields", [
    [], [("Content-Type", "application/octet-stream")], [("Content-Type", "text/plain")],
    [("Content-Type", "application/x-www-form-urlencoded")],
    [("Content-Type", "multipart/form-data; boundary=x")],
    [("Content-Type", "application/x-ndjson")],
    [("Content-Type", "application/xml; charset=iso-8859-1")],
    [("Content-Type", "application/jsonx")],
    [("Content-Type", "json")]])
def test_other_media_types_are_octet_streams(gateway, devdb, stream, fields):
    check_success(gateway.append_raw(stream, "T", b"{not json", fields, ANY))
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (b"{not json", "application/octet-stream")


@pytest.mark.parametrize("body", [b"", None])
def test_empty_body_is_an_empty_event(gateway, devdb, stream, body):
    """No Content-Length and no chunked coding means an empty body, too."""
    check_success(gateway.append_raw(stream, "T", body, query=ANY))
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (b"", "application/octet-stream")


@pytest.mark.parametrize("media_type", ["application/json", "application/x+json"])
def test_empty_json_body_is_refused(gateway, devdb, stream, media_type):
    answer = gateway.append_raw(stream, "T", b"", {"Content-Type": media_type}, ANY)
    check_problem(answer, 422, "invalid-request", [""])
    assert devdb.read(stream) == []


@pytest.mark.parametrize("body, offset", [
    (b"{", 1), (b"[1,]", 3), (b"nul", 3), (b"{} {}", 3), (b'"\xff"', 1), (b"\xef\xbb\xbf{}", 0),
    (b'"a\x00"', 2), (b" ", 1), (b"[" * 513 + b"]" * 513, 512), (b"01", 1), (b"-", 1),
    (b'"\\x"', 2), (b'"\\u12G4"', 5), (b"{'a':1}", 1), (b'{"a":1,}', 7), (b"1.", 2), (b"tRue", 1)])
def test_broken_json_body(gateway, devdb, stream, body, offset):
    answer = gateway.append_raw(stream, "T", body, {"Content-Type": "application/json"}, ANY)
    members = check_problem(answer, 400, "malformed-json")
    assert members["byte_offset"] == offset
    assert devdb.read(stream) == []


@pytest.mark.parametrize("metadata, stored", [
    ('{"a":1}', b'{"a":1}'), ("null", b"null"), ('"x"', b'"x"'), ("[1, 2]", b"[1, 2]"),
    (r'"\u00e9"', rb'"\u00e9"'), ("{ }", b"{ }"), ("1E5", b"1E5")])
def test_metadata_in_a_header(gateway, devdb, stream, metadata, stored):
    check_success(gateway.append_raw(stream, "T", b"x", {"Kurrent-Metadata": metadata}, ANY))
    assert devdb.read(stream)[0].metadata == stored


@pytest.mark.parametrize("metadata", [b"", b"\0\xff", EVERY_BYTE, b"{not json"])
def test_metadata_in_base64(gateway, devdb, stream, metadata):
    text = base64.b64encode(metadata).decode()
    check_success(gateway.append_raw(stream, "T", b"x", {"Kurrent-Metadata-Base64": text}, ANY))
    assert devdb.read(stream)[0].metadata == metadata


@pytest.mark.parametrize("headers, query", [
    ({"Kurrent-EventId": "4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11"}, ""),
    ({}, "&event_id=4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"),
    ({"Kurrent-EventId": "4C7C0F0A-8A39-4C59-9A3A-9D1C8A6F5D11"},
     "&event_id=4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11")])
def test_event_id_forms(gateway, devdb, stream, headers, query):
    members = check_success(gateway.append_raw(stream, "T", b"x", headers, ANY + query))
    assert members["event_ids"] == ["4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"]
    assert devdb.read(stream)[0].id == "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11"


@pytest.mark.parametrize("event_type", ["T", "with/slash", "..", "a b", "Größe", "日本😀", "%41",
                                        "a+b", "$metadata", "#?&", "t" * 300])
def test_event_types_in_the_path(gateway, devdb, stream, event_type):
    check_success(gateway.append_raw(stream, event_type, b"{}",
                                     {"Content-Type": "application/json"}, ANY))
    assert devdb.read(stream)[0].type == event_type.encode("utf-8")


def test_event_type_header_agrees(gateway, devdb, stream):
    check_success(gateway.append_raw(stream, "Some Type", b"x",
                                     {"Kurrent-EventType": "Some Type"}, ANY))
    assert devdb.read(stream)[0].type == b"Some Type"


def test_key_and_route_make_the_id(gateway, stream):
    answer = gateway.append_raw(stream, "T", b"x", {"Idempotency-Key": "raw-1"}, ANY)
    assert check_success(answer)["event_ids"] == [derived_id(stream, "raw-1", 0, R_ROUTE)]


def test_own_id_wins_over_the_key(gateway, stream):
    own = str(uuid.uuid4())
    answer = gateway.append_raw(stream, "T", b"x",
                                {"Idempotency-Key": "raw-2", "Kurrent-EventId": own}, ANY)
    assert check_success(answer)["event_ids"] == [own]


@pytest.mark.parametrize("query", ["?current_version=no_stream", "?current_version=-1",
                                   "?current_version=any&timeout=2.5"])
def test_sender_that_can_only_be_given_a_url(gateway, devdb, stream, query):
    check_success(gateway.append_raw(stream, "T", b"x", query=query), version=0)
    assert devdb.read(stream)[0].data == b"x"


def test_replay(gateway, devdb, stream):
    query = f"?current_version=no_stream&event_id={uuid.uuid4()}"
    first = check_success(gateway.append_raw(stream, "T", b"x", query=query))
    second = check_success(gateway.append_raw(stream, "T", b"x", query=query), replayed=True)
    assert first["commit_position"] == second["commit_position"]
    assert len(devdb.read(stream)) == 1


def test_conflict(gateway, devdb, stream):
    answer = gateway.append_raw(stream, "T", b"x", query="?current_version=3")
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == (3, "no_stream")
    assert devdb.read(stream) == []


def test_chunked_raw_body(gateway, devdb, stream):
    head = request("POST", events_target(stream) + "/T" + ANY, [("Transfer-Encoding", "chunked")])
    with gateway.connect() as connection:
        connection.send(head + chunked([EVERY_BYTE[:100], EVERY_BYTE[100:]], b"X-Trailer: 1\r\n"))
        check_success(connection.receive())
        connection.expect_open()
    assert devdb.read(stream)[0].data == EVERY_BYTE
