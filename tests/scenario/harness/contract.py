# SPDX-License-Identifier: Apache-2.0
"""Holds every answer against openapi.yaml: status, header fields, media type, body.

A member, field, status or code that the operation does not document is a failure, in whatever
test it comes. Of a request that was answered with success, the body must be a documented one.
"""

import functools
import json
import os
import re
from pathlib import Path

import jsonschema

# Of the message, not of the operation.
FRAMING = {"date", "connection", "content-length", "content-type", "transfer-encoding"}
TEMPLATE_VALUE = re.compile(r"\{[a-z]+\}")
CHECKED_REQUEST_BYTES = 100_000
# The library answers these by itself, with a page of its own (api-design 16).
LIBRARY_STATUSES = {400, 413, 414, 431, 505}


def find_document():
    """The JSON that the gateway was built with: from the build tree, or from a tarball."""
    top = Path(__file__).resolve().parents[3]
    for folder in (os.environ.get("top_builddir"), os.getcwd(), top):
        if folder and Path(folder, "openapi.json").is_file():
            return Path(folder, "openapi.json")
    raise AssertionError("no openapi.json: build first")


@functools.cache
def document():
    return json.loads(find_document().read_text(encoding="utf-8"))


def resolved(node):
    """What a node of the document refers to, or itself."""
    while "$ref" in node:
        target = document()
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


_validators = {}


def complaints(schema, value):
    """What is wrong with a value, in words; None: nothing."""
    key = schema.get("$ref") or id(schema)
    if key not in _validators:
        whole = {"allOf": [schema], "components": document()["components"]}
        _validators[key] = jsonschema.Draft202012Validator(whole)
    error = jsonschema.exceptions.best_match(_validators[key].iter_errors(value))
    return error and f"{error.json_path}: {error.message}"


# -- requests as they were sent --------------------------------------------------------------

class Request:
    """As much of a request as says what its answer may be. method, path: None, if unreadable."""

    def __init__(self, method=None, path=None, fields=None, body=None):
        self.method = method
        self.path = path
        self.fields = fields or {}
        self.body = body  # None: not known

    def __repr__(self):
        return f"{self.method} {self.path}"


class Sent:
    """The bytes that were sent on a connection, as far as they were not answered."""

    def __init__(self):
        self.content = bytearray()
        self.is_lost = False  # where the next request begins

    def add(self, content):
        if not self.is_lost:
            self.content += content

    def next(self):
        """The request that the next answer is for; None: it cannot be told."""
        if self.is_lost:
            return None
        if not self.content:
            return None
        head, border, _ = bytes(self.content[:300_000]).lstrip(b"\r\n").partition(b"\r\n\r\n")
        start = len(self.content) - len(self.content.lstrip(b"\r\n")) + len(head) + len(border)
        request = read_head(head)
        request.body = self.take_body(start, request) if border else None
        if request.body is None:
            self.is_lost = True
            self.content.clear()
        return request

    def take_body(self, start, request):
        """The body from start on, which is then used up; None: it is not whole, or unclear."""
        length = request.fields.get("content-length", "0")
        if "transfer-encoding" in request.fields:
            body, end = read_chunks(self.content, start)
        elif re.fullmatch("[0-9]+", length) and len(self.content) >= start + int(length):
            end = start + int(length)
            body = bytes(self.content[start:end])
        else:
            return None
        if body is not None:
            del self.content[:end]
        return body


def read_head(head):
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or not re.match("(https?://[^/?]*)?/", words[1]):
        return Request()
    path = re.sub("^https?://[^/?]*", "", words[1]).partition("?")[0]
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return Request(words[0], path, fields)


def read_chunks(content, at):
    """(body, where it ends), or (None, None)."""
    body = b""
    while True:
        end = content.find(b"\r\n", at)
        size = re.match(rb"([0-9A-Fa-f]+)", content[at:end]) if end >= 0 else None
        if size is None:
            return None, None
        count = int(size[1], 16)
        if count == 0:
            last = content.find(b"\r\n\r\n", at)
            return (None, None) if last < 0 else (body, last + 4)
        body += content[end + 2:end + 2 + count]
        at = end + 2 + count + 2


# -- answers -----------------------------------------------------------------------------------

@functools.cache
def templates():
    """The paths of the document as patterns."""
    return [(re.compile("[^/]+".join(re.escape(part) for part in TEMPLATE_VALUE.split(path))), path)
            for path in document()["paths"]]


@functools.cache
def documented(method, path):
    """The operation, or the responses alone where there is no operation."""
    for pattern, template in templates():
        if path is not None and pattern.fullmatch(path):
            operation = document()["paths"][template].get(method.lower())
            if operation is None or method != method.upper():
                return {"operationId": "another method", "responses": document()["x-other-method"]}
            return operation
    return {"operationId": "an unknown path", "responses": document()["x-unknown-path"]}


def is_of_the_library(answer):
    return (answer.status in LIBRARY_STATUSES and answer.header("X-Request-Id") is None and
            (answer.header("Content-Type") or "text/html").startswith("text/html"))


def check_fields(name, answer, response):
    headers = {key.lower(): resolved(each) for key, each in response.get("headers", {}).items()}
    for key, value in answer.fields:
        if key.lower() in FRAMING:
            continue
        assert key.lower() in headers, f"{name}: the header {key}: {value} is not documented"
        wrong = complaints(headers[key.lower()]["schema"], value)
        assert wrong is None, f"{name}: {key}: {value}: {wrong}"
        assert len(answer.headers(key)) == 1, f"{name}: {key} stands twice"
    for key, header in headers.items():
        assert not header.get("required") or answer.header(key) is not None, f"{name}: no {key}"


def schema_of_problem(name, schema, members):
    """Of several problems the one with the code, whose complaints are then the ones to read."""
    for each in schema.get("oneOf", []):
        if resolved(each)["properties"]["code"]["const"] == members.get("code"):
            return each
    assert "oneOf" not in schema, f"{name}: the code {members.get('code')} is not documented"
    return schema


def check_body(name, answer, response):
    media_type = answer.header("Content-Type")
    content = response.get("content", {})
    if not content:
        assert media_type is None and answer.body == b"", f"{name}: a body is not documented"
        return
    assert media_type in content, f"{name}: Content-Type {media_type} is not documented"
    if not media_type.endswith("json"):
        return
    schema = content[media_type]["schema"]
    # What a sender stored may have a member twice; what the gateway writes may not.
    is_stored = resolved(schema).get("additionalProperties") is True
    members = json.loads(answer.body) if is_stored else answer.json()
    if media_type == "application/problem+json":
        schema = schema_of_problem(name, schema, members)
        assert members.get("request_id") == answer.header("X-Request-Id"), name
    wrong = complaints(schema, members)
    assert wrong is None, f"{name}: {wrong} in {answer.body[:2000]!r}"


def check_request(operation, request):
    """What was answered with success was asked as it is documented."""
    content = operation.get("requestBody", {}).get("content", {})
    media_type = request.fields.get("content-type", "").partition(";")[0].strip().lower()
    if (media_type not in content or request.body is None or
            len(request.body) > CHECKED_REQUEST_BYTES or "content-encoding" in request.fields):
        return
    schema = content[media_type]["schema"]
    try:
        if media_type == "application/x-ndjson":
            schema = {"$ref": "#/components/schemas/Event"}
            values = [json.loads(line) for line in request.body.splitlines() if line.strip()]
        else:
            values = [json.loads(request.body)]
    except (ValueError, RecursionError):
        return  # a payload may be what this reader does not take
    for value in values:
        wrong = complaints(schema, value)
        assert wrong is None, f"{request} was answered with 200, but is not documented: {wrong}"


def check(request, method, answer):
    """Checks an answer against the document. method: as the test says, or of the request."""
    if request is None or is_of_the_library(answer):
        return
    operation = documented(request.method, request.path)
    name = f"{operation['operationId']} {answer.status}"
    response = operation["responses"].get(str(answer.status))
    assert response is not None, f"{name} is not documented: {request}, {answer}"
    response = resolved(response)
    check_fields(name, answer, response)
    if method != "HEAD":
        check_body(name, answer, response)
    if answer.status == 200:
        check_request(operation, request)
