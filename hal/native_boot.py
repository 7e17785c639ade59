"""What boards share whose own boot loader chooses the bank: a BootControl around what the loader remembers, and a note of ours.

A loader keeps no number of the attempt. That is in `note`, a BootRecord beside the journal, which says what is on trial too.
Whoever is made from this sets `_running`, `_confirmed` and `_fault` ("", or why no update may begin), and has, besides

- `_is_over()`: tells whether the trial that the note names is over;
- `_arm(bank, attempt)`, `_keep()`, `_probe()`: arm a trial; make the bank that runs the confirmed one; find out, before a bank
  is written, whether both could be done. Each raises FlashError, which is told.
"""

from agent.errors import FlashError


class NativeBoot:
    """`log(text, *arguments)` hears what is wrong; the update's result is a number only."""

    native = True  # no first stage of ours: the agent runs from the bank that the loader has chosen

    def __init__(self, note, log):
        self._note, self._log = note, log
        self._running, self._fault = 0, ""

    # -- BootControl --------------------------------------------------------------------------------------------------

    def running(self):
        """Return the bank that the loader started."""
        return self._running

    def confirmed(self):
        """Return the bank that starts where no trial is due."""
        return self._confirmed

    def ran_before(self):
        """Return the bank whose trial is over, else -1."""
        return self._note.trial if self._is_over() else -1

    def tried(self, bank, attempt):
        """Tell whether that trial is over."""
        return self._is_over() and self._note.trial == bank and self._note.attempt == attempt

    def set_trial(self, bank, attempt):
        """Make the next start that the board is told of, and only that one, a trial of the bank."""
        self._refuse(self._fault or self.why_kept(bank))
        try:
            self._arm(bank, attempt)
        except FlashError as e:
            self._log("no trial: %s", e)
            raise

    def confirm(self):
        """Have the loader keep the bank that runs, then the note."""
        self._refuse(self._fault)
        try:
            self._keep()
        except FlashError as e:
            self._log("the firmware cannot be confirmed: %s", e)
            raise
        self._keep_note()

    # -- for the board ------------------------------------------------------------------------------------------------

    def check(self):
        """Before a bank is written: raise FlashError where its trial could not be armed or not be confirmed."""
        try:
            self._refuse(self._fault)
            self._probe()
        except FlashError as e:
            self._log("no update: %s", e)
            raise

    def fit(self):
        """A self-test: what runs is one of the two banks."""
        return not self._fault

    def why_kept(self, bank):
        """Return "" where the bank may be written, else why not."""
        if self._fault:
            return self._fault
        if bank == self._running:
            return "bank %d is the one that runs" % bank
        return "bank %d is the one that is confirmed" % bank if bank == self._confirmed else ""

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _arm_note(self, bank, attempt):
        self._note.bank = self._confirmed
        self._note.set_trial(bank, attempt)

    def _keep_note(self):
        self._note.run(self._confirmed)
        self._note.confirm()

    def _firm_note(self):
        """See to it that two records of the note name the confirmed bank: one alone could fade."""
        if self._note.found and self._note.bank == self._confirmed:
            self._note.firm()
        else:
            self._keep_note()

    def _refuse(self, reason):
        if reason:
            raise FlashError(reason)
