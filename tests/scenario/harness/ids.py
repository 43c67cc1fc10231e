# SPDX-License-Identifier: Apache-2.0
"""Event ids that are derived, anew from the words of api-design 11."""

import hashlib
import struct
import uuid

E_ROUTE = "/v1/streams/{stream}/events"
R_ROUTE = "/v1/streams/{stream}/events/{type}"
P_ROUTE = "/v1/streams/{stream}/metadata"


def derived_id(stream, key, ordinal, route=E_ROUTE, scope=""):
    """The UUIDv8 of one event; ordinal counts the events of the request."""
    return _hashed("kurrentgate/event", "1", scope, route, stream, key, str(ordinal))


def metadata_id(stream, expectation, body):
    """The UUIDv8 of a write of metadata; expectation: "no_stream" or a number."""
    return _hashed("kurrentgate/metadata", "1", stream, str(expectation),
                   hashlib.sha256(body).digest())


def cloudevent_id(stream, source, identity):
    """The UUIDv8 of a CloudEvent whose id is no UUID."""
    return _hashed("kurrentgate/cloudevent", "1", stream, source, identity)


def _hashed(*fields):
    hashed = hashlib.sha256()
    for field in fields:
        content = field.encode("utf-8") if isinstance(field, str) else field
        hashed.update(struct.pack(">I", len(content)) + content)
    octets = bytearray(hashed.digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))
