"""Flash of `make mem`'s device: a file, as it is a chip on a board, so that it costs no heap."""


class FileRegion:
    """Three erased sectors in a file, as much of a Flash as the journal asks for."""

    erase_units = ((4096, 1),)
    program_unit = 1

    def __init__(self, path, sectors):
        self.size = 4096 * sectors
        with open(path, "wb") as f:
            for _ in range(sectors * 16):
                f.write(b"\xff" * 256)
        self._file = open(path, "r+b")

    def read(self, addr, into):
        self._file.seek(addr)
        self._file.readinto(into)

    def program(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)

    def erase(self, addr, size):
        self._file.seek(addr)
        for _ in range(size // 256):
            self._file.write(b"\xff" * 256)

    def busy(self):
        return False
