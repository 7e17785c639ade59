"""The I2cLink contract over smbus2: a call is one transaction, a repeated start between register and answer included.

SMBus calls of the same module end at 32 bytes and know one address byte only; plain messages have neither limit.
"""

import errno
import os

from agent.errors import FlashError

_MOST = 8192  # what the kernel takes in one message
_NOBODY = "nothing answers at 0x%02x on %s: check power, pull-ups, wiring and address (i2cdetect -y %s)"
_WHY = {
    errno.ENOENT: "%s is not there: switch I2C on (raspi-config, or dtparam=i2c_arm=on; modprobe i2c-dev)",
    errno.ENXIO: "%s has no bus behind it: see `ls /dev/i2c-*`",
    errno.EACCES: "%s may not be opened: join the group i2c (sudo usermod -aG i2c $USER) and log in again",
    errno.EPERM: "%s may not be opened: join the group i2c (sudo usermod -aG i2c $USER) and log in again",
    errno.ENOTTY: "%s is no I2C bus",
    errno.EBUSY: "%s is in use: a kernel driver has it",
    errno.EAGAIN: "%s was lost to another master: try again, or let only one drive it",
    errno.EOPNOTSUPP: "%s takes no plain messages (SMBus only): use another bus",
}
_SILENT = (errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ETIMEDOUT)  # which of them depends on the bus's driver


class I2cLink:
    """One device on a bus. `bus` is its number or path, `module` is smbus2 or what stands in for it."""

    def __init__(self, bus, address, address_bytes=1, module=None):
        self.path = bus if isinstance(bus, str) else "/dev/i2c-%d" % bus
        self.address, self._address_bytes = address, address_bytes
        self._module = module or _smbus2()
        try:
            self._bus = self._module.SMBus(self.path)
        except OSError as e:
            raise _refusal(self.path, e) from e

    def write(self, reg, data):
        """Send the register's address, then `data`, in one transaction."""
        self._transfer(self._message(reg, bytes(data)))

    def read(self, reg, into):
        """Send the register's address, then read into the whole of `into`, in one transaction."""
        answer = self._module.i2c_msg.read(self.address, self._fits(len(into)))
        first = (self._message(reg, b""),) if self._address_bytes else ()
        self._transfer(*first, answer)
        into[:] = bytes(answer)

    def close(self):
        """Let go of the bus; calling it twice is allowed."""
        self._bus.close()

    def _message(self, reg, data):
        self._fits(len(data) + self._address_bytes)
        return self._module.i2c_msg.write(self.address, reg.to_bytes(self._address_bytes, "big") + data)

    def _fits(self, size):
        if size > _MOST:
            raise FlashError("%d bytes are more than one I2C message takes (%d): cut them" % (size, _MOST))
        return size

    def _transfer(self, *messages):
        try:
            self._bus.i2c_rdwr(*messages)
        except OSError as e:
            if e.errno in _SILENT:
                text = _NOBODY % (self.address, self.path, os.path.basename(self.path).replace("i2c-", ""))
                raise FlashError(text) from e
            raise _refusal(self.path, e) from e


def _smbus2():
    try:
        import smbus2
    except ImportError as e:
        raise FlashError(
            "the Python module smbus2 is missing: pip install smbus2, or apt install python3-smbus2"
        ) from e
    return smbus2


def _refusal(path, error):
    text = _WHY.get(error.errno)
    return FlashError(text % path if text else "%s: %s" % (path, error.strerror or error))
