"""What board files ask a port for, and what else is wanted of it rarely. Each driver is imported when a board asks for it."""

from agent.compat import const
from agent.errors import FlashError, LinkError
from ports.micropython.port import MicroPort

_WRONG_S = const(60)  # by so much a clock may differ, as certificates go


class Parts(MicroPort):
    """See port.py; nobody makes an object of it."""

    # -- for board files ----------------------------------------------------------------------------------------------

    def spi(self, bus, hz, cs, sck=None, mosi=None, miso=None):
        """Return the SpiLink of a chip select; a bus of -1 is one in software, on any three pins."""
        from machine import SPI, Pin, SoftSPI

        from ports.micropython.spi import SpiLink

        def make():
            wires = _pins(Pin, sck=sck, mosi=mosi, miso=miso)
            bus_of = SoftSPI(baudrate=hz, **wires) if bus == -1 else SPI(bus, baudrate=hz, **wires)
            return SpiLink(bus_of, Pin(cs, Pin.OUT, value=1))

        return _made(make, "SPI %s" % bus)

    def i2c(self, bus, address, address_bytes=1, hz=400000, **pins):
        """Return the I2cLink of a part; a bus of -1 is one in software, on the pins `scl` and `sda`."""
        from machine import I2C, Pin, SoftI2C

        from ports.micropython.i2c import I2cLink

        def make():
            wires = _pins(Pin, **pins)
            return SoftI2C(freq=hz, **wires) if bus == -1 else I2C(bus, freq=hz, **wires)

        return I2cLink(_made(make, "I2C %s" % bus), address, address_bytes)

    def uart(self, bus, baud=115200, rxbuf=1024, **pins):
        """Return a serial line, `tx` and `rx` its pins; "repl" is the one that the REPL has, USB on most boards."""
        if bus == "repl":
            from ports.micropython.repl_line import Repl

            return Repl()
        from machine import UART, Pin

        from ports.micropython.uart import Uart

        return Uart(_made(lambda: UART(bus, baudrate=baud, rxbuf=rxbuf, **_pins(Pin, **pins)), "UART %s" % bus))

    def console(self, bus, baud=115200, **pins):
        """Return the owner's serial line, None where it cannot be had: a board runs without."""
        try:
            return self.uart(bus, baud, **pins)
        except (FlashError, LinkError) as e:
            self.log("there is no serial console: %s", e)
            return None

    def pin_out(self, line, value=0, active_low=False):
        """Return an output, which has `value` from its first moment on."""
        from machine import Pin

        from ports.micropython.pin import OutputPin

        inverted, value = 1 if active_low else 0, 1 if value else 0
        return OutputPin(_made(lambda: Pin(line, Pin.OUT, value=value ^ inverted), "pin %s" % line), value, inverted)

    def pin_in(self, line, pull_up=True, active_low=False):
        """Return an input. One that is pulled up is active when low, as a button to ground is.

        `pull_up`: True pulls up, False down, None not at all; then `active_low` says which level is active.
        """
        from machine import Pin

        from ports.micropython.pin import InputPin

        inverted = active_low if pull_up is None else pull_up
        pull = () if pull_up is None else (Pin.PULL_UP if pull_up else Pin.PULL_DOWN,)
        return InputPin(_made(lambda: Pin(line, Pin.IN, *pull), "pin %s" % line), 1 if inverted else 0)

    def files(self, folder):
        """Return a folder of the internal file system, for banks that are files."""
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

    # -- for the agent ------------------------------------------------------------------------------------------------

    def set_unix(self, seconds):
        """A time server has told the time: set the clock chip, which TLS goes by, where it is wrong."""
        known = self.clock.unix()
        if known is None or abs(known - seconds) > _WRONG_S:
            from ports.micropython.clock_chip import set_clock

            set_clock(seconds, self._platform)

    def reboot(self):
        """Start the board again; the next start knows that this was wanted."""
        if self.leave:
            self.leave()
        from ports.micropython.system import restart

        restart(self.scratch)

    # -- for the main program -----------------------------------------------------------------------------------------

    def take_cause(self):
        """Read why the board started, once for each start; `cause` has it then."""
        from ports.micropython.system import take_cause

        self.cause = take_cause(self.scratch)
        return self.cause

    def unique_id(self):
        """Return the number that no other board has."""
        from ports.micropython.system import unique_id

        return unique_id()

    def network(self, facts, kind="wifi", **more):
        """Return the Network of the board, its `step` to be called again and again; `kind` is NETWORK of the board file.

        `more` goes to what brings it up: power_save and country of a WLAN, the pins of a wired one, what serial_net wants. A
        board file says it as ("wifi", {"country": "DE"}).
        """
        from ports.micropython.bring_up import make_network

        return make_network(self, facts, kind, more)


def _pins(kind, **numbers) -> dict:
    """Return those that are given, as the port wants them."""
    return {name: kind(number) for name, number in numbers.items() if number is not None}


def _made(make, name):
    try:
        return make()
    except (ValueError, TypeError, OSError) as e:
        raise FlashError("%s cannot be set up (%s): see the board's pinout" % (name, e))
