"""The host's end of the board: starts it, gives it a pseudo-terminal, drops the line, looks at its flash.

    with Board(tmp_path) as board:
        SerialTransport(board.port, timeout=1)  # /dev/pts/N

What Ctrl-C does to a running program is done here: the interpreter gets SIGINT, unless the program has switched that off.
"""

import json
import os
import pathlib
import select
import signal
import subprocess
import time
import tty

from tests.host.pumped import Pumped
from tests.host.test_micropython import find_micropython

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES_SIZE = 512 * 1024
BEGIN_ANEW = 75
_INTERRUPT = 3
_SETTLE_S = 1


class Board(Pumped):
    """A board; `main` is the program that it runs after its start, `cells` what is on its flash at first.

    fault: "ff", "00", "stuck", "no-wel" (ports/sim/spi_chip.py); wrap: bytes from which on the flash shows its beginning again;
    stuck: bits that are always read as set;
    drop_after: bytes from the host after which the line drops once. Its flash is on SPI(0), chip select `cs`.
    """

    def __init__(self, folder, main=None, *, chip="W25Q16JV", cells=b"", fault="", wrap=0, cs=17, speed=200,
                 raw_paste=True, drop_after=0, heap="4m", stuck=0):  # fmt: skip
        self._folder = pathlib.Path(folder)
        self.cells, self.files = self._folder / "board.cells", self._folder / "board.files"
        self._options = {
            "chip": chip, "fault": fault, "wrap": wrap, "cs": cs, "speed": speed, "raw_paste": raw_paste, "stuck": stuck,
            "cells": str(self.cells), "files": str(self.files), "files_size": FILES_SIZE,
        }  # fmt: skip
        self._heap, self.drop_after = heap, drop_after
        self.log, self.received, self.interrupts, self.starts, self.port = [], 0, 0, 0, ""
        if not self.cells.exists():
            self.cells.write_bytes(cells)
        if not self.files.exists():
            self.files.write_bytes(b"\xff" * FILES_SIZE)
        if main is not None:
            self.put("main.py", main)

    def put(self, name, text):
        """Put a file onto the board before it starts."""
        code = "import sys, vfs, os\nsys.path.insert(0, %r)\n" % str(ROOT)
        code += "class B:\n def __init__(s, f): s.f = f\n"
        code += " def readblocks(s, n, b, o=0):\n  s.f.seek(n * 4096 + o); s.f.readinto(b)\n"
        code += " def writeblocks(s, n, b, o=None):\n  s.f.seek(n * 4096 + (o or 0)); s.f.write(b)\n"
        code += " def ioctl(s, op, a): return %d if op == 4 else 4096 if op == 5 else 0\n" % (FILES_SIZE // 4096)
        code += "b = B(open(%r, 'r+b'))\n" % str(self.files)
        code += "try:\n v = vfs.VfsLfs2(b)\nexcept OSError:\n vfs.VfsLfs2.mkfs(b); v = vfs.VfsLfs2(b)\n"
        code += "vfs.mount(v, '/board')\nwith open('/board/%s', 'w') as f: f.write(%r)\nvfs.umount('/board')\n"
        subprocess.run([find_micropython(), "-c", code % (name, text)], check=True, timeout=20)

    # -- inside -----------------------------------------------------------------------------------------------------------

    def _begin(self):
        self._plug_in()
        self._start()

    def _plug_in(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)

    def _unplug(self, *line):
        for fd in line:
            os.close(fd)

    def _start(self):
        self.starts += 1
        self._running, self._catches, self._told, self._waiting, self._settles = False, True, b"", b"", 0
        command = [find_micropython(), "-X", "heapsize=" + self._heap, str(ROOT / "tests/host/raw_repl/board.py")]
        options = self._folder / "board.json"  # MicroPython dies of an argument of 256 bytes
        options.write_text(json.dumps(self._options))
        self._process = subprocess.Popen(
            [*command, str(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=ROOT, bufsize=0,
        )  # fmt: skip

    def _pump(self):
        try:
            while self._turn():
                pass
        finally:
            self._process.stdin.close()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._status(self._process.stderr.read())
            for pipe in (self._process.stdout, self._process.stderr):
                pipe.close()
            self._unplug(self._master, self._slave)

    def _turn(self):
        out, err = self._process.stdout.fileno(), self._process.stderr.fileno()
        await_s = self._settles - time.monotonic() if self._settles else None
        line = [] if self._settles else [self._master]
        ready = select.select([self._stop_read, err, out, *line], [], [], await_s and max(await_s, 0))[0]
        if self._stop_read in ready:
            if self._running:
                self._process.send_signal(signal.SIGINT)
            return False
        if err in ready:
            self._status(os.read(err, 4096))
        if out in ready and not self._to_host(os.read(out, 4096)):
            return self._ended()
        if self._settles and (self._settled or not ready):
            self._settles = 0
            self._forward()
        if self._master in ready:
            self._from_host(os.read(self._master, 256))
        return True

    def _to_host(self, data):
        view = memoryview(data)
        while view and select.select([], [self._master], [], 5)[1]:
            view = view[os.write(self._master, view) :]
        return bool(data)

    def _ended(self):
        """Start the board anew where it wants that; else the line drops and nothing follows."""
        if self._process.wait(15) != BEGIN_ANEW:
            self.log.append("the board is dead")
            return False
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
        self._start()
        return True

    def _status(self, data):
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            if line in (b"run", b"idle"):
                self._running, self._settled = line == b"run", True
            elif line.startswith(b"kbd "):
                self._catches = line == b"kbd %d" % _INTERRUPT
            else:
                self.log.append(line.decode("utf-8", "replace"))

    def _from_host(self, data):
        self.received += len(data)
        self._waiting += data
        self._forward()
        if self.drop_after and self.received >= self.drop_after:
            self.drop_after, old = 0, (self._master, self._slave)
            self._plug_in()  # first: whoever notices the drop finds the new port
            self._unplug(*old)

    def _forward(self):
        """Hand bytes on. Behind a Ctrl-D it must be known whether a program runs now: a Ctrl-C may follow at once."""
        data, self._waiting = self._waiting, b""
        if not self._running and 4 in data:
            end = data.index(4) + 1
            data, self._waiting = data[:end], data[end:]
            self._settles, self._settled = time.monotonic() + _SETTLE_S, False
        if self._running and self._catches and _INTERRUPT in data:
            self.interrupts += 1
            self._process.send_signal(signal.SIGINT)
            data = data.replace(b"\x03", b"")
        if data:
            self._process.stdin.write(data)
