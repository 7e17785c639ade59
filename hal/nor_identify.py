"""Finds out what a SPI NOR is: by its id, its own tables and the list of those whose tables say too little.

In that order: out of deep power-down, wait for what a reset may have interrupted, reset, id, tables, protection (nor_wake.py).
"""

from agent.compat import const
from agent.errors import FlashError
from hal.nor_chips import CHIPS, PARTS, SAFE_ERASE_MS, SAFE_LARGER_MS
from hal.nor_sfdp import parse
from hal.nor_wake import SAFE_PAGE_US, STATUS_MS, hexed, lift_protection, read_id

_WAKE = b"\xab"
_RESET_ENABLE = b"\x66"
_RESET = b"\x99"
_EWSR = b"\x50"
_NARROW = const(0x1000000)  # that three bytes of address reach
_WIDE_ERASE = {0x20: 0x21, 0x52: 0x5C, 0xD8: 0xDC}


def identify(nor, link, clock, wanted_id, part=None):
    """Find out what the chip is, and set it in `nor`, which lends its way of waiting; `part` names one of nor_chips.PARTS."""
    named = _named(part)
    wanted_id = named[0] or wanted_id
    link.command(_WAKE)
    clock.sleep_ms(1)
    jedec_id = read_id(nor, link)
    if wanted_id and jedec_id != bytes(wanted_id):
        raise FlashError("the flash has id %s, the board file names %s" % (hexed(jedec_id), hexed(wanted_id)))
    known = named[1] or CHIPS.get(jedec_id)
    sfdp = None if known and known.aai else parse(_SfdpReader(link).read)
    if sfdp and sfdp.soft_reset:
        link.command(_RESET_ENABLE)
        link.command(_RESET)
        clock.sleep_ms(1)
    nor.jedec_id = jedec_id
    _take_size(nor, known, sfdp)
    _take_erases(nor, known, sfdp)
    _make_heads(nor)
    nor.aai = None
    if known and known.aai:
        from hal.nor_aai import AutoIncrement

        nor.aai = AutoIncrement(nor)
    _unlock(nor, link, known)


def _make_heads(nor):
    """Make what a command begins with, the bytes of the address behind the opcode: it is only filled in later."""
    wide = nor.size > _NARROW
    nor.read_head, nor.page_head, nor.erase_head = [bytearray(5 if wide else 4) for _ in range(3)]
    nor.read_head[0], nor.page_head[0] = (0x13, 0x12) if wide else (0x03, 0x02)


def _unlock(nor, link, known):
    if known and known.unlock:
        nor.enable_write()
        link.command(bytes((known.unlock,)))
        nor.started(STATUS_MS)
        nor.wait()
    lift_protection(nor, link, (lambda: link.command(_EWSR)) if known and known.aai else nor.enable_write)


def _named(part):
    if part is None:
        return None, None
    if part not in PARTS:
        raise FlashError("hal/nor_chips.py has no part called %s, only %s" % (part, ", ".join(sorted(PARTS))))
    return PARTS[part]


def _take_size(chip, known, sfdp):
    if not known and not sfdp:
        raise FlashError(
            "the flash %s is not known and has no tables: add it to hal/nor_chips.py" % hexed(chip.jedec_id)
        )
    if known and sfdp and known.size != sfdp.size:
        text = "the flash calls itself a %s but says it holds %d bytes: it is a clone, do not use it"
        raise FlashError(text % (known.name, sfdp.size))
    chip.name = known.name if known else hexed(chip.jedec_id)
    chip.size = known.size if known else sfdp.size
    chip.page = sfdp.page if sfdp else 256
    page_us = SAFE_PAGE_US
    if sfdp and sfdp.page_us:
        page_us = sfdp.page_us[1]
    elif known and known.page_us:
        page_us = known.page_us
    chip.page_ms = page_us // 1000 + 2


def _take_erases(chip, known, sfdp):
    erases = []
    if known and known.erases:
        for (size, opcode), max_ms in zip(known.erases, known.erase_ms):
            erases.append((size, opcode, max_ms))
    else:
        for size, opcode, _, max_ms in sfdp.erases:
            erases.append((size, opcode, max_ms or SAFE_ERASE_MS.get(size, SAFE_LARGER_MS)))
    if chip.size > _NARROW:
        erases = _widened(erases, known, sfdp)
    if not erases:
        raise FlashError("the flash %s has no erase command that can be used: add it to hal/nor_chips.py" % chip.name)
    chip.erases = tuple(erases)
    chip.erase_units = tuple([(size, max_ms) for size, _, max_ms in erases])


def _widened(erases, known, sfdp):
    """Turn three-byte opcodes into four-byte ones: the four-byte mode would confuse a boot ROM after a reset."""
    opcodes = sfdp.four_byte if sfdp and sfdp.four_byte else (_WIDE_ERASE if known and known.four_byte else {})
    return [(size, opcodes[opcode], max_ms) for size, opcode, max_ms in erases if opcode in opcodes]


class _SfdpReader:
    """Reads the tables: three address bytes and one dummy byte."""

    def __init__(self, link):
        self._link = link
        self._head = bytearray(5)

    def read(self, addr, into):
        """Fill `into` from the tables."""
        self._head[:] = bytes((0x5A, addr >> 16 & 0xFF, addr >> 8 & 0xFF, addr & 0xFF, 0))
        self._link.query(self._head, into)
