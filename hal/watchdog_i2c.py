"""A supervisor on I2C as a watchdog. Beside the processor's own one it goes into hal.lines.Watchdogs: both are fed then.

What differs between chips is a table: registers that make it reset the board, the one that takes the time-out, what feeds it,
where it tells that it was the one who did it. A chip that is not here gets a Supervisor of its own in the board file.
"""

from agent.errors import AgentError, FlashError
from agent.reset import POWER, UNKNOWN, WATCHDOG
from hal.watchdog import clamp


class Supervisor:
    """A chip; a bit is (register, mask)."""

    def __init__(self, setup, timeout, tick_ms, least, most, early=0, kick=None, did_it=None, power_came=None):
        self.setup = setup  # ((register, mask, bits), ...) before the time-out is given
        self.timeout = timeout  # register of the time-out in ticks, counted down or not
        self.tick_ms = tick_ms
        self.least, self.most = least, most  # ticks
        self.early = early  # ticks by which it may come before its time
        self.kick = kick  # (register, byte) that feeds; None: the time-out is written again
        self.did_it = did_it  # bit that is set after a reset by it, and cleared by writing 0
        self.power_came = power_came  # the same for its supply


# A clock chip of many industrial boards: watchdog flag in Control_2, 1 Hz, its /RST wired to the reset of the board
PCF2127 = Supervisor(((0x10, 0xC3, 0xC2),), 0x11, 1000, 2, 255, 1, None, (0x01, 0x40))
PCF2129 = Supervisor(((0x10, 0xC3, 0x82),), 0x11, 1000, 2, 255, 1, None, (0x01, 0x40))


class I2cWatchdog:
    """The chip runs from the moment that this is made. A feed that does not get through is not repeated: the next one comes
    in time, and if none gets through the board is reset, which is what the chip is there for; `fault` keeps what was wrong.
    """

    def __init__(self, link, chip, wanted_ms):
        self._link, self._chip = link, chip
        self._byte = bytearray(1)
        self.fault = ""
        tick_ms = chip.tick_ms
        ticks = clamp(wanted_ms, chip.least * tick_ms, chip.most * tick_ms, tick_ms) // tick_ms
        self._kick = chip.kick or (chip.timeout, ticks)
        try:
            for register, mask, bits in chip.setup:
                self._put(register, self._get(register) & ~mask & 0xFF | bits)
                self._expect(register, mask, bits)
            self._put(chip.timeout, ticks)
            self._put(*self._kick)
            found = self._get(chip.timeout)
        except AgentError as e:
            raise FlashError("the watchdog on I2C does not answer: check its wiring and address (%s)" % e)
        if not 0 <= ticks - found <= 1:  # it may have begun to count
            raise FlashError("the watchdog on I2C has %d instead of %d: the board file names another" % (found, ticks))
        self.timeout_ms = (ticks - chip.early) * tick_ms

    def feed(self):
        """Start the time-out again."""
        try:
            self._put(*self._kick)
        except AgentError as e:
            self.fault = str(e)

    def read_cause(self):
        """Return what the chip says of the last reset, one of agent.reset; it says so once."""
        if self._was(self._chip.did_it):
            self._was(self._chip.power_came)
            return WATCHDOG
        return POWER if self._was(self._chip.power_came) else UNKNOWN

    def _was(self, bit):
        if not bit:
            return False
        flags = self._get(bit[0])
        if flags & bit[1]:
            self._put(bit[0], flags & ~bit[1] & 0xFF)
        return flags & bit[1] > 0

    def _expect(self, register, mask, bits):
        found = self._get(register)
        if found & mask != bits:
            text = "the watchdog on I2C answers 0x%02x in register 0x%02x: the board file names another"
            raise FlashError(text % (found, register))

    def _get(self, register):
        self._link.read(register, self._byte)
        return self._byte[0]

    def _put(self, register, value):
        self._byte[0] = value
        self._link.write(register, self._byte)
