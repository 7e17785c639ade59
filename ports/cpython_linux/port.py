"""The Port of a Linux board: what board files and the agent are handed. Each driver is imported when a board asks for it."""

import os
import select
import sys
import time

from agent.errors import LinkError
from agent.reset import UNKNOWN

_LONGEST_MS = 500  # of one rest, so that a watchdog is fed and a signal is heard
_BUSY_MS = 5  # while something may be sent again
_WRONG_S = 60  # by so much a clock may differ, as certificates go


class LinuxPort:
    """`watchdog` is armed before a board is built; `log` takes a text and its arguments."""

    def __init__(self, clock, watchdog, log, net=None):
        self.clock, self.watchdog, self.log, self.net = clock, watchdog, log, net
        self.cause, self.version = UNKNOWN, ""
        self.leave = None  # what `reboot` calls
        self.enter_recovery = None

    # -- for board files ----------------------------------------------------------------------------------------------

    def spi(self, path, hz=10000000, mode=0):
        """Return the SpiLink of a chip select."""
        from ports.cpython_linux.spi import SpiLink

        return SpiLink(path, hz, mode)

    def mtd(self, name):
        """Return a flash that the kernel has, by its name."""
        from ports.cpython_linux.mtd import Mtd

        return Mtd(name, write=True)

    def block(self, path, **more):
        """Return a file, a partition or a block device as a flash."""
        from ports.cpython_linux.block import BlockFlash

        return BlockFlash(path, **more)

    @property
    def block_writer(self):
        """Return what writes an image into a bank that is a `block`."""
        from ports.cpython_linux.stretch_writer import StretchWriter

        return StretchWriter

    def boot_files(self, folder):
        """Return what a Raspberry Pi's boot control sees of the system; `folder` is where autoboot.txt is."""
        from ports.cpython_linux.boot_files import BootFiles

        return BootFiles(folder)

    def i2c(self, bus, address, address_bytes=1):
        """Return the I2cLink of a part."""
        from ports.cpython_linux.i2c import I2cLink

        return I2cLink(bus, address, address_bytes)

    def uart(self, path, baud=115200):
        """Return a serial line."""
        from ports.cpython_linux.uart import Uart

        return Uart(path, baud)

    def console(self, path, baud=115200):
        """Return the owner's serial line, None where it cannot be had: a board runs without."""
        try:
            return self.uart(path, baud)
        except LinkError as e:
            self.log("there is no serial console: %s", e)
            return None

    def pin_out(self, line, **more):
        """Return an output."""
        from ports.cpython_linux.gpio import OutputPin

        return OutputPin(line, **more)

    def pin_in(self, line, **more):
        """Return an input."""
        from ports.cpython_linux.gpio import InputPin

        return InputPin(line, **more)

    # -- for the agent ------------------------------------------------------------------------------------------------

    def random(self, below):
        """Return a number below `below`."""
        return int.from_bytes(os.urandom(8), "little") % below

    def random_bytes(self, size):
        """Return bytes that nobody foresees."""
        return os.urandom(size)

    def set_unix(self, seconds):
        """A time server has told the time: set the system's, which TLS goes by, where that is allowed and nothing else did."""
        if abs(time.time() - seconds) > _WRONG_S:
            try:
                time.clock_settime(time.CLOCK_REALTIME, seconds)
            except OSError:
                self.log("the system's time is wrong, and not for the agent to set: enable systemd-timesyncd")

    def reboot(self):
        """Start the board again."""
        self.leave()

    # -- for the main program -----------------------------------------------------------------------------------------

    def rest(self, most_ms, files=()):
        """Wait for so long at most; less where a connection, a datagram or one of `files` has something."""
        if most_ms <= 0:
            return
        open_now = self.net.open if self.net else ()
        if any(thing.pending for thing in open_now):
            return
        poll = select.poll()
        for thing in (*open_now, *files):
            poll.register(thing.fileno(), select.POLLIN)
        hurry = any(thing.hurry for thing in open_now)
        poll.poll(min(most_ms, _BUSY_MS if hurry else _LONGEST_MS))


def log_to_stderr(text, *arguments):
    """Say something in the service's log."""
    line = " ".join((text % arguments if arguments else text).split("\n"))
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody takes the log any more, which is no reason to end
