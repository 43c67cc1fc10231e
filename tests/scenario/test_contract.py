# SPDX-License-Identifier: Apache-2.0
"""That answers are held against openapi.yaml, and how a person gets it (api-design 9)."""

import copy
import json
import re
import subprocess

import pytest

from harness import contract, server
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


# -- what is documented is taken --------------------------------------------------------------

def operations(*methods):
    """(method, path, operation, its parameters)"""
    for path, item in contract.document()["paths"].items():
        for method in methods:
            if method in item:
                shared = item.get("parameters", [])
                yield (method.upper(), path, item[method],
                       [contract.resolved(each) for each in
                        shared + item[method].get("parameters", [])])


def target_of(path, parameters):
    """The path with the examples of its values."""
    for each in parameters:
        if each["in"] == "path":
            path = path.replace("{%s}" % each["name"], each["example"])
    return path


def request_examples():
    for method, path, operation, parameters in operations("post", "put"):
        for media_type, content in operation["requestBody"]["content"].items():
            examples = [each["value"] for each in content.get("examples", {}).values()]
            if "example" in content:
                examples.append(content["example"])
            for example in examples:
                name = f"{operation['operationId']}-{media_type}-{len(json.dumps(example))}"
                yield pytest.param(method, target_of(path, parameters), media_type, example,
                                   id=name)


def expectations_of(example, stream):
    """(stream, what it must be) of a request."""
    if not isinstance(example, dict):
        return []
    found = [(group["stream_name"], group["current_version"]) for group in
             example.get("streams", [])]
    found += [(check["stream_name"], check["expected_state"]) for check in
              example.get("checks", [])]
    if "current_version" in example:
        found.append((stream, example["current_version"]))
    return found


def make_true(gateway, expectations):
    for stream, expected in expectations:
        count = {"no_stream": 0, "exists": 1}.get(expected)
        count = int(expected) + 1 if count is None else count
        if count:
            answer = gateway.append(stream, envelope_of("no_stream", [event_of()] * count))
            assert answer.status == 200


@pytest.fixture
def fresh_gateway(start_devdb, start_gateway):
    """The names of the examples are nobody's yet."""
    return start_gateway(start_devdb().address)


@pytest.mark.parametrize("method, target, media_type, example", request_examples())
def test_examples_of_requests(fresh_gateway, method, target, media_type, example):
    content = example if isinstance(example, str) else json.dumps(example)
    make_true(fresh_gateway, expectations_of(example, "student-1"))
    headers = {"Content-Type": media_type}
    if "current_version" not in content and "expected_state" not in content:
        headers["Kurrent-ExpectedVersion"] = "any"
    answer = fresh_gateway.ask(method, target, headers, content.encode())
    assert answer.status == 200, answer


def test_curl_lines(fresh_gateway):
    """Those of the descriptions, in order, as somebody would type them."""
    lines = [(path, line) for _, path, operation, _ in operations("post", "put", "get")
             for line in re.findall("```sh\n(.*?)```", operation["description"], re.S)]
    assert len(lines) >= 9
    for path, line in lines:
        if not server.is_at_least(server.NEEDED.get(path, "0.0")):
            continue
        line = line.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1)
        line = line.replace("localhost:2114", f"localhost:{fresh_gateway.port}")
        done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=20, check=False)
        assert done.stdout == b"200", (line, done)


# A header means nothing without its counterpart.
COMPANIONS = {"tracestate": {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-"
                                            "00f067aa0ba902b7-01"}}


def parameter_examples():
    for method, path, operation, parameters in operations("get", "post", "put"):
        for each in parameters:
            # Those left out need a body of their own: test_gzip.py, test_cloudevents.py.
            if (each["in"] == "path" or each["name"].startswith("ce-") or
                    each["name"] == "Content-Encoding"):
                continue
            yield pytest.param(method, path, operation, parameters, each,
                               id=f"{operation['operationId']}-{each['in']}-{each['name']}")


def minimal_request(path, operation):
    """A body and its headers that are right in front of a stream that nobody has written."""
    if "requestBody" not in operation:
        return {}, None
    body = {"/v1/multi-append": {"streams": [{"stream_name": "a", "current_version": "any",
                                              "events": [{"type": "T", "data": 1}]}]},
            "/v1/append-records": {"records": [{"stream_name": "a", "type": "T", "data": 1}]},
            "/v1/streams/{stream}/events": {"events": [{"type": "T", "data": 1}]},
            "/v1/streams/{stream}/cloudevents": {"specversion": "1.0", "type": "T", "source": "s",
                                                 "id": "1"}}.get(path, {})
    media_type = next(iter(operation["requestBody"]["content"]))
    return {"Content-Type": media_type}, json.dumps(body).encode()


@pytest.mark.parametrize("method, path, operation, parameters, parameter", parameter_examples())
def test_examples_of_parameters(gateway, method, path, operation, parameters, parameter):
    name, value = parameter["name"], parameter["example"]
    value = ",".join(value) if isinstance(value, list) else value
    if name == "Idempotency-Key":
        value += operation["operationId"]  # one key for one request
    headers, body = minimal_request(path, operation)
    target = target_of(path, parameters)
    names = {each["name"] for each in parameters}
    if "current_version" in names and name not in ("current_version", "If-Match", "If-None-Match",
                                                   "Kurrent-ExpectedVersion"):
        headers["Kurrent-ExpectedVersion"] = "any"
    headers.update(COMPANIONS.get(name, {}))
    if parameter["in"] == "header":
        headers[name] = value
    else:
        target += f"?{name}={value}"
    answer = gateway.ask(method, target, headers, body)
    assert answer.status in (200, 304, 409, 412), answer


def known_members():
    """Requests with a member that nobody knows, and the schema of the object that has it."""
    event = {"type": "T", "data": 1, "zzzzzzzz": 1}
    return [
        ("/v1/streams/a/events?current_version=any", {"events": [], "zzzzzzzz": 1}, "Append"),
        ("/v1/streams/a/events?current_version=any", {"events": [event]}, "Event"),
        ("/v1/multi-append", {"streams": [], "zzzzzzzz": 1}, "MultiAppend"),
        ("/v1/multi-append", {"streams": [{"zzzzzzzz": 1}]}, "Group"),
        ("/v1/multi-append", {"streams": [{"stream_name": "a", "current_version": "any",
                                           "events": [event]}]}, "StringEvent"),
        ("/v1/append-records", {"records": [], "zzzzzzzz": 1}, "RecordsAppend"),
        ("/v1/append-records", {"records": [{**event, "stream_name": "a"}]}, "Record"),
        ("/v1/append-records", {"records": [], "checks": [{"zzzzzzzz": 1}]}, "StreamCheck")]


@pytest.mark.parametrize("target, body, name", known_members())
def test_known_members(gateway, target, body, name):
    """The gateway's own list of the members that it knows is the documented one."""
    answer = gateway.post(target, json.dumps(body).encode(), {"Content-Type": "application/json"})
    errors = answer.json()["errors"]
    hints = [each["hint"] for each in errors if each["pointer"].endswith("/zzzzzzzz")]
    assert len(hints) == 1, errors
    known = set(re.findall(r"\w+", hints[0])) - {"Known", "are", "and"}
    if name in ("StringEvent", "Record"):
        known -= {"metadata_base64"}  # known to be refused, as metadata-not-strings
    assert known == set(contract.document()["components"]["schemas"][name]["properties"])


# -- what every operation refuses ------------------------------------------------------------

DOOR = [("400", "malformed-request", "?a=%zz", {}),
        ("403", "host-not-allowed", "", {"Host": "rebound.example"}),
        ("403", "origin-not-allowed", "", {"Origin": "http://elsewhere.example"}),
        ("431", "headers-too-large", "", {f"X-{n}": "x" for n in range(130)}),
        ("501", "unsupported-transfer-coding", "", {"Transfer-Encoding": "deflate"})]


def codes_of(operation, status):
    response = contract.resolved(operation["responses"].get(status, {}))
    schema = response.get("content", {}).get("application/problem+json", {}).get("schema", {})
    return {contract.resolved(each)["properties"]["code"]["const"]
            for each in schema.get("oneOf", [schema]) if each}


@pytest.mark.parametrize("method, path, operation, parameters", [
    pytest.param(*each, id=each[2]["operationId"])
    for each in operations("get", "head", "post", "put", "options")])
def test_refusals_at_the_door(gateway, method, path, operation, parameters):
    """Each operation documents those that it has, and answers those that it documents."""
    target = target_of(path, parameters)
    for status, code, query, headers in DOOR:
        others = {name: value for name, value in headers.items() if name != "Host"}
        content = request(method, target + query, others, host=headers.get("Host", "localhost"))
        check_refusal(gateway, method, operation, content, status, code)
    content = request(method, f"http://127.0.0.1{target}")
    check_refusal(gateway, method, operation, content, "421", "misdirected-request")


def check_refusal(gateway, method, operation, content, status, code):
    with gateway.connect() as connection:
        connection.send_blindly(content)
        answer = connection.receive(method)
    refused = str(answer.status) == status
    assert refused == (code in codes_of(operation, status)), f"{code}: {answer}"
    if refused and method != "HEAD":
        assert answer.json()["code"] == code


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
