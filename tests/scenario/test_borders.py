# SPDX-License-Identifier: Apache-2.0
"""Where one message ends and the next begins (api-design 15.2, 16): no request is smuggled."""

import pytest

from harness.gateway import Gateway, envelope_of, event_of, events_target
from harness.problems import check_problem, check_success
from harness.wire import chunked, request

GOOD = envelope_of("any", [event_of()]).encode()
SIZE = str(len(GOOD))


@pytest.fixture(scope="module")
def hasty(devdb):
    """A gateway that does not wait long for the rest of a body."""
    gateway = Gateway(devdb.address, body_grace_seconds="0.2", header_timeout_seconds="0.2")
    yield gateway
    gateway.stop()


def head_of(stream, *lines, method="POST", target=None, version="HTTP/1.1", host=b"localhost"):
    """A request head from raw header lines, so that anything can stand in it."""
    target = target or events_target(stream)
    first = f"{method} {target} {version}".encode("latin-1")
    fixed = [b"Host: " + host] if host is not None else []
    fixed.append(b"Content-Type: application/json")
    rest = [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return b"\r\n".join([first, *fixed, *rest]) + b"\r\n\r\n"


def smuggled(stream):
    """What an attacker would hide behind the border."""
    return request("POST", events_target(stream) + "/Smuggled?current_version=any", body=b"x")


LENGTH = f"Content-Length: {SIZE}"


@pytest.mark.parametrize("lines", [
    (LENGTH, "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", LENGTH),
    ("Transfer-Encoding: identity", LENGTH),
    (LENGTH, LENGTH),
    (LENGTH, "Content-Length: 0"),
    ("Content-Length: 0", LENGTH),
    (LENGTH, "content-length: 5"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    (LENGTH, "Host: localhost"),
    (LENGTH, "HOST: evil.example"),
    (LENGTH, "Authorization: Basic YTpi", "Authorization: Basic YTpi"),
    (LENGTH, "Idempotency-Key: a", "Idempotency-Key: a"),
    (LENGTH, "Idempotency-Key: a", "idempotency-key: b"),
    (LENGTH, "Content-Length-X: 1"),
    (LENGTH, "Transfer-Encodings: chunked"),
    (LENGTH, "Idempotency-Key2: a"),
    (LENGTH, "Content-Length\x0b: 5"),
    (LENGTH, "X(Y): 1"),
    (LENGTH, "X@Y: 1"),
    (LENGTH, b"X\xc3\xa9: 1"),
    (LENGTH, 'X"Y: 1'),
    (LENGTH, "X/Y: 1"),
    (LENGTH, "X{Y}: 1"),
    (LENGTH, b"X-A: a\x01b"),
    (LENGTH, b"X-A: a\x1fb"),
    (LENGTH, b"X-A: a\x7fb"),
    (LENGTH, b"X-A: a\rContent-Length: 0"),
    (LENGTH, b"X-A: a\rb"),
], ids=repr)
def test_framing_that_two_readers_could_read_differently(refused, stream, lines):
    content = head_of(stream, *lines) + GOOD + smuggled(stream)
    refused(content, 400, "malformed-request", closes=True)


@pytest.mark.parametrize("value", ["gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunkedx",
                                   "identity", "chunked, chunked", "chunked;q=1", "",
                                   "\"chunked\""])
def test_transfer_coding_other_than_chunked(refused, stream, value):
    content = head_of(stream, f"Transfer-Encoding: {value}") + chunked([GOOD]) + smuggled(stream)
    refused(content, 501, "unsupported-transfer-coding", closes=True)


@pytest.mark.parametrize("value", ["chunked", "gzip", "identity"])
def test_transfer_coding_on_http_1_0(refused, stream, value):
    content = head_of(stream, f"Transfer-Encoding: {value}", version="HTTP/1.0")
    refused(content + chunked([GOOD]), 400, "malformed-request", closes=True)


@pytest.mark.parametrize("target", [
    "*", "localhost:2114", "v1/streams/a/events", "/v1/streams/\x80/events",
    "/v1/streams/é/events", "/v1/streams/a\x7f/events", "/v1/streams/a\tb/events"])
def test_targets_of_another_form(refused, stream, target):
    refused(head_of(stream, LENGTH, target=target) + GOOD, 400, "malformed-request", closes=True)


def test_asterisk_form_of_options(refused, stream):
    refused(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed-request", closes=True,
            method="OPTIONS")


def test_connect_authority_form(refused):
    refused(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed-request",
            closes=True, method="CONNECT")


def test_blank_in_the_target(gateway, devdb, stream):
    """Strictness differs by library version: refused, or closed without an answer."""
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(head_of(stream, LENGTH, target="/v1/streams/a b/events") + GOOD)
        content = connection.read_to_end()
    assert content == b"" or content.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 505"))
    assert devdb.written() == before


@pytest.mark.parametrize("authority", ["localhost", "LOCALHOST"])
def test_absolute_form_for_ourselves(gateway, devdb, stream, authority):
    target = f"http://{authority}{events_target(stream)}"
    with gateway.connect() as connection:
        connection.send(head_of(stream, LENGTH, target=target) + GOOD)
        check_success(connection.receive())
    assert len(devdb.read(stream)) == 1


@pytest.mark.parametrize("authority", ["evil.example", "localhost:1", "127.0.0.1", ""])
def test_absolute_form_for_somebody_else(refused, stream, authority):
    target = f"http://{authority}{events_target(stream)}"
    refused(head_of(stream, LENGTH, target=target) + GOOD, 421, "misdirected-request", closes=True)


@pytest.mark.parametrize("method, target", [
    ("GET", "/livez"), ("HEAD", "/livez"), ("GET", "/readyz"), ("GET", "/v1/info"),
    ("GET", "/problems")])
@pytest.mark.parametrize("framing, body", [("Content-Length: 5", b"hello"),
                                           ("Transfer-Encoding: chunked", b"0\r\n\r\n")])
def test_get_with_a_body(gateway, devdb, method, target, framing, body):
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(head_of("x", framing, method=method, target=target) + body)
        answer = connection.receive(method)
        assert answer.status == 400
        if method == "GET":
            check_problem(answer, 400, "malformed-request")
        connection.expect_closed()
    assert devdb.written() == before


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_with_an_empty_body(gateway, method):
    with gateway.connect() as connection:
        connection.send(head_of("x", "Content-Length: 0", method=method, target="/livez"))
        assert connection.receive(method).status == 200
        connection.expect_open()


def test_body_on_options_is_left_unread(gateway, devdb, stream):
    before = devdb.written()
    inner = smuggled(stream)
    with gateway.connect() as connection:
        connection.send(head_of(stream, f"Content-Length: {len(inner)}", method="OPTIONS") + inner)
        answer = connection.receive("OPTIONS")
        assert answer.status in (204, 400)
        connection.expect_closed()
    assert devdb.written() == before


def test_body_on_a_method_that_is_not_allowed_is_left_unread(refused, stream):
    inner = smuggled(stream)
    refused(head_of(stream, f"Content-Length: {len(inner)}", method="PUT") + inner, 405,
            "method-not-allowed", closes=True)


# -- what the library decides (section 16) -------------------------------------------------

def library_status(connection):
    """The status of the library's own answer, which ends the connection; 0: none came. Its
    pages are not always what their Content-Length says, so everything up to the end is read."""
    content = connection.read_to_end()
    assert content == b"" or content.startswith(b"HTTP/1."), content
    return int(content.split(b" ", 2)[1]) if content else 0


@pytest.mark.parametrize("content, statuses", [
    (b"NONSENSE\r\n\r\n", (400, 0)),
    (b"GET /livez\r\n\r\n", (400, 0)),
    (b"GET /livez HTTP/0.9\r\nHost: localhost\r\n\r\n", (400, 505)),
    (b"GET /livez http/1.1\r\nHost: localhost\r\n\r\n", (400,)),
    (b"GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n", (505,)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,)),
    (b"GET /livez HTTP/1.1\r\nno colon here\r\nHost: localhost\r\n\r\n", (400,)),
    (b"GET /livez HTTP/1.1\r\n: x\r\nHost: localhost\r\n\r\n", (400,)),
    (b"GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n", (400,)),
    (b"POST /v1/streams/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nhello",
     (400,)),
    (b"GET /livez HTTP/1.1\r\nX\0Y: 1\r\nHost: localhost\r\n\r\n", (400,)),
] + [(b"POST /v1/streams/a/events HTTP/1.1\r\nHost: localhost\r\n"
      b"Content-Type: application/json\r\nContent-Length: " + value + b"\r\n\r\n", statuses)
     for value, statuses in [(b"+5", (400,)), (b"-1", (400,)), (b"5x", (400,)), (b"5, 5", (400,)),
                             (b"0x5", (400,)), (b"99999999999999999999999", (413,)),
                             (b"18446744073709551616", (413,))]],
    ids=lambda value: repr(value)[:60])
def test_messages_the_library_refuses(gateway, devdb, content, statuses):
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(content)
        assert library_status(connection) in statuses
    assert devdb.written() == before


def test_empty_content_length(gateway, devdb):
    """The library refuses it; a body it is in no case."""
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(head_of("a", "Content-Length: ") + GOOD)
        assert library_status(connection) == 400
    assert devdb.written() == before


@pytest.mark.parametrize("body, statuses", [
    (b"zz\r\nhello\r\n0\r\n\r\n", (400,)), (b"0x5\r\nhello\r\n0\r\n\r\n", (400,)),
    (b"ffffffffffffffffff\r\n", (413,)), (b"-1\r\n", (400,)),
    (b"5\r\nhelloXX0\r\n\r\n", (400,)), (b" 5\r\nhello\r\n0\r\n\r\n", (400,))], ids=repr)
def test_broken_chunks(gateway, devdb, stream, body, statuses):
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(head_of(stream, "Transfer-Encoding: chunked") + body)
        assert library_status(connection) in statuses
    assert devdb.written() == before


def test_folded_framing_header(gateway, devdb, stream):
    """A folded line is glued to the field name; the name rule catches what looks like framing."""
    before = devdb.written()
    content = head_of(stream, LENGTH, b"X-A: 1\r\n Content-Length: 0") + GOOD
    with gateway.connect() as connection:
        connection.send(content)
        answer = connection.receive()
        if answer.status == 400:
            connection.expect_closed()
            assert devdb.written() == before
        else:
            # Glued to the name it is an unknown header: the framing is that of the real field.
            check_success(answer)
            connection.expect_open()


def test_bare_line_feeds_are_one_message(gateway, devdb, stream):
    content = head_of(stream, LENGTH).replace(b"\r\n", b"\n") + GOOD
    with gateway.connect() as connection:
        connection.send(content)
        check_success(connection.receive())
        connection.expect_open()
    assert len(devdb.read(stream)) == 1


def test_nul_in_a_header_value_shortens_it(gateway, devdb, stream):
    """Not visible to us: the value ends there and the request goes on with the shorter one."""
    with gateway.connect() as connection:
        connection.send(head_of(stream, LENGTH, b"X-Request-Id: abc\0def") + GOOD)
        answer = connection.receive()
    assert answer.status in (200, 400)
    if answer.status == 200:
        assert answer.header("X-Request-Id") == "abc"


def test_tls_hello_on_the_plain_port(hasty):
    with hasty.connect() as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 32)
        content = connection.read_to_end()
    assert content == b"" or content.startswith(b"HTTP/1.")


def test_leading_empty_lines(gateway):
    with gateway.connect() as connection:
        connection.send(b"\r\n" + request("GET", "/livez"))
        assert connection.receive("GET").status in (200, 400)


def test_pipelined_request_after_a_refusal_is_never_read(gateway, devdb, stream):
    before = devdb.written()
    with gateway.connect() as connection:
        connection.send(head_of(stream, LENGTH, "Transfer-Encoding: chunked") + GOOD
                        + smuggled(stream) * 3)
        check_problem(connection.receive(), 400, "malformed-request")
        connection.expect_closed()
    assert devdb.written() == before
    assert devdb.read(stream) == []


def test_extra_bytes_after_the_body_are_the_next_request(gateway, devdb, stream):
    with gateway.connect() as connection:
        connection.send(head_of(stream, LENGTH) + GOOD + b"garbage\r\n\r\n")
        check_success(connection.receive())
        assert library_status(connection) in (400, 0)
    assert len(devdb.read(stream)) == 1


def test_client_that_ends_in_the_middle_of_a_body_stores_nothing(hasty, devdb, stream):
    before = devdb.written()
    with hasty.connect() as connection:
        connection.send(head_of(stream, LENGTH) + GOOD[:-1])
        connection.half_close()
        assert connection.read_to_end() == b""
    assert devdb.written() == before


def test_client_that_ends_in_the_middle_of_chunks_stores_nothing(hasty, devdb, stream):
    before = devdb.written()
    with hasty.connect() as connection:
        connection.send(head_of(stream, "Transfer-Encoding: chunked") + chunked([GOOD])[:-5])
        connection.half_close()
        assert connection.read_to_end() == b""
    assert devdb.written() == before
