"""What has to be true of a board's chip after a power cut, and of each order at its end."""

import hashlib

from agent.errors import FlashError
from board import rig_mps2
from hal.boot_record import TRIED, BootRecord
from hal.region import carve

EXPECTED = {"good": 200}
_FAILED = 410  # of firmware that is not good
_RECORD = 32


class Cells:
    """A chip's cells as a flash that nobody writes."""

    page, program_unit, blocking = 256, 1, True
    erase_units = ((4096, 1),)

    def __init__(self, cells):
        self._cells, self.size = cells, len(cells)

    def read(self, addr, into):
        into[:] = self._cells[addr : addr + len(into)]

    def program(self, addr, data):
        raise FlashError("only read")

    def erase(self, addr, size):
        raise FlashError("only read")

    def busy(self):
        return False


class Judge:
    """`memory` is the board's; `images` are those that it may run, by what they are told apart by."""

    def __init__(self, memory):
        self._memory, self._images = memory, {}
        self.confirmed = ""  # what runs now, as the results say

    def learn(self, version: str, image: bytes) -> None:
        """Take an image for one that may run."""
        self._images[version] = len(image), hashlib.sha256(image).digest()

    def trial(self) -> bytes:
        """Return what tells the trial that was used up last from others, b"" where there is none."""
        boot, regions = self._boot()
        if boot.state != TRIED:
            return b""
        record = bytearray(_RECORD)
        regions["boot"].read(boot.probe(), record)
        return bytes(record)

    def troubles(self) -> list[str]:
        """Return what is wrong with the chip."""
        found = [self._memory.complaint] if self._memory.complaint else []
        boot, regions = self._boot()
        if not boot.found:
            return [*found, "there is no boot record"]
        if not self._version_in(regions["bank%d" % boot.confirmed()]):
            found.append("bank %d is confirmed and holds no image that anybody made" % boot.confirmed())
        return found

    def end(self, order, version: str, behaviour: str) -> list[str]:
        """Return what is wrong with a finished order, and with what runs after it."""
        name, found = "order %s (%s)" % (version, behaviour), []
        expected = EXPECTED.get(behaviour, _FAILED)
        if order.code != expected:
            found.append("%s ended with %s, not %d" % (name, order.code, expected))
        if order.conflicts or len({report.code for report in order.reports}) != 1:
            codes = [report.code for report in order.reports]
            found.append("%s has not one result but %s %s" % (name, codes, order.conflicts))
        before, self.confirmed = self.confirmed, version if order.code == 200 else self.confirmed
        boot, regions = self._boot()
        for what, runs in (
            ("says", order.firmware_version or self.confirmed),
            ("has", self._version_in(regions["bank%d" % boot.confirmed()])),
        ):
            if runs != self.confirmed:
                text = "%s ended with %s, but the board %s %s, before it was %s"
                found.append(text % (name, order.code, what, runs, before))
        return found

    def _boot(self):
        regions = carve(Cells(self._memory.chip()), rig_mps2.LAYOUT)
        return BootRecord(regions["boot"]), regions

    def _version_in(self, bank):
        """Return which version a bank holds, None for anything else."""
        for version, (size, sha256) in self._images.items():
            cells = bytearray(size)
            bank.read(0, cells)
            if hashlib.sha256(cells).digest() == sha256:
                return version
        return None
