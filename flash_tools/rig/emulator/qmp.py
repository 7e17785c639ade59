"""QEMU's own control channel (QMP): commands with an answer, and the events in between, counted as they come."""

import json
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

from flash_tools.errors import SilentError, ToolError

_TIMEOUT_S = 10


class Qmp:
    """One connection to a running QEMU; a thread of its own reads it, so that no event is missed."""

    def __init__(self, channel: socket.socket, hear=lambda event: None):
        """`hear` is called with the name of every event, in the thread that reads."""
        self._channel, self._hear = channel, hear
        self._answers, self._events, self._gone = [], Counter(), False
        self._news, self._turn = threading.Condition(), threading.Lock()
        self._thread = threading.Thread(target=self._read, name="rig-qmp", daemon=True)
        self._thread.start()
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments):
        """Give a command and return what it returns."""
        order = {"execute": name, "arguments": arguments} if arguments else {"execute": name}
        with self._turn:
            self._send(order)
            answer = self._wait(lambda: self._answers and self._answers.pop(0), _TIMEOUT_S)
        if answer is None:
            raise SilentError("QEMU did not answer %s within %d s" % (name, _TIMEOUT_S))
        if "error" in answer:
            raise ToolError("QEMU refused %s: %s" % (name, answer["error"]["desc"]))
        return answer["return"]

    def stop(self) -> None:
        """Stop the board's processor; what it told its chip before is carried out. No answer means that it has ended."""
        with suppress(ToolError, SilentError):
            self.command("stop")

    def seen(self, event: str) -> int:
        """Return how often QEMU told of an event, such as RESET or WATCHDOG, since it started."""
        with self._news:
            return self._events[event]

    def wait_event(self, event: str, count: int, timeout_s: float) -> None:
        """Wait until an event was told of `count` times; a SilentError where it was not."""
        if self._wait(lambda: self._events[event] >= count, timeout_s) is None:
            raise SilentError("QEMU told of %d %s within %g s, not of %d" % (self.seen(event), event, timeout_s, count))

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(OSError):  # it ended before
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        self._thread.join(_TIMEOUT_S)

    def _send(self, order):
        try:
            self._channel.sendall(json.dumps(order).encode() + b"\n")
        except OSError:
            raise SilentError("the emulated board has no power") from None

    def _wait(self, ready, timeout_s):
        end = time.monotonic() + timeout_s
        with self._news:
            while True:
                found = ready()
                if found:
                    return found
                if self._gone or not self._news.wait(max(end - time.monotonic(), 0)):
                    return ready() or None

    def _read(self):
        with self._channel.makefile("rb") as file:
            try:
                for line in file:
                    self._take(json.loads(line))
            except (OSError, ValueError):
                pass
        with self._news:
            self._gone = True
            self._news.notify_all()

    def _take(self, message):
        if "event" in message:
            self._hear(message["event"])
        with self._news:
            if "event" in message:
                self._events[message["event"]] += 1
            elif "QMP" not in message:
                self._answers.append(message)
            self._news.notify_all()
