"""An ESP32 as its bootloader and MicroPython's esp32.Partition show it, over a simulated flash: otadata with its rules.

set_boot reads the image, writes NEW behind an erase; the bootloader turns NEW into PENDING when it starts a slot, and PENDING
into ABORTED at the next reset, whatever that was. A slot whose image is damaged is passed over, and otadata goes on naming it.
With `rollback` off bootloader and MicroPython are those of a build without: what is set starts for good.
"""

import hashlib
import struct

from agent.compat import crc32

APP, DATA = 0, 1
NEW, PENDING, VALID, INVALID, ABORTED, UNDEFINED = 0, 1, 2, 3, 4, 0xFFFFFFFF
_SECTOR, _PAGE = 4096, 256
_LETTERS = 0xEF


def make_image(payload):
    """Return an image with one segment, its checksum and its SHA-256, as esptool makes it."""
    payload = bytes(payload) + bytes(-len(payload) % 4)
    head = struct.pack("<BBBBIB3sHBHH4sB", 0xE9, 1, 2, 0x20, 0x40080000, 0xEE, bytes(3), 0, 0, 0, 0xFFFF, bytes(4), 1)
    body = head + struct.pack("<II", 0x3F400020, len(payload)) + payload
    body += bytes(15 - len(body) % 16) + bytes((_checksum(payload),))
    return body + hashlib.sha256(body).digest()


def payload_at():
    """Return where the payload of such an image begins."""
    return 32


class Esp:
    """`table` is ((label, type, subtype, address, size), ...) over `flash`; `start` is a reset."""

    def __init__(self, flash, table, rollback=True):
        self.flash, self.table, self.rollback = flash, table, rollback
        self.running = None  # row of the table
        self.calls = []  # of set_boot and mark_app_valid, with what they came to
        self.Partition = _partition_class(self)
        self.otadata = self.row(DATA, 0)
        self.slots = sorted([row for row in table if row[1] == APP and 0x10 <= row[2] <= 0x1F], key=_subtype)

    def row(self, kind, subtype):
        """Return the first row of that type."""
        for row in self.table:
            if row[1:3] == (kind, subtype):
                return row
        return None

    # -- the bootloader -----------------------------------------------------------------------------------------------

    def start(self):
        """Do what the bootloader does at a reset; return the slot that it starts, -1 where it starts none or another."""
        entries = [self.entry(block) for block in (0, 1)]
        if self.rollback:
            for block, (sequence, state, crc) in enumerate(entries):
                if state == PENDING:
                    entries[block] = sequence, ABORTED, crc
                    self.put(block, *entries[block])
        first, blank = self._selected(entries)
        order = list(range(first, -1, -1)) + list(range(first + 1, len(self.slots)))
        for slot in order:
            if self.image_is_whole(self.slots[slot]):
                if blank:
                    self.put(0, slot + 1, VALID, crc_of(slot + 1))
                self.running = self.slots[slot]
                return slot
        self.running = None
        return -1

    def _selected(self, entries):
        if False not in [sequence == UNDEFINED or state in (INVALID, ABORTED) for sequence, state, _ in entries]:
            return 0, False not in [sequence == UNDEFINED or crc != crc_of(sequence) for sequence, _, crc in entries]
        block = self.active(entries)
        if block < 0:
            return -1, False
        sequence, state, crc = entries[block]
        if state == NEW and self.rollback:
            self.put(block, sequence, PENDING, crc)
        return (sequence - 1) % len(self.slots), False

    def active(self, entries=None):
        """Return the block that counts, -1 where none does."""
        found, best = -1, 0
        for block, (sequence, state, crc) in enumerate(entries or [self.entry(block) for block in (0, 1)]):
            good = sequence != UNDEFINED and state not in (INVALID, ABORTED) and crc == crc_of(sequence)
            if good and sequence > best:
                found, best = block, sequence
        return found

    def image_is_whole(self, row):
        """Tell whether the bootloader would start what is in that partition."""
        size, at = row[4], row[3]
        head = self.cells(at, 32)
        length = struct.unpack_from("<I", head, 28)[0]
        end = 32 + length
        end += 16 - end % 16
        if head[0] != 0xE9 or head[1] != 1 or end + 32 > size:
            return False
        body = self.cells(at, end + 32)
        return body[end - 1] == _checksum(body[32 : 32 + length]) and hashlib.sha256(body[:end]).digest() == body[end:]

    # -- otadata ------------------------------------------------------------------------------------------------------

    def entry(self, block):
        """Return (sequence, state, CRC) of a block."""
        data = self.cells(self.otadata[3] + block * _SECTOR, 32)
        return (
            struct.unpack_from("<I", data)[0],
            struct.unpack_from("<I", data, 24)[0],
            struct.unpack_from("<I", data, 28)[0],
        )

    def put(self, block, sequence, state, crc=None):
        """Write an entry as bootloader and SDK do: erase, then 32 bytes."""
        at = self.otadata[3] + block * _SECTOR
        self.flash.erase(at, _SECTOR)
        crc = crc_of(sequence) if crc is None else crc
        self.flash.program(at, struct.pack("<I20sII", sequence, b"\xff" * 20, state, crc))

    def states(self):
        """Return (slot, state) of both entries, None for one that is not whole."""
        found = []
        for block in (0, 1):
            sequence, state, crc = self.entry(block)
            whole = sequence != UNDEFINED and crc == crc_of(sequence)
            found.append(((sequence - 1) % len(self.slots), state) if whole else None)
        return found

    def set_boot(self, row):
        """Do what esp_ota_set_boot_partition does."""
        if not self.image_is_whole(row):
            raise OSError(-0x1503, "ESP_ERR_OTA_VALIDATE_FAILED")
        slot, count, active = self.slots.index(row), len(self.slots), self.active()
        block, sequence = 0, slot + 1
        if active >= 0:
            block, sequence = 1 - active, (slot + 1) % count
            sequence += max(0, self.entry(active)[0] - sequence + count - 1) // count * count
        self.put(block, sequence, NEW if self.rollback else UNDEFINED)
        self.calls.append(("set_boot", slot))

    def mark_valid(self):
        """Do what esp_ota_mark_app_valid_cancel_rollback does: it means the entry that counts, whatever runs."""
        self.calls.append(("mark_valid", None))
        if not self.rollback:
            raise OSError(-261, "ESP_ERR_NOT_FOUND")
        active = self.active()
        if active < 0:
            raise OSError(1, "ESP_FAIL")
        sequence, state, _ = self.entry(active)
        if state != VALID:
            self.put(active, sequence, VALID)

    def cells(self, at, size):
        """Return what is read of the flash."""
        data = bytearray(size)
        self.flash.read(at, data)
        return bytes(data)


class Partition:
    """esp32.Partition as MicroPython has it; `esp` is the board."""

    BOOT, RUNNING, TYPE_APP, TYPE_DATA = 0, 1, APP, DATA
    esp = None

    def __init__(self, which):
        esp = self.esp
        if isinstance(which, str):
            rows = [row for row in esp.table if row[0] == which]
        elif which == self.RUNNING:
            rows = [esp.running]
        else:
            rows = [esp.slots[max(0, (esp.entry(esp.active())[0] - 1) % len(esp.slots))]]
        if not rows or not rows[0]:
            raise OSError(2, "ENOENT")
        self._row = rows[0]

    @classmethod
    def find(cls, type=APP, subtype=0xFF, label=None):
        """Return those that match."""
        rows = [
            row for row in cls.esp.table if row[1] == type and subtype in (0xFF, row[2]) and label in (None, row[0])
        ]
        return [cls(row[0]) for row in rows]

    def info(self):
        """Return (type, subtype, address, size, label, encrypted)."""
        label, kind, subtype, at, size = self._row[:5]
        return kind, subtype, at, size, label, len(self._row) > 5

    def readblocks(self, block, into, offset=0):
        """Read."""
        self.esp.flash.read(self._at(block * _SECTOR + offset, len(into)), into)

    def writeblocks(self, block, data, offset=None):
        """Write; without an offset the blocks are erased first."""
        at, done = self._at(block * _SECTOR + (offset or 0), len(data)), 0
        for start in range(at, at + len(data), _SECTOR) if offset is None else ():
            self.esp.flash.erase(start, _SECTOR)
        while done < len(data):
            count = min(len(data) - done, _PAGE - (at + done) % _PAGE)
            self.esp.flash.program(at + done, bytes(memoryview(data)[done : done + count]))
            done += count

    def ioctl(self, what, argument):
        """Tell the geometry, or erase a block."""
        if what == 6:
            self.esp.flash.erase(self._at(argument * _SECTOR, _SECTOR), _SECTOR)
        return {4: self._row[4] // _SECTOR, 5: _SECTOR}.get(what, 0)

    def set_boot(self):
        """Start it at the next boot."""
        self.esp.set_boot(self._row)

    def get_next_update(self):
        """Return the slot behind this one."""
        slots = self.esp.slots
        here = slots.index(self._row) if self._row in slots else -1
        return type(self)(slots[(here + 1) % len(slots)][0])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        """Confirm."""
        cls.esp.mark_valid()

    def _at(self, offset, size):
        if offset < 0 or offset + size > self._row[4]:
            raise OSError(-0x104, "ESP_ERR_INVALID_SIZE")
        return self._row[3] + offset


def _partition_class(esp):
    """Return esp32.Partition for that board."""

    class Bound(Partition):
        pass

    Bound.esp = esp
    return Bound


def crc_of(sequence):
    """Return the CRC32 of an entry: only the sequence is in it."""
    return crc32(struct.pack("<I", sequence), 0xFFFFFFFF)


def _checksum(data):
    total = _LETTERS
    for byte in data:
        total ^= byte
    return total


def _subtype(row):
    return row[2]
