# SPDX-License-Identifier: Apache-2.0
"""Which refusal wins, row by row of api-design 2.1: the right problem, nothing sent to the
database, the connection kept where the body was read and closed where it was not."""

import json

import pytest

from harness.gateway import envelope_of, event_of, events_target
from harness.problems import among, check_problem
from harness.wire import chunked, request

JSON = ("Content-Type", "application/json")
GOOD = envelope_of("any", [event_of()]).encode()
E_TYPES = ["application/json", "application/x-ndjson"]


def post(target, headers=(JSON,), body=GOOD, **options):
    return request("POST", target, list(headers), body, **options)


def refuse_body(refused, stream, body, status, code, pointers=None, **options):
    """A refusal of an envelope after its body was read: the connection stays."""
    return refused(post(events_target(stream), body=body), status, code, pointers, **options)


# -- 5: target, path, route ----------------------------------------------------------------

@pytest.mark.parametrize("target", [
    "/v1/streams/a%/events", "/v1/streams/a%2/events", "/v1/streams/a%zz/events",
    "/v1/streams/%ff/events", "/v1/streams/%c3%28/events", "/v1/streams/%ed%a0%80/events",
    "/v1/streams/%c0%80/events", "/v1/streams/%f4%90%80%80/events", "/v1/streams/a%00b/events",
    "/v1/streams/a#b/events", "/v1/streams/a/events#", "/v1/streams/a/events/%zz",
    "/v1/streams/a/events/%00", "/v1/streams/a/events?current_version=%zz",
    "/v1/streams/a/events?current_version=%ff", "/v1/streams/a/events?current_version=a%00"])
def test_target_that_cannot_be_decoded(refused, target):
    refused(post(target), 400, "malformed-request", closes=True)


@pytest.mark.parametrize("target", [
    "/", "/v1", "/v1/", "/v1/streams", "/v1/streams/", "/v1/streams/a", "/v1/streams/a/",
    "/v1/streams//events", "/v1/streams/a/events/", "/v1/streams/a/events/T/", "/v1/streams/a//T",
    "/V1/streams/a/events", "/v1/Streams/a/events", "/v1/streams/a/Events", "//v1/streams/a/events",
    "/v1/streams/a/b/events", "/v1/streams/a/events/T/x", "/v1/./streams/a/events",
    "/v1/x/../streams/a/events", "/v1%2fstreams/a/events", "/v2/streams/a/events", "/streams/a",
    "/v1/multi-append/", "/v1/append-records/a", "/v1/Multi-append", "/metrics", "/admin/reload",
    "/v1/info/"])
def test_no_such_route(refused, target):
    refused(post(target), 404, "not-found", closes=True)


@pytest.mark.parametrize("name", ["%20", "%20%09", "$$", "$all", "%e3%80%80", "%c2%a0", "a" * 4097])
@pytest.mark.parametrize("rest", ["/events", "/events/T?current_version=any"])
def test_stream_names_that_cannot_be(refused, name, rest):
    refused(post(f"/v1/streams/{name}{rest}"), 422, "invalid-request", ["path:stream"], closes=True)


def test_event_type_in_the_path_that_is_too_long(refused):
    refused(post("/v1/streams/a/events/" + "t" * 4097), 422, "invalid-request", ["path:type"],
            closes=True)


def test_longest_names_pass(gateway, devdb, fresh):
    name, event_type = fresh("n" * 4096), "t" * 4096
    answer = gateway.append_raw(name, event_type, b"x", query="?current_version=any")
    assert answer.status == 200
    assert devdb.read(name)[-1].type == event_type.encode()


# -- 6: method -----------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "post", "Post", "PROPFIND", "TRACE"])
@pytest.mark.parametrize("target", ["/v1/streams/a/events", "/v1/streams/a/events/T"])
def test_methods_an_append_lacks(refused, method, target):
    answer, _ = refused(request(method, target), 405, "method-not-allowed", method=method)
    assert sorted(answer.header("Allow").replace(" ", "").split(",")) == ["OPTIONS", "POST"]


def test_get_on_an_append(refused):
    answer, _ = refused(request("GET", "/v1/streams/a/events"), 405, "method-not-allowed",
                        method="GET")
    assert "POST" in answer.header("Allow")


def test_head_on_an_append(gateway):
    answer = gateway.ask("HEAD", "/v1/streams/a/events")
    assert (answer.status, answer.body) == (405, b"")
    assert "POST" in answer.header("Allow")


@pytest.mark.parametrize("target", ["/livez", "/readyz", "/readyz/leader", "/v1/info", "/problems",
                                    "/problems/not-found"])
def test_methods_a_page_lacks(refused, target):
    answer, _ = refused(request("POST", target), 405, "method-not-allowed")
    assert sorted(answer.header("Allow").replace(" ", "").split(",")) == ["GET", "HEAD", "OPTIONS"]


def test_method_with_a_body_is_closed(refused):
    refused(request("PUT", "/v1/streams/a/events", body=b"{}"), 405, "method-not-allowed",
            closes=True)


# -- 7: credentials' form ------------------------------------------------------------------

@pytest.mark.parametrize("name", ["Authorization", "Kurrent-Authorization"])
@pytest.mark.parametrize("value", [
    "", "Basic", "Basic ", "Basic !!!", "Basic YWRtaW4=", "Basic YWRtaW46cA", "Digest abc",
    "Bearer",     "Bearer a b", "Bearer ä", "Basic YWRt aW46cA==", "Basic YWRtaW46cA== x"])
def test_credentials_of_another_form(refused, stream, name, value):
    refused(post(events_target(stream), [JSON, (name, value)]), 400, "malformed-request",
            closes=True)


def test_two_credentials_that_disagree(refused, stream):
    refused(post(events_target(stream), [
        JSON, ("Authorization", "Basic YTpi"), ("Kurrent-Authorization", "Basic YTpj")]),
        400, "conflicting-parameters",
        among("header:Authorization", "header:Kurrent-Authorization"), closes=True)


# -- 9, 10: media types --------------------------------------------------------------------

@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*", "application/json;q=0",
                                    "application/*;q=0.0", "application/jsonx"])
def test_accept_without_json(refused, stream, accept):
    refused(post(events_target(stream), [JSON, ("Accept", accept)]), 406, "not-acceptable",
            closes=True)


@pytest.mark.parametrize("fields", [
    [], [("Content-Type", "text/plain")], [("Content-Type", "application/xml")],
    [("Content-Type", "application/json; charset=latin-1")],
    [("Content-Type", "application/jsonx")],
    [("Content-Type", "application/x-ndjson;charset=utf-16")], [("Content-Type", "")],
    [("Content-Type", "application/vnd.a+json")],
    [("Content-Type", "application/cloudevents+json")],
    [("Content-Type", "application/json, application/json")], [("Content-Type", "json")]])
def test_media_types_an_envelope_cannot_have(refused, stream, fields):
    answer, members = refused(post(events_target(stream), fields), 415, "unsupported-media-type",
                              closes=True)
    assert members["accepted_types"] == E_TYPES
    assert answer.header("Accept-Post") == ", ".join(E_TYPES)


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded",
                                        "multipart/form-data; boundary=x"])
def test_form_types_get_advice(refused, stream, media_type):
    _, members = refused(post(events_target(stream), [("Content-Type", media_type)]), 415,
                         "unsupported-media-type", closes=True)
    assert "--json" in members["detail"]


def test_raw_json_of_another_charset(refused, stream):
    refused(post(f"/v1/streams/{stream}/events/T?current_version=any",
                 [("Content-Type", "application/json; charset=iso-8859-1")]),
            415, "unsupported-media-type", closes=True)


# -- 11: header and query tables -----------------------------------------------------------

@pytest.mark.parametrize("name", [
    "Content-Type", "Authorization", "Kurrent-Authorization", "Kurrent-ExpectedVersion",
    "Kurrent-Timeout", "Grpc-Timeout", "Idempotency-Key", "Kurrent-EventId",
    "Kurrent-EventType", "Kurrent-Metadata", "Kurrent-Metadata-Base64", "Expect", "Origin",
    "Sec-Fetch-Site"])
def test_single_valued_header_twice(refused, stream, name):
    fields = [JSON] if name != "Content-Type" else []
    value = "application/json" if name == "Content-Type" else "1"
    refused(post(events_target(stream), [*fields, (name, value), (name.lower(), value)]),
            400, "malformed-request", closes=True)


@pytest.mark.parametrize("name", ["Kurrent-Whatever", "kurrent-position", "Kurrent-CurrentVersion",
                                  "Kurrent-EventId", "Kurrent-EventType", "Kurrent-Metadata",
                                  "Kurrent-Metadata-Base64", "If-Match", "If-None-Match"])
def test_header_the_envelope_does_not_define(refused, stream, name):
    _, members = refused(post(events_target(stream), [JSON, (name, "1")]), 400,
                         "conflicting-parameters", [f"header:{name}"], closes=True)
    assert members["errors"][0]["detail"]


@pytest.mark.parametrize("name", ["Kurrent-Whatever", "If-Match", "If-None-Match"])
def test_header_the_raw_route_does_not_define(refused, stream, name):
    refused(post(f"/v1/streams/{stream}/events/T?current_version=any", [(name, "*")]), 400,
            "conflicting-parameters", [f"header:{name}"], closes=True)


def test_kurrent_header_on_info(refused):
    refused(request("GET", "/v1/info", {"Kurrent-Timeout": "1"}), 400, "conflicting-parameters",
            ["header:Kurrent-Timeout"], method="GET")


BAD_EXPECTATIONS = ["", "00", "01", "+1", "-0", "1.0", "1e2", " 1", "ANY", "Any", "No_Stream", "-3",
                    "-5", "-6", "-7", "deleted", "tombstoned", "9223372036854775808",
                    "99999999999999999999", "0x1", "none", "true", "null"]


@pytest.mark.parametrize("text", [e for e in BAD_EXPECTATIONS if e != " 1"])
def test_bad_expectation_in_the_header(refused, stream, text):
    refused(post(events_target(stream), [JSON, ("Kurrent-ExpectedVersion", text)]), 422,
            "invalid-request", ["header:Kurrent-ExpectedVersion"], closes=True)


@pytest.mark.parametrize("text", BAD_EXPECTATIONS)
def test_bad_expectation_in_the_query(refused, stream, text):
    encoded = text.replace(" ", "%20")
    refused(post(f"{events_target(stream)}?current_version={encoded}"), 422, "invalid-request",
            ["query:current_version"], closes=True)


@pytest.mark.parametrize("text", ["", "0", "0.0", "0.000000000", "1234567", "1.", ".5", "-1", "1e1",
                                  "+1", "1.0000000000", "1s", "NaN"])
@pytest.mark.parametrize("place", ["header", "query"])
def test_bad_timeout(refused, stream, text, place):
    query = f"?timeout={text}" if place == "query" else ""
    fields = [JSON] + ([("Kurrent-Timeout", text)] if place == "header" else [])
    pointer = "query:timeout" if place == "query" else "header:Kurrent-Timeout"
    refused(post(events_target(stream) + query, fields), 422, "invalid-request", [pointer],
            closes=True)


@pytest.mark.parametrize("text", ["", "0S", "1", "S", "123456789S", "1s", "1.5S", "-1S", "1X",
                                  "1 S"])
def test_bad_grpc_timeout(refused, stream, text):
    refused(post(events_target(stream), [JSON, ("Grpc-Timeout", text)]), 422, "invalid-request",
            ["header:Grpc-Timeout"], closes=True)


@pytest.mark.parametrize("key", ["", '""', '"a', 'a"', "a b", "a,b", r'"a\b"', r"a\b", '"a""b"',
                                 "x" * 256, '"' + "x" * 256 + '"', "\xe9", '"a";p=1', '"a", "b"'])
def test_bad_idempotency_key(refused, stream, key):
    refused(post(events_target(stream), [JSON, ("Idempotency-Key", key)]), 400,
            "bad-idempotency-key", ["header:Idempotency-Key"], closes=True)


BAD_UUIDS = ["", "x", "00000000-0000-0000-0000-000000000000", "4c7c0f0a8a394c599a3a9d1c8a6f5d11",
             "{4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11}", "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1g",
             "urn:uuid:4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11", "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d1",
             "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d111", "4c7c0f0a_8a39_4c59_9a3a_9d1c8a6f5d11"]


@pytest.mark.parametrize("text", BAD_UUIDS)
@pytest.mark.parametrize("place", ["header", "query"])
def test_bad_event_id_on_the_raw_route(refused, stream, text, place):
    query = f"&event_id={text}" if place == "query" else ""
    fields = [("Kurrent-EventId", text)] if place == "header" else []
    pointer = "query:event_id" if place == "query" else "header:Kurrent-EventId"
    refused(post(f"{events_target(stream)}/T?current_version=any{query}", fields), 422,
            "invalid-request", [pointer], closes=True)


@pytest.mark.parametrize("headers, query, places", [
    ([("Kurrent-ExpectedVersion", "1")], "?current_version=2",
     ["header:Kurrent-ExpectedVersion", "query:current_version"]),
    ([], "?current_version=1&current_version=2", ["query:current_version"]),
    ([("Kurrent-Timeout", "1")], "?timeout=2", ["header:Kurrent-Timeout", "query:timeout"]),
    ([("Kurrent-Timeout", "1"), ("Grpc-Timeout", "2S")], "",
     ["header:Kurrent-Timeout", "header:Grpc-Timeout"]),
    ([], "?timeout=1&timeout=1.5", ["query:timeout"])])
def test_places_that_disagree(refused, stream, headers, query, places):
    refused(post(events_target(stream) + query, [JSON, *headers]), 400, "conflicting-parameters",
            among(*places), closes=True)


@pytest.mark.parametrize("headers, query, places", [
    ([("Kurrent-EventType", "Other")], "", ["header:Kurrent-EventType", "path:type"]),
    ([("Kurrent-EventId", "4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11")],
     "&event_id=4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d12",
     ["header:Kurrent-EventId", "query:event_id"]),
    ([("Kurrent-Metadata", "1"), ("Kurrent-Metadata-Base64", "MQ==")], "",
     ["header:Kurrent-Metadata-Base64"])])
def test_places_that_disagree_on_the_raw_route(refused, stream, headers, query, places):
    refused(post(f"{events_target(stream)}/T?current_version=any{query}", headers), 400,
            "conflicting-parameters", among(*places), closes=True)


@pytest.mark.parametrize("target, name", [
    ("/events?nothing=1", "nothing"), ("/events?event_id=4c7c0f0a-8a39-4c59-9a3a-9d1c8a6f5d11",
                                       "event_id"),
    ("/events?Current_version=1", "Current_version"), ("/events?exclude=leader", "exclude"),
    ("/events/T?current_version=any&metadata=1", "metadata"),
    ("/events?current%2dversion=1", "current-version")])
def test_unknown_query_parameter(refused, stream, target, name):
    refused(post(f"/v1/streams/{stream}{target}"), 422, "unknown-member", [f"query:{name}"],
            closes=True)


def test_unknown_parameter_gets_the_nearest_name(refused, stream):
    _, members = refused(post(events_target(stream) + "?curent_version=1"), 422, "unknown-member",
                         ["query:curent_version"], closes=True)
    assert "current_version" in members["errors"][0]["hint"]


@pytest.mark.parametrize("query", ["?current_version=+1", "?current_version=a+b"])
def test_plus_is_a_plus(refused, stream, query):
    refused(post(events_target(stream) + query), 422, "invalid-request", ["query:current_version"],
            closes=True)


def test_raw_route_without_expectation(refused, stream):
    refused(post(events_target(stream) + "/T", []), 422, "invalid-request",
            ["query:current_version"], closes=True)


def test_lines_without_expectation(refused, stream):
    refused(post(events_target(stream), [("Content-Type", "application/x-ndjson")],
                 b'{"type":"A"}'), 422, "invalid-request", ["query:current_version"], closes=True)


@pytest.mark.parametrize("value", ["{", "[1,]", "", "nul", "{} 1"])
def test_broken_metadata_in_a_header(refused, stream, value):
    refused(post(f"{events_target(stream)}/T?current_version=any", [("Kurrent-Metadata", value)]),
            400, "malformed-json", ["header:Kurrent-Metadata"], closes=True)


def test_metadata_beyond_ascii_in_a_header(refused, stream):
    refused(post(f"{events_target(stream)}/T?current_version=any",
                 [("Kurrent-Metadata", '"é"')]), 422, "invalid-request",
            ["header:Kurrent-Metadata"], closes=True)


BAD_BASE64 = ["A", "AA", "AAA", "AA=", "AB==", "AAB=", "A===", "====", "AA==AA==", "AA-_", "AA A",
              "AAAA====", "*AAA"]


@pytest.mark.parametrize("text", BAD_BASE64)
def test_bad_base64_in_a_header(refused, stream, text):
    refused(post(f"{events_target(stream)}/T?current_version=any",
                 [("Kurrent-Metadata-Base64", text)]), 422, "invalid-request",
            ["header:Kurrent-Metadata-Base64"], closes=True)


# -- 12: declared length -------------------------------------------------------------------

def test_declared_length_over_the_limit(refused, gateway, stream):
    head = request("POST", events_target(stream), [JSON, ("Content-Length", str(16 * 2 ** 20 + 1))])
    _, members = refused(head, 413, "body-too-large", closes=True)
    assert members["limit_bytes"] == 16 * 2 ** 20
    assert members["actual_bytes"] == 16 * 2 ** 20 + 1
    assert members["enforced_by"] == "gateway"


# -- 15: syntax of the whole body ----------------------------------------------------------

@pytest.mark.parametrize("body, offset", [
    (b"", 0), (b" ", 1), (b"{", 1), (b'{"current_version"}', 18), (b"{}{}", 2),
    (b'{"current_version":"any","events":[{"type":"T","data":tru}]}', 57),
    (b'{"current_version":"any","events":[{"type":"T","data":{"a":01}}]}', 60),
    (b'{"current_version":"any","events":[{"type":"T","data":"\x80"}]}', 55),
    (b'{"current_version":"any","events":[{"type":"T","data":"\xed\xa0\x80"}]}', 56),
    (b'{"current_version":"any","events":[{"type":"T","data":"\t"}]}', 55),
    (b'\xef\xbb\xbf{"current_version":"any","events":[{"type":"T","data":1}]}', 0),
    (b'{"current_version":"any","events":[{"type":"T","data":' + b"[" * 513 + b"]" * 513 + b"}]}",
     54 + 512),
    (b'{"current_version":"any","events":[{"type":"T","data":1}]} x', 59),
    (b'{"current_version":"any","events":[{"type":"T","data":1}]}\0', 58)])
def test_broken_envelope(refused, stream, body, offset):
    _, members = refuse_body(refused, stream, body, 400, "malformed-json")
    assert members["byte_offset"] == offset


@pytest.mark.parametrize("body, offset", [
    (b'{"type":"A","data":1}\n{"type":"B","data":}\n', 41),
    (b'{"type":"A","data":1}\n{"type":"B"', 33),
    (b'{"type":"A","data":1}{"type":"B","data":2}\n', 21),
    (b'{"type":"A",\n"data":1}\n', 12)])
def test_broken_lines(refused, stream, body, offset):
    _, members = refused(post(events_target(stream) + "?current_version=any",
                              [("Content-Type", "application/x-ndjson")], body),
                         400, "malformed-json")
    assert members["byte_offset"] == offset


# -- 16: shape -----------------------------------------------------------------------------

def good(**changes):
    members = {"type": "T", "data": {}}
    members.update(changes)
    event = {name: value for name, value in members.items() if value is not ...}
    return {"current_version": "any", "events": [event]}


SHAPES = [
    ("[]", "invalid-request", [""]),
    ("null", "invalid-request", [""]),
    ('"x"', "invalid-request", [""]),
    ('{"current_version":"any"}', "invalid-request", ["/events"]),
    ('{"current_version":"any","events":{}}', "invalid-request", ["/events"]),
    ('{"current_version":"any","events":null}', "invalid-request", ["/events"]),
    ('{"current_version":"any","events":[1]}', "invalid-request", ["/events/0"]),
    ('{"current_version":true,"events":[{"type":"T","data":1}]}', "invalid-request",
     ["/current_version"]),
    ('{"current_version":null,"events":[{"type":"T","data":1}]}', "invalid-request",
     ["/current_version"]),
    ('{"current_version":"any","events":[{"data":1}]}', "invalid-request", ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"T"}]}', "invalid-request", ["/events/0/data"]),
    ('{"current_version":"any","events":[{"type":1,"data":1}]}', "invalid-request",
     ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"data_base64":""}]}',
     "invalid-request", ["/events/0/data_base64"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"metadata":1,"metadata_base64":""}]}',
     "invalid-request", ["/events/0/metadata_base64"]),
    ('{"current_version":"any","events":[{"type":"T","data_base64":1}]}', "invalid-request",
     ["/events/0/data_base64"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"id":5}]}', "invalid-request",
     ["/events/0/id"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"content_type":null}]}',
     "invalid-request", ["/events/0/content_type"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"type":"T"}]}', "duplicate-member",
     ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"t\\u0079pe":"T"}]}',
     "duplicate-member", ["/events/0/type"]),
    ('{"current_version":"any","events":[],"events":[]}', "duplicate-member", ["/events"]),
    ('{"current_version":"any","events":[{"type":"T","dat":1,"data":1}]}', "unknown-member",
     ["/events/0/dat"]),
    ('{"current_version":"any","events":[{"Type":"T","type":"T","data":1}]}', "unknown-member",
     ["/events/0/Type"]),
    ('{"current_version":"any","x/y~z":1,"events":[{"type":"T","data":1}]}', "unknown-member",
     ["/x~1y~0z"]),
    ('{"current_version":"any","stream_name":"x","events":[{"type":"T","data":1}]}',
     "unknown-member", ["/stream_name"]),
]


@pytest.mark.parametrize("body, code, pointers", SHAPES)
def test_shape(refused, stream, body, code, pointers):
    refuse_body(refused, stream, body.encode(), 422, code, pointers)


def test_unknown_member_gets_the_nearest_name(refused, stream):
    body = b'{"current_version":"any","events":[{"type":"T","data":1,"metdata":1}]}'
    _, members = refuse_body(refused, stream, body, 422, "unknown-member", ["/events/0/metdata"])
    assert members["errors"][0]["hint"] == 'Did you mean "metadata"?'
    assert members["title"] == "Unknown member"


def test_all_shape_findings_in_document_order(refused, stream):
    body = (b'{"x":1,"current_version":"any","events":[{"y":1,"type":2,"data":1},{"type":"T"},'
            b'{"z":1,"type":"T","type":"T","data":1}]}')
    refuse_body(refused, stream, body, 422, "unknown-member", [
        "/x", "/events/0/y", "/events/0/type", "/events/1/data", "/events/2/z", "/events/2/type"])


def test_sixteen_findings_at_most(refused, stream):
    body = json.dumps({"current_version": "any", "events": [{"type": "T"}] * 20}).encode()
    refuse_body(refused, stream, body, 422, "invalid-request",
                [f"/events/{number}/data" for number in range(16)])


# -- 17: values ----------------------------------------------------------------------------

@pytest.mark.parametrize("body, pointers", [
    ('{"current_version":"any","events":[]}', ["/events"]),
    ('{"current_version":"any","events":[{"type":"","data":1}]}', ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"a\\u0000b","data":1}]}', ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"\\ud800","data":1}]}', ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"' + "t" * 4097 + '","data":1}]}',
     ["/events/0/type"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"content_type":"text/plain"}]}',
     ["/events/0/content_type"]),
    ('{"current_version":"any","events":[{"type":"T","data":1,"content_type":"Application/json"}]}',
     ["/events/0/content_type"]),
    ('{"current_version":"any","events":[{"type":"T","data_base64":"e30","id":"x"}]}',
     ["/events/0/data_base64", "/events/0/id"]),
    ('{"current_version":"any","events":[{"type":"T","data_base64":"e3s=",'
     '"content_type":"application/json"}]}', ["/events/0/data_base64"]),
    ('{"current_version":"any","events":[{"type":"T","data_base64":"",'
     '"content_type":"application/json"}]}', ["/events/0/data_base64"])])
def test_values(refused, stream, body, pointers):
    refuse_body(refused, stream, body.encode(), 422, "invalid-request", pointers)


@pytest.mark.parametrize("text", BAD_BASE64 + ["AA\\n==", "\\u0041"])
@pytest.mark.parametrize("member", ["data_base64", "metadata_base64"])
def test_bad_base64_in_the_body(refused, stream, text, member):
    data = '"data":1,' if member == "metadata_base64" else ""
    body = '{"current_version":"any","events":[{"type":"T",%s"%s":"%s"}]}' % (data, member, text)
    refuse_body(refused, stream, body.encode(), 422, "invalid-request", [f"/events/0/{member}"])


def test_url_base64_gets_a_hint(refused, stream):
    body = json.dumps(good(data=..., data_base64="-_-_")).encode()
    _, members = refuse_body(refused, stream, body, 422, "invalid-request",
                             ["/events/0/data_base64"])
    assert members["errors"][0]["hint"]


@pytest.mark.parametrize("text", BAD_UUIDS)
def test_bad_event_id_in_the_body(refused, stream, text):
    refuse_body(refused, stream, json.dumps(good(id=text)).encode(), 422, "invalid-request",
                ["/events/0/id"])


@pytest.mark.parametrize("text", BAD_EXPECTATIONS)
def test_bad_expectation_text_in_the_body(refused, stream, text):
    body = json.dumps({**good(), "current_version": text}).encode()
    refuse_body(refused, stream, body, 422, "invalid-request", ["/current_version"])


@pytest.mark.parametrize("number", ["-0", "1.0", "1e2", "-3", "-5", "-6", "9223372036854775808",
                                    "-9223372036854775809", "0.5", "1E0", "1" + "0" * 400])
def test_bad_expectation_number_in_the_body(refused, stream, number):
    body = '{"current_version":%s,"events":[{"type":"T","data":1}]}' % number
    refuse_body(refused, stream, body.encode(), 422, "invalid-request", ["/current_version"])


def test_all_value_findings_in_document_order(refused, stream):
    body = (b'{"current_version":"x","events":[{"id":"x","type":"","data":1},{"type":"T","data":1,'
            b'"content_type":"y"}]}')
    refuse_body(refused, stream, body, 422, "invalid-request", [
        "/current_version", "/events/0/id", "/events/0/type", "/events/1/content_type"])


@pytest.mark.parametrize("event, pointers", [
    ('{"type":"T","data":{}}', ["/events/0/type"]),
    ('{"type":"$Metadata","data":{}}', ["/events/0/type"]),
    ('{"type":"$metadata","data_base64":"AAE="}',
     among("/events/0/content_type", "/events/0/data_base64")),
    ('{"type":"$metadata","data":{},"content_type":"application/octet-stream"}',
     ["/events/0/content_type"])])
def test_events_for_a_metadata_stream(refused, stream, event, pointers):
    body = '{"current_version":"any","events":[%s]}' % event
    refused(post(events_target("$$" + stream), body=body.encode()), 422, "invalid-request",
            pointers)


def test_raw_event_for_a_metadata_stream(refused, stream):
    refused(post(events_target("$$" + stream) + "/Other?current_version=any", [JSON], b"{}"), 422,
            "invalid-request", ["path:type"], closes=None)


@pytest.mark.parametrize("data, pointer", [
    ("[]", ""), ("1", ""), ('{"$maxAge":1.5}', "/$maxAge"), ('{"$maxCount":"5"}', "/$maxCount"),
    ('{"$tb":-1}', "/$tb"), ('{"$cacheControl":1e3}', "/$cacheControl"),
    ('{"$tmp":1}', "/$tmp"), ('{"$acl":[]}', "/$acl"), ('{"$acl":{"$x":"a"}}', "/$acl/$x"),
    ('{"$acl":{"$r":1}}', "/$acl/$r"), ('{"$acl":{"$w":["a",1]}}', "/$acl/$w")])
def test_metadata_bodies_the_server_would_ignore(refused, stream, data, pointer):
    body = '{"current_version":"any","events":[{"type":"$metadata","data":%s}]}' % data
    place = "/events/0/data" + pointer
    refused(post(events_target("$$" + stream), body=body.encode()), 422, "invalid-request",
            among(place, place + "/1"))


def test_metadata_member_twice(refused, stream):
    body = (b'{"current_version":"any","events":[{"type":"$metadata",'
            b'"data":{"$tb":1,"$tb":2,"a":1,"a":2}}]}')
    refused(post(events_target("$$" + stream), body=body), 422, "duplicate-member",
            ["/events/0/data/$tb"])


def test_metadata_stream_takes_a_good_event(gateway, devdb, stream):
    body = ('{"current_version":"any","events":[{"type":"$metadata","data":'
            '{ "$maxAge":86400,"$maxCount":9223372036854775807,"$cacheControl":0,"$tmp":false,'
            '"$acl":{"$r":"a","$w":["b","c"],"$d":[],"$mr":"","$mw":"x"},"foo":{"$tb":1.5} }}]}')
    assert gateway.append("$$" + stream, body).status == 200
    assert devdb.read("$$" + stream)[0].type == b"$metadata"


# -- 16, 17 on lines -----------------------------------------------------------------------

@pytest.mark.parametrize("body, code, pointers", [
    ('{"type":"A","data":1}\n\n{"type":"B","data":1}\n', "invalid-request", ["/1"]),
    ('\n{"type":"B","data":1}\n', "invalid-request", ["/0"]),
    ('{"type":"A","data":1}\n \n', "invalid-request", ["/1"]),
    ('{"type":"A","data":1}\n[]\n', "invalid-request", ["/1"]),
    ('{"type":"A","data":1}\n{"data":1}\n', "invalid-request", ["/1/type"]),
    ('{"type":"A","data":1}\n{"type":"","data":1}\n', "invalid-request", ["/1/type"]),
    ('{"type":"A","data":1}\n{"type":"B","data":1,"x":1}\n', "unknown-member", ["/1/x"]),
    ('{"type":"A","data":1,"type":"B"}\n', "duplicate-member", ["/0/type"]),
    ('{"type":"A","data":1,"current_version":1}\n', "unknown-member", ["/0/current_version"]),
    ("", "invalid-request", among("", "/0")), ("\n", "invalid-request", among("", "/0"))])
def test_lines(refused, stream, body, code, pointers):
    refused(post(events_target(stream) + "?current_version=any",
                 [("Content-Type", "application/x-ndjson")], body.encode()), 422, code, pointers)


# -- 18: header or query against body ------------------------------------------------------

def test_header_against_body(refused, stream):
    refused(post(events_target(stream), [JSON, ("Kurrent-ExpectedVersion", "1")]), 400,
            "conflicting-parameters", among("/current_version", "header:Kurrent-ExpectedVersion"))


def test_query_against_body(refused, stream):
    refused(post(events_target(stream) + "?current_version=1"), 400, "conflicting-parameters",
            among("/current_version", "query:current_version"))


def test_envelope_without_expectation(refused, stream):
    body = envelope_of(None, [event_of()]).encode()
    refuse_body(refused, stream, body, 422, "invalid-request", ["/current_version"])


# -- 19: numbers ---------------------------------------------------------------------------

def test_too_many_events(refused, stream):
    body = envelope_of("any", [event_of(data="1")] * 1001).encode()
    _, members = refuse_body(refused, stream, body, 413, "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (1000, 1001)
    assert members["enforced_by"] == "gateway"


def test_too_many_lines(refused, stream):
    body = b'{"type":"A","data":1}\n' * 1001
    _, members = refused(post(events_target(stream) + "?current_version=any",
                              [("Content-Type", "application/x-ndjson")], body),
                         413, "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (1000, 1001)


# -- the first refusal wins ----------------------------------------------------------------

FAULTS = [
    # Each row has the fault of its step, and all the faults of the rows below it.
    ("framing", 400, "malformed-request", None),
    ("host", 403, "host-not-allowed", None),
    ("origin", 403, "origin-not-allowed", None),
    ("target", 400, "malformed-request", None),
    ("method", 405, "method-not-allowed", None),
    ("credentials", 400, "malformed-request", None),
    ("accept", 406, "not-acceptable", None),
    ("content-type", 415, "unsupported-media-type", None),
    ("header table", 422, "invalid-request", ["header:Kurrent-Timeout"]),
    ("length", 413, "body-too-large", None),
]


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=[fault[0] for fault in FAULTS])
def test_the_first_refusal_wins(refused, stream, first):
    """A request with the faults of a step and of all later ones gets the step's refusal."""
    names = [fault[0] for fault in FAULTS[first:]]
    target = events_target(stream) + ("/%zz" if "target" in names else "")
    fields = []
    for name, field in [("framing", ("Transfer-Encoding", "chunked")),
                        ("origin", ("Origin", "http://evil.example")),
                        ("credentials", ("Authorization", "Digest x")),
                        ("accept", ("Accept", "text/html")),
                        ("content-type", ("Content-Type", "text/plain")),
                        ("header table", ("Kurrent-Timeout", "soon"))]:
        if name in names:
            fields.append(field)
    if "content-type" not in names:
        fields.append(JSON)
    fields.append(("Content-Length", "99999999999"))
    method = "PATCH" if "method" in names else "POST"
    host = "evil.example" if "host" in names else "localhost"
    _, status, code, pointers = FAULTS[first]
    refused(request(method, target, fields, host=host), status, code, pointers, closes=True)


def test_route_before_method_and_name_before_method(refused):
    refused(request("PATCH", "/v1/nothing"), 404, "not-found")
    refused(request("PATCH", "/v1/streams/$$/events"), 422, "invalid-request", ["path:stream"])


def test_syntax_before_shape(refused, stream):
    refuse_body(refused, stream, b'{"x":1,"events":[{"y":1}]', 400, "malformed-json")


def test_shape_before_values(refused, stream):
    body = b'{"current_version":"x","events":[{"type":"","data":1,"y":1}]}'
    refuse_body(refused, stream, body, 422, "unknown-member", ["/events/0/y"])


def test_values_before_agreement(refused, stream):
    body = b'{"current_version":"any","events":[{"type":"","data":1}]}'
    refused(post(events_target(stream), [JSON, ("Kurrent-ExpectedVersion", "1")], body), 422,
            "invalid-request", ["/events/0/type"])


def test_agreement_before_numbers(refused, stream):
    body = envelope_of("any", [event_of(data="1")] * 1001).encode()
    refused(post(events_target(stream), [JSON, ("Kurrent-ExpectedVersion", "1")], body), 400,
            "conflicting-parameters", among("/current_version", "header:Kurrent-ExpectedVersion"))


def test_chunked_body_is_refused_after_reading(refused, stream):
    head = request("POST", events_target(stream), [JSON, ("Transfer-Encoding", "chunked")])
    refused(head + chunked([b"{", b"]"]), 400, "malformed-json")


def test_bodies_that_were_announced_but_not_read_close(gateway, stream):
    """The leftover bytes are never read as a request."""
    inner = request("POST", events_target(stream) + "/Smuggled?current_version=any", body=b"x")
    with gateway.connect() as connection:
        connection.send_blindly(request("POST", "/nowhere", body=inner))
        check_problem(connection.receive(), 404, "not-found")
        connection.expect_closed()
