"""The other end of a serial recovery, in the same process: a UART that asks, and goes on with what it is answered."""

import hashlib

from hal import cbor
from hal.smp_frame import Receiver, send

IMAGE_STATE, IMAGE_UPLOAD, RESET = (1, 0), (1, 1), (0, 5)
READ, WRITE = 0, 2


class Client:
    """Runs `plan`, a list of steps: ("upload", package, piece), ("test", hash or None), ("states",), ("reset",), ("confirm", hash).

    `answers` gets one map a step: an upload ends with the first answer that is an error, or says that all is there.
    """

    def __init__(self, plan):
        self.plan = list(plan)
        self.answers = []
        self.uploads = []  # offsets that were answered
        self.stop_after = 1 << 30  # answers to an upload, then nothing more is said
        self._out = b""
        self._offset, self._sequence, self._waits = -1, 0, False
        self._receiver = Receiver(2048, self._heard)

    @property
    def done(self):
        """Tell whether all was answered."""
        return not self.plan

    def read_into(self, into):
        """Give the device the next bytes."""
        if not self._out and not self._waits and self.plan and len(self.uploads) < self.stop_after:
            self._ask()
        count = min(len(into), len(self._out))
        into[:count] = self._out[:count]
        self._out = self._out[count:]
        return count

    def write(self, data):
        """Take what the device says."""
        self._receiver.feed(data)

    def again(self):
        """Nobody answers any more: ask again, an upload from its start."""
        self._out, self._waits, self._offset = b"", False, -1

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _ask(self):
        name = self.plan[0][0]
        if name == "upload":
            self._send(WRITE, IMAGE_UPLOAD, self._piece(*self.plan[0][1:]))
        elif name == "states":
            self._send(READ, IMAGE_STATE, {})
        elif name == "reset":
            self._send(WRITE, RESET, {})
        else:
            self._send(WRITE, IMAGE_STATE, {"hash": self.plan[0][1], "confirm": name == "confirm"})

    def _piece(self, package, size, image=0):
        offset = max(self._offset, 0)
        fields = {"off": offset, "data": memoryview(package)[offset : offset + size]}
        if offset == 0:
            fields["len"], fields["image"] = len(package), image
            if self._offset < 0:
                fields["sha"] = hashlib.sha256(package).digest()
        return fields

    def _send(self, op, command, fields):
        message = bytearray(8 + 3000)
        end = cbor.write(fields, memoryview(message), 8)
        self._sequence = (self._sequence + 1) & 0xFF
        size = end - 8
        message[:8] = bytes((op | 8, 0, size >> 8, size & 0xFF, 0, command[0], self._sequence, command[1]))
        parts = []
        send(lambda line: parts.append(bytes(line)), memoryview(message)[:end])
        self._out, self._waits = b"".join(parts), True

    def _heard(self, message):
        if not self._waits or message[6] != self._sequence:
            return
        self._waits = False
        answer = _copy(cbor.read(memoryview(message)[8:])) if len(message) > 8 else {}
        if self.plan[0][0] == "upload" and "off" in answer:
            self._offset = answer["off"]
            self.uploads.append(self._offset)
            if self._offset < len(self.plan[0][1]):
                return
        self.answers.append(answer)
        self._offset = -1
        self.plan.pop(0)


def _copy(value):
    """Return the value without views into the frame."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, (list, tuple)) else value
