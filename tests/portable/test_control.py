"""What the owner asks of a device over the console: the answers, and what follows."""

import json

from agent.job import NO_BANK
from agent.journal import Journal
from agent.record import Record
from hal.boot_record import BootRecord
from hal.region import carve
from ports.sim.firmware import GOOD, UNFIT
from ports.sim.power import Reset
from tests.data import vectors
from tests.portable.owner import LAYOUT, always, in_trial, make_device, on_trial, run


def test_other_words_are_not_its_own():
    device = make_device((always, "status now"), (always, "button"), (always, ""))
    assert run(device) == [None, None, None]


def test_status_says_how_the_device_is():
    device = make_device((always, "status"), spare=True)
    word, _, text = run(device)[0].partition(" ")
    found = json.loads(text)
    assert word == "status" and "\n" not in text
    assert found["product"] == "bench" and found["device"] == "sim:1" and found["version"] == "1"
    assert (found["bank"], found["confirmed"], found["trial"], found["boot"]) == (0, 0, False, 1)
    assert [(bank["state"], bank["version"], bank["counter"]) for bank in found["banks"]] == [
        ("runs", "1", 7),
        ("spare", "2", 7),
    ]
    assert (found["phase"], found["state"], found["code"], found["held"]) == ("idle", 10, 0, None)


def test_status_in_a_trial_and_with_a_held_package():
    device = make_device((in_trial, "status"), spare=True)
    on_trial(device.flash)
    device.server.until = always
    found = json.loads(run(device)[0][7:])
    assert found["trial"] and [bank["state"] for bank in found["banks"]] == ["confirmed", "trial"]
    assert found["phase"] == "trial" and found["held"] == "2" and found["state"] == 60


def test_nothing_is_confirmed_outside_of_a_trial():
    assert run(make_device((always, "confirm"))) == ["refused confirm: no firmware is on trial"]


def test_the_owner_vouches_and_nothing_is_waited_for():
    device = make_device((in_trial, "confirm"), spare=True)
    on_trial(device.flash)
    assert run(device) == ["done confirm"]
    assert device.clock.ms() < 600000 and device.hardware.boot.confirmed() == 1 and device.agent.record.idle
    assert device.agent.record.job.code == 200


def test_a_self_test_that_fails_is_not_overruled():
    device = make_device((in_trial, "confirm"), spare=True, trial_ms=2000)
    on_trial(device.flash)
    image = carve(device.flash, LAYOUT)["bank1"]
    device.flash.load(image.start, vectors.NEW)
    before = device._misbehave

    def unfit(firmware, bank):
        firmware.behaviour = UNFIT if bank == 1 else GOOD
        before(firmware, bank)

    device._misbehave = unfit
    answers = run(device)
    assert answers == ["refused confirm: a self-test of this firmware does not pass"]
    assert device.hardware.boot.running() == device.hardware.boot.confirmed() == 0


def test_a_roll_back_in_a_trial_ends_it_for_good():
    for readable in (True, False):
        device = make_device((in_trial, "rollback"), spare=True, readable=readable)
        on_trial(device.flash)
        assert run(device) == ["done rollback"]
        boot = device.hardware.boot
        assert device.boots == 3 and boot.running() == boot.confirmed() == 0, "it was tried again"
        assert device.agent.record.idle and device.agent.record.job.code == 410


def test_a_roll_back_tries_the_firmware_before_and_keeps_it():
    device = make_device((always, "rollback"), (in_trial, "confirm"), spare=True)
    assert run(device) == ["done rollback", "done confirm"]
    assert device.hardware.boot.confirmed() == 1 and device.version == "2" and device.agent.record.idle


def test_there_may_be_nothing_to_go_back_to():
    nothing = "refused rollback: the other bank holds no firmware that is whole and trusted"
    assert run(make_device((always, "rollback"))) == [nothing]
    device = make_device((always, "rollback"), spare=True)
    device.flash.load(carve(device.flash, LAYOUT)["bank1"].start + 5000, b"x")
    assert run(device) == [nothing]


def test_what_a_revoked_key_signed_is_not_gone_back_to():
    from agent import verify as bank_verify

    real = bank_verify.read_manifest

    def revoking(bank, trust):
        manifest = real(bank, trust)
        if manifest:
            manifest.revoked = [vectors.KID]
        return manifest

    device = make_device((always, "rollback"), spare=True)
    bank_verify.read_manifest = revoking
    try:
        assert run(device)[0].startswith("refused rollback: the other bank holds no firmware")
    finally:
        bank_verify.read_manifest = real


def test_an_older_security_counter_is_not_gone_back_to():
    from agent import verify as bank_verify

    real = bank_verify.read_manifest

    def newer(bank, trust):
        manifest = real(bank, trust)
        if manifest and manifest.version == "1":
            manifest.counter = 8
        return manifest

    device = make_device((always, "rollback"), spare=True)
    bank_verify.read_manifest = newer
    try:
        assert run(device) == ["refused rollback: the other bank's security counter 7 is below 8"]
    finally:
        bank_verify.read_manifest = real


def test_a_held_or_half_written_bank_is_not_gone_back_to():
    device = make_device((always, "rollback"), spare=True)
    record = Record(Journal(carve(device.flash, LAYOUT)["journal"]))
    record.hold(1, bytes(32))
    assert run(device) == ["refused rollback: the other bank holds firmware that was never confirmed here"]
    device = make_device((always, "rollback"), spare=True)
    record = Record(Journal(carve(device.flash, LAYOUT)["journal"]))
    record.package.dirty_from = 0
    record.reset_state()
    record.hold(NO_BANK, bytes(32), False)
    assert run(device) == ["refused rollback: the other bank is half written"]


def test_a_user_wants_an_update():
    device = make_device((always, "request-update"), (always, "request-update"))
    device.server.until = always
    first, second = run(device)
    assert first == "done request-update" and second.startswith("refused request-update: ")


def test_recovery_is_entered_after_the_answer():
    device, entered = make_device((always, "recovery")), []
    assert run(device) == ["refused recovery: this board has no serial recovery"]

    def enter():
        entered.append(list(device.server.answers))
        raise Reset(2)

    device = make_device((always, "recovery"))
    device.uart, device._enter_recovery = True, enter
    run(device)
    assert entered == [["done recovery"]] and device.boots == 2
    device = make_device((in_trial, "recovery"), (in_trial, "confirm"), spare=True)
    device.uart, device._enter_recovery = True, enter
    on_trial(device.flash)
    assert run(device)[0].startswith("refused recovery: firmware is on trial")


def test_there_is_nothing_behind_a_trial_that_serial_recovery_left_alone():
    device = make_device((in_trial, "rollback"), (in_trial, "confirm"), spare=True)
    on_trial(device.flash)
    boot = BootRecord(carve(device.flash, LAYOUT)["boot"])
    boot.give_up(1)
    boot.set_trial(1, Record(Journal(carve(device.flash, LAYOUT)["journal"])).job.attempt())
    first, second = run(device)
    assert first == "refused rollback: serial recovery has overwritten the firmware before" and second == "done confirm"
