"""The SpiLink contract over machine.SPI and a chip-select pin; both are made by the board file."""

from agent.compat import const

_MOST = const(4096)


class SpiLink:
    """`spi` is a machine.SPI, `cs` a machine.Pin that is an output."""

    max_query = _MOST

    def __init__(self, spi, cs):
        self._cs, self._write, self._fill = cs, spi.write, spi.readinto
        cs(1)

    def command(self, head, data=None):
        """Send `head`, then `data`, in one transaction."""
        self._cs(0)
        try:
            self._write(head)
            if data:
                self._write(data)
        finally:
            self._cs(1)

    def query(self, head, into):
        """Send `head`, then read into the whole of `into`, in one transaction."""
        self._cs(0)
        try:
            self._write(head)
            self._fill(into)
        finally:
            self._cs(1)
