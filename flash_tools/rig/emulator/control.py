"""The host's end of the control channel: runs Python on the board and counts how often the board came up."""

import base64
import json
import select
import socket
import textwrap
import threading
import time

from flash_tools.errors import SilentError, ToolError

_SIZE = 65536


class GuestError(ToolError):
    """Python on the board ended with an exception; `trace` is its traceback, `printed` what it printed before."""

    def __init__(self, text, trace="", printed=""):
        super().__init__(text)
        self.trace, self.printed = trace, printed


class Control:
    """One power-up's channel to the daemon on the board."""

    def __init__(self, channel: socket.socket):
        self._channel = channel
        self._waiting, self._number, self._turn = b"", 0, threading.Lock()
        self.boots = 0  # times that the daemon said it was up, since the power came

    def run(self, source: str, timeout_s: float) -> str:
        """Run Python on the board and return what it prints; names stay there from one run to the next."""
        with self._turn:
            self._await(lambda: self.boots, timeout_s, "did not come up")
            boots, self._number = self.boots, self._number + 1
            encoded = base64.b64encode(textwrap.dedent(source).encode())
            self._send(b"?%d %d %s\n" % (self._number, max(int(timeout_s), 1), encoded))
            answer = self._await(self._answer(boots), timeout_s + 5, "did not answer")
        if "error" in answer:
            text = "the board's Python ended with %s" % answer["error"].splitlines()[0]
            raise GuestError(text, answer["trace"], answer["printed"])
        return answer["printed"]

    def wait_boot(self, count: int, timeout_s: float) -> None:
        """Wait until the board came up `count` times since the power came."""
        with self._turn:
            self._await(lambda: self.boots >= count, timeout_s, "did not come up %d times" % count)

    def close(self) -> None:
        """Let go of the channel."""
        self._channel.close()

    def _answer(self, boots):
        self._answers = {}

        def ready():
            if self.boots != boots:
                raise SilentError("the emulated board was reset before it answered")
            return self._answers.pop(self._number, None)

        return ready

    def _await(self, ready, timeout_s, what):
        end = time.monotonic() + timeout_s
        while True:
            found = ready()
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise SilentError("the emulated board %s within %g s: see its console.log" % (what, timeout_s))
            self._read(left)

    def _read(self, timeout_s):
        try:
            if not select.select([self._channel], [], [], timeout_s)[0]:
                return
            data = self._channel.recv(_SIZE)
        except (OSError, ValueError):
            data = b""
        if not data:
            raise SilentError("the emulated board has no power")
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line):
        start = line.find(b"!")  # a reset may cut a line short, and the next one then follows in the same
        number, _, text = line[line.rfind(b"!") + 1 :].partition(b" ") if start >= 0 else (b"", b"", b"")
        try:
            answer = json.loads(base64.b64decode(text, validate=True))
            number = int(number)
        except ValueError:
            return
        if number:
            self._answers[number] = answer
        else:
            self.boots += 1

    def _send(self, data):
        try:
            self._channel.sendall(data)
        except OSError:
            raise SilentError("the emulated board has no power") from None
