"""An emulated microcontroller on a bench: its power, its chip, its console, its line to the network, Python run on it.

Its memory for the chip is a file that QEMU maps, so a power cut is a SIGKILL: what the processor had written is in the file,
what it had not is not, wherever it stood.
"""

import socket
import time
from pathlib import Path

from flash_tools.errors import SilentError, ToolError
from flash_tools.rig.emulator import commands, launch
from flash_tools.rig.mcu.line import Console
from flash_tools.rig.mcu.memory import SIZE, Memory, Settings

ERRORS, MEMORY = "qemu.log", "memory.img"
_MACHINE = "mps2-an385"
_PASTE, _ANSWER_S = 128, 60
_COUNTED = ("-icount", "shift=0,sleep=off")
_STEADY = ("-icount", "shift=3,sleep=on")  # 125 million instructions a second
STEADY_INSTRUCTIONS = 5  # of one count of time.ticks_cpu(), with `steady`
TICK_INSTRUCTIONS = 40  # of one count of time.ticks_cpu(), with `counted`: 25 MHz, and a processor of 1 GHz


class Microcontroller:
    """A board in a folder of its own; what is in the folder stays, so a later board there has the same chip.

    `line(channel)` is called with our end of the serial line to the network at each power-on and returns what has `close()`;
    `console(channel)` likewise, for the console. `counted`: time goes by instructions, one a nanosecond, and no wait takes any.
    `steady`: by instructions too, as fast as a real board's, and waits are real ones: a busy host breaks no limit of the board.
    """

    def __init__(
        self, folder, firmware, settings: Settings, line=None, counted=False, console=Console, steady=False
    ):  # fmt: skip
        self.folder, self.firmware, self.settings = Path(folder).resolve(), Path(firmware), settings
        self.folder.mkdir(parents=True, exist_ok=True)
        self.memory = Memory(self.folder / MEMORY)
        self.console: Console | None = None
        self._line, self._console = line, console
        self._clock = _COUNTED if counted else _STEADY if steady else ()
        self._process = self._other_end = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.off()

    @property
    def alive(self) -> bool:
        """Tell whether the board has power."""
        return self._process is not None and self._process.poll() is None

    def on(self) -> None:
        """Give the board power."""
        self.off()
        self.memory.power(self.settings)
        console, theirs = socket.socketpair()
        line, their_line = socket.socketpair()
        fds = (theirs.fileno(), their_line.fileno())
        try:
            with open(self.folder / ERRORS, "wb") as log:
                options = {"stdin": launch.NOTHING, "stdout": log, "stderr": log, "pass_fds": fds, "cwd": self.folder}
                self._process = launch.start(self._command(*fds), **options)
        except OSError as e:
            console.close()
            line.close()
            raise ToolError("QEMU cannot be started: %s" % e.strerror) from None
        finally:
            theirs.close()
            their_line.close()
        self.console = self._console(console)
        self._other_end = self._line(line) if self._line else _Closed(line)

    def off(self) -> None:
        """Cut the power, by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        for end in (self.console, self._other_end):
            if end:
                end.close()
        self._other_end = None

    def wait(self, words: tuple[str, ...], timeout_s: float = 60, start: int = 0) -> tuple[str, int]:
        """Wait until the console says one of these; a ToolError where QEMU has ended by itself."""
        found, end = self.console.wait(words, timeout_s, start)
        if not found:
            raise ToolError("QEMU ended: %s" % commands.complaint((self.folder / ERRORS).read_text(errors="replace")))
        return found, end

    # -- Python on a board whose settings say `repl` ------------------------------------------------------------------

    def run(self, source: str, timeout_s: float = _ANSWER_S) -> str:
        """Run Python on the board and return what it prints; a ToolError with the last line of a traceback."""
        console = self.console
        if console.size == 0 or "raw REPL" not in console.text:
            self.wait((">>> ",), timeout_s)
            console.send(b"\r\x01")
            self.wait(("CTRL-B to exit\r\n>",), timeout_s)
        start, data = console.size, source.encode()
        for at in range(0, len(data), _PASTE):  # the console's own line keeps one byte
            console.send(data[at : at + _PASTE])
        console.send(b"\x04")
        _, start = console.bytes_until(b"OK", start, timeout_s)
        out, start = console.bytes_until(b"\x04", start, timeout_s)
        err, start = console.bytes_until(b"\x04", start, timeout_s)
        console.bytes_until(b">", start, timeout_s)
        if err:
            raise ToolError("the board says: %s" % err.decode(errors="replace").strip().splitlines()[-1])
        return out.decode(errors="replace")

    def _command(self, console, line):
        backend = "memory-backend-file,id=shared,size=%d,mem-path=%s,share=on" % (SIZE, self.memory.path)
        words = [commands.find("qemu-system-arm"), "-M", _MACHINE + ",memory-backend=shared", "-object", backend]
        words += ["-display", "none", "-monitor", "none", "-semihosting", "-kernel", str(self.firmware.resolve())]
        for name, handle in (("console", console), ("line", line)):
            words += ["-chardev", "socket,id=%s,fd=%d" % (name, handle), "-serial", "chardev:" + name]
        return [*words, *self._clock]


class _Closed:
    """A line with nobody at the other end."""

    def __init__(self, channel):
        self._channel = channel

    def close(self):
        self._channel.close()


def wait_until(true, timeout_s: float, what: str) -> None:
    """Wait until a function says so."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise SilentError("%s within %g s" % (what, timeout_s))
        time.sleep(0.01)
