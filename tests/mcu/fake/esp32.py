"""The module `esp32` of the fake board: partitions in one file, and its bootloader, which has run when this is imported.

esp32.bin in the folder is the flash; settings["partitions"] is [[type, subtype, address, size, label, encrypted], ...]. What
otadata means is in tests/portable/esp32_model.py; settings["rollback"] false is a build that cannot go back.
"""

import fake_state as state
from fake_chip import borrow

_SECTOR = 4096


class _FileFlash:
    """The cells: what is programmed clears bits."""

    def __init__(self, path):
        self._file = open(path, "r+b", buffering=0)

    def read(self, addr, into):
        """Fill `into`."""
        self._file.seek(addr)
        if self._file.readinto(into) != len(into):
            raise OSError(5, "esp32.bin is shorter than its partitions")

    def program(self, addr, data):
        """Clear bits."""
        cells = bytearray(len(data))
        self.read(addr, cells)
        self._put(addr, bytes([old & new for old, new in zip(cells, bytes(data))]))

    def erase(self, addr, size):
        """Set all bits."""
        for at in range(addr, addr + size, _SECTOR):
            self._put(at, b"\xff" * _SECTOR)

    def _put(self, addr, data):
        self._file.seek(addr)
        self._file.write(data)


class _NoFlash:
    """A board without partitions."""


def _board():
    rows = [
        (label, kind, subtype, at, size) + ((True,) if secret else ())
        for kind, subtype, at, size, label, secret in state.settings.get("partitions", ())
    ]
    flash = _FileFlash(state.path("esp32.bin")) if rows else _NoFlash()
    esp = borrow("tests.portable.esp32_model").Esp(flash, tuple(rows), state.settings.get("rollback", True))
    if esp.otadata and esp.slots:
        esp.start()
    return esp


Partition = _board().Partition
