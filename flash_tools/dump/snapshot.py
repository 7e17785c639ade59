"""A flash as it was, to look at: nothing of this ever writes to it, and what cannot be read is told and shows as erased.

`Rehearsal` is a copy that can be written: the device's own code may do on it what it would do at its next start.
"""

from agent.errors import FlashError, LinkError

SECTOR = 4096
ERASED = b"\xff"


class Snapshot:
    """A Flash that is read once, sector by sector, when somebody asks; `unreadable` are the sectors that would not come."""

    page, program_unit, blocking, erase_units = 256, 1, True, ((SECTOR, 1),)

    def __init__(self, flash) -> None:
        self._flash, self._sectors = flash, {}
        self.size = -(-flash.size // SECTOR) * SECTOR
        self.unreadable: list[int] = []

    def read(self, addr: int, into) -> None:
        """Fill `into` from `addr` on; what lies outside reads as erased."""
        into[:] = self.bytes(addr, len(into))

    def bytes(self, addr: int, size: int) -> bytes:
        """Return a piece."""
        if not size:
            return b""
        first, last = addr // SECTOR, (addr + size - 1) // SECTOR
        cells = b"".join(self._sector(number) for number in range(first, last + 1))
        return cells[addr - first * SECTOR :][:size]

    def program(self, addr: int, data) -> None:
        """Nobody may."""
        raise FlashError("a snapshot is not written")

    def erase(self, addr: int, size: int) -> None:
        """Nobody may."""
        raise FlashError("a snapshot is not written")

    def busy(self) -> bool:
        """It rests."""
        return False

    def _sector(self, number):
        if number not in self._sectors:
            self._sectors[number] = self._load(number * SECTOR)
        return self._sectors[number]

    def _load(self, addr):
        cells = bytearray(ERASED * SECTOR)
        count = min(SECTOR, self._flash.size - addr)
        if count > 0:
            try:
                self._flash.read(addr, memoryview(cells)[:count])
            except (FlashError, LinkError):
                self.unreadable.append(addr)
                return ERASED * SECTOR
        return bytes(cells)


class Image:
    """Bytes as a flash: what a file of any size holds."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read(self, addr: int, into) -> None:
        """Fill `into`."""
        into[:] = self._data[addr : addr + len(into)]


class Rehearsal(Snapshot):
    """A snapshot over which the device's code may write; it lives in memory and is thrown away."""

    def program(self, addr: int, data) -> None:
        """Clear bits."""
        old = self.bytes(addr, len(data))
        self._put(addr, bytes(a & b for a, b in zip(old, data, strict=True)))

    def erase(self, addr: int, size: int) -> None:
        """Set bits."""
        self._put(addr, ERASED * size)

    def _put(self, addr, data):
        number, at = divmod(addr, SECTOR)
        if addr + len(data) > self.size or at + len(data) > SECTOR:
            raise FlashError("0x%x + %d cannot be written" % (addr, len(data)))
        cells = bytearray(self._sector(number))
        cells[at : at + len(data)] = data
        self._sectors[number] = bytes(cells)
