# SPDX-License-Identifier: Apache-2.0
"""Which version of the database is tested with, and what follows from it for the tests.

KURRENTGATE_TEST_EMULATE=25.1 lets every devdb that a test starts answer as that version. A test
that comes to an operation which this version lacks ends there, passed, when the answer is the
right 501 (api-design 10): the same tests run in front of every version.
"""

import os

EMULATED = os.environ.get("KURRENTGATE_TEST_EMULATE") or None
NEWEST = "26.1"
NEEDED = {"/v1/multi-append": "25.1", "/v1/append-records": "26.1"}

_version = EMULATED or NEWEST
endings = 0  # tests that ended at a 501 that was due


class Missing(BaseException):
    """The database lacks the operation, and the gateway said so as it should."""


def set_version(version):
    """For a database that somebody else runs."""
    global _version
    _version = version


def number(version):
    """26.1.0 → (26, 1)"""
    return tuple(int(part) for part in version.split(".")[:2])


def is_at_least(version):
    return number(_version) >= number(version)


def lists_all_failures():
    """Whether M is sent as AppendRecords, whose refusals are complete."""
    return is_at_least("26.1")


def end_where_it_is_missing(target, answer):
    """Ends the test when an answer to this target is the 501 that the version explains."""
    global endings
    path = target.partition("?")[0]
    if answer.status != 501 or path not in NEEDED or is_at_least(NEEDED[path]):
        return
    assert answer.header("Content-Type") == "application/problem+json"
    members = answer.json()
    if members["code"] != "operation-not-supported":
        return
    assert members["requires"] == NEEDED[path], members
    assert members["server_version"].startswith(_version), members
    assert members["outcome"] == "not_written" and members["retryable"] is False, members
    endings += 1
    raise Missing(f"{path} needs {NEEDED[path]}, this is {_version}")
