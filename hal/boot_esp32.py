"""An ESP32's own A/B boot as a BootControl: `otadata` says which slot starts, and the bootloader gives a new one a single try.

What set_boot writes is NEW; the bootloader makes PENDING of it when it starts it, and ABORTED of PENDING at whatever reset comes
next, a power cut as well. MicroPython cannot be asked for the state, so the entries are read here. They keep no number of the
attempt: that is in `note`, a BootRecord beside the journal, where TRIED says that a trial has passed. Rules against every cut:

- Before a bank is written or tried, both entries name the confirmed one. So an entry of the other bank is of this trial.
- While the bank that runs is PENDING nothing is written to otadata but its confirmation.
- The state of an entry is in no CRC. One that a cut has torn may look confirmed: what the note says of a trial outweighs it.
- What runs is asked of MicroPython: the bootloader starts the other slot where an image is damaged, whatever otadata says.

`partitions` is esp32.Partition, `otadata` an Otadata, `slots` are ota_0 and ota_1 as partitions.
"""

from agent.compat import const
from agent.errors import FlashError
from hal.boot_record import ARMED, TRIED
from hal.native_boot import NativeBoot
from hal.otadata import LOST, NEW, PENDING, UNDEFINED, VALID

_NO_ROLLBACK = const(-261)
_NOT_VALID = const(-0x1503)  # ESP_ERR_OTA_VALIDATE_FAILED
_NEEDS = "this MicroPython cannot go back (OSError -261): build it with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE"


class OtaControl(NativeBoot):
    """`log(text, *arguments)` hears what is wrong; the update's result is a number only."""

    def __init__(self, partitions, otadata, slots, note, feed, log):
        super().__init__(note, log)
        self._partitions, self._otadata, self._slots, self._feed = partitions, otadata, slots, feed
        self._find_running()
        self._torn = self._walked = False
        self._confirmed = self._running
        self._judge()
        self._over = self._is_over()

    def fell_back(self):
        """Tell whether the image that otadata names did not start, because it is damaged."""
        return self._walked

    # -- for the board ------------------------------------------------------------------------------------------------

    def start(self):
        """Say what ought to be known, and see to it that the next reset ends a trial whose state a cut has torn."""
        if self._fault:
            self._log("updates are refused: %s", self._fault)
        elif self._walked:
            self._log("the image in bank %d does not start any more: bank %d runs", 1 - self._running, self._running)
        elif self._torn:
            self._log("a cut has torn the state of the trial: it is written anew")
            try:
                self._otadata.mend()
            except FlashError as e:
                self._log("the trial does not end by itself: %s", e)

    def tick(self):
        """Forget a trial that is over, once the journal knows: what the owner flashes later is not to be taken for it."""
        if self._over:
            self._over = False
            try:
                self._keep_note()
            except FlashError as e:
                self._log("%s", e)

    # -- who runs, and what that is -----------------------------------------------------------------------------------

    def _find_running(self):
        info = self._partitions(self._partitions.RUNNING).info()
        places = [slot.info()[2] for slot in self._slots]
        if info[2] in places:
            self._running = places.index(info[2])
        else:
            self._fault = "the partition %s runs, which is no bank" % info[4]

    def _judge(self):
        slot, state = self._otadata.named()
        if self._fault or slot < 0:
            return
        if slot != self._running:
            self._walked = state not in (NEW, PENDING)
        elif self._is_open(state):
            self._confirmed, self._torn = 1 - self._running, state != PENDING

    def _is_open(self, state):
        """Tell whether the bank that runs is on trial, by the state of its entry and the note."""
        note = self._note
        if state in (PENDING, UNDEFINED) or note.trial != self._running:
            return state == PENDING
        return note.state == ARMED or note.state == TRIED and state != VALID

    def _is_over(self):
        note = self._note
        told = note.state in (ARMED, TRIED) and note.trial != self._running
        return told and self._otadata.ended(note.trial)

    # -- what otadata is to say: NativeBoot asks for it ---------------------------------------------------------------

    def _arm(self, bank, attempt):
        self._otadata.firm(self._confirmed)
        self._arm_note(bank, attempt)
        self._set_boot(bank)
        self._over = False

    def _keep(self):
        """Have otadata say twice that the bank that runs is kept. The note says before that the trial has passed."""
        self._pass()
        self._mark_valid()
        self._confirmed, self._torn = self._running, False
        self._otadata.firm(self._running)

    def _probe(self):
        self._refuse(self._running != self._confirmed and "a trial goes on")
        self._firm_note()
        self._mark_valid()  # writes nothing now, and tells whether it could

    # -- otadata, by MicroPython --------------------------------------------------------------------------------------

    def _set_boot(self, bank):
        self._feed()  # the whole image is read
        try:
            self._slots[bank].set_boot()
        except OSError as e:
            if e.args[0] != _NOT_VALID:
                raise FlashError("bank %d cannot be tried: %s" % (bank, e))
        self._otadata.look()
        slot, state = self._otadata.named()
        if slot != bank:  # old firmware says nothing where it refuses
            raise FlashError("what is in bank %d is no image for this ESP32" % bank)
        if state != NEW:
            self._otadata.firm(self._confirmed)  # else it would be started for good
            raise FlashError(_NEEDS)

    def _pass(self):
        """Let the note say that the trial has passed, so that what otadata says next is believed."""
        note = self._note
        if self._running != self._confirmed and (note.state != TRIED or note.trial != self._running):
            note.trial = self._running
            note.begin_trial()

    def _mark_valid(self):
        """Confirm by MicroPython, which means the entry that counts: it has to be that of the bank that runs."""
        otadata = self._otadata
        otadata.look()
        if self._running == self._confirmed:
            otadata.firm(self._running)
        self._refuse(otadata.named()[0] != self._running and "otadata names another bank than the one that runs")
        self._feed()
        try:
            self._partitions.mark_app_valid_cancel_rollback()
        except OSError as e:
            raise FlashError(_NEEDS if e.args[0] == _NO_ROLLBACK else "otadata cannot be written: %s" % e)
        otadata.look()
        if otadata.named() != (self._running, VALID):
            raise FlashError(LOST)
