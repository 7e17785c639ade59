"""The way to a MicroPython board: mpremote's transport, without its endless waits, its prints and its surprises.

Raw REPL stops the program that runs on the board, so a board that does not show a prompt is only disturbed if that is
asked for; nothing is reset unless `soft_reset` is called. A port is always named, as mpremote names it.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flash_tools.errors import BusyError, NotFoundError, SilentError, ToolError, UsageError

_ANSWER_S = 10
_PROMPT_S = 1
_LEFT_S = 0.5
_MOST = 1 << 20  # bytes of one answer: a board may talk without end
_FLUSHES = 100
_BLANKS = b" " * 256  # at least a window of a raw paste
_PROMPT = b">>> "
_LINE_ERRORS = (errno.EIO, errno.ENXIO, errno.EBADF, errno.ENODEV, errno.EPIPE)


@contextmanager
def connect(place: str, interrupt: bool = False) -> Iterator:
    """Give an mpremote SerialTransport in raw REPL; what goes wrong with the line meanwhile is a ToolError."""
    try:
        import serial
        from mpremote import transport_serial
        from mpremote.transport import TransportError, TransportExecError
    except ImportError:
        raise NotFoundError("mpremote is missing: pip install mpremote") from None
    transport_serial.print = _hush
    line = _open(find(place), place)
    try:
        if not interrupt:
            _look_for_prompt(line, place)
        line.enter_raw_repl(soft_reset=False)
        yield line
    except TransportExecError as e:
        raise ToolError("the board answers: %s" % _last(e.error_output)) from None
    except (TransportError, serial.SerialException, struct.error, ValueError, SyntaxError) as e:
        raise _dropped(place, e) from None
    except OSError as e:
        if e.errno in _LINE_ERRORS:
            raise _dropped(place, e) from None
        raise ToolError("the board answers: %s, %s" % (os.strerror(e.errno or 0), e.strerror)) from None
    finally:
        with suppress(Exception):  # the line may be gone
            if line.in_raw_repl:
                line.exit_raw_repl()
        with suppress(OSError, serial.SerialException):
            line.close()


def find(place: str) -> str:
    """Return the port that a place names: itself, or where the board with that serial number is."""
    if place in ("auto", "list"):
        raise UsageError("mpy:%s names no board: never the first one that is found; use its port, or id:SERIAL" % place)
    if not place.startswith("id:"):
        port = place.removeprefix("port:")
        if port.startswith("/") and not os.path.exists(port):
            raise NotFoundError("%s is not there: see `mpremote connect list`" % place)
        return port
    from serial.tools.list_ports import comports

    for port in comports():
        if port.serial_number == place[3:]:
            return port.device
    raise NotFoundError("no board has the serial number %s: see `mpremote connect list`" % place[3:])


def _hush(*_) -> None:
    """Take what mpremote would print of bytes that it does not understand: stdout is for data."""


def _dropped(place, error):
    return SilentError("%s does not answer any more (%s): run it again, it goes on" % (place, _last(str(error))))


def soft_reset(line) -> None:
    """Restart the interpreter, which runs main.py; call it last."""
    line.exit_raw_repl()
    line.read_until(1, _PROMPT, timeout=_PROMPT_S)
    line.serial.write(b"\x04")


def _open(port, place):
    import serial
    from mpremote.transport import TransportError

    try:
        line = _bounded()(port, timeout=_ANSWER_S)
    except (TransportError, serial.SerialException, OSError, ValueError):
        raise _why_not(port, place) from None
    line.serial.write_timeout = _ANSWER_S
    return line


def _bounded():
    """Return mpremote's transport; it takes silence alone for the end, so that a board that never stops would keep it for ever."""
    from mpremote.transport import TransportError
    from mpremote.transport_serial import SerialTransport

    class Bounded(SerialTransport):
        def read_until(self, min_num_bytes, ending, timeout=10, data_consumer=None, timeout_overall=None):
            data, began = bytearray(), time.monotonic()
            heard = now = began
            while not data.endswith(ending) and len(data) < _MOST:
                if now - heard >= (timeout or _ANSWER_S) or timeout_overall and now - began >= timeout_overall:
                    break
                new = self.serial.read(1) if self.is_pty or self.serial.inWaiting() else b""
                now = time.monotonic()
                data += new
                if new and data_consumer:
                    data_consumer(new)
                if new:
                    heard = now
                else:
                    time.sleep(0.01)
            return bytes(data)

        def enter_raw_repl(self, soft_reset=False, timeout_overall=_ANSWER_S):
            self.serial.write(b"\r\x03")
            for _ in range(_FLUSHES):
                if not self.serial.inWaiting():
                    break
                self.serial.read(self.serial.inWaiting())
            self.serial.write(b"\r\x01")
            hello = b"raw REPL; CTRL-B to exit\r\n"
            if not self.read_until(1, hello, timeout_overall=timeout_overall).endswith(hello):
                raise TransportError("it shows no raw REPL")
            self.in_raw_repl = True

    return Bounded


def _why_not(port, place):
    """mpremote does not say why: ask again."""
    import serial

    try:
        serial.serial_for_url(port, exclusive=True).close()
    except (serial.SerialException, OSError, ValueError) as e:
        if getattr(e, "errno", None) == 11 or "lock" in str(e):
            return BusyError("%s is in use by another program" % place)
        if getattr(e, "errno", None) == 13:
            return ToolError("%s may not be opened: join its group (dialout), or ask your administrator" % place)
    return NotFoundError("%s is not there: see `mpremote connect list`" % place)


def _look_for_prompt(line, place):
    """An idle interpreter answers an empty line with a prompt; a running program does not, and is left alone.

    A line that dropped has left the board in raw REPL, which Ctrl-B ends, or in the middle of a raw paste: that alone
    acknowledges blanks with 01 and nothing else, and then Ctrl-C hits no program.
    """
    if _answer(line, b"\r", _PROMPT_S).endswith(_PROMPT) or _answer(line, b"\x02", _LEFT_S).endswith(_PROMPT):
        return
    if set(_answer(line, _BLANKS, _LEFT_S)) == {1}:
        line.serial.write(b"\x03")
        return
    raise BusyError(
        "%s shows no prompt, so a program runs there: --interrupt stops it (and --reset starts it again)" % place
    )


def _answer(line, data, wait_s):
    line.serial.write(data)
    said, end = b"", time.monotonic() + wait_s
    while time.monotonic() < end and not said.endswith(_PROMPT):
        waiting = line.serial.inWaiting()
        said += line.serial.read(waiting) if waiting else b""
        time.sleep(0.01)
    return said


def _last(text):
    lines = [line for line in str(text).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no answer"
