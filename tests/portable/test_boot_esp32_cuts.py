"""The ESP32's own A/B boot with the power cut at each operation of its flash: arming, trial, confirmation, fall."""

from hal.otadata import UNDEFINED, VALID
from tests.portable.boards import cut_everywhere
from tests.portable.esp32_board import Board

BOTH = (0, 1)  # which bank is confirmed; the bootloader starts bank 0 where it knows of none


def test_the_arming_is_cut_anywhere():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().check()
        seen = set()

        def check(number, effect):
            boot = board.boot()
            boot.start()
            seen.add(boot.running())
            assert boot.confirmed() == bank, (number, effect)
            if boot.tried(other, 7):  # a NEW that is torn can read as PENDING: the attempt counts, as after a power cut
                assert effect in ("bits", "mostbits") and number == 4
            if boot.running() == other:  # it was all there, or looks so
                boot = _falls(board, bank, (number, effect))
                assert boot.tried(other, 7), (number, effect)
            boot.set_trial(other, 8)
            assert board.boot().running() == other
            boot = _falls(board, bank, (number, effect))
            assert boot.tried(other, 8) and not boot.tried(other, 7)

        assert cut_everywhere(board.flash, lambda: board.boot().set_trial(other, 7), check) > 20
        assert seen == {0, 1}


def _falls(board, bank, where):
    """Reset a board on trial until it runs what is confirmed, at most twice: a torn state may cost one more boot."""
    for _ in range(2):
        boot = board.boot()
        boot.start()
        if boot.running() == bank:
            assert boot.confirmed() == bank, where
            return boot
        assert boot.confirmed() == bank, where
    raise AssertionError("it does not fall: %s" % (where,))


def test_the_trials_boot_and_its_confirmation_are_cut_anywhere():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 7)
        ends = set()

        def confirm():
            boot = board.boot()
            boot.start()
            boot.confirm()

        def check(number, effect):
            boot = board.boot()
            boot.start()
            ends.add((boot.running() == other, boot.confirmed() == other))
            if boot.running() == bank:
                assert boot.confirmed() == bank
                boot.set_trial(other, 8)
                boot = board.boot()
                assert (boot.running(), boot.confirmed()) == (other, bank)
            boot.confirm()
            for _ in range(4):
                boot = board.boot()
                assert (boot.running(), boot.confirmed()) == (other, other), (number, effect)
                assert not boot.tried(other, 7) and not boot.tried(other, 8)

        assert cut_everywhere(board.flash, confirm, check) > 30
        assert ends == {(False, False), (True, False), (True, True)}


def test_the_fall_is_cut_anywhere():
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 7)
        board.boot().start()

        def check(number, effect):
            boot = board.boot()
            boot.start()
            if boot.running() == other:
                assert boot.confirmed() == bank, (number, effect)
                boot = _falls(board, bank, (number, effect))
            assert (boot.running(), boot.confirmed()) == (bank, bank)
            boot.check()
            assert board.esp.states() == [(bank, VALID)] * 2

        assert cut_everywhere(board.flash, board.boot, check) > 5


def test_making_it_firm_is_cut_anywhere():
    """Before a bank is written: the confirmed one must start whatever is lost, and never the other one."""
    for bank in BOTH:
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 7)
        board.boot()
        board.boot()

        def check(number, effect):
            for _ in range(3):
                boot = board.boot()
                assert (boot.running(), boot.confirmed()) == (bank, bank), (number, effect)
            boot.check()
            assert board.esp.states() == [(bank, VALID)] * 2

        assert cut_everywhere(board.flash, lambda: board.boot().check(), check) > 5


def test_the_only_entry_is_not_the_first_to_be_written():
    """As a tool leaves it: one entry, without a state. Where it is lost the bootloader starts bank 0."""
    for block in BOTH:
        board = Board()
        for each in BOTH:
            board.flash.erase(board.esp.otadata[3] + each * 4096, 4096)
        board.esp.put(block, 2, UNDEFINED)

        def check(number, effect):
            boot = board.boot()
            assert (boot.running(), boot.confirmed()) == (1, 1), (block, number, effect)

        assert cut_everywhere(board.flash, lambda: board.boot().check(), check) > 20
