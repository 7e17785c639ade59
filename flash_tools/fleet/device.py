"""One device of a fleet, as a bench sees it: power on and off, lines, commands, banks. In the shape of a SimProcess."""

import threading
import time
from collections import deque

from flash_tools.errors import ToolError
from flash_tools.fleet.board import Board, make_options
from flash_tools.fleet.clock import FleetClock
from flash_tools.fleet.net import DeviceNet
from flash_tools.sim import sim_banks
from flash_tools.sim.sim_process import KEPT_LINES, POWER_CUT

_KILLED = -9  # the exit code of a process whose power was taken
_AT_ONCE = 16  # slices in a row that one device may have
_SOON_MS = 20
_RARELY_MS = 160
_DIRTY_S = 1.0


class FleetDevice:
    """`on_start(device)` and `on_end(device)` are called by the loop: it has power, it has lost it or has ended by itself."""

    def __init__(self, index, files, loop, chips, shared, settings, on_line=None):
        self.index, self.files, self.code = index, files, None
        self.lines, self.said, self.starts = deque(maxlen=KEPT_LINES), 0, 0  # lines since the last start, how many
        self.on_line, self.on_start, self.on_end = on_line, None, None
        self.returns = False  # somebody is going to give it power again
        self._loop, self._settings, self._chips = loop, settings, chips
        self._clock, self._chip, self.board = FleetClock(), None, None
        self._facts, self.where = files.facts(), ""  # where it was at its end: boot, trial or agent
        port = settings.notify_base + index if settings.notify_base else 0
        self._net = loop.call(DeviceNet, loop, shared, self._woken, port)
        self._tail, self._news = deque(maxlen=KEPT_LINES), threading.Condition()
        self._turn, self._due, self._polls, self._fresh = 0, 0.0, 0, False

    # -- the bench's side, from whatever thread -------------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Tell whether the device has power."""
        return self.board is not None

    def on(self) -> None:
        """Give it power; nothing happens where it has some."""
        self._loop.call(self._power_on)

    def off(self, dirty: bool = False) -> None:
        """Take its power: between two flash operations, or `dirty` inside one, if one comes within a second."""
        if dirty and self.runs:
            self.send("cut half")
            self._wait_until(lambda: not self.runs, _DIRTY_S)
        self._loop.call(self._power_off)

    def cycle(self, dirty: bool = False) -> None:
        """Take its power and give it back."""
        self.off(dirty)
        self.on()

    def send(self, line: str) -> None:
        """Type a command; a device that has no power hears nothing."""
        self._loop.call(self._type, line)

    def wait_for(self, text: str, timeout_s: float = 60, start: int = 0) -> str:
        """Wait for a line that begins with `text`, from line number `start` since the last start on; return it."""
        found = []

        def look():
            first = self.said - len(self.lines)
            found[:] = [line for n, line in enumerate(self.lines, first) if n >= start and line.startswith(text)]
            return found or not self.runs

        self._wait_until(look, timeout_s)
        if not found:
            said = "; ".join(list(self.lines)[-8:]) or "nothing"
            raise ToolError("device %d never said %r; it said: %s" % (self.index, text, said))
        return found[0]

    def port(self, timeout_s: float = 30) -> int:
        """Return the UDP port that notifications go to."""
        return self._net.port

    def console(self) -> list[str]:
        """Return the last lines, of earlier starts too."""
        return list(self._tail)

    def banks(self) -> list[dict]:
        """Describe what is in its flash; see sim_banks."""
        return self._loop.call(self._look_at_banks)

    # -- the loop's side ------------------------------------------------------------------------------------------------

    def close(self):
        """Take the power for good."""
        self._power_off()
        self._net.close()
        if self._chip is not None and hasattr(self._chip, "file"):
            self._chip.file.close()
        self._chip = None

    def _power_on(self):
        if self.board:
            return
        self._make_chip()
        self._net.power_on()
        self.lines.clear()
        self.said, self.code, self.returns = 0, None, False
        options = make_options(self._settings, self._net.port)
        parts = self._chip, self._clock, self._facts, self._net, options, self._settings, self._say
        self.board = Board(*parts)
        self.starts += 1
        if self.on_start:
            self.on_start(self)
        self._plan(0)

    def _make_chip(self):
        if self._chip is None:
            self._chip = self._chips.make(self.files, self._clock)

    def _power_off(self):
        self.returns = False
        if self.board:
            self._end(_KILLED)

    def cut(self):
        """Take the power at this moment, between two flash operations, as a cut that nobody has wished for."""
        if self.board:
            self._say("cut", "between", "at", self._chip.ops)
            self._end(POWER_CUT)

    def _end(self, code):
        self.where = self.board.where
        self.board.off()
        self.board, self.code = None, code
        with self._news:
            self._news.notify_all()
        if self.on_end:
            self.on_end(self)

    def _type(self, line):
        if self.board:
            self.board.inbox.put(line)
            self._plan(0)

    def _look_at_banks(self):
        self._make_chip()
        running = self.board.running if self.board else None
        return sim_banks.banks(sim_banks.Chip(self._chip.size, self._chip.copy), running)

    def _say(self, *words):
        line = " ".join([str(word) for word in words])
        with self._news:
            self.lines.append(line)
            self._tail.append(line)
            self.said += 1
            self._news.notify_all()
        if self.on_line:
            self.on_line(self.index, line)

    def _woken(self):
        """Something has come for it."""
        if self.board:
            self._polls, self._fresh = 0, True
            self._plan(0)

    def _plan(self, wait_ms):
        """Be called again after that time, but not before the host's time is where the device is."""
        due = max(time.monotonic() + wait_ms / 1000, self._clock.host_s)
        self._turn += 1
        turn = self._turn
        self._loop.at(due, lambda: self._run(turn))

    def _run(self, turn):
        if turn != self._turn or not self.board:
            return  # planned anew since
        board, wait_ms = self.board, 0
        for _ in range(_AT_ONCE):
            wait_ms = board.slice()
            if wait_ms or board.code is not None or self._clock.is_ahead:
                break
        if board.code is not None:
            self._end(board.code)
        else:
            self._plan(self._patience(wait_ms))

    def _patience(self, wait_ms):
        """Return how long to wait: a device that only looks whether something has come is woken when it has."""
        if self._fresh:  # there may be more
            self._fresh = False
            return min(wait_ms, _SOON_MS)
        if 0 < wait_ms <= _SOON_MS and self._net.busy:
            self._polls += 1
            return min(wait_ms << min(self._polls, 8), _RARELY_MS)
        self._polls = 0
        return wait_ms

    def _wait_until(self, ready, timeout_s):
        with self._news:
            self._news.wait_for(ready, timeout_s)
