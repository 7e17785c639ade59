"""The journal's whole copies: finding the newest good one at the start, and writing others. See journal.py."""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError
from agent.journal import DATA_SIZE
from agent.journal_notes import Notes, fill_slot

_SLOT = const(64)
_MORE = const(0x80)  # in the length: the value goes on in the next slot
_BLANK = b"\xff" * _SLOT
_HEADER = const(0xF0)
_CLEAN = const(0xF1)
_FORMAT = const(1)
_TRIES = const(3)
_SLOTS_A_READ = const(4)
_BLANK_READ = b"\xff" * 256


class Copies(Notes):
    """What is wanted rarely."""

    def set_up(self, region):
        """Find what is kept."""
        self._region, self._size = region, region.size // 3
        self._slots = self._size // _SLOT
        self._sector = region.erase_units[0][0]
        self._slot = bytearray(_SLOT)
        self._at = {}  # key -> its first slot in the newest copy
        self._copy, self._revision = -1, 0
        self._inside, self._free = False, 1
        self._appendable = False  # else the next write is a put
        self._tally_key, self._tally_at = -1, 0
        self._mount()
        self.was_clean = self._appendable  # nothing was in flight when the power went

    def put(self, changes):
        """Store several (key, data) at once, None to forget; they are in two copies before this returns."""
        self.write_copies(changes, 2)
        self._appendable = True

    def keys(self):
        """Return the keys that have a value."""
        return sorted(self._at)

    def tail(self, key, into):
        """Copy what was tallied behind the note of `key`; return its length, blank bytes included."""
        if key not in self._at or not self._read_slot(self._copy, self._at[key]):
            return 0
        start = 2 + (self._slot[1] & 0x3F)
        into[: _SLOT - 4 - start] = memoryview(self._slot)[start : _SLOT - 4]
        return _SLOT - 4 - start

    def mark_clean(self):
        """Say that nothing is in flight: the boot after this one may append without a put."""
        if not self._appendable or self._at.get(_CLEAN, 0) != self._free - 1:
            self.note(_CLEAN, b"")

    def recent(self, most):
        """Return (revision, slots in use, slots, [(key, size) of the newest slots, the newest last]) for a diagnosis."""
        last = []
        for slot in range(max(1, self._free - most), self._free):
            if self._read_slot(self._copy, slot):
                last.append((self._slot[0], self._slot[1] & 0x3F))
        return self._revision, self._free - 1, self._slots - 1, last

    def _mount(self):
        order = []
        for copy in range(3):
            revision, count = self._check_header(copy)
            if revision >= 0:
                order.append((revision, copy, count))
                self._revision = max(self._revision, revision)  # of a broken copy too: no number is used twice
        for _, copy, count in sorted(order, reverse=True):
            if self._check_snapshot(copy):
                self._copy = copy
                self._scan(copy, count)
                return

    def _check_snapshot(self, copy):
        self._read_slot(copy, 0)
        count, expected = struct.unpack_from("<HI", self._slot, 7)
        return count < self._slots and self._crc_of(copy, count) == expected

    def _crc_of(self, copy, count):
        crc, view = 0, memoryview(bytearray(_SLOT * _SLOTS_A_READ))
        for slot in range(1, count + 1, _SLOTS_A_READ):
            part = view[: min(_SLOTS_A_READ, count + 1 - slot) * _SLOT]
            self._region.read(copy * self._size + slot * _SLOT, part)
            crc = crc32(part, crc)
        return crc

    def _scan(self, copy, count):
        """Index the copy; `_free` ends behind the last slot that is not blank, torn ones are stepped over."""
        self._at = {}
        self._free = count + 1
        self._inside = self._appendable = False
        page = bytearray(_SLOT * _SLOTS_A_READ)
        for slot in range(0, self._slots, _SLOTS_A_READ):
            self._region.read(copy * self._size + slot * _SLOT, page)
            if page != _BLANK_READ:
                for i in range(_SLOTS_A_READ):
                    self._slot[:] = memoryview(page)[i * _SLOT : (i + 1) * _SLOT]
                    if slot + i and self._slot != _BLANK:
                        self._index(slot + i)

    def _index(self, slot):
        good = self._is_whole()
        if good:
            if not self._inside:
                self._at[self._slot[0]] = slot
            self._inside = self._slot[1] & _MORE
        self._appendable = good and self._slot[0] == _CLEAN
        self._free = max(self._free, slot + 1)

    def write_copies(self, changes, wanted):
        """Write the snapshot to so many copies, the oldest first, never to the newest good one."""
        written = 0
        for _ in range(_TRIES):
            for copy in self._oldest_first():
                if written < wanted and copy != self._copy and self._write_copy(copy, changes):
                    written += 1
                    changes = ()
            if written:
                return
        raise FlashError("the journal cannot be written: replace the flash")

    def _oldest_first(self):
        ages = []
        for copy in range(3):
            ages.append((self._check_header(copy)[0] if copy != self._copy else self._revision, copy))
        return [copy for _, copy in sorted(ages)]

    def _write_copy(self, copy, changes):
        base = copy * self._size
        for sector in range(0, self._size, self._sector):
            self._region.erase(base + sector, self._sector)
        writer = _SlotWriter(self._region, base, self._size)
        changed = [key for key, _ in changes]
        for key in self.keys():
            if key != _CLEAN and key not in changed:
                writer.at[key] = writer.count + 1
                self._copy_value(key, writer)
        for key, data in changes:
            if data is not None:
                writer.at[key] = writer.count + 1
                self._add_value(key, data, writer)
        writer.flush()
        return self._seal(copy, writer)

    def _copy_value(self, key, writer):
        slot, more = self._at[key], True
        while more:
            if not self._read_slot(self._copy, slot) or self._slot[0] != key:
                raise FlashError("the journal reads differently than at the start")
            more = self._slot[1] & _MORE
            writer.add(self._slot)
            slot += 1

    def _add_value(self, key, data, writer):
        view = memoryview(data)
        start = 0
        while start == 0 or start < len(data):
            rest = len(data) - start
            piece = view[start : start + min(rest, DATA_SIZE)]
            fill_slot(self._slot, key, piece, _MORE if rest > DATA_SIZE else 0)
            writer.add(self._slot)
            start += DATA_SIZE

    def _seal(self, copy, writer):
        """Write the header last; adopt the copy if it reads as it should."""
        head = struct.pack("<BIHI", _FORMAT, self._revision + 1, writer.count, writer.crc)
        fill_slot(self._slot, _HEADER, head, 0)
        self._region.program(copy * self._size, self._slot)
        if self._check_header(copy) != (self._revision + 1, writer.count) or not self._check_snapshot(copy):
            return False
        self._revision += 1
        self._copy = copy
        self._at = writer.at
        self._free = writer.count + 1
        self._tally_key = -1
        self._appendable = True
        return True

    def _check_header(self, copy):
        if self._read_slot(copy, 0) and self._slot[0] == _HEADER and self._slot[2] == _FORMAT:
            return struct.unpack_from("<IH", self._slot, 3)
        return -1, 0


class _SlotWriter:
    """Gathers slots to whole pages, behind the place of the header, and sums them up."""

    def __init__(self, region, base, size):
        self._region = region
        self._base = base
        self._end = size // _SLOT
        self._page = bytearray(256)
        self._start = 1  # first slot of the page that is gathered
        self.count = 0
        self.crc = 0
        self.at = {}  # key -> its first slot

    def add(self, slot):
        """Take one more slot."""
        at = self.count + 1
        if at >= self._end:
            raise FlashError("the journal is full")
        self._page[(at % 4) * _SLOT : (at % 4 + 1) * _SLOT] = slot
        self.crc = crc32(slot, self.crc)
        self.count = at
        if at % 4 == 3:
            self.flush()

    def flush(self):
        """Program what was gathered."""
        if self._start <= self.count:
            first = self._start % 4 * _SLOT
            view = memoryview(self._page)[first : (self.count % 4 + 1) * _SLOT]
            self._region.program(self._base + self._start * _SLOT, view)
            self._start = self.count + 1
