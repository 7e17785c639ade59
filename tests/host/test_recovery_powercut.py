"""Power cuts at every flash operation of a serial recovery, from the first message to the confirmed image.

After each the device boots an image that verifies, or is in recovery and takes the upload to its end; and it never forgets what
the firmware that was overwritten demanded: an older package is tried first each time, and must be refused.
"""

import os
from random import Random

import pytest

from agent import reset
from agent.job import FLOOR, UPLOAD
from agent.journal import Journal
from hal.boot_record import CONFIRMED
from ports.sim.device import CUT, IDLE, RECOVERY
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.power import Violation
from tests.host.recovery_world import World, package
from tests.portable.smp_client import Client

EFFECTS = sorted(set(PROGRAM_EFFECTS + ERASE_EFFECTS))
ALL = bool(os.environ.get("FUMO_ALL_CUTS"))
NEW, OLDER = package("2", 7), package("0", 4)
WORLDS = {
    # name: (banks, confirmed bank, bank that the new image ends up in)
    "nothing is left": (((("1", 5), True), None), 0, 0),
    "bank 1 was confirmed": (((("0", 3), True), (("1", 5), True)), 1, 0),
    "the confirmed one verifies": (((("1", 5), False), None), 0, 1),
    "only the other one verifies": (((("0", 3), False), (("1", 5), True)), 1, 1),
}
PLAN = ("upload", OLDER, 900), ("upload", NEW, 700), ("reset",)


def make_world(name):
    """Return a fresh world."""
    banks, confirmed, _ = WORLDS[name]
    return World(banks, confirmed)


def boot(world, client):
    """Boot with the button held until the owner is done, where something could still be booted."""
    world.device.button = not client.done
    client.again()
    world.device.uart = client
    return world.device.boot()


def drive(world, client, most=30):
    """Boot until the new image is confirmed, or the power goes; tell whether it went."""
    for _ in range(most):
        end = boot(world, client)
        if end == CUT:
            return True
        if end == IDLE and world.device.version == "2":
            return False
        if end == IDLE:
            world.device.reset_to_come = reset.COMMANDED
        record = world.boot_record
        failed = end == IDLE or end == RECOVERY and record.void and not record.trial_waits
        if failed and client.done:  # the trial ended in a watchdog's reset, which may have been its own: once more
            client.plan = list(PLAN[1:])
    raise Violation("no end: %s, %s" % (world.device.started, client.answers))


def go_on(world):
    """Power is back: the owner begins again, with the older package."""
    client = Client(PLAN)
    world.new_device(reset.POWER)
    cut = drive(world, client)
    if client.answers and "rc" not in client.answers[0]:
        raise Violation("the older package was taken: %s" % client.answers)
    return cut


def check_end(world, bank):
    """Everything is as after any update."""
    record, journal = world.boot_record, Journal(world.regions["journal"])
    assert (record.state, record.bank, record.void) == (CONFIRMED, bank, False)
    assert world.whole(bank) == "2" and world.device.version == "2"
    for key in (FLOOR, UPLOAD):
        assert journal.get(key, bytearray(4096)) < 0
    assert not world.owner.errors


def operations(name):
    """Return how many flash operations a recovery has."""
    world = make_world(name)
    before = world.flash.ops
    assert not drive(world, Client(PLAN))
    check_end(world, WORLDS[name][2])
    return world.flash.ops - before


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_a_cut_at_every_operation(name):
    base, count, cuts = make_world(name), operations(name), 0
    start = base.flash.snapshot()
    for number in range(1, count + 1):
        for effect in EFFECTS if ALL else [EFFECTS[(number * 5 + i * 3) % len(EFFECTS)] for i in range(2)]:
            base.flash.restore(start)
            base.flash.clock.us = 0
            base.new_device()
            base.flash.faults.plan(base.flash.ops + number, effect, number)
            try:
                if drive(base, Client(PLAN)):
                    cuts += 1
                    assert not go_on(base)
                check_end(base, WORLDS[name][2])
            except (Violation, AssertionError) as e:
                raise AssertionError("%s: cut at %d with %s: %s" % (name, number, effect, e)) from e
            base.flash.faults.cut_at = 0
    assert cuts > count and count > 80


@pytest.mark.parametrize("seed", range(200 if ALL else 12))
def test_many_cuts_in_one_recovery(seed):
    random = Random(seed)
    name = random.choice(sorted(WORLDS))
    world = make_world(name)
    cut = True
    for _ in range(random.randrange(2, 8)):
        world.flash.faults.plan(
            world.flash.ops + random.randrange(1, 130), random.choice(EFFECTS), random.randrange(1 << 20)
        )
        cut = drive(world, Client(PLAN)) if world.device.boots == 0 else go_on(world)
        if not cut:
            break
    world.flash.faults.cut_at = 0
    if cut:
        assert not go_on(world)
    check_end(world, WORLDS[name][2])
