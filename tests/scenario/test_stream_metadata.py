# SPDX-License-Identifier: Apache-2.0
"""G and P: stream metadata as a resource with entity tags and conditions (api-design 8)."""

import gzip
import json

import pytest

from harness import server
from harness.gateway import metadata_target
from harness.ids import P_ROUTE, derived_id, metadata_id
from harness.limits import wait_until
from harness.problems import (check_metadata, check_metadata_set, check_problem, check_success)
from harness.wire import request

NEVER_SET = {"If-None-Match": "*"}
JSON = {"Content-Type": "application/json"}
BIG = 9223372036854775807


def match(version):
    return {"If-Match": f'"{version}"'}


def query(version):
    return f"?current_version={version}"


def put_first(gateway, stream, count=1):
    """Metadata versions 0 to count - 1, each {"i":n}."""
    for i in range(count):
        check_metadata_set(gateway.put_metadata(stream, f'{{"i":{i}}}', query=query("any")),
                           stream, i)


def stored(devdb, stream):
    """The newest metadata event, which is the only one that can be read."""
    [event] = devdb.read("$$" + stream)
    return event


def check_conflict(answer, status, stream, expected, actual):
    code = {409: "wrong-current-version", 412: "precondition-failed"}[status]
    members = check_problem(answer, status, code)
    assert members["stream_name"] == stream
    assert members["expected_version"] == expected
    assert members["actual_version"] == actual
    assert answer.header("Kurrent-CurrentVersion") == str(actual)
    return members


# -- reading -------------------------------------------------------------------------------

def test_never_set(gateway, stream):
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")
    gateway.append_one(stream)
    check_metadata(gateway.get_metadata(stream), "{}", "no_stream")


def test_the_example_of_the_contract(start_devdb, start_gateway):
    """GET, edit, PUT: versions, positions, and the id that everybody can derive."""
    devdb = start_devdb()
    gateway = start_gateway(devdb.address)
    put_first(gateway, "order-123", 3)
    old = '{"$maxAge":86400,"foo":"bar"}'
    check_metadata_set(gateway.put_metadata("order-123", old, match(2)), "order-123", 3)
    check_metadata(gateway.get_metadata("order-123"), old, 3)
    new = '{"$maxAge":86400,"foo":"baz"}'
    check_metadata_set(gateway.put_metadata("order-123", new, match(3)), "order-123", 4,
                       replayed=None)
    check_metadata(gateway.get_metadata("order-123"), new, 4)
    event = stored(devdb, "order-123")
    assert event.id == "bdf369b3-5d5f-8770-835c-f14191c11bdc"


@pytest.mark.parametrize("body", [
    b"{}", b" \r\n\t{ }\n", b'{"a":1,"a":2}', b'{"n":12345678901234567890.10E+3,"m":-0}',
    b'{"\\u0061\\/":"\\ud83d\\ude00 \\ud800"}', '{"größe":"日本😀"}'.encode(),
    b'{"nested":{"$maxAge":"free","$acl":[null,true]}}', b'{"$future":1.5,"$MaxCount":"x"}',
    b'{"$acl":{"$r":"$all","$w":["a","b"],"$d":[],"$mr":"$admins","$mw":"$admins"},'
    b'"$maxAge":0,"$maxCount":9223372036854775807,"$tb":0,"$cacheControl":1,"$tmp":false}',
    b'{"text":"' + b"x" * 100_000 + b'"}'])
def test_bytes_come_back(gateway, devdb, stream, body):
    check_metadata_set(gateway.put_metadata(stream, body, NEVER_SET), stream, 0)
    check_metadata(gateway.get_metadata(stream), body, 0)
    event = stored(devdb, stream)
    assert (event.type, event.content_type) == (b"$metadata", "application/json")
    assert (event.data, event.metadata, event.revision) == (body, b"", 0)
    assert event.id == metadata_id(stream, "no_stream", body)


@pytest.mark.devdb_only
def test_large_metadata(gateway, stream):
    size = 10 * 2 ** 20 if server.is_at_least("25.1") else 1_000_000
    body = b'{"text":"' + b"x" * size + b'"}'
    check_metadata_set(gateway.put_metadata(stream, body, NEVER_SET), stream, 0)
    check_metadata(gateway.get_metadata(stream), body, 0)


def test_every_version_replaces_the_whole(gateway, stream):
    check_metadata_set(gateway.put_metadata(stream, '{"a":1,"b":2}', NEVER_SET), stream, 0)
    check_metadata_set(gateway.put_metadata(stream, '{"b":3}', match(0)), stream, 1)
    check_metadata(gateway.get_metadata(stream), '{"b":3}', 1)


@pytest.mark.parametrize("is_set", [False, True])
def test_head_is_get_without_the_body(gateway, stream, is_set):
    if is_set:
        gateway.put_metadata(stream, '{"a":1}', NEVER_SET)
    with gateway.connect() as connection:
        answers = []
        for method in ("GET", "HEAD"):
            connection.send(request(method, metadata_target(stream), {"X-Request-Id": "same"}))
            answers.append(connection.receive(method))
        connection.expect_open()
    varying = ("date", "server-timing")
    get, head = [[(name, value) for name, value in each.fields if name.lower() not in varying]
                 for each in answers]
    assert get == head
    assert answers[1].status == 200 and answers[1].body == b""
    assert answers[1].header("Content-Length") == str(len(answers[0].body))


def test_read_through_a_small_table_of_names(gateway, fresh):
    """$ streams have metadata like all others, and a name is data: decoded once."""
    for name in ("$system", "größe/日本😀", "a b", "%41", "..", "#?&", "metadata"):
        name = fresh(name)
        check_metadata_set(gateway.put_metadata(name, '{"x":1}', NEVER_SET), name, 0)
        check_metadata(gateway.get_metadata(name), '{"x":1}', 0)


def test_the_longest_name(gateway, devdb, fresh):
    name = fresh("n" * 4096)
    assert len(name) == 4096
    check_metadata_set(gateway.put_metadata(name, '{"x":1}', NEVER_SET), name, 0)
    check_metadata(gateway.get_metadata(name), '{"x":1}', 0)
    assert stored(devdb, name).data == b'{"x":1}'


@pytest.mark.parametrize("members", [
    {"data": b"[1]"}, {"data": b'"x"'}, {"data": b"null"}, {"data": b""}, {"data": b'{"a":1} x'},
    {"data": b'\xef\xbb\xbf{"a":1}'}, {"data": b"{'a':1}"}, {"data": b'{"a":1,}'},
    {"data": b'{"a":"\xff"}'}, {"data": b'{"a":1'},
    {"data": b'{"a":1}', "content_type": "application/octet-stream"}])
@pytest.mark.devdb_only
def test_metadata_that_the_database_does_not_obey(gateway, devdb, stream, members):
    put_first(gateway, stream)
    devdb.store("$$" + stream, **{"event_type": "$metadata", **members})
    for method in ("GET", "HEAD"):
        answer = gateway.get_metadata(stream, method=method)
        assert answer.status == 502
    answer = gateway.get_metadata(stream)
    assert "ersion 1" in check_problem(answer, 502, "database-error")["detail"]
    check_metadata_set(gateway.put_metadata(stream, '{"b":2}', match(1)), stream, 2)
    check_metadata(gateway.get_metadata(stream), '{"b":2}', 2)


@pytest.mark.devdb_only
def test_metadata_under_another_type(gateway, devdb, stream):
    """The database obeys it all the same, so it is the metadata."""
    for _ in range(3):
        gateway.append_one(stream)
    devdb.store("$$" + stream, b'{"$maxCount":1}', "Other")
    assert [event.revision for event in devdb.read(stream)] == [2]
    check_metadata(gateway.get_metadata(stream), '{"$maxCount":1}', 0)


# -- conditions of a read ------------------------------------------------------------------

@pytest.mark.parametrize("fields, is_known", [
    (['"1"'], True), (['W/"1"'], True), (['"0", "1"'], True), (['"0","x" , W/"1"'], True),
    (['"0"', '"1"'], True), (["*"], True), ([", ,"], False), ([""], False), (['"0"'], False),
    (['"no_stream"'], False), (['"01"'], False), (['"0,1"'], False)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(gateway, stream, method, fields, is_known):
    put_first(gateway, stream, 2)
    headers = [("If-None-Match", value) for value in fields]
    with gateway.connect() as connection:
        connection.send(request(method, metadata_target(stream), headers))
        answer = connection.receive(method)
        connection.expect_open()
    if not is_known:
        assert answer.status == 200
        return
    assert answer.status == 304
    assert answer.body == b""
    assert answer.header("ETag") == '"1"'
    assert answer.header("Kurrent-CurrentVersion") == "1"
    assert answer.header("Cache-Control") == "no-cache"
    assert answer.header("Date") and answer.header("X-Request-Id")
    assert answer.header("Content-Type") is None
    # Left out, or that of the 200 (RFC 9110, 8.6).
    assert answer.header("Content-Length") in (None, str(len('{"i":1}')))


def test_if_none_match_of_what_was_never_set(gateway, stream):
    for value in ('"no_stream"', 'W/"no_stream", "0"', "*"):
        answer = gateway.get_metadata(stream, {"If-None-Match": value})
        assert (answer.status, answer.header("ETag")) == (304, '"no_stream"')
    check_metadata(gateway.get_metadata(stream, {"If-None-Match": '"0"'}), "{}", "no_stream")


@pytest.mark.parametrize("value", ["1", "no_stream", '"1', '"1" "2"', '"1 "', '*, "1"', '"1",*',
                                   "w/\"1\""])
def test_if_none_match_that_is_no_list_of_tags(gateway, stream, value):
    answer = gateway.get_metadata(stream, {"If-None-Match": value})
    check_problem(answer, 422, "invalid-request", ["header:If-None-Match"])


@pytest.mark.parametrize("name", ["If-Match", "Kurrent-ExpectedVersion", "Kurrent-EventId",
                                  "Kurrent-Anything"])
def test_headers_that_a_read_does_not_define(gateway, stream, name):
    answer = gateway.get_metadata(stream, {name: '"1"'})
    check_problem(answer, 400, "conflicting-parameters", [f"header:{name}"])


@pytest.mark.parametrize("name", ["current_version", "event_id", "x"])
def test_parameters_that_a_read_does_not_have(gateway, stream, name):
    answer = gateway.get_metadata(stream, query=f"?{name}=1")
    check_problem(answer, 422, "unknown-member", [f"query:{name}"])


def test_a_read_with_a_body(gateway, stream):
    for method in ("GET", "HEAD"):
        answer = gateway.ask(method, metadata_target(stream), body=b"{}")
        assert answer.status == 400
        assert answer.header("Connection") == "close"


# -- expectations of a write ---------------------------------------------------------------

MET = [
    (None, NEVER_SET, ""), (None, match("no_stream"), ""),
    (None, {"Kurrent-ExpectedVersion": "no_stream"}, ""), (None, {}, query("no_stream")),
    (None, {}, query("-1")), (None, {}, query("any")), (None, {}, query("-2")),
    (None, {**NEVER_SET, **match("no_stream"), "Kurrent-ExpectedVersion": "-1"},
     query("no_stream")),
    (1, match(1), ""), (1, {"If-Match": "*"}, ""), (1, {"Kurrent-ExpectedVersion": "1"}, ""),
    (1, {"Kurrent-ExpectedVersion": "exists"}, ""), (1, {}, query("1")), (1, {}, query("exists")),
    (1, {}, query("-4")), (1, {}, query("any")), (1, {**match(1)}, query("1")),
    (1, {"If-Match": "*", "Kurrent-ExpectedVersion": "-4"}, query("exists"))]


@pytest.mark.parametrize("version, headers, target_query", MET)
def test_expectation_that_is_met(gateway, devdb, stream, version, headers, target_query):
    put_first(gateway, stream, 0 if version is None else version + 1)
    answer = gateway.put_metadata(stream, '{"new":1}', headers, target_query)
    check_metadata_set(answer, stream, 0 if version is None else version + 1)
    assert stored(devdb, stream).data == b'{"new":1}'


MISSED = [
    (1, match(0), "", 412, 0), (1, match(2), "", 412, 2), (1, match(BIG), "", 412, BIG),
    (1, match("no_stream"), "", 412, "no_stream"), (1, NEVER_SET, "", 412, "no_stream"),
    (None, match(0), "", 412, 0), (None, {"If-Match": "*"}, "", 412, "exists"),
    (1, match(0), query("0"), 412, 0),
    (1, {**match(0), "Kurrent-ExpectedVersion": "0"}, "", 412, 0),
    (1, {}, query("0"), 409, 0), (1, {"Kurrent-ExpectedVersion": "2"}, "", 409, 2),
    (1, {}, query("no_stream"), 409, "no_stream"), (None, {}, query("exists"), 409, "exists"),
    (None, {}, query("0"), 409, 0)]


@pytest.mark.parametrize("version, headers, target_query, status, expected", MISSED)
def test_expectation_that_is_missed(gateway, devdb, stream, version, headers, target_query, status,
                                    expected):
    put_first(gateway, stream, 0 if version is None else version + 1)
    before = devdb.read("$$" + stream)
    answer = gateway.put_metadata(stream, '{"new":1}', headers, target_query)
    members = check_conflict(answer, status, stream, expected,
                             "no_stream" if version is None else version)
    assert ("never set" if version is None else "version 1") in members["detail"]
    assert [event.id for event in devdb.read("$$" + stream)] == [event.id for event in before]


def test_events_of_the_stream_do_not_count(gateway, stream):
    """The metadata has versions of its own."""
    for _ in range(3):
        gateway.append_one(stream)
    check_conflict(gateway.put_metadata(stream, "{}", match(2)), 412, stream, 2, "no_stream")
    check_metadata_set(gateway.put_metadata(stream, "{}", NEVER_SET), stream, 0)
    check_success(gateway.append_one(stream, 2), stream, version=3)


def test_metadata_before_the_stream(gateway, stream):
    """`exists` is satisfied by metadata alone, `no_stream` still by the absence of events."""
    check_metadata_set(gateway.put_metadata(stream, "{}", NEVER_SET), stream, 0)
    check_success(gateway.append_one(stream, "no_stream"), stream, version=0)


def test_no_expectation(refused, stream):
    _, members = refused(request("PUT", metadata_target(stream), JSON, b"{}"), 428,
                         "precondition-required", closes=True, method="PUT")
    assert "If-Match" in members["detail"]


@pytest.mark.devdb_only
def test_default_expectation_is_not_for_metadata(devdb, start_gateway, stream):
    gateway = start_gateway(devdb.address, default_current_version="any")
    check_problem(gateway.put_metadata(stream, "{}"), 428, "precondition-required")


@pytest.mark.parametrize("tag, expected", [('W/"1"', 1), ('W/"0"', 0), ('W/"7"', 7),
                                           ('W/"no_stream"', "no_stream")])
def test_weak_tag(gateway, devdb, stream, tag, expected):
    """A weak tag never matches, not even that of the version which is there."""
    put_first(gateway, stream, 2)
    answer = gateway.put_metadata(stream, '{"new":1}', {"If-Match": tag})
    members = check_conflict(answer, 412, stream, expected, 1)
    assert "weak" in members["detail"]
    assert stored(devdb, stream).data == b'{"i":1}'


@pytest.mark.parametrize("name, value", [
    ("If-Match", value) for value in
    ('"1", "2"', '"1","1"', "1", "", '""', '"any"', '"exists"', '"01"', '"-1"', '"+1"', '"1.0"',
     '"9223372036854775808"', '"No_Stream"', '"deleted"', '*, "1"', "'1'", '"1', 'W/"x"', 'W/1',
     'w/"1"', '"1"x', "no_stream")] + [
    ("If-None-Match", value) for value in ('"1"', '"no_stream"', "", "1", "*,*", '*, "1"')])
def test_condition_of_another_form(refused, stream, name, value):
    refused(request("PUT", metadata_target(stream), {**JSON, name: value}, b"{}"), 422,
            "invalid-request", [f"header:{name}"], closes=True, method="PUT")


def test_a_condition_twice(refused, stream):
    target = metadata_target(stream)
    content = [*JSON.items(), ("If-Match", '"1"'), ("If-Match", '"1"')]
    refused(request("PUT", target, content, b"{}"), 400, "malformed-request", closes=True,
            method="PUT")
    content = [*JSON.items(), ("If-None-Match", "*"), ("If-None-Match", "*")]
    refused(request("PUT", target, content, b"{}"), 422, "invalid-request",
            ["header:If-None-Match"], closes=True, method="PUT")


@pytest.mark.parametrize("headers, target_query, pointer", [
    ({**match(1), **NEVER_SET}, "", "header:If-None-Match"),
    ({"If-Match": "*", **NEVER_SET}, "", "header:If-None-Match"),
    ({**match(1), "Kurrent-ExpectedVersion": "2"}, "", "header:If-Match"),
    ({"If-Match": "*", "Kurrent-ExpectedVersion": "any"}, "", "header:If-Match"),
    (match(1), query("2"), "query:current_version"),
    (NEVER_SET, query("any"), "query:current_version"),
    (NEVER_SET, query("0"), "query:current_version"),
    ({"If-Match": 'W/"1"'}, query("2"), "query:current_version"),
    ({"Kurrent-ExpectedVersion": "1"}, query("2"), "query:current_version"),
    ({}, "?current_version=1&current_version=2", "query:current_version")])
def test_expectations_that_disagree(refused, stream, headers, target_query, pointer):
    refused(request("PUT", metadata_target(stream) + target_query, {**JSON, **headers}, b"{}"),
            400, "conflicting-parameters", [pointer], closes=True, method="PUT")


@pytest.mark.parametrize("value", ["deleted", "tombstoned", "-3", "-5", "01", "+1", "1.0", "",
                                   "9223372036854775808", "EXISTS"])
def test_expectation_that_is_none(refused, stream, value):
    refused(request("PUT", metadata_target(stream) + query(value), JSON, b"{}"), 422,
            "invalid-request", ["query:current_version"], closes=True, method="PUT")


# -- ids and replays -----------------------------------------------------------------------

@pytest.mark.parametrize("expectation", ["any", "exists"])
def test_a_b_and_a_again_ends_with_a(gateway, devdb, stream, expectation):
    put_first(gateway, stream)
    for version, body in enumerate([b'{"a":1}', b'{"b":1}', b'{"a":1}'], start=1):
        answer = gateway.put_metadata(stream, body, query=query(expectation))
        check_metadata_set(answer, stream, version, replayed=False)
    check_metadata(gateway.get_metadata(stream), '{"a":1}', 3)
    assert stored(devdb, stream).revision == 3


@pytest.mark.parametrize("first", ["no_stream", 0])
def test_the_same_write_again_is_a_replay(gateway, devdb, stream, first):
    """Not a 412: the version has moved by exactly that write."""
    put_first(gateway, stream, 0 if first == "no_stream" else 1)
    version = 0 if first == "no_stream" else 1
    check_metadata_set(gateway.put_metadata(stream, '{"x":1}', match(first)), stream, version,
                       replayed=None)
    for headers, target_query in ((match(first), ""), ({}, query(first))):
        answer = gateway.put_metadata(stream, '{"x":1}', headers, target_query)
        check_metadata_set(answer, stream, version, replayed=True)
    event = stored(devdb, stream)
    assert (event.revision, event.id) == (version, metadata_id(stream, first, b'{"x":1}'))


def test_another_body_at_the_same_version_is_no_replay(gateway, devdb, stream):
    put_first(gateway, stream)
    check_metadata_set(gateway.put_metadata(stream, '{"x":1}', match(0)), stream, 1)
    check_conflict(gateway.put_metadata(stream, '{"x":1} ', match(0)), 412, stream, 0, 1)
    assert stored(devdb, stream).data == b'{"x":1}'


def test_a_replay_after_others_went_on(gateway, devdb, stream):
    """The answer is that of the first time: its own version, whatever came after it."""
    check_metadata_set(gateway.put_metadata(stream, '{"x":1}', NEVER_SET), stream, 0)
    check_metadata_set(gateway.put_metadata(stream, '{"y":1}', match(0)), stream, 1)
    check_metadata_set(gateway.put_metadata(stream, '{"x":1}', NEVER_SET), stream, 0,
                       replayed=True)
    check_metadata(gateway.get_metadata(stream), '{"y":1}', 1)
    assert stored(devdb, stream).revision == 1


def test_a_key_with_any(gateway, devdb, stream):
    headers = {"Idempotency-Key": f"key-{stream}"}
    check_metadata_set(gateway.put_metadata(stream, "{}", headers, query("any")), stream, 0)
    assert stored(devdb, stream).id == derived_id(stream, f"key-{stream}", 0, P_ROUTE)
    answer = gateway.put_metadata(stream, "{}", headers, query("any"))
    check_metadata_set(answer, stream, 0, replayed=True)
    assert stored(devdb, stream).revision == 0


def test_a_key_does_not_change_the_id_of_an_exact_write(gateway, devdb, stream):
    headers = {**NEVER_SET, "Idempotency-Key": f"key-{stream}"}
    check_metadata_set(gateway.put_metadata(stream, "{}", headers), stream, 0)
    assert stored(devdb, stream).id == metadata_id(stream, "no_stream", b"{}")


# -- the body ------------------------------------------------------------------------------

@pytest.mark.parametrize("body, pointers", [
    ("[]", [""]), ('"x"', [""]), ("null", [""]), ("1", [""]),
    ('{"$maxAge":1.0}', ["/$maxAge"]), ('{"$maxAge":1e3}', ["/$maxAge"]),
    ('{"$maxAge":-1}', ["/$maxAge"]), ('{"$maxCount":"2"}', ["/$maxCount"]),
    ('{"$maxCount":9223372036854775808}', ["/$maxCount"]), ('{"$tb":null}', ["/$tb"]),
    ('{"$cacheControl":true}', ["/$cacheControl"]), ('{"$tmp":1}', ["/$tmp"]),
    ('{"$acl":null}', ["/$acl"]), ('{"$acl":{"$x":"a"}}', ["/$acl/$x"]),
    ('{"$acl":{"$r":5}}', ["/$acl/$r"]), ('{"$acl":{"$r":["a",5,"b",null]}}',
                                          ["/$acl/$r/1", "/$acl/$r/3"]),
    ('{"$tb":1.5,"free":1,"$\\u006daxAge":"x","$acl":[]}', ["/$tb", "/$maxAge", "/$acl"])])
def test_rules_of_the_body(refused, stream, body, pointers):
    """One float, and the server would ignore all of it without a word."""
    refused(request("PUT", metadata_target(stream), {**JSON, **NEVER_SET}, body.encode()), 422,
            "invalid-request", pointers, method="PUT")


@pytest.mark.parametrize("body, pointers", [
    ('{"$maxAge":1,"$maxAge":1}', ["/$maxAge"]), ('{"$tb":1,"\\u0024tb":1}', ["/$tb"]),
    ('{"$acl":{"$r":"a","$r":"b"}}', ["/$acl/$r"])])
def test_members_of_the_database_twice(refused, stream, body, pointers):
    refused(request("PUT", metadata_target(stream), {**JSON, **NEVER_SET}, body.encode()), 422,
            "duplicate-member", pointers, method="PUT")


@pytest.mark.parametrize("body, offset", [
    (b"", 0), (b" ", 1), (b"{", 1), (b'{"a":1,}', 7), (b'{"$maxAge":1.0} x', 16), (b"{'a':1}", 1),
    (b'\xef\xbb\xbf{}', 0), (b'{"a":"\xff"}', 6), (b'{"a":"\x00"}', 6), (b"{/**/}", 1),
    (b'{"a":' * 513 + b"1" + b"}" * 513, 512 * 5)])
def test_broken_json(refused, stream, body, offset):
    """Syntax comes before rules, and the whole body counts."""
    _, members = refused(request("PUT", metadata_target(stream), {**JSON, **NEVER_SET}, body), 400,
                         "malformed-json", method="PUT")
    assert members["byte_offset"] == offset


def test_depth(gateway, stream):
    body = b'{"a":' * 512 + b"1" + b"}" * 512
    check_metadata_set(gateway.put_metadata(stream, body, NEVER_SET), stream, 0)
    check_metadata(gateway.get_metadata(stream), body, 0)


@pytest.mark.devdb_only
def test_payload_checks_that_are_off_are_on_for_metadata(devdb, start_gateway, stream):
    gateway = start_gateway(devdb.address, validate_json_payloads="false")
    answer = gateway.put_metadata(stream, '{"$maxAge":1.0}', NEVER_SET)
    check_problem(answer, 422, "invalid-request", ["/$maxAge"])
    check_problem(gateway.put_metadata(stream, "{", NEVER_SET), 400, "malformed-json")


# -- path, methods, headers ----------------------------------------------------------------

@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
def test_name_of_the_metadata_stream(gateway, devdb, method):
    before = devdb.written()
    answer = gateway.ask(method, "/v1/streams/$$order-1/metadata", {**JSON, **NEVER_SET},
                         b"{}" if method == "PUT" else None)
    assert answer.status == 422
    if method != "HEAD":
        members = check_problem(answer, 422, "invalid-request", ["path:stream"])
        assert "$$" in members["errors"][0]["hint"]
    assert devdb.written() == before


@pytest.mark.parametrize("name", ["%24%24a", "$$$$a", "$$", "$all", "%20", "%09%C2%A0", "n" * 4097])
def test_names_that_are_refused(gateway, name):
    answer = gateway.get(f"/v1/streams/{name}/metadata")
    check_problem(answer, 422, "invalid-request", ["path:stream"])


@pytest.mark.parametrize("path", ["/v1/streams//metadata", "/v1/streams/a/metadata/",
                                  "/v1/streams/a/Metadata", "/v1/streams/a/metadata/x"])
def test_paths_that_are_none(gateway, path):
    check_problem(gateway.get(path), 404, "not-found")


def test_methods(gateway, stream):
    allow = "GET, HEAD, PUT, OPTIONS"
    answer = gateway.ask("OPTIONS", metadata_target(stream))
    assert (answer.status, answer.header("Allow"), answer.body) == (204, allow, b"")
    for method in ("POST", "DELETE", "PATCH", "put", "TRACE"):
        answer = gateway.ask(method, metadata_target(stream))
        check_problem(answer, 405, "method-not-allowed")
        assert answer.header("Allow") == allow
    answer = gateway.ask("PUT", f"/v1/streams/{stream}/events")
    check_problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("fields", [
    {}, {"Content-Type": "application/x-ndjson"}, {"Content-Type": "text/json"},
    {"Content-Type": "application/merge-patch+json"}, {"Content-Type": ""},
    {"Content-Type": "application/json; charset=latin1"},
    {"Content-Type": "application/x-www-form-urlencoded"}])
def test_media_types(refused, stream, fields):
    answer, members = refused(
        request("PUT", metadata_target(stream), {**fields, **NEVER_SET}, b"{}"), 415,
        "unsupported-media-type", closes=True, method="PUT")
    assert members["accepted_types"] == ["application/json"]
    assert answer.header("Accept") == "application/json"
    assert answer.header("Accept-Post") is None


def test_accept(gateway, stream):
    for answer in (gateway.get_metadata(stream, {"Accept": "text/html"}),
                   gateway.put_metadata(stream, "{}", {**NEVER_SET, "Accept": "text/html"})):
        check_problem(answer, 406, "not-acceptable")


@pytest.mark.parametrize("name", ["Kurrent-EventId", "Kurrent-EventType", "Kurrent-Metadata",
                                  "Kurrent-Nothing"])
def test_headers_that_a_write_does_not_define(refused, stream, name):
    headers = {**JSON, **NEVER_SET, name: "x"}
    refused(request("PUT", metadata_target(stream), headers, b"{}"), 400,
            "conflicting-parameters", [f"header:{name}"], closes=True, method="PUT")


@pytest.mark.parametrize("order, status, code", [
    ({"Content-Type": "text/plain", "If-Match": "1"}, 415, "unsupported-media-type"),
    ({**JSON, "Kurrent-Nothing": "1", "If-Match": "1"}, 400, "conflicting-parameters"),
    ({**JSON, "If-Match": "1"}, 422, "invalid-request"),
    (JSON, 428, "precondition-required"),
    ({**JSON, "If-Match": 'W/"1"'}, 400, "malformed-json")])
def test_order_of_checks(gateway, stream, order, status, code):
    answer = gateway.put_metadata(stream, "{", order)
    assert (answer.status, answer.json()["code"]) == (status, code)


def test_integers_as_strings(gateway, stream):
    headers = {"Prefer": "int64=string"}
    answer = gateway.put_metadata(stream, "{}", {**NEVER_SET, **headers})
    members = answer.json()
    assert (answer.status, members["current_version"]) == (200, "0")
    assert members["commit_position"] == answer.header("Kurrent-Position")
    assert answer.header("ETag") == '"0"'
    answer = gateway.put_metadata(stream, '{"a":1}', {**match(7), **headers})
    members = check_problem(answer, 412, "precondition-failed")
    assert (members["expected_version"], members["actual_version"]) == ("7", "0")
    answer = gateway.put_metadata(stream, '{"a":1}', {**NEVER_SET, **headers})
    members = check_problem(answer, 412, "precondition-failed")
    assert (members["expected_version"], members["actual_version"]) == ("no_stream", "0")
    check_metadata(gateway.get_metadata(stream, headers), "{}", 0)


def test_compressed_body(gateway, devdb, stream):
    """The metadata, and so its id, is what was compressed."""
    body = b'{"text":"' + b"x" * 5000 + b'"}'
    headers = {**NEVER_SET, "Content-Encoding": "gzip"}
    check_metadata_set(gateway.put_metadata(stream, gzip.compress(body), headers), stream, 0)
    check_metadata(gateway.get_metadata(stream), body, 0)
    assert stored(devdb, stream).id == metadata_id(stream, "no_stream", body)
    answer = gateway.put_metadata(stream, body, NEVER_SET)
    check_metadata_set(answer, stream, 0, replayed=True)


def test_strict_handling(gateway, stream):
    headers = {"Prefer": "handling=strict, int64=string"}
    answer = gateway.put_metadata(stream, "{}", {**NEVER_SET, **headers})
    assert (answer.status, answer.json()["current_version"]) == (200, "0")
    headers = {"Prefer": "handling=strict, dry-run"}
    for answer in (gateway.put_metadata(stream, "{}", {**match(0), **headers}),
                   gateway.get_metadata(stream, headers)):
        check_problem(answer, 400, "unknown-preference", ["header:Prefer"])


# -- what the metadata does ----------------------------------------------------------------

def test_hidden_events(gateway, devdb, stream):
    """$tb hides events; metadata without it shows them again."""
    for _ in range(3):
        gateway.append_one(stream)

    def visible():
        return [event.revision for event in devdb.read(stream)]
    gateway.put_metadata(stream, '{"$tb":2}', NEVER_SET)
    wait_until(lambda: visible() == [2], 5, "the older events are hidden")
    gateway.put_metadata(stream, '{"free":1}', match(0))
    wait_until(lambda: visible() == [0, 1, 2], 5, "all events are back")


@pytest.mark.devdb_only
def test_soft_deleted_stream(gateway, devdb, stream):
    """A write undeletes, and the server adds one more version of its own."""
    for _ in range(3):
        gateway.append_one(stream)
    devdb.delete(stream)
    check_metadata(gateway.get_metadata(stream), f'{{"$tb":{BIG}}}', 0)
    check_conflict(gateway.put_metadata(stream, "{}", NEVER_SET), 412, stream, "no_stream", 0)
    check_metadata_set(gateway.put_metadata(stream, '{"a":1}', match(0)), stream, 1)
    answer = gateway.get_metadata(stream)
    assert (answer.status, answer.header("ETag")) == (200, '"2"')
    assert json.loads(answer.body) == {"a": 1, "$tb": 3}
    check_success(gateway.append_one(stream, 2), stream, version=3)


TOMBSTONED = ["plain", "größe-日本", "a\tb", "\N{DELETE}x", "with space"]


@pytest.mark.parametrize("name", TOMBSTONED)
@pytest.mark.parametrize("is_set", [False, True])
@pytest.mark.devdb_only
def test_tombstoned_stream(gateway, devdb, stream, name, is_set):
    """The server would take the write while it remembers the metadata's version."""
    name = f"{stream}-{name}"
    gateway.append_one(name)
    if is_set:
        put_first(gateway, name)
    devdb.tombstone(name)
    before = devdb.written()
    for method in ("GET", "HEAD"):
        assert gateway.get_metadata(name, method=method).status == 410
    members = check_problem(gateway.get_metadata(name), 410, "stream-tombstoned")
    assert members["stream_name"] == name
    for headers, target_query in ((match(0), ""), (NEVER_SET, ""), ({}, query("any")),
                                  ({"If-Match": "*"}, ""), ({"If-Match": 'W/"0"'}, "")):
        answer = gateway.put_metadata(name, "{}", headers, target_query)
        assert check_problem(answer, 410, "stream-tombstoned")["stream_name"] == name
    assert devdb.written() == before
