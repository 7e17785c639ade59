"""The power of a fake board: one process a boot, started again whenever it ends, with a watchdog that counts the time it works.

A hang uses the processor, and whoever sleeps is bitten from inside (tests/mcu/fake/fake_watchdog.py): a computer that has other
things to do makes no watchdog bite. `kill` takes the power, in the middle of whatever the board does.
"""

import os
import signal
import subprocess
import threading
import time

from tests.mcu.fake_board import FAKE, environ, find_micropython

_LED = "fake_pins.edges.append(lambda line, level: line == 14 and print('led', level))"
_BOOT = "import machine, sys, fake_pins; sys.path[:] = [%r, %r, '.frozen']; " + _LED
_BOOT += "; exec(open(%r).read(), {'__name__': '__main__'})"
_TICK_S = 0.1
_PAUSE_S = 0.02
_ENDS_S = 0.3  # from the end of a program to the bite that the launcher waits for
HANGS_S = 3.0  # of processor time without a feed
_TICKS = os.sysconf("SC_CLK_TCK")


class Power:
    """The board `goods`, switched on; `lines` is what it said, `codes` how its boots ended: negative for signals."""

    def __init__(self, goods, heap="1m", hangs_s=HANGS_S, hear=lambda line: None):
        self.goods, self.lines, self.codes, self.led = goods, [], [], []
        self._heap, self._hangs_s, self._hear = heap, hangs_s, hear
        self._news = threading.Condition()
        self._process = None
        self._on = False
        self._threads = []

    def __enter__(self):
        self._on = True
        for work in (self._live, self._watch):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *exception):
        self._on = False
        self._signal()
        for thread in self._threads:
            thread.join(10)

    def kill(self):
        """Take the power for a moment."""
        with self._news:
            count = len(self.codes)
            if self._signal():
                self._news.wait_for(lambda: len(self.codes) > count, 10)

    def interrupt(self):
        """Press Ctrl-C."""
        self._signal(signal.SIGINT)

    def wait(self, test, timeout_s=60):
        """Wait until `test()` of what has happened is true."""
        with self._news:
            said = "it said:\n%s\nit ended: %s"
            assert self._news.wait_for(test, timeout_s), said % ("\n".join(self.lines[-40:]), self.codes[-10:])

    def said(self, *texts, timeout_s=60, since=0):
        """Wait for a line that holds all of these; return it."""
        found = []

        def look():
            found[:] = [line for line in self.lines[since:] if all(text in line for text in texts)]
            return bool(found)

        self.wait(look, timeout_s)
        return found[0]

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
        stage = str(self.goods.stage)
        words = [
            find_micropython(),
            "-X",
            "heapsize=" + self._heap,
            "-c",
            _BOOT % (stage, str(FAKE), stage + "/main.py"),
        ]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(words, env=environ(self.goods.folder), cwd=self.goods.folder, **pipes) as process:
            self._process = process
            if not self._on:
                process.kill()
            for line in process.stdout:
                where = self.led if line.startswith(b"led ") else self.lines
                self._note(where, line.decode(errors="replace").rstrip("\r\n"))
                if line.startswith(b"Traceback"):
                    threading.Timer(_ENDS_S, self._bite, (process,)).start()
        self._note(self.codes, process.returncode)

    def _note(self, where, what):
        with self._news:
            where.append(what)
            if where is self.lines:
                self._hear(what)
            self._news.notify_all()

    def _signal(self, number=signal.SIGKILL):
        process = self._process
        if process and process.poll() is None:
            process.send_signal(number)
            return True
        return False

    def _watch(self):
        """Bite a process that works and does not feed."""
        file, fed, at = self.goods.folder / "watchdog", None, (None, 0.0)
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
            (self.goods.folder / "reset").write_text("watchdog")
            process.send_signal(signal.SIGKILL)


def _used_s(pid):
    """Return the processor time that a process has used, None where it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS
