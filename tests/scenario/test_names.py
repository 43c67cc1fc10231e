# SPDX-License-Identifier: Apache-2.0
"""Stream names of every kind: a path segment is decoded once and is then data (api-design 2)."""

import pytest

from harness.gateway import envelope_of, event_of, segment
from harness.problems import check_problem, check_success

GOOD = envelope_of("any", [event_of()]).encode()
JSON = {"Content-Type": "application/json"}

NAMES = [
    "plain", "..", ".", "...", "a/b", "/", "//", "a//b", "a%2Fb", "%", "%00", "a b", " a", "a+b",
    "a?b", "a#b", "a&b=c", "naïve", "日本語", "😀", "\U0010ffff", "e\u0301", "é", "ﬀ", "İi", "ß",
    "\ufeff", "\u200b", "\u202e", "\x01", "\x1f\x7f", "a\r\nb", "\\", '"', "'", "{}", "$x", "$allx",
    "$all ", "$", "-", "_", "~", "order-1", "Order-1", "events", "v1", "*", "[::1]", "<x>",
    "a" * 1000, "é" * 2048, "\ufffd", "\ufffe",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_name(gateway, devdb, fresh, name):
    name = fresh(name)
    before = len(devdb.read(name))
    for version in (before, before + 1):
        answer = gateway.post(f"/v1/streams/{segment(name)}/events", GOOD, JSON)
        check_success(answer, name, version=version)
    assert len(devdb.read(name)) == before + 2


@pytest.mark.devdb_only
@pytest.mark.parametrize("name", ["$$x", "$$$x", "$$a/b", "$$$$"])
def test_name_of_a_metadata_stream(gateway, devdb, name):
    body = envelope_of("any", [event_of(type="$metadata", data='{"a":1}')]).encode()
    check_success(gateway.post(f"/v1/streams/{segment(name)}/events", body, JSON), name)
    assert devdb.read(name)[-1].data == b'{"a":1}'


@pytest.mark.parametrize("spelling, name", [
    ("%61%62", "ab"), ("%2e%2e", ".."), ("%2F", "/"), ("%2f", "/"), ("%252F", "%2F"),
    ("a+b", "a+b"),
    ("%C3%A9", "é"), ("%c3%a9", "é"), ("!$&'()*+,;=:@", "!$&'()*+,;=:@"), ("~-._", "~-._"),
    ("%F0%9F%98%80", "😀"), ('a"<>\\^`{|}', 'a"<>\\^`{|}')])
def test_spelling_of_a_segment(gateway, devdb, stream, spelling, name):
    answer = gateway.post(f"/v1/streams/{stream}{spelling}/events", GOOD, JSON)
    check_success(answer, stream + name)
    assert len(devdb.read(stream + name)) == 1


def test_names_differ_by_letter_case_and_normal_form(gateway, devdb, stream):
    for name in (stream + "a", stream + "A", stream + "é", stream + "e\u0301"):
        check_success(gateway.append_one(name, "no_stream"), name, version=0)


@pytest.mark.parametrize("name", ['a"b', "é", "😀", "\x01\n", "a\\b", "x\u2028", "x" * 4096],
                         ids=ascii)
def test_conflict_names_the_stream(gateway, fresh, name):
    name = fresh(name)
    gateway.append_one(name)
    members = check_problem(gateway.append_one(name, "no_stream"), 409, "wrong-current-version")
    assert members["stream_name"] == name
