"""Serial recovery of a MicroPython board, in memory only where there is nothing else to run, or somebody asked for it.

Everything is wired anew, with the driver that knows every chip: the first stage, which is forgotten by now, had a smaller one.
After its time, or once a client wants that, the board starts again, which is no crash of any firmware.
"""

import machine

from agent import factory
from agent.compat import const
from agent.identity import make_identity
from agent.journal import Journal
from agent.p256 import verify
from agent.serial_install import SerialInstall
from board import chosen
from hal import recovery
from hal.watchdog import Feeder
from ports.micropython.repl_line import Repl
from ports.micropython.small_port import SmallPort
from ports.micropython.uart import Uart

_DURATION_MS = const(600000)
_NAP_MS = const(20)
_BUFFER = const(1024)
_PROGRESS = const(16384)


class _Port(SmallPort):
    """The same with a line that is listened to."""

    def console(self, bus, baud=115200, **wires):
        """Return the owner's serial line."""
        if bus == "repl":
            return Repl()
        made: dict = {name: machine.Pin(line) for name, line in wires.items()}
        return Uart(machine.UART(bus, baudrate=baud, rxbuf=_BUFFER, **made))


class Recovery:
    """One go; `facts` is what the first stage hands over."""

    def __init__(self, facts):
        self._port = port = _Port(facts["watchdog"], facts["watchdog_ms"], facts["cause"])
        self._feed, self._told = Feeder(port, port).feed, 0
        self._hardware = chosen.build(port)

    def run(self, duration_ms=_DURATION_MS):
        """Offer it for a while."""
        hardware = self._hardware
        print("recovery %d" % (duration_ms // 1000))
        facts = factory.read(hardware.factory)
        if hardware.uart and facts:
            self._speak(make_identity(facts, verify), duration_ms)
        else:
            self._wait(duration_ms)
        self._port.reboot()

    def _speak(self, identity, duration_ms):
        hardware = self._hardware
        target = SerialInstall(hardware, Journal(hardware.journal), identity, self._feed)
        target.told = self._tell
        if not target.start(self._port.cause):
            end = recovery.run(hardware.uart, self._port, self._feed, target, duration_ms, self._blink)
            print("recovery end", "reset" if end == recovery.RESET else "timeout")
            target.leave()

    def _tell(self, received, size):
        if received // _PROGRESS != self._told // _PROGRESS:
            print("recovery upload", received, "of", size)
        self._told = received

    def _blink(self, _):
        led = self._hardware.led
        if led:
            led.show("recovery")
            led.step()

    def _wait(self, duration_ms):
        """There is no line to recover over: show it, and try the banks again later."""
        clock = self._port
        started = clock.ms()
        while clock.since(started) < duration_ms:
            self._blink(0)
            self._feed()
            clock.sleep_ms(_NAP_MS)


def run(facts):
    """Offer recovery, then begin anew; what goes wrong is for the launcher, which rests for as long."""
    Recovery(facts).run()
