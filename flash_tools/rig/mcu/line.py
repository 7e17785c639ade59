"""What the microcontroller says on its console: kept, and waited for."""

import socket
import threading
import time
from contextlib import suppress

from flash_tools.errors import SilentError

_PART = 4096


class Console:
    """One end of a serial line; a thread reads it, so that the board never has to wait."""

    def __init__(self, channel: socket.socket):
        self._channel, self._text, self._gone = channel, bytearray(), False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="mcu-console", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """Return all that was said since the power came."""
        with self._news:
            return self._text.decode(errors="replace")

    @property
    def size(self) -> int:
        """Return how much that is: the place of what comes next."""
        with self._news:
            return len(self._text)

    def wait(self, words: tuple[str, ...], timeout_s: float, start: int = 0) -> tuple[str, int]:
        """Return (which of the texts came first from `start` on, the place behind it); "" when the power is gone."""
        wanted, end = [word.encode() for word in words], time.monotonic() + timeout_s
        with self._news:
            while True:
                found = [(at, word) for word in wanted if (at := self._text.find(word, start)) >= 0]
                if found:
                    at, word = min(found)
                    return word.decode(), at + len(word)
                if self._gone:
                    return "", len(self._text)
                if not self._news.wait(max(0, end - time.monotonic())) and time.monotonic() >= end:
                    said = self._text[-200:].decode(errors="replace")
                    raise SilentError(
                        "the board did not say %s within %g s, but %r" % (" or ".join(words), timeout_s, said)
                    )

    def bytes_until(self, word: bytes, start: int, timeout_s: float) -> tuple[bytes, int]:
        """Return (what came from `start` to a text, the place behind it)."""
        _, end = self.wait((word.decode(),), timeout_s, start)
        with self._news:
            return bytes(self._text[start : end - len(word)]), end

    def send(self, data: bytes) -> None:
        """Type something."""
        with suppress(OSError):
            self._channel.sendall(data)

    def close(self) -> None:
        """Let go of the line."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._channel.close()

    def _read(self):
        while True:
            try:
                data = self._channel.recv(_PART)
            except OSError:
                data = b""
            with self._news:
                self._text += data
                self._gone = not data
                self._news.notify_all()
            if not data:
                return
