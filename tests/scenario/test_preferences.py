# SPDX-License-Identifier: Apache-2.0
"""Prefer: int64=string, handling=strict and handling=lenient (RFC 7240; api-design 13.1, 14)."""

import pytest

from harness.gateway import (envelope_of, event_of, events_target, group_of, groups_of, record_of,
                             records_of)
from harness.problems import UUID, check_problem, check_success
from harness.wire import request

JSON = ("Content-Type", "application/json")
TEXT = "int64=string"


def append(gateway, stream, version="any", prefer=(TEXT,), headers=()):
    fields = [JSON, *[("Prefer", value) for value in prefer], *headers]
    return gateway.ask("POST", events_target(stream), fields,
                       envelope_of(version, [event_of()]).encode())


def test_numbers_as_texts(gateway, stream):
    answer = append(gateway, stream, "no_stream")
    assert answer.status == 200
    members = answer.json()
    assert members["current_version"] == "0"
    assert members["commit_position"] == answer.header("Kurrent-Position")
    assert members["commit_position"].isdigit()
    assert members["stream_name"] == stream and members["replayed"] is False
    assert [bool(UUID.fullmatch(each)) for each in members["event_ids"]] == [True]
    assert answer.header("Kurrent-CurrentVersion") == "0"
    assert answer.header("Preference-Applied") == TEXT


def test_numbers_in_a_problem(gateway, stream):
    append(gateway, stream, "no_stream")
    answer = append(gateway, stream, 7)
    members = check_problem(answer, 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == ("7", "0")
    assert members["status"] == 409
    assert answer.header("Preference-Applied") == TEXT


def numbers_in(value):
    """All integers of an answer but the status and places."""
    if isinstance(value, dict):
        return [found for name, each in value.items() if name not in ("status", "check_index")
                for found in numbers_in(each)]
    if isinstance(value, list):
        return [found for each in value for found in numbers_in(each)]
    return [value] if type(value) is int else []


def test_every_route_writes_texts(gateway, stream):
    prefer = {"Prefer": TEXT}
    answers = [
        gateway.append_raw(stream, "T", b"x", prefer, "?current_version=any"),
        gateway.append_cloudevents(stream, b"x", {**prefer, "ce-specversion": "1.0", "ce-id": "1",
                                                  "ce-type": "T", "ce-source": "/s"}),
        gateway.put_metadata(stream, b"{}", {**prefer, "If-None-Match": "*"}),
        gateway.multi_append(groups_of(group_of(stream, 1, [event_of()]),
                                       group_of(stream + "-m", "no_stream", [event_of()])), prefer),
        gateway.append_records(records_of([record_of(stream)], [(stream, 2)]), prefer),
    ]
    for answer in answers:
        assert answer.status == 200, answer
        assert answer.header("Preference-Applied") == TEXT
        members = answer.json()
        assert numbers_in(members) == [] and members["commit_position"].isdigit()
    assert answers[2].json()["current_version"] == "0"
    assert [each["current_version"] for each in answers[3].json()["streams"]] == ["2", "0"]


def test_conflicts_of_every_route_have_texts(gateway, stream):
    prefer = {"Prefer": TEXT}
    append(gateway, stream, "no_stream")
    gateway.put_metadata(stream, b"{}", {"If-None-Match": "*"})
    answer = gateway.put_metadata(stream, b"{ }", {**prefer, "If-Match": '"7"'})
    members = check_problem(answer, 412, "precondition-failed")
    assert (members["expected_version"], members["actual_version"]) == ("7", "0")
    answer = gateway.multi_append(groups_of(group_of(stream, 5, [event_of()])), prefer)
    members = check_problem(answer, 409, "wrong-current-version")
    assert numbers_in(members) == [] and members["actual_version"] == "0"
    answer = gateway.append_records(
        records_of([record_of(stream + "-k")], [(stream, 3), (stream + "-none", 1)]), prefer)
    members = check_problem(answer, 409, "consistency-checks-failed")
    assert [(each["check_index"], each["expected_state"], each["actual_state"])
            for each in members["failures"]] == [(0, "3", "0"), (1, "1", "no_stream")]


def test_words_stay_words(gateway, stream):
    append(gateway, stream, "no_stream")
    members = check_problem(append(gateway, stream, "no_stream"), 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == ("no_stream", "0")
    members = check_problem(append(gateway, stream + "-none", 3), 409, "wrong-current-version")
    assert (members["expected_version"], members["actual_version"]) == ("3", "no_stream")


def test_sizes_and_offsets_stay_numbers(gateway, stream):
    answer = gateway.append(stream, '{"current_version":"any" !', [("Prefer", TEXT)])
    members = check_problem(answer, 400, "malformed-json")
    assert members["byte_offset"] == 25
    events = envelope_of("any", [event_of()] * 1001)
    members = check_problem(gateway.append(stream, events, [("Prefer", TEXT)]), 413,
                            "append-too-large")
    assert (members["limit_events"], members["actual_events"]) == (1000, 1001)


def test_without_it_numbers_are_numbers(gateway, stream):
    answer = append(gateway, stream, prefer=())
    check_success(answer)
    assert answer.header("Preference-Applied") is None


@pytest.mark.parametrize("values, applied", [
    (["int64=string"], "int64=string"),
    (['INT64="string"'], "int64=string"),
    (["int64 = string ; foo"], "int64=string"),
    (["respond-async, wait=10", "int64=string"], "int64=string"),
    (["int64=string, int64=number"], "int64=string"),
    (["int64=number", "int64=string"], None),
    (["int64"], None), (["int64=String"], None), (["int64=string x"], None),
    ([""], None), (["return=minimal"], None),
    (["handling=strict"], "handling=strict"),
    (["handling=lenient, unknown"], "handling=lenient"),
    (["handling=lenient", "handling=strict, unknown"], "handling=lenient"),
    (["handling=strict", "handling=lenient", "int64=string"], "int64=string, handling=strict"),
])
def test_what_is_applied(gateway, stream, values, applied):
    answer = append(gateway, stream, prefer=values)
    assert answer.status == 200, answer
    assert answer.header("Preference-Applied") == applied
    is_text = applied is not None and applied.startswith(TEXT)
    assert isinstance(answer.json()["current_version"], str) == is_text


@pytest.mark.parametrize("values, unknown", [
    (["handling=strict, respond-async"], ["respond-async"]),
    (["respond-async", "handling=strict"], ["respond-async"]),
    (["handling=strict", "dry-run, append-once"], ["dry-run", "append-once"]),
    (["handling=strict, int64=number"], ["int64"]),
    (["handling=strict, int64=string, wait=10;a, return=minimal"], ["wait", "return"]),
    (["handling=strict, =x"], [""]),
])
def test_strict(refused, stream, values, unknown):
    content = request("POST", events_target(stream),
                      [JSON, *[("Prefer", value) for value in values]],
                      envelope_of("any", [event_of()]).encode())
    answer, members = refused(content, 400, "unknown-preference",
                              ["header:Prefer"] * len(unknown), closes=True)
    assert "handling=strict" in answer.header("Preference-Applied")
    for name, error in zip(unknown, members["errors"]):
        assert f'"{name}"' in error["detail"]
    assert "=10" not in answer.body.decode()


def test_strict_with_too_many(refused, stream):
    many = ", ".join(f"x{number}" for number in range(100))
    content = request("POST", events_target(stream),
                      [JSON, ("Prefer", "handling=strict, " + many)],
                      envelope_of("any", [event_of()]).encode())
    refused(content, 400, "unknown-preference", ["header:Prefer"] * 16, closes=True)


def test_strict_with_what_is_known(gateway, stream):
    check_success(append(gateway, stream, prefer=["handling=strict"]))


def test_other_routes(gateway, refused):
    answer = gateway.get("/v1/info", {"Prefer": "int64=string, unknown"})
    assert answer.status == 200 and answer.header("Preference-Applied") == TEXT
    refused(request("GET", "/v1/info", {"Prefer": "handling=strict, unknown"}), 400,
            "unknown-preference", ["header:Prefer"], method="GET")
    for target in ("/livez", "/readyz", "/problems"):
        answer = gateway.get(target, {"Prefer": "handling=strict, unknown"})
        assert answer.status == 200 and answer.header("Preference-Applied") is None


def test_media_type_comes_first(refused, stream):
    content = request("POST", events_target(stream),
                      [("Content-Type", "text/plain"), ("Prefer", "handling=strict, unknown")],
                      b"{}")
    refused(content, 415, "unsupported-media-type", closes=True)
