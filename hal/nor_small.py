"""The driver of nor_spi.py as far as a first stage needs it, which has no room for lists, tables and fast programming.

For parts of up to 16 MiB whose id ends in the logarithm of their size, as most do since the W25X, that the board file names by that
id. They are woken, waited for, reset and unlocked as there; their tables are asked for the size alone, against clones.
"""

from agent.compat import const
from agent.errors import FlashError
from hal.nor_wake import hexed, lift_protection, read_id

_LONGEST_MS = const(6000)  # of anything that the chip may be busy with


class NorSpi:
    """One chip: reads, pages, and the erase of a sector. Every wait has an end and feeds.

    The chip is asked before each read whether it is busy: the firmware in the bank has a driver of its own, which may have begun an
    erase when a module is imported through this one.
    """

    blocking, program_unit, page = False, 1, 256
    erase_units = ((4096, 900),)

    def __init__(self, link, clock, feed, jedec_id=None, part=None):
        self._link, self._clock, self._feed = link, clock, feed
        self._status, self._head = bytearray(1), bytearray(4)
        link.command(b"\xab")
        clock.sleep_ms(1)
        found = read_id(self, link)
        self.size = 1 << found[2] if 16 <= found[2] <= 24 else 0
        if found != jedec_id or not self.size or self._told_size() not in (0, self.size):
            raise FlashError("the flash %s is not the one of the board file, or a clone" % hexed(found))
        link.command(b"\x66")
        link.command(b"\x99")
        clock.sleep_ms(1)
        lift_protection(self, link, self.enable_write)

    def read(self, addr, into):
        """Fill `into`."""
        self.wait()
        self._link.query(self._at(0x03, addr), into)

    def program(self, addr, data):
        """Start to program within one page."""
        self._write(0x02, addr, data)

    def erase(self, addr, size):
        """Start to erase a sector."""
        self._write(0x20, addr)

    def busy(self):
        """Ask the chip."""
        return self.status() & 1

    # -- for nor_wake.py ----------------------------------------------------------------------------------------------

    def wait(self):
        """Wait until the chip is idle."""
        since = self._clock.ms()
        while self.busy():
            self._feed()
            self._clock.sleep_ms(1)
            if self._clock.since(since) > _LONGEST_MS:
                raise FlashError("the flash stays busy: check its supply")

    def started(self, limit_ms):
        """The chip may be busy: each call finds that out by itself."""

    def status(self):
        """Return the chip's status register."""
        self._link.query(b"\x05", self._status)
        return self._status[0]

    def enable_write(self):
        """Allow the next program or erase; a chip that does not take it must not be believed."""
        self._link.command(b"\x06")
        if not self.status() & 2:
            raise FlashError("the flash refuses to be written: check its supply")

    def _write(self, opcode, addr, data=None):
        self.wait()
        self.enable_write()
        self._link.command(self._at(opcode, addr), data)

    def _at(self, opcode, addr):
        head = self._head
        head[0], head[1], head[2], head[3] = opcode, addr >> 16, addr >> 8 & 0xFF, addr & 0xFF
        return head

    def _told_size(self):
        """Return the size in the chip's own tables, 0 where it has none."""
        table = bytearray(16)
        self._link.query(b"\x5a\x00\x00\x00\x00", table)
        if table[:4] != b"SFDP":
            return 0
        self._link.query(bytes((0x5A, table[14], table[13], table[12] & 0xFC, 0)), table)
        return ((table[7] << 24 | table[6] << 16 | table[5] << 8 | table[4]) + 1) // 8
