"""Power cuts at every flash operation of a serial recovery, from the first message to the confirmed image.

After each the device boots an image that verifies, or is in recovery and takes the upload to its end; and it never forgets what
the firmware that was overwritten demanded: an older package is tried first each time, and must be refused.
"""

from random import Random

from agent import reset
from agent.job import FLOOR, UPLOAD
from agent.journal import Journal
from hal.boot_record import CONFIRMED
from ports.sim.device import CUT, IDLE, RECOVERY
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.power import Violation
from tests.portable.smp_client import Client
from tests.powercut.recovery_world import World, package

EFFECTS = sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS))
WORLDS = {
    # name: (banks, confirmed bank, bank that the new image ends up in)
    "nothing-left": (((("1", 5), True), None), 0, 0),
    "bank1-confirmed": (((("0", 3), True), (("1", 5), True)), 1, 0),
    "confirmed-verifies": (((("1", 5), False), None), 0, 1),
    "other-verifies": (((("0", 3), False), (("1", 5), True)), 1, 1),
}
SEEDS = 200
_NEW, _OLDER = package("2", 7), package("0", 4)
_PLAN = ("upload", _OLDER, 900), ("upload", _NEW, 700), ("reset",)
_PART = 10  # operations a task


def make_world(name):
    """Return a fresh world."""
    banks, confirmed, _ = WORLDS[name]
    return World(banks, confirmed)


def operations(name):
    """Return how many flash operations a recovery has, one that nothing disturbs."""
    world = make_world(name)
    before = world.flash.ops
    if _drive(world, Client(_PLAN)):
        raise Violation("cut by nobody")
    _check_end(world, WORLDS[name][2])
    return world.flash.ops - before


def single_cuts(name, numbers, effects_of):
    """Cut at these operations with the effects that `effects_of(number)` gives; return (schedules, cuts, violations)."""
    base, schedules, cuts, violations = make_world(name), 0, 0, []
    start = base.flash.snapshot()
    for number in numbers:
        for effect in effects_of(number):
            schedules += 1
            base.flash.restore(start)
            base.flash.clock.us = 0
            base.new_device()
            base.flash.faults.plan(base.flash.ops + number, effect, number)
            try:
                cuts += _cut_once(base, name)
            except (Violation, AssertionError) as e:
                violations.append(("recovery/%s/%d/%s" % (name, number, effect), str(e)))
            base.flash.faults.cut_at = 0
    return schedules, cuts, violations


def many_cuts(seed):
    """Cut one recovery several times; raise Violation or AssertionError where it does not end well."""
    random = Random(seed)
    name = random.choice(sorted(WORLDS))
    world = make_world(name)
    cut = True
    for _ in range(random.randrange(2, 8)):
        at, effect = world.flash.ops + random.randrange(1, 130), random.choice(EFFECTS)
        world.flash.faults.plan(at, effect, random.randrange(1 << 20))
        cut = _drive(world, Client(_PLAN)) if world.device.boots == 0 else _go_on(world)
        if not cut:
            break
    world.flash.faults.cut_at = 0
    if cut and _go_on(world):
        raise Violation("cut by nobody")
    _check_end(world, WORLDS[name][2])


def tasks():
    """Return everything that there is to explore as (function, arguments)."""
    work = [
        (_explore, (name, range(start, min(start + _PART, count + 1))))
        for name in sorted(WORLDS)
        for count in (operations(name),)
        for start in range(1, count + 1, _PART)
    ]
    return work + [(_explore_seeds, (range(start, start + _PART),)) for start in range(0, SEEDS, _PART)]


def replay(schedule_id):
    """Run one schedule again, by the name that was printed; return its violations."""
    _, name, *rest = schedule_id.split("/")
    if name == "seed":
        return _explore_seeds([int(rest[0])])["violations"]
    return single_cuts(name, [int(rest[0])], lambda number: [rest[1]])[2]


def _explore(name, numbers):
    schedules, _, violations = single_cuts(name, numbers, lambda number: EFFECTS)
    return {"recovery_schedules": schedules, "violations": violations}


def _explore_seeds(seeds):
    violations = []
    for seed in seeds:
        try:
            many_cuts(seed)
        except (Violation, AssertionError) as e:
            violations.append(("recovery/seed/%d" % seed, str(e)))
    return {"recovery_schedules": len(seeds), "violations": violations}


def _cut_once(world, name):
    cut = _drive(world, Client(_PLAN))
    if cut and _go_on(world):
        raise Violation("cut by nobody")
    _check_end(world, WORLDS[name][2])
    return cut


def _boot(world, client):
    """Boot with the button held until the owner is done, where something could still be booted."""
    world.device.button = not client.done
    client.again()
    world.device.uart = client
    return world.device.boot()


def _drive(world, client, most=30):
    """Boot until the new image is confirmed, or the power goes; tell whether it went."""
    for _ in range(most):
        end = _boot(world, client)
        if end == CUT:
            return True
        if end == IDLE and world.device.version == "2":
            return False
        if end == IDLE:
            world.device.reset_to_come = reset.COMMANDED
        record = world.boot_record
        failed = end == IDLE or end == RECOVERY and record.void and not record.trial_waits
        if failed and client.done:  # the trial ended in a watchdog's reset, which may have been its own: once more
            client.plan = list(_PLAN[1:])
    raise Violation("no end: %s, %s" % (world.device.started, client.answers))


def _go_on(world):
    """Power is back: the owner begins again, with the older package."""
    client = Client(_PLAN)
    world.new_device(reset.POWER)
    cut = _drive(world, client)
    if client.answers and "rc" not in client.answers[0]:
        raise Violation("the older package was taken: %s" % client.answers)
    return cut


def _check_end(world, bank):
    """Everything is as after any update."""
    record, journal = world.boot_record, Journal(world.regions["journal"])
    assert (record.state, record.bank, record.void) == (CONFIRMED, bank, False), "the boot record"
    assert world.whole(bank) == "2" and world.device.version == "2", "the image"
    for key in (FLOOR, UPLOAD):
        assert journal.get(key, bytearray(4096)) < 0, "journal key %d" % key
    assert not world.owner.errors, world.owner.errors
