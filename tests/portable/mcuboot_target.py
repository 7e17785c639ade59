"""A microcontroller with MCUboot, in virtual time: two slots, swaps, reverts, image_ok, firmware that answers to SMP or not.

Its second slot lies on a simulated NOR. A swap takes its time, goes on behind a reset or a power cut where it was (that is
MCUboot's own affair), and while one is under way, or could come by a reset, nobody else may write the slot: the flash's guard.
What firmware does is told by its hash: "good" answers and confirms itself, "manual" waits for somebody to confirm it, "silent"
does neither, "crash" ends in a reset, "answers" never confirms itself and refuses to be, "late" confirms itself and is gone before.
"""

import hashlib
import struct

from hal import cbor
from hal.mcuboot_image import image_hash
from hal.region import Region
from hal.smp_frame import Receiver, send
from ports.sim.power import Violation

BOOT_MS, CONFIRM_MS, CRASH_MS = 300, 1500, 700
_MAGIC = b"\x77\xc2\x95\xf3\x60\xd2\xef\x7f\x35\x52\x50\x0f\x2c\xb6\x79\x80"
_ERASED = b"\xff" * 16


def make_image(payload, header=32):
    """Return an MCUboot image with its SHA-256, without a signature."""
    head = struct.pack("<IIHHIIBBHII", 0x96F3B83D, 0, header, 0, len(payload), 0, 1, 0, 0, 0, 0)
    body = head + bytes(header - len(head)) + payload
    return body + struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + hashlib.sha256(body).digest()


def hash_of(image):
    """Return what the target calls the image."""
    return bytes(image[-32:])


class Target:
    """Primary slot inside, secondary slot at `start` of `flash`; `behaviours` says by hash what an image does."""

    def __init__(self, clock, flash, start, size, image, behaviours, swap_ms=2000):
        self.clock, self.flash, self.start, self.size = clock, flash, start, size
        self.primary, self.behaviours, self.swap_ms = bytes(image), behaviours, swap_ms
        self.copy_done, self.image_ok = False, True
        self.held = False
        self.powered = True
        self.swap = None  # (kind, milliseconds left)
        self.swaps = self.resets = 0
        self._up_ms = clock.ms()  # when MCUboot was started
        self._sequence = b""
        self._out = b""
        self._receiver = Receiver(512, self._heard)
        self._line_ok = True  # the reset line is wired

    # -- the wires ----------------------------------------------------------------------------------------------------

    def pin(self, value):
        """Hold the target in its reset, or let it go."""
        self.catch_up()
        if value and not self.held:
            self._stop()
        elif not value and self.held:
            self._start()
        self.held = bool(value)

    def power(self, on):
        """Give or take power."""
        self.catch_up()
        if self.powered and not on:
            self._stop()
        self.powered = on
        if on and not self.held:
            self._start()

    def confirmed_line(self):
        """Return 1 while what runs is confirmed."""
        self.catch_up()
        return int(self._runs() and self.image_ok)

    def read_into(self, into):
        """Give what the target says."""
        self.catch_up()
        count = min(len(into), len(self._out))
        into[:count] = self._out[:count]
        self._out = self._out[count:]
        return count

    def write(self, data):
        """Hear."""
        self.catch_up()
        if self._runs() and self._behaviour() != "silent":
            self._receiver.feed(data)

    # -- time ---------------------------------------------------------------------------------------------------------

    def catch_up(self):
        """Do what has happened since somebody looked last."""
        for _ in range(20):
            if self.held or not self.powered or not self._step():
                break
        self._protect()

    def _step(self):
        """Do the next thing that is due; tell whether there was one."""
        gone_ms = self.clock.ms() - self._up_ms
        if self.swap:
            if gone_ms < self.swap[1]:
                return False
            self._up_ms += self.swap[1]
            self._finish_swap()
            return True
        if not self._runs() or self.image_ok:
            return False
        behaviour = self._behaviour()
        if behaviour == "good" and gone_ms >= BOOT_MS + CONFIRM_MS:
            self.image_ok = True
            return True
        if behaviour in ("crash", "late") and gone_ms >= BOOT_MS + CRASH_MS:
            self._up_ms += BOOT_MS + CRASH_MS
            self._decide()
            return True
        return False

    def _runs(self):
        return self.powered and not self.held and not self.swap and self.clock.ms() - self._up_ms >= BOOT_MS

    def _behaviour(self):
        return self.behaviours.get(hash_of(self.primary), "good")

    def _stop(self):
        if self.swap and not self.held:
            kind, left_ms = self.swap
            self.swap = kind, max(0, left_ms - (self.clock.ms() - self._up_ms))
        self._out = b""

    def _start(self):
        self.resets += 1
        self._up_ms = self.clock.ms()
        if not self.swap:
            self._decide()

    # -- MCUboot ------------------------------------------------------------------------------------------------------

    def request(self):
        """Return what the slot's trailer asks for: "none", "test", "permanent" or "bad"."""
        magic, flag = bytearray(16), bytearray(1)
        self.flash.copy(self.start + self.size - 16, magic)
        self.flash.copy(self.start + self.size - 24, flag)
        if magic == _ERASED:
            return "none"
        if magic != _MAGIC:
            return "bad"
        return "test" if flag == b"\xff" else "permanent" if flag == b"\x01" else "bad"

    def _decide(self):
        wanted = self.request()
        if wanted in ("none", "bad"):
            wanted = "revert" if self.copy_done and not self.image_ok else None
        if wanted and not image_hash(_Cells(self.flash, self.start), self.size, _nobody):
            if wanted == "revert":
                raise Violation("the target had to go back, and its slot holds no image any more")
            self._write_slot(b"\xff" * 4096, True)
            wanted = None
        if wanted:
            self.swap = wanted, self.swap_ms
            self.swaps += 1

    def _finish_swap(self):
        kind, _ = self.swap
        self.swap = None
        other = bytearray(self.size - 4096)
        self.flash.copy(self.start, other)
        size = _whole(other)
        self._write_slot(self.primary, True)
        self.primary = bytes(other[:size])
        self.copy_done, self.image_ok = True, kind != "test"

    def _write_slot(self, data, trailer):
        pages = (max(len(data), 64 * 1024) + 255) // 256
        for page in range(pages):
            self.flash.pages.pop(self.start // 256 + page, None)
        self.flash.load(self.start, data)
        if trailer:
            for page in range(self.size // 256 - 16, self.size // 256):
                self.flash.pages.pop(self.start // 256 + page, None)

    def _protect(self):
        """Nobody may write the slot during a swap, nor while a reset would bring back what is in it."""
        closed = self.swap or self.copy_done and not self.image_ok
        self.flash.guard = ((self.start, self.start + self.size),) if closed else ()

    # -- SMP ----------------------------------------------------------------------------------------------------------

    def _heard(self, message):
        fields = cbor.read(message[8:])
        if message[5] != 1 or message[7] != 0:
            return
        if message[0] & 7 == 2 and fields.get("confirm") and self._behaviour() != "answers":
            if "hash" in fields:
                raise Violation("confirmed by a hash, which a target that went back takes for another order")
            self.image_ok = True
        self._say(message, {"images": self._images()})

    def _images(self):
        entry = {"image": 0, "slot": 0, "version": "1.0.0", "hash": hash_of(self.primary), "bootable": True}
        entry["active"], entry["confirmed"], entry["pending"] = True, self.image_ok, False
        other = image_hash(_Cells(self.flash, self.start), self.size, _nobody)
        if not other:
            return [entry]
        second = {
            "image": 0,
            "slot": 1,
            "version": "1.0.0",
            "hash": other,
            "confirmed": not self.image_ok,
            "active": False,
        }
        return [second, entry]

    def _say(self, message, fields):
        answer = bytearray(1024)
        end = cbor.write(fields, memoryview(answer), 8)
        size = end - 8
        answer[:8] = bytes((message[0] & 7 | 1, 0, size >> 8, size & 255, 0, 1, message[6], 0))
        parts = [b"uart:~$ log line\r\n"]
        send(lambda line: parts.append(bytes(line)), memoryview(answer)[:end])
        self._out += b"".join(parts)


class _Cells:
    """The cells as MCUboot sees them: no time, no faults."""

    def __init__(self, flash, start):
        self._flash, self._start = flash, start

    def read(self, addr, into):
        """Copy."""
        self._flash.copy(self._start + addr, into)


class Bench(Region):
    """The chip as the board has it: whoever touches it while the target runs is in a fight with it."""

    target = None

    def read(self, addr, into):
        """Fill `into`."""
        self._only_held()
        Region.read(self, addr, into)

    def program(self, addr, data):
        """Start to program."""
        self._only_held()
        Region.program(self, addr, data)

    def erase(self, addr, size):
        """Start to erase."""
        self._only_held()
        Region.erase(self, addr, size)

    def _only_held(self):
        self.target.catch_up()
        if not self.target.held:
            raise Violation("the bus was used while the target runs")


def _whole(data):
    header, _, size = struct.unpack_from("<HHI", data, 8)
    return header + size + 40


def _nobody():
    """Feed nothing."""
