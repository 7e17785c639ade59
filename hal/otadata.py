"""The partition `otadata` of an ESP32 with two slots: what its bootloader goes by, read and, where that is safe, written.

Two blocks, an entry in each: sequence, 20 bytes of label, state, and a CRC32 of the sequence alone. The higher sequence counts,
the slot is (sequence - 1) % 2. The state is in no CRC, and the bootloader takes whatever it does not know for confirmed.
"""

import struct

from agent.compat import const, crc32
from agent.errors import FlashError

NEW = const(0)  # the next boot tries the slot
PENDING = const(1)  # it is being tried
VALID = const(2)
INVALID = const(3)
ABORTED = const(4)  # it was tried, and the board was reset
UNDEFINED = const(0xFFFFFFFF)  # of tools, and of bootloaders that cannot go back
_SECTOR = const(4096)
_ENTRY = const(32)
_STATE_AT = const(24)
_CRC_AT = const(28)
_CRC_SEED = const(0xFFFFFFFF)
_TRIES = const(3)
LOST = "otadata does not hold what is written: replace the flash"


class Otadata:
    """`flash` is that partition; `entries` are (sequence, state) of both blocks, None where there is no whole one."""

    def __init__(self, flash):
        self._flash = flash
        self.entries: list = [None, None]
        self.look()

    def look(self):
        """Read both entries."""
        data = bytearray(_ENTRY)
        for block in range(2):
            self._flash.read(block * _SECTOR, data)
            sequence = struct.unpack_from("<I", data)[0]
            whole = 0 < sequence < UNDEFINED and _crc(data) == struct.unpack_from("<I", data, _CRC_AT)[0]
            self.entries[block] = (sequence, struct.unpack_from("<I", data, _STATE_AT)[0]) if whole else None

    def counts(self):
        """Return the block that the bootloader goes by, -1 where it has none."""
        found, best = -1, 0
        for block, entry in enumerate(self.entries):
            if entry and entry[1] not in (INVALID, ABORTED) and entry[0] > best:
                found, best = block, entry[0]
        return found

    def named(self):
        """Return (slot, state) of the entry that counts; slot -1 where none does."""
        block = self.counts()
        if block < 0:
            return -1, UNDEFINED
        sequence, state = self.entries[block]
        return _slot(sequence), state

    def ended(self, slot):
        """Tell whether a trial of the slot is over, or never began because its image does not start."""
        over = (ABORTED, INVALID, PENDING)
        return True in [bool(entry) and _slot(entry[0]) == slot and entry[1] in over for entry in self.entries]

    def firm(self, slot):
        """See to it that both entries name the slot as confirmed; the one that counts is written last."""
        for _ in range(2):
            weak = [block for block, entry in enumerate(self.entries) if not _is_firm(entry, slot)]
            if not weak:
                return
            sequence = 1 + max([entry[0] for entry in self.entries if entry] or [0])
            block = weak[-1] if weak[0] == self.counts() else weak[0]
            self._write(block, sequence if _slot(sequence) == slot else sequence + 1, VALID)

    def mend(self):
        """Let the entry that counts be one of a trial: its state was torn."""
        block = self.counts()
        self._write(block, self.entries[block][0], PENDING)

    def _write(self, block, sequence, state):
        data = bytearray(b"\xff" * _ENTRY)
        struct.pack_into("<I", data, 0, sequence)
        struct.pack_into("<I", data, _STATE_AT, state)
        struct.pack_into("<I", data, _CRC_AT, _crc(data))
        for _ in range(_TRIES):
            self._flash.erase(block * _SECTOR, _SECTOR)
            self._flash.program(block * _SECTOR, data)
            self.look()
            if self.entries[block] == (sequence, state):
                return
        raise FlashError(LOST)


def _is_firm(entry, slot):
    return entry is not None and _slot(entry[0]) == slot and entry[1] == VALID


def _slot(sequence):
    return (sequence - 1) % 2


def _crc(data):
    return crc32(memoryview(data)[:4], _CRC_SEED)
