"""What the tests of fleets share."""

import time

from tests.host.sim_devices import TIMEOUT_S


def eventually(ready, timeout_s=TIMEOUT_S):
    """Wait until that is so, and insist on it."""
    deadline = time.monotonic() + timeout_s
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ready()
