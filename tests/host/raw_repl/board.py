"""The board itself, run by the real MicroPython: stdin and stdout are its serial line, stderr tells the rig what it does.

It does with Ctrl-A to Ctrl-E, `OK` and the ends (04) what shared/runtime/pyexec.c of MicroPython does. `print` ends lines with
CR LF as on a board. Its file system is littlefs in a file, mounted at /; what it imports comes from there and nowhere else.
"""

import builtins
import io
import json
import sys

ROOT = "/".join(__file__.split("/")[:-4]) or "."
sys.path.insert(0, ROOT)

import micropython  # noqa: E402  the path comes first

from tests.host.raw_repl.board_parts import make_chip, mount, save  # noqa: E402
from tests.host.raw_repl.fake_machine import HardReset, Machine, Micropython  # noqa: E402
from tests.host.raw_repl.spi_bus import Bus  # noqa: E402

BANNER = b'MicroPython v1.29.0 on 2026-01-01; raw REPL for tests\r\nType "help()" for more information.\r\n>>> '
RAW, FRIENDLY, SOFT_RESET = "raw", "friendly", "reset"
WINDOW = 128
POWER_OFF, BEGIN_ANEW = 0, 75

_in, _out, _print = sys.stdin.buffer, sys.stdout.buffer, print


class Off(BaseException):
    """The rig has closed the line."""


def tell(text):
    """Tell the rig."""
    sys.stderr.write(text + "\n")


def send(data):
    """Send bytes to whoever is at the other end."""
    _out.write(data)


def take():
    """Return the next byte; a Ctrl-C that comes too late for a program is one for the line."""
    while True:
        try:
            data = _in.read(1)
        except KeyboardInterrupt:
            return 3
        if not data:
            raise Off
        return data[0]


def show(*values, sep=" ", end="\n", file=None):
    """Print as a board prints."""
    if file:
        return _print(*values, sep=sep, end=end, file=file)
    text = io.StringIO()
    _print(*values, sep=sep, end=end, file=text)
    send(text.getvalue().replace("\n", "\r\n").encode())


class Repl:
    """The loop over commands."""

    def __init__(self, raw_paste):
        self._raw_paste = raw_paste
        self._mode, self._greeted = FRIENDLY, False
        self.globals = {}

    def run(self):
        """Boot until the power goes."""
        while True:
            self.globals = {"__name__": "__main__"}
            self._late(self._boot)
            tell("idle")
            while self._late(self._step) != SOFT_RESET:
                pass
            self._greeted = False
            send(b"MPY: soft reboot\r\n")
            forget()

    def _late(self, act):
        """Do something; a Ctrl-C that comes when the program has just ended must not end the board."""
        try:
            return act()
        except KeyboardInterrupt:
            return None

    def _boot(self):
        self._file("boot.py")
        if self._mode == FRIENDLY:
            self._file("main.py")
            send(BANNER)

    def _step(self):
        return self._raw() if self._mode == RAW else self._friendly()

    def _file(self, name):
        try:
            with open("/" + name) as file:
                source = file.read()
        except OSError:
            return
        tell("run")
        error, _ = self._execute(source)
        tell("idle")
        send(error)

    # -- what people type at --------------------------------------------------------------------------------------------

    def _friendly(self):
        line = bytearray()
        while True:
            byte = take()
            if byte == 1:
                self._mode = RAW
                return None
            if byte == 2:
                send(b"\r\n" + BANNER)
                return None
            if byte == 3:
                send(b"\r\n>>> ")
                return None
            if byte == 4 and not line:
                send(b"\r\n")
                return SOFT_RESET
            if byte in b"\r\n":
                return self._typed(line)
            line.append(byte)
            send(bytes((byte,)))

    def _typed(self, line):
        send(b"\r\n")
        if line:
            tell("run")
            error, leaves = self._execute(bytes(line))
            tell("idle")
            send(error)
            if leaves:
                return SOFT_RESET
        send(b">>> ")
        return None

    # -- what programs type at ------------------------------------------------------------------------------------------

    def _raw(self):
        if not self._greeted:
            send(b"raw REPL; CTRL-B to exit\r\n")
        self._greeted = True  # a Ctrl-C that comes late begins here anew, and says nothing
        while True:
            send(b">")
            line, end = self._raw_line()
            self._greeted = end not in (1, 2)
            if end == 1:
                return None
            if end == 2:
                send(b"\r\n" + BANNER)
                self._mode = FRIENDLY
                return None
            if end == 5:
                continue
            tell("run")
            send(b"OK")
            if not line:
                tell("idle")
                send(b"\r\n")
                return SOFT_RESET
            if self._execute_raw(bytes(line)):
                return SOFT_RESET

    def _raw_line(self):
        """Return (line, what ended it): 4 a line to execute, 5 one that raw paste has executed."""
        line = bytearray()
        while True:
            byte = take()
            if byte == 1 and len(line) == 2 and line[0] == 5 and self._raw_paste:
                return line, self._paste(line[1])
            if byte in (1, 2, 4):
                return line, byte
            if byte == 3:
                line = bytearray()
            else:
                line.append(byte)

    def _paste(self, kind):
        """Take a program with flow control, and execute it."""
        if kind != 65:
            send(b"R\x00")
            return 5
        send(b"R\x01" + bytes((WINDOW & 255, WINDOW >> 8)))
        send(b"\x01")
        line, room = bytearray(), WINDOW
        while True:
            byte = take()
            if byte in (3, 4):
                break
            line.append(byte)
            room -= 1
            if not room:
                send(b"\x01")
                room = WINDOW
        if byte == 3:
            send(b"\x04\x04KeyboardInterrupt: \r\n\x04")
            return 5
        tell("run")
        send(b"\x04")
        if self._execute_raw(bytes(line)):
            raise SystemExit
        return 5

    def _execute_raw(self, source):
        error, leaves = self._execute(source)
        tell("idle")
        send(b"\x04" + error + b"\x04")
        return leaves

    def _execute(self, source):
        """Return (traceback or nothing, whether the program wants a soft reset)."""
        try:
            exec(source, self.globals)
        except (HardReset, Off):
            raise
        except SystemExit:
            return b"", True
        except BaseException as e:
            text = io.StringIO()
            sys.print_exception(e, text)
            return text.getvalue().replace("\n", "\r\n").encode(), False
        return b"", False


def forget():
    """Forget every module: those of the test rig are no part of the board."""
    for name in list(sys.modules.keys()):
        if name not in ("machine", "micropython"):
            del sys.modules[name]
    sys.path[:] = ["", ".frozen", "/lib"]
    tell("kbd 3")


def main(options):
    """Be a board."""
    cells = open(options["cells"], "r+b")
    chip = make_chip(options, cells)
    mount(options["files"], options["files_size"])
    sys.modules["machine"] = Machine(chip, Bus(chip, options["stuck"]), options["cs"])
    sys.modules["micropython"] = Micropython(micropython, tell)
    builtins.print = show
    forget()
    repl, code = Repl(options["raw_paste"]), POWER_OFF
    try:
        repl.run()
    except HardReset:
        code = BEGIN_ANEW
    except Off:
        pass
    save(chip, cells)
    sys.exit(code)


with open(sys.argv[1]) as options:
    main(json.load(options))
