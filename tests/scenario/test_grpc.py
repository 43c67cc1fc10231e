# SPDX-License-Identifier: Apache-2.0
"""devdb as Python's gRPC sees it, without the gateway: the C core that other languages' clients
are built on, too. Messages are written and read field by field, so that no generated code of
ours stands between."""

import base64
import subprocess
import threading
import uuid

import pytest

from harness import link
from harness.limits import limit

try:
    import grpc
except ImportError:
    grpc = None

pytestmark = pytest.mark.skipif(grpc is None, reason="needs Debian's python3-grpcio")

V1 = "/event_store.client."
LEADER = 8


# -- protobuf by hand ----------------------------------------------------------------------

def varint(value):
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(octets) + bytes([value])


def field(number, value):
    """One field: a number as a varint, bytes or text with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode("utf-8") if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def read_varint(content, at):
    value = shift = 0
    while True:
        octet = content[at]
        value |= (octet & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if octet < 0x80:
            return value, at


def fields(content):
    """The fields of a message by number; each is a list, as any may be repeated."""
    found, at = {}, 0
    while at < len(content):
        key, at = read_varint(content, at)
        if key & 7 == 0:
            value, at = read_varint(content, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7} of field {key >> 3}"
            length, at = read_varint(content, at)
            value, at = content[at:at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


def dig(content, *numbers):
    """The only field of that number, of the field of that number, …"""
    for number in numbers:
        [content] = fields(content)[number]
    return content


def batch_of(stream, expectation, *payloads):
    """A BatchAppend request; expectation: a field of its options."""
    events = b"".join(
        field(3, field(1, field(2, str(uuid.uuid4())))
              + field(2, field(1, "type") + field(2, "T"))
              + field(2, field(1, "content-type") + field(2, "application/json"))
              + field(4, payload)) for payload in payloads)
    options = field(1, field(3, stream)) + expectation
    correlation = field(1, field(2, str(uuid.uuid4())))
    return correlation + field(2, options) + events + field(4, 1)


NO_STREAM, ANY = field(3, b""), field(4, b"")


def read_of(stream, count=100):
    """A Read request from the start of a stream, ids as text."""
    return field(1, field(1, field(1, field(3, stream)) + field(3, b"")) + field(5, count)
                 + field(8, b"") + field(9, field(2, b"")))


# -- calls ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def channel(devdb):
    with open_channel(devdb.address) as opened:
        yield opened


def open_channel(address):
    roots = link.authority_file()
    if roots is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots.read_bytes()))


def unary(channel, method, message=b"", headers=()):
    return channel.unary_unary(V1 + method)(
        message, timeout=limit(10), wait_for_ready=True, metadata=headers)


def batch_append(channel, *messages):
    """The answers to the messages. The call stays open until they are all here and is cancelled
    then: a server may keep answers back once the client's side has ended."""
    is_over = threading.Event()

    def requests():
        yield from messages
        is_over.wait(limit(10))
    call = channel.stream_stream(V1 + "streams.Streams/BatchAppend")(
        requests(), timeout=limit(10), wait_for_ready=True)
    try:
        return [next(call) for _ in messages]
    finally:
        is_over.set()
        call.cancel()


def read(channel, stream):
    call = channel.unary_stream(V1 + "streams.Streams/Read")
    return list(call(read_of(stream), timeout=limit(10), wait_for_ready=True))


def events_of(answers):
    """What Read gave: (revision, data) of each event."""
    events = [dig(answer, 1, 1) for answer in answers if 1 in fields(answer)]
    return [(fields(event).get(3, [0])[0], dig(event, 8)) for event in events]


def test_gossip(channel, devdb):
    member = dig(unary(channel, "gossip.Gossip/Read"), 1)
    assert dig(member, 3) == LEADER
    assert dig(member, 4) == 1
    assert (dig(member, 5, 1).decode(), dig(member, 5, 2)) == ("127.0.0.1", devdb.port)


def test_server_features(channel):
    answer = fields(unary(channel, "server_features.ServerFeatures/GetSupportedMethods"))
    assert answer[2][0].startswith(b"26.1")
    methods = {(fields(each)[2][0], fields(each)[1][0]) for each in answer[1]}
    assert (b"event_store.client.streams.streams", b"batchappend") in methods


def test_batch_append_and_read(channel, stream):
    first, second = batch_append(
        channel, batch_of(stream, NO_STREAM, b'{"n":0}', b'{"n":1}'),
        batch_of(stream, field(2, 1), b'{"n":2}'))
    assert dig(first, 3, 1) == 1
    assert dig(second, 3, 1) == 2
    assert events_of(read(channel, stream)) == [(0, b'{"n":0}'), (1, b'{"n":1}'), (2, b'{"n":2}')]


def test_conflict_is_told_in_the_answer_and_the_call_goes_on(channel, stream):
    one, two, three = batch_append(
        channel, batch_of(stream, NO_STREAM, b"{}"), batch_of(stream, NO_STREAM, b"{}"),
        batch_of(stream, ANY, b"[]"))
    assert 3 in fields(one)
    details = dig(two, 2, 3)
    assert dig(details, 1) == b"type.googleapis.com/event_store.client.WrongExpectedVersion"
    assert dig(three, 3, 1) == 1
    assert [data for _, data in events_of(read(channel, stream))] == [b"{}", b"[]"]


def test_read_of_no_stream(channel, stream):
    [answer] = read(channel, stream)
    assert dig(answer, 4, 1, 3) == stream.encode()


def test_unknown_method(channel):
    with pytest.raises(grpc.RpcError) as caught:
        unary(channel, "streams.Streams/Nothing")
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_bytes_that_are_no_message(channel, stream):
    with pytest.raises(grpc.RpcError) as caught:
        batch_append(channel, b"\xff\xff\xff")
    assert caught.value.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN,
                                   grpc.StatusCode.INVALID_ARGUMENT)
    [answer] = batch_append(channel, batch_of(stream, ANY, b"{}"))
    assert 3 in fields(answer)


# -- TLS and users -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl")
    return folder / "cert.pem", folder / "key.pem"


def append_of(stream, payload):
    """The messages of an Append call: options, then one event."""
    options = field(1, field(1, field(3, stream)) + ANY)
    event = (field(1, field(2, str(uuid.uuid4())))
             + field(2, field(1, "type") + field(2, "T"))
             + field(2, field(1, "content-type") + field(2, "application/json"))
             + field(4, payload))
    return [options, field(2, event)]


def test_tls_and_a_user(certificate, start_devdb):
    cert, key = certificate
    devdb = start_devdb(tls_cert=cert, tls_key=key, user="admin:changeit")
    trust = grpc.ssl_channel_credentials(cert.read_bytes())

    def basic(text):
        return (("authorization", "Basic " + base64.b64encode(text.encode()).decode()),)
    with grpc.secure_channel(f"localhost:{devdb.port}", trust) as channel:
        assert dig(unary(channel, "gossip.Gossip/Read"), 1, 3) == LEADER
        append = channel.stream_unary(V1 + "streams.Streams/Append")
        for headers, code in [((), grpc.StatusCode.PERMISSION_DENIED),
                              (basic("admin:wrong"), grpc.StatusCode.UNAUTHENTICATED)]:
            with pytest.raises(grpc.RpcError) as caught:
                append(iter(append_of("secure", b"0")), timeout=limit(10), metadata=headers)
            assert caught.value.code() == code
        append(iter(append_of("secure", b"1")), timeout=limit(10),
               metadata=basic("admin:changeit"))
        answers = channel.unary_stream(V1 + "streams.Streams/Read")(
            read_of("secure"), timeout=limit(10), metadata=basic("admin:changeit"))
        assert events_of(answers) == [(0, b"1")]
