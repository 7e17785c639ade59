"""Stands in for the module spidev: lists in and out, 4096 bytes at most, the caller's list is overwritten.

Behind it is a chip model; FAKE_SPIDEV names a JSON file: {"part", "cells", "fault", "wrap", "max_message", "mode", "deny"}.
"""

import errno
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from ports.sim.spi_chip import SpiChip
from tests.host.raw_repl.spi_bus import Bus
from tests.portable.chips import part

MOST = 4096
_SECTOR = 4096


class FastClock:
    """Real time, faster."""

    def __init__(self, speed):
        self._speed, self._extra, self._start = speed, 0, time.monotonic_ns()

    @property
    def us(self):
        return (time.monotonic_ns() - self._start) * self._speed // 1000 + self._extra

    @us.setter
    def us(self, value):
        self._extra += value - self.us


class SpiDev:
    """One bus with one chip."""

    bits_per_word = 8

    def __init__(self):
        self._bus, self._mode, self._hz, self.messages = None, 0, 500000, []

    def open_path(self, path):
        with open(os.environ["FAKE_SPIDEV"]) as file:
            self._facts = json.load(file)
        if self._facts.get("deny"):
            raise OSError(self._facts["deny"], os.strerror(self._facts["deny"]))
        chip = SpiChip(part(self._facts.get("part", "W25Q16JV")), FastClock(self._facts.get("speed", 200)))
        chip.max_query = MOST
        chip.fault, chip.wrap = self._facts.get("fault", ""), self._facts.get("wrap", 0)
        self._cells = pathlib.Path(self._facts["cells"])
        data = self._cells.read_bytes() if self._cells.exists() else b""
        for at in range(0, len(data), _SECTOR):
            if data[at : at + _SECTOR] != b"\xff" * _SECTOR:
                chip.sectors[at // _SECTOR] = bytearray(data[at : at + _SECTOR])
        self.chip, self._bus = chip, Bus(chip)

    def xfer2(self, values):
        if not isinstance(values, list):
            raise TypeError("Non-List/Non-Iterable argument")
        if len(values) > MOST:
            raise OverflowError("Argument list size exceeds %d bytes" % MOST)
        if len(values) > self._facts.get("max_message", MOST):
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        if self._facts.get("die_after") and len(self.messages) >= self._facts["die_after"]:
            self.close()
            os._exit(99)
        self.messages.append(len(values))
        answer = list(self._bus.exchange(bytes(values)))
        values[:] = answer
        return answer

    xfer = xfer2

    def writebytes2(self, data):
        """As the real one: whatever is too long goes in several transactions."""
        data = bytes(memoryview(data))
        for start in range(0, len(data), MOST):
            self.xfer2(list(data[start : start + MOST]))

    def close(self):
        if self._bus and self._cells.parent.exists():
            blank = b"\xff" * _SECTOR
            count = self.chip.part.size // _SECTOR
            self._cells.write_bytes(b"".join(bytes(self.chip.sectors.get(n) or blank) for n in range(count)))
        self._bus = None

    @property
    def max_speed_hz(self):
        return self._hz

    @max_speed_hz.setter
    def max_speed_hz(self, value):
        self._hz = min(value, 32000000)

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, value):
        self._mode = self._facts.get("mode", value)
