"""Brings a SPI NOR into a state that the driver can start from: what nor_identify.py and nor_small.py have in common.

Who is there is asked once the chip is done with what a reset may have interrupted.
"""

from agent.compat import const
from agent.errors import FlashError

SAFE_PAGE_US = const(5000)  # longest time for a page of tables without times (revision 1.0)
_END_AAI = b"\x04"
_READ_ID = b"\x9f"
_WRITE_STATUS = b"\x01"
_NO_PROTECTION = b"\x00"
_PROTECTED = const(0x1C)  # BP0 to BP2
_LONGEST_ERASE_MS = const(6000)
STATUS_MS = const(50)
_NOTHING = (b"\xff\xff\xff", b"\x00\x00\x00")


def read_id(nor, link):
    """Wait out what the chip may be doing since before a reset, then ask who it is; a stuck bus looks busy too."""
    found = _ask(link)
    if found in _NOTHING and nor.status() in (0xFF, 0x00):
        _check(found)
    nor.started(_LONGEST_ERASE_MS)
    nor.wait()
    link.command(_END_AAI)  # an old part may still be in auto-increment, in which it answers to little else
    return _check(_ask(link))


def _ask(link):
    found = bytearray(3)
    link.query(_READ_ID, found)
    return bytes(found)


def _check(found):
    if found in _NOTHING:
        raise FlashError("no flash answers (id %s): check wiring, chip select and supply" % hexed(found))
    return found


def lift_protection(nor, link, enable):
    """Let the chip be written, `enable` allows a write to its status; FlashError where it stays protected."""
    if nor.status() & _PROTECTED:
        enable()
        link.command(_WRITE_STATUS, _NO_PROTECTION)
        nor.started(STATUS_MS)
        nor.wait()
        if nor.status() & _PROTECTED:
            raise FlashError("the flash stays write-protected: check its write-protect pin")


def hexed(data):
    """Return bytes as people read them."""
    return " ".join(["%02x" % byte for byte in data])
