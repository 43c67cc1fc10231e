# SPDX-License-Identifier: Apache-2.0
"""That answers are held against openapi.yaml, and how a person gets it (api-design 9)."""

import copy
import json

import pytest

from harness import contract
from harness.gateway import envelope_of, event_of, events_target
from harness.wire import request


def test_served_as_it_was_built(gateway):
    answer = gateway.get("/openapi.json")
    assert answer.header("Content-Type") == "application/json"
    assert answer.json() == contract.document()
    assert gateway.get("/openapi.yaml").header("Content-Type") == "application/yaml"


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            contract.resolved(node)
        for each in node.values() if isinstance(node, dict) else node:
            if isinstance(each, (dict, list)):
                walk(each)
    walk(contract.document())


# -- what the check of answers finds ----------------------------------------------------------

class Exchange:
    """One request and its answer, to be changed."""

    def __init__(self, gateway, content):
        self.sent = contract.Sent()
        self.sent.add(content)
        self.request = self.sent.next()
        with gateway.connect() as connection:
            self.answer = connection.send(content).receive(self.request.method)

    def check(self):
        contract.check(self.request, self.request.method, self.answer)

    def must_fail(self, about):
        with pytest.raises(AssertionError, match=about):
            self.check()

    def set_members(self, **members):
        self.answer.body = json.dumps({**self.answer.json(), **members}).encode()


@pytest.fixture
def success(gateway, stream):
    body = envelope_of("any", [event_of()]).encode()
    headers = {"Content-Type": "application/json"}
    return Exchange(gateway, request("POST", events_target(stream), headers, body))


@pytest.fixture
def problem(gateway, stream):
    body = envelope_of(5, [event_of()]).encode()
    headers = {"Content-Type": "application/json"}
    return Exchange(gateway, request("POST", events_target(stream), headers, body))


def test_good_answers_pass(success, problem):
    success.check()
    problem.check()
    assert (success.answer.status, problem.answer.status) == (200, 409)


@pytest.mark.parametrize("members", [
    {"more": 1}, {"replayed": "false"}, {"current_version": -1}, {"commit_position": "-1"},
    {"current_version": 1.5}, {"event_ids": []}, {"event_ids": ["A"]}, {"stream_name": None}])
def test_members_of_a_success(success, members):
    success.set_members(**members)
    success.must_fail("appendToStream 200")


@pytest.mark.parametrize("members", [
    {"more": 1}, {"title": "Another title"}, {"status": 400}, {"code": "stream-tombstoned"},
    {"code": "invalid-request"}, {"outcome": "unknown"}, {"retryable": True}, {"event_ids": []},
    {"actual_version": -2}, {"request_id": "another"}, {"errors": []}, {"stream_name": 1}])
def test_members_of_a_problem(problem, members):
    problem.set_members(**members)
    problem.must_fail("appendToStream 409")


def test_missing_members(success, problem):
    for exchange in (success, problem):
        whole = exchange.answer.json()
        for name in whole:
            exchange.answer.body = json.dumps({**whole, name: None}).encode()
            if name in ("commit_position", "replayed"):
                exchange.check()
            else:
                exchange.must_fail("appendToStream")
            exchange.answer.body = json.dumps(
                {key: value for key, value in whole.items() if key != name}).encode()
            exchange.must_fail("appendToStream")


def test_status_and_media_type(success, problem):
    success.answer.status = 201
    success.must_fail("is not documented")
    problem.answer.status = 412
    problem.must_fail("is not documented")
    problem.answer.status = 502
    fields, problem.answer.fields = problem.answer.fields, [
        field for field in problem.answer.fields if field[0] != "Kurrent-CurrentVersion"]
    problem.must_fail("the code wrong-current-version is not documented")
    problem.answer.status, problem.answer.fields = 409, fields
    problem.answer.fields = [("Content-Type", "application/json") if name == "Content-Type"
                             else (name, value) for name, value in problem.answer.fields]
    problem.must_fail("Content-Type application/json is not documented")


def test_header_fields(success):
    whole = copy.copy(success.answer.fields)
    success.answer.fields = [*whole, ("Server", "kurrentgate")]
    success.must_fail("the header Server")
    success.answer.fields = [*whole, ("Cache-Control", "no-store")]
    success.must_fail("stands twice")
    for left_out in ("X-Request-Id", "Cache-Control", "Kurrent-CurrentVersion"):
        success.answer.fields = [field for field in whole if field[0] != left_out]
        success.must_fail(f"no {left_out.lower()}")
        success.answer.fields += [(left_out, "")]
        success.must_fail(left_out)


def test_other_methods_and_paths(gateway):
    for target, status in [("/nowhere", 404), ("/v1/streams//events", 404), ("/v1/info", 405)]:
        exchange = Exchange(gateway, request("POST", target, {}, b""))
        assert exchange.answer.status == status
        exchange.check()
        exchange.answer.status = 409
        exchange.must_fail("is not documented")


def test_a_request_that_is_not_documented(success):
    success.request.body = b'{"current_version":"any","events":[{"type":"T","data":{},"more":1}]}'
    success.must_fail("but is not documented")


@pytest.mark.parametrize("content, rest", [
    (b"GET /livez HTTP/1.1\r\n\r\nGET /readyz HTTP/1.1\r\n\r\n", "/readyz"),
    (b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /readyz HTTP/1.1\r\n\r\n", "/readyz"),
    (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
     b"GET /readyz HTTP/1.1\r\n\r\n", "/readyz"),
    (b"POST /a HTTP/1.1\r\nContent-Length: 30\r\n\r\nabc", None)])
def test_requests_behind_each_other(content, rest):
    sent = contract.Sent()
    sent.add(content)
    sent.next()
    following = sent.next()
    assert (following and following.path) == rest
