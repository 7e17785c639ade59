"""The NOR chip's cells, kept for QEMU by this process, so that the power can go in the middle of any one operation of the chip.

QEMU is the client of a network block device (NBD) over a socket. Each page program and each erase comes as one write, in the order
in which the board gave them; from the cut on, nothing is written any more, whatever QEMU still manages to send.
"""

import os
import random
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

from flash_tools.rig.emulator import damage

_OPTION_MAGIC, _REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
_REQUEST_MAGIC, _ANSWER_MAGIC = 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES, _HAS_FLAGS, _SEND_FLUSH = 1, 2, 1, 4
_GO, _ACK, _INFO, _UNSUPPORTED = 7, 1, 3, 0x80000001
_EXPORT, _BLOCK_SIZE = 0, 3
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_REFUSED = 22  # EINVAL
_LARGEST = 1 << 25


class ChipServer:
    """Serves one chip to one QEMU; `power_off` is called in the operation that a cut was asked for."""

    def __init__(self, image: Path, channel: socket.socket, power_off):
        self._file = os.open(image, os.O_RDWR | os.O_CLOEXEC)
        self._size, self._channel, self._power_off = os.fstat(self._file).st_size, channel, power_off
        self._turn = threading.Lock()
        self._cut_at, self._seed = None, 0
        self.operations, self.torn = 0, None
        self._thread = threading.Thread(target=self._serve, name="rig-chip", daemon=True)
        self._thread.start()

    def cut_after(self, operations: int, seed: int) -> None:
        """Take the power inside of an operation: 1 is the next one."""
        with self._turn:
            self._cut_at, self._seed = self.operations + operations, seed

    def finish(self) -> None:
        """Carry out what QEMU sent before it ended, and close the file."""
        self._thread.join()
        self._channel.close()
        os.close(self._file)

    # -- what comes from QEMU ------------------------------------------------------------------------------------------

    def _serve(self):
        stream = self._channel.makefile("rb")
        try:
            self._channel.sendall(b"NBDMAGIC" + struct.pack(">QH", _OPTION_MAGIC, _FIXED_NEWSTYLE | _NO_ZEROES))
            _exactly(stream, 4)
            while not self._negotiated(stream):
                pass
            while self._answer(stream):
                pass
        except (EOFError, OSError):
            pass  # QEMU has ended
        finally:
            stream.close()

    def _negotiated(self, stream):
        _, option, size = struct.unpack(">QII", _exactly(stream, 16))
        _exactly(stream, size)
        if option != _GO:
            self._say(option, _UNSUPPORTED)
            return False
        self._say(option, _INFO, struct.pack(">HQH", _EXPORT, self._size, _HAS_FLAGS | _SEND_FLUSH))
        self._say(option, _INFO, struct.pack(">HIII", _BLOCK_SIZE, 1, damage.PAGE, _LARGEST))
        self._say(option, _ACK)
        return True

    def _say(self, option, kind, data=b""):
        self._channel.sendall(struct.pack(">QIII", _REPLY_MAGIC, option, kind, len(data)) + data)

    def _answer(self, stream):
        _, _, kind, handle, offset, size = struct.unpack(">IHHQQI", _exactly(stream, 28))
        data, error = b"", 0
        if kind == _WRITE:
            self._write(offset, _exactly(stream, size))
        elif kind == _READ:
            data = os.pread(self._file, size, offset)
        elif kind == _DISCONNECT:
            return False
        elif kind != _FLUSH:
            error = _REFUSED
        if self.torn is None:
            with suppress(OSError):  # QEMU has ended, but what it sent before counts
                self._channel.sendall(struct.pack(">IIQ", _ANSWER_MAGIC, error, handle) + data)
        return True

    def _write(self, offset, data):
        with self._turn:
            if self.torn is not None:
                return
            self.operations += 1
            if self.operations != self._cut_at:
                os.pwrite(self._file, data, offset)
                return
            self._power_off()
            self.torn = (offset, "erase" if _is_erase(data) else "program")
            before = os.pread(self._file, len(data), offset)
            os.pwrite(self._file, damaged(before, data, self._seed), offset)


def damaged(before: bytes, after: bytes, seed: int) -> bytes:
    """Return what an operation between the two leaves when the power goes in it."""
    rng = random.Random(seed)
    return damage.half_erased(before, rng) if _is_erase(after) else damage.torn_page(before, after, rng)


def _is_erase(data):
    return len(data) >= damage.SECTOR and data.count(0xFF) == len(data)


def _exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data
