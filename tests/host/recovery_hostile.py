"""A client on the serial line that follows no rules: uploads of anything in any order, noise, tests, resets, silence."""

import hashlib

from hal import cbor
from hal.smp_frame import Receiver, send
from ports.sim.power import PowerCut, Violation
from tests.host.recovery_goods import goods

_IMAGE, _OS = 1, 0


class Hostile:
    """The UART that the device speaks to; `chaos` gives packages and keeps notes."""

    def __init__(self, random, chaos):
        self._random, self._chaos = random, chaos
        self._out, self._sequence = b"", 0
        self._receiver = Receiver(2048, self._heard)
        self._left = random.choice((0, 3, 40, 120))  # messages
        self._script = self._live()
        self._answer = None
        self._hashes = [bytes(32)]

    def read_into(self, into):
        """Give the device the next bytes."""
        if not self._out and self._left > 0:
            self._left -= 1
            if self._random.random() < 0.004:
                raise PowerCut()
            message = self._script.send(None) if self._answer is None else self._script.send(self._answer)
            self._answer = None
            self._out = message
        count = min(len(into), len(self._out))
        into[:count] = self._out[:count]
        self._out = self._out[count:]
        return count

    def write(self, data):
        """Take what the device says."""
        self._receiver.feed(data)

    def _heard(self, message):
        self._answer = cbor.read(memoryview(bytes(message))[8:]) if len(message) > 8 else {}
        for one in self._answer.get("images", ()):
            self._hashes.append(bytes(one["hash"]))
            if one["confirmed"] and one["slot"] != 0:
                raise Violation("an upload is said to be confirmed")

    # -- what it says -------------------------------------------------------------------------------------------------

    def _live(self):
        random = self._random
        while True:
            what = random.random()
            if what < 0.6:
                yield from self._upload(goods(random.randrange(400 if random.random() < 0.6 else 12)))
            elif what < 0.7:
                yield self._say(_IMAGE, 0, 0, {})
            elif what < 0.82:
                digest = random.choice([None, random.choice(self._hashes)])
                yield self._say(_IMAGE, 0, 2, {"hash": digest, "confirm": random.random() < 0.3})
            elif what < 0.9:
                yield bytes(random.choice(b"\x06\x09\x04\x14\nAA==") for _ in range(random.randrange(1, 300)))
            elif what < 0.95:
                fields = {"off": random.choice((0, 5, 1 << 40)), "len": random.choice((0, 1, 1 << 62)), "data": b"x"}
                yield self._say(_IMAGE, 1, 2, fields)
            else:
                yield self._say(_OS, 5, 2, {})

    def _upload(self, data):
        random = self._random
        size, slot = random.choice((200, 700, 950)), random.choice((0, 0, 1, 1, 2))
        mad, sha, offset = random.choice((0.0, 0.0, 0.05)), random.random() < 0.8, 0
        self._chaos.note("upload %d bytes to %d", len(data), slot)
        for _ in range(random.choice((3, 60))):
            fields = {"off": offset, "data": data[offset : offset + size]}
            if offset == 0 or random.random() < mad:
                fields["len"], fields["image"] = len(data) + (random.random() < mad), slot
                if sha:
                    fields["sha"] = hashlib.sha256(data).digest()
                    self._hashes.append(fields["sha"])
            answer = yield self._say(_IMAGE, 1, 2, fields)
            if not answer or "off" not in answer or answer["off"] >= len(data):
                self._chaos.note("answer %s", answer)
                if answer and answer.get("match"):
                    self._chaos.judge.matched(data)
                return
            offset = answer["off"]
            if random.random() < mad:
                offset = random.choice((0, offset // 2, offset + 1, len(data), 1 << 33))

    def _say(self, group, command, op, fields):
        message = bytearray(3000)
        fields = {name: value for name, value in fields.items() if value is not None}
        end = cbor.write(_small(fields), memoryview(message), 8)
        self._sequence = (self._sequence + 1) & 0xFF
        message[:8] = bytes((op | 8, 0, end - 8 >> 8, end - 8 & 0xFF, 0, group, self._sequence, command))
        parts = []
        send(lambda line: parts.append(bytes(line)), memoryview(message)[:end])
        return b"".join(parts)


def _small(fields):
    """The writer of the device knows no numbers above 32 bits; those are another test's."""
    return {name: min(value, 0xFFFFFFFF) if type(value) is int else value for name, value in fields.items()}
