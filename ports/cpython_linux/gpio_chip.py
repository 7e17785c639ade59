"""A pin factory for gpiozero over the kernel's own GPIO interface, because gpiozero's factories know Raspberry Pis only.

It speaks version 2 of the character device (Linux 5.10), which every board has whatever libgpiod or lgpio it has. A line
is called by its chip and number, "gpiochip1:17"; the chip's label does as well ("209c000.gpio:17") and does not move when
the kernel numbers the chips in another order. Only gpio.py imports this, and only when a line wants it.
"""

import errno
import fcntl
import os
import struct
import time
from collections import namedtuple

from gpiozero.exc import PinInvalidFunction, PinInvalidPin, PinInvalidPull, PinSetInput
from gpiozero.pins import Factory, Pin

GET_LINE, GET_VALUES, SET_VALUES, SET_CONFIG = 0xC250B407, 0xC010B40E, 0xC010B40F, 0xC110B40D
GET_INFO, GET_CHIP = 0xC100B405, 0x8044B401
CONSUMER = b"fumo-agent"
_INPUT, _OUTPUT = 1 << 2, 1 << 3
_PULLS = {"floating": 0, "up": 1 << 8, "down": 1 << 9}
_OUTPUT_VALUES = 2  # kind of the one attribute that a request may have here
_CONFIG = "=QI20xI4xQQ216x"  # flags, attributes, then the first attribute: kind, values, which lines
_REQUEST_FD = 588
Info = namedtuple("Info", "name")


class ChipFactory(Factory):
    """Lines of all chips of a board. `dev_root` and `ioctl` are arguments for tests."""

    def __init__(self, dev_root="/dev", ioctl=fcntl.ioctl):
        super().__init__()
        self.dev_root, self.ioctl = dev_root, ioctl

    def pin(self, name):
        """Return the pin; nothing is asked of the line before somebody wants to read or drive it."""
        chip, _, number = name.partition(":")
        if not number.isdigit():
            raise PinInvalidPin("%s is no line: write it as gpiochip1:17" % name)
        return ChipPin(self, name, self._path(chip), int(number))

    def ticks(self):
        """Return the time in seconds."""
        return time.monotonic()

    def ticks_diff(self, later, earlier):
        """Return the seconds between two times."""
        return later - earlier

    def find_pin(self, name):
        """Yield what gpiozero 2 reserves a line by."""
        yield None, Info(name)

    def _get_board_info(self):
        return self

    def _path(self, chip):
        path = os.path.join(self.dev_root, chip)
        if os.path.exists(path):
            return path
        chips = sorted(name for name in os.listdir(self.dev_root) if name.startswith("gpiochip"))
        for name in chips:
            if self._label(os.path.join(self.dev_root, name)) == chip.encode():
                return os.path.join(self.dev_root, name)
        raise FileNotFoundError(errno.ENOENT, "no such chip, there are: " + (", ".join(chips) or "none"), path)

    def _label(self, path):
        return bytes(self.ask(path, GET_CHIP, bytearray(68))[32:64]).rstrip(b"\0")

    def ask(self, path, request, data):
        """Make one request of a chip; return the answer, which is in `data`."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.ioctl(fd, request, data)
        finally:
            os.close(fd)
        return data


class ChipPin(Pin):
    """One line: requested when its direction is set first, let go of by `close`."""

    def __init__(self, factory, name, path, number):
        super().__init__()
        self.number = name  # gpiozero 1 releases a pin by this, gpiozero 2 by info.name
        self._factory, self._name, self._path, self._line = factory, name, path, number
        self._fd, self._function, self._pull = -1, "input", "floating"

    def __repr__(self):
        return self._name

    def close(self):
        """Let go of the line; most chips leave it as it is."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def output_with_state(self, state):
        """Make it an output that has this level from its first moment on."""
        self._configure("output", self._pull, state)

    def user(self):
        """Return who has the line, "" where nobody has."""
        info = bytearray(256)
        struct.pack_into("=I", info, 64, self._line)
        return bytes(self._factory.ask(self._path, GET_INFO, info)[32:64]).rstrip(b"\0").decode("ascii", "replace")

    def _configure(self, function, pull, state=False):
        flags = _OUTPUT if function == "output" else _INPUT | _PULLS[pull]
        values = (1, _OUTPUT_VALUES, 1 if state else 0, 1) if function == "output" else (0, 0, 0, 0)
        config = bytearray(struct.pack(_CONFIG, flags, *values))
        if self._fd < 0:
            self._fd = self._request(config)
        else:
            self._factory.ioctl(self._fd, SET_CONFIG, config)
        self._function, self._pull = function, pull

    def _request(self, config):
        request = struct.pack("=256s32s272sII20xi", struct.pack("=I", self._line), CONSUMER, bytes(config), 1, 0, -1)
        answer = self._factory.ask(self._path, GET_LINE, bytearray(request))
        return struct.unpack_from("=i", answer, _REQUEST_FD)[0]

    def _values(self, request, state=0):
        data = bytearray(struct.pack("=QQ", state, 1))
        self._factory.ioctl(self._fd, request, data)
        return struct.unpack_from("=Q", data)[0] & 1

    # -- what gpiozero's properties call ----------------------------------------------------------------------------------

    def _get_info(self):
        return Info(self._name)

    def _get_function(self):
        return self._function

    def _set_function(self, value):
        if value not in ("input", "output"):
            raise PinInvalidFunction("%s is input or output" % self._name)
        self._configure(value, self._pull, self._fd >= 0 and value == "output" and self._values(GET_VALUES))

    def _get_state(self):
        return self._values(GET_VALUES)

    def _set_state(self, value):
        if self._function == "input":
            raise PinSetInput("%s is an input" % self._name)
        self._values(SET_VALUES, 1 if value else 0)

    def _get_pull(self):
        return self._pull

    def _set_pull(self, value):
        if value not in _PULLS:
            raise PinInvalidPull("%s is pulled up, down or not at all" % self._name)
        self._configure(self._function, value, self._function == "output" and self._values(GET_VALUES))
