# SPDX-License-Identifier: Apache-2.0
"""The JSONTestSuite as payloads: y_ stored byte for byte, n_ refused, i_ either, never altered.

The corpus is not part of this tree: KURRENTGATE_JSON_SUITE names its folder test_parsing.
"""

import os
import pathlib

import pytest

from harness.gateway import as_body
from harness.problems import check_problem, check_success

TREE = pathlib.Path(__file__).resolve().parents[2]
SUITE = pathlib.Path(os.environ.get("KURRENTGATE_JSON_SUITE")
                     or TREE.parent / "shared" / "json-test-suite" / "test_parsing")
FILES = sorted(SUITE.glob("*.json")) if SUITE.is_dir() else []
WHITE = b" \t\r\n"

pytestmark = pytest.mark.skipif(not FILES, reason="no JSONTestSuite (KURRENTGATE_JSON_SUITE)")


def test_suite_is_whole():
    assert len(FILES) >= 318


@pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.stem if path else "none")
def test_payload(gateway, devdb, stream, path):
    content = path.read_bytes()
    envelope = as_body(b'{"current_version":"any","events":[{"type":"T","data":' + content + b"}]}")
    in_envelope = gateway.append(stream + "-e", envelope)
    in_body = gateway.append_raw(stream + "-r", "T", content, {"Content-Type": "application/json"},
                                 "?current_version=any")
    kind = path.name[0]
    check_one(devdb, kind, in_envelope, stream + "-e", content.strip(WHITE))
    check_one(devdb, kind, in_body, stream + "-r", content)


def check_one(devdb, kind, answer, stream, content):
    stored = [event.data for event in devdb.read(stream)]
    if answer.status == 200:
        assert kind != "n", f"stored {stored!r}"
        check_success(answer)
        assert stored == [content]
        return
    assert kind != "y", f"refused: {answer}"
    # Zero bytes are refused as a value of the raw route, before they could be bad JSON.
    if content == b"" and answer.status == 422:
        check_problem(answer, 422, "invalid-request", [""])
    else:
        members = check_problem(answer, 400, "malformed-json")
        assert type(members["byte_offset"]) is int and members["byte_offset"] >= 0
    assert stored == []
