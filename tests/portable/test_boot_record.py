"""The boot record: which bank runs, through every cut of every change."""

from agent import reset
from hal import first_stage
from hal.boot_record import ARMED, CONFIRMED, FALLBACK, TRIED, BootRecord
from hal.region import Region
from ports.sim.watchdog import Scratch
from tests.portable.boards import cut_everywhere, make_flash


def _record(flash, running=0):
    return BootRecord(Region(flash, 0, 3 * 4096), running)


def _yes(bank):
    return True


def _choose(flash, cause=reset.POWER, counter=None, check=_yes):
    boot = _record(flash)
    return first_stage.choose(boot, cause, counter or Scratch(), check), boot


def test_a_trial_boots_once_and_falls_back_by_itself():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).set_trial(1, 9)
    assert _choose(flash)[0] == 1
    bank, boot = _choose(flash, reset.WATCHDOG)
    assert bank == 0 and boot.tried(1, 9) and not boot.tried(1, 10)


def test_a_confirmed_trial_stays():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).set_trial(1, 1)
    bank, boot = _choose(flash)
    boot.confirm()
    for cause in (reset.POWER, reset.WATCHDOG, reset.COMMANDED):
        assert _choose(flash, cause)[0] == 1 == bank


def test_a_trial_whose_digest_is_wrong_never_runs():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).set_trial(1, 1)
    assert _choose(flash, check=lambda bank: bank == 0)[0] == 0


def test_a_normal_boot_reads_little_and_writes_nothing():
    flash = make_flash()
    _record(flash).confirm()
    operations, read = flash.ops, flash.bytes_read
    assert _choose(flash, check=None)[0] == 0
    assert flash.ops == operations and flash.bytes_read - read <= 1024


def test_every_cut_of_every_change_leaves_the_old_or_the_new_state():
    changes = (
        (lambda boot: boot.set_trial(1, 3), (CONFIRMED, 0), (ARMED, 0)),
        (lambda boot: boot.fall_back(1), (CONFIRMED, 0), (FALLBACK, 1)),
        (lambda boot: (boot.run(1), boot.confirm()), (CONFIRMED, 0), (CONFIRMED, 1)),
    )
    for change, old, new in changes:
        flash = make_flash()
        _record(flash).confirm()

        def check(number, effect):
            for _ in range(3):  # weak cells fade on a later boot
                boot = _record(flash)
                assert (boot.state, boot.bank) in (old, new), (number, effect)
                flash.power_on(_nobody)

        assert cut_everywhere(flash, lambda: change(_record(flash)), check) > 10


def test_confirm_leaves_two_records():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).set_trial(1, 1)
    boot = _choose(flash)[1]
    boot.confirm()
    for sector in range(3):
        saved = flash.snapshot()
        flash.load(sector * 4096, bytes(256))
        assert _choose(flash)[0] == 1, sector
        flash.restore(saved)


def test_three_crashes_without_health_bring_the_other_bank():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    assert _choose(flash, reset.POWER, counter)[0] == 0
    assert [_choose(flash, reset.WATCHDOG, counter)[0] for _ in range(3)] == [0, 0, 1]
    bank, boot = _choose(flash, reset.POWER, counter)
    assert bank == 1 and boot.state == FALLBACK


def test_a_minute_of_health_forgives_crashes():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    _choose(flash, reset.POWER, counter)
    for _ in range(10):
        assert _choose(flash, reset.WATCHDOG, counter)[0] == 0
        counter.set(0)


def test_a_rotten_bank_is_left_for_one_that_verifies():
    flash = make_flash()
    _record(flash).confirm()
    assert _choose(flash, reset.WATCHDOG, check=lambda bank: bank == 1)[0] == 1


def test_without_a_good_bank_there_is_recovery_and_no_loop():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    assert _choose(flash, reset.WATCHDOG, counter, lambda bank: False)[0] == -1


def test_crash_marks_count_in_flash_where_nothing_else_survives():
    flash = make_flash()
    _record(flash).confirm()
    boot = _record(flash)
    marks = first_stage.CrashMarks(boot)
    operations = flash.ops
    first_stage.choose(boot, reset.POWER, marks, _yes)
    assert flash.ops == operations
    chosen = []
    for _ in range(3):
        boot = _record(flash)
        chosen.append(first_stage.choose(boot, reset.WATCHDOG, first_stage.CrashMarks(boot), _yes))
    assert chosen == [0, 0, 1]
    boot = _record(flash)
    first_stage.CrashMarks(boot).set(0)
    assert boot.crashes() == 0


def test_old_modules_are_cleared():
    modules = {"agent": 1, "agent.update": 1, "hal": 1, "sys": 1, "agents": 1, "ports.sim": 1, "board.x": 1}
    first_stage.clear_modules(modules)
    assert sorted(modules) == ["agents", "sys"]


def test_a_begun_trial_is_used_up():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).set_trial(1, 1)
    assert _choose(flash)[1].state == TRIED


def _nobody():
    """Feed no watchdog."""


def test_a_wish_leads_to_recovery_once():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    _choose(flash, reset.POWER, counter)
    assert first_stage.ask_for_recovery(counter)
    operations = flash.ops
    bank, boot = _choose(flash, reset.COMMANDED, counter)
    assert bank == -1 and boot.ran_before() == -1 and flash.ops == operations
    assert _choose(flash, reset.COMMANDED, counter)[0] == 0


def test_a_button_leads_to_recovery_and_changes_nothing():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    _record(flash).set_trial(1, 4)
    counter.set(1 << 4 | 2)
    for _ in range(3):
        boot = _record(flash)
        assert first_stage.choose(boot, reset.WATCHDOG, counter, _yes, True) == -1
        assert boot.state == ARMED and counter.get() == 1 << 4 | 2 and boot.ran_before() == 0
    assert _choose(flash, reset.POWER, counter)[0] == 1


def test_marks_in_flash_remember_no_wish():
    flash = make_flash()
    _record(flash).confirm()
    boot = _record(flash)
    operations = flash.ops
    assert not first_stage.ask_for_recovery(first_stage.CrashMarks(boot))
    assert flash.ops == operations
    assert first_stage.choose(boot, reset.COMMANDED, first_stage.CrashMarks(boot), _yes) == 0


def test_where_no_bank_is_confirmed_only_a_trial_runs():
    flash, counter = make_flash(), Scratch()
    _record(flash).confirm()
    _record(flash).give_up(0)
    assert _record(flash).void and _record(flash).confirmed() == 1
    for cause in (reset.POWER, reset.COMMANDED, reset.WATCHDOG):
        assert _choose(flash, cause, counter)[0] == -1
    _record(flash).set_trial(0, 3)
    bank, boot = _choose(flash, reset.COMMANDED, counter)
    assert bank == 0 and boot.running() != boot.confirmed() and boot.void
    for cause in (reset.WATCHDOG, reset.POWER, reset.WATCHDOG):
        bank, boot = _choose(flash, cause, counter)
        assert bank == -1 and boot.tried(0, 3)
    _record(flash).set_trial(0, 4)
    bank, boot = _choose(flash, reset.COMMANDED, counter)
    boot.confirm()
    assert not _record(flash).void and _choose(flash, reset.POWER, counter)[0] == 0


def test_a_trial_that_does_not_verify_leaves_recovery_where_no_bank_is_confirmed():
    flash, counter = make_flash(), Scratch()
    _record(flash).give_up(0)
    _record(flash).set_trial(0, 1)
    assert _choose(flash, reset.POWER, counter, lambda bank: bank == 1)[0] == -1


def test_giving_up_leaves_two_records():
    flash = make_flash()
    _record(flash).confirm()
    _record(flash).give_up(0)
    for sector in range(3):
        saved = flash.snapshot()
        flash.load(sector * 4096, bytes(256))
        assert _record(flash).void, sector
        flash.restore(saved)


def test_every_cut_of_giving_up_leaves_the_old_or_the_new_state():
    flash = make_flash()
    _record(flash).confirm()

    def check(number, effect):
        for _ in range(3):  # weak cells fade on a later boot
            boot = _record(flash)
            assert (boot.void, boot.bank) in ((False, 0), (True, 1)), (number, effect)
            flash.power_on(_nobody)

    def give_up_again(number, effect):
        _record(flash).give_up(0)
        for _ in range(3):
            assert _record(flash).void, (number, effect)
            flash.power_on(_nobody)

    assert cut_everywhere(flash, lambda: _record(flash).give_up(0), check) > 10
    assert cut_everywhere(flash, lambda: _record(flash).give_up(0), give_up_again) > 10
