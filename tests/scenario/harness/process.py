# SPDX-License-Identifier: Apache-2.0
"""Child processes: started with a clean environment, their output kept, ended within a limit."""

import os
import random
import signal
import socket
import subprocess
import threading

from .limits import limit, wait_until

PORT_FIRST, PORT_COUNT = 12000, 20000
REPORT_LINES = 80
SANITIZER_MARKS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer")
KEPT_NAMES = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
KEPT_ENDS = ("SAN_OPTIONS",)  # sanitizers

_random = random.Random(os.getpid())


def free_port():
    """A loopback port nobody listens on, outside the range the kernel hands out by itself."""
    for _ in range(200):
        port = PORT_FIRST + _random.randrange(PORT_COUNT)
        with socket.socket() as probe, socket.socket(socket.AF_INET6) as probe6:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            try:
                probe6.bind(("::1", port))
            except OSError:
                pass
            return port
    raise AssertionError("no free port")


def program(variable, path_below_top):
    """The path of a program under test: the variable, or the one in the build tree."""
    path = os.environ.get(variable)
    if not path:
        path = os.path.join(os.environ.get("top_builddir") or os.getcwd(), path_below_top)
    return os.path.abspath(path)


def clean_environment(extra=None):
    """Only what a program needs to run: nothing configures the daemon behind our back, and no
    secret of the caller's environment gets into a log."""
    kept = {name: value for name, value in os.environ.items()
            if name in KEPT_NAMES or name.endswith(KEPT_ENDS)}
    kept.update(extra or {})
    return kept


class Process:
    """A running program. Both outputs go into .lines as they come."""

    started = []  # those that were not stopped yet, for the report of a failure

    def __init__(self, name, argv, environment=None):
        self.name = name
        self.argv = argv
        self.lines = []
        assert os.access(argv[0], os.X_OK), f"no program {argv[0]}"
        self.child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=clean_environment(environment))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        Process.started.append(self)

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))

    def is_running(self):
        return self.child.poll() is None

    def must_run(self):
        """True; raises with the output when the program has ended."""
        if not self.is_running():
            self._reader.join(2)
            raise AssertionError(
                f"{self.name} ended with {self.child.returncode}:\n" + "\n".join(self.lines[-40:]))
        return True

    def kill(self, number=signal.SIGTERM):
        self.child.send_signal(number)

    def wait(self, seconds=15):
        """Waits for the end and returns the exit status."""
        try:
            status = self.child.wait(limit(seconds))
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGABRT)
            self.child.wait(limit(10))
            raise AssertionError(f"{self.name} did not end within {limit(seconds):g} s") from None
        self._reader.join(limit(5))
        return status

    def stop(self, seconds=15):
        """Ends the program and checks that it ended well: status 0, no sanitizer report."""
        if self in Process.started:
            Process.started.remove(self)
        if self.is_running():
            self.kill()
        status = self.wait(seconds)
        bad = [line for line in self.lines if any(mark in line for mark in SANITIZER_MARKS)]
        assert not bad, f"{self.name}: " + "\n".join(self.lines[-60:])
        assert status == 0, f"{self.name} ended with {status}:\n" + "\n".join(self.lines[-40:])

    def wait_for_line(self, text, seconds=10, since=0):
        """Waits for an output line that holds text, and returns it."""
        def find():
            return next((line for line in self.lines[since:] if text in line), None)
        return wait_until(find, seconds, f"{self.name} writes a line with {text!r}")

    def report(self, since=0):
        lines = self.lines[since:]
        left_out = len(lines) - REPORT_LINES
        cut = [f"… {left_out} lines left out"] if left_out > 0 else []
        return "\n".join(cut + lines[-REPORT_LINES:])


def run(argv, seconds=10, environment=None, stdin=b""):
    """Runs a program to its end; returns the CompletedProcess with text outputs."""
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=limit(seconds),
                          env=clean_environment(environment), check=False)
    done.stdout = done.stdout.decode("utf-8", "backslashreplace")
    done.stderr = done.stderr.decode("utf-8", "backslashreplace")
    return done
