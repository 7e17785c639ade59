"""A temperature sensor of the LM75 class (TMP102, TMP105, PCT2075 and many others), and a gate that lets flash be written
only while it is neither too cold nor too hot: cells that were written outside of their range may not keep what they read back.
"""

from agent.compat import const
from agent.errors import AgentError, FlashError

_LOWEST_MC, _HIGHEST_MC = const(-55000), const(150000)  # what such a sensor can measure
_KEEP_MS = const(1000)
_MARGIN_MC = const(1000)  # to come back in: not to and fro at the edge


class Sensor:
    """`bits` is what the part resolves, 9 to 16; what lies behind them is noise."""

    def __init__(self, link, bits=12):
        self._link = link
        self._mask = 0x10000 - (1 << 16 - bits)
        self._found = bytearray(2)

    def milli_c(self):
        """Return thousandths of a degree Celsius."""
        self._link.read(0, self._found)
        found = (self._found[0] << 8 | self._found[1]) & self._mask
        if found & 0x8000:
            found -= 0x10000
        milli_c = found * 1000 // 256
        if not _LOWEST_MC <= milli_c <= _HIGHEST_MC:
            raise FlashError("the temperature sensor says %d C, which it cannot measure" % (milli_c // 1000))
        return milli_c


class Gate:
    """`ask` is a board's `may_write`. A sensor that fails is told to `log` once and holds nothing up: the flash verifies
    what it writes, and an update may be the very cure.
    """

    def __init__(self, link, low_c, high_c, clock, log=None, bits=12):
        self._sensor, self._clock, self._log = Sensor(link, bits), clock, log
        self._low_c, self._high_c = low_c, high_c
        self._asked_at, self._answer = None, ""
        self.fault = ""

    def ask(self):
        """Return "" where flash may be written, else the reason why not; the sensor is read once a second at most."""
        if self._asked_at is None or self._clock.since(self._asked_at) >= _KEEP_MS:
            self._asked_at = self._clock.ms()
            self._answer = self._judge()
        return self._answer

    def _judge(self):
        try:
            milli_c = self._sensor.milli_c()
        except AgentError as e:
            if not self.fault and self._log:
                self._log("flash is written whatever the temperature is: %s", e)
            self.fault = str(e)
            return ""
        self.fault = ""
        margin = _MARGIN_MC if self._answer else 0
        if self._low_c * 1000 + margin <= milli_c <= self._high_c * 1000 - margin:
            return ""
        return "at %d C flash is not written, only from %d to %d" % (milli_c // 1000, self._low_c, self._high_c)
