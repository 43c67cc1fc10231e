# SPDX-License-Identifier: Apache-2.0
"""In front of older servers: what they are told to lack, and their smaller limits."""

import pytest

from harness.problems import check_problem, check_success
from harness.limits import wait_until

MIB = 2 ** 20
ANY = "?current_version=any"


@pytest.mark.parametrize("version, multi_append, append_records", [
    ("26.1", True, True), ("25.1", True, False), ("24.10", False, False), ("23.10", False, False)])
def test_older_server(start_devdb, start_gateway, stream, version, multi_append, append_records):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    check_success(gateway.append_one(stream), version=0)
    wait_until(lambda: gateway.get("/v1/info").json()["database"]["version"], 5, "the version")
    database = gateway.get("/v1/info").json()["database"]
    assert database["version"].startswith(version + ".")
    assert [database["append"], database["multi_append"], database["append_records"]] == \
        [True, multi_append, append_records]


# 23.10 counts data alone, 24.10 type and metadata, too.
@pytest.mark.parametrize("version, most", [("24.10", MIB - 2 * len("T")), ("23.10", MIB)])
def test_limit_of_an_older_server(start_devdb, start_gateway, stream, version, most):
    devdb = start_devdb(emulate=version)
    gateway = start_gateway(devdb.address)
    answer = gateway.append_raw(stream, "T", bytes(most + 1), query=ANY)
    members = check_problem(answer, 413, "append-too-large")
    assert members["limit_bytes"] == MIB
    check_success(gateway.append_raw(stream, "T", bytes(most), query=ANY), version=0)
