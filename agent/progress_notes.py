"""How progress is noted and read back: docs/flash-format.md has the bytes. See progress.py."""

import struct

from agent.compat import const, crc32
from agent.job import PROGRESS
from agent.progress import Progress
from agent.sizes import DELTA_OUT

_NOTE = "<BIII8s"
_NOTE_SIZE = const(21)
_ENTRY = const(4)
_TALLY = const(0xFFFF)  # packed bytes of a block
_CHUNK = const(4096)
_ERASING = const(1)


class Notes(Progress):
    """What a Progress does."""

    def clear(self):
        """Forget how far the last package was."""
        self.package_at = 0  # offset in the package of the first block that is not done
        self.image_at = 0  # what that block begins with in the image
        self.erase_end = 0  # an erase up to here was announced; 0 for none
        self.image = b""  # first eight bytes of the image's digest
        self._behind = False  # the note does not know of the last blocks: a tally behind it would be wrong

    def begin(self, package_at, image_at, erase_end, digest):
        """Note the boundary, and what is going to be erased behind it."""
        self.package_at, self.image_at = package_at, image_at
        self.erase_end, self.image = erase_end, bytes(digest[:8])
        self._behind = False
        flags = _ERASING if erase_end else 0
        data = struct.pack(_NOTE, flags, package_at, image_at, erase_end, self.image)
        self._journal.note(PROGRESS, data)

    def block_done(self, packed_size, image_size):
        """Count a block whose bytes are all in flash and were read back; many at once wait for the next note."""
        self.package_at += packed_size
        self.image_at += image_size
        if self._behind or packed_size > _TALLY or image_size > DELTA_OUT:
            self._behind = True
            return
        entry = bytearray(_ENTRY)
        entry[0] = (image_size + _CHUNK - 1) // _CHUNK
        struct.pack_into("<H", entry, 1, packed_size)
        entry[3] = _check(entry)
        if not self._journal.tally(PROGRESS, entry):
            self.begin(self.package_at, self.image_at, self.erase_end, self.image)

    def packed(self):
        """Return the note for a put: the boundary with the tally counted in."""
        flags = _ERASING if self.erase_end else 0
        return struct.pack(_NOTE, flags, self.package_at, self.image_at, self.erase_end, self.image)

    def load(self, journal):
        """Take up what is kept."""
        self._journal = journal
        self.clear()
        note, tally = bytearray(58), bytearray(58)
        if journal.get(PROGRESS, note) != _NOTE_SIZE:
            return
        flags, self.package_at, self.image_at, self.erase_end, self.image = struct.unpack_from(_NOTE, note, 0)
        size = journal.tail(PROGRESS, tally)
        for start in range(0, size - _ENTRY + 1, _ENTRY):
            entry = tally[start : start + _ENTRY]
            if entry[3] != _check(entry) or not 1 <= entry[0] <= DELTA_OUT // _CHUNK:
                break  # blank, or torn: that block is fetched again
            self.package_at += entry[1] | entry[2] << 8
            self.image_at += entry[0] * _CHUNK


def _check(entry):
    return crc32(entry[:3]) & 0xFF ^ 0xA5
