# SPDX-License-Identifier: Apache-2.0
"""TLS to the database, and what keeps credentials off links without it: whom the gateway trusts,
what it shows of itself, and that each thing that can be wrong is named."""

import base64
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from harness.authority import DAY, Authority
from harness.gateway import run_gateway
from harness.limits import wait_until
from harness.problems import check_problem, check_success
from harness.process import free_port
from harness.strangers import Recorder, Server, Talker, Terminator

# Reached over the loopback interface, yet no loopback address: what a link to elsewhere is.
ELSEWHERE = "0.0.0.0"
CREDENTIALS = base64.b64encode(b"admin:changeit").decode()
WRONG_CONFIGURATION = 2
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="module")
def authority():
    made = Authority("Right authority")
    yield made
    made.close()


@pytest.fixture(scope="module")
def stranger():
    """An authority that the gateway does not know."""
    made = Authority("Strange authority")
    yield made
    made.close()


@pytest.fixture
def start_tls(start_devdb):
    """Starts devdbs that show a certificate of this test's."""
    def start(pair, **options):
        return start_devdb(**pair.devdb(), **options)
    return start


@pytest.fixture
def start_server():
    """Starts servers of strangers.py that end with the test."""
    started = []

    def start(kind, *arguments, **options):
        started.append(kind(*arguments, **options))
        return started[-1]
    yield start
    for server in started:
        server.close()


def string_of(port, host="127.0.0.1", user="", **options):
    """A connection string; options in their order."""
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"kurrentdb://{user}{host}:{port}{'?' if query else ''}{query}"


def leader_of(gateway):
    return gateway.get("/v1/info").json()["database"]["leader"]


def reason_of(gateway):
    return gateway.get("/readyz/leader").json()["checks"]["leader"].get("reason", "")


def documented_reasons():
    """The reasons of the README's table as patterns: … and the example hosts stand for anything."""
    table = README.read_text().partition("| Reason | What to do |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([^|]*[^| -]) \|", table, re.M)
    assert len(cells) >= 10, cells
    return [re.compile(re.sub("…|[ab]\\\\.example", ".*", re.escape(cell))) for cell in cells]


def expect_cause(gateway, text, seconds=10):
    """The cause is in readiness, in the log, and in the detail of a refused append, and it is one
    of those that the README explains."""
    wait_until(lambda: text in reason_of(gateway), seconds, f"the reason holds {text!r}")
    gateway.wait_for_line(text)
    reason = reason_of(gateway).split(": ", 1)[1]
    assert any(row.match(reason) for row in documented_reasons()), reason
    answer = gateway.append_one("unreachable", headers={"Kurrent-Timeout": "0.3"})
    members = check_problem(answer, 503, "database-unreachable", retryable=True)
    assert text in members["detail"], members["detail"]


# -- whom it trusts ------------------------------------------------------------------------

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_tls_is_the_default(start_tls, start_gateway, authority, stream, host):
    port = free_port()
    listen = f"{host.replace('localhost', '127.0.0.1')}:{port}"
    start_tls(authority.sign(), port=port, listen=listen, user="admin:changeit")
    gateway = start_gateway(string_of(port, host, "admin:changeit@", tlsCaFile=authority.file))
    check_success(gateway.append_one(stream, data='{"over":"TLS"}'), stream, version=0)
    assert leader_of(gateway) == f"{host}:{port}"


def test_an_address_in_another_spelling(start_tls, start_gateway, authority, stream):
    port = free_port()
    start_tls(authority.sign(["::1"]), port=port, listen=f"[::1]:{port}")
    gateway = start_gateway(string_of(port, "[0:0:0::0:1]", tlsCaFile=authority.file))
    check_success(gateway.append_one(stream), stream, version=0)


def test_a_wildcard_is_one_label(start_tls, start_gateway, authority, stream):
    """No name resolves to us under a wildcard, so a certificate for *.localhost must not do."""
    devdb = start_tls(authority.sign(["*.localhost"]))
    gateway = start_gateway(string_of(devdb.port, "localhost", tlsCaFile=authority.file),
                            wait_ready=False)
    expect_cause(gateway, "is for *.localhost, not for localhost")


def test_an_authority_under_the_trusted_one(start_tls, start_gateway, authority, stream):
    between = Authority("Between", parent=authority)
    devdb = start_tls(between.sign(in_chain=True))
    gateway = start_gateway(string_of(devdb.port, tlsCaFile=authority.file))
    check_success(gateway.append_one(stream), stream, version=0)
    between.close()


def test_a_certificate_that_is_its_own_authority(start_tls, start_gateway, authority, stream):
    pair = authority.self_signed()
    devdb = start_tls(pair)
    gateway = start_gateway(string_of(devdb.port, tlsCaFile=pair.cert_file))
    check_success(gateway.append_one(stream), stream, version=0)


def test_authorities_of_the_system(start_tls, start_gateway, authority, stream):
    devdb = start_tls(authority.sign())
    gateway = start_gateway(string_of(devdb.port), wait_ready=False)
    expect_cause(gateway, "(CN=Right authority) that is not in /etc/ssl/certs/")
    gateway = start_gateway(string_of(devdb.port),
                            environment={"SSL_CERT_FILE": str(authority.file)})
    check_success(gateway.append_one(stream), stream, version=0)


def test_grpcs_own_variable_counts_for_nothing(start_tls, start_gateway, authority):
    devdb = start_tls(authority.sign())
    variable = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(authority.file)}
    gateway = start_gateway(string_of(devdb.port), wait_ready=False, environment=variable)
    expect_cause(gateway, "(CN=Right authority) that is not in /etc/ssl/certs/")


def test_without_verification_there_is_one_loud_warning(
        start_tls, start_gateway, stranger, stream):
    devdb = start_tls(stranger.sign(["elsewhere.example"], start=-3 * DAY, end=-DAY))
    gateway = start_gateway(string_of(devdb.port, tlsVerifyCert="false"))
    check_success(gateway.append_one(stream), stream, version=0)
    said = [line for line in gateway.lines if "NOT VERIFIED" in line]
    assert len(said) == 1 and '"level":"warning"' in said[0], gateway.lines


def flags_of_readme(command):
    """The flags of a documented command, as options of the harness."""
    words = shlex.split(command.removesuffix("&"))[1:]
    return {name.removeprefix("--").replace("-", "_"): value
            for name, value in zip(words[::2], words[1::2])}


def test_the_example_of_the_readme(start_devdb, start_gateway, stream, tmp_path):
    block = re.search(r"```sh\n(openssl req .*?)```", README.read_text(), re.S)[1]
    openssl, devdb_line, gateway_line = block.replace("\\\n", " ").strip().split("\n")
    try:
        subprocess.run(shlex.split(openssl), cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl")
    options = flags_of_readme(devdb_line)
    devdb = start_devdb(user=options.pop("user"),
                        **{name: tmp_path / file for name, file in options.items()})
    database = flags_of_readme(gateway_line)["database"]
    gateway = start_gateway(database.replace(":2113", f":{devdb.port}")
                            .replace("=cert.pem", f"={tmp_path / 'cert.pem'}"))
    check_success(gateway.append_one(stream), stream, version=0)


# -- what is wrong with the server ---------------------------------------------------------

WRONG_CERTIFICATES = {
    "authority": (lambda right, strange: strange.sign(),
                  "comes from an authority (CN=Strange authority) that is not in tlsCaFile"),
    "self-signed": (lambda right, strange: strange.self_signed(),
                    "is self-signed, and it is not in tlsCaFile"),
    "expired": (lambda right, strange: right.sign(start=-3 * DAY, end=-DAY),
                "certificate of the server has expired: it was valid until 2"),
    "future": (lambda right, strange: right.sign(start=DAY, end=2 * DAY),
               "certificate of the server is not valid yet: it begins at 2"),
    "name": (lambda right, strange: right.sign(["db.example", "10.1.2.3"]),
             "is for db.example, 10.1.2.3, not for 127.0.0.1"),
}


@pytest.mark.parametrize("kind", WRONG_CERTIFICATES)
def test_a_wrong_certificate_and_then_the_right_one(
        start_tls, start_gateway, authority, stranger, stream, kind):
    make, cause = WRONG_CERTIFICATES[kind]
    wrong = start_tls(make(authority, stranger))
    gateway = start_gateway(string_of(wrong.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, cause)
    assert reason_of(gateway).startswith(f"{wrong.address}: the certificate of the server")
    assert wrong.calls("Gossip") == 0
    wrong.stop()
    start_tls(authority.sign(), port=wrong.port)
    gateway.wait_ready()
    assert reason_of(gateway) == ""
    check_success(gateway.append_one(stream), stream, version=0)


def test_a_server_without_tls(start_server, start_gateway, authority):
    server = start_server(Talker, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    gateway = start_gateway(string_of(server.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server does not speak TLS here")


@pytest.mark.cleartext("devdb without TLS is the point")
def test_devdb_without_tls(start_devdb, start_gateway, authority):
    devdb = start_devdb()
    gateway = start_gateway(string_of(devdb.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server does not speak TLS here")
    assert devdb.calls("Gossip") == 0


@pytest.mark.cleartext("a gateway without TLS is the point")
def test_a_server_with_tls_for_a_gateway_without(start_tls, start_gateway, authority):
    devdb = start_tls(authority.sign())
    gateway = start_gateway(devdb.address, wait_ready=False)
    expect_cause(gateway, "the server speaks TLS: leave tls=false out")


@pytest.mark.parametrize("protocols", [(), ("http/1.1",)])
def test_a_server_without_http_2(start_server, start_gateway, authority, protocols):
    server = start_server(Terminator, authority.sign(), 9, protocols=protocols)
    gateway = start_gateway(string_of(server.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server does not offer HTTP/2 over TLS")


def test_a_server_that_closes(start_server, start_gateway, authority):
    server = start_server(Talker, b"")
    gateway = start_gateway(string_of(server.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server closed the connection in the TLS handshake")


def test_a_server_that_says_nothing(start_server, start_gateway, authority):
    server = start_server(Server)
    gateway = start_gateway(string_of(server.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server does not answer the TLS handshake", 20)


def test_several_nodes_are_each_told_once(start_server, start_gateway, authority, stranger):
    expired = start_server(Terminator, authority.sign(start=-3 * DAY, end=-DAY), 9)
    strange = start_server(Terminator, stranger.sign(), 9)
    gateway = start_gateway(
        f"kurrentdb://{expired.address},{strange.address}?tlsCaFile={authority.file}",
        wait_ready=False)
    gateway.wait_for_line(f"{expired.address}: the certificate of the server has expired")
    gateway.wait_for_line(f"{strange.address}: the certificate of the server comes from")
    said = len(gateway.lines)
    tried = strange.accepted
    wait_until(lambda: strange.accepted >= tried + 4, 10, "the search goes on")
    assert gateway.lines[said:] == []


# -- what the gateway shows of itself ------------------------------------------------------

@pytest.fixture
def start_guarded(start_devdb, start_server, authority):
    """A database behind a server that lets nobody in without a certificate of the stranger."""
    def start(clients, **options):
        devdb = start_devdb()
        pair = authority.sign()
        target = start_server(Terminator, pair, devdb.port, clients=clients, **options)
        return devdb, target
    return start


VERSIONS = [None, ssl.TLSVersion.TLSv1_2]


@pytest.mark.cleartext("the database has no TLS of its own here")
@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize("verify", ["true", "false"])
def test_client_certificate(
        start_guarded, start_gateway, authority, stranger, stream, newest, verify):
    devdb, guard = start_guarded(stranger.file, newest=newest)
    client = stranger.sign((), "admin")
    gateway = start_gateway(string_of(
        guard.port, tlsCaFile=authority.file, userCertFile=client.cert_file,
        userKeyFile=client.key_file, tlsVerifyCert=verify))
    check_success(gateway.append_one(stream), stream, version=0)
    assert len(devdb.read(stream)) == 1


@pytest.mark.cleartext("the database has no TLS of its own here")
@pytest.mark.parametrize("newest", VERSIONS)
def test_no_client_certificate(start_guarded, start_gateway, authority, stranger, newest):
    _, guard = start_guarded(stranger.file, newest=newest)
    gateway = start_gateway(string_of(guard.port, tlsCaFile=authority.file), wait_ready=False)
    expect_cause(gateway, "the server demands a client certificate: give userCertFile and")


@pytest.mark.cleartext("the database has no TLS of its own here")
@pytest.mark.parametrize("newest", VERSIONS)
def test_a_client_certificate_that_is_refused(
        start_guarded, start_gateway, authority, stranger, newest):
    _, guard = start_guarded(stranger.file, newest=newest)
    client = authority.sign((), "admin")
    gateway = start_gateway(string_of(
        guard.port, tlsCaFile=authority.file, userCertFile=client.cert_file,
        userKeyFile=client.key_file), wait_ready=False)
    expect_cause(gateway, "the server refuses the client certificate of userCertFile")


# -- files ---------------------------------------------------------------------------------

def bad_files(authority, stranger, folder):
    """Options of the connection string, and what the refusal must name."""
    pair, other = authority.sign(), stranger.sign()
    text = folder / "text"
    text.write_text("no certificate")
    (folder / "empty").touch()
    cut = folder / "cut"
    cut.write_bytes(pair.cert_file.read_bytes()[:300])
    big = folder / "big"
    big.write_bytes(authority.file.read_bytes() * 4000)
    secret = folder / "secret"
    secret.write_bytes(encrypted(pair.key))
    missing = folder / "missing"
    return {
        "no authority": ({"tlsCaFile": missing}, ["tlsCaFile", missing, "No such file"]),
        "folder": ({"tlsCaFile": folder}, ["tlsCaFile", folder, "Is a directory"]),
        "device": ({"tlsCaFile": "/dev/zero"}, ["tlsCaFile", "/dev/zero", "no regular file"]),
        "too large": ({"tlsCaFile": big}, ["tlsCaFile", big, "too large"]),
        "text": ({"tlsCaFile": text}, ["tlsCaFile", text, "PEM"]),
        "empty": ({"tlsCaFile": folder / "empty"}, ["tlsCaFile", "empty", "PEM"]),
        "cut": ({"tlsCaFile": cut}, ["tlsCaFile", cut, "PEM"]),
        "no certificate": (both(authority, missing, pair.key_file),
                           ["userCertFile", missing, "No such file"]),
        "no key": (both(authority, pair.cert_file, missing),
                   ["userKeyFile", missing, "No such file"]),
        "swapped": (both(authority, pair.key_file, pair.cert_file),
                    ["userCertFile", pair.key_file, "no PEM certificates"]),
        "another's key": (both(authority, pair.cert_file, other.key_file),
                          [pair.cert_file, other.key_file, "do not match"]),
        "key with a password": (both(authority, pair.cert_file, secret),
                                [secret, "the key is encrypted"]),
    }


KINDS = ["no authority", "folder", "device", "too large", "text", "empty", "cut",
         "no certificate", "no key", "swapped", "another's key", "key with a password"]


def both(authority, certificate, key):
    return {"tlsCaFile": authority.file, "userCertFile": certificate, "userKeyFile": key}


def encrypted(key):
    from cryptography.hazmat.primitives import serialization
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize("kind", KINDS)
def test_bad_files_are_named_at_start(authority, stranger, tmp_path, kind):
    options, wanted = bad_files(authority, stranger, tmp_path)[kind]
    for flags in (["--check-config"], []):
        done = run_gateway(*flags, f"--database={string_of(1, **options)}",
                           f"--listen=127.0.0.1:{free_port()}")
        assert done.returncode == WRONG_CONFIGURATION
        assert "The configuration is good" not in done.stdout
        for text in wanted:
            assert str(text) in done.stderr, done.stderr


def test_no_authorities_of_the_system(tmp_path):
    done = run_gateway("--check-config", f"--database={string_of(1)}",
                       environment={"SSL_CERT_FILE": str(tmp_path / "missing")})
    assert done.returncode == WRONG_CONFIGURATION
    assert "missing" in done.stderr and "ca-certificates" in done.stderr
    assert "tlsCaFile" in done.stderr


def test_what_is_good_but_odd_is_a_warning(authority, tmp_path):
    def check(**options):
        done = run_gateway("--check-config", f"--database={string_of(1, **options)}")
        assert done.returncode == 0 and "The configuration is good" in done.stdout
        return done.stderr
    good, old, early = (authority.sign(**times) for times in (
        {}, {"start": -3 * DAY, "end": -DAY}, {"start": DAY, "end": 2 * DAY}))
    assert check(**both(authority, good.cert_file, good.key_file)) == ""
    assert f"{old.cert_file} has expired" in check(**both(authority, old.cert_file, old.key_file))
    assert "is not valid yet" in check(**both(authority, early.cert_file, early.key_file))
    assert "NOT VERIFIED" in check(tlsVerifyCert="false")
    assert "no effect" in check(tls="false", tlsCaFile=authority.file)
    shared = tmp_path / "shared.key"
    shutil.copy(good.key_file, shared)
    shared.chmod(0o644)
    assert f"{shared} can be read by every user" in check(
        **both(authority, good.cert_file, shared))


def test_a_changed_authority_is_read_again(
        start_tls, start_gateway, authority, stranger, stream, tmp_path):
    trusted = tmp_path / "ca.pem"
    shutil.copy(authority.file, trusted)
    devdb = start_tls(authority.sign())
    gateway = start_gateway(string_of(devdb.port, tlsCaFile=trusted))
    check_success(gateway.append_one(stream), stream, version=0)
    # A broken file is told, and what was read before still counts.
    trusted.write_text("half a file")
    devdb.stop()
    devdb = start_tls(authority.sign(), port=devdb.port)
    gateway.wait_for_line("changed certificate files are not used: tlsCaFile")
    gateway.wait_ready()
    # A new authority for a new certificate.
    shutil.copy(stranger.file, trusted)
    devdb.stop()
    start_tls(stranger.sign(), port=devdb.port)
    gateway.wait_ready()
    check_success(gateway.append_one(stream), stream, version=0)


def test_the_list_of_the_system_is_read_at_the_start_alone(
        start_tls, start_gateway, authority, stranger, tmp_path):
    trusted = tmp_path / "roots.pem"
    shutil.copy(authority.file, trusted)
    devdb = start_tls(authority.sign())
    gateway = start_gateway(string_of(devdb.port), environment={"SSL_CERT_FILE": str(trusted)})
    shutil.copy(stranger.file, trusted)
    devdb.stop()
    devdb = start_tls(stranger.sign(), port=devdb.port)
    gateway.wait_for_line("(CN=Strange authority) that is not in /")
    assert devdb.calls("Gossip") == 0


@pytest.mark.cleartext("the database has no TLS of its own here")
def test_a_changed_client_certificate_is_read_again(
        start_guarded, start_server, start_gateway, authority, stranger, stream, tmp_path):
    devdb, guard = start_guarded(stranger.file)
    files = both(authority, tmp_path / "client.crt", tmp_path / "client.key")

    def show(pair):
        shutil.copy(pair.key_file, files["userKeyFile"])
        shutil.copy(pair.cert_file, files["userCertFile"])
    show(authority.sign((), "admin"))
    gateway = start_gateway(string_of(guard.port, **files), wait_ready=False)
    expect_cause(gateway, "the server refuses the client certificate of userCertFile")
    show(stranger.sign((), "admin"))
    gateway.wait_ready()
    check_success(gateway.append_one(stream), stream, version=0)


@pytest.mark.cleartext("the database has no TLS of its own here")
def test_an_idle_connection_is_made_again_with_what_changed(
        start_guarded, start_server, start_gateway, authority, stranger, stream, tmp_path):
    """One connection is lost, and that of the shared call stays: the leader is not lost."""
    files = both(authority, tmp_path / "client.crt", tmp_path / "client.key")

    def show(pair):
        shutil.copy(pair.key_file, files["userKeyFile"])
        shutil.copy(pair.cert_file, files["userCertFile"])
    _, guard = start_guarded(stranger.file)
    show(stranger.sign((), "admin"))
    gateway = start_gateway(string_of(guard.port, **files))
    own = {"Kurrent-Authorization": f"Basic {CREDENTIALS}"}
    check_success(gateway.append_one(stream, headers=own), stream, version=0)
    assert len(guard.links) == 2
    guard.context = Terminator.context_of(authority.sign(), authority.file)
    show(authority.sign((), "admin"))
    guard.cut(1)
    check_success(gateway.append_one(stream, headers=own), stream, version=1)
    check_success(gateway.append_one(stream), stream, version=2)
    assert not [line for line in gateway.lines if "append call on" in line]


# -- credentials ---------------------------------------------------------------------------

def test_nothing_of_the_credentials_before_tls(start_server, start_gateway, authority):
    server = start_server(Recorder)
    gateway = start_gateway(
        string_of(server.port, user="admin:changeit@", tlsCaFile=authority.file),
        wait_ready=False)
    own = {"Kurrent-Authorization": f"Basic {CREDENTIALS}", "Kurrent-Timeout": "0.3"}
    check_problem(gateway.append_one("early", headers=own), 503, "database-unreachable",
                  retryable=True)
    wait_until(lambda: server.accepted >= 2 and server.received, 10, "two tries")
    for secret in (b"admin", b"changeit", CREDENTIALS.encode(), b"authorization"):
        assert secret not in server.received


def redirect(old, port):
    old.fault("not-leader", method="BatchAppend", leader_host=ELSEWHERE, leader_port=port)


@pytest.mark.cleartext("credentials in clear text are the point")
def test_own_credentials_stay_on_loopback(start_devdb, start_server, start_gateway):
    old = start_devdb(user="admin:changeit")
    elsewhere = start_server(Recorder, ELSEWHERE)
    gateway = start_gateway(f"kurrentdb://admin:changeit@{old.address}?tls=false")
    redirect(old, elsewhere.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    cause = f"{ELSEWHERE}:{elsewhere.port}: neither TLS nor loopback"
    gateway.wait_for_line(cause)
    assert elsewhere.accepted == 0
    # The node that redirects is found again meanwhile; it is not what this is about.
    assert "allow-cleartext-credentials" in gateway.wait_for_line(cause)


@pytest.mark.cleartext("credentials in clear text are the point")
def test_own_credentials_travel_when_the_operator_says_so(start_devdb, start_gateway):
    old, new = start_devdb(user="admin:changeit"), start_devdb(user="admin:changeit")
    gateway = start_gateway(f"kurrentdb://admin:changeit@{old.address}?tls=false",
                            allow_cleartext_credentials="true")
    redirect(old, new.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    wait_until(lambda: gateway.append_one("moved").status == 200, 10, "the new leader is used")
    wait_until(lambda: leader_of(gateway) == f"{ELSEWHERE}:{new.port}", 5, "it is told")


@pytest.mark.cleartext("credentials in clear text are the point")
def test_credentials_of_a_request_stay_on_loopback(start_devdb, start_gateway):
    old, new = start_devdb(), start_devdb()
    gateway = start_gateway(old.address)
    own = {"Kurrent-Authorization": f"Basic {CREDENTIALS}"}
    check_success(gateway.append_one("own", headers=own), version=0)
    redirect(old, new.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    check_success(gateway.append_one("moved"), version=0)
    before = new.written()
    members = check_problem(gateway.append_one("own", headers=own), 403, "forbidden")
    assert "allow-cleartext-credentials" in members["detail"]
    assert new.written() == before
    check_success(gateway.append_one("moved"), version=1)


@pytest.mark.cleartext("a redirect out of loopback is the point")
def test_a_gateway_without_credentials_goes_anywhere(start_devdb, start_gateway):
    old, new = start_devdb(), start_devdb()
    gateway = start_gateway(old.address)
    redirect(old, new.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    check_success(gateway.append_one("moved"), version=0)
    assert len(new.read("moved")) == 1


def test_a_learnt_node_must_show_its_own_name(start_tls, start_gateway, authority):
    old, new = start_tls(authority.sign()), start_tls(authority.sign())
    gateway = start_gateway(string_of(old.port, tlsCaFile=authority.file))
    redirect(old, new.port)
    check_problem(gateway.append_one("moved"), 503, "leader-unavailable", retryable=True)
    gateway.wait_for_line(f"{ELSEWHERE}:{new.port}: the certificate of the server is for "
                          "localhost, 127.0.0.1, ::1, not for 0.0.0.0")
    assert new.calls("Gossip") == 0


# -- stops ---------------------------------------------------------------------------------

@pytest.mark.parametrize("is_looked_at", [False, True])
def test_a_stop_in_a_handshake(start_server, start_gateway, authority, is_looked_at):
    server = start_server(Server)
    gateway = start_gateway(string_of(server.port, tlsCaFile=authority.file), wait_ready=False)
    # One connection is gRPC's; the next one may be that which looks for the cause.
    wait_until(lambda: server.accepted >= (2 if is_looked_at else 1), 10, "it connects")
    gateway.kill(signal.SIGTERM)
    begin = time.monotonic()
    assert gateway.wait(3) == 0
    assert time.monotonic() - begin < 3
