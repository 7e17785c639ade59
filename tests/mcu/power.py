"""The power of a fake board: one process a boot, started again whenever it ends, with a watchdog that counts the time it works.

A hang uses the processor, and whoever sleeps is bitten from inside (tests/mcu/fake/fake_watchdog.py): a computer that has other
things to do makes no watchdog bite. `kill` takes the power, in the middle of whatever the board does: what comes then is a start
because power came, also where the board was just about to reset itself. Whatever else ends a process is its watchdog's doing.
"""

import os
import signal
import subprocess
import threading
import time

from tests.mcu.fake_board import FAKE, RESET, WATCHDOG, environ, find_micropython
from tests.restarted import Restarted

_LED = "fake_pins.edges.append(lambda line, level: line == 14 and print('led', level, fake_time.ticks_ms()))"
_BOOT = "import machine, sys, fake_pins, fake_time; sys.path[:] = [%r, %r, '.frozen']; " + _LED
_BOOT += "; exec(open(%r).read(), {'__name__': '__main__'})"
_NO_BANK = "bank -1 "  # what then ends does not end the program: it rests, and feeds
_TICK_S = 0.1
_PAUSE_S = 0.02
_ENDS_S = 0.3  # from the end of a program to the bite that the launcher waits for
HANGS_S = 3.0  # of processor time without a feed
_TICKS = os.sysconf("SC_CLK_TCK")


class Power(Restarted):
    """The board `goods`, switched on; `codes` is how its boots ended, `starts` where in `lines` each began.

    `led` has (level, milliseconds) of each edge. Without `on` the power comes later.
    """

    def __init__(self, goods, heap="1m", hangs_s=HANGS_S, hear=lambda line: None, on=True):
        super().__init__(hear)
        self.goods, self.led, self.starts = goods, [], []
        self._heap, self._hangs_s = heap, hangs_s
        self._on = self._dark = False
        self._there = on
        self._threads = []

    def __enter__(self):
        self._on = True
        for work in (self._live, self._watch):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *exception):
        with self._news:
            self._on = False
            self._signal()
            self._news.notify_all()
        for thread in self._threads:
            thread.join(10)

    def kill(self):
        """Take the power for a moment."""
        self.off()
        self.on()

    def cut(self):
        """Take the power, and wait for nothing: for whoever hears what the board says."""
        with self._news:
            self._there, self._dark = False, True
            self._signal()

    def off(self):
        """Take the power; nothing runs when this returns, and until `on`."""
        with self._news:
            self.cut()
            self._news.wait_for(lambda: len(self.codes) == len(self.starts), 10)

    def on(self):
        """Give the power back."""
        with self._news:
            self._there = True
            self._news.notify_all()

    def boot_said(self, number=-1):
        """Return the lines of a boot, the last one as a rule."""
        with self._news:
            ends = [*self.starts[1:], len(self.lines)]
            return self.lines[self.starts[number] : ends[number]] if self.starts else []

    def interrupt(self):
        """Press Ctrl-C."""
        self._signal(signal.SIGINT)

    def hears(self, text, timeout_s, since=0):
        """Wait for a line that holds this; tell whether it came."""
        with self._news:
            return self._news.wait_for(lambda: any(text in line for line in self.lines[since:]), timeout_s)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _live(self):
        while self._on:
            self._boot()
            if self._on:
                time.sleep(_PAUSE_S)

    def _boot(self):
        process = self._begin()
        if not process:
            return
        with process:
            for line in process.stdout:
                self._take(line.decode(errors="replace").rstrip("\r\n"), process)
        self._note(self.codes, process.returncode)

    def _begin(self):
        """Start a process as soon as there is power; None where there is never any again."""
        stage = str(self.goods.stage)
        program = _BOOT % (stage, str(FAKE), stage + "/main.py")
        words = [find_micropython(), "-X", "heapsize=" + self._heap, "-c", program]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with self._news:
            self._news.wait_for(lambda: self._there or not self._on)
            if not self._on:
                return None
            self._say_why()
            self._process = subprocess.Popen(words, env=environ(self.goods.folder), cwd=self.goods.folder, **pipes)
            self.starts.append(len(self.lines))
            return self._process

    def _say_why(self):
        """Let the board know why it starts, where it has not said that itself; no watchdog runs yet."""
        (self.goods.folder / "watchdog").unlink(missing_ok=True)
        file = self.goods.folder / "reset"
        if self._dark:
            file.unlink(missing_ok=True)
        elif self.codes and self.codes[-1] not in (RESET, WATCHDOG):
            file.write_text("watchdog")
        self._dark = False

    def _take(self, line, process):
        if line.startswith("led "):
            return self._note(self.led, tuple(int(word) for word in line.split()[1:]))
        self._note(self.lines, line)
        if line.startswith("Traceback") and _NO_BANK not in " ".join(self.boot_said()):
            threading.Timer(_ENDS_S, self._bite, (process,)).start()

    def _watch(self):
        """Bite a process that works and does not feed."""
        file, fed, at = self.goods.folder / "watchdog", None, 0.0
        while self._on:
            time.sleep(_TICK_S)
            process = self._process
            used = _used_s(process.pid) if process and process.poll() is None else None
            try:
                feeds = file.read_text()
            except OSError:
                continue
            if used is None or (process, feeds) != fed:
                fed, at = (process, feeds), used
            elif used - at > self._hangs_s:
                self._note(self.lines, "power: the watchdog has bitten")
                self._bite(process)
                fed = None

    def _bite(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)


def _used_s(pid):
    """Return the processor time that a process has used, None where it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
