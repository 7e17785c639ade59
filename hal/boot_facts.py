"""What a boot record has said: which bank runs and why, without the reading and writing, which is rare (boot_record.py)."""

from agent.compat import const

CONFIRMED = const(1)  # `bank` runs
ARMED = const(2)  # the next boot tries `trial`
TRIED = const(3)  # the trial of `trial` has begun; whoever reads this at a start runs `bank` again
FALLBACK = const(4)  # `bank` runs because the one confirmed after it kept crashing
NO_BANK = const(0xFF)


class BootFacts:
    """The part of BootControl that only tells."""

    def running(self):
        """Return the bank that runs; the first stage sets it with `run`."""
        return self._running

    def run(self, bank):
        """Remember what the first stage chose."""
        self._running = bank

    def remember(self, bank):
        """Keep which bank ran before the reset, -1 where nothing tells."""
        self._ran_before = bank

    def ran_before(self):
        """Return the bank that ran before the reset, -1 where nothing tells."""
        return self._ran_before

    def confirmed(self):
        """Return the last bank that was confirmed."""
        return self.bank

    def fell_back(self):
        """Tell whether the bank that runs does so because the one confirmed after it kept crashing."""
        return self.state == FALLBACK

    def tried(self, bank, attempt):
        """Tell whether that trial of `bank` has been used up; one of an earlier update does not count."""
        return self.state == TRIED and self.trial == bank and self.attempt == attempt

    @property
    def trial_waits(self):
        """Tell whether the next boot is a trial."""
        return self.state == ARMED
