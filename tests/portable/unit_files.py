"""Files for hal.flash_files, in memory and in littlefs over the simulated chip; both lose power where they are told to."""

from agent.errors import FlashError
from ports.sim.power import PowerCut

_EIO = -5


class Folder:
    """A file is replaced at once, as in littlefs; what is in `files` survives a cut."""

    def __init__(self, files, room=1 << 20):
        self.files = files
        self.room = room
        self.writes = 0
        self.cut_at = 0  # number of the write to cut at, 0 for none
        self.late = False  # the write is done before the power goes
        self.refuse = False  # the file system is full

    def read(self, name, offset, into):
        """Copy what there is."""
        piece = self.files.get(name, b"")[offset : offset + len(into)]
        into[: len(piece)] = piece
        return len(piece)

    def write(self, name, data):
        """Replace, or lose power before or after it."""
        if self.refuse:
            raise FlashError("the file system is full: remove files")
        self.writes += 1
        if self.writes == self.cut_at and not self.late:
            raise PowerCut()
        self.files[name] = bytes(data)
        if not len(data):
            del self.files[name]
        if self.writes == self.cut_at:
            raise PowerCut()

    def free(self):
        """Return what is left of the room."""
        return self.room - sum([(len(data) + 4095) // 4096 * 4096 for data in self.files.values()])


class Blocks:
    """MicroPython's block protocol over a simulated chip; from a power cut on nothing reaches the chip any more."""

    def __init__(self, nor):
        self._nor = nor
        self._dead = False  # files that were open are closed when their memory is needed, long after the cut

    def readblocks(self, block, into, offset=0):
        """Read."""
        if self._dead:
            return _EIO
        self._nor.read(block * 4096 + offset, into)

    def writeblocks(self, block, data, offset=0):
        """Program, a page at a time; the extended protocol never erases."""
        if self._dead:
            return _EIO
        view = memoryview(data)
        for start in range(0, len(data), 256):
            if self._do(self._nor.program, block * 4096 + offset + start, view[start : start + 256]):
                return _EIO

    def ioctl(self, op, argument):
        """Tell the size, erase."""
        if op == 4:
            return self._nor.size // 4096
        if op == 5:
            return 4096
        if op == 6:
            return self._do(self._nor.erase, argument * 4096, 4096)
        return 0

    def _do(self, action, addr, what):
        if self._dead:
            return _EIO
        try:
            action(addr, what)
        except BaseException:
            self._dead = True
            raise
        return 0
