"""The Pi's own A/B boot where it cannot be had: boards that are refused, an autoboot.txt that is lost, what is mounted."""

from agent.errors import FlashError
from hal.boot_tryboot import why_not
from hal.no_counter import NoCounter
from tests.portable.check import raises
from tests.portable.tryboot_board import GOOD, PI4, PI5, SWAPPED, Board, Files


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
        files = Files(kind=kind)
        if number:
            files.numbers[number] = value
        assert word in why_not(files), (kind, number)
    for kind, built in ((PI4, 1669334400), (PI5, 1), (PI5, None)):
        files = Files(kind=kind)
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
        board = Board(**change)
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
    board = Board()
    board.boot().set_trial(1, 3)
    board.files.numbers["partition"], board.files.place, board.files.text = 3, "p5", ""
    boot = board.process()
    assert boot.running() == 1 and boot.confirmed() == 0 and not boot.fit()
    with raises(FlashError):
        boot.confirm()
    assert board.files.data == GOOD


def test_an_autoboot_that_is_lost_is_written_anew():
    for data in (None, b"", b"\xee" * 64, GOOD + b"#" * 512, b"boot_partition=9\n", GOOD[:30]):
        board = Board()
        board.boot().check()  # the note knows who is confirmed
        board.files.data = data
        boot = board.boot(2)
        assert boot.running() == boot.confirmed() == 0
        boot.start()
        assert board.files.data == GOOD and "written anew" in board.said[-1]
        assert not board.said[-1].endswith(": ")


def test_a_lost_autoboot_follows_the_note():
    board = Board()
    board.boot().set_trial(1, 1)
    board.boot(3).confirm()
    board.files.data = None
    boot = board.boot(2)  # the ROM has looked further, and found the old bank
    boot.start()
    assert boot.running() == 0 and boot.confirmed() == 1 and board.files.data == SWAPPED
    assert boot.why_kept(0) and boot.why_kept(1)


def test_without_a_note_the_bank_that_runs_is_the_one():
    board = Board(data=None)
    boot = board.boot(3)
    boot.start()
    assert boot.running() == boot.confirmed() == 1 and board.files.data == SWAPPED


def test_a_file_that_cannot_be_mended_stops_nothing():
    board = Board(data=None)
    board.files.fails = "read-only"
    boot = board.boot(2)
    boot.start()
    assert "cannot be mended: read-only" in board.said[-1]
    with raises(FlashError):
        boot.check()
    assert board.said[-1].startswith("no update: ")


def test_other_settings_survive_a_confirmation():
    board = Board(data=GOOD + b"[all]\npartition_walk=1\n")
    board.boot(2).set_trial(1, 1)
    board.boot(3).confirm()
    assert b"boot_partition=3\npartition_walk=1\n" in board.files.data


def test_what_is_mounted_is_not_written():
    for name in ("p3", "p6"):
        board = Board()
        board.files.mounts[name] = "/mnt"
        with raises(FlashError) as refused:
            board.boot().check()
        assert name in str(refused.error) and "/mnt" in str(refused.error)
    board = Board()
    board.files.mounts["p5"] = "/"
    board.boot().check()
    assert board.files.probes == 1


def test_a_bank_that_runs_without_a_trial_is_told():
    for flag, count in ((1, 0), (0, 1), (None, 1)):
        board = Board()
        board.files.numbers["tryboot"] = flag
        boot = board.boot(3)
        boot.start()
        assert len(board.said) == count and boot.running() == 1 and boot.confirmed() == 0
    assert board.said == ["bank 1 runs, not 0, and is no trial: look at both"]


def test_an_old_walk_is_told():
    board = Board()
    board.files.numbers["build-timestamp"] = 1755043199
    board.boot().start()
    assert "looks no further" in board.said[0]
    board = Board()
    board.files.numbers["build-timestamp"] = 1755043200
    board.boot().start()
    assert not board.said


def test_the_counter_of_nothing():
    counter = NoCounter()
    counter.set(7)
    assert counter.get() == 0 and not counter.remembers
