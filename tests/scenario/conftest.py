# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the scenarios, a time limit for every test, and TAP for automake."""

import itertools
import os
import signal

import pytest

from harness import link, live, server, trace
from harness.database import Devdb
from harness.gateway import Gateway, envelope_of, event_of
from harness.limits import TEST_SECONDS, limit
from harness.problems import check_problem, check_success
from harness.process import Process
from harness.proxy import Proxy

NAME_LENGTH = 160

_numbers = itertools.count(1)


# -- fixtures ------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def devdb():
    """One database for all tests that leave nothing behind but events in their own streams."""
    process = live.LiveDatabase() if live.URL else Devdb()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def gateway(devdb):
    """One gateway with default options for all tests that do not change it."""
    process = Gateway(devdb.address, **live.GATEWAY_OPTIONS)
    yield process
    process.stop()


@pytest.fixture
def stream(request):
    """A stream name that nobody else uses."""
    name = live.fresh(f"stream-{next(_numbers)}")
    live.watch(name)
    return name


@pytest.fixture
def fresh():
    """Makes a given name one that no earlier run has used: devdb begins empty, others do not."""
    return live.fresh


@pytest.fixture
def start_devdb():
    """Starts devdbs that end with the test."""
    started = []

    def start(**options):
        started.append(Devdb(**options))
        return started[-1]
    yield start
    for process in reversed(started):
        process.stop()


@pytest.fixture
def start_gateway():
    """Starts gateways that end with the test."""
    started = []

    def start(database, **options):
        started.append(Gateway(database, **{**live.GATEWAY_OPTIONS, **options}))
        return started[-1]
    yield start
    for process in reversed(started):
        process.stop()


@pytest.fixture
def start_proxy():
    """Starts proxies that end with the test."""
    started = []

    def start(process):
        started.append(Proxy(("127.0.0.1", process.port)))
        return started[-1]
    yield start
    for proxy in started:
        proxy.close()


@pytest.fixture
def faults(devdb):
    """Sets faults on the shared database; they are gone after the test."""
    yield devdb.fault
    devdb.clear_faults()


class Refusals:
    """Asks for something that must be refused, and checks the answer, that the connection is
    closed or kept (None: the contract leaves it open), and that the database got nothing."""

    def __init__(self, gateway, devdb):
        self.gateway = gateway
        self.devdb = devdb

    def __call__(self, content, status, code, pointers=None, closes=False, method="POST",
                 **options):
        before = self.devdb.written()
        with self.gateway.connect() as connection:
            connection.send_blindly(content)
            answer = connection.receive(method)
            members = check_problem(answer, status, code, pointers, **options)
            self.check_end(connection, answer, closes)
        assert self.devdb.written() == before, "the database got something"
        return answer, members

    @staticmethod
    def check_end(connection, answer, closes):
        tokens = (answer.header("Connection") or "").lower()
        if closes is None:
            return
        if closes:
            assert "close" in tokens, f"Connection: {tokens!r} before a close"
            connection.expect_closed()
        else:
            assert "close" not in tokens
            connection.expect_open()


@pytest.fixture
def refused(gateway, devdb):
    return Refusals(gateway, devdb)


@pytest.fixture
def store(gateway, devdb, stream):
    """Appends one event with the given JSON text and returns it as stored."""
    def append(data="{}", **members):
        answer = gateway.append(stream, envelope_of("any", [event_of(data=data, **members)]))
        check_success(answer, stream)
        return devdb.read(stream)[-1]
    return append


# -- a limit for each test -----------------------------------------------------------------

class TooSlow(BaseException):
    """The test's own limit is over."""


def _on_alarm(_number, _frame):
    raise TooSlow(f"the test took more than {limit(TEST_SECONDS):g} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    marker = item.get_closest_marker("seconds")
    seconds = marker.args[0] if marker else TEST_SECONDS
    trace.reset()
    item.log_starts = {id(process): len(process.lines) for process in Process.started}
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, limit(seconds))
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call():
    outcome = yield
    if outcome.excinfo and issubclass(outcome.excinfo[0], server.Missing):
        outcome.force_result([])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.sections.append(("requests and answers", trace.render()))
        for process in Process.started:
            since = item.log_starts.get(id(process), 0)
            report.sections.append((f"log of {process.name}", process.report(since)))


def pytest_sessionfinish():
    """Nothing stays behind, also when a program did not start or stop as it should."""
    for process in Process.started:
        process.child.kill()
        process.child.wait()


# -- over TLS ------------------------------------------------------------------------------

def pytest_runtest_setup(item):
    marker = item.get_closest_marker("cleartext")
    if marker and link.IS_TLS:
        pytest.skip(marker.args[0])


# -- against other databases (tests/live), and older ones ------------------------------------

def can_run(item):
    if server.EMULATED and item.get_closest_marker("own_version"):
        return False
    return not live.URL or live.can_run(item)


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if not can_run(item)]
    items[:] = [item for item in items if can_run(item)]
    config.hook.pytest_deselected(items=left_out)


# -- TAP -----------------------------------------------------------------------------------

def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): limit of this test instead of the usual one")
    config.addinivalue_line("markers", "devdb_only: not against other databases (tests/live)")
    config.addinivalue_line("markers", "own_version: names the versions of the database itself")
    config.addinivalue_line("markers", "cleartext(why): not over TLS (KURRENTGATE_TEST_TLS)")
    if os.environ.get("KURRENTGATE_TEST_TAP"):
        # Options of the terminal plugin, which is off, but is asked for them on failures.
        config.option.tbstyle = "short"
        config.option.verbose = 0
        config.pluginmanager.register(Tap(), "kurrentgate-tap")


class Tap:
    """Prints one TAP line a test on standard output, failures as comments, the plan last."""

    def __init__(self):
        self.count = 0
        self.reports = {}
        # Descriptor 1 may be captured while a test runs.
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")

    def pytest_collectreport(self, report):
        if report.failed:
            self.line(False, f"collect {report.nodeid}")
            self.comment(report.longreprtext)

    def pytest_runtest_logreport(self, report):
        self.reports.setdefault(report.nodeid, []).append(report)
        if report.when == "teardown":
            self.finish(report.nodeid, self.reports.pop(report.nodeid))

    def finish(self, name, reports):
        failed = [report for report in reports if report.failed]
        skipped = [report for report in reports if report.skipped]
        if skipped and not failed:
            self.line(True, name, f" # SKIP {reason_of(skipped[0])}")
            return
        self.line(not failed, name)
        for report in failed:
            self.comment(f"{report.when} failed\n{report.longreprtext}")
            for title, text in report.sections:
                self.comment(f"== {title}\n{text}")

    def line(self, passed, name, more=""):
        self.count += 1
        clean = name[:NAME_LENGTH].replace("#", "%23").replace("\\", "/")
        print(f"{'' if passed else 'not '}ok {self.count} - {clean}{more}", file=self.out,
              flush=True)

    def comment(self, text):
        for line in text.splitlines():
            print(f"#   {line}", file=self.out)
        self.out.flush()

    def pytest_sessionfinish(self):
        if server.endings:
            self.comment(f"{server.endings} ended where the database lacks the operation")
        print(f"1..{self.count}", file=self.out, flush=True)


def reason_of(report):
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ").replace("\n", " ")
