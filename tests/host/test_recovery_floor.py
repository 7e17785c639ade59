"""What serial recovery must not forget when it overwrites the bank that said it: security counter and revoked keys."""

import pytest

from agent import reset
from agent.job import FLOOR
from agent.journal import Journal
from flash_tools.signing.keys import key_id, public_bytes
from ports.sim.device import IDLE, RECOVERY
from tests.portable.smp_client import Client
from tests.powercut.recovery_world import KEYS, World, package

REVOKED = [key_id(public_bytes(KEYS[2]))]


def offer(world, *plan):
    """Let the owner do this in one recovery; return the answers."""
    world.device.button = True
    world.device.uart = client = Client(plan)
    assert world.device.boot() == RECOVERY and client.done
    return client.answers


def interrupted(world, data, pieces):
    """Upload so many pieces, then lose power."""
    world.device.button = True
    world.device.uart = client = Client((("upload", data, 700),))
    client.stop_after = pieces
    assert world.device.boot() == RECOVERY and len(client.uploads) == pieces
    world.new_device(reset.POWER)


def why(answer):
    """Return the reason that was given."""
    assert answer.get("rc") == 11, answer
    return answer["rsn"]


@pytest.mark.parametrize("header", [True, False], ids=["header whole", "header erased by an upload"])
def test_an_older_package_is_refused(header):
    world = World()
    if not header:
        interrupted(world, package("2", 7), 8)
        assert Journal(world.regions["journal"]).get(FLOOR, bytearray(4096)) == 5
        assert world.boot_record.void and world.cells("header0")[0] == b"\xff" * 4096
    for counter in (0, 4):
        assert "is below the device's 5" in why(offer(world, ("upload", package("0", counter), 900))[0])
    assert offer(world, ("upload", package("0", 5), 900))[0]["match"]


def test_the_floor_goes_on_counting_through_many_uploads():
    world = World()
    for counter in (9, 7, 6, 8):
        interrupted(world, package("2", counter), 8)
        assert "is below the device's 5" in why(offer(world, ("upload", package("0", 4), 900))[0])


def test_once_confirmed_the_new_firmware_says_it():
    world = World()
    world.run(("upload", package("2", 9), 900), ("reset",))
    assert world.device.version == "2" and Journal(world.regions["journal"]).get(FLOOR, bytearray(4096)) < 0
    world.device.reset_to_come = reset.COMMANDED
    assert "is below the device's 9" in why(offer(world, ("upload", package("1", 8), 900))[0])


def test_revoked_keys_stay_revoked():
    world = World(banks=((("1", 5, {"revoked": REVOKED}), True), None))
    by_revoked = package("2", 9, key=2)
    assert "key" in why(offer(world, ("upload", by_revoked, 900))[0])
    interrupted(world, package("2", 7), 8)
    assert "key" in why(offer(world, ("upload", by_revoked, 900))[0])
    world.run(("upload", package("2", 7), 900), ("reset",))
    assert world.device.version == "2"


def test_a_key_that_nobody_revoked_is_taken():
    world = World()
    world.run(("upload", package("2", 9, key=2), 900), ("reset",))
    assert world.device.version == "2"


def test_a_fall_back_does_not_lower_the_floor():
    """Bank 1 is confirmed and ruined, bank 0 is older and works: it stays, bank 1 is written."""
    world = World(((("0", 3), False), (("1", 5), True)), 1)
    interrupted(world, package("2", 7), 8)
    assert world.boot_record.confirmed() == 0 and world.cells("header1")[0] == b"\xff" * 4096
    assert "is below the device's 5" in why(offer(world, ("upload", package("x", 4), 900))[0])
    world.device.uart = Client(())
    assert world.device.boot() == IDLE and world.device.version == "0"


def test_without_any_header_every_signed_package_is_taken():
    world = World()
    world.ruin_header(0)
    world.run(("upload", package("0", 0), 900), ("reset",))
    assert world.device.version == "0"
