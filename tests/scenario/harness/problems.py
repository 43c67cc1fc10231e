# SPDX-License-Identifier: Apache-2.0
"""What every problem must look like (api-design 10)."""

import re

COMMON = {"type", "title", "status", "detail", "code", "outcome", "retryable", "request_id"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

HINT_KEY = ("Send the same request again with the same Idempotency-Key and the same "
            "current_version.")
HINT_IDS = ("Send the same events with id set to these event_ids, in order, and the same "
            "current_version.")
HINT_PLAIN = "Send the same request again."
HINT_INEXACT = ("Do not repeat: look for the first of event_ids in the stream, because a repeat "
                "may store the events twice.")


def check_problem(answer, status, code, pointers=None, outcome="not_written", retryable=False):
    """Checks an answer against the rules of all problems and returns its members.

    pointers: those of errors[], in order, or among(); None: errors[] must be absent.
    """
    assert answer.status == status, f"expected {status} {code}, got {answer.status} {answer.body!r}"
    assert answer.header("Content-Type") == "application/problem+json"
    members = answer.json()
    assert members.get("code") == code, f"expected {code}, got {members}"
    assert COMMON <= set(members), f"missing: {COMMON - set(members)}"
    assert members["type"] == f"/problems/{code}"
    assert members["status"] == status
    assert isinstance(members["title"], str) and members["title"]
    assert isinstance(members["detail"], str) and members["detail"]
    assert members["outcome"] == outcome, members
    assert members["retryable"] is retryable, members
    assert members["request_id"] == answer.header("X-Request-Id")
    assert answer.header("Cache-Control") == "no-store"
    check_retry_after(answer, status, retryable)
    check_errors(members, pointers)
    check_unknown(members, outcome)
    return members


def check_retry_after(answer, status, retryable):
    after = answer.header("Retry-After")
    if retryable and status in (429, 503):
        assert after is not None and re.fullmatch(r"[1-9][0-9]*", after), after
    else:
        assert after is None, f"Retry-After: {after} on {status}, retryable {retryable}"


def check_errors(members, pointers):
    if pointers is None:
        assert "errors" not in members, members
        return
    errors = members["errors"]
    found = [plain(each["pointer"]) for each in errors]
    if isinstance(pointers, frozenset):
        assert found and set(found) <= pointers, errors
    else:
        assert found == [plain(each) for each in pointers], errors
    for each in errors:
        assert set(each) <= {"pointer", "detail", "hint"}, each
        assert isinstance(each["detail"], str) and each["detail"], each
        assert isinstance(each.get("hint", "x"), str) and each.get("hint", "x"), each


def among(*pointers):
    """For places of which the contract does not say which one is named."""
    return frozenset(plain(each) for each in pointers)


def plain(pointer):
    """Header names have no letter case."""
    return pointer.lower() if pointer.startswith("header:") else pointer


def check_unknown(members, outcome):
    if outcome == "not_written":
        assert "event_ids" not in members and "retry_hint" not in members, members
        return
    assert members["event_ids"], members
    for each in flat(members["event_ids"]):
        assert UUID.fullmatch(each), each
    assert members["retry_hint"] in (HINT_KEY, HINT_IDS, HINT_PLAIN, HINT_INEXACT), members


def flat(ids):
    """event_ids as one list; M has a list for each group."""
    return [each for part in ids for each in (part if isinstance(part, list) else [part])]


def check_success(answer, stream=None, version=None, events=None, replayed=Ellipsis):
    """Checks the 200 of an append and returns its members."""
    assert answer.status == 200, f"expected 200, got {answer.status} {answer.body!r}"
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    members = answer.json()
    assert set(members) == {"stream_name", "commit_position", "current_version", "event_ids",
                            "replayed"}, members
    position = members["commit_position"]
    assert position is None or type(position) is int and position >= 0, members
    assert answer.header("Kurrent-Position") == (None if position is None else str(position))
    assert type(members["current_version"]) is int and members["current_version"] >= 0
    assert answer.header("Kurrent-CurrentVersion") == str(members["current_version"])
    assert answer.header("X-Request-Id")
    assert all(UUID.fullmatch(each) for each in members["event_ids"]), members
    assert members["replayed"] in (True, False, None)
    expected = "true" if members["replayed"] is True else None
    assert answer.header("Idempotent-Replayed") == expected
    if stream is not None:
        assert members["stream_name"] == stream
    if version is not None:
        assert members["current_version"] == version
    if events is not None:
        assert len(members["event_ids"]) == events
    if replayed is not Ellipsis:
        assert members["replayed"] is replayed, members
    return members


def check_write(answer, members):
    """Checks what the 200 of every write has, and that it has these members and no others."""
    assert answer.status == 200, f"expected 200, got {answer.status} {answer.body!r}"
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Request-Id")
    given = answer.json()
    assert list(given) == members, given
    position = given["commit_position"]
    assert position is None or type(position) is int and position >= 0, given
    assert answer.header("Kurrent-Position") == (None if position is None else str(position))
    assert given["replayed"] in (True, False, None)
    expected = "true" if given["replayed"] is True else None
    assert answer.header("Idempotent-Replayed") == expected
    return given


def check_streams(answer, versions, replayed=Ellipsis):
    """Checks the 200 of M or K: the version of each stream, in order. Returns its members."""
    members = check_write(answer, ["commit_position", "streams", "event_ids", "replayed"])
    assert members["streams"] == [{"stream_name": name, "current_version": version}
                                  for name, version in versions], members
    assert all(UUID.fullmatch(each) for each in flat(members["event_ids"])), members
    if replayed is not Ellipsis:
        assert members["replayed"] is replayed, members
    return members


def check_metadata_set(answer, stream, version, replayed=Ellipsis):
    """Checks the 200 of P and returns its members."""
    members = check_write(answer,
                          ["stream_name", "current_version", "commit_position", "replayed"])
    assert (members["stream_name"], members["current_version"]) == (stream, version), members
    assert answer.header("Kurrent-CurrentVersion") == str(version)
    assert answer.header("ETag") == f'"{version}"'
    if replayed is not Ellipsis:
        assert members["replayed"] is replayed, members
    return members


def check_metadata(answer, body, version):
    """Checks the 200 of G, byte for byte."""
    assert answer.status == 200, f"expected 200, got {answer.status} {answer.body!r}"
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-cache"
    assert answer.header("ETag") == f'"{version}"'
    assert answer.header("Kurrent-CurrentVersion") == str(version)
    assert answer.body == (body if isinstance(body, bytes) else body.encode("utf-8"))
