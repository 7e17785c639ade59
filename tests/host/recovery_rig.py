"""A recovery in a thread behind a pseudo-terminal, whose line can drop bytes, change them, and be cut for a while."""

import hashlib
import os
import random
import select
import threading
import time
import tty

from flash_tools.packages import package_read
from flash_tools.packages.package_build import Target as For
from flash_tools.packages.package_build import build_package
from flash_tools.recovery import recover
from flash_tools.recovery.smp_session import Patience
from flash_tools.signing.keys import new_key
from flash_tools.target import Target
from hal import recovery
from ports.sim.real_clock import RealClock
from tests.portable import smp_bench

GOOD = Patience(silence_s=10.0)
QUICK = Patience(
    answer_s=0.1, first_s=0.2, hello_s=3.0, silence_s=8.0
)  # for lines where much has to be asked for again
HURRY = Patience(answer_s=0.1, first_s=0.1, hello_s=0.4, silence_s=0.8)  # for boards that will not come round
KEY = new_key()
IMAGE = random.Random(1).randbytes(30000)
DIGEST = hashlib.sha256(IMAGE).hexdigest()


def make_package(folder):
    """Return the path of a good package."""
    path = folder / "new.fup"
    path.write_bytes(build_package(IMAGE, For("p", ["m"], "0" * 16, "2.5", 3, "raw"), KEY))
    return path


def line(rig):
    """Return how `fumo` names the rig."""
    return Target("serial", rig.path)


def upload(rig, path, patience=GOOD, **more):
    """Upload a package as `fumo` does."""
    return recover.upload(line(rig), path, patience=patience, **more)


class Stopped(BaseException):
    """The test is over: ends the loop from inside, as a power cut does."""


class Faults:
    """What a bad line does, the same for the same seed."""

    def __init__(self, seed=0, lose=0.0, change=0.0, cuts=()):
        self._random = random.Random(seed)
        self._lose, self._change = lose, change
        self._cuts = list(cuts)  # [(after so many bytes, for so many seconds)]
        self._dead_until = 0.0
        self.passed = self.hurt = 0

    def cut(self, seconds):
        """Let nothing through for a while."""
        self._dead_until = time.monotonic() + seconds

    def __call__(self, data):
        """Return what arrives of it."""
        out = bytearray()
        for byte in data:
            self.passed += 1
            if self._cuts and self.passed >= self._cuts[0][0]:
                self.cut(self._cuts.pop(0)[1])
            dice = self._random.random()
            if time.monotonic() < self._dead_until or dice < self._lose:
                self.hurt += 1
                continue
            if dice < self._lose + self._change:
                self.hurt += 1
                byte ^= 1 << self._random.randrange(8)
            out.append(byte)
        return bytes(out)


class PtyUart:
    """The board's end, on the side of the pseudo-terminal that no client opens."""

    def __init__(self, fd, faults):
        self._fd, self._faults = fd, faults

    def read_into(self, into):
        """Read what is there."""
        if not select.select([self._fd], [], [], 0.002)[0]:
            return 0
        data = self._faults(os.read(self._fd, len(into)))
        into[: len(data)] = data
        return len(data)

    def write(self, data):
        """Write all that the line lets through."""
        os.write(self._fd, self._faults(bytes(data)))


class FupTarget(smp_bench.Target):
    """Shows of an uploaded package what its manifest says; may be slow with each piece."""

    slow_s = 0.0

    def write(self, offset, data):
        """Take the piece in its own time."""
        time.sleep(self.slow_s)
        return super().write(offset, data)

    def image_hash(self):
        """Return the digest of the image."""
        return bytes.fromhex(self._manifest()["sha256"])

    def images(self):
        """Name the version of the package, too."""
        found = super().images()
        if len(found) > 1:
            found[1] = (1, self._manifest()["version"], *found[1][2:])
        return found

    def _manifest(self):
        return package_read.inspect(bytes(self.data)).manifest


class Rig:
    """`with Rig() as rig`: a recovery at `rig.path`; `rig.reason` says how it ended."""

    def __init__(self, target=None, faults=None, until_ms=60000, smp=True):
        self.target = target or FupTarget()
        self.faults = faults or Faults()
        self.reason = None
        self.errors = []
        self._until_ms, self._smp = until_ms, smp
        self._stop = threading.Event()

    def __enter__(self):
        self._fd, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)
        self._thread = threading.Thread(target=self._run if self._smp else self._deaf, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)
        for fd in (self._fd, self._far):
            os.close(fd)
        assert not self.errors, self.errors

    def ended(self):
        """Wait for the loop to end; return why it did."""
        self._thread.join(10)
        return self.reason

    def _run(self):
        uart = PtyUart(self._fd, self.faults)
        try:
            self.reason = recovery.run(uart, RealClock(), self._feed, self.target, self._until_ms)
        except Stopped:
            pass
        except BaseException as e:
            self.errors.append(e)

    def _deaf(self):
        """Run firmware on the same line: it knows one command, and says much that nobody asked for."""
        heard = b""
        while not self._stop.is_set():
            if select.select([self._fd], [], [], 0.02)[0]:
                heard = (heard + os.read(self._fd, 4096))[-99:]
                os.write(self._fd, b'event {"phase": "idle"}\r\nerror no such command: ?\r\n')
                if b"\nrecovery\n" in heard:
                    os.write(self._fd, b"done recovery\r\n")
                    return self._run()

    def _feed(self):
        if self._stop.is_set():
            raise Stopped
