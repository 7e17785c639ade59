"""The ESP32's own A/B boot where it cannot be had: builds without rollback, images that do not start, tables that are others."""

from agent.errors import FlashError
from hal.flash_esp32 import ota_slots, otadata_partition, state_partition
from hal.no_counter import NoCounter
from hal.otadata import PENDING, UNDEFINED, VALID
from tests.portable.check import raises
from tests.portable.esp32_board import SLOT, STATE, TABLE, Board
from tests.portable.esp32_model import APP, DATA, Esp


def test_a_build_without_rollback_is_refused_before_anything_is_written():
    board = Board(rollback=False)
    boot = board.boot()
    with raises(FlashError) as refused:
        boot.check()
    assert "OSError -261" in str(refused.error) and "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE" in board.said[-1]


def test_a_build_without_rollback_that_says_nothing():
    """Only the entry that set_boot leaves tells: it is taken back, or the bank would start for good."""
    for bank in (0, 1):
        board, other = Board(bank), 1 - bank
        board.boot().check()
        board.esp.rollback = False
        board.esp.mark_valid = lambda: None
        boot = board.boot()
        with raises(FlashError) as refused:
            boot.set_trial(other, 3)
        assert "cannot go back" in str(refused.error)
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (bank, bank) and not boot.tried(other, 3)


def test_what_is_no_image_is_not_tried():
    for silent in (False, True):
        board = Board()
        board.damage(1)
        if silent:  # firmware of long ago
            board.esp.set_boot = lambda row: None
        boot = board.boot()
        with raises(FlashError) as refused:
            boot.set_trial(1, 3)
        assert "no image for this ESP32" in str(refused.error)
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (0, 0) and not boot.tried(1, 3)


def test_a_set_boot_that_fails_otherwise():
    board = Board()

    def set_boot(row):
        raise OSError(-0x105, "ESP_ERR_NOT_FOUND")

    board.esp.set_boot = set_boot
    with raises(FlashError) as refused:
        board.boot().set_trial(1, 3)
    assert "cannot be tried" in str(refused.error) and "ESP_ERR_NOT_FOUND" in board.said[-1]


def test_a_trial_whose_image_rots_before_it_starts():
    """The bootloader marks the entry and starts the other slot: the trial is over, and must not be confirmed for it."""
    for bank in (0, 1):
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 3)
        board.damage(other)
        boot = board.boot()
        boot.start()
        assert (other, PENDING) in board.esp.states()
        assert (boot.running(), boot.confirmed()) == (bank, bank) and boot.tried(other, 3) and not boot.fell_back()
        boot.confirm()
        assert board.esp.states() == [(bank, VALID)] * 2
        assert board.boot().running() == bank


def test_a_confirmed_image_that_rots():
    for bank in (0, 1):
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 3)
        board.boot().confirm()
        board.damage(other)
        boot = board.boot()
        boot.start()
        assert (boot.running(), boot.confirmed(), boot.fell_back()) == (bank, bank, True)
        assert "does not start any more" in board.said[-1]
        boot.check()
        boot = board.boot()
        assert (boot.running(), boot.confirmed(), boot.fell_back()) == (bank, bank, False)


def test_confirming_means_the_bank_that_runs():
    board = Board()
    board.boot().set_trial(1, 3)
    boot = board.boot()
    board.esp.put(1 - board.esp.active(), 99, VALID)  # somebody else has let otadata name bank 0
    with raises(FlashError) as refused:
        boot.confirm()
    assert "another bank" in str(refused.error) and "cannot be confirmed" in board.said[-1]


def test_a_confirmation_that_fails_changes_nothing():
    board = Board()
    board.boot().set_trial(1, 3)
    boot = board.boot()

    def mark_valid():
        raise OSError(-0x103, "ESP_ERR_INVALID_STATE")

    board.esp.mark_valid = mark_valid
    with raises(FlashError):
        boot.confirm()
    board.esp.mark_valid = lambda: None  # and one that says nothing
    with raises(FlashError):
        boot.confirm()
    assert (boot.running(), boot.confirmed()) == (1, 0)
    boot = board.boot()
    assert boot.running() == 0 and boot.tried(1, 3)


def test_a_state_that_cannot_be_mended_stops_nothing():
    board = Board()
    board.boot().set_trial(1, 3)
    sector = board.esp.otadata[3] // 4096 + board.esp.active()
    board.esp.put(board.esp.active(), board.esp.entry(board.esp.active())[0], 0x80)
    board.flash.faults.bad = {sector: "erase"}
    board.esp.running = board.esp.slots[1]
    boot = board.process()
    board.said = []
    boot.start()
    assert board.said[0].startswith("a cut has torn")


def test_another_partition_that_runs():
    board = Board()
    board.esp.running = ("factory", APP, 0, 0x40000, SLOT)
    board.esp.table += (board.esp.running,)
    boot = board.process()
    boot.start()
    assert "the partition factory runs" in board.said[-1] and not boot.fit()
    for refused in (boot.check, boot.confirm, lambda: boot.set_trial(1, 1)):
        with raises(FlashError):
            refused()
    assert boot.why_kept(0) and boot.why_kept(1) and boot.running() == boot.confirmed()


def test_tables_that_are_others():
    three = TABLE + (("ota_2", APP, 0x12, 0x40000, SLOT),)
    one = [row for row in TABLE if row[0] != "ota_1"]
    no_data = [row for row in TABLE if row[0] != "otadata"]
    small = no_data + [("otadata", DATA, 0, 0x1000, 0x1000)]
    secret = [row for row in TABLE if row[0] != "fumo"] + [("fumo", DATA, 6, 0x20000, STATE, True)]
    for table, find, word in (
        (three, lambda p: ota_slots(p, SLOT), "ota_0 and ota_1"),
        (one, lambda p: ota_slots(p, SLOT), "ota_0 and ota_1"),
        (TABLE, lambda p: ota_slots(p, 2 * SLOT), "8192 bytes"),
        (TABLE, lambda p: ota_slots(p, SLOT // 2), "8192 bytes"),
        (no_data, otadata_partition, "no otadata"),
        (small, otadata_partition, "no otadata"),
        (TABLE, lambda p: state_partition(p, "state", STATE), "no state"),
        (TABLE, lambda p: state_partition(p, "fumo", 2 * STATE), "16384 bytes"),
        (secret, lambda p: state_partition(p, "fumo", STATE), "encrypted"),
    ):
        with raises(FlashError) as refused:
            find(Esp(Board().flash, table).Partition)
        assert word in str(refused.error), (word, refused.error)


def test_slots_are_told_by_their_numbers():
    board = Board()
    slots = ota_slots(Esp(board.flash, tuple(reversed(TABLE))).Partition, SLOT)
    assert [slot.info()[4] for slot in slots] == ["ota_0", "ota_1"]


def test_a_block_that_holds_nothing():
    for bank in (0, 1):
        board, other = Board(bank), 1 - bank
        board.boot().set_trial(other, 1)
        board.boot()
        boot = board.boot()  # the block of the trial that fell is to be written next
        board.flash.faults.bad = {board.esp.otadata[3] // 4096 + 1 - board.esp.active(): "program"}
        with raises(FlashError) as refused:
            boot.check()
        assert "otadata does not hold what is written" in str(refused.error)
        boot = board.boot()
        assert (boot.running(), boot.confirmed()) == (bank, bank)


def test_a_flag_of_tools_is_no_trial():
    board = Board()
    board.esp.put(1 - board.esp.active(), 2, UNDEFINED)
    boot = board.boot()
    boot.start()
    assert (boot.running(), boot.confirmed()) == (1, 1) and not board.said


def test_the_counter_of_nothing():
    counter = NoCounter()
    counter.set(7)
    assert counter.get() == 0 and not counter.remembers
