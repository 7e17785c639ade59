"""Small facts that survive a power cut at any moment, on raw NOR flash in three copies of one or more sectors.

`put` is for what must not be lost: two full copies before it returns. `note` is for progress: one slot, a cut may lose it.
The bytes are described in docs/flash-format.md. Must not know what the values mean; is given a Flash and nothing else.
What is wanted rarely stands in journal_copies.py.
"""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError
from agent.late import late

_SLOT = const(64)
DATA_SIZE = const(58)  # payload of one slot, the largest note
_MORE = const(0x80)  # in the length: the value goes on in the next slot
_BLANK = b"\xff" * _SLOT
_TRIES = const(3)


class Journal:
    """A log of slots in the newest of three copies; the other two are the spares that make `put` safe."""

    def __init__(self, region):
        self._region, self._size = region, region.size // 3
        self._slots = self._size // _SLOT
        self._sector = region.erase_units[0][0]
        self._slot, self._page = bytearray(_SLOT), bytearray(256)
        self._at = {}  # key -> its first slot in the newest copy
        self._copy, self._revision = -1, 0
        self._inside, self._free = False, 1
        self._appendable = False  # else the next write is a put
        self._tally_key, self._tally_at = -1, 0
        self._mount()
        self.was_clean = self._appendable  # nothing was in flight when the power went

    def __getattr__(self, name):  # mark_clean, keys, tail, recent
        from agent.journal_copies import Copies

        return late(Copies, self, name)

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

    def put(self, changes):
        """Store several (key, data) at once, None to forget; they are in two copies before this returns."""
        self._put(changes)

    def note(self, key, data):
        """Append one small value."""
        if not self._appendable:
            self.put(())
        if self._free >= self._slots:
            self._write_copies((), 1)  # the full copy stays behind with the same values: two copies again
        self._append(key, data)
        self._tally_key, self._tally_at = key, 2 + len(data)

    def tally(self, key, data):
        """Add bytes behind the newest note, if that is of `key` and has room; tell whether it was done.

        It costs a tenth of a slot's time and no space: NOR can go on clearing bits in a slot that is already written.
        """
        start = self._tally_at
        if self._tally_key != key or start + len(data) > _SLOT - 4 or self._region.program_unit != 1:
            return False
        self._region.program(self._copy * self._size + self._at[key] * _SLOT + start, data)
        self._tally_at = start + len(data)
        return True

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

    # -- writing ------------------------------------------------------------------------------------------------------

    def _append(self, key, data):
        for _ in range(_TRIES):
            slot = self._free
            if slot >= self._slots:
                break
            self._free += 1
            self._fill_slot(key, data, 0)
            if self._is_blank(slot):
                self._region.program(self._copy * self._size + slot * _SLOT, self._slot)
                if self._read_slot(self._copy, slot):
                    self._at[key] = slot
                    return
        raise FlashError("the journal does not take a note: replace the flash")

    def _is_blank(self, slot):
        found = memoryview(self._page)[:_SLOT]
        self._region.read(self._copy * self._size + slot * _SLOT, found)
        return found == _BLANK

    def _fill_slot(self, key, data, more):
        size = len(data)
        self._slot[:] = _BLANK
        self._slot[0] = key
        self._slot[1] = size | more
        self._slot[2 : 2 + size] = data
        struct.pack_into("<I", self._slot, _SLOT - 4, crc32(memoryview(self._slot)[: 2 + size]))
