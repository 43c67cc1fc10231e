# SPDX-License-Identifier: Apache-2.0
"""Every wait of the scenarios has a condition and a limit; slow builds stretch the limits."""

import os
import time

SLOWNESS = max(1.0, float(os.environ.get("KURRENTGATE_TEST_SLOWNESS") or "1"))
TEST_SECONDS = 40
POLL_SECONDS = 0.004


def limit(seconds):
    """The limit of a wait, stretched for sanitizers and slow machines."""
    return seconds * SLOWNESS


def wait_until(condition, seconds, what):
    """Waits until condition() is true and returns its value; what names it in the failure."""
    end = time.monotonic() + limit(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit(seconds):g} s: {what}")
        time.sleep(POLL_SECONDS)
