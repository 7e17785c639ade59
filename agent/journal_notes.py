"""The journal's small values: a slot behind the newest copy, and bytes behind the newest slot. See journal.py."""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError
from agent.journal import Journal

_SLOT = const(64)
_BLANK = b"\xff" * _SLOT
_TRIES = const(3)


class Notes(Journal):
    """What a Journal does while something makes progress."""

    def note(self, key, data):
        """Append one small value."""
        if not self._appendable:
            self.put(())
        if self._free >= self._slots:
            self.write_copies((), 1)  # the full copy stays behind with the same values: two copies again
        found = bytearray(_SLOT)
        for _ in range(_TRIES):
            slot = self._free
            if slot >= self._slots:
                break
            self._free += 1
            at = self._copy * self._size + slot * _SLOT
            self._region.read(at, found)
            if found == _BLANK:
                fill_slot(self._slot, key, data, 0)
                self._region.program(at, self._slot)
                if self._read_slot(self._copy, slot):
                    self._at[key] = slot
                    self._tally_key, self._tally_at = key, 2 + len(data)
                    return
        raise FlashError("the journal does not take a note: replace the flash")

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


def fill_slot(slot, key, data, more):
    """Make a slot of a key and a piece of its value."""
    size = len(data)
    slot[:] = _BLANK
    slot[0] = key
    slot[1] = size | more
    slot[2 : 2 + size] = data
    struct.pack_into("<I", slot, _SLOT - 4, crc32(memoryview(slot)[: 2 + size]))
