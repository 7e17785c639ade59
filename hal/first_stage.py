"""What starts a board whose bank record is ours: choose a bank, check it where that is due, clear the way for its modules.

Small, never updated over the air, and portable: the entry file of a port arms the watchdog, calls `choose`, hands over, and
turns every exception into a reset. `check(bank)` is the full test of a bank, signature and digest, feeding as it goes.
"""

from agent.compat import const
from agent.reset import is_normal
from hal.boot_record import ARMED, FALLBACK

MAX_CRASHES = const(3)  # abnormal resets in a row, without a minute of health, that end the trust in a confirmed bank
PACKAGES = ("agent", "hal", "ports", "board")
_WISH = const(0xF0)  # in the crash counter: more than any bank's


def ask_for_recovery(counter):
    """Wish that the next boot, and only that one, ends in serial recovery; False where the board cannot remember a wish.

    That is where the crash counter is marks in flash (CrashMarks): such a board has its button.
    """
    if not counter.remembers:
        return False
    counter.set(_WISH)
    return True


def choose(boot, cause, counter, check, button=False, trusting=True):
    """Return the number of the bank to run, or -1 where only serial recovery is left; a normal boot writes nothing.

    A wish (ask_for_recovery) and a `button` that is held lead to -1 too; they change nothing else, an armed trial waits.
    Without `trusting` also a normal boot checks the confirmed bank.
    """
    wished = counter.get() == _WISH
    if wished:
        counter.set(0)
    boot.remember((counter.get() >> 4) - 1 if counter.remembers else -1)
    if wished or button:
        return -1
    if boot.state == ARMED:
        trial = boot.trial
        boot.begin_trial()
        counter.set((trial + 1) << 4)
        if check(trial):
            return _run(boot, trial)
    if boot.void:
        counter.set(0)
        return -1
    return _choose_confirmed(boot, cause, counter, check, trusting)


def _choose_confirmed(boot, cause, counter, check, trusting):
    bank = boot.confirmed()
    crashes = _count_crashes(counter, bank, cause)
    trusted = trusting and boot.found and is_normal(cause)
    if crashes < MAX_CRASHES and (trusted or check(bank)):
        return _run(boot, bank)
    other = 1 - bank
    if boot.state != FALLBACK and check(other):  # from a fall-back there is no way further back: it would go round
        boot.fall_back(other)
        counter.set((other + 1) << 4)
        return _run(boot, other)
    counter.set(0)  # after the time of the recovery the bank gets its next three chances
    return -1


def _count_crashes(counter, bank, cause):
    """Count this boot: only abnormal ones, and only of the bank that ran when it happened."""
    kept = counter.get()
    crashes = min((kept & 15) + 1, 15) if kept >> 4 == bank + 1 else 0
    if is_normal(cause):
        crashes = 0
    counter.set((bank + 1) << 4 | crashes)
    return crashes


def _run(boot, bank):
    boot.run(bank)
    return bank


def clear_modules(modules):
    """Forget every module of ours in `modules` (sys.modules): an old copy that stays would shadow the new firmware's."""
    for name in list(modules.keys()):
        if name.split(".")[0] in PACKAGES:
            del modules[name]


class CrashMarks:
    """A crash counter in the boot record's oldest sector, for boards without memory that survives a reset."""

    remembers = False

    def __init__(self, boot):
        self._boot = boot

    def get(self):
        """Return the running bank's count in the form that `choose` keeps."""
        return (self._boot.confirmed() + 1) << 4 | self._boot.crashes()

    def set(self, value):
        """Add a mark for a higher count; 0 forgets the marks; a normal boot, which counts none, writes nothing."""
        if value == 0:
            self._boot.clear_crashes()
        elif value & 15 > self._boot.crashes():
            self._boot.mark_crash()
