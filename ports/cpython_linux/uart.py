"""The Uart contract over pyserial. Reading never waits; writing waits for the line, but not for one that stands still.

pyserial opens, sets and reads. It does not write: where a line takes nothing its `write` spins until the time-out.
"""

import errno
import os
import select
import termios

from agent.errors import LinkError

_STILL_MS = 2000  # nothing taken for that long: nobody reads, or the handshake says no
_LOST = select.POLLERR | select.POLLHUP | select.POLLNVAL
_GROUP = "%s may not be opened: join the group dialout (sudo usermod -aG dialout $USER) and log in again"
_TAKEN = "%s is in use: another program has it, a login perhaps (systemctl stop serial-getty@...)"
_NO_LINE = "%s has no line behind it: the port is not wired up, or its adapter is gone"
_WHY = {
    errno.ENOENT: "%s is not there: see `ls /dev/tty*`, and enable_uart=1 in config.txt of a Raspberry Pi",
    errno.EACCES: _GROUP,
    errno.EPERM: _GROUP,
    errno.EAGAIN: _TAKEN,
    errno.EBUSY: _TAKEN,
    errno.EIO: _NO_LINE,
    errno.ENXIO: _NO_LINE,
    errno.ENOTTY: "%s is no serial line",
}
# termios.error is no OSError, and a port that was closed meanwhile gives a TypeError; pyserial's own are OSErrors
_ERRORS = (OSError, ValueError, TypeError, termios.error)


class Uart:
    """A serial line, eight bits, no parity, for this process alone. `module` is pyserial, or what stands in for it."""

    def __init__(self, path, baud, module=None):
        self.path = path
        try:
            self._port = (module or _pyserial()).Serial(path, baud, timeout=0, exclusive=True)
            self._poll = select.poll()
            self._poll.register(self._port.fileno(), select.POLLOUT)
        except _ERRORS as e:
            raise _refusal(path, e) from e

    def read_into(self, into):
        """Return the number of bytes read, 0 where nothing is there; never waits."""
        try:
            data = self._port.read(len(into))
        except _ERRORS as e:
            raise self._gone() from e
        into[: len(data)] = data
        return len(data)

    def write(self, data):
        """Send all of it; LinkError where the line takes nothing for two seconds."""
        left = memoryview(data)
        while len(left):
            try:
                left = left[self._write(left) :]
            except BlockingIOError:
                pass
            except _ERRORS as e:
                raise self._gone() from e

    def fileno(self):
        """Return what `select` can wait for."""
        return self._port.fileno()

    def close(self):
        """Let go of the line; calling it twice is allowed."""
        self._port.close()

    def _write(self, data):
        """Write what the line takes now; return how much that was."""
        if not self._port.is_open:
            raise ValueError("closed")
        ready = self._poll.poll(_STILL_MS)
        if not ready:
            raise LinkError("%s takes nothing: check the handshake, and who is at the other end" % self.path)
        if ready[0][1] & _LOST:
            raise OSError(errno.EIO, "hung up")
        return os.write(self._port.fileno(), data)

    def _gone(self):
        return LinkError("%s is gone: plug its adapter in again, then open it again" % self.path)


def _pyserial():
    try:
        import serial
    except ImportError as e:
        raise LinkError(
            "the Python module serial is missing: pip install pyserial, or apt install python3-serial"
        ) from e
    return serial


def _refusal(path, error):
    text = next((_WHY[number] for number in _numbers(error) if number in _WHY), None)
    return LinkError(text % path if text else "%s cannot be opened: %s" % (path, str(error).split("\n")[0]))


def _numbers(error):
    """Yield the error numbers of it and of what it hides: pyserial puts only words into some of its own."""
    while error:
        yield from (getattr(error, "errno", None), *error.args[:1])
        error = error.__context__
