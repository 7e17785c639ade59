"""Flash of the devices of `make mem`: a file, as it is a chip on a board, so that its cells cost no heap."""


class Flash:
    """A chip whose cells are a file that is there."""

    page = 256
    program_unit = 1
    blocking = True
    erase_units = ((4096, 1), (65536, 1))

    def __init__(self, path, size):
        self.size = size
        self._file = open(path, "r+b")

    def read(self, addr, into):
        self._file.seek(addr)
        self._file.readinto(into)

    def program(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)

    def erase(self, addr, size):
        for start in range(addr, addr + size, 256):
            self.program(start, b"\xff" * 256)

    def busy(self):
        return False


def blank_flash(path, sectors):
    """Return a chip of so many erased sectors, its file made anew."""
    with open(path, "wb") as f:
        for _ in range(sectors * 16):
            f.write(b"\xff" * 256)
    return Flash(path, 4096 * sectors)
