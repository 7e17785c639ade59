"""vfs.rom_ioctl of the fake board: rom.bin as a partition of settings["rom"] bytes, memory that operations 3 and 4 write.

The module `vfs` is put into sys.modules with everything that the real one has.
"""

import sys

import fake_state as state
import vfs

_LEAST, _UNIT, _EINVAL = 4096, 4, -22


class _Partition:
    def __init__(self, size):
        self._file = open(state.path("rom.bin"), "r+b", buffering=0)
        self._cells = bytearray(size)
        self._file.readinto(self._cells)
        self.memory = memoryview(self._cells)

    def put(self, start, data):
        self._cells[start : start + len(data)] = data
        self._file.seek(start)
        self._file.write(data)

    def write(self, start, data):
        if start % _UNIT or len(data) % _UNIT or start + len(data) > len(self._cells):
            return _EINVAL
        number = int.from_bytes(self.memory[start : start + len(data)], "big") & int.from_bytes(data, "big")
        self.put(start, number.to_bytes(len(data), "big"))
        return 0


class _Vfs:
    """The module."""

    def __init__(self, partition):
        self._partition = partition
        for name in dir(vfs):
            if not name.startswith("__"):
                setattr(self, name, getattr(vfs, name))

    def rom_ioctl(self, op, *arguments):
        """Do one of the six operations."""
        if op == 1:
            return 1
        if arguments[0] != 0:
            return _EINVAL
        if op == 2:
            return self._partition.memory
        if op == 3:
            start, size = arguments[1:] if len(arguments) == 3 else (0, arguments[1])
            for at in range(start, start + size, _LEAST):
                self._partition.put(at, b"\xff" * _LEAST)
            return _UNIT
        if op == 4:
            return self._partition.write(arguments[1], arguments[2])
        return _LEAST if op == 6 else 0


sys.modules["vfs"] = _Vfs(_Partition(state.settings["rom"]))
