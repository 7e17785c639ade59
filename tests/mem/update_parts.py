"""What a board of `make mem`'s update has in hardware: clock, reset, log. Its flash: flash.py."""

import sys
import time


class Clock:
    """Milliseconds of the machine."""

    def __init__(self):
        self.ms, self.sleep_ms = time.ticks_ms, time.sleep_ms

    def since(self, then):
        return time.ticks_diff(time.ticks_ms(), then)

    def unix(self):
        return None


class Port:
    """What a port gives to the agent; its watchdog and its scratch register do nothing."""

    timeout_ms = 8000
    remembers = rebooting = False

    def __init__(self, cause, version, net):
        self.clock, self.cause, self.version, self.net = Clock(), cause, version, net
        self._seed = time.ticks_us() & 0xFFFF

    def random(self, below):
        self._seed = (self._seed * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._seed >> 8) % below

    def random_bytes(self, size):
        return bytes([self.random(256) for _ in range(size)])

    def reboot(self):
        self.rebooting = True

    def log(self, text, *arguments):
        print(text % arguments if arguments else text, file=sys.stderr)

    def set(self, value):
        pass

    feed = get = lambda self: 0


def verify(key, digest, signature):
    """Check a signature, the code for it in memory only meanwhile."""
    from agent.p256 import verify as check

    return check(key, digest, signature)


def nothing():
    """Stand for a check of the flash that is not made."""
