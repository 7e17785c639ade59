"""Listens to a board's console all the time: lines with their order, for strategies and scenarios, and a log.

A board that really restarts cannot count its starts since the power came; whoever switched it can. So the number in `boot N ...`
is that of the listener, and it is the same for all kinds of boards.

It reads with the driver's `_read`: labgrid reports what `read` does as a step, and its steps are a stack for one thread, which is
the one that switches power meanwhile.
"""

import re
import threading
import time
from pathlib import Path

from pexpect import TIMEOUT

_LOOK_S = 0.1
_PIECE = 4096
_QUIET_S = 0.15  # of a board that has no power: then its last words have arrived
_BOOT = re.compile(r"boot (?:\d+ )?(?=bank \d)")
_LONGEST = 8192  # a line; what has no end is cut into such pieces


class Listener:
    """`console` is an active driver; `on_line(text)` hears each line; `lines` keeps all of them."""

    def __init__(self, console, log: Path | None = None):
        self.lines: list[str] = []
        self.on_line = lambda line: None
        self._console, self._log = console, log
        self._part, self._boots, self._heard_at, self.error = b"", 0, 0.0, None
        self._news, self._ends = threading.Condition(), threading.Event()
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether the console can still be heard."""
        return self._thread.is_alive()

    def power_comes(self) -> None:
        """Wait for the last words of a board without power, and count its starts anew; what the cut tore off is no line."""
        while self.alive and time.monotonic() - self._heard_at < _QUIET_S:
            time.sleep(_QUIET_S / 3)
        self._part, self._boots = b"", 0

    def wait_for(self, *texts: str, since: int = 0, timeout_s: float = 60) -> str:
        """Wait for a line that begins with one of the texts, from line number `since` on; return it."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.lines[since:]:
                    if line.startswith(texts):
                        return line
                left_s = deadline - time.monotonic() if self.alive else 0
                if left_s <= 0:
                    raise TimeoutError("the board never said %s; %s" % (" or ".join(texts), self.last()))
                self._news.wait(min(left_s, 0.5))

    def last(self) -> str:
        """Return the last lines, for a message."""
        why = " (its console is gone: %s)" % self.error if self.error else ""
        return "it said: %s%s" % ("; ".join(self.lines[-8:]) or "nothing", why)

    def stop(self) -> None:
        """End, before the driver is deactivated."""
        self._ends.set()
        self._thread.join()

    def _run(self):
        while not self._ends.is_set():
            try:
                self._take(self._console._read(size=1, timeout=_LOOK_S, max_size=_PIECE))
            except TIMEOUT:
                continue
            except Exception as e:  # whatever the line's library says of a line that is gone
                self.error = e
                return

    def _take(self, data):
        self._heard_at = time.monotonic()
        *lines, self._part = (self._part + data).split(b"\n")
        if len(self._part) > _LONGEST:
            lines, self._part = [*lines, self._part], b""
        for line in lines:
            self._line(line.decode(errors="replace").strip("\r"))

    def _line(self, line):
        if _BOOT.match(line):
            self._boots += 1
            line = _BOOT.sub("boot %d " % self._boots, line, count=1)
        with self._news:
            self.lines.append(line)
            self._news.notify_all()
        if self._log:
            with open(self._log, "a") as file:
                file.write("%.3f %s\n" % (time.time(), line))
        self.on_line(line)
