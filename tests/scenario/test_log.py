# SPDX-License-Identifier: Apache-2.0
"""The log: one line a request, and never a secret or a payload (api-design 15.1)."""

import json

import pytest

from harness.gateway import envelope_of, event_of
from harness.limits import wait_until

SECRETS = {"Authorization": "Basic c2VjcmV0LXVzZXI6c2VjcmV0LXdvcmQ=",
           "Idempotency-Key": "secret-key-12", "X-Secret": "secret-header-3"}
MARKS = ["secret-user", "secret-word", "c2VjcmV0LXVzZXI6c2VjcmV0LXdvcmQ", "secret-payload",
         "secret-metadata", "secret-key-12", "secret-header-3"]


def lines_after(gateway, since, count):
    def find():
        lines = gateway.request_lines(since)
        return lines if len(lines) >= count else None
    return wait_until(find, 5, f"{count} request lines in the log")


def test_one_line_a_request(gateway, stream):
    since = len(gateway.lines)
    gateway.append_one(stream, headers={"X-Request-Id": "line-1"})
    gateway.append_one(stream, 7, headers={"X-Request-Id": "line-2"})
    gateway.get("/v1/info", {"X-Request-Id": "line-3"})
    gateway.get("/nowhere", {"X-Request-Id": "line-4"})
    lines = lines_after(gateway, since, 4)
    assert [line["request_id"] for line in lines] == ["line-1", "line-2", "line-3", "line-4"]
    assert [line["status"] for line in lines] == [200, 409, 200, 404]
    assert [line.get("code") for line in lines] == [
        None, "wrong-current-version", None, "not-found"]
    assert lines[0]["method"] == "POST"
    assert lines[0]["route"] == "/v1/streams/{stream}/events"
    assert lines[1]["outcome"] == "not_written"
    assert lines[3]["route"] == "other"


def test_request_id_of_the_answer_is_logged(gateway, stream):
    since = len(gateway.lines)
    answer = gateway.append_one(stream)
    [line] = lines_after(gateway, since, 1)
    assert line["request_id"] == answer.header("X-Request-Id")


def test_probes_are_not_logged_at_info(gateway, stream):
    since = len(gateway.lines)
    for target in ("/livez", "/readyz", "/readyz/leader"):
        gateway.get(target)
    gateway.append_one(stream)
    lines = lines_after(gateway, since, 1)
    assert len(lines) == 1


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("log_level", ["info", "debug"])
def test_no_secrets_and_no_payloads(start_gateway, devdb, stream, log_format, log_level):
    gateway = start_gateway(devdb.address, log_format=log_format, log_level=log_level)
    envelope = envelope_of("any", [event_of(data='{"a":"secret-payload"}',
                                            metadata='{"a":"secret-metadata"}')])
    assert gateway.append(stream, envelope, SECRETS).status == 200
    answers = [
        gateway.append(stream, envelope.replace("}]}", "]}"), SECRETS),
        gateway.append(stream, envelope, {**SECRETS, "Kurrent-ExpectedVersion": "7"}),
        gateway.append(stream, envelope.replace('"type"', '"secret-payload"'), SECRETS),
        gateway.append_raw(stream, "T", b"secret-payload",
                           {**SECRETS, "Kurrent-Metadata": '{"secret-metadata"'},
                           "?current_version=any"),
        gateway.append_one(stream, 77, headers=SECRETS, data='"secret-payload"'),
        gateway.append(stream, envelope, {**SECRETS, "Idempotency-Key": "secret-key-12 \\"}),
    ]
    gateway.stop()
    text = "\n".join(gateway.lines)
    for mark in MARKS:
        assert mark not in text, mark
    # A problem echoes neither header values nor payloads; member names are pointers.
    for answer in answers:
        assert answer.status >= 400
        body = answer.body.decode()
        for mark in set(MARKS) - {"secret-payload"}:
            assert mark not in body, mark


@pytest.mark.parametrize("options, named", [
    ({}, False), ({"log_level": "debug"}, True), ({"log_stream_names": "true"}, True)])
def test_stream_names_only_when_enabled(start_gateway, devdb, stream, options, named):
    gateway = start_gateway(devdb.address, **options)
    gateway.append_one(stream)
    gateway.append_one(stream, 7)
    gateway.stop()
    assert (stream in "\n".join(gateway.lines)) == named


def test_control_characters_do_not_make_lines(start_gateway, devdb):
    name = "evil\n{\"status\":1}\r\x1b[31m\x00".replace("\x00", "")
    for log_format in ("json", "text"):
        gateway = start_gateway(devdb.address, log_format=log_format, log_stream_names="true")
        gateway.append_one(name, 77)
        gateway.stop()
        assert not any(line.startswith('{"status":1}') for line in gateway.lines)
        assert not any("\x1b" in line or "\r" in line for line in gateway.lines)


def test_json_lines_are_json(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, log_format="json", log_level="debug")
    gateway.append_one(stream)
    gateway.stop()
    assert gateway.lines
    for line in gateway.lines:
        assert isinstance(json.loads(line), dict), line


def test_text_lines(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, log_format="text")
    answer = gateway.append_one(stream)
    gateway.stop()
    [line] = [line for line in gateway.lines if answer.header("X-Request-Id") in line]
    assert "200" in line and "POST" in line


def test_errors_only(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, log_level="error")
    gateway.append_one(stream)
    gateway.append_one(stream, 7)
    gateway.stop()
    assert gateway.lines == []
