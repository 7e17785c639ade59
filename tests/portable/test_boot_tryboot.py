"""The Pi's own A/B boot: who runs, what a trial leaves behind, and which boards are refused."""

from agent.errors import FlashError
from hal.boot_record import ARMED, CONFIRMED, BootRecord
from hal.boot_tryboot import NoCounter, TrybootControl, why_not
from hal.region import Region
from tests.portable.boards import cut_everywhere, make_flash
from tests.portable.check import raises

GOOD = b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
SWAPPED = b"[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n"
BANKS = ((2, "p2", "p5"), (3, "p3", "p6"))
PI4, PI5 = ("raspberrypi,4-model-b", "brcm,bcm2711"), ("raspberrypi,5-model-b", "brcm,bcm2712")


class _Files:
    """The system, as far as the boot control sees it."""

    def __init__(self, partition=2, root="p5", data=GOOD, kind=PI4):
        self.numbers = {"partition": partition, "boot-mode": 1, "build-timestamp": 1760000000, "tryboot": 0}
        self.kind, self.place, self.data, self.mounts = kind, root, data, {}
        self.text, self.fails, self.writes, self.probes = "", "", 0, 0

    def read(self):
        return self.data

    def replace(self, data):
        if self.fails:
            raise FlashError(self.fails)
        self.data = data
        self.writes += 1

    def probe(self, data):
        if self.fails:
            raise FlashError(self.fails)
        self.probes += 1

    def number(self, name):
        return self.numbers.get(name)

    def compatible(self):
        return self.kind

    def root(self):
        return self.place

    def mounted(self, name):
        return self.mounts.get(name, "")

    def arm(self, text):
        self.text = text

    def armed(self):
        return self.text


class _Board:
    """The card and its boots: the flash with the note, and what is said."""

    def __init__(self, **more):
        self.flash, self.files, self.said = make_flash(), _Files(**more), []

    def boot(self, partition=None):
        """Return the control of a boot that a reset began; without a partition autoboot.txt says which."""
        files = self.files
        if partition is None:
            partition = 3 if files.data == SWAPPED else 2
        files.numbers["partition"], files.place, files.text = partition, "p5" if partition == 2 else "p6", ""
        return self.process()

    def process(self):
        """Return the control of another process in the same boot."""
        return TrybootControl(self.files, BANKS, self.note(), self.log)

    def note(self):
        return BootRecord(Region(self.flash, 0, 3 * 4096))

    def log(self, text, *arguments):
        self.said.append(text % arguments if arguments else text)


def test_a_normal_boot_writes_nothing():
    board = _Board()
    boot = board.boot()
    boot.start()
    assert (boot.running(), boot.confirmed(), boot.ran_before(), boot.fell_back()) == (0, 0, -1, False)
    assert boot.native and boot.fit() and boot.reboot_argument() is None
    assert not board.files.writes and not board.files.probes and not board.flash.ops and not board.said


def test_a_trial_that_is_confirmed():
    board = _Board()
    boot = board.boot()
    boot.check()
    boot.set_trial(1, 9)
    assert boot.reboot_argument() == "0 tryboot" and board.files.data == GOOD
    boot = board.boot(3)
    assert (boot.running(), boot.confirmed()) == (1, 0) and boot.reboot_argument() is None
    assert not boot.tried(1, 9)
    boot.confirm()
    assert (boot.running(), boot.confirmed()) == (1, 1) and board.files.data == SWAPPED
    boot = board.boot()
    assert (boot.running(), boot.confirmed()) == (1, 1) and not boot.tried(1, 9)
    assert board.note().state == CONFIRMED and board.note().bank == 1


def test_a_normal_boot_where_a_trial_was_expected():
    board = _Board()
    board.boot().set_trial(1, 9)
    boot = board.boot()
    assert boot.tried(1, 9) and boot.ran_before() == 1 and not boot.fell_back()
    assert not boot.tried(1, 10) and not boot.tried(0, 9)  # a note of another attempt is stale


def test_a_trial_that_was_armed_in_this_boot_has_not_been_tried():
    board = _Board()
    board.boot().set_trial(1, 9)
    boot = board.process()  # the agent ended before the reset, and was started again
    assert not boot.tried(1, 9) and boot.ran_before() == -1 and boot.reboot_argument() is None
    boot.set_trial(1, 9)
    assert boot.reboot_argument() == "0 tryboot"
    assert board.boot().tried(1, 9)


def test_a_new_attempt_is_told_from_the_last_one():
    board = _Board()
    board.boot().set_trial(1, 9)
    boot = board.boot()
    boot.set_trial(1, 10)
    assert not board.process().tried(1, 10)
    boot = board.boot()
    assert boot.tried(1, 10) and not boot.tried(1, 9)


def test_the_note_is_cut_anywhere():
    board = _Board()
    boot = board.boot()
    boot.check()
    flash = board.flash

    def check(number, effect):
        boot = board.boot()  # no reboot with the flag followed: either nothing was armed, or the trial counts as fallen
        assert boot.running() == boot.confirmed() == 0
        assert board.note().state in (CONFIRMED, ARMED)
        assert boot.tried(1, 7) == (board.note().state == ARMED and board.note().attempt == 7)
        boot.set_trial(1, 8)
        assert board.boot().tried(1, 8)

    assert cut_everywhere(flash, lambda: board.boot().set_trial(1, 7), check) > 10


def test_a_confirmation_is_cut_anywhere():
    board = _Board()
    board.boot().set_trial(1, 7)
    flash = board.flash

    def confirm():
        board.files.data = GOOD
        board.boot(3).confirm()

    def check(number, effect):
        boot = board.boot()  # autoboot.txt came first
        assert boot.running() == boot.confirmed() == 1 and not boot.tried(1, 7)
        boot.confirm()
        assert board.note().bank == 1 and board.note().state == CONFIRMED

    assert cut_everywhere(flash, confirm, check) > 10


def test_a_failed_confirmation_changes_nothing():
    board = _Board()
    board.boot().set_trial(1, 7)
    boot = board.boot(3)
    board.files.fails = "read-only"
    with raises(FlashError):
        boot.confirm()
    assert boot.confirmed() == 0 and boot.running() == 1 and "read-only" in board.said[-1]
    assert board.note().state == ARMED and boot.reboot_argument() is None
    assert board.boot().tried(1, 7)


def test_a_failed_arming_leads_to_no_trial():
    board = _Board(data=GOOD.replace(b"tryboot_a_b=1\n", b""))
    boot = board.boot()
    board.files.fails = "full"
    with raises(FlashError):
        boot.set_trial(1, 7)
    assert boot.reboot_argument() is None and board.note().state == CONFIRMED
    assert [line for line in board.said if "full" in line]


def test_what_must_not_be_written():
    board = _Board()
    boot = board.boot()
    assert boot.why_kept(0) and not boot.why_kept(1)
    for bank in (0,):
        with raises(FlashError):
            boot.set_trial(bank, 1)
    boot.set_trial(1, 1)
    boot = board.boot(3)
    assert boot.why_kept(0) and boot.why_kept(1)
    boot.confirm()
    assert not boot.why_kept(0) and boot.why_kept(1)


def test_boards_that_are_refused():
    for kind, number, value, word in (
        (("raspberrypi,3-model-b", "brcm,bcm2837"), "", 0, "older"),
        (("raspberrypi,model-zero-2-w", "brcm,bcm2837"), "", 0, "EEPROM"),
        (("acme,board",), "", 0, "Raspberry Pi 4, 5"),
        (("",), "", 0, "Raspberry Pi 4, 5"),
        (PI4, "build-timestamp", 1669334399, "2022-11-25"),
        (PI4, "build-timestamp", None, "2022-11-25"),
        (PI4, "boot-mode", 2, "boot-mode 2"),
        (PI5, "boot-mode", 3, "boot-mode 3"),
    ):
        files = _Files(kind=kind)
        if number:
            files.numbers[number] = value
        assert word in why_not(files), (kind, number)
    for kind, built in ((PI4, 1669334400), (PI5, 1), (PI5, None)):
        files = _Files(kind=kind)
        files.numbers["build-timestamp"] = built
        assert why_not(files) == ""


def test_a_refused_board_runs_and_is_never_written():
    for change, word in (
        ({"kind": ("brcm,bcm2837",)}, "only a Raspberry Pi 4"),
        ({"root": "p6"}, "mend cmdline.txt"),
        ({"root": "nvme0n1p5"}, "no bank"),
        ({"root": ""}, "nobody can tell"),
        ({"partition": 1}, "partition 1"),
        ({"partition": None}, "does not tell"),
    ):
        board = _Board(**change)
        boot = board.process()
        boot.start()
        assert word in board.said[-1], board.said
        assert boot.running() == boot.confirmed() and not boot.fit()
        for refused in (boot.check, lambda: boot.set_trial(1, 1), lambda: boot.set_trial(0, 1), boot.confirm):
            with raises(FlashError):
                refused()
        assert boot.why_kept(0) and boot.why_kept(1)
        assert not board.files.writes and not board.files.probes and not board.flash.pages


def test_a_trial_whose_root_is_the_other_banks_is_not_fit():
    board = _Board()
    board.boot().set_trial(1, 3)
    board.files.numbers["partition"], board.files.place, board.files.text = 3, "p5", ""
    boot = board.process()
    assert boot.running() == 1 and boot.confirmed() == 0 and not boot.fit()
    with raises(FlashError):
        boot.confirm()
    assert board.files.data == GOOD


def test_an_autoboot_that_is_lost_is_written_anew():
    for data in (None, b"", b"\xee" * 64, GOOD + b"#" * 512, b"boot_partition=9\n", GOOD[:30]):
        board = _Board()
        board.boot().check()  # the note knows who is confirmed
        board.files.data = data
        boot = board.boot(2)
        assert boot.running() == boot.confirmed() == 0
        boot.start()
        assert board.files.data == GOOD and "written anew" in board.said[-1]
        assert not board.said[-1].endswith(": ")


def test_a_lost_autoboot_follows_the_note():
    board = _Board()
    board.boot().set_trial(1, 1)
    board.boot(3).confirm()
    board.files.data = None
    boot = board.boot(2)  # the ROM has looked further, and found the old bank
    boot.start()
    assert boot.running() == 0 and boot.confirmed() == 1 and board.files.data == SWAPPED
    assert boot.why_kept(0) and boot.why_kept(1)


def test_without_a_note_the_bank_that_runs_is_the_one():
    board = _Board(data=None)
    boot = board.boot(3)
    boot.start()
    assert boot.running() == boot.confirmed() == 1 and board.files.data == SWAPPED


def test_a_file_that_cannot_be_mended_stops_nothing():
    board = _Board(data=None)
    board.files.fails = "read-only"
    boot = board.boot(2)
    boot.start()
    assert "cannot be mended: read-only" in board.said[-1]
    with raises(FlashError):
        boot.check()
    assert board.said[-1].startswith("no update: ")


def test_other_settings_survive_a_confirmation():
    board = _Board(data=GOOD + b"[all]\npartition_walk=1\n")
    board.boot(2).set_trial(1, 1)
    board.boot(3).confirm()
    assert b"boot_partition=3\npartition_walk=1\n" in board.files.data


def test_what_is_mounted_is_not_written():
    for name in ("p3", "p6"):
        board = _Board()
        board.files.mounts[name] = "/mnt"
        with raises(FlashError) as refused:
            board.boot().check()
        assert name in str(refused.error) and "/mnt" in str(refused.error)
    board = _Board()
    board.files.mounts["p5"] = "/"
    board.boot().check()
    assert board.files.probes == 1


def test_an_old_walk_is_told():
    board = _Board()
    board.files.numbers["build-timestamp"] = 1755043199
    board.boot().start()
    assert "looks no further" in board.said[0]
    board = _Board()
    board.files.numbers["build-timestamp"] = 1755043200
    board.boot().start()
    assert not board.said


def test_the_counter_of_nothing():
    counter = NoCounter()
    counter.set(7)
    assert counter.get() == 0 and not counter.remembers
