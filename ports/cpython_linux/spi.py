"""The SpiLink contract over Linux spidev: a call is one transfer, because chip select is let go of between two.

spidev gives lists, overwrites the list that it is given, and takes at most 4096 bytes at once whatever the kernel allows. What only
sends goes as bytes, which costs a third of a list; spidev would cut bytes that are too many into several transactions.
"""

import errno
import os

from agent.errors import FlashError

BUFSIZ = "/sys/module/spidev/parameters/bufsiz"
_MODULE_MOST = 4096  # what the Python module spidev takes at once
_HEAD = 5  # opcode and at most four address bytes, or three and a dummy byte
LEAST = _HEAD + 256  # a page is programmed in one transfer
_USUAL_HZ = 10000000
_WHY = {
    errno.ENOENT: "%s is not there: switch SPI on (raspi-config, or dtparam=spi=on), or see `ls /dev/spidev*`",
    errno.ENXIO: "%s has no device behind it: see `ls /dev/spidev*`",
    errno.EACCES: "%s may not be opened: join the group spi (sudo usermod -aG spi $USER) and log in again",
    errno.EPERM: "%s may not be opened: join the group spi (sudo usermod -aG spi $USER) and log in again",
    errno.EBUSY: "%s is in use: a kernel driver or another program has it",
    errno.EMSGSIZE: "%s takes shorter messages than it said: check the kernel's spidev.bufsiz",
    errno.ENOTTY: "%s is no spidev",
}
_TOO_SMALL = "%s: spidev.bufsiz is %d bytes, a page takes %d: add spidev.bufsiz=65536 to the kernel's command line"


class SpiLink:
    """One chip select of a bus. `module` is spidev, or what stands in for it."""

    def __init__(self, path, hz=_USUAL_HZ, mode=0, module=None, bufsiz=BUFSIZ):
        self.path = path
        self._most = max_message(bufsiz)
        if self._most < LEAST:
            raise FlashError(_TOO_SMALL % (path, self._most, LEAST))
        self.max_query = self._most - _HEAD
        self._spi = (module or _spidev()).SpiDev()
        self._exchange, self._send = self._spi.xfer2, self._spi.writebytes2
        try:
            self._open(path)
            self.hz = self._set("max_speed_hz", hz)
            if self._set("mode", mode) != mode:
                raise FlashError("%s does not take SPI mode %d: use another bus" % (path, mode))
        except BaseException:
            self.close()
            raise

    def command(self, head, data=None):
        """Send `head`, then `data`, in one transaction."""
        message = head + data if data else head
        try:
            if len(message) > self._most:
                raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
            self._send(message)
        except OSError as e:
            raise refusal(self.path, e) from e

    def query(self, head, into):
        """Send `head`, then read into the whole of `into`, in one transaction."""
        size = len(into)
        try:
            if size == 1:  # a status, asked for at every page
                into[0] = self._exchange([*head, 0])[-1]
                return
            answer = bytes(self._exchange([*head] + [0] * size))
        except (OSError, OverflowError) as e:
            raise refusal(self.path, e) from e
        if len(answer) != len(head) + size:
            text = "%s sent %d bytes and took %d: check the SPI driver"
            raise FlashError(text % (self.path, len(answer), len(head) + size))
        into[:] = answer[len(head) :]

    def close(self):
        """Let go of the bus; calling it twice is allowed."""
        self._spi.close()

    def _open(self, path):
        try:
            if not os.path.exists(path):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            if hasattr(self._spi, "open_path"):
                self._spi.open_path(path)
            else:  # spidev 3.6, Debian 12's: only by numbers, so a link of udev's is followed
                self._spi.open(*_numbers(path))
        except OSError as e:
            raise refusal(path, e) from e

    def _set(self, name, value):
        """Set it, and return what the kernel made of it."""
        try:
            setattr(self._spi, name, value)
            return getattr(self._spi, name)
        except (OSError, TypeError, ValueError) as e:
            raise FlashError("%s does not take %s %s: use another value" % (self.path, name, value)) from e


def _numbers(path):
    """Return bus and chip select of /dev/spidevB.C."""
    name = os.path.basename(os.path.realpath(path))
    bus, _, select = name.removeprefix("spidev").partition(".")
    if not (name.startswith("spidev") and bus.isdigit() and select.isdigit()):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
    return int(bus), int(select)


def max_message(bufsiz=BUFSIZ):
    """Return the longest transfer: the kernel's buffer, or less where spidev takes less."""
    try:
        with open(bufsiz) as file:
            return min(int(file.read()), _MODULE_MOST)
    except (OSError, ValueError):
        return _MODULE_MOST


def _spidev():
    try:
        import spidev
    except ImportError as e:
        raise FlashError(
            "the Python module spidev is missing: pip install spidev, or apt install python3-spidev"
        ) from e
    return spidev


def refusal(path, error):
    """Return a FlashError that says what to do about an error of the system."""
    text = _WHY.get(getattr(error, "errno", None))
    return FlashError(text % path if text else "%s: %s" % (path, getattr(error, "strerror", None) or error))
