"""Small facts that survive a power cut at any moment, on raw NOR flash in three copies of one or more sectors.

`put` is for what must not be lost: two full copies before it returns. `note` is for progress: one slot, a cut may lose it.
The bytes are described in docs/flash-format.md. Must not know what the values mean; is given a Flash and nothing else.
Notes are written by journal_notes.py, whole copies by journal_copies.py.
"""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError
from agent.late import late

_SLOT = const(64)
DATA_SIZE = const(58)  # payload of one slot, the largest note
_MORE = const(0x80)  # in the length: the value goes on in the next slot


class Journal:
    """A log of slots in the newest of three copies; the other two are the spares that make `put` safe."""

    def __init__(self, region):
        self.set_up(region)

    def __getattr__(self, name):
        if name in ("note", "tally"):  # what an update does all the time, and others now and then
            from agent.journal_notes import Notes as Part
        else:  # set_up, put, mark_clean, keys, tail, recent
            from agent.journal_copies import Copies as Part
        return late(Part, self, name)

    def get(self, key, into):
        """Copy the value of `key` into `into`; return its length, -1 where there is none."""
        if key not in self._at:
            return -1
        size, slot, more = 0, self._at[key], True
        while more:
            if not self._read_slot(self._copy, slot) or self._slot[0] != key:
                raise FlashError("the journal reads differently than at the start")
            more = self._slot[1] & _MORE
            length = self._slot[1] & 0x3F
            into[size : size + length] = memoryview(self._slot)[2 : 2 + length]
            size += length
            slot += 1
        return size

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read_slot(self, copy, slot):
        self._region.read(copy * self._size + slot * _SLOT, self._slot)
        return self._is_whole()

    def _is_whole(self):
        length = self._slot[1] & 0x3F
        if self._slot[0] == 0xFF or length > DATA_SIZE:
            return False
        crc = crc32(memoryview(self._slot)[: 2 + length])
        return crc == struct.unpack_from("<I", self._slot, _SLOT - 4)[0]
