"""The trial of what serial recovery has installed: when it is armed, and when not again."""

import hashlib

from agent import reset
from agent.job import ARM, CLEAN, FLOOR, IDLE, JOB, LOCAL, UPLOAD
from hal.boot_record import ARMED, CONFIRMED, TRIED
from tests.data import vectors
from tests.portable.serial_board import Board, upload


def test_a_trial_is_armed_once_and_only_for_what_was_uploaded():
    board = Board(ruined=False)
    target = board.start()
    digest = hashlib.sha256(vectors.NEW).digest()
    assert not target.test() and not target.test(digest)
    upload(target)
    assert not target.test(bytes(32)) and not target.test(target.images()[0][2]) and board.boot.state == CONFIRMED
    assert target.test(digest) and board.boot.state == ARMED and board.boot.trial == 1
    operations = board.flash.ops
    assert target.test() and target.test(digest) and board.flash.ops == operations
    assert [image[4] for image in target.images()] == [False, True]
    record = board.record
    assert (record.job.kind, record.job.phase, record.package.bank) == (LOCAL, ARM, 1)
    assert board.boot.attempt == record.job.attempt()


def test_a_held_package_that_nobody_tested_is_tried_where_nothing_else_runs():
    for ruined in (True, False):
        board = Board(ruined=ruined)
        target = board.start()
        upload(target, most=4000)
        target.leave()
        assert board.boot.state == CONFIRMED
        upload(target)
        target.leave()
        assert board.boot.state == (ARMED if ruined else CONFIRMED)


def test_an_armed_trial_is_called_off():
    board = Board(ruined=False)
    target = board.start()
    upload(target)
    target.test()
    target = board.start()
    upload(target, vectors.CRASH_PACKAGE, most=2000)
    assert board.boot.state == TRIED and board.record.job.phase == IDLE


def test_after_a_trial_nothing_is_left_behind():
    board = Board()
    target = board.start()
    upload(target)
    assert board.keeps(FLOOR) and board.keeps(UPLOAD)
    target.test()
    assert board.keeps(FLOOR) and not board.keeps(UPLOAD) and board.record.package.dirty_from == 0
    record = board.record
    record.job.phase = 6
    board.boot.begin_trial()
    board.boot.run(0)
    board.boot.confirm()
    record.finish(200, 0)
    assert not board.keeps(FLOOR) and not board.boot.void and board.keeps(JOB)


def test_a_trial_that_a_cut_ended_is_armed_again_and_one_that_crashed_is_not():
    for cause, again in ((reset.POWER, True), (reset.WATCHDOG, False), (reset.COMMANDED, False)):
        board = Board()
        target = board.start()
        upload(target)
        target.test()
        board.boot.begin_trial()
        target = board.start(cause)
        assert board.again == again and board.boot.state == (ARMED if again else TRIED)
        target.leave()
        assert board.boot.state == (ARMED if again else TRIED)
        assert target.test(hashlib.sha256(vectors.NEW).digest()) and board.boot.state == ARMED
    assert board.record.package.dirty_from != CLEAN


def test_a_bank_that_is_ruined_between_two_parts_of_an_upload():
    for confirmed, target in ((0, 1), (1, 0)):
        board = Board(confirmed, False)
        upload(board.start(), most=7000)
        assert not board.keeps(FLOOR) and board.record.progress.package_at > 4096
        board.flash.pages[board.regions["bank%d" % confirmed].start // 256] = bytes(256)
        again = board.start()
        wanted = upload(again, most=7000)
        assert board.boot.void and board.keeps(FLOOR)
        assert (wanted[1] > 4096) == (target == 0)  # what is in the other bank is of no use
        again = board.start()
        upload(again)
        assert again.match() and board.whole(0) == "2"
