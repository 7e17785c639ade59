"""Chips that do not say enough of themselves, or say it wrong: by JEDEC id, what the driver goes by instead.

Times are generous ones for time-outs; they make nothing slower, since the driver polls.
"""

from agent.compat import const
from hal.nor_wake import SAFE_PAGE_US

K = const(1024)
# Safe limits for tables without times (revision 1.0): milliseconds by erase size
SAFE_ERASE_MS = {4096: 400, 32768: 1600, 65536: 3000}
SAFE_LARGER_MS = const(6000)

_4K_32K_64K = ((4096, 0x20), (32768, 0x52), (65536, 0xD8))


class Chip:
    """An entry of the table; None means: as the chip's own table says."""

    def __init__(self, name, size, erases=None, erase_ms=None, page_us=None, aai=False, unlock=0, four_byte=False):
        self.name = name
        self.size = size
        self.erases = erases  # ((size, opcode), ...)
        self.erase_ms = erase_ms  # most, for each of `erases`
        self.page_us = page_us  # most
        self.aai = aai  # programs bytes and words, has no page program
        self.unlock = unlock  # opcode that lifts the protection the chip has after power-on
        self.four_byte = four_byte  # takes the usual four-byte opcodes though it has no table of them


_SST_MS = (25, 25, 25)
CHIPS = {
    b"\xbf\x25\x41": Chip("SST25VF016B", 2048 * K, _4K_32K_64K, _SST_MS, 10, aai=True),
    b"\xbf\x25\x8d": Chip("SST25VF040B", 512 * K, _4K_32K_64K, _SST_MS, 10, aai=True),
    b"\xbf\x26\x41": Chip("SST26VF016B", 2048 * K, ((4096, 0x20),), (25,), 1500, unlock=0x98),
    b"\xbf\x26\x42": Chip("SST26VF032B", 4096 * K, ((4096, 0x20),), (25,), 1500, unlock=0x98),
    # Revision 1.0 tables without times, or none at all
    b"\xc8\x40\x13": Chip("GD25Q40", 512 * K, _4K_32K_64K, (300, 800, 1200), 2400),
    b"\xc8\x40\x16": Chip("GD25Q32", 4096 * K, _4K_32K_64K, (300, 1200, 2000), 2400),
    b"\xc8\x40\x17": Chip("GD25Q64", 8192 * K, _4K_32K_64K, (400, 1200, 2000), 4000),
    b"\xef\x30\x13": Chip("W25X40", 512 * K, _4K_32K_64K, (400, 800, 1000), 3000),
    b"\xc2\x20\x13": Chip("MX25L4006E", 512 * K, ((4096, 0x20), (65536, 0xD8)), (300, 2000), 5000),
    # The id alone: guards against clones that answer with it and hold less
    b"\xef\x40\x15": Chip("W25Q16", 2048 * K),
    b"\xef\x40\x17": Chip("W25Q64", 8192 * K),
    b"\xef\x40\x18": Chip("W25Q128", 16384 * K),
    b"\xef\x40\x19": Chip("W25Q256", 32768 * K, four_byte=True),
    b"\xc2\x20\x18": Chip("MX25L128", 16384 * K),
    b"\xc2\x28\x17": Chip("MX25R6435F", 8192 * K),
    b"\x9d\x70\x19": Chip("IS25WP256", 32768 * K, four_byte=True),
    b"\x20\xba\x18": Chip("MT25QL128", 16384 * K),
}
# Parts that only a board file can tell from others of the same id: by name, the id and what to go by
PARTS = {
    # QEMU's model of the SST25VF016B takes pages, which the silicon does not; it is never busy
    "sst25vf016b-qemu": (b"\xbf\x25\x41", Chip("SST25VF016B-QEMU", 2048 * K, _4K_32K_64K, _SST_MS, SAFE_PAGE_US)),
}
