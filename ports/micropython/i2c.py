"""The I2cLink contract over machine.I2C or machine.SoftI2C, which the port makes."""

from agent.errors import FlashError


class I2cLink:
    """One device on `i2c`; `address_bytes` is how many bytes the address of a register has: 1, 2, or 0 for none."""

    def __init__(self, i2c, address, address_bytes=1):
        self._i2c, self._address, self._bits = i2c, address, 8 * address_bytes

    def write(self, reg, data):
        """Send the register's address, then `data`, in one transaction."""
        try:
            if self._bits:
                self._i2c.writeto_mem(self._address, reg, data, addrsize=self._bits)
            else:
                self._i2c.writeto(self._address, data)
        except OSError as e:
            raise self._silent(e)

    def read(self, reg, into):
        """Send the register's address, then read into the whole of `into`, without letting go of the bus."""
        try:
            if self._bits:
                self._i2c.readfrom_mem_into(self._address, reg, into, addrsize=self._bits)
            else:
                self._i2c.readfrom_into(self._address, into)
        except OSError as e:
            raise self._silent(e)

    def _silent(self, error):
        text = "nothing answers at 0x%02x (error %s): check power, pull-ups, wiring and address"
        return FlashError(text % (self._address, error.args[0] if error.args else "?"))
