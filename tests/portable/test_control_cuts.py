"""A factory reset and a roll-back with the power cut at every flash operation: old or new, never a mixture."""

from agent.job import ARM, IDLE, NO_BANK
from agent.journal import Journal
from agent.record import Record
from hal.boot_record import CONFIRMED, TRIED, BootRecord
from hal.region import carve
from ports.sim.device import CUT
from ports.sim.device import IDLE as ENDED
from ports.sim.power import Reset
from tests.portable.boards import cut_everywhere
from tests.portable.owner import LAYOUT, always, in_trial, make_device, on_trial, run


def changed(flash):
    """Leave settings and a result that waits."""
    regions = carve(flash, LAYOUT)
    Journal(regions["settings"]).put(((1, b"accounts" * 40), (2, b"properties"), (3, b"urls")))
    record = Record(Journal(regions["journal"]))
    record.job.server = "srv"
    record.job.phase = IDLE
    record.hold(NO_BANK, bytes(32), False)


def settings_of(flash):
    """Return what the settings hold, without the clean mark."""
    journal, found = Journal(carve(flash, LAYOUT)["settings"]), {}
    for key in (1, 2, 3):
        data = bytearray(400)
        size = journal.get(key, data)
        if size >= 0:
            found[key] = bytes(data[:size])
    return found


def _boot_to_the_end(device):
    while True:
        end = device.boot()
        if end == CUT:
            raise Reset(1)
        if end == ENDED:
            return


def test_a_factory_reset_leaves_what_provisioning_gave():
    device = make_device((always, "factory-reset"), spare=True)
    changed(device.flash)
    assert len(settings_of(device.flash)) == 3
    assert run(device) == ["done factory-reset"]
    assert device.boots == 2 and settings_of(device.flash) == {}
    assert device.agent.record.job.server == "" and device.agent.record.idle


def test_no_factory_reset_in_a_trial():
    device = make_device((in_trial, "factory-reset"), (in_trial, "confirm"), spare=True)
    on_trial(device.flash)
    changed_settings = Journal(carve(device.flash, LAYOUT)["settings"])
    changed_settings.put(((1, b"x"),))
    assert run(device)[0] == "refused factory-reset: firmware is on trial: confirm it or roll back first"
    assert settings_of(device.flash) == {1: b"x"}


def test_cuts_at_every_operation_of_a_factory_reset():
    flash = make_device(spare=True).flash
    changed(flash)
    old = settings_of(flash)
    last = []

    def reset():
        device = make_device((always, "factory-reset"), flash=flash)
        last[:] = [device]
        _boot_to_the_end(device)

    def check(number, effect):
        found = settings_of(flash)
        assert found in (old, {}), (number, effect, found.keys())
        if last[0].server.answers:
            assert found == {}, "it was said to be done"
        device = make_device((always, "factory-reset"), flash=flash)
        assert run(device) == ["done factory-reset"] and settings_of(flash) == {}, (number, effect)
        assert device.hardware.boot.running() == 0

    assert cut_everywhere(flash, reset, check) > 50


def test_cuts_at_every_operation_of_a_roll_back():
    flash = make_device(spare=True).flash
    last = []

    def go_back():
        device = make_device((always, "rollback"), flash=flash, trial_ms=2000)
        last[:] = [device]
        _boot_to_the_end(device)

    def check(number, effect):
        told = last[0].server.answers == ["done rollback"]
        device = make_device(flash=flash, trial_ms=2000)
        run(device)
        boot, record = device.hardware.boot, device.agent.record
        assert boot.running() == boot.confirmed() and record.idle, (number, effect)
        assert device.version == ("2" if boot.confirmed() else "1")
        if told:
            assert boot.confirmed() == 1, (number, effect)

    assert cut_everywhere(flash, go_back, check) > 100


def test_the_power_may_go_between_the_answer_and_the_reset():
    device = make_device((in_trial, "rollback"), spare=True)
    on_trial(device.flash)
    device.server.until = always
    run(device)
    assert BootRecord(carve(device.flash, LAYOUT)["boot"]).state == TRIED
    again = make_device(flash=device.flash)
    run(again)
    assert again.hardware.boot.confirmed() == 0 and again.agent.record.job.code == 410 and again.boots == 1


def test_a_roll_back_is_put_before_the_trial_is_set():
    device = make_device((always, "rollback"), spare=True)
    device.server.until = lambda agent: agent.record.job.phase == ARM
    device.boot()
    regions = carve(device.flash, LAYOUT)
    assert Record(Journal(regions["journal"])).job.phase == ARM and BootRecord(regions["boot"]).state == CONFIRMED
