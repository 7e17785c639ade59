"""A NOR flash that speaks SPI command bytes: the other end of a SpiLink, so that the driver is tested through transactions.

It does what silicon does, the unpleasant parts too: it wraps inside a page, ignores low address bits of an erase, answers
nothing but its status while it works, and powers up protected where the part does. Not modelled: suspend, dual and quad
lines, security registers, electrical noise beyond a stuck bit.
"""

from agent.compat import const

_BUSY = const(1)
_WEL = const(2)
_AAI_BIT = const(0x40)
_PROTECT = const(0x1C)
_SECTOR = const(4096)
_WIDE = {0x13: 0x03, 0x12: 0x02, 0x0C: 0x0B, 0x21: 0x20, 0x5C: 0x52, 0xDC: 0xD8}


class Part:
    """What a part is: facts for the model, times in microseconds."""

    def __init__(
        self, name, jedec_id, size, erases, page_us, byte_us, sfdp=b"", aai=False, protected=0, unlock=0, reset=False
    ):
        self.name = name
        self.jedec_id = jedec_id
        self.size = size
        self.erases = erases  # opcode -> (size, typ_us, max_us)
        self.page_us = page_us  # (typ, max)
        self.byte_us = byte_us  # (first, further)
        self.sfdp = sfdp
        self.aai = aai
        self.protected = protected  # block-protect bits after power-on
        self.unlock = unlock
        self.reset = reset


class SpiChip:
    """The chip, and the link to it."""

    max_query = 4092  # what a Linux spidev with its usual buffer leaves behind a head of four bytes

    def __init__(self, part, clock, hz=24000000):
        self.part = part
        self.clock = clock
        self._hz = hz
        self.sectors = {}
        self.worst = False
        self.fault = ""  # "ff", "00", "stuck" (busy for ever), "no-wel"
        self.wrap = 0
        self.transactions = 0
        self.power_cycle()

    def power_cycle(self):
        """Take the power away and bring it back: the cells stay."""
        self.registers = self.part.protected
        self.asleep = False
        self.in_aai = False
        self._aai_at = 0
        self._armed_reset = False
        self._busy_until = 0

    def interrupt(self, busy_us):
        """Let a reset of the board come while the chip works: it goes on by itself."""
        self._busy_until = self.clock.us + busy_us

    # -- SpiLink ------------------------------------------------------------------------------------------------------

    def command(self, head, data=None):
        """Take a command."""
        self._charge(len(head) + (len(data) if data else 0))
        self._command(bytes(head), bytes(data) if data else b"")

    def query(self, head, into):
        """Take a command and answer it."""
        if len(into) > self.max_query:
            raise ValueError("a transaction of %d bytes is more than the bus can do" % len(into))
        self._charge(len(head) + len(into))
        answer = self._answer(bytes(head), len(into))
        into[:] = answer

    # -- inside -------------------------------------------------------------------------------------------------------

    def _charge(self, count):
        self.transactions += 1
        self.clock.us += (count * 8000000 + self._hz - 1) // self._hz  # time must pass, or a poll would never end

    @property
    def _working(self):
        return self.fault == "stuck" or self.clock.us < self._busy_until

    def _answer(self, head, count):
        silent = self.fault in ("ff", "00") or (self.asleep and head[0] != 0xAB)
        if silent:
            return (b"\x00" if self.fault == "00" else b"\xff") * count
        if head[0] == 0x05:
            return bytes((self.registers | (_BUSY if self._working else 0) | (_AAI_BIT if self.in_aai else 0),)) * count
        if self._working or self.in_aai:
            return b"\xff" * count
        if head[0] == 0x9F:
            return (self.part.jedec_id + b"\xff" * count)[:count]
        if head[0] == 0x5A and self.part.sfdp:
            start = _address(head[1:4])
            return (self.part.sfdp[start : start + count] + b"\xff" * count)[:count]
        if head[0] == 0x03 or (head[0] == 0x13 and self.part.size > 0x1000000):
            return self._cells(_address(head[1:]), count)
        return b"\xff" * count

    def _command(self, head, data):
        opcode = head[0]
        if self.fault in ("ff", "00") or (self.asleep and opcode != 0xAB):
            return
        if opcode == 0xAB:
            self.asleep = False
        if self._working or (self.in_aai and opcode not in (0xAD, 0x04)):
            return
        reset = opcode == 0x99 and self._armed_reset
        self._armed_reset = opcode == 0x66
        if reset and self.part.reset:
            self.power_cycle()
        elif opcode == 0x06:
            self.registers |= 0 if self.fault == "no-wel" else _WEL
        elif opcode == 0x04:
            self.registers &= ~_WEL
            self.in_aai = False
        elif opcode == 0xB9:
            self.asleep = True
        elif opcode == 0x50:
            self.registers |= _WEL  # EWSR: for the status register only, which is all that is done with it here
        elif self.registers & _WEL:
            self._write(opcode, head, data)

    def _write(self, opcode, head, data):
        opcode = _WIDE.get(opcode, opcode) if len(head) == 5 else opcode
        if opcode == 0x01:
            self.registers = data[0] & _PROTECT
        elif opcode == self.part.unlock:
            self.registers = 0
        elif self.registers & _PROTECT:
            self.registers &= ~_WEL
        elif opcode == 0x02:
            self._page_program(_address(head[1:]), data[:1] if self.part.aai else data)
        elif opcode == 0xAD and self.part.aai:
            self._word(head, data)
        elif opcode in self.part.erases:
            self._erase(opcode, _address(head[1:]))

    def _page_program(self, addr, data):
        page, offset = addr & ~0xFF, addr & 0xFF
        for i, byte in enumerate(data[-256:]):
            self._clear(page | (offset + i) & 0xFF, byte)
        first, further = self.part.byte_us
        typ_us = min(self.part.page_us[0], first + further * (len(data) - 1))
        self._work(self.part.page_us[1] if self.worst else typ_us)

    def _word(self, head, data):
        if not self.in_aai:
            self.in_aai, self._aai_at = True, _address(head[1:])
        for byte in data[:2]:
            self._clear(self._aai_at, byte)
            self._aai_at += 1
        self._busy_until = self.clock.us + self.part.page_us[1]

    def _erase(self, opcode, addr):
        size, typ_us, max_us = self.part.erases[opcode]
        for sector in range(addr // size * size // _SECTOR, (addr // size * size + size) // _SECTOR):
            self.sectors[self._sector(sector)] = bytearray(b"\xff" * _SECTOR)
        self._work(max_us if self.worst else typ_us)

    def _work(self, duration_us):
        self._busy_until = self.clock.us + duration_us
        self.registers &= ~_WEL

    def _sector(self, sector):
        return sector % (self.wrap // _SECTOR) if self.wrap else sector

    def _clear(self, addr, byte):
        sector = self._sector(addr // _SECTOR)
        if sector not in self.sectors:
            self.sectors[sector] = bytearray(b"\xff" * _SECTOR)
        self.sectors[sector][addr % _SECTOR] &= byte

    def _cells(self, addr, count):
        out = bytearray(b"\xff" * count)
        done = 0
        while done < count:
            at = (addr + done) % self.part.size
            piece = min(count - done, _SECTOR - at % _SECTOR)
            cells = self.sectors.get(self._sector(at // _SECTOR))
            if cells:
                out[done : done + piece] = cells[at % _SECTOR : at % _SECTOR + piece]
            done += piece
        return out


def _address(data):
    addr = 0
    for byte in data:
        addr = addr << 8 | byte
    return addr
