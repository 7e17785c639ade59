"""The cable between a simulated device's serial line and this computer: two pseudo-terminals and what can go wrong between.

The device has one terminal for as long as the cable exists. The host has the other one, which a cut takes away: whoever had it
open is hung up on, and a new one stands at the same link. Like a wire it keeps nothing: what nobody takes is lost.
"""

import contextlib
import os
import select
import termios
import threading
import tty
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from flash_tools.errors import ToolError

LINK = "serial"  # in the folder of the device
_PIECE = 4096
_GONE_S = 5


@dataclass
class LineFaults:
    """What happens to the bytes: `drop` and `flip` are chances per byte, the rest counts bytes of both directions."""

    seed: int = 0
    drop: float = 0.0
    flip: float = 0.0
    silences: tuple = ()  # (first byte, number of bytes) that never arrive
    cuts: tuple = ()  # the cable is unplugged, and plugged in again, behind so many bytes
    carried: int = 0
    done: list = field(default_factory=list)  # what has happened, as (word, at)

    def __post_init__(self):
        self._random, self._cuts = Random(self.seed), sorted(self.cuts)

    def carry(self, data: bytes) -> tuple[bytes, bool]:
        """Return what arrives of `data`, and whether the cable is cut behind it."""
        arrived = bytearray()
        for byte in data:
            self.carried += 1
            arrived += self._byte(byte)
            if self._cuts and self.carried >= self._cuts[0]:
                self.done.append(("cut", self._cuts.pop(0)))
                return bytes(arrived), True
        return bytes(arrived), False

    def _byte(self, byte):
        if any(start <= self.carried < start + count for start, count in self.silences):
            return b""
        if self.drop and self._random.random() < self.drop:
            self.done.append(("drop", self.carried))
            return b""
        if self.flip and self._random.random() < self.flip:
            self.done.append(("flip", self.carried))
            byte ^= 1 << self._random.randrange(8)
        return bytes([byte])


class _Terminal:
    """A pseudo-terminal in raw mode; our own hold on its far end keeps it alive while nobody else has it open."""

    def __init__(self):
        try:
            self.fd, self._far = os.openpty()
            tty.setraw(self._far)
            os.set_blocking(self.fd, False)
            self.path = os.ttyname(self._far)
        except OSError as e:
            raise ToolError("this computer gives no pseudo-terminal: %s" % e.strerror) from None

    def write(self, data):
        """Give it as much as it takes."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self.fd, data)

    def flush(self):
        """Forget what nobody has read."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._far, termios.TCIOFLUSH)

    def close(self):
        """Hang up."""
        os.close(self._far)
        os.close(self.fd)


class SerialCable:
    """`device` is the path of the device's terminal, `path` that of the host's; `link`, a file name, leads to the latter."""

    def __init__(self, link: Path | None = None, faults: LineFaults | None = None):
        self.link, self.faults = link, faults or LineFaults()
        self._near, self._host = _Terminal(), _Terminal()
        self.device, self.path = self._near.path, self._host.path
        self.cuts = 0
        self._wake_in, self._wake_out = os.pipe()
        self._lock, self._ends = threading.RLock(), False
        self._show()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> str:
        """Unplug it and plug it in again; return the path of the host's new terminal."""
        with self._lock:
            old, self._host = self._host, _Terminal()  # made first: the old path must not come back
            old.close()
            self.path = self._host.path
            self.cuts += 1
            self._show()
        self._wake()
        return self.path

    def flush(self) -> None:
        """Forget what the device has not read: it has been off."""
        self._near.flush()

    def close(self) -> None:
        """Take it away."""
        self._ends = True
        self._wake()
        self._thread.join(_GONE_S)
        self._near.close()
        self._host.close()
        os.close(self._wake_in)
        os.close(self._wake_out)
        if self.link and self.link.is_symlink():
            self.link.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _show(self):
        if not self.link:
            return
        part = self.link.with_name(self.link.name + ".part")
        try:
            part.unlink(missing_ok=True)
            part.symlink_to(self.path)
            part.replace(self.link)
        except OSError as e:
            raise ToolError("cannot make %s: %s" % (self.link, e.strerror)) from None

    def _wake(self):
        os.write(self._wake_out, b"x")

    def _run(self):
        while not self._ends:
            host = self._host
            with contextlib.suppress(OSError, ValueError):  # a cut has closed what was waited for
                ready = select.select((self._near.fd, host.fd, self._wake_in), (), ())[0]
                if self._wake_in in ready:
                    os.read(self._wake_in, _PIECE)
                    continue
                with self._lock:
                    if host is self._host:
                        self._carry(self._near.fd in ready, self._near, host)
                        if host is self._host:
                            self._carry(host.fd in ready, host, self._near)

    def _carry(self, ready, source, sink):
        if not ready:
            return
        data, cut = self.faults.carry(os.read(source.fd, _PIECE))
        if data:
            sink.write(data)
        if cut:
            self.cut()
