"""The Pi's own A/B boot: who runs, what a trial leaves behind, and what each cut of it comes to."""

from agent.errors import FlashError
from hal.boot_record import ARMED, CONFIRMED
from tests.portable.boards import cut_everywhere
from tests.portable.check import raises
from tests.portable.tryboot_board import GOOD, SWAPPED, Board


def test_a_normal_boot_writes_nothing():
    board = Board()
    boot = board.boot()
    boot.start()
    assert (boot.running(), boot.confirmed(), boot.ran_before(), boot.fell_back()) == (0, 0, -1, False)
    assert boot.native and boot.fit() and boot.reboot_argument() is None
    assert not board.files.writes and not board.files.probes and not board.flash.ops and not board.said


def test_a_trial_that_is_confirmed():
    board = Board()
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
    board = Board()
    board.boot().set_trial(1, 9)
    boot = board.boot()
    assert boot.tried(1, 9) and boot.ran_before() == 1 and not boot.fell_back()
    assert not boot.tried(1, 10) and not boot.tried(0, 9)  # a note of another attempt is stale


def test_a_trial_that_was_armed_in_this_boot_has_not_been_tried():
    board = Board()
    board.boot().set_trial(1, 9)
    boot = board.process()  # the agent ended before the reset, and was started again
    assert not boot.tried(1, 9) and boot.ran_before() == -1 and boot.reboot_argument() is None
    boot.set_trial(1, 9)
    assert boot.reboot_argument() == "0 tryboot"
    assert board.boot().tried(1, 9)


def test_a_new_attempt_is_told_from_the_last_one():
    board = Board()
    board.boot().set_trial(1, 9)
    boot = board.boot()
    boot.set_trial(1, 10)
    assert not board.process().tried(1, 10)
    boot = board.boot()
    assert boot.tried(1, 10) and not boot.tried(1, 9)


def test_the_note_is_cut_anywhere():
    board = Board()
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
    board = Board()
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
    board = Board()
    board.boot().set_trial(1, 7)
    boot = board.boot(3)
    board.files.fails = "read-only"
    with raises(FlashError):
        boot.confirm()
    assert boot.confirmed() == 0 and boot.running() == 1 and "read-only" in board.said[-1]
    assert board.note().state == ARMED and boot.reboot_argument() is None
    assert board.boot().tried(1, 7)


def test_a_failed_arming_leads_to_no_trial():
    board = Board(data=GOOD.replace(b"tryboot_a_b=1\n", b""))
    boot = board.boot()
    board.files.fails = "full"
    with raises(FlashError):
        boot.set_trial(1, 7)
    assert boot.reboot_argument() is None and board.note().state == CONFIRMED
    assert [line for line in board.said if "full" in line]


def test_what_must_not_be_written():
    board = Board()
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


def test_the_note_says_what_the_file_said_last():
    board = Board()
    board.boot().check()
    board.files.data = SWAPPED  # by hand
    board.boot(3).set_trial(0, 5)
    assert board.note().bank == 1
    board.files.data = None
    assert board.boot(2).confirmed() == 1


def test_two_records_of_the_note_name_the_confirmed_bank_before_a_bank_is_written():
    """One alone could fade."""
    board = Board()
    for partition, data in ((2, GOOD), (3, SWAPPED)):
        board.files.data = data  # by hand
        for _ in range(3):
            board.boot(partition).check()
            board.flash.erase(board.note().probe(), 4096)
            assert board.note().found and board.note().bank == partition - 2
