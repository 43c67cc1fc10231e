# SPDX-License-Identifier: Apache-2.0
"""traceparent and tracestate (W3C Trace Context; api-design 13.1): which calls carry them on, with
what, and what the log says."""

import re

import pytest

from harness import server
from harness.gateway import envelope_of, event_of, group_of, groups_of, record_of, records_of
from harness.limits import wait_until
from harness.problems import check_problem, check_success

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SAMPLED = f"00-{ID}-{PARENT}-01"
UNSAMPLED = f"00-{ID}-{PARENT}-00"
ANY = "?current_version=any"
CE = {"ce-specversion": "1.0", "ce-type": "T", "ce-source": "/s", "ce-id": "1"}


@pytest.fixture
def traced(start_devdb, start_gateway):
    devdb = start_devdb()
    return devdb, start_gateway(devdb.address)


def traces(devdb):
    return devdb._ask("GET", "/traces").json()["traces"]


def check_sent_on(trace, flags):
    """The same trace, with a parent id that is not the caller's."""
    found = re.fullmatch(rf"00-{ID}-([0-9a-f]{{16}})-{flags}", trace["traceparent"])
    assert found and found[1] not in (PARENT, "0" * 16), trace
    return found[1]


def log_of(gateway, count=1):
    """The log lines of so many requests, which may come a little behind their answers."""
    wait_until(lambda: len(gateway.request_lines()) >= count, 5, f"{count} lines in the log")
    return gateway.request_lines()


ASKS = {
    "E": lambda gateway, headers: gateway.append_one("e", headers=headers),
    "R": lambda gateway, headers: gateway.append_raw("r", "T", b"x", headers, ANY),
    "C": lambda gateway, headers: gateway.append_cloudevents(
        "c", b"x", {**CE, **headers}, query=ANY),
    "M": lambda gateway, headers: gateway.multi_append(
        groups_of(group_of("m", "any", [event_of()])), headers),
    "K": lambda gateway, headers: gateway.append_records(records_of([record_of("k")]), headers),
    "G": lambda gateway, headers: gateway.get_metadata("g", headers),
    "P": lambda gateway, headers: gateway.put_metadata("p", b"{}", {
        "Kurrent-ExpectedVersion": "any", **headers}),
}
METHODS = {"E": ["BatchAppend"], "R": ["BatchAppend"], "C": ["BatchAppend"],
           "M": ["AppendRecords" if server.is_at_least("26.1") else "AppendSession"], "K": ["AppendRecords"], "G": ["Read"],
           "P": ["Read", "BatchAppend"]}


@pytest.mark.parametrize("route", ASKS)
def test_sampled_trace_is_sent_on(traced, route):
    devdb, gateway = traced
    answer = ASKS[route](gateway, {"traceparent": SAMPLED, "tracestate": "rojo=1 , congo=2"})
    assert answer.status == 200, answer
    found = traces(devdb)
    assert [trace["method"] for trace in found] == METHODS[route]
    for trace in found:
        check_sent_on(trace, "01")
        assert trace["tracestate"] == "rojo=1,congo=2"
    assert log_of(gateway)[0]["trace_id"] == ID


@pytest.mark.parametrize("route", ASKS)
def test_unsampled_trace_takes_no_call_of_its_own(traced, route):
    devdb, gateway = traced
    assert ASKS[route](gateway, {"traceparent": UNSAMPLED}).status == 200
    own = METHODS[route] if route in "MKG" else []
    found = traces(devdb)
    assert [trace["method"] for trace in found] == own
    for trace in found:
        check_sent_on(trace, "00")
        assert "tracestate" not in trace
    assert log_of(gateway)[0]["trace_id"] == ID


@pytest.mark.parametrize("route", ASKS)
def test_nobody_asked_for_a_trace(traced, route):
    devdb, gateway = traced
    assert ASKS[route](gateway, {"tracestate": "rojo=1"}).status == 200
    assert traces(devdb) == []
    assert "trace_id" not in log_of(gateway)[0]


def test_credentials_take_a_call_of_their_own_anyway(traced):
    devdb, gateway = traced
    answer = gateway.append_one("s", headers={"traceparent": UNSAMPLED,
                                              "Authorization": "Basic YTpi"})
    check_success(answer)
    [trace] = traces(devdb)
    check_sent_on(trace, "00")


def test_each_request_has_a_parent_id_of_its_own(traced):
    devdb, gateway = traced
    for _ in range(3):
        check_success(gateway.append_one("s", headers={"traceparent": SAMPLED}))
    assert len({check_sent_on(trace, "01") for trace in traces(devdb)}) == 3


def test_refused_append_is_traced_too(traced):
    devdb, gateway = traced
    answer = gateway.append_one("s", 7, headers={"traceparent": SAMPLED})
    check_problem(answer, 409, "wrong-current-version")
    assert len(traces(devdb)) == 1


@pytest.mark.parametrize("value", [
    "", "00", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"00-{ID}-{'0' * 16}-01",
    f"ff-{ID}-{PARENT}-01", f"00-{ID.upper()}-{PARENT}-01", f"00-{ID}-{PARENT}-01-x",
    f"00-{ID}-{PARENT}-01, 00-{ID}-{PARENT}-01"])
def test_invalid_trace_begins_anew(traced, value):
    devdb, gateway = traced
    headers = {"traceparent": value, "tracestate": "rojo=1"}
    check_success(gateway.append_one("s", headers=headers))
    assert gateway.get_metadata("s", headers).status == 200
    assert traces(devdb) == []
    for line in log_of(gateway, 2):
        assert re.fullmatch(r"[0-9a-f]{32}", line["trace_id"]) and line["trace_id"] != ID


def test_repeated_trace_begins_anew(traced):
    devdb, gateway = traced
    headers = [("traceparent", SAMPLED), ("TraceParent", SAMPLED)]
    check_success(gateway.append_one("s", headers=headers))
    assert traces(devdb) == []
    assert log_of(gateway)[0]["trace_id"] != ID


def test_later_version(traced):
    devdb, gateway = traced
    answer = gateway.append_one("s", headers={"traceparent": f"cc-{ID}-{PARENT}-03-more"})
    check_success(answer)
    check_sent_on(traces(devdb)[0], "01")


@pytest.mark.parametrize("lines, sent", [
    (["rojo=1", "congo=2"], "rojo=1,congo=2"),
    (["", "a=1,,"], "a=1"),
    (["a=1,a=2"], None), (["A=1"], None), (["a=1", "broken"], None),
    ([",".join(f"k{number}=v" for number in range(33))], None),
    ([f"a={'x' * 256},b=1,c={'x' * 256}"], "b=1"),
])
def test_states(traced, lines, sent):
    devdb, gateway = traced
    headers = [("traceparent", SAMPLED), *[("tracestate", line) for line in lines]]
    check_success(gateway.append_one("s", headers=headers))
    [trace] = traces(devdb)
    check_sent_on(trace, "01")
    assert trace.get("tracestate") == sent


def test_probes_have_no_trace(traced):
    devdb, gateway = traced
    assert gateway.get("/v1/info", {"traceparent": SAMPLED}).status == 200
    assert traces(devdb) == [] and "trace_id" not in log_of(gateway)[0]


def test_duplicate_does_not_depend_on_the_trace(traced):
    devdb, gateway = traced
    for value in (SAMPLED, UNSAMPLED, ""):
        headers = {"Idempotency-Key": "k", **({"traceparent": value} if value else {})}
        check_success(gateway.append(
            "s", envelope_of("no_stream", [event_of()]), headers), version=0)
    assert len(devdb.read("s")) == 1
