"""What the board knows of a target beside it: which image is kept there, and how far a trial of another one is.

One record in an otherwise empty sector, three sectors, the oldest is written next, as in boot_record.py:
magic, sequence, state, bank, attempt, hash of the image that is kept, hash of the one that is tried, first half of a SHA-256.
"""

import hashlib
import struct

from agent.compat import const
from agent.errors import FlashError

KEPT = const(1)  # nothing is tried
ARMED = const(2)  # the slot is about to ask for a trial, the target is held
TRYING = const(3)  # the target was let go into the trial
GIVEN_UP = const(4)  # the trial is to end: the target is reset
FELL = const(5)  # the target went back by itself
ENDED = const(6)  # it went back because the trial was given up, or through a fault of the image
NO_HASH = bytes(32)
_MAGIC = b"FUT1"
_FIELDS = "<4sIBBBB32s32s"
_SIZE = const(92)
_SIGNED = const(76)
_COPIES = const(3)
_TRIES = const(3)


class TargetRecord:
    """`bank` is the number under which the image that is kept is known: 0 or 1, and they change places."""

    def __init__(self, region):
        self._region = region
        self._sector = region.erase_units[0][0]
        self._sequence, self._newest = 0, -1
        self.state, self.bank, self.attempt = KEPT, 0, 0
        self.kept = self.tried = NO_HASH
        for number in range(_COPIES):
            found = self._read(number)
            if found and found[0] > self._sequence:
                self._sequence, self.state, self.bank, self.attempt, self.kept, self.tried = found
                self._newest = number

    def enter(self, state):
        """Put the next state of the same trial."""
        self._write(state, self.bank, self.attempt, self.kept, self.tried)

    def arm(self, attempt, tried):
        """Put that a trial is about to be asked for."""
        self._write(ARMED, self.bank, attempt, self.kept, tried)

    def take(self):
        """Put that the image that was tried is the one that is kept, twice: one alone could fade and bring the trial back."""
        bank, kept = 1 - self.bank, self.tried
        for _ in range(2):
            self._write(KEPT, bank, self.attempt, kept, NO_HASH)

    def learn(self, kept):
        """Put which image is kept, where nobody knew."""
        self._write(self.state, self.bank, self.attempt, kept, self.tried)

    # -- bytes --------------------------------------------------------------------------------------------------------

    def _read(self, number):
        """Return (sequence, state, bank, attempt, kept, tried), None for what is no record."""
        data = bytearray(_SIZE)
        self._region.read(number * self._sector, data)
        magic, sequence, state, bank, attempt, _, kept, tried = struct.unpack_from(_FIELDS, data, 0)
        if magic != _MAGIC or data[_SIGNED:] != _sum(data) or not KEPT <= state <= ENDED or bank > 1:
            return None
        return sequence, state, bank, attempt, kept, tried

    def _write(self, *fields):
        spare = self._spare()
        for _ in range(_TRIES):
            if self._write_to(spare, (self._sequence + 1,) + fields):
                return
            spare = _COPIES - spare - self._newest if self._newest >= 0 else (spare + 1) % _COPIES
        raise FlashError("the record of the target cannot be written: replace what holds the state")

    def _spare(self):
        """Return the sector that the next record goes to: a broken one, else the oldest."""
        oldest, spare = -1, 0
        for number in range(_COPIES):
            found = self._read(number)
            sequence = found[0] if found else 0
            if number != self._newest and (oldest < 0 or sequence < oldest):
                oldest, spare = sequence, number
        return spare

    def _write_to(self, number, fields):
        sequence, state, bank, attempt, kept, tried = fields
        data = bytearray(_SIZE)
        struct.pack_into(_FIELDS, data, 0, _MAGIC, sequence, state, bank, attempt, 0xFF, kept, tried)
        data[_SIGNED:] = _sum(data)
        self._region.erase(number * self._sector, self._sector)
        self._region.program(number * self._sector, data)
        if self._read(number) != fields:
            return False
        self._sequence, self.state, self.bank, self.attempt, self.kept, self.tried = fields
        self._newest = number
        return True


def _sum(data):
    return hashlib.sha256(memoryview(data)[:_SIGNED]).digest()[:16]
