"""A SPI NOR flash behind a SpiLink: the Flash contract for real chips, with a deadline on every wait.

`program` and `erase` only start; whatever comes next waits first, feeding the watchdog, up to the chip's own maximum. What a
chip is and how long it takes, nor_identify.py has found out; word-by-word programming of old parts is in nor_aai.py.
"""

from agent.compat import const
from agent.errors import FlashError

_WREN = b"\x06"
_READ_STATUS = b"\x05"
_BUSY = const(1)
_WEL = const(2)
_BOTH = const(3)
_NAP_MS = const(2)  # below that a wait is polled without a pause


class NorSpi:
    """One chip; made at start, which also wakes it, waits for what it may still be doing, and lifts its protection.

    What is set by nor_identify.py: name, jedec_id, size, page, page_ms, erases, erase_units, the heads of commands, aai.
    """

    blocking = False
    program_unit = 1

    def __init__(self, link, clock, feed, jedec_id=None, part=None):
        from hal.nor_identify import identify

        self._link = link
        self._clock = clock
        self._feed = feed
        self._status = bytearray(1)
        self._limit_ms = 0
        self._since_ms = None
        self._working = False
        self._quick = True  # it has never been seen working on a page
        identify(self, link, clock, jedec_id, part)

    def read(self, addr, into):
        """Fill `into`, in pieces where the link has a limit: each piece is a transaction with its own address."""
        self._check(addr, len(into))
        if self._working:
            self.wait()
        link, head = self._link, self.read_head
        most = link.max_query
        if len(into) <= most:
            self._address(head, addr)
            link.query(head, into)
            return
        view = memoryview(into)
        for start in range(0, len(into), most):
            self._address(head, addr + start)
            link.query(head, view[start : start + most])

    def program(self, addr, data):
        """Start to program within one page.

        A chip at work does not hear a write enable, and its status then says so: so that is sent without asking first, which
        saves a transaction a page where chips are done before the next command. Others are asked first from then on.
        """
        size = len(data)
        if addr < 0 or addr + size > self.size:
            self._check(addr, size)
        if not size or addr % self.page + size > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (size, addr))
        if self.aai:
            self.wait()
            self.aai.program(addr, data)
            return
        link, status, head = self._link, self._status, self.page_head
        if self._working and not self._quick:
            link.query(_READ_STATUS, status)
            if status[0] & _BUSY:
                self.wait()
        link.command(_WREN)
        link.query(_READ_STATUS, status)
        if status[0] & _BOTH != _WEL:
            self._quick = False
            self.wait()
            self.enable_write()
        head[-3] = addr >> 16 & 0xFF
        head[-2] = addr >> 8 & 0xFF
        head[-1] = addr & 0xFF
        if len(head) > 4:
            head[1] = addr >> 24
        link.command(head, data)
        self._limit_ms = self.page_ms
        self._since_ms = None
        self._working = True

    def erase(self, addr, size):
        """Start to erase one unit."""
        self._check(addr, size)
        for unit, opcode, max_ms in self.erases:
            if unit == size and addr % size == 0:
                self.wait()
                self.enable_write()
                head = self.erase_head
                head[0] = opcode
                self._address(head, addr)
                self._link.command(head)
                self.started(max_ms)
                return
        raise FlashError("the chip cannot erase %d bytes at 0x%x at once" % (size, addr))

    def busy(self):
        """Ask the chip; raise FlashError once it takes longer than it may."""
        if not self._working:
            return False
        late = self._since_ms is not None and self._clock.since(self._since_ms) > self._limit_ms
        # The clock first, then the chip: a pause between the two, for a collection of garbage say, must not look like a busy chip.
        self._link.query(_READ_STATUS, self._status)
        if not self._status[0] & _BUSY:
            self._working = False
            return False
        if late:
            raise FlashError("the flash is still busy after %d ms: check its supply" % self._limit_ms)
        if self._since_ms is None:
            self._since_ms = self._clock.ms()
        return True

    # -- for the files beside this one --------------------------------------------------------------------------------

    def wait(self):
        """Wait until the chip is idle."""
        while self.busy():
            self._feed()
            if self._clock.since(self._since_ms) >= _NAP_MS:
                self._clock.sleep_ms(1)

    def started(self, limit_ms):
        """Remember that the chip works now, and for how long it may, counted from the first look at it."""
        self._limit_ms = limit_ms
        self._since_ms = None
        self._working = True

    def status(self):
        """Return the chip's status register."""
        self._link.query(_READ_STATUS, self._status)
        return self._status[0]

    def enable_write(self):
        """Allow the next program or erase; a chip that does not take it must not be believed."""
        self._link.command(_WREN)
        self._link.query(_READ_STATUS, self._status)
        if not self._status[0] & _WEL:
            raise FlashError("the flash refuses to be written: check its write-protect pin and its supply")

    def command(self, head, data=None):
        """Send a command as it is."""
        self._link.command(head, data)

    def _address(self, head, addr):
        if len(head) > 4:
            head[1] = addr >> 24
        head[-3], head[-2], head[-1] = addr >> 16 & 0xFF, addr >> 8 & 0xFF, addr & 0xFF

    def _check(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside the flash of %d bytes" % (addr, size, self.size))
