# SPDX-License-Identifier: Apache-2.0
"""How gateway and database are linked in this run.

KURRENTGATE_TEST_TLS=1 lets every devdb serve TLS with a certificate for the loopback addresses,
and every gateway connect over TLS wherever a test says tls=false: the same tests run over both. A
test that is about clear text is marked cleartext("why") and left out.
"""

import atexit
import functools
import os

from .authority import Authority

IS_TLS = bool(os.environ.get("KURRENTGATE_TEST_TLS"))


@functools.cache
def _authority():
    authority = Authority()
    atexit.register(authority.close)
    return authority, authority.sign()


def database_options(options):
    """The options of a devdb, with a certificate unless they have one."""
    if not IS_TLS or "tls_cert" in options:
        return options
    return {**_authority()[1].devdb(), **options}


def connection_string(text):
    """A connection string, or a text with one in it, for this run's link."""
    return text.replace("tls=false", f"tlsCaFile={_authority()[0].file}") if IS_TLS else text


def authority_file():
    """The authority to trust on this run's links; None: there is no TLS."""
    return _authority()[0].file if IS_TLS else None
