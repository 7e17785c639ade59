"""An I2C EEPROM or FRAM, 24C32 class and larger, and what boards keep in one: a counter for crashes, and who the device is.

A chip that is writing does not answer, not even after a reset of the board that came meanwhile; every access therefore tries
until it is heard, for a bounded time. The first 512 bytes are the counter's, the rest is the identity's.
"""

import struct

from agent.compat import const, crc32
from agent.errors import AgentError, FlashError
from agent.reset import UNKNOWN

COUNTER_SIZE = const(512)
BOOTS = const(0)
UPDATES = const(1)
_WRITE_MS = const(25)  # the slowest parts need 10 for a page
_READ_MOST = const(256)
_SPACING = const(64)
_SLOT = "<IBBII"  # sequence, value, unclear boots, totals; behind it a CRC32
_SLOT_SIZE = const(18)
_CRC_SEED = const(0x46554331)  # nobody else's record is taken for one
_UNCLEAR = const(3)
_COUNT = const(15)  # the part of the number that counts
_TRIES = const(3)


class Eeprom:
    """One chip behind an I2cLink with as many address bytes as the chip wants; `page` is the largest write, a power of two."""

    def __init__(self, link, clock, size=4096, page=32):
        self._link, self._clock = link, clock
        self.size, self.page = size, page
        self._probe = bytearray(1)

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._check(addr, len(into))
        view = memoryview(into)
        for start in range(0, len(view), _READ_MOST):
            self._patiently(self._link.read, addr + start, view[start : start + _READ_MOST])

    def write(self, addr, data):
        """Write page by page; on return all of it is in the cells."""
        self._check(addr, len(data))
        view, at = memoryview(data), 0
        while at < len(view):
            count = min(self.page - (addr + at) % self.page, len(view) - at)
            self._patiently(self._link.write, addr + at, view[at : at + count])
            at += count
        if at:
            self._patiently(self._link.read, addr, self._probe)

    def _patiently(self, do, addr, data):
        started = self._clock.ms()
        while True:
            try:
                return do(addr, data)
            except AgentError as e:
                if self._clock.since(started) > _WRITE_MS:
                    raise FlashError("the EEPROM does not answer: check its wiring, address and supply (%s)" % e)
            self._clock.sleep_ms(1)

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the EEPROM of %d bytes" % (addr, size, self.size))


class EepromRegion:
    """A part of an EEPROM with the contract of a flash, so that what reads and writes factory data can do so here."""

    program_unit = 1
    blocking = True

    def __init__(self, eeprom, start, size):
        self._eeprom, self.start, self.size = eeprom, start, size
        self.page = eeprom.page
        self.erase_units = ((eeprom.page, _WRITE_MS),)

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._eeprom.read(self._at(addr, len(into)), into)

    def program(self, addr, data):
        """Write within one page."""
        if addr % self.page + len(data) > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (len(data), addr))
        self._eeprom.write(self._at(addr, len(data)), data)

    def erase(self, addr, size):
        """Write a page of ff."""
        if size != self.page or addr % size:
            raise FlashError("the EEPROM cannot erase %d bytes at 0x%x at once" % (size, addr))
        self._eeprom.write(self._at(addr, size), b"\xff" * size)

    def busy(self):
        """Never busy: every call waits for the chip."""
        return False

    def _at(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the region of %d bytes" % (addr, size, self.size))
        return self.start + addr


def identity_region(eeprom):
    """Return the region for factory data: all that is behind the counter."""
    return EepromRegion(eeprom, COUNTER_SIZE, eeprom.size - COUNTER_SIZE)


class EepromCounter:
    """A crash counter that survives power cuts, too, and counts of boots and updates beside it.

    A record goes into the slot behind the newest one, each slot has pages of its own: a cut leaves the old record or the new
    one. Since a lost supply does not clear it, a boot whose `cause` nobody knows may be a power cut as well as a crash: only
    every third of them counts. A chip that fails must not keep the board from starting: the number then lives in RAM, nothing
    is remembered, and `fault` says why.
    """

    def __init__(self, eeprom, start=0, cause=UNKNOWN):
        self._eeprom, self._start, self._cause = eeprom, start, cause
        self._spacing = max(eeprom.page, _SPACING)
        self._slots = COUNTER_SIZE // self._spacing
        self._record = bytearray(_SLOT_SIZE)
        self._sequence = self._value = self._unclear = 0
        self._slot, self._totals = -1, [0, 0]
        self.remembers, self.fault = True, ""
        try:
            self._load()
        except AgentError as e:
            self._fail(e)

    def get(self):
        """Return the number kept; one less where the boot that counts itself upon it is not to count."""
        return self._value - 1 if self._in_doubt() and self._value & _COUNT else self._value

    def set(self, value):
        """Keep a number; the same again writes nothing."""
        unclear = 0
        if self._in_doubt() and value == self.get() + 1:
            value, unclear = self._value, self._unclear + 1
        if value != self._value or unclear != self._unclear:
            self._value, self._unclear = value, unclear
            self._store()

    def total(self, which):
        """Return how many BOOTS or UPDATES there were."""
        return self._totals[which]

    def add(self, which):
        """Count one of them."""
        self._totals[which] = min(self._totals[which] + 1, 0xFFFFFFFF)
        self._store()

    def _in_doubt(self):
        return self._cause == UNKNOWN and self._unclear < _UNCLEAR - 1

    def _load(self):
        for slot in range(self._slots):
            self._eeprom.read(self._start + slot * self._spacing, self._record)
            sequence, value, unclear, boots, updates = struct.unpack_from(_SLOT, self._record)
            if sequence > self._sequence and self._record[14:] == self._crc():
                self._slot, self._sequence, self._value, self._unclear = slot, sequence, value, unclear
                self._totals = [boots, updates]

    def _store(self):
        try:
            for step in range(1, min(_TRIES + 1, self._slots)):
                if self._store_in((self._slot + step) % self._slots):
                    return
            self._fail("the EEPROM does not hold what is written: replace it, or free its write-protect pin")
        except AgentError as e:
            self._fail(e)

    def _store_in(self, slot):
        struct.pack_into(_SLOT, self._record, 0, self._sequence + 1, self._value, self._unclear, *self._totals)
        self._record[14:] = self._crc()
        wanted, addr = bytes(self._record), self._start + slot * self._spacing
        self._eeprom.write(addr, wanted)
        self._eeprom.read(addr, self._record)
        if self._record != wanted:
            return False
        self._slot, self._sequence = slot, self._sequence + 1
        return True

    def _crc(self):
        return struct.pack("<I", crc32(memoryview(self._record)[:14], _CRC_SEED))

    def _fail(self, error):
        self.remembers, self.fault = False, str(error)
