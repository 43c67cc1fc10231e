# SPDX-License-Identifier: Apache-2.0
"""Runs the curl examples of a Markdown file and compares their answers: TAP on stdout.

An example is a block ```sh with a curl command, then a block ```http with its answer: the
status line, the headers that matter, an empty line, and the body. JSON is compared as a value,
members in order, so the file may lay it out for people. What differs from run to run is masked
on both sides: random and time-based UUIDs, times and durations.
"""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scenario"))
from harness.database import Devdb  # noqa: E402
from harness.gateway import Gateway  # noqa: E402

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
RANDOM_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DURATION = re.compile(r"dur=\d+(\.\d+)?")
RUN_SECONDS = 30


def examples(text):
    """Pairs of a command and the answer that follows it."""
    blocks = BLOCK.findall(text)
    for (kind, command), (next_kind, answer) in zip(blocks, blocks[1:] + [("", "")]):
        if kind == "sh" and "curl" in command and "apt-get" not in command:
            yield command, answer if next_kind == "http" else None


def masked(text):
    text = RANDOM_UUID.sub("<uuid>", text)
    text = TIME.sub("<time>", text)
    return DURATION.sub("dur=<n>", text)


def parts(answer):
    """Status line, headers by lower-case name, body (a JSON value as ordered pairs, or text)."""
    head, _, body = masked(answer.replace("\r", "")).partition("\n\n")
    status, *lines = head.split("\n")
    headers = dict((line.split(": ", 1) + [""])[:2] for line in lines if line)
    body = body.strip()
    try:
        body = json.loads(body, object_pairs_hook=lambda pairs: ["object", *pairs])
    except ValueError:
        pass
    return status, {name.lower(): value for name, value in headers.items()}, body


def differences(wanted, given):
    """What the answer lacks of the documented one; further headers are no difference."""
    status, headers, body = parts(wanted)
    given_status, given_headers, given_body = parts(given)
    if status != given_status:
        yield f"status {given_status!r}, documented {status!r}"
    for name, value in headers.items():
        if given_headers.get(name) != value:
            yield f"{name}: {given_headers.get(name)!r}, documented {value!r}"
    if body != given_body:
        yield f"body {given_body!r}"
        yield f"documented {body!r}"


def run(command, devdb, gateway, folder):
    """Runs a documented command against the gateway under test, in a folder that it may leave
    files in; ports are changed there and back."""
    command = command.replace("localhost:2114", f"localhost:{gateway.port}")
    command = command.replace("localhost:2115", f"localhost:{devdb.admin_port}")
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, timeout=RUN_SECONDS,
                          check=False, cwd=folder)
    return done.stdout.decode().replace(devdb.address, "127.0.0.1:2113")


def report(number, command, answer, *where):
    name = " ".join(command.split())[:100].replace("#", "")
    if answer is None:
        found = ["no answer is documented"]
    else:
        found = list(differences(answer, run(command, *where)))
    print(f"{'not ok' if found else 'ok'} {number} - {name}")
    for line in found:
        print(f"# {line}")


@contextlib.contextmanager
def running(process):
    try:
        yield process
    finally:
        process.stop()


def main(readme):
    found = list(examples(Path(readme).read_text(encoding="utf-8")))
    print(f"1..{len(found)}" if found else "Bail out! no example found")
    with running(Devdb()) as devdb, running(Gateway(devdb.address)) as gateway, \
            tempfile.TemporaryDirectory() as folder:
        for number, (command, answer) in enumerate(found, 1):
            report(number, command, answer, devdb, gateway, folder)


main(sys.argv[1])
