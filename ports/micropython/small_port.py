"""What a board file needs of port.py while no firmware runs: the same methods, with nothing in them that only firmware needs.

The machine's own objects stand for our drivers where they can: a UART is only written to, an output only driven.
"""

import sys
import time

import machine

from agent.errors import FlashError
from ports.micropython.spi import SpiLink
from ports.micropython.system import find_scratch, restart, take_cause

_SHORTER = (16777, 10737, 8388, 5000, 1000)  # what is tried where a watchdog refuses what the board file wants


class SmallPort:
    """Port, Clock and Watchdog in one, over a watchdog that runs. `cause` is only asked for once in a start, and then handed on."""

    def __init__(self, wdt, timeout_ms, cause=-1):
        self.clock = self.watchdog = self
        self.wdt, self.timeout_ms = wdt, timeout_ms
        self.scratch = find_scratch(sys.platform, getattr(sys.implementation, "_machine", ""))
        self.cause = take_cause(self.scratch) if cause < 0 else cause

    # -- Watchdog and Clock -------------------------------------------------------------------------------------------

    def feed(self):
        """Start the watchdog's time-out again."""
        self.wdt.feed()

    def ms(self):
        """Return the milliseconds of a counter that wraps."""
        return time.ticks_ms()

    def since(self, then):
        """Return the milliseconds gone since `then`."""
        return time.ticks_diff(time.ticks_ms(), then)

    def sleep_ms(self, duration_ms):
        """Wait without feeding anything."""
        time.sleep_ms(duration_ms)

    # -- for board files ----------------------------------------------------------------------------------------------

    def spi(self, bus, hz, cs, **wires):
        """Return the SpiLink of a chip select; a bus of -1 is one in software."""
        made: dict = {name: machine.Pin(line) for name, line in wires.items()}
        spi = machine.SoftSPI(baudrate=hz, **made) if bus == -1 else machine.SPI(bus, baudrate=hz, **made)
        return SpiLink(spi, machine.Pin(cs, machine.Pin.OUT, value=1))

    def pin_out(self, line, value=0, active_low=False):
        """Return an output."""
        pin = machine.Pin(line, machine.Pin.OUT, value=value ^ active_low)
        return (lambda value: pin(1 - value)) if active_low else pin

    def pin_in(self, line, pull_up=True, active_low=False):
        """Return an input, active low where it is pulled up."""
        pin = machine.Pin(line, machine.Pin.IN, machine.Pin.PULL_UP if pull_up else machine.Pin.PULL_DOWN)
        return (lambda: 1 - pin()) if pull_up else pin

    def console(self, bus, baud=115200, **wires):
        """Return the owner's serial line, to be written to; None where it cannot be had, and where it is the prompt's."""
        try:
            made: dict = {name: machine.Pin(line) for name, line in wires.items()}
            return None if bus == "repl" else machine.UART(bus, baudrate=baud, **made)
        except (ValueError, TypeError, OSError):
            return None

    def i2c(self, bus, address, address_bytes=1, hz=400000, **wires):
        """Return the I2cLink of a part."""
        from ports.micropython.i2c import I2cLink

        made: dict = {name: machine.Pin(line) for name, line in wires.items()}
        return I2cLink(machine.I2C(bus, freq=hz, **made), address, address_bytes)

    def files(self, folder):
        """Return a folder of the internal file system."""
        from ports.micropython.folder import Folder

        return Folder(folder)

    def rom(self, part=0):
        """Return (device, mapped): a ROMFS partition as a block device and as memory."""
        from ports.micropython.rom_banks import partition

        return partition(part)

    def memory(self, addr, size):
        """Return a range of the processor's memory."""
        from uctypes import bytearray_at

        return memoryview(bytearray_at(addr, size))

    def log(self, text, *values):
        """Say something at the prompt."""
        print(text % values if values else text)

    def reboot(self):
        """Start the board again; the next start knows that this was wanted."""
        restart(self.scratch)


def arm(wanted_ms):
    """Return (the watchdog, which runs from now on, and the time-out that it took)."""
    for limit_ms in (wanted_ms,) + _SHORTER:
        try:
            if limit_ms <= wanted_ms:
                return machine.WDT(timeout=limit_ms), limit_ms
        except ValueError:
            pass  # it refuses so much
    raise FlashError("no watchdog")
