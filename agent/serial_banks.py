"""Which bank serial recovery leaves alone, which one it writes, and what that does to the boot record."""

from agent.compat import const
from agent.verify import check_bank

_NONE = const(-1)


class SerialBanks:
    """`found` is what is whole: a manifest or None for each bank."""

    def __init__(self, hardware):
        self.boot, self._banks = hardware.boot, hardware.banks
        self.found = None

    def look(self, identity, feed):
        """Verify both."""
        self.found = [check_bank(bank, identity, feed) for bank in self._banks]

    @property
    def kept(self):
        """Return the bank that stays as it is, -1 for none."""
        boot = self.boot
        if boot.void:
            return _NONE
        if self.found[boot.confirmed()]:
            return boot.confirmed()
        other = 1 - boot.confirmed()  # as in the first stage: from a fall-back there is no way further back
        return other if self.found[other] and not boot.fell_back() else _NONE

    @property
    def target(self):
        """Return the bank that an upload goes to."""
        return 1 - self.kept if self.kept >= 0 else 0

    @property
    def stays(self):
        """Return the manifest of the bank that stays, None where none does."""
        return self.found[self.kept] if self.kept >= 0 else None

    @property
    def overwrites_confirmed(self):
        """Tell whether what the confirmed bank says will be lost."""
        return self.kept != self.boot.confirmed()

    def hold(self, bank):
        """Tell whether `bank` is the one for uploads and has something whole in it."""
        return bank == self.target and self.found[bank] is not None

    def disarm(self):
        """Let no boot be a trial any more, before the order behind it is forgotten: nobody would confirm it, or end it."""
        if self.boot.trial_waits:
            self.boot.begin_trial()

    def release(self):
        """The bank for uploads is about to be erased: see to it that no boot starts it, or another one that is not whole."""
        boot, kept, target = self.boot, self.kept, self.target
        self.found[target] = None
        if kept < 0:
            boot.give_up(target)
        elif kept != boot.confirmed():
            boot.fall_back(kept)

    def listed(self):
        """Return (slot, version, digest, bootable, pending, confirmed, active) of what is whole; an upload goes to slot 1."""
        images, boot = [], self.boot
        if self.stays:
            confirmed = self.kept == boot.confirmed()
            images.append((0, self.stays.version, self.stays.sha256, True, False, confirmed, confirmed))
        other = self.found[self.target]
        if other:
            pending = boot.trial_waits and boot.trial == self.target
            images.append((1, other.version, other.sha256, True, pending, False, False))
        return images
