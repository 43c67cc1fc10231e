# SPDX-License-Identifier: Apache-2.0
"""A KurrentDB that somebody else runs, in place of devdb: only streams with fresh names are
written and deleted.

tests/live/run.tap hands its connection string over in KURRENTGATE_TEST_LIVE. As a program
("python3 -m harness.live") this says in one line why the database cannot be used, if so.
"""

import os
import secrets
import sys
from urllib.parse import unquote

from . import server
from .database import Reader
from .gateway import Gateway
from .limits import limit, wait_until

URL = os.environ.get("KURRENTGATE_TEST_LIVE") or None
PREFIX = f"kurrentgate-test-{secrets.token_hex(6)}-" if URL else ""
# Whoever names a database with a password and tls=false wants it sent so. The deadline is that
# of the scenarios, whatever the connection string says.
GATEWAY_OPTIONS = {"allow_cleartext_credentials": "true",
                   "default_timeout_seconds": "5"} if URL else {}
REACH_SECONDS = 15
NAME_BYTES = 4096
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"

# Fixtures that order devdb about, or put something of ours between it and the gateway.
DEVDB_FIXTURES = {"start_devdb", "start_proxy", "faults"}

_watched = []


def fresh(name):
    """A stream name that no earlier run has used; too long ones lose their end."""
    content = (PREFIX + name).encode("utf-8")[:NAME_BYTES]
    return content.decode("utf-8", "ignore")


def watch(name):
    """The stream of the running test, of which written() tells."""
    _watched[:] = [name]


def can_run(item):
    """Whether a test needs nothing but a database to append to, and writes to fresh streams."""
    names = set(item.fixturenames)
    if item.get_closest_marker("devdb_only") or names & DEVDB_FIXTURES:
        return False
    return "refused" not in names or "stream" in names


def credentials_of(url):
    """USER:PASSWORD of a connection string; None without."""
    authority = url.partition("://")[2].partition("?")[0]
    user, at_sign, _ = authority.rpartition("@")
    return unquote(user) if at_sign else None


def roots_of(url):
    """Whom to trust on the links to the database of a connection string, as Reader takes it."""
    pairs = (pair.partition("=") for pair in url.partition("?")[2].split("&"))
    options = {name.lower().replace("-", "").replace("_", ""): unquote(value)
               for name, _, value in pairs}

    def is_off(name):
        return options.get(name, "true").lower() in ("false", "f", "0")
    if is_off("tls"):
        return None
    return "unverified" if is_off("tlsverifycert") else options.get("tlscafile", SYSTEM_ROOTS)


class Unreachable(Exception):
    """The gateway finds no leader there."""


def leader_of(url):
    """Where the gateway finds the leader, and the leader's version: HOST:PORT, 26.1.0."""
    gateway = Gateway(url, wait_ready=False, **GATEWAY_OPTIONS)
    try:
        wait_until(lambda: gateway.get("/readyz/leader").status == 200, REACH_SECONDS, "")
        database = gateway.get("/v1/info").json()["database"]
        return database["leader"], database["version"]
    except AssertionError:
        check = gateway.get("/readyz/leader").json()["checks"]["leader"]
        raise Unreachable(f"no leader within {limit(REACH_SECONDS):g} s: "
                          f"{check.get('reason')}") from None
    finally:
        gateway.stop()


class LiveDatabase:
    """What the tests use of devdb, as far as every KurrentDB has it."""

    def __init__(self, url=URL):
        self.address = url
        leader, version = leader_of(url)
        server.set_version(version)
        self._reader = Reader(leader, credentials_of(url), roots_of(url))

    def read(self, stream):
        """All events of a stream, in order; [] when there is no such stream."""
        return self._reader.run("read", stream)

    def delete(self, stream):
        """Soft-deletes a stream of ours."""
        assert stream.startswith(PREFIX), stream
        self._reader.run("delete", stream)

    def tombstone(self, stream):
        """Deletes a stream of ours for ever."""
        assert stream.startswith(PREFIX), stream
        self._reader.run("tombstone", stream)

    def written(self):
        """How much the test's own stream and its metadata stream hold."""
        return [len(self.read(prefix + name)) for name in _watched for prefix in ("", "$$")]

    def stop(self):
        self._reader.close()


def main():
    try:
        database = LiveDatabase()
        database.read(fresh("probe"))  # fails where the credentials are wrong
        database.stop()
    except Unreachable as why:
        print(f"the database of KURRENTDB_URL cannot be reached: {why}")
        return 1
    except AssertionError as why:
        print(why, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
