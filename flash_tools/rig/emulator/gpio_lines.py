"""The wires at the board's GPIO pins, seen and driven from outside, through QEMU's test channel (qtest).

An i.MX6 has seven GPIO blocks, counted from 1 in its manual and from 0 by Linux: gpiochip0 is GPIO1.
"""

import socket
import threading

from flash_tools.errors import SilentError, ToolError, UsageError

_CHIPS, _LINES = 7, 32
_BASE, _STEP = 0x0209C000, 0x4000  # where the blocks stand in memory; DR, GDIR, PSR are their first three registers
_DATA, _DIRECTION = 0, 4
_TIMEOUT_S = 10


class GpioLines:
    """Drives inputs and reads outputs of a running board, without any help from what runs on it."""

    def __init__(self, channel: socket.socket):
        self._channel, self._turn = channel, threading.Lock()
        channel.settimeout(_TIMEOUT_S)
        self._file = channel.makefile("rwb")

    def drive(self, chip: int, number: int, level: bool) -> None:
        """Put a level on a pin from outside; it stays until the next reset."""
        check(chip, number)
        self._ask("set_irq_in /machine/soc/gpio%d unnamed-gpio-in %d %d" % (chip + 1, number, bool(level)))

    def output(self, chip: int, number: int) -> bool | None:
        """Return the level that the board puts on a pin; None where the pin is an input."""
        check(chip, number)
        block = _BASE + chip * _STEP
        if not self._register(block + _DIRECTION) >> number & 1:
            return None
        return bool(self._register(block + _DATA) >> number & 1)

    def close(self) -> None:
        """Let go of the channel."""
        self._file.close()
        self._channel.close()

    def _register(self, address):
        return int(self._ask("readl 0x%x" % address).split()[1], 16)

    def _ask(self, order):
        with self._turn:
            try:
                self._file.write(order.encode() + b"\n")
                self._file.flush()
                answer = self._file.readline().decode().strip()
            except (OSError, ValueError):
                answer = ""
        if not answer:
            raise SilentError("the emulated board has no power")
        if not answer.startswith("OK"):
            raise ToolError("QEMU refused %s: %s" % (order, answer))
        return answer


def check(chip: int, number: int) -> None:
    """Raise a UsageError where there is no such pin."""
    if not (0 <= chip < _CHIPS and 0 <= number < _LINES):
        raise UsageError("gpiochip%d line %d is not there: this board has 7 chips of 32 lines" % (chip, number))
