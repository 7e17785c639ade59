"""A SPI NOR behind Linux spidev: `spi:/dev/spidev0.0`, with `?hz=20000000&mode=0` where the usual does not do.

`?part=NAME` says which of nor_chips.PARTS it is, where the id alone would be taken for another one.
"""

import errno
import fcntl
import os
from contextlib import contextmanager

from flash_tools.chips import options
from flash_tools.errors import BusyError
from hal.nor_spi import NorSpi
from ports.cpython_linux.spi import SpiLink, refusal
from ports.sim.real_clock import RealClock

USUAL_HZ = 10_000_000
_TABLES = 512
_BUSY = "%s is in use by another command: end that first"


class SpiFlash(NorSpi):
    """A NorSpi that also gives what tests of the chip want."""

    def __init__(self, link, clock=None, part=None) -> None:
        self._spi = link
        super().__init__(link, clock or RealClock(), _nobody, part=part)

    def tables(self) -> bytes:
        """Return the chip's SFDP tables as they are."""
        self.wait()
        found = bytearray(_TABLES)
        self._spi.query(b"\x5a\x00\x00\x00\x00", found)
        return bytes(found)

    def id_and_status(self, count: int) -> list[tuple[bytes, int]]:
        """Ask `count` times anew."""
        self.wait()
        return [(self._jedec_id(), self.status()) for _ in range(count)]

    def _jedec_id(self) -> bytes:
        found = bytearray(3)
        self._spi.query(b"\x9f", found)
        return bytes(found)


@contextmanager
def open_spi(place: str, write: bool = False):
    """Give the SpiFlash at a device; nobody else may use it meanwhile, reading is a conversation too."""
    path, given = options.split(place, "hz", "mode", "part")
    hz = options.number(given, "hz", USUAL_HZ, 10_000, 200_000_000)
    mode = options.number(given, "mode", 0, 0, 3)
    with _locked(path):
        link = SpiLink(path, hz, mode)
        try:
            yield SpiFlash(link, part=given.get("part"))
        finally:
            link.close()


@contextmanager
def _locked(path):
    """Keep other commands away; what cannot be opened at all, SpiLink says why."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as e:
        if e.errno == errno.EBUSY:
            raise BusyError("%s is in use: a kernel driver or another program has it" % path) from None
        raise refusal(path, e) from e
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise BusyError(_BUSY % path) from None
    try:
        yield
    finally:
        os.close(fd)


def _nobody():
    """No watchdog waits for a host."""
