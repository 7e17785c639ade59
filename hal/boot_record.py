"""The only truth about which bank runs: one record in an otherwise empty sector, three sectors, the oldest is written next.

It implements BootControl for boards whose first stage is ours. A normal boot reads three records and writes nothing.
The bytes are described in docs/flash-format.md. Boards that live long have a BootKept, which has this in memory only meanwhile.
"""

import hashlib
import struct

from agent.compat import const
from agent.errors import FlashError
from hal.boot_facts import ARMED, CONFIRMED, FALLBACK, NO_BANK, TRIED, BootFacts

_MAGIC = b"FUB1"
_RECORD = const(32)
_FIELDS = "<IBBBBB"  # sequence, state, bank, trial, attempt, void
_TRIES = const(3)
_VOID = const(0)
_NOT_VOID = const(0xFF)
_MARKS = const(256)  # crash marks: one byte a page, behind the record that is oldest
_MARK_COUNT = const(4)


class BootRecord(BootFacts):
    """Which bank is confirmed, which one is on trial, and how often the running one has crashed."""

    def __init__(self, region, running=0):
        self._region = region
        self._sector = region.erase_units[0][0]
        self._record = bytearray(_RECORD)
        self._running = running
        self._ran_before = -1
        self._sequence = 0
        self._newest = -1
        self.state = CONFIRMED
        self.bank = 0
        self.trial = NO_BANK
        self.attempt = 0
        self.void = False  # no bank is confirmed: serial recovery overwrote the one that was, `bank` is the other one
        self.found = False  # a valid record was read; without one bank 0 is a guess
        self._load()

    def set_trial(self, bank, attempt):
        """Make the next boot a trial of `bank`."""
        self.attempt = attempt
        self._write(ARMED, self.bank, bank)

    def begin_trial(self):
        """Use the trial up, before anything of it runs: every reset from here on falls back."""
        self._write(TRIED, self.bank, self.trial)

    def confirm(self):
        """Make the running bank the confirmed one, in two records: one alone could fade or rot and bring the old bank back."""
        self.void = False
        for _ in range(2):
            self._write(CONFIRMED, self._running, NO_BANK)

    def fall_back(self, bank):
        """Give up the confirmed bank for `bank`, which is the confirmed one from now on."""
        self.void = False
        for _ in range(2):
            self._write(FALLBACK, bank, NO_BANK)

    def give_up(self, bank):
        """Say that no bank is confirmed, before `bank` is overwritten: from here on nothing runs but a trial."""
        self.void = True
        for _ in range(2):
            self._write(CONFIRMED, 1 - bank, NO_BANK)

    def firm(self):
        """See to it that two records name the confirmed bank, before the other one is written: one alone could fade."""
        same = 0
        for sector in range(3):
            sequence, _, bank, _, _, void = self._read(sector)
            same += sequence > 0 and bank == self.bank and (void == _VOID) == self.void
        if self.found and same < 2:
            self._write(self.state, self.bank, self.trial)

    def probe(self):
        """Return the address of a record, which is unlike anything else on the chip; -1 where there is none."""
        return self._newest * self._sector if self._newest >= 0 else -1

    # -- crash marks: the last resort of a board without memory that survives a reset --------------------------------

    def crashes(self):
        """Count the marks."""
        base, mark, count = self._spare() * self._sector, bytearray(1), 0
        for i in range(_MARK_COUNT):
            self._region.read(base + _MARKS + i * 256, mark)
            count += mark[0] != 0xFF
        return count

    def mark_crash(self):
        """Add a mark in the oldest sector, where a cut can hurt no record that counts."""
        count = self.crashes()
        if count < _MARK_COUNT:
            self._region.program(self._spare() * self._sector + _MARKS + count * 256, b"\x00")

    def clear_crashes(self):
        """Forget the marks; writes only where there are some."""
        if self.crashes():
            self._write(self.state, self.bank, self.trial)

    # -- bytes --------------------------------------------------------------------------------------------------------

    def _load(self):
        for sector in range(3):
            sequence, state, bank, trial, attempt, void = self._read(sector)
            if sequence > self._sequence:
                self._sequence, self._newest, self.found = sequence, sector, True
                self.state, self.bank, self.trial, self.attempt = state, bank, trial, attempt
                self.void = void == _VOID

    def _read(self, sector):
        """Return (sequence, state, bank, trial, attempt, void), sequence 0 for what is no record."""
        self._region.read(sector * self._sector, self._record)
        if self._record[:4] == _MAGIC and self._record[16:] == self._digest():
            return struct.unpack_from(_FIELDS, self._record, 4)
        return 0, 0, 0, 0, 0, 0

    def _digest(self):
        return hashlib.sha256(memoryview(self._record)[:16]).digest()[:16]

    def _spare(self):
        """Return the sector that the next record goes to: a broken one, else the oldest."""
        oldest, spare = -1, 0
        for sector in range(3):
            sequence = self._read(sector)[0]
            if sector != self._newest and (oldest < 0 or sequence < oldest):
                oldest, spare = sequence, sector
        return spare

    def _write(self, state, bank, trial):
        spare = self._spare()
        for _ in range(_TRIES):
            if self._write_to(spare, state, bank, trial):
                return
            spare = 3 - spare - self._newest if self._newest >= 0 else (spare + 1) % 3
        raise FlashError("the boot record cannot be written: replace the flash")

    def _write_to(self, sector, state, bank, trial):
        self._region.erase(sector * self._sector, self._sector)
        self._record[:] = b"\xff" * _RECORD
        self._record[:4] = _MAGIC
        void = _VOID if self.void else _NOT_VOID
        expected = (self._sequence + 1, state, bank, trial, self.attempt, void)
        struct.pack_into(_FIELDS, self._record, 4, *expected)
        self._record[16:] = self._digest()
        self._region.program(sector * self._sector, self._record)
        if self._read(sector) != expected:
            return False
        self._sequence, self._newest, self.found = expected[0], sector, True
        self.state, self.bank, self.trial = state, bank, trial
        return True
