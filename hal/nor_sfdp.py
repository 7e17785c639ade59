"""What a NOR flash says of itself (JEDEC JESD216): size, erase units, times. Must not talk to the chip: `read(addr, into)` does.

Times that a table does not give are None; tables of nine words (revision 1.0) give none at all.
"""

import struct

from agent.compat import const

_BASIC = const(0xFF00)
_FOUR_BYTE = const(0xFF84)
_WORDS = const(16)
_MS_UNITS = (1, 16, 128, 1000)
_CHIP_UNITS = (16, 256, 4000, 64000)
_ERASE_SHIFTS = (4, 11, 18, 25)


class Sfdp:
    """The facts of one chip."""

    def __init__(self):
        self.size = 0
        self.page = 256
        self.erases = ()  # (size, opcode, typ_ms, max_ms), smallest first; times None where not given
        self.page_us = None  # (typ, max)
        self.byte_us = None  # (first, each further), typ
        self.chip_ms = None  # typ of a whole-chip erase
        self.soft_reset = False
        self.four_byte = {}  # erase opcodes with four address bytes: three-byte opcode -> four-byte opcode


def parse(read):
    """Return the chip's Sfdp, None where it has no table that makes sense."""
    head = bytearray(8)
    read(0, head)
    if head[:4] != b"SFDP":
        return None
    basic, four = None, None
    for i in range(min(head[6] + 1, 16)):
        entry = bytearray(8)
        read(8 + 8 * i, entry)
        pointer, words = entry[4] | entry[5] << 8 | entry[6] << 16, entry[3]
        table_id = entry[0] | entry[7] << 8
        if table_id == _BASIC and (basic is None or words >= len(basic)):
            basic = _words(read, pointer, words)
        elif table_id == _FOUR_BYTE:
            four = _words(read, pointer, min(words, 2))
    return _facts(basic, four) if basic and len(basic) >= 9 else None


def _words(read, pointer, count):
    data = bytearray(4 * min(count, _WORDS))
    read(pointer, data)
    return struct.unpack("<%dI" % (len(data) // 4), data)


def _facts(basic, four):
    chip = Sfdp()
    density = basic[1]
    if density & 0x80000000:
        chip.size = 1 << ((density & 0x7FFFFFFF) - 3) if 16 <= density & 0x7FFFFFFF <= 40 else 0
    else:
        chip.size = (density + 1) // 8
    chip.erases = _erases(basic)
    if len(basic) > 10:
        _times(chip, basic[10])
    if len(basic) > 15:
        chip.soft_reset = bool(basic[15] >> 8 & 0x10)
    if four and len(four) > 1:
        chip.four_byte = _four_byte(basic, four)
    return chip if chip.size and chip.erases else None


def _erases(basic):
    erases = []
    for i in range(4):
        entry = basic[7 + i // 2] >> (16 * (i % 2)) & 0xFFFF
        exponent, opcode = entry & 0xFF, entry >> 8
        if 8 <= exponent <= 20 and opcode not in (0, 0xFF):
            typ_ms = max_ms = None
            if len(basic) > 9:
                typ_ms, max_ms = _erase_ms(basic[9], i)
            erases.append((1 << exponent, opcode, typ_ms, max_ms))
    return tuple(sorted(erases, key=_size))


def _size(erase):
    return erase[0]


def _erase_ms(word, i):
    field = word >> _ERASE_SHIFTS[i]
    typ_ms = ((field & 0x1F) + 1) * _MS_UNITS[field >> 5 & 3]
    return typ_ms, typ_ms * 2 * ((word & 0xF) + 1)


def _times(chip, word):
    chip.page = 1 << (word >> 4 & 0xF)
    typ_us = ((word >> 8 & 0x1F) + 1) * (64 if word >> 13 & 1 else 8)
    chip.page_us = (typ_us, typ_us * 2 * ((word & 0xF) + 1))
    first_us = ((word >> 14 & 0xF) + 1) * (8 if word >> 18 & 1 else 1)
    further_us = ((word >> 19 & 0xF) + 1) * (8 if word >> 23 & 1 else 1)
    chip.byte_us = (first_us, further_us)
    chip.chip_ms = ((word >> 24 & 0x1F) + 1) * _CHIP_UNITS[word >> 29 & 3]


def _four_byte(basic, four):
    opcodes = {}
    for i in range(4):
        three = basic[7 + i // 2] >> (16 * (i % 2) + 8) & 0xFF
        if four[0] >> (9 + i) & 1:
            opcodes[three] = four[1] >> (8 * i) & 0xFF
    return opcodes
