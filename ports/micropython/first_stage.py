"""The first stage of a MicroPython board: which bank runs, is it what was signed, and its file system mounted.

Small and never updated over the air. The watchdog runs before anything else, and nothing here ends: what is wrong with the board
is said and shown for ten minutes, in which it is tried again, then the board starts anew, which is no crash of its firmware.
What is wrong with a bank ends in an exception, which the launcher (boot.py) leaves to the watchdog: that is one.
"""

import binascii
import gc
import hashlib

from agent import bank_header, factory
from agent.compat import const
from agent.errors import AgentError, PackageError
from agent.p256 import verify
from agent.signature import load_json, open_jws
from agent.sizes import MAX_JWS
from board import chosen
from hal import first_stage
from hal.status_led import StatusLed
from ports.micropython.bank_mount import mount
from ports.micropython.small_port import SmallPort, arm

_PATIENCE_MS = const(600000)  # with hardware that does not answer; then the board starts again, which may help
_PAUSE_MS = const(5000)
_LONG_PAUSE_MS = const(60000)
_NAP_MS = const(20)
_PIECE = const(1024)


class FirstStage:
    """One start of a board."""

    def __init__(self):
        self._said = self._hardware = None
        self._port = SmallPort(*arm(chosen.WATCHDOG_MS))

    def run(self):
        """Return what the firmware is told; its bank is -1 where only serial recovery is left."""
        port = self._port
        self._wait_for_board()
        hardware = self._hardware
        bank = self._choose(hardware)
        self._say("bank %d cause %d" % (bank, port.cause))
        if bank >= 0:
            mount(hardware.banks[bank], chosen.IMAGE_KIND)
        port.feed()
        return {
            "bank": bank, "ran_before": hardware.boot.ran_before(), "cause": port.cause, "layout": hardware.layout,
            "watchdog": port.wdt, "watchdog_ms": port.timeout_ms, "led": chosen.LED,
        }  # fmt: skip

    def _choose(self, hardware):
        button = hardware.button
        held = bool(button and button())
        try:
            return first_stage.choose(hardware.boot, self._port.cause, hardware.crash_counter, self._check, held)
        except AgentError as e:  # of the chip: no bank is given up for it, and choosing twice could use up a trial
            self._say("fault %s" % e)
            self._wait(_LONG_PAUSE_MS)
            self._port.reboot()

    def _check(self, number):
        """Tell whether a bank is what its signed manifest says: the full test, of what matters here."""
        bank, text = self._hardware.banks[number], bytearray(MAX_JWS)
        size = bank_header.read_text(bank.header, text)
        try:
            facts = load_json(open_jws(memoryview(text)[:size], self._anchors, self._verify))
            size, digest, kind = facts["size"], binascii.unhexlify(facts["sha256"]), facts["kind"]
        except (PackageError, KeyError, TypeError, ValueError):
            return False
        return kind == chosen.IMAGE_KIND and 0 < size <= bank.image.size and self._matches(bank.image, size, digest)

    def _matches(self, image, size, digest):
        """Tell whether the image is the signed one; taken twice at most: a read may have been disturbed, not the cells."""
        piece = memoryview(bytearray(_PIECE))
        for _ in range(2):
            sha = hashlib.sha256()
            for at in range(0, size, _PIECE):
                part = piece[: size - at]
                image.read(at, part)
                sha.update(part)
                self._port.feed()
            if sha.digest() == digest:
                return True
        return False

    def _verify(self, key, digest, signature):
        return verify(key, digest, signature, self._port.feed)

    def _wait_for_board(self):
        """Wire it, again and again where it says no; give it another start where that does not help."""
        started = self._port.ms()
        while self._port.since(started) < _PATIENCE_MS:
            try:
                self._hardware = chosen.build(self._port)
                self._anchors = [(name, binascii.unhexlify(key)) for name, key in self._facts()["anchors"]]
                return
            except Exception as e:  # a board file is somebody's own, and a heap may be full
                text = "fault %s" % (e if isinstance(e, AgentError) else repr(e))
            gc.collect()
            if text != self._said:
                self._said = text
                self._say(text)
            self._wait(_PAUSE_MS)
        self._port.reboot()

    def _facts(self):
        facts = factory.read(self._hardware.factory)
        if facts is None:
            raise AgentError("never provisioned: use `fumo provision`")
        return facts

    def _say(self, text):
        """Say something on every line that there is."""
        print(text)
        uart = self._hardware and self._hardware.uart
        if uart:
            uart.write(text + "\r\n")

    def _wait(self, duration_ms):
        """Show that something is wrong for a while."""
        port = self._port
        led, started = self._led(), port.ms()
        while port.since(started) < duration_ms:
            if led:
                led.show("fault")
                led.step()
            port.feed()
            port.sleep_ms(_NAP_MS)

    def _led(self):
        """Return the LED, also of a board that could not be built."""
        if self._hardware:
            return self._hardware.led
        return StatusLed(self._port.pin_out(chosen.LED), self._port) if chosen.LED is not None else None


def start():
    """Begin; return what the launcher needs to go on."""
    return FirstStage().run()
