"""The asking side of SMP over a serial line: which image a target runs, whether it is confirmed, and "confirm yourself".

One question, one answer, each wait bounded; what comes between (a console's text, an answer that is late) is passed over.
"""

from agent.compat import const
from agent.errors import LinkError
from hal import cbor
from hal.smp_frame import Receiver, send

_READ = const(0)
_WRITE = const(2)
_IMAGE = const(1)
_STATE = const(0)
_HEADER = const(8)
_FRAME = const(2048)
_MOST_NOISE = const(64)  # reads of what was on the line before a question
_NAP_MS = const(5)
_HASH_SIZE = const(32)


class SmpClient:
    """`uart` as in the contracts; `feed` is called while an answer is waited for."""

    def __init__(self, uart, clock, feed):
        self._uart, self._clock, self._feed = uart, clock, feed
        self._receiver = Receiver(_FRAME, self._heard)
        self._piece = bytearray(64)
        self._sequence = 0
        self._answer = None
        self.trouble = ""  # why the line itself does not work, where it does not: then silence is not the target's

    def active(self, wait_ms):
        """Return (hash, confirmed) of the image that runs, None where nobody says so in that time."""
        return _active(self._try(_READ, {}, wait_ms))

    def confirm(self, wait_ms):
        """Have the image that runs, whichever that is, confirmed; return what `active` would.

        Never by its hash: to a target that has just gone back to its old image that would mean "take the other one for good".
        """
        return _active(self._try(_WRITE, {"confirm": True}, wait_ms))

    def _try(self, op, fields, wait_ms):
        self.trouble = ""
        try:
            return self._ask(op, fields, wait_ms)
        except LinkError as e:
            self.trouble = str(e)
            return None

    def _ask(self, op, fields, wait_ms):
        self._drain()
        self._sequence = (self._sequence + 1) & 0xFF
        message = bytearray(64)
        end = cbor.write(fields, memoryview(message), _HEADER)
        message[:_HEADER] = bytes((op, 0, 0, end - _HEADER, 0, _IMAGE, self._sequence, _STATE))
        self._answer, asked_ms = None, self._clock.ms()
        self._op = op + 1
        self._uart.write(b"\n")  # ends a line that somebody else has begun
        send(self._uart.write, memoryview(message)[:end])
        while self._answer is None:
            count = self._uart.read_into(self._piece)
            if count:
                self._receiver.feed(memoryview(self._piece)[:count])
            elif self._clock.since(asked_ms) >= wait_ms:
                return None
            else:
                self._feed()
                self._clock.sleep_ms(_NAP_MS)
            if self._clock.since(asked_ms) > 2 * wait_ms:
                return None  # a line that never falls silent
        return self._answer

    def _drain(self):
        for _ in range(_MOST_NOISE):
            if not self._uart.read_into(self._piece):
                return

    def _heard(self, message):
        if message[0] & 7 != self._op or message[5] != _IMAGE or message[6] != self._sequence or message[7] != _STATE:
            return
        try:
            answer = cbor.read(message[_HEADER:])
        except ValueError:
            return
        if isinstance(answer, dict):
            self._answer = {"images": _entries(answer.get("images"))}


def _entries(images):
    """Return (active, confirmed, hash) of each image whose entry is one, without views into the frame."""
    found = []
    for entry in images if isinstance(images, list) else ():
        if isinstance(entry, dict) and not entry.get("image"):
            digest = entry.get("hash")
            if isinstance(digest, memoryview) and len(digest) == _HASH_SIZE:
                found.append((entry.get("active") is True, entry.get("confirmed") is True, bytes(digest)))
    return found


def _active(answer):
    for active, confirmed, digest in answer["images"] if answer else ():
        if active:
            return digest, confirmed
    return None
