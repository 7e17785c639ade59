"""A board that does not run: what its flash says, what its owner changes there, and what the device makes of it."""

import pytest

from agent.job import ARM, REPORT, TRIAL
from agent.journal import Journal
from agent.record import Record
from agent.reset import WATCHDOG
from flash_tools.boards import factory_region
from flash_tools.boards.board_control import command, exit_code, status
from flash_tools.boards.board_offline import Offline
from flash_tools.chips import Chip, open_chip
from flash_tools.errors import BusyError, NotFoundError, RefusedError
from flash_tools.target import parse
from hal.boot_record import ARMED, BootRecord
from hal.region import carve
from ports.sim.power import Reset
from tests.host.owned_boards import running, two_banks
from tests.host.sim_devices import TIMEOUT_S
from tests.portable import owner
from tests.portable.boards import cut_everywhere

FILE = parse("file:flash.img")
FACTS = {**owner.FACTS, "board": "sim_nor", "layout": [list(part) for part in owner.LAYOUT]}
LONG = ("--notify-port", 0, "--trial-s", 300)


def make_flash():
    """Return a chip that was provisioned, with 1 confirmed in bank 0 and 2 in bank 1."""
    flash = owner.make_device(spare=True).flash
    factory_region.write(carve(flash, owner.LAYOUT)["factory"], FACTS)
    return flash


def offline(flash):
    return Offline(Chip(FILE, flash))


def start(flash, *lines, trial_ms=2000):
    """Let the device run until nothing is left to do; return it."""
    device = owner.make_device(*lines, flash=flash, trial_ms=trial_ms)
    owner.run(device)
    return device


def into_trial(flash):
    """Let the device try bank 1, and take its power there."""
    owner.on_trial(flash)
    device = owner.make_device((owner.in_trial, "status"), flash=flash)
    device.server.until = owner.always
    owner.run(device)
    assert Record(Journal(carve(flash, owner.LAYOUT)["journal"])).job.phase == TRIAL


def test_the_flash_says_how_the_board_is():
    found = offline(make_flash()).status(verify=True)
    assert not found["live"] and (found["product"], found["model"], found["device"]) == ("bench", "sim2", "sim:1")
    assert (found["bank"], found["confirmed"], found["trial"], found["version"]) == (0, 0, False, "1")
    assert [(bank["state"], bank["version"], bank["whole"]) for bank in found["banks"]] == [
        ("confirmed", "1", True),
        ("spare", "2", True),
    ]
    flash = make_flash()
    flash.load(carve(flash, owner.LAYOUT)["bank0"].start, b"x")
    assert [bank["whole"] for bank in offline(flash).status(verify=True)["banks"]] == [False, True]


def test_it_says_what_the_device_says_of_itself():
    flash = make_flash()
    into_trial(flash)
    found = offline(flash).status()
    assert found["trial"] and found["held"] == "2" and exit_code(found) == 11
    assert [bank["state"] for bank in found["banks"]] == ["confirmed", "trial"]
    device = start(flash, trial_ms=2000)
    assert device.version == "2"  # cut twice by the power, tried again and kept
    found = offline(flash).status()
    assert exit_code(found) == 0 and found["version"] == "2" and found["code"] == 200 and not found["trial"]


def test_a_roll_back_that_is_kept():
    flash = make_flash()
    assert "2 in bank 1" in offline(flash).rollback()
    assert BootRecord(carve(flash, owner.LAYOUT)["boot"]).state == ARMED
    device = start(flash)
    assert device.version == "2" and device.hardware.boot.confirmed() == 1 and device.boots == 1
    assert "1 in bank 0" in offline(flash).rollback()
    assert start(flash).version == "1"


def test_a_dry_run_changes_nothing():
    flash = make_flash()
    before, ops = dict(flash.pages), flash.ops
    offline(flash).rollback(dry_run=True)
    offline(flash).factory_reset(dry_run=True)
    into_trial(flash)
    before, ops = dict(flash.pages), flash.ops
    offline(flash).confirm(dry_run=True)
    offline(flash).rollback(dry_run=True)
    offline(flash).status(verify=True)
    assert (flash.pages, flash.ops) == (before, ops)


def test_a_trial_that_lost_its_power_can_be_kept():
    flash = make_flash()
    into_trial(flash)
    assert "2 in bank 1" in offline(flash).confirm()
    device = start(flash)
    assert device.version == "2" and device.boots == 1 and device.agent.record.job.code == 200
    with pytest.raises(RefusedError, match="no firmware is on trial"):
        offline(flash).confirm()


def test_a_trial_that_lost_its_power_can_be_ended():
    flash = make_flash()
    into_trial(flash)
    assert "bank 0 starts" in offline(flash).rollback()
    device = start(flash)
    assert device.version == "1" and device.boots == 1 and device.agent.record.job.code == 410
    assert exit_code(offline(flash).status()) == 8


def test_a_trial_that_crashed_before_the_agent_noted_it_can_be_ended():
    flash = make_flash()
    owner.on_trial(flash)
    record = Record(Journal(carve(flash, owner.LAYOUT)["journal"]))
    boot = BootRecord(carve(flash, owner.LAYOUT)["boot"])
    boot.set_trial(1, record.job.attempt())
    with pytest.raises(RefusedError, match="let the board start"):
        offline(flash).rollback()
    with pytest.raises(RefusedError, match="never run"):
        offline(flash).confirm()
    boot.begin_trial()
    offline(flash).rollback()
    device = start(flash)
    assert device.version == "1" and device.boots == 1 and device.agent.record.job.code == 410


def test_a_trial_that_has_fallen_is_not_confirmed_later():
    flash = make_flash()
    into_trial(flash)
    offline(flash).rollback()
    start(flash)
    with pytest.raises(RefusedError, match="no firmware is on trial"):
        offline(flash).confirm()


def test_a_trial_that_crashed_by_itself_is_not_confirmed_later():
    flash = make_flash()
    owner.on_trial(flash)
    device = owner.make_device(flash=flash)

    def crash(firmware, bank):
        if bank == 1:
            raise Reset(WATCHDOG)

    device._misbehave = crash
    owner.run(device)
    boot, record = device.hardware.boot, device.agent.record
    assert boot.tried(1, record.job.attempt()) and record.package.bank == 1 and record.job.code == 410
    with pytest.raises(RefusedError, match="no firmware is on trial"):
        offline(flash).confirm()
    assert exit_code(offline(flash).status()) == 8


def test_what_is_not_whole_is_neither_kept_nor_tried():
    flash = make_flash()
    into_trial(flash)
    bank = carve(flash, owner.LAYOUT)["bank1"]
    flash.load(bank.start + 5000, b"??")
    with pytest.raises(RefusedError, match="not whole"):
        offline(flash).confirm()
    offline(flash).rollback()
    start(flash)
    with pytest.raises(RefusedError):
        offline(flash).rollback()


def test_nothing_is_reset_in_a_trial():
    flash = make_flash()
    into_trial(flash)
    with pytest.raises(RefusedError, match="on trial"):
        offline(flash).factory_reset()


def test_a_factory_reset():
    flash = make_flash()
    regions = carve(flash, owner.LAYOUT)
    Journal(regions["settings"]).put(((1, b"accounts"), (2, b"more")))
    record = Record(Journal(regions["journal"]))
    record.job.phase, record.job.code, record.outbox.code = REPORT, 200, 200
    record.enter(REPORT, ((3, record.outbox.pack()),))
    assert offline(flash).status()["result"] == 200
    offline(flash).factory_reset()
    found = offline(flash).status()
    assert Journal(regions["settings"]).keys() == [] and found["result"] == 0 and found["phase"] == "idle"


@pytest.mark.parametrize("name", ["rollback", "factory_reset", "confirm", "end_trial"])
def test_the_power_may_go_at_every_operation(name):
    flash = make_flash()
    if name in ("confirm", "end_trial"):
        into_trial(flash)
    Journal(carve(flash, owner.LAYOUT)["settings"]).put(((1, b"accounts" * 30), (2, b"more")))
    kept = flash.snapshot()

    def act():
        board = offline(flash)
        getattr(board, "rollback" if name == "end_trial" else name)()

    def check(number, effect):
        keys = Journal(carve(flash, owner.LAYOUT)["settings"]).keys()
        assert keys in ([1, 2], []), (number, effect, keys)
        device = start(flash)
        boot, record = device.hardware.boot, device.agent.record
        assert boot.running() == boot.confirmed() and record.idle and device.version in ("1", "2"), (number, effect)
        if name in ("rollback", "confirm"):
            assert (boot.confirmed() == 1) == (device.version == "2")

    assert cut_everywhere(flash, act, check) > 20
    flash.restore(kept)
    act()
    assert start(flash).version == {"rollback": "2", "confirm": "2"}.get(name, "1")


def test_a_chip_that_was_never_provisioned():
    flash = owner.make_device(spare=True).flash
    chip = Chip(FILE, flash)
    chip._found = owner.LAYOUT
    with pytest.raises(NotFoundError, match="provisioned"):
        Offline(chip)


# -- files ---------------------------------------------------------------------------------------------------------------


def test_a_simulated_board_by_its_file(tmp_path):
    files = two_banks(tmp_path / "dev")
    board = "sim:%s" % files.folder
    assert status(board)["version"] == "1.0" and status("file:%s" % files.flash)["device"] == "sim:1"
    command(board, "rollback")
    assert exit_code(status(board)) == 11
    with running(files, quick=LONG) as (process, _):
        process.wait_for("boot 1 bank 1 trial version 2.0", TIMEOUT_S)
        process.wait_for("state 60", TIMEOUT_S)
    assert exit_code(status(board)) == 11
    command(board, "confirm")
    with running(files) as (process, _):
        process.wait_for("boot 1 bank 1 confirmed version 2.0", TIMEOUT_S)
        process.wait_for("state 90", TIMEOUT_S)
    assert exit_code(status(board)) == 0


def test_a_device_that_runs_keeps_its_flash(tmp_path):
    files = two_banks(tmp_path / "dev")
    with running(files):
        with pytest.raises(BusyError):
            command("file:%s" % files.flash, "rollback")
        assert status("file:%s" % files.flash)["live"] is False


def test_provisioning_in_a_file_only(tmp_path):
    """A simulated device that was made before chips had the factory region filled."""
    files = two_banks(tmp_path / "dev")
    with open_chip("file:%s" % files.flash, write=True) as chip:
        factory = chip.regions()["factory"]
        factory.erase(0, 4096)
        factory.erase(4096, 4096)
    assert status("sim:%s" % files.folder)["device"] == "sim:1"
    files.provision.write_text("[")
    with pytest.raises(NotFoundError):
        status("sim:%s" % files.folder)


def test_arm_is_what_the_journal_says_first():
    flash = make_flash()
    seen = []
    real = BootRecord.set_trial

    def spy(self, bank, attempt):
        seen.append(Record(Journal(carve(flash, owner.LAYOUT)["journal"])).job.phase)
        real(self, bank, attempt)

    BootRecord.set_trial = spy
    try:
        offline(flash).rollback()
    finally:
        BootRecord.set_trial = real
    assert seen == [ARM]
