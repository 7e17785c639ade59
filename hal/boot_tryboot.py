"""The Raspberry Pi's own A/B boot as a BootControl: autoboot.txt says which bank is confirmed, a flag in the reset tries the other.

The ROM clears the flag before it hands over, so every reset of a trial ends in the confirmed bank again. It keeps no number
of the attempt and tells nobody that a trial fell: both are in `note`, a BootRecord beside the journal. Three cases meet there:
a trial that was expected; a normal boot where one was expected, which is a trial that failed; a note of an earlier update.

`files` is what the port knows of the system: read(), replace(data), probe(data) on autoboot.txt; number(name) of the
bootloader's values in the device tree, compatible(); root() and mounted(name) in names of partitions; arm(text) and
armed(), a text that no reset survives. `banks` is ((number of the boot partition, its name, name of the root), two of them).
"""

from agent.compat import const
from agent.errors import FlashError
from hal import autoboot
from hal.boot_record import ARMED, TRIED
from hal.native_boot import NativeBoot

REBOOT_ARGUMENT = "0 tryboot"
_OLDEST = const(1669334400)  # 2022-11-25: from here on a Pi 4 knows tryboot_a_b and falls back
_WALKS = const(1755043200)  # 2025-08-13: from here on it looks for another partition where autoboot.txt is lost
_OF_CARDS = (1, 4, 6)  # boot-mode: SD or eMMC, USB, NVMe
_NO_BANK = const(-1)


class TrybootControl(NativeBoot):
    """`log(text, *arguments)` hears what is wrong; the update's result is a number only."""

    def __init__(self, files, banks, note, log):
        super().__init__(note, log)
        self._files, self._banks = files, banks
        self._told = False  # set_trial: the next reset is the trial
        partition, root = self._by_partition(), self._by_root()
        self._fault = why_not(files) or self._disagreement(partition, root)
        self._confirmed, self._broken = _NO_BANK, ""
        self._look()
        known = [bank for bank in (partition, root, self._confirmed) if bank != _NO_BANK]
        self._running = known[0] if known else 0
        if self._confirmed == _NO_BANK:
            self._confirmed = note.bank if note.found else self._running

    def fell_back(self):
        """Return False: nobody counts the crashes of a bank that was confirmed."""
        return False

    # -- for the board and the port -----------------------------------------------------------------------------------

    def reboot_argument(self):
        """Return what the reboot has to be told, None for a plain one."""
        return REBOOT_ARGUMENT if self._told else None

    def start(self):
        """Mend an autoboot.txt that a normal boot cannot have read; a good one is left alone. Say what ought to be known."""
        if self._fault:
            self._log("updates are refused: %s", self._fault)
            return
        built = self._files.number("build-timestamp")
        if built is not None and built < _WALKS:
            self._log("the bootloader looks no further where autoboot.txt is lost: update the EEPROM")
        if self._running != self._confirmed and self._files.number("tryboot") != 1:
            self._log("bank %d runs, not %d, and is no trial: look at both", self._running, self._confirmed)
        if self._broken:
            try:
                self._mend()
            except FlashError as e:
                self._log("autoboot.txt cannot be mended: %s", e)

    # -- who runs -----------------------------------------------------------------------------------------------------

    def _by_partition(self):
        number = self._files.number("partition")
        return _index([bank[0] for bank in self._banks], number)

    def _by_root(self):
        return _index([bank[2] for bank in self._banks], self._files.root())

    def _disagreement(self, partition, root):
        number, name = self._files.number("partition"), self._files.root()
        if number is None:
            return "the bootloader does not tell which partition it has started: update the EEPROM"
        if partition == _NO_BANK:
            return "the board was started from partition %d, which is no bank" % number
        if root == _NO_BANK:
            return "the root file system is on %s, which is no bank" % (name or "what nobody can tell")
        if partition != root:
            return "partition %d was started, but its root file system is %s: mend cmdline.txt" % (number, name)
        return ""

    def _is_over(self):
        """It was armed in an earlier boot, and this one is none."""
        note = self._note
        if self._running != self._confirmed or self._running == note.trial or note.state not in (ARMED, TRIED):
            return False
        return self._files.armed() != "%d %d" % (note.trial, note.attempt)

    # -- what NativeBoot asks for -------------------------------------------------------------------------------------

    def _arm(self, bank, attempt):
        self._mend()
        self._arm_note(bank, attempt)
        self._files.arm("%d %d" % (bank, attempt))
        self._told = True

    def _keep(self):
        """Write autoboot.txt with the numbers exchanged, whatever it looks like."""
        self._write(self._running)
        self._confirmed, self._told = self._running, False

    def _probe(self):
        for name in self._banks[1 - self._confirmed][1:]:
            place = self._files.mounted(name)
            self._refuse(place and "%s is mounted on %s: it is to be written, so unmount it" % (name, place))
        self._firm_note()
        if self._broken:
            self._mend()
        else:
            self._files.probe(self._others())

    # -- autoboot.txt -------------------------------------------------------------------------------------------------

    def _look(self):
        """Learn from the file which bank is confirmed; what is wrong with it goes into `_broken`."""
        try:
            data = self._files.read()
            if data is None:
                raise FlashError("it is missing")
            normal, trial = autoboot.partitions(data)
            numbers = [bank[0] for bank in self._banks]
            bank = _index(numbers, normal)
            if bank == _NO_BANK:
                raise FlashError("it starts partition %d, which is no bank" % normal)
            self._confirmed = bank
            self._broken = "" if trial == numbers[1 - bank] else "its trial is not one of the other bank"
        except FlashError as e:
            self._broken = str(e) or "it cannot be read"

    def _mend(self):
        if self._broken:
            self._log("autoboot.txt is written anew: %s", self._broken)
            self._write(self._confirmed)

    def _write(self, bank):
        numbers = [each[0] for each in self._banks]
        self._files.replace(autoboot.render(numbers[bank], numbers[1 - bank], self._others()))
        self._broken = ""

    def _others(self):
        """Return the file as far as its other settings can be kept."""
        try:
            data = self._files.read() or b""
            autoboot.evaluate(data, True)
            return data
        except FlashError:
            return b""


def why_not(files):
    """Return "" where this board's ROM can try a bank, else why not, in one line."""
    kinds = files.compatible()
    if "brcm,bcm2711" in kinds:
        built = files.number("build-timestamp")
        if built is None or built < _OLDEST:
            return "the bootloader is older than 2022-11-25 and may not fall back: run rpi-eeprom-update -a and start again"
    elif "brcm,bcm2712" not in kinds:
        return "only a Raspberry Pi 4, 5 or their kin can try a bank: older ones have no bootloader in an EEPROM"
    mode = files.number("boot-mode")
    if mode is not None and mode not in _OF_CARDS:
        return "the board was not started from its card or disk (boot-mode %d)" % mode
    return ""


def _index(values, value):
    return values.index(value) if value in values else _NO_BANK
