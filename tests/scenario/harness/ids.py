# SPDX-License-Identifier: Apache-2.0
"""Event ids made from an Idempotency-Key, anew from the words of api-design 11."""

import hashlib
import struct
import uuid

E_ROUTE = "/v1/streams/{stream}/events"
R_ROUTE = "/v1/streams/{stream}/events/{type}"


def derived_id(stream, key, ordinal, route=E_ROUTE, scope=""):
    """The UUIDv8 of one event; ordinal counts the events of the request."""
    fields = ["kurrentgate/event", "1", scope, route, stream, key, str(ordinal)]
    hashed = hashlib.sha256()
    for field in fields:
        content = field.encode("utf-8")
        hashed.update(struct.pack(">I", len(content)) + content)
    octets = bytearray(hashed.digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(octets)))
