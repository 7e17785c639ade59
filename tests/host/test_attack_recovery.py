"""Attacks on serial recovery, and what once came of them; then worlds in which everything happens at once."""

import os

import pytest

from agent import reset
from agent.job import DOWNLOAD_AND_UPDATE
from agent.journal import Journal
from agent.push import Push
from hal.boot_record import CONFIRMED, BootRecord
from ports.sim import device as sim
from ports.sim.power import Violation
from tests.host.recovery_chaos import Chaos
from tests.portable.smp_client import Client
from tests.powercut.recovery_world import World, package

SOUND = (("1", 5), False), None
WORLDS = int(os.environ.get("FUMO_CHAOS", "60"))


class _Silent(Client):
    """A client that gives no digest of its file."""

    def _piece(self, *step):
        fields = super()._piece(*step)
        fields.pop("sha", None)
        return fields


def offer(world, client):
    """Boot with the button held and that client at the line; return its answers."""
    world.device.button, world.device.uart = True, client
    assert world.device.boot() == sim.RECOVERY
    return client.answers


def held(world):
    """Return the version in the bank for uploads."""
    return world.whole(1)


def test_a_file_is_not_taken_for_another_one_that_came_without_a_digest():
    """Both have the same size: the second one was said to be there, and the first one was armed."""
    world, one, two = World(SOUND), package("2"), package("3")
    assert len(one) == len(two)
    assert offer(world, _Silent((("upload", one, 900, 1), ("reset",))))[0]["match"]
    assert offer(world, Client((("upload", two, 900, 1), ("reset",))))[0]["match"]
    assert held(world) == "3"


def test_a_digest_of_zeros_is_none():
    world = World(SOUND)
    offer(world, _Silent((("upload", package("2"), 900, 1), ("reset",))))
    target = _target(world)
    assert target.begin(len(package("3")), bytes(32)) == 0 and not target.match()


def _target(world):
    from agent.serial_install import SerialInstall

    hardware = world.device.hardware
    target = SerialInstall(hardware, Journal(hardware.journal), world.device.identity, hardware.watchdog.feed)
    target.start(reset.COMMANDED)
    return target


def test_an_upload_is_not_there_any_more_once_a_server_has_pushed_another_package():
    world, one, two = World(SOUND), package("2"), package("3")
    offer(world, Client((("upload", one, 900, 1), ("reset",))))
    world.run()
    device = world.device
    push, at = Push(device.hardware, device.update.record, device.identity, device.update.demands()), 0
    while at < len(two):
        at += push.write(at, memoryview(two)[at : at + 500])
    while not push.finish():
        pass
    assert held(world) == "3"
    assert offer(world, Client((("upload", one, 900, 1), ("reset",))))[0]["match"]
    assert held(world) == "2"


@pytest.mark.parametrize("ruined", [False, True])
def test_a_cut_while_an_upload_replaces_one_that_is_armed(ruined):
    """What was armed ran without a job: on trial for ever, and every order was refused."""
    world = World((((("1", 5), ruined)), None))
    for number in range(1, 40):
        offer(world, Client((("upload", package("2"), 900), ("reset",))))
        world.device.button, world.device.uart = True, Client((("upload", package("3"), 900),))
        world.device.uart.stop_after = 4
        world.flash.faults.plan(world.flash.ops + number, "none", 1)
        if world.device.boot() != sim.CUT:
            break
        world.new_device(reset.POWER)
        world.device.uart = Client(())
        for _ in range(4):
            if world.device.boot() == sim.IDLE:
                assert world.boot_record.confirmed() == world.device.hardware.boot.running(), number
                break
        if world.boot_record.state == CONFIRMED and world.boot_record.found and not world.boot_record.void:
            world = World((((("1", 5), ruined)), None))
    assert number > 10


def test_a_fall_back_of_which_one_record_is_left_is_made_firm():
    """The first stage fell back, the power went between its two records, an upload overwrote the other bank: then it faded."""
    world = World(((("0", 3), False), (("1", 5), True)), 1)
    record = world.boot_record
    record._write(4, 0, 0xFF)  # the first of two
    assert offer(world, Client((("upload", package("2"), 900, 1), ("reset",))))[0]["match"]
    newest = BootRecord(world.regions["boot"])
    world.regions["boot"].erase(newest._newest * 4096, 4096)
    assert BootRecord(world.regions["boot"]).confirmed() == 0


def test_what_an_overwritten_bank_demanded_binds_a_server_too():
    """Bank 1 was confirmed and is ruined, an upload into it broke off: bank 0 runs, which demands less."""
    world = World(((("0", 3), False), (("1", 5), True)), 1)
    client = Client((("upload", package("2"), 900),))
    client.stop_after = 4
    offer(world, client)
    world.device.uart = Client(())
    assert world.device.boot() == sim.IDLE and world.device.version == "0"
    for counter, code in ((4, 405), (5, 200)):
        owner = world.owner
        owner.packages["u"] = package("7", counter)
        owner.orders, owner.given = ((DOWNLOAD_AND_UPDATE, "u", "c%d" % counter, 0),), 0
        world.device.reset_to_come = reset.COMMANDED
        world.run()
        assert owner.reports[-1][:2] == ("c%d" % counter, code)


@pytest.mark.parametrize("first", range(0, WORLDS, 20))
def test_worlds_in_which_everything_happens(first):
    seen = set()
    for seed in range(first, first + 20):
        world = Chaos(seed)
        try:
            world.run()
        except (Violation, Exception) as e:
            raise AssertionError("seed %d: %s\n%s" % (seed, e, "\n".join(world.trace[-20:]))) from e
        seen |= world.judge.seen
    assert {"trial", "void trial", "confirm", "recovery", "match", "cut"} <= seen, seen
