# SPDX-License-Identifier: Apache-2.0
"""Who is let in: Host, Origin, Sec-Fetch-Site, credentials (api-design 2.1, 15.1)."""

import pytest

from harness.gateway import envelope_of, event_of, events_target, run_gateway
from harness.problems import check_problem, check_success
from harness.process import free_port
from harness.wire import Connection, request

GOOD = envelope_of("any", [event_of()]).encode()
JSON = {"Content-Type": "application/json"}
ADMIN = "Basic YWRtaW46Y2hhbmdlaXQ="


def append(stream, host="localhost", **headers):
    fields = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return request("POST", events_target(stream), fields, GOOD, host=host)


# -- Host ----------------------------------------------------------------------------------

@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost:1", "localhost:2114",
                                  "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:2114"])
def test_hosts_on_the_list(gateway, stream, host):
    with gateway.connect() as connection:
        check_success(connection.send(append(stream, host)).receive())


@pytest.mark.parametrize("host", [
    "evil.example", "localhost.evil.example", "127.0.0.2", "[::2]", "10.0.0.1", "localhost.",
    "notlocalhost", "127.0.0.1.evil.example", "0.0.0.0", "127.1"])
@pytest.mark.parametrize("method, target", [("POST", None), ("GET", "/v1/info"),
                                            ("GET", "/problems"),
                                            ("GET", "/nowhere"), ("OPTIONS", "/v1/info")])
def test_hosts_not_on_the_list(refused, stream, host, method, target):
    content = (append(stream, host) if target is None
               else request(method, target, host=host))
    refused(content, 403, "host-not-allowed", closes=target is None, method=method)


@pytest.mark.parametrize("host", ["", "local host", "localhost:x", "localhost:1:2", "a@localhost",
                                  "localhost/x", "[::1", "::1", "localhost:123456x",
                                  "http://localhost", "%zz", "[::1]x", "localhost#"])
@pytest.mark.parametrize("target", ["/v1/info", "/livez", "/readyz", "/nowhere"])
def test_hosts_of_another_form(refused, host, target):
    refused(request("GET", target, host=host), 400, "malformed-request", method="GET", closes=None)


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_missing_host(gateway, version):
    with gateway.connect() as connection:
        connection.send(request("GET", "/v1/info", host=None, version=version))
        check_problem(connection.receive("GET"), 400, "malformed-request")


@pytest.mark.parametrize("target, status", [
    ("/livez", 200), ("/readyz", 200), ("/readyz?exclude=leader", 200), ("/readyz/leader", 200),
    ("/v1/info", 403), ("/livez/", 403), ("/liveZ", 403),
    ("/%6civez", 403)])
def test_probes_skip_the_list(gateway, target, status):
    """Only the raw paths of the probes: a pod probe comes with the pod's address."""
    answer = gateway.ask("GET", target, host="10.1.2.3:8080")
    assert answer.status == status


def test_allowed_host_option(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, allowed_host=["gate.example", "[2001:db8::1]"])
    for host, status in [("gate.example", 200), ("GATE.example:99", 200), ("[2001:db8::1]:5", 200),
                         ("localhost", 200), ("other.example", 403), ("x.gate.example", 403)]:
        with gateway.connect() as connection:
            answer = connection.send(append(stream, host)).receive()
            assert answer.status == status, host


# -- browsers ------------------------------------------------------------------------------

@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost",
                                    "http://localhost:1", "http://localhost", "", "http://"])
@pytest.mark.parametrize("method, target", [("POST", None), ("GET", "/livez"), ("GET", "/v1/info"),
                                            ("OPTIONS", "/v1/info"), ("GET", "/readyz")])
def test_origins_not_on_the_list(refused, gateway, stream, origin, method, target):
    host = f"localhost:{gateway.port}"
    content = (append(stream, host, Origin=origin) if target is None
               else request(method, target, {"Origin": origin}, host=host))
    refused(content, 403, "origin-not-allowed", closes=target is None, method=method)


@pytest.mark.parametrize("host", ["localhost:{}", "127.0.0.1:{}", "localhost", "LOCALHOST:5"])
def test_own_origin_is_on_the_list(gateway, stream, host):
    host = host.format(gateway.port)
    with gateway.connect() as connection:
        answer = connection.send(append(stream, host, Origin=f"http://{host}")).receive()
        check_success(answer)
        assert not any(name.lower().startswith("access-control") for name, _ in answer.fields)


def test_allowed_origin_option(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, allowed_origin="https://app.example:8443")
    for origin, status in [("https://app.example:8443", 200), ("https://app.example", 403),
                           ("http://app.example:8443", 403)]:
        with gateway.connect() as connection:
            assert connection.send(append(stream, Origin=origin)).receive().status == status


@pytest.mark.parametrize("value, passes", [
    ("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False), ("", False),
    ("bogus", False)])
def test_sec_fetch_site(gateway, devdb, stream, value, passes):
    with gateway.connect() as connection:
        answer = connection.send(append(stream, Sec_Fetch_Site=value)).receive()
    if passes:
        check_success(answer)
    else:
        check_problem(answer, 403, "origin-not-allowed")
        assert devdb.read(stream) == []


# -- credentials of a request --------------------------------------------------------------

@pytest.mark.parametrize("name", ["Authorization", "Kurrent-Authorization"])
@pytest.mark.parametrize("value", [ADMIN, "basic YWRtaW46Y2hhbmdlaXQ=", "Bearer abc.def-_~+/==",
                                   "Basic Og=="])
def test_own_credentials_take_a_call_of_their_own(gateway, devdb, stream, name, value):
    before = devdb.calls("BatchAppend")
    check_success(gateway.append_one(stream, "no_stream", headers={name: value}), version=0)
    assert devdb.calls("BatchAppend") == before + 1
    check_success(gateway.append_one(stream, 0), version=1)
    assert devdb.calls("BatchAppend") == before + 1, "the second append opened a call, too"


def test_both_credential_headers_that_agree(gateway, stream):
    check_success(gateway.append_one(stream, headers={"Authorization": ADMIN,
                                                      "Kurrent-Authorization": ADMIN}))


def test_credentials_switched_off(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, allow_request_credentials="false")
    before = devdb.written()
    answer = gateway.append_one(stream, headers={"Kurrent-Authorization": ADMIN})
    check_problem(answer, 403, "forbidden")
    assert devdb.written() == before


@pytest.mark.cleartext("clear text is the point")
def test_credentials_do_not_leave_the_machine_in_clear_text(start_gateway):
    """The upstream is neither TLS nor loopback (192.0.2.0/24 is nobody's)."""
    gateway = start_gateway("192.0.2.1:2113", wait_ready=False)
    for name in ("Authorization", "Kurrent-Authorization"):
        check_problem(gateway.append_one("x", headers={name: ADMIN}), 403, "forbidden")


@pytest.mark.cleartext("clear text is the point")
def test_clear_text_that_is_asked_for(start_gateway):
    gateway = start_gateway("192.0.2.1:2113", wait_ready=False, allow_cleartext_credentials="true")
    answer = gateway.append_one("x", headers={"Authorization": ADMIN, "Kurrent-Timeout": "0.2"})
    check_problem(answer, 503, "database-unreachable", retryable=True)


def test_authorization_is_ignored_on_pages(gateway):
    for target in ("/livez", "/readyz", "/v1/info", "/problems"):
        assert gateway.get(target, {"Authorization": "nonsense"}).status == 200


def test_wide_bind_is_refused(devdb):
    done = run_gateway(f"--database=kurrentdb://{devdb.address}?tls=false",
                       f"--listen=0.0.0.0:{free_port()}")
    assert done.returncode != 0
    assert "allow-unprotected-listen" in done.stderr


def test_wide_bind_that_is_asked_for(start_gateway, devdb, stream):
    port = free_port()
    gateway = start_gateway(devdb.address, also_listen=[f"0.0.0.0:{port}"],
                            allow_unprotected_listen="true")
    with Connection(("127.0.0.1", port)) as connection:
        answer = connection.send(append(stream)).receive()
    check_success(answer)
    assert answer.header("Server-Timing") is None, "off beyond loopback and unix sockets"
    assert any("allow-unprotected-listen" in line for line in gateway.lines)


def test_ipv6_listener(start_gateway, devdb, stream):
    port = free_port()
    start_gateway(devdb.address, also_listen=[f"[::1]:{port}"])
    with Connection(("::1", port)) as connection:
        check_success(connection.send(append(stream, f"[::1]:{port}")).receive())
