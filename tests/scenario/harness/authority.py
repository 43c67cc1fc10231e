# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests: an authority of our own, and what it signs, as PEM files."""

import datetime
import functools
import ipaddress
import shutil
import tempfile
from pathlib import Path

import pytest

HOSTS = ("localhost", "127.0.0.1", "::1")
DAY = datetime.timedelta(days=1)


class Pair:
    """A certificate and its key: two files."""

    def __init__(self, folder, name, certificate, key, chain=()):
        _, serialization, *_ = library()
        self.certificate = certificate
        self.key = key
        self.cert_file = folder / f"{name}.crt"
        self.key_file = folder / f"{name}.key"
        self.cert_file.write_bytes(b"".join(
            each.public_bytes(serialization.Encoding.PEM) for each in (certificate, *chain)))
        self.key_file.touch(mode=0o600)
        self.key_file.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))

    def devdb(self):
        """Options that let devdb serve TLS with it."""
        return {"tls_cert": self.cert_file, "tls_key": self.key_file}


@functools.cache
def library():
    """The parts of python3-cryptography that are used here; skips the test without it."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError:
        pytest.skip("needs python3-cryptography")
    return x509, serialization, hashes, ec, NameOID


def name_of(common_name):
    x509, _, _, _, oid = library()
    return x509.Name([x509.NameAttribute(oid.COMMON_NAME, common_name)])


def names_of(hosts):
    x509 = library()[0]

    def one(host):
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)
    return x509.SubjectAlternativeName([one(host) for host in hosts])


class Authority:
    """Signs with a key of its own. Its folder ends with close()."""

    def __init__(self, name="Test authority", parent=None):
        self.folder = Path(tempfile.mkdtemp(prefix="kurrentgate-authority-"))
        self.name = name
        self._serial = 0
        self._chain = [*parent.chain()] if parent else []
        signer = parent.pair if parent else None
        self.pair = self._make(name, signer, is_authority=True)

    @property
    def file(self):
        """The certificate of the authority: what tlsCaFile names."""
        return self.pair.cert_file

    def chain(self):
        """What a server shows besides its own certificate, if this is an intermediate."""
        return [self.pair.certificate, *self._chain]

    def sign(self, hosts=HOSTS, common_name="node", start=-DAY, end=DAY, in_chain=False):
        """A certificate that is valid from start to end, counted from now, and its key."""
        return self._make(common_name, self.pair, hosts, start, end,
                          self.chain() if in_chain else ())

    def self_signed(self, hosts=HOSTS, common_name="localhost"):
        return self._make(common_name, None, hosts)

    def _make(self, common_name, signer, hosts=(), start=-DAY, end=DAY, chain=(),
              is_authority=False):
        x509, _, hashes, ec, _ = library()
        now = datetime.datetime.utcnow()
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = signer.certificate.subject if signer else name_of(common_name)
        builder = (
            x509.CertificateBuilder().subject_name(name_of(common_name)).issuer_name(issuer)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + start).not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), True))
        if hosts:
            builder = builder.add_extension(names_of(hosts), False)
        certificate = builder.sign(signer.key if signer else key, hashes.SHA256())
        self._serial += 1
        return Pair(self.folder, f"{self._serial}", certificate, key, chain)

    def close(self):
        shutil.rmtree(self.folder)
