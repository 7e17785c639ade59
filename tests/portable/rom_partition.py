"""What firmware has for ROMFS, by `vfs.rom_ioctl`, in the ways that ports do it."""


class Nor:
    """Cells in memory, which refuse what silicon would not do."""

    def __init__(self, size, block=4096):
        self.cells = bytearray(size)
        for at in range(0, size, block):
            self.cells[at : at + block] = b"\xff" * block
        self.block = block
        self.erases = self.writes = 0

    def erase(self, addr, size):
        """Make a part blank."""
        assert addr % self.block == 0 and size % self.block == 0
        self.cells[addr : addr + size] = b"\xff" * size
        self.erases += 1

    def write(self, addr, data, least):
        """Clear bits."""
        assert addr % least == 0 and len(data) % least == 0 and addr + len(data) <= len(self.cells)
        for i in range(len(data)):
            self.cells[addr + i] &= data[i]
        self.writes += 1


class Device:
    """rp2.Flash: a block device; the port's is memory too, here `mapped` is."""

    def __init__(self, nor):
        self._nor = nor
        self.wrong = None  # what every call answers, or raises

    def readblocks(self, block, into, offset=0):
        """Read."""
        start = block * self._nor.block + offset
        into[:] = self._nor.cells[start : start + len(into)]
        return self._answer()

    def writeblocks(self, block, data, offset):
        """Program whole pages."""
        self._nor.write(block * self._nor.block + offset, data, 256)
        return self._answer()

    def ioctl(self, request, argument):
        """Tell the size, or erase."""
        if request == 4:
            return len(self._nor.cells) // self._nor.block
        if request == 5:
            return self._nor.block
        self._nor.erase(argument * self._nor.block, self._nor.block)
        return self._answer() or 0

    def _answer(self):
        if isinstance(self.wrong, OSError):
            raise self.wrong
        return self.wrong


class Port:
    """The module `vfs` of a port that has no more than memory; `least` is what operation 6 tells, None where it is unknown."""

    def __init__(self, nors, least=4096, unit=4, completes=True):
        self.nors, self.least, self.unit, self.completes = nors, least, unit, completes
        self.calls = []
        self.refuse = False

    def rom_ioctl(self, op, *arguments):
        """Do one of the six operations."""
        self.calls.append(op)
        if op == 1:
            return len(self.nors)
        number, rest = arguments[0], arguments[1:]
        nor = self.nors[number]
        if op == 2:
            return memoryview(nor.cells)
        if op == 3 and not self.refuse:
            start, size = rest if len(rest) == 2 else (0, rest[0])
            if len(rest) == 2 and self.least is None:
                return -22
            nor.erase(start, size)
            return self.unit
        if op == 4 and not self.refuse:
            nor.write(rest[0], rest[1], self.unit)
            return 0
        if op == 5 and self.completes:
            return 0
        if op == 6 and self.least is not None:
            return self.least
        return -22
