"""The memory of the clock chip as a few items, for boards without mem_backup."""

import machine

from ports.micropython.scratch import ITEMS


class RtcMemory:
    """It can only be read and written whole."""

    def __init__(self):
        self._memory = machine.RTC().memory

    def __getitem__(self, at):
        data = self._memory()
        return data[at] if at < len(data) else 0

    def __setitem__(self, at, value):
        data = bytearray(self._memory())
        if len(data) < ITEMS:
            data = bytearray(ITEMS)
        data[at] = value
        self._memory(data)
