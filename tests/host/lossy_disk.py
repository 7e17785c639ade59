"""A disk that forgets, in the place of `os` in ports/cpython_linux/block.py: what was not synced may be lost by a cut.

It counts writes, syncs and reads; at one of them the power goes: that write may have reached the disk in part, and of what
was written since the last sync of its file each 512 bytes are there or not. Nothing else of the machine is touched.
"""

import os

SECTOR = 512


class PowerCut(BaseException):
    """The power is gone."""


class LossyDisk:
    """`rng` decides what is lost; the operation with number `at` is the last one, None for none."""

    def __init__(self, rng, at=None):
        self.rng, self.left, self.operations = rng, at, 0
        self.paths, self.unsynced = {}, {}
        self.lost = 0

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, *words):
        fd = os.open(path, *words)
        self.paths[fd] = str(path)
        return fd

    def pwrite(self, fd, data, offset):
        data = bytes(data)
        path = self.paths[fd]
        with open(path, "rb") as file:
            file.seek(offset)
            before = file.read(len(data))
        if self._is_last():
            data = data[: self.rng.randrange(0, len(data) + 1, SECTOR)] if len(data) >= SECTOR else b""
            self._put(path, offset, data)
            self.unsynced.setdefault(path, []).append((offset, before[: len(data)]))
            self._cut()
        self.unsynced.setdefault(path, []).append((offset, before))
        self._put(path, offset, data)
        return len(data)

    def fdatasync(self, fd):
        if self._is_last():
            self._cut()
        os.fdatasync(fd)
        self.unsynced.pop(self.paths[fd], None)

    def preadv(self, fd, *words):
        if self._is_last():
            self._cut()
        return os.preadv(fd, *words)

    def _is_last(self):
        self.operations += 1
        if self.left is not None:
            self.left -= 1
        return self.left == 0

    def _cut(self):
        """Take back what was not synced: all, none, or any sectors, a file a time."""
        for path, writes in self.unsynced.items():
            keep = self.rng.choice((0.0, 0.5, 0.9))
            for offset, before in reversed(writes):
                for start in range(0, len(before), SECTOR):
                    if self.rng.random() >= keep:
                        self._put(path, offset + start, before[start : start + SECTOR])
                        self.lost += 1
        raise PowerCut

    @staticmethod
    def _put(path, offset, data):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)
