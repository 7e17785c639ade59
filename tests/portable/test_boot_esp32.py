"""The ESP32's own A/B boot: who runs, and what a trial leaves behind."""

from agent.errors import FlashError
from hal.boot_record import ARMED, CONFIRMED
from hal.otadata import ABORTED, INVALID, NEW, PENDING, UNDEFINED, VALID
from tests.portable.check import raises
from tests.portable.esp32_board import Board

BOTH = (0, 1)  # which bank is confirmed; the bootloader starts bank 0 where it knows of none


def test_a_normal_boot_writes_nothing():
    for bank in BOTH:
        board = Board(bank)
        before = board.flash.ops
        boot = board.boot()
        boot.start()
        boot.tick()
        assert (boot.running(), boot.confirmed(), boot.ran_before(), boot.fell_back()) == (bank, bank, -1, False)
        assert boot.native and boot.fit() and board.flash.ops == before and not board.said


def test_a_trial_that_is_confirmed():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        boot = board.boot()
        boot.check()
        boot.set_trial(other, 9)
        assert (boot.running(), boot.confirmed()) == (bank, bank) and (other, NEW) in board.esp.states()
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (other, bank) and (other, PENDING) in board.esp.states()
        assert not boot.tried(other, 9) and boot.why_kept(0) and boot.why_kept(1)
        boot.start()
        boot.confirm()
        assert (boot.running(), boot.confirmed()) == (other, other) and board.esp.states() == [(other, VALID)] * 2
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (other, other) and not boot.tried(other, 9)
        assert board.note().state == CONFIRMED and board.note().bank == other and not board.said


def test_a_trial_that_falls():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 9)
        board.boot().start()
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (bank, bank) and (other, ABORTED) in board.esp.states()
        assert boot.tried(other, 9) and boot.ran_before() == other and not boot.fell_back()
        assert not boot.tried(other, 10) and not boot.tried(bank, 9)
        assert board.boot().tried(other, 9)  # until the journal knows
        boot.tick()
        assert not board.boot().tried(other, 9) and board.note().state == CONFIRMED


def test_a_trial_that_is_still_to_come():
    board = Board()
    board.boot().set_trial(1, 9)
    boot = board.process()
    assert not boot.tried(1, 9) and boot.ran_before() == -1 and (boot.running(), boot.confirmed()) == (0, 0)
    assert not boot.fell_back()
    boot.set_trial(1, 9)
    boot = board.boot()
    assert (boot.running(), boot.confirmed()) == (1, 0)
    assert board.boot().tried(1, 9)


def test_an_attempt_is_told_from_the_one_before():
    """A reset between note and otadata is no trial, though the trace of the last one is there."""
    board = Board()
    board.boot().set_trial(1, 9)
    board.boot()
    boot = board.boot()
    boot._set_boot = _gone
    with raises(KeyError):
        boot.set_trial(1, 10)
    boot = board.boot()
    assert board.note().state == ARMED and board.note().attempt == 10
    assert not boot.tried(1, 10) and not boot.tried(1, 9) and boot.running() == 0


def _gone(bank):
    raise KeyError("the board was reset")


def test_a_torn_state_is_a_trial_that_the_next_reset_ends():
    for state in (VALID, NEW, 6, 0x100, 0xFFFF0002, 0xFFFFFFFE):
        for bank in BOTH:
            board, other = Board(bank), 1 - bank
            board.boot().set_trial(other, 7)
            _tear(board, other, state)
            board.esp.running = board.esp.slots[other]  # a bootloader takes what it does not know for confirmed
            boot = board.process()
            assert (boot.running(), boot.confirmed()) == (other, bank), state
            boot.start()
            assert "torn" in board.said[-1] and (other, PENDING) in board.esp.states()
            boot = board.boot()
            assert (boot.running(), boot.confirmed()) == (bank, bank) and boot.tried(other, 7)


def _tear(board, slot, state):
    for block in (0, 1):
        if board.esp.states()[block][0] == slot:
            board.esp.put(block, board.esp.entry(block)[0], state)


def test_a_trial_that_has_passed_is_confirmed_though_nobody_said_so_twice():
    board = Board()
    board.boot().set_trial(1, 7)
    boot = board.boot()
    boot._pass()
    board.esp.mark_valid()
    boot = board.boot()
    assert (boot.running(), boot.confirmed()) == (1, 1) and not board.said
    boot.confirm()
    assert board.esp.states() == [(1, VALID)] * 2 and board.note().bank == 1


def test_an_entry_whose_sum_is_wrong_is_none():
    for state in (VALID, PENDING, ABORTED, UNDEFINED):
        board = Board()
        boot = board.boot()
        boot._note.set_trial(1, 7)
        board.esp.put(1 - board.esp.active(), 40, state, 0x12345678)
        boot = board.process()
        assert (boot.running(), boot.confirmed(), boot.fell_back(), boot.tried(1, 7)) == (0, 0, False, False), state
        boot.check()
        assert board.esp.states() == [(0, VALID)] * 2


def test_a_confirmation_that_ends_behind_otadata_is_one():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 7)
        boot = board.boot()
        boot._otadata.firm = _gone
        with raises(KeyError):
            boot.confirm()
        boot = board.boot()
        boot.start()
        assert (boot.running(), boot.confirmed()) == (other, other) and not board.said


def test_a_confirmation_that_is_torn_is_none():
    board = Board()
    board.boot().set_trial(1, 7)
    boot = board.boot()
    boot._pass()
    _tear(board, 1, 0x12)
    boot = board.process()
    assert (boot.running(), boot.confirmed()) == (1, 0)
    boot.start()
    assert "torn" in board.said[-1]
    boot.confirm()
    assert board.esp.states() == [(1, VALID)] * 2


def test_what_the_owner_flashes_is_confirmed():
    for state in (UNDEFINED, VALID):
        board = Board()
        board.boot().set_trial(1, 7)
        board.boot()
        board.boot().tick()  # the trial fell, and the journal knows
        board.esp.put(1 - board.esp.active(), 40, state)
        boot = board.boot()
        boot.start()
        assert (boot.running(), boot.confirmed()) == (1, 1) and not board.said, state
    board = Board()
    for block in (0, 1):
        board.flash.erase(board.esp.otadata[3] + block * 4096, 4096)
    boot = board.boot()
    assert (boot.running(), boot.confirmed()) == (0, 0)


def test_an_otadata_that_is_lost_is_written_before_a_bank_is():
    for states in ((), (ABORTED, ABORTED), (INVALID,)):
        board = Board(1)
        for block in (0, 1):
            board.flash.erase(board.esp.otadata[3] + block * 4096, 4096)
        for block, state in enumerate(states):
            board.esp.put(block, 1 + block, state)
        board.esp.running = board.esp.slots[1]  # the image in bank 0 is damaged, and was passed over
        boot = board.process()
        assert (boot.running(), boot.confirmed()) == (1, 1)
        boot.check()
        assert board.esp.states() == [(1, VALID)] * 2
        assert board.boot().running() == 1


def test_the_note_says_what_otadata_said_last():
    board = Board(1)
    assert board.note().bank == 1
    board.boot().set_trial(0, 5)
    assert board.note().bank == 1 and board.note().trial == 0 and board.note().attempt == 5


def test_what_must_not_be_written():
    board = Board()
    boot = board.boot()
    assert boot.why_kept(0) and not boot.why_kept(1)
    with raises(FlashError):
        boot.set_trial(0, 1)
    boot.set_trial(1, 1)
    boot = board.boot()
    assert boot.why_kept(0) and boot.why_kept(1)
    for bank in BOTH:
        with raises(FlashError):
            boot.set_trial(bank, 2)
    with raises(FlashError):
        boot.check()
    boot.confirm()
    assert not boot.why_kept(0) and boot.why_kept(1)


def test_an_update_wears_otadata_little():
    board = Board()
    board.boot().check()
    board.flash.wear = {}
    boot = board.boot()
    boot.check()
    boot.set_trial(1, 1)
    board.boot().confirm()
    assert sum([board.flash.wear.get(sector, 0) for sector in (1, 2)]) == 4  # NEW, PENDING, VALID, and once more
