"""The flash that a target beside us boots from: ours only while the target is held in its reset, and its own else.

`pin(1)` holds the target, `pin(0)` lets it go; where we die, the line is released by itself and the target starts. `take()` is
asked before the target is held: it raises what speaks against it. The chip is looked at anew each time it becomes ours.
"""

from agent.compat import const
from agent.errors import FlashError

_SETTLE_MS = const(5)
_PULSE_MS = const(50)


class TargetBus:
    """Holds the target, and is the Flash that lies beside it: `open_flash()` gives the driver, the rest the board file says."""

    program_unit = 1
    blocking = False

    def __init__(self, pin, clock, open_flash, size, page, erase_units):
        self._pin, self._clock, self._open = pin, clock, open_flash
        self.size, self.page, self.erase_units = size, page, erase_units
        self._flash = None
        self.take = None  # function, set by whoever knows the target
        self.used_ms = clock.ms()
        self.released_ms = clock.ms()

    @property
    def held(self):
        """Tell whether the target is in its reset, and the flash ours."""
        return self._flash is not None

    def hold(self):
        """Put the target into its reset and look at the chip."""
        if self.held:
            return
        self._pin(1)
        self._clock.sleep_ms(_SETTLE_MS)
        self.used_ms = self._clock.ms()
        try:
            flash = self._open()
            self._check(flash)
        except FlashError:
            self._release()
            raise
        self._flash = flash

    def let_go(self):
        """Let the target start, once the chip is idle."""
        if not self.held:
            return
        try:
            while self._flash.busy():
                self._clock.sleep_ms(1)
        finally:
            self._release()

    def pulse(self):
        """Reset the target."""
        if not self.held:
            self._pin(1)
            self._clock.sleep_ms(_PULSE_MS)
            self._release()
        self.let_go()

    # -- Flash --------------------------------------------------------------------------------------------------------

    def read(self, addr, into):
        """Fill `into` from `addr` on."""
        self._ours().read(addr, into)

    def program(self, addr, data):
        """Start to program."""
        self._ours().program(addr, data)

    def erase(self, addr, size):
        """Start to erase one unit."""
        self._ours().erase(addr, size)

    def busy(self):
        """Tell whether the chip still works; one that is not ours does nothing for us."""
        return self.held and self._flash.busy()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _ours(self):
        if not self.held:
            self.take()
        self.used_ms = self._clock.ms()
        return self._flash

    def _release(self):
        self._flash = None
        self._pin(0)
        self.released_ms = self._clock.ms()

    def _check(self, flash):
        units = [size for size, _ in flash.erase_units]
        fits = flash.page == self.page and flash.program_unit == self.program_unit
        for size, _ in self.erase_units:
            fits = fits and size in units
        if flash.size != self.size or not fits:
            text = "the target's flash has %d bytes in pages of %d, the board file names one of %d in pages of %d"
            raise FlashError(text % (flash.size, flash.page, self.size, self.page))
