# SPDX-License-Identifier: Apache-2.0
"""Probes, info, problems, HEAD and OPTIONS (api-design 2, 9, 10)."""

import re

import pytest

from harness.limits import wait_until
from harness.problems import check_problem
from harness.process import free_port

# Every code of api-design 10 and of section 7.
CODES = {
    "malformed-request": 400, "malformed-json": 400, "conflicting-parameters": 400,
    "bad-idempotency-key": 400, "unknown-preference": 400, "unauthenticated": 401, "forbidden": 403,
    "host-not-allowed": 403, "origin-not-allowed": 403, "not-found": 404, "method-not-allowed": 405,
    "not-acceptable": 406, "wrong-current-version": 409, "consistency-checks-failed": 409,
    "stream-tombstoned": 410, "stream-deleted": 410, "precondition-failed": 412,
    "body-too-large": 413, "event-too-large": 413, "append-too-large": 413,
    "unsupported-media-type": 415, "misdirected-request": 421, "invalid-request": 422,
    "unknown-member": 422, "duplicate-member": 422, "duplicate-stream": 422,
    "case-variant-streams": 422, "invalid-event-type": 422, "metadata-not-strings": 422,
    "reserved-metadata-key": 422, "idempotency-key-reused": 422, "precondition-required": 428,
    "rate-limited": 429, "headers-too-large": 431, "operation-not-supported": 501,
    "unsupported-transfer-coding": 501, "database-error": 502, "upstream-credentials": 502,
    "leader-unavailable": 503, "database-unreachable": 503, "database-busy": 503, "overloaded": 503,
    "draining": 503, "connection-lost": 503, "deadline-exceeded": 504,
}
PAGES = ["/livez", "/readyz", "/readyz/leader", "/v1/info", "/problems", "/problems/not-found",
         "/openapi.yaml", "/openapi.json"]


# -- probes --------------------------------------------------------------------------------

def test_livez(gateway):
    answer = gateway.get("/livez")
    assert (answer.status, answer.json()) == (200, {"status": "alive"})
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Request-Id")


def test_readyz(gateway):
    answer = gateway.get("/readyz")
    members = answer.json()
    assert (answer.status, members["status"]) == (200, "ready")
    assert set(members["checks"]) == {"listener", "draining", "leader", "credentials"}
    assert all(check["status"] == "ok" for check in members["checks"].values())
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("check", ["listener", "draining", "leader", "credentials"])
def test_one_check(gateway, check):
    answer = gateway.get(f"/readyz/{check}")
    assert answer.status == 200
    assert answer.json() == {"status": "ready", "checks": {check: {"status": "ok"}}}


@pytest.mark.parametrize("target", ["/readyz/nothing", "/readyz?exclude=nothing",
                                    "/readyz?exclude=leader,nothing", "/readyz/Leader"])
def test_unknown_check(gateway, target):
    check_problem(gateway.get(target), 404, "not-found")


def test_unknown_parameter_of_readyz(gateway):
    check_problem(gateway.get("/readyz?nothing=1"), 422, "unknown-member", ["query:nothing"])


@pytest.mark.parametrize("target", ["/livez?anything=1", "/problems?anything=1"])
def test_unknown_parameters_elsewhere_are_ignored(gateway, target):
    assert gateway.get(target).status == 200


def test_unknown_parameter_of_info(gateway):
    check_problem(gateway.get("/v1/info?nothing=1"), 422, "unknown-member", ["query:nothing"])


def test_exclude(gateway):
    for query, left in [("leader", {"listener", "draining", "credentials"}),
                        ("leader,credentials", {"listener", "draining"}),
                        ("leader&exclude=draining", {"listener", "credentials"})]:
        members = gateway.get(f"/readyz?exclude={query}").json()
        assert set(members["checks"]) == left


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/json;q=0"])
@pytest.mark.parametrize("target", ["/livez", "/readyz", "/problems", "/problems/not-found",
                                    "/openapi.yaml", "/openapi.json"])
def test_pages_ignore_an_accept_they_cannot_meet(gateway, target, accept):
    assert gateway.get(target, {"Accept": accept}).status == 200


def test_info_needs_json_in_accept(gateway):
    check_problem(gateway.get("/v1/info", {"Accept": "text/html"}), 406, "not-acceptable")


def test_without_a_leader(start_gateway):
    gateway = start_gateway(f"127.0.0.1:{free_port()}", wait_ready=False)
    answer = gateway.get("/readyz")
    members = answer.json()
    assert (answer.status, members["status"]) == (503, "not_ready")
    leader = members["checks"]["leader"]
    assert leader["status"] == "fail"
    assert leader["reason"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", leader["since"])
    assert members["checks"]["listener"] == {"status": "ok"}
    assert gateway.get("/readyz/leader").status == 503
    assert gateway.get("/readyz/listener").status == 200
    assert gateway.get("/readyz?exclude=leader").status == 200
    assert gateway.get("/livez").status == 200


def test_sidecar_profile(start_gateway):
    gateway = start_gateway(f"127.0.0.1:{free_port()}", wait_ready=False,
                            readiness_profile="sidecar")
    answer = gateway.get("/readyz")
    assert (answer.status, answer.json()["status"]) == (200, "ready")
    leader = answer.json()["checks"]["leader"]
    assert (leader["status"], leader["counted"]) == ("fail", False)
    assert gateway.get("/readyz/leader").status == 503, "one check alone decides"


def test_refused_credentials_fail_their_check(start_devdb, start_gateway):
    devdb = start_devdb()
    devdb.fault("unauthenticated", method="BatchAppend")
    gateway = start_gateway(f"kurrentdb://admin:wrong@{devdb.address}?tls=false", wait_ready=False)
    gateway.append_one("x", headers={"Kurrent-Timeout": "2"})
    wait_until(lambda: gateway.get("/readyz/credentials").status == 503, 10,
               "the credentials check fails")
    assert "wrong" not in gateway.get("/readyz").body.decode()


# -- info ----------------------------------------------------------------------------------

def test_info(gateway, devdb):
    answer = gateway.get("/v1/info")
    members = answer.json()
    assert answer.status == 200
    assert set(members) == {"gateway", "database", "limits", "defaults", "api"}
    assert set(members["gateway"]) == {"version", "commit", "started"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", members["gateway"]["started"])
    database = members["database"]
    assert database["leader"] == devdb.address
    assert database["append"] is True
    assert set(database) == {"version", "leader", "append", "multi_append", "append_records"}
    assert re.match(r"\d+\.\d+", database["version"])
    assert members["limits"] == {
        "max_body_bytes": 16777216, "max_events": 1000, "max_depth": 512,
        "max_header_bytes": 16384, "max_name_bytes": 4096, "default_timeout_seconds": 5,
        "max_timeout_seconds": 30}
    assert members["defaults"] == {"current_version": None}
    assert members["api"] == {"versions": ["v1"], "openapi": "/openapi.yaml",
                              "preferences": ["int64=string"]}
    assert gateway.get(members["api"]["openapi"]).status == 200


@pytest.mark.parametrize("option, given, preferred", [
    ("no_stream", "no_stream", "no_stream"), ("any", "any", "any"), ("5", 5, "5")])
def test_default_expectation_of_info(start_gateway, devdb, option, given, preferred):
    gateway = start_gateway(devdb.address, default_current_version=option)
    assert gateway.get("/v1/info").json()["defaults"] == {"current_version": given}
    answer = gateway.get("/v1/info", {"Prefer": "int64=string"})
    assert answer.json()["defaults"] == {"current_version": preferred}
    assert answer.header("Preference-Applied") == "int64=string"


def test_info_before_the_first_contact(start_gateway):
    gateway = start_gateway(f"127.0.0.1:{free_port()}", wait_ready=False)
    database = gateway.get("/v1/info").json()["database"]
    assert set(database) == {"version", "leader", "append", "multi_append", "append_records"}
    assert all(value is None for value in database.values())


# -- problems ------------------------------------------------------------------------------

def test_list_of_problems(gateway):
    answer = gateway.get("/problems")
    assert answer.header("Content-Type") == "application/json"
    rows = {row["code"]: row for row in answer.json()["problems"]}
    assert {code: rows[code]["status"] for code in CODES if code in rows} == CODES
    for row in rows.values():
        assert set(row) == {"type", "code", "title", "status", "description"}


@pytest.mark.parametrize("code", CODES)
def test_page_of_a_problem(gateway, code):
    answer = gateway.get(f"/problems/{code}")
    members = answer.json()
    assert answer.status == 200
    assert set(members) == {"type", "code", "title", "status", "description"}
    assert (members["code"], members["status"]) == (code, CODES[code])
    assert members["type"] == f"/problems/{code}"
    assert members["title"] and members["description"]


def test_titles_of_problems_are_those_of_their_pages(gateway, stream):
    for answer in (gateway.get("/nowhere"), gateway.append_one(stream, 5),
                   gateway.append(stream, "{")):
        members = answer.json()
        assert members["title"] == gateway.get(members["type"]).json()["title"]


def test_page_of_no_problem(gateway):
    check_problem(gateway.get("/problems/nothing"), 404, "not-found")


# -- HEAD and OPTIONS ----------------------------------------------------------------------

@pytest.mark.parametrize("target", PAGES)
def test_head_is_get_without_its_body(gateway, target):
    head, get = gateway.ask("HEAD", target), gateway.get(target)
    assert (head.status, head.body) == (get.status, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control"):
        assert head.header(name) == get.header(name), name


def test_head_of_nothing(gateway):
    answer = gateway.ask("HEAD", "/nowhere")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("target, allow", [
    *[(page, "GET HEAD OPTIONS") for page in PAGES],
    ("/v1/streams/a/events", "OPTIONS POST"), ("/v1/streams/a/events/T", "OPTIONS POST")])
def test_options(gateway, target, allow):
    answer = gateway.ask("OPTIONS", target)
    assert (answer.status, answer.body) == (204, b"")
    assert sorted(answer.header("Allow").replace(" ", "").split(",")) == allow.split()
    assert not any(name.lower().startswith("access-control") for name, _ in answer.fields)
    assert answer.header("X-Request-Id")


def test_options_of_nothing(gateway):
    check_problem(gateway.ask("OPTIONS", "/nowhere"), 404, "not-found")


def test_answers_are_never_compressed(gateway):
    answer = gateway.get("/problems", {"Accept-Encoding": "gzip, br"})
    assert answer.header("Content-Encoding") is None
    assert answer.json()
