# SPDX-License-Identifier: Apache-2.0
"""A gateway in front of a database that asks who it is: users, rights, wrong passwords."""

import base64

import pytest

from harness.problems import check_problem, check_success

USERS = ("admin:changeit", "writer:pass-1:writers", "reader:pass-2")


@pytest.fixture
def secure(start_devdb):
    return start_devdb(user=USERS)


@pytest.fixture
def as_user(secure, start_gateway):
    """Starts a gateway that has these credentials; None: none."""
    def start(pair, **options):
        user = f"{pair}@" if pair else ""
        return start_gateway(f"kurrentdb://{user}{secure.address}?tls=false", **options)
    return start


def own(pair):
    return {"Kurrent-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_the_gateways_own_user(as_user, stream):
    gateway = as_user("writer:pass-1")
    check_success(gateway.append_one(stream), stream, version=0)
    check_success(gateway.append_one(stream, 0), stream, version=1)


def test_no_user(as_user, stream):
    check_problem(as_user(None).append_one(stream), 403, "forbidden")


def test_a_wrong_password(as_user, stream):
    gateway = as_user("writer:wrong", wait_ready=False)
    check_problem(gateway.append_one(stream), 502, "upstream-credentials")
    assert gateway.get("/readyz").status == 503


def test_credentials_of_a_request(as_user, stream):
    gateway = as_user("reader:pass-2")
    check_success(gateway.append_one(stream, headers=own("writer:pass-1")), stream, version=0)
    answer = gateway.append_one(stream, headers=own("writer:wrong"))
    check_problem(answer, 401, "unauthenticated")
    check_success(gateway.append_one(stream), stream, version=1)


def test_access_lists(as_user, stream):
    gateway = as_user("writer:pass-1")
    lists = '{"$acl":{"$w":["writers"],"$mw":"$admins"}}'
    metadata = {"data": lists, "type": "$metadata"}
    check_success(gateway.append_one("$$" + stream, headers=own("admin:changeit"), **metadata))
    check_success(gateway.append_one(stream), stream, version=0)
    answer = gateway.append_one(stream, headers=own("reader:pass-2"))
    check_problem(answer, 403, "forbidden")
    check_problem(gateway.append_one("$$" + stream, **metadata), 403, "forbidden")
    check_success(gateway.append_one(stream, 0), stream, version=1)
