"""rp2.Flash of the fake board: what a Pico's own flash has for files, in internal.bin; settings["internal"] is its size."""

import os

import fake_state as state

_BLOCK = 4096
_PAGE = 256


def _opened():
    path, size = state.path("internal.bin"), state.settings["internal"]
    try:
        os.stat(path)
    except OSError:
        with open(path, "wb") as file:
            for _ in range(size // _BLOCK):
                file.write(b"\xff" * _BLOCK)
    return open(path, "r+b", buffering=0)


class Flash:
    """A block device of NOR flash; on a Pico it is memory, too, which a file cannot be."""

    def __init__(self, start=0, len=-1):
        self._size = state.settings["internal"] - start if len < 0 else len
        self._start, self._file = start, _opened()

    def readblocks(self, block, into, offset=0):
        """Read."""
        self._file.seek(self._at(block, offset))
        self._file.readinto(into)

    def writeblocks(self, block, data, offset=None):
        """Program whole pages; without an offset the blocks are erased first."""
        if offset is None:
            for number in range(len(data) // _BLOCK):
                self.ioctl(6, block + number)
        at = self._at(block, offset or 0)
        if at % _PAGE or len(data) % _PAGE:
            raise ValueError("a Pico's flash takes whole pages")
        before = bytearray(len(data))
        self._file.seek(at)
        self._file.readinto(before)
        number = int.from_bytes(before, "big") & int.from_bytes(data, "big")
        self._file.seek(at)
        self._file.write(number.to_bytes(len(data), "big"))

    def ioctl(self, op, argument):
        """Tell the geometry, or erase a block."""
        if op == 4:
            return self._size // _BLOCK
        if op == 5:
            return _BLOCK
        if op == 6:
            self._file.seek(self._at(argument, 0))
            self._file.write(b"\xff" * _BLOCK)
        return 0

    def _at(self, block, offset):
        at = block * _BLOCK + offset
        if not 0 <= at < self._size:
            raise ValueError("beyond the flash")
        return self._start + at
