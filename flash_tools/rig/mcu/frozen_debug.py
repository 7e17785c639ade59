"""QEMU's own debugger port, as far as looking at a stopped microcontroller needs it: stop, go on, break, memory into a file."""

import socket
import time
from contextlib import suppress
from pathlib import Path

from flash_tools.errors import SilentError, ToolError

_STACK_REGISTER, _REGISTERS = 13, 17


class Debugger:
    """A connection to `-gdb unix:PATH,server=on,wait=off`; QEMU stops the processor when it is made."""

    def __init__(self, path: Path, timeout_s: float = 10):
        self._line, self._data = socket.socket(socket.AF_UNIX), b""
        self._line.settimeout(timeout_s)
        end = time.monotonic() + timeout_s
        while True:
            try:
                self._line.connect(str(path))
                break
            except OSError:
                if time.monotonic() > end:
                    raise SilentError("QEMU's debugger is not there") from None
                time.sleep(0.01)
        self.wait(timeout_s)  # it says that it has stopped

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._line.close()

    def stop_at(self, address: int) -> None:
        """Let the processor stop whenever it comes there."""
        self._expect("Z0,%x,2" % (address & ~1))

    def go(self) -> None:
        """Let the processor work; `wait` tells when it has stopped."""
        self._send("c")

    def wait(self, timeout_s: float) -> bool:
        """Wait for the processor to stop; tell whether it did."""
        self._line.settimeout(timeout_s)
        try:
            return self._answer()[:1] == "T"
        except TimeoutError:
            return False
        finally:
            self._line.settimeout(10)

    def interrupt(self) -> None:
        """Stop the processor."""
        self._line.sendall(b"\x03")
        self.wait(10)

    def registers(self) -> list[int]:
        """Return r0 to r12, sp, lr, pc, and the status."""
        text = self.ask("g")
        words = [text[at : at + 8] for at in range(0, len(text), 8)]
        return [int.from_bytes(bytes.fromhex(word), "little") for word in words[:_REGISTERS] if "x" not in word]

    def memory(self, start: int, size: int, path: Path) -> bytes:
        """Return memory, by way of a file that QEMU writes."""
        self._send("qRcmd," + ('pmemsave 0x%x 0x%x "%s"' % (start, size, path)).encode().hex())
        while (answer := self._answer()) != "OK":
            if answer[:1] == "E":
                raise ToolError("QEMU does not write its memory")
        return path.read_bytes()

    def ask(self, words: str) -> str:
        """Return the answer to a question."""
        self._send(words)
        return self._answer()

    def _expect(self, words):
        if self.ask(words) != "OK":
            raise ToolError("QEMU's debugger does not take %s" % words)

    def _send(self, words):
        data = words.encode()
        self._line.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def _answer(self):
        while True:
            start, end = self._data.find(b"$"), self._data.find(b"#")
            if 0 <= start < end and len(self._data) >= end + 3:
                text, self._data = self._data[start + 1 : end], self._data[end + 3 :]
                with suppress(OSError):
                    self._line.sendall(b"+")
                return text.decode()
            part = self._line.recv(4096)
            if not part:
                raise ToolError("QEMU has ended")
            self._data += part


def stack_words(registers: list[int], data: bytes, top: int) -> list[int]:
    """Return what the collector takes for pointers: the registers, and all that is on the stack."""
    at = registers[_STACK_REGISTER] & ~3
    return registers + list(memoryview(data[at:top]).cast("I"))
