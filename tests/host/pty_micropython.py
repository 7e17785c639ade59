"""The unix MicroPython as it is, its prompt on a pseudo-terminal: what mpremote finds behind a serial port.

    with Terminal(tmp_path) as board:
        fumo("deploy", "-b", "mpy:" + board.port, "--to", board.folder, ...)

Its raw REPL is the interpreter's own (shared/runtime/pyexec.c, as on boards). What differs from a board: its file system is the
host's, so that everything goes below a folder, and a soft reset ends the process, which is started again here.
"""

import fcntl
import os
import pathlib
import select
import subprocess
import termios
import tty

from tests.host.pumped import Pumped
from tests.host.test_micropython import find_micropython

_SIZE = 4096


class Terminal(Pumped):
    """A running interpreter; `main` is the program that it starts with, as a board starts main.py."""

    def __init__(self, folder, main=None):
        self.folder, self.starts, self.heard = pathlib.Path(folder), 0, b""
        self.folder.mkdir(exist_ok=True)
        self._words = [find_micropython(), "-i"]
        if main is not None:
            (self.folder / "main.py").write_text(main)
            self._words.append("main.py")

    def _begin(self):
        self._host, self._port = os.openpty()  # what mpremote opens
        tty.setraw(self._port)
        self.port = os.ttyname(self._port)
        self._board, self._tty = os.openpty()  # what the interpreter has
        tty.setraw(self._tty)
        settings = termios.tcgetattr(self._tty)
        settings[3] |= termios.ISIG  # Ctrl-C stops a program; the interpreter switches that off while it reads a line
        termios.tcsetattr(self._tty, termios.TCSANOW, settings)
        self._start()

    def _end(self):
        self._process.kill()
        self._process.wait()
        for fd in (self._host, self._port, self._board, self._tty):
            os.close(fd)

    def _start(self):
        self.starts += 1
        self._process = subprocess.Popen(
            self._words, stdin=self._tty, stdout=self._tty, stderr=self._tty, cwd=self.folder, preexec_fn=_own_terminal
        )

    def _pump(self):
        """Carry bytes both ways, and start the interpreter again where it has ended."""
        while True:
            ready = select.select([self._stop_read, self._host, self._board], [], [], 0.05)[0]
            if self._stop_read in ready:
                return
            if self._host in ready:
                os.write(self._board, os.read(self._host, _SIZE))
            if self._board in ready:
                data = os.read(self._board, _SIZE)
                self.heard += data
                os.write(self._host, data)
            if self._process.poll() is not None:
                self._start()


def _own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
