"""The rules of the boot control of a target beside us, one by one; whole updates are in tests/host/test_cotarget.py."""

from agent.errors import FlashError, LinkError
from agent.reset import COMMANDED, UNKNOWN
from hal.boot_cotarget import CoTarget
from hal.boot_mcuboot import McubootSlot
from hal.cotarget_bus import TargetBus
from hal.cotarget_parts import KeptHeader
from hal.no_counter import NoCounter
from hal.region import Region
from hal.smp_client import SmpClient
from hal.target_record import ARMED, ENDED, FELL, GIVEN_UP, KEPT, NO_HASH, TRYING, TargetRecord
from tests.portable.boards import cut_everywhere, make_flash
from tests.portable.check import raises
from tests.portable.mcuboot_target import Bench, Target, hash_of, make_image

K = 1024
SLOT, STATE = 128 * K, 512 * K
OLD, NEW, OTHER = make_image(b"old" * 500), make_image(b"new" * 500), make_image(b"other" * 500)


class World:
    """A target, its slot with NEW in it, and the boot control, made anew by `start`."""

    def __init__(self, behaviour="good", **policy):
        self.flash = make_flash()
        self.clock, self.ends = self.flash.clock, 0
        self.target = Target(self.clock, self.flash, 0, SLOT, OLD, {hash_of(NEW): behaviour})
        self.policy = {"start_ms": 1000, "swap_ms": 5000, "end": self._end}
        self.policy.update(policy)
        self.flash.load(0, NEW)
        self.clock.sleep_ms(2000)
        self.start()

    def start(self):
        """Begin anew, as behind a power cut of ours: nothing is held."""
        self.target.pin(0)
        chip = Bench(self.flash, 0, SLOT)
        chip.target = self.target
        self.bus = TargetBus(self.target.pin, self.clock, lambda: chip, SLOT, 256, chip.erase_units)
        self.record = TargetRecord(Region(self.flash, STATE, 12 * K))
        self.region = Region(self.bus, 0, SLOT)
        self.slot = McubootSlot(self.region)
        probe = SmpClient(self.target, self.clock, _nobody)
        self.boot = CoTarget(self.record, self.slot, self.region, self.bus, probe, self.clock, _nobody, **self.policy)

    def _end(self):
        self.ends += 1

    def said(self):
        """Return what the boot control says."""
        return self.boot.running(), self.boot.confirmed(), self.boot.tried(1, 5)


def test_a_trial_that_is_kept():
    world = World()
    world.boot.look()
    assert world.said() == (0, 0, False) and world.record.kept == hash_of(OLD)
    world.boot.set_trial(1, 5)
    assert world.bus.held and world.record.state == ARMED and world.record.tried == hash_of(NEW)
    world.boot.restart()
    assert not world.bus.held and world.record.state == TRYING
    world.start()
    world.boot.look()
    assert world.said() == (1, 0, False) and not world.boot.works()
    world.clock.sleep_ms(3000)
    assert world.boot.works() and world.said() == (1, 1, False)
    world.boot.confirm()
    assert (world.record.state, world.record.bank, world.record.kept) == (KEPT, 1, hash_of(NEW))
    world.start()
    world.boot.look()
    assert world.said() == (1, 1, False) and world.target.request() == "none"


def test_a_trial_that_is_given_up():
    world = World("silent")
    world.boot.set_trial(1, 5)
    world.boot.restart()
    world.start()
    world.boot.look()
    assert world.said() == (1, 0, False) and not world.boot.works()
    world.boot.restart()
    assert world.record.state == GIVEN_UP
    world.start()
    world.boot.look()
    assert world.said() == (0, 0, True) and world.record.state == ENDED and world.boot.cause_of_fall() == COMMANDED
    assert world.target.image_ok and world.target.primary == OLD


def test_a_target_that_does_not_answer_does_not_work():
    for behaviour in ("silent", "manual"):
        world = World(behaviour, confirms=True)
        world.boot.set_trial(1, 5)
        world.boot.restart()
        world.clock.sleep_ms(5000)
        assert world.boot.works() == (behaviour == "manual")


def test_a_fall_that_nobody_watched_may_have_been_a_power_cut():
    world = World("crash")
    world.boot.set_trial(1, 5)
    world.boot.restart()
    world.clock.sleep_ms(30000)
    world.start()
    world.boot.look()
    assert world.record.state == FELL and world.said() == (0, 0, True) and world.boot.cause_of_fall() == UNKNOWN


def test_a_fall_that_was_watched_is_the_images_fault_where_there_is_one_supply():
    for shared, state in ((True, ENDED), (False, FELL)):
        world = World("crash", shared=shared)
        world.boot.set_trial(1, 5)
        world.boot.restart()
        for _ in range(20):
            world.clock.sleep_ms(1000)
            world.boot.tick()
        assert world.record.state == state and world.ends == 1


def test_a_target_that_confirms_at_the_last_moment_keeps_its_image():
    world = World("manual")
    world.boot.set_trial(1, 5)
    world.boot.restart()
    world.clock.sleep_ms(5000)
    world.target.catch_up()
    world.target.image_ok = True
    resets = world.target.resets
    world.boot.restart()
    assert world.record.state == KEPT and world.said() == (1, 1, False) and world.target.resets == resets
    world = World("manual")
    world.record.arm(5, hash_of(NEW))
    world.record.enter(GIVEN_UP)
    world.target.primary = NEW
    world.boot.look()
    assert world.said() == (1, 1, False)


# -- when the slot may be touched ---------------------------------------------------------------------------------------


def test_a_slot_is_not_touched_while_the_target_runs_what_is_not_confirmed():
    world = World()
    world.target.copy_done, world.target.image_ok = True, False
    world.target.behaviours[hash_of(OLD)] = "manual"
    for action in (world.boot.free_slot, lambda: world.region.erase(0, 4096)):
        with raises(LinkError):
            action()
    with raises(FlashError):
        world.boot.set_trial(1, 5)
    assert not world.target.held
    assert world.record.state == KEPT and world.target.swaps == 0


def test_a_silent_target_is_taken_only_where_no_trial_is_open():
    world = World()
    world.target.behaviours[hash_of(OLD)] = "silent"
    world.boot.take_bus()
    assert world.bus.held
    for state in (ARMED, TRYING, GIVEN_UP):
        world = World()
        world.target.behaviours[hash_of(OLD)] = "silent"
        world.record.arm(5, hash_of(NEW))
        world.record.enter(state)
        with raises(LinkError):
            world.boot.take_bus()
        assert not world.target.held


def test_an_image_that_nobody_ordered_is_on_trial():
    world = World()
    world.boot.look()
    world.target.primary, world.target.copy_done, world.target.image_ok = OTHER, True, False
    world.target.behaviours[hash_of(OTHER)] = "manual"
    world.boot.look()
    assert world.said() == (1, 0, False)


def test_an_image_that_somebody_else_put_there_has_no_known_version():
    world = World()
    world.boot.look()
    header = KeptHeader(0, world.boot, Region(world.flash, STATE + 16 * K, 4096))
    header.program(0, b"manifest")
    data = bytearray(8)
    header.read(0, data)
    assert data == b"manifest"
    world.target.primary = OTHER
    world.boot.look()
    header.read(0, data)
    assert world.boot.strange and data == b"\xff" * 8


# -- setting a trial ----------------------------------------------------------------------------------------------------


def test_no_trial_of_what_is_no_image():
    world = World()
    world.flash.pages.pop(2)
    with raises(FlashError):
        world.boot.set_trial(1, 5)
    assert world.target.request() == "none" and world.record.state == KEPT and not world.target.held
    with raises(FlashError):
        world.boot.set_trial(0, 5)


def test_a_trailer_that_cannot_be_written():
    world = World()
    world.flash.faults.bad = {SLOT // 4096 - 1: "program"}
    with raises(FlashError):
        world.boot.set_trial(1, 5)
    assert world.record.state == ENDED and world.said() == (0, 0, True) and not world.target.held


def test_whoever_finds_a_request_finds_the_hash_in_the_record():
    world = World()
    world.boot.look()

    def check(number, effect):
        world.start()
        if world.target.swap or world.target.request() == "test":
            assert world.record.state == ARMED and world.record.tried == hash_of(NEW), (number, effect)
        world.target.held, world.target.swap = False, None

    def run():
        world.start()
        world.clock.sleep_ms(2000)
        world.boot.set_trial(1, 5)

    assert cut_everywhere(world.flash, run, check) > 10


def test_a_cut_before_the_request_leads_to_the_same_attempt():
    world = World()
    world.boot.look()
    world.record.arm(5, hash_of(NEW))
    world.start()
    world.boot.look()
    assert world.said() == (0, 0, False) and world.record.state == ARMED
    world.boot.restart()  # for some other reason: the target is none of its business
    assert world.record.state == ARMED and world.target.swaps == 0
    world.boot.set_trial(1, 5)
    world.boot.restart()
    assert world.record.state == TRYING


def test_a_trial_that_nobody_ends_ends_by_itself():
    world = World("manual", open_ms=20000)
    world.boot.set_trial(1, 5)
    world.boot.restart()
    world.start()
    world.boot.look()
    for _ in range(30):
        world.clock.sleep_ms(1000)
        world.boot.tick()
    assert world.ends


def test_a_target_is_let_go_where_the_slot_rests():
    world = World()
    world.boot.free_slot()
    assert world.bus.held
    for _ in range(4):
        world.clock.sleep_ms(1000)
        world.region.read(0, bytearray(4))
        world.boot.tick()
    assert world.bus.held
    world.clock.sleep_ms(6000)
    world.boot.tick()
    assert not world.bus.held


def test_an_old_request_is_taken_back_before_the_slot_is_written():
    world = World()
    world.bus.hold()
    world.slot.set_test()
    world.boot.free_slot()
    assert world.target.request() == "none"


def test_confirming_what_is_not_confirmed_ends_the_trial():
    world = World("manual")
    world.boot.set_trial(1, 5)
    world.boot.restart()
    world.clock.sleep_ms(5000)
    with raises(LinkError):
        world.boot.confirm()
    assert world.ends == 1 and world.record.state == TRYING and world.record.kept in (NO_HASH, hash_of(OLD))


def test_crashes_are_not_counted():
    counter = NoCounter()
    counter.set(3)
    assert counter.get() == 0 and not counter.remembers


def _nobody():
    """Feed no watchdog."""
