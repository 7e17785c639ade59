"""Whole updates on the simulated device, on both interpreters; a few cuts here, all of them in tests/powercut."""

from agent.job import DOWNLOAD_AND_UPDATE, DOWNLOAD_ONLY, UPDATE_ONLY
from board.sim_nor import make_layout
from hal.boot_record import BootRecord
from ports.sim.device import CUT, IDLE, Device, install_firmware
from ports.sim.firmware import GOOD, make_image
from ports.sim.server import Server, make_order
from tests.data import vectors
from tests.portable.boards import SMALL, make_flash
from tests.portable.trusted import Identity

LAYOUT = make_layout(SMALL.size, 65536)
URL = "http://bench/a"


def make_device(package, kind=DOWNLOAD_AND_UPDATE):
    """Return a device that runs version 1 and is offered `package`."""
    flash = make_flash()
    flash.poll_us = 100000
    old = make_image("1", GOOD, vectors.OLD_SIZE)
    BootRecord(install_firmware(flash, LAYOUT, 0, vectors.OLD_PACKAGE, old)["boot"]).confirm()
    server = Server({URL: package}, ((kind, URL, "a", 0),) if kind else ())
    policy = {"server_reached": None, "min_ms": 2000, "max_ms": 6000}
    return Device(flash, flash.clock, LAYOUT, Identity, server, 8388, policy)


def _run(device):
    for _ in range(30):
        end = device.boot()
        if end == IDLE:
            return
    assert False, "no end"


def test_every_encoding_ends_as_the_new_version():
    for encoding in ("none", "deflate", "delta"):
        device = make_device(vectors.PACKAGES[encoding])
        _run(device)
        assert device.server.reports == [("a", 200, "2")], encoding
        assert device.version == "2"


def test_a_crashing_version_is_rolled_back_and_said_to_have_failed():
    device = make_device(vectors.CRASH_PACKAGE)
    _run(device)
    assert device.server.reports == [("a", 410, "1")]


def test_cuts_at_many_operations_end_the_same():
    device = make_device(vectors.PACKAGES["deflate"])
    start = device.flash.snapshot()
    before = device.flash.ops
    _run(device)
    operations = device.flash.ops - before
    for number in range(1, operations, 5):
        for effect in ("none", "prefix", "half", "weak"):
            device = make_device(vectors.PACKAGES["deflate"])
            device.flash.restore(start)
            device.flash.faults.plan(device.flash.ops + number, effect, number)
            _run(device)
            assert device.server.reports[-1] == ("a", 200, "2"), (number, effect)


def test_download_then_update():
    device = make_device(vectors.PACKAGES["deflate"], DOWNLOAD_ONLY)
    _run(device)
    assert device.server.reports == [("a", 200, "1")] and device.update.state == 50
    device.server.orders += ((UPDATE_ONLY, "", "b", 0),)
    _run(device)
    assert device.server.reports[1:] == [("b", 200, "2")] and device.update.state == 90


def test_the_same_image_is_done_without_touching_the_bank():
    device = make_device(vectors.OLD_PACKAGE)
    _run(device)
    assert device.server.reports == [("a", 200, "1")]
    assert max(device.flash.pages) * 256 < device.flash.size // 2


def test_orders_that_cannot_be_taken():
    device = make_device(vectors.PACKAGES["none"], 0)
    _run(device)
    update = device.update
    assert update.accept(make_order(UPDATE_ONLY, "", "x")) == 405
    assert update.accept(make_order(DOWNLOAD_ONLY, "", "x")) == 405
    assert update.accept(make_order(DOWNLOAD_ONLY, URL, "x")) == 202
    assert update.accept(make_order(DOWNLOAD_ONLY, URL, "x")) == 202
    other = make_order(DOWNLOAD_ONLY, URL, "y")
    other.server = "another"
    assert update.accept(other) == 403
    assert update.accept(make_order(DOWNLOAD_ONLY, URL, "y")) == 202


def test_an_unreachable_server_is_given_up_after_its_tries():
    device = make_device(vectors.PACKAGES["none"])
    device.server.packages = {}
    _run(device)
    assert device.server.reports == [("a", 412, "1")] and device.update.state == 20


def test_a_held_result_waits_for_the_server():
    device = make_device(vectors.OLD_PACKAGE)
    device.server.report = lambda job, code: False
    device.flash.faults.plan(device.flash.ops + 400, "none", 1)
    for _ in range(2):
        if device.clock.ms() < 7200000:
            _boot_for(device, 7200000)
    del device.server.report
    _run(device)
    assert device.server.reports == [("a", 200, "1")]


def _boot_for(device, until_ms):
    """Boot until that time, then take the power."""
    satisfied = device.server.satisfied

    def watched(update):
        from ports.sim.power import PowerCut

        if device.clock.ms() > until_ms:
            raise PowerCut()
        return satisfied(update)

    device.server.satisfied = watched
    assert device.boot() == CUT
    del device.server.satisfied
