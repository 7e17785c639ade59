"""Finds out what a SPI NOR is, and brings it into a state that the driver can start from.

In that order: out of deep power-down, wait for what a reset may have interrupted, reset, id, tables, protection.
"""

from agent.compat import const
from agent.errors import FlashError
from hal.nor_aai import AutoIncrement
from hal.nor_chips import CHIPS, PARTS, SAFE_ERASE_MS, SAFE_LARGER_MS, SAFE_PAGE_US
from hal.nor_sfdp import parse

_WAKE = b"\xab"
_END_AAI = b"\x04"
_RESET_ENABLE = b"\x66"
_RESET = b"\x99"
_READ_ID = b"\x9f"
_EWSR = b"\x50"
_WRITE_STATUS = b"\x01"
_NO_PROTECTION = b"\x00"
_PROTECTED = const(0x1C)  # BP0 to BP2
_LONGEST_ERASE_MS = const(6000)
_STATUS_MS = const(50)
_WIDE_ERASE = {0x20: 0x21, 0x52: 0x5C, 0xD8: 0xDC}
_NOTHING = (b"\xff\xff\xff", b"\x00\x00\x00")


class Identity:
    """What the driver needs to know of the chip."""

    def __init__(self, jedec_id):
        self.jedec_id = jedec_id
        self.name = "unknown"
        self.size = 0
        self.page = 256
        self.erases = ()  # (size, opcode, max_ms), smallest first
        self.page_max_us = SAFE_PAGE_US
        self.aai = None


def identify(nor, link, clock, wanted_id, part=None):
    """Return the chip's Identity; `nor` lends its way of waiting, `part` names one of nor_chips.PARTS."""
    named = _named(part)
    wanted_id = named[0] or wanted_id
    link.command(_WAKE)
    clock.sleep_ms(1)
    jedec_id = _read_id(nor, link)
    if wanted_id and jedec_id != bytes(wanted_id):
        raise FlashError("the flash has id %s, the board file names %s" % (_hex(jedec_id), _hex(wanted_id)))
    known = named[1] or CHIPS.get(jedec_id)
    sfdp = None if known and known.aai else parse(_SfdpReader(link).read)
    if sfdp and sfdp.soft_reset:
        link.command(_RESET_ENABLE)
        link.command(_RESET)
        clock.sleep_ms(1)
    chip = Identity(jedec_id)
    _take_size(chip, known, sfdp)
    _take_erases(chip, known, sfdp)
    _lift_protection(nor, link, known)
    return chip


def _named(part):
    if part is None:
        return None, None
    if part not in PARTS:
        raise FlashError("hal/nor_chips.py has no part called %s, only %s" % (part, ", ".join(sorted(PARTS))))
    return PARTS[part]


def _read_id(nor, link):
    """Wait out what the chip may be doing since before a reset, then ask who it is; a stuck bus looks busy too."""
    found = bytearray(3)
    link.query(_READ_ID, found)
    if bytes(found) in _NOTHING and nor.status() in (0xFF, 0x00):
        raise FlashError("no flash answers (id %s): check wiring, chip select and supply" % _hex(found))
    nor.started(_LONGEST_ERASE_MS)
    nor.wait()
    link.command(_END_AAI)  # an old part may still be in auto-increment, in which it answers to little else
    link.query(_READ_ID, found)
    if bytes(found) in _NOTHING:
        raise FlashError("no flash answers (id %s): check wiring, chip select and supply" % _hex(found))
    return bytes(found)


def _take_size(chip, known, sfdp):
    if not known and not sfdp:
        raise FlashError(
            "the flash %s is not known and has no tables: add it to hal/nor_chips.py" % _hex(chip.jedec_id)
        )
    if known and sfdp and known.size != sfdp.size:
        text = "the flash calls itself a %s but says it holds %d bytes: it is a clone, do not use it"
        raise FlashError(text % (known.name, sfdp.size))
    chip.name = known.name if known else _hex(chip.jedec_id)
    chip.size = known.size if known else sfdp.size
    chip.aai = AutoIncrement if known and known.aai else None
    if sfdp:
        chip.page = sfdp.page
    if sfdp and sfdp.page_us:
        chip.page_max_us = sfdp.page_us[1]
    elif known and known.page_us:
        chip.page_max_us = known.page_us


def _take_erases(chip, known, sfdp):
    erases = []
    if known and known.erases:
        for (size, opcode), max_ms in zip(known.erases, known.erase_ms):
            erases.append((size, opcode, max_ms))
    else:
        for size, opcode, _, max_ms in sfdp.erases:
            erases.append((size, opcode, max_ms or SAFE_ERASE_MS.get(size, SAFE_LARGER_MS)))
    if chip.size > 0x1000000:
        erases = _widened(erases, known, sfdp)
    if not erases:
        raise FlashError("the flash %s has no erase command that can be used: add it to hal/nor_chips.py" % chip.name)
    chip.erases = tuple(erases)


def _widened(erases, known, sfdp):
    """Turn three-byte opcodes into four-byte ones: the four-byte mode would confuse a boot ROM after a reset."""
    opcodes = sfdp.four_byte if sfdp and sfdp.four_byte else (_WIDE_ERASE if known and known.four_byte else {})
    return [(size, opcodes[opcode], max_ms) for size, opcode, max_ms in erases if opcode in opcodes]


def _lift_protection(nor, link, known):
    if known and known.unlock:
        nor.enable_write()
        link.command(bytes((known.unlock,)))
        nor.started(_STATUS_MS)
        nor.wait()
    if not nor.status() & _PROTECTED:
        return
    if known and known.aai:
        link.command(_EWSR)
    else:
        nor.enable_write()
    link.command(_WRITE_STATUS, _NO_PROTECTION)
    nor.started(_STATUS_MS)
    nor.wait()
    if nor.status() & _PROTECTED:
        raise FlashError("the flash stays write-protected: check its write-protect pin")


class _SfdpReader:
    """Reads the tables: three address bytes and one dummy byte."""

    def __init__(self, link):
        self._link = link
        self._head = bytearray(5)

    def read(self, addr, into):
        """Fill `into` from the tables."""
        self._head[:] = bytes((0x5A, addr >> 16 & 0xFF, addr >> 8 & 0xFF, addr & 0xFF, 0))
        self._link.query(self._head, into)


def _hex(data):
    return " ".join(["%02x" % byte for byte in data])
