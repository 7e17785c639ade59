"""A serial line whose bytes are noted in a file: what went out (>) and what came (<), with the time of this computer."""

import os
import time

import serial

from flash_tools.errors import ToolError

TRACE = "FUMO_TRACE"
_A_ROW = 16


class TracedSerial(serial.Serial):
    """pyserial's line; the file is added to, and closed with the line."""

    def __init__(self, *given, trace: str, **named) -> None:
        self._trace = _opened(trace)
        try:
            super().__init__(*given, **named)
        except BaseException:
            self._trace.close()
            raise

    def read(self, size: int = 1) -> bytes:
        """Read, and note what came."""
        data = super().read(size)
        self._note("<", data)
        return data

    def write(self, data) -> int | None:
        """Note what goes out, and write it."""
        self._note(">", bytes(data))
        return super().write(data)

    def close(self) -> None:
        """Close both."""
        super().close()
        self._trace.close()

    def _note(self, way, data):
        now = time.time()
        when = time.strftime("%H:%M:%S", time.localtime(now)) + ".%03d" % (now % 1 * 1000)
        for at in range(0, len(data), _A_ROW):
            row = data[at : at + _A_ROW]
            text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            self._trace.write("%s %s %-*s %s\n" % (when, way, _A_ROW * 3, row.hex(" "), text))


def _opened(path):
    try:
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1)
    except OSError as e:
        raise ToolError("cannot write the trace %s: %s" % (path, e.strerror)) from None
