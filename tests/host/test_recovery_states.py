"""Serial recovery from every state of the boot record, and that no firmware that crashes is started for ever."""

from agent import reset
from hal.boot_record import ARMED, CONFIRMED, FALLBACK, TRIED
from hal.first_stage import MAX_CRASHES
from ports.sim.device import IDLE, RECOVERY, RESET
from ports.sim.firmware import CRASH, CRASH_CONFIRMED, HANG, UNFIT
from tests.portable.smp_client import Client
from tests.powercut.recovery_world import World, package

NEW = (("upload", package("2"), 900), ("reset",))


def boots(world, count, *plan):
    """Boot so often with nobody, then with the owner's plan, at the line; return how the boots ended."""
    world.device.uart = Client(plan)
    return [world.device.boot() for _ in range(count)]


def test_confirmed_firmware_that_keeps_crashing_is_kept_and_the_other_bank_written():
    world = World(banks=((("1", 5, {"behaviour": CRASH_CONFIRMED}), False), None))
    assert boots(world, MAX_CRASHES + 1, *NEW) == [RESET] * MAX_CRASHES + [RECOVERY]
    assert world.boot_record.trial == 1 and world.whole(0) == "1"
    assert world.run() and world.device.version == "2" and world.boot_record.confirmed() == 1


def test_a_fall_back_that_crashes_too():
    crashing = {"behaviour": CRASH_CONFIRMED}
    world = World(banks=((("0", 5, crashing), False), (("1", 5, crashing), False)), confirmed=1)
    ends = boots(world, 4 * MAX_CRASHES)  # after each recovery it gets its next three chances
    assert ends.count(RECOVERY) >= 2 and world.boot_record.state == FALLBACK
    while world.device.boot() != RECOVERY:
        pass
    world.run(*NEW)
    assert world.device.version == "2" and world.boot_record.confirmed() == 1 and world.whole(0) == "0"


def test_firmware_that_fails_its_trial_is_not_started_again():
    for behaviour in (CRASH, HANG, UNFIT):
        world = World()
        world.boot(("upload", package("2", 7, behaviour), 900), ("reset",))
        boots(world, 30)
        assert [start[:2] for start in world.device.started] == [(0, True)], behaviour
        record = world.boot_record
        assert (record.state, record.void, world.whole(0)) == (TRIED, True, "2")
        world.run(("upload", package("3"), 900), ("reset",))
        assert world.device.version == "3"


def test_the_owner_may_try_it_again():
    world = World()
    _, client = world.boot(("upload", package("2", 7, CRASH), 900), ("states",), ("reset",))
    boots(world, 3)
    digest = client.answers[1]["images"][0]["hash"]
    _, client = world.boot(("states",), ("test", digest), ("reset",))
    assert [image["pending"] for image in client.answers[1]["images"]] == [True]
    boots(world, 10)
    assert [start[0] for start in world.device.started] == [0, 0]


def test_a_trial_that_power_cuts_end_is_tried_three_times():
    world = World()
    world.boot(*NEW)
    for starts in (1, 2, 3):
        assert world.boot_record.state == ARMED
        world.device.server.satisfied = _power_goes
        world.device.boot()
        world.new_device(reset.POWER)
        assert boots(world, 1) == [RECOVERY], starts
    assert world.boot_record.state == TRIED
    assert boots(world, 5) == [RECOVERY] * 5
    world.run(*NEW)
    assert world.device.version == "2"


def _power_goes(update):
    from ports.sim.power import PowerCut

    raise PowerCut()


def test_a_trial_that_is_armed_waits_while_the_button_is_held():
    world = World(banks=((("1", 5), False), None))
    world.device.button = True
    world.boot(*NEW)
    for _ in range(2):
        world.device.button = True
        _, client = world.boot(("states",), ("confirm", bytes(32)), ("reset",))
        images, refusal = client.answers[0]["images"], client.answers[1]
        assert [(one["slot"], one["version"], one["pending"]) for one in images] == [(0, "1", False), (1, "2", True)]
        assert "err" in refusal or refusal["rc"]
    assert world.boot_record.state == ARMED
    world.run()
    assert world.device.version == "2"


def test_recovery_changes_nothing_where_nothing_comes():
    for banks in (((("1", 5), True), None), ((("1", 5), False), None)):
        world = World(banks=banks)
        world.device.button = True
        before = world.flash.snapshot()[0]
        assert world.boot(("states",), ("upload", package("2", 1), 900), ("reset",))[0] == RECOVERY
        assert world.flash.snapshot()[0] == before
        assert world.boot_record.state == CONFIRMED


def test_what_the_agent_does_without_a_test_is_nothing():
    """An image for slot 1 that nobody asked to be tried is held, and a server may order it; what was confirmed runs."""
    world = World(banks=((("1", 5), False), None))
    world.device.button = True
    world.boot(("upload", package("2"), 900, 1), ("reset",))
    world.device.uart = Client(())
    assert world.device.boot() == IDLE and world.device.version == "1"
    assert world.device.update.state == 50 and world.device.update.record.package.bank == 1
