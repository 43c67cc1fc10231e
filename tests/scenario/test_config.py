# SPDX-License-Identifier: Apache-2.0
"""The configuration: flag over environment over file over default; what is wrong is said."""

import pathlib
import re

import pytest

from harness.gateway import Gateway, run_gateway
from harness.process import free_port

DATABASE = "kurrentdb://127.0.0.1:2113?tls=false"
GIVEN = f"--database={DATABASE}"


def options():
    """Every option with its value and origin, as --print-config of a run tells them."""
    done = run_gateway("--print-config", GIVEN)
    assert done.returncode == 0, done.stderr
    return printed(done.stdout)


def printed(text):
    """name → [(value, comment above it)]."""
    values = {}
    comment = ""
    for line in text.splitlines():
        if line.startswith("#"):
            comment = line
        elif line:
            name, _, value = line.partition(" =")
            values.setdefault(name, []).append((value.strip(), comment))
    return values


def value_of(done, name):
    assert done.returncode == 0, done.stderr
    [(value, origin)] = printed(done.stdout)[name]
    return value, origin


@pytest.fixture
def config_file(tmp_path):
    def write(text, mode=0o640):
        path = tmp_path / "kurrentgate.conf"
        path.write_text(text)
        path.chmod(mode)
        return str(path)
    return write


def test_help_and_version():
    for flag, text in [("--help", "--database"), ("--version", "kurrentgate")]:
        done = run_gateway(flag)
        assert done.returncode == 0
        assert text in done.stdout
        assert done.stderr == ""


def test_help_names_every_option():
    text = run_gateway("--help").stdout
    for name in options():
        assert f"--{name}" in text, name
    assert "KURRENTGATE_" in text


def test_check_config_of_a_good_one():
    done = run_gateway("--check-config", GIVEN)
    assert done.returncode == 0, done.stderr


def test_check_config_binds_nothing():
    done = run_gateway("--check-config", GIVEN, "--listen=127.0.0.1:1")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("flags", [[], ["--check-config"]])
def test_no_database_is_an_error_with_an_example(flags):
    done = run_gateway(*flags)
    assert done.returncode != 0
    assert "kurrentdb://" in done.stderr
    assert "database" in done.stderr


def test_precedence(config_file):
    path = config_file(f"database = {DATABASE}\nmax-events = 11\nmax-depth = 12\n"
                       "log-level = debug\n")
    done = run_gateway("--print-config", f"--config={path}", "--max-events=31",
                       environment={"KURRENTGATE_MAX_EVENTS": "21", "KURRENTGATE_MAX_DEPTH": "22"})
    for name, value, origin in [("max-events", "31", "flag --max-events"),
                                ("max-depth", "22", "KURRENTGATE_MAX_DEPTH"),
                                ("log-level", "debug", "kurrentgate.conf:4"),
                                ("max-connections", "4096", "default")]:
        found, said = value_of(done, name)
        assert found == value, (name, found)
        assert origin in said, (name, said)


def test_file_with_comments_and_blanks(config_file):
    path = config_file(f"# a comment\n\n  database={DATABASE}  \n\tmax-events =  7\n")
    assert value_of(run_gateway("--print-config", f"--config={path}"), "max-events")[0] == "7"


def test_printed_configuration_is_a_configuration(config_file):
    done = run_gateway("--print-config", GIVEN, "--max-events=5", "--listen=127.0.0.1:1",
                       "--listen=unix:/tmp/x.sock")
    path = config_file(done.stdout)
    again = run_gateway("--print-config", f"--config={path}")
    assert value_of(again, "max-events")[0] == "5"
    assert [value for value, _ in printed(again.stdout)["listen"]] == ["127.0.0.1:1",
                                                                      "unix:/tmp/x.sock"]


def test_password_is_never_printed():
    secret = "Hidden-Word-77"
    for flags in (["--print-config"], ["--check-config"]):
        done = run_gateway(
            *flags, f"--database=kurrentdb://admin:{secret}@127.0.0.1:2113?tls=false")
        assert done.returncode == 0
        assert secret not in done.stdout + done.stderr


def test_password_is_not_in_an_error():
    secret = "Hidden-Word-77"
    done = run_gateway("--check-config",
                       f"--database=kurrentdb://admin:{secret}@127.0.0.1:2113?nonsense=1")
    assert done.returncode != 0
    assert "nonsense" in done.stderr
    assert secret not in done.stdout + done.stderr


def test_database_file(tmp_path):
    path = tmp_path / "database"
    path.write_text("kurrentdb://admin:from-the-file@127.0.0.1:2113?tls=false\n")
    path.chmod(0o600)
    done = run_gateway("--print-config", f"--database-file={path}")
    assert done.returncode == 0, done.stderr
    assert "from-the-file" not in done.stdout


def test_database_file_for_everybody_is_refused(tmp_path):
    path = tmp_path / "database"
    path.write_text(DATABASE)
    path.chmod(0o644)
    done = run_gateway("--check-config", f"--database-file={path}")
    assert done.returncode != 0
    assert "0640" in done.stderr or "mode" in done.stderr


def test_database_and_database_file_together(tmp_path):
    path = tmp_path / "database"
    path.write_text(DATABASE)
    path.chmod(0o600)
    done = run_gateway("--check-config", GIVEN, f"--database-file={path}")
    assert done.returncode != 0


@pytest.mark.parametrize("scheme", ["kurrentdb", "kurrent", "kdb", "esdb", "kurrentdb+discover",
                                    "esdb+discover", "kdb+discover", "kurrent+discover"])
def test_schemes(scheme):
    done = run_gateway("--check-config", f"--database={scheme}://127.0.0.1:1?tls=false")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("flag, named", [
    ("--max-events=0", "max-events"), ("--max-events=100001", "max-events"),
    ("--max-events=-1", "max-events"), ("--max-events=1.5", "max-events"),
    ("--max-events=", "max-events"), ("--max-events=ten", "max-events"),
    ("--max-body-bytes=1XiB", "max-body-bytes"), ("--max-body-bytes=257MiB", "max-body-bytes"),
    ("--max-body-bytes=99999999999999999999", "max-body-bytes"),
    ("--max-header-bytes=1KiB", "max-header-bytes"), ("--default-timeout-seconds=x",
                                                      "default-timeout-seconds"),
    ("--default-timeout-seconds=-1", "default-timeout-seconds"), ("--log-level=loud", "log-level"),
    ("--log-format=xml", "log-format"), ("--readiness-profile=x", "readiness-profile"),
    ("--server-timing=maybe", "server-timing"), ("--validate-json-payloads=yes!",
                                                 "validate-json-payloads"),
    ("--default-current-version=5x", "default-current-version"), ("--unix-socket-mode=999",
                                                                  "unix-socket-mode"),
    ("--listen=nonsense", "listen"), ("--listen=127.0.0.1:99999", "listen"), ("--listen=unix:",
                                                                             "listen"),
    ("--listen=localhost", "listen"), ("--no-such-option=1", "no-such-option"),
    ("stray", "argument"), ("--database=http://x", "scheme"), ("--database=", "database"),
    ("--database=kurrentdb://h?tls=false&x=1", "x"),
    ("--config=/nowhere/at/all", "/nowhere"),
    ("--database-file=/nowhere/at/all", "/nowhere"), ("--max-depth=0", "max-depth")])
def test_bad_values(flag, named):
    flags = ["--check-config", flag]
    if not flag.startswith("--database"):
        flags.append(GIVEN)
    done = run_gateway(*flags)
    assert done.returncode != 0
    assert named in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("line, place", [
    ("no-such-option = 1", "2"), ("max-events = 0", "2"), ("max-events", "2"), ("= 5", "2"),
    ("max-events = 1\nmax-events = 2", "3"), ("max-events = 1 \\", "2"), ("Max-Events = 1", "2"),
    ("max-events = 1\0", "2")])
def test_bad_lines_are_named(config_file, line, place):
    path = config_file(f"database = {DATABASE}\n{line}\n")
    done = run_gateway("--check-config", f"--config={path}")
    assert done.returncode != 0
    assert "kurrentgate.conf" in done.stderr
    assert re.search(rf"\b{place}\b", done.stderr), done.stderr


def test_bad_environment_is_named():
    done = run_gateway("--check-config", GIVEN, environment={"KURRENTGATE_MAX_EVENTS": "x"})
    assert done.returncode != 0
    assert "KURRENTGATE_MAX_EVENTS" in done.stderr


def test_environment_alone_is_enough():
    done = run_gateway("--check-config", environment={"KURRENTGATE_DATABASE": DATABASE})
    assert done.returncode == 0, done.stderr


def test_sizes_with_suffixes():
    for text, shown in [("1KiB", 1024), ("2MiB", 2097152), ("4096", 4096)]:
        value, _ = value_of(run_gateway("--print-config", GIVEN, f"--max-body-bytes={text}"),
                            "max-body-bytes")
        assert value in (text, str(shown)), value


def test_conf_file_of_the_tree_is_good():
    path = pathlib.Path(__file__).resolve().parents[2] / "conf" / "kurrentgate.conf"
    done = run_gateway("--check-config", f"--config={path}", GIVEN)
    assert done.returncode == 0, done.stderr


def test_port_in_use_is_an_error(gateway):
    done = run_gateway(GIVEN, f"--listen=127.0.0.1:{gateway.port}")
    assert done.returncode != 0
    assert str(gateway.port) in done.stderr


# -- what options do -----------------------------------------------------------------------

def test_default_current_version(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, default_current_version="no_stream")
    body = '{"events":[{"type":"T","data":1}]}'
    assert gateway.append(stream, body).status == 200
    assert gateway.append(stream, body).status == 409
    assert gateway.append_raw(stream + "r", "T", b"x").status == 200
    assert gateway.append_raw(stream + "r", "T", b"x").status == 409
    assert gateway.append_lines(stream + "l", '{"type":"T","data":1}').status == 200
    assert gateway.append(stream, body, {"Kurrent-ExpectedVersion": "0"}).status == 200
    assert gateway.get("/v1/info").json()["defaults"] == {"current_version": "no_stream"}


def test_timeouts(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, default_timeout_seconds="2.5", max_timeout_seconds="7")
    for headers, deadline in [({}, "2500"), ({"Kurrent-Timeout": "6"}, "6000"),
                              ({"Kurrent-Timeout": "60"}, "7000")]:
        answer = gateway.append_one(stream, headers=headers)
        assert f"deadline;dur={deadline}" in answer.header("Server-Timing")


def test_default_deadline_of_the_connection_string(start_gateway, devdb, stream):
    gateway = start_gateway(f"kurrentdb://{devdb.address}?tls=false&defaultDeadline=1500")
    answer = gateway.append_one(stream)
    assert "deadline;dur=1500" in answer.header("Server-Timing")


@pytest.mark.parametrize("value, shown", [("on", True), ("auto", True), ("off", False)])
def test_server_timing(start_gateway, devdb, stream, value, shown):
    gateway = start_gateway(devdb.address, server_timing=value)
    assert (gateway.append_one(stream).header("Server-Timing") is not None) == shown


def test_payloads_that_are_not_checked(start_gateway, devdb, stream):
    gateway = start_gateway(devdb.address, validate_json_payloads="false")
    answer = gateway.append_raw(stream, "T", b"{not json", {"Content-Type": "application/json"},
                                "?current_version=any")
    assert answer.status == 200
    [event] = devdb.read(stream)
    assert (event.data, event.content_type) == (b"{not json", "application/json")


def test_running_with_a_file_and_the_environment(start_devdb, config_file):
    """A whole run without a flag but --config."""
    devdb = start_devdb()
    port = free_port()
    path = config_file(f"database = kurrentdb://{devdb.address}?tls=false\n"
                       f"listen = 127.0.0.1:{port}\n")
    gateway = Gateway(f"kurrentdb://{devdb.address}?tls=false", config=path,
                      environment={"KURRENTGATE_MAX_EVENTS": "1"})
    try:
        assert gateway.get("/v1/info").json()["limits"]["max_events"] == 1
    finally:
        gateway.stop()
