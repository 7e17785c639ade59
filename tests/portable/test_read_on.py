"""Where the link is slower than the chip the next block comes in while the chip works.

What goes wrong with it is told once the one before is in flash. Where the link is quick, one block is held and no more.
"""

from agent import installer
from agent.bank_writer import CHUNK, BankWriter
from agent.errors import LinkError, PackageError
from agent.package import HEAD_SIZE
from hal.region import Region
from tests.data import vectors
from tests.dm.firmware import Firmware
from tests.dm.objects import DictJournal
from tests.portable.boards import make_flash

PACKAGE = vectors.PACKAGES["none"]
FIRST = HEAD_SIZE + int.from_bytes(PACKAGE[4:8], "little")
BLOCK = 20 + 4096
SECOND, THIRD = FIRST + BLOCK, FIRST + 2 * BLOCK


class Link:
    """Gives `data` in pieces, nothing at all but every `pause`-th time; is silent or breaks behind it.

    `seen` has (flash operations, bytes given in all) of each read.
    """

    def __init__(self, flash, data, pause=0, silent=False):
        self.flash, self.data, self.silent, self.pause = flash, data, silent, pause
        self.at, self.calls, self.seen = 0, 0, []

    def read_into(self, into):
        self.calls += 1
        if self.pause and self.calls % self.pause:
            return None
        if self.at == len(self.data):
            if self.silent:
                return None
            raise LinkError("the link is broken")
        count = min(len(into), 500, len(self.data) - self.at)
        into[:count] = self.data[self.at : self.at + count]
        self.at += count
        self.seen.append((self.flash.ops, self.at))
        return count


def _install(data, pause=0, silent=False):
    """Install until something ends it; return (link, what ended it, how far the record says it is)."""
    fw = Firmware(DictJournal(), {})
    link = Link(fw.flash, data, pause, silent)
    work = installer.Installer(fw.hardware.banks[1], fw.identity, fw.update.running_manifest(), fw.record)
    work.start(fw.hardware.erase_units[:1], fw.hardware.layout, None)
    try:
        for _ in range(40000):
            if work.step(link) == installer.DONE:
                return link, None, fw.record.progress.package_at
    except (LinkError, PackageError) as e:
        return link, e, fw.record.progress.package_at
    return link, "none", fw.record.progress.package_at


def _operations_before(link, at):
    """Return the chip's count of operations at the first read that went beyond a byte of the package."""
    for operations, end in link.seen:
        if end > at:
            return operations


def test_the_next_block_is_read_while_the_chip_works_for_a_slow_link():
    link, error, _ = _install(PACKAGE, 2)
    assert error is None
    begun = _operations_before(link, THIRD - 1)
    assert _operations_before(link, len(PACKAGE) - 1) - begun < 5  # before the second block was programmed


def test_one_block_is_held_and_no_more_where_the_link_is_quick():
    link, error, _ = _install(PACKAGE)
    assert error is None
    for start, end in ((FIRST, SECOND), (SECOND, THIRD)):
        assert _operations_before(link, end) - _operations_before(link, end - 1) > 16, start


def test_a_link_that_only_drips_changes_nothing():
    for pause in (2, 3, 7):
        link, error, package_at = _install(PACKAGE, pause)
        assert error is None and package_at == len(PACKAGE), pause


def test_a_silent_link_does_not_keep_the_last_block_out_of_the_flash():
    for at, counted in ((SECOND, SECOND), (SECOND + 5, SECOND), (THIRD, THIRD), (THIRD + 5, THIRD)):
        for pause in (0, 2, 3):
            assert _install(PACKAGE[:at], pause, True)[1:] == ("none", counted), (at, pause)


def test_what_was_whole_is_in_flash_before_the_link_is_told_to_be_broken():
    for at, counted in ((SECOND + 1, SECOND), (SECOND + 3000, SECOND), (THIRD, THIRD), (THIRD + 10, THIRD)):
        for pause in (0, 2, 3):
            _, error, package_at = _install(PACKAGE[:at], pause)
            assert isinstance(error, LinkError) and package_at == counted, (at, pause)


def test_what_was_whole_is_in_flash_before_the_next_block_is_refused():
    damaged = bytearray(PACKAGE)
    damaged[-1] ^= 1
    _, error, package_at = _install(bytes(damaged), 2)
    assert isinstance(error, PackageError) and package_at == THIRD


def test_half_of_the_largest_unit_is_erased_ahead_and_never_two_at_once():
    flash = make_flash()
    region = Region(flash, 65536, 196608)
    writer = BankWriter(region, region.erase_units, lambda start, end: None)
    writer.at_once = 1
    writer.begin(150000, 0, 0)
    assert not writer.erase_ahead()  # nothing had to be erased so far
    writer.room()[:] = bytes(CHUNK)
    writer.take(CHUNK)
    programs = 0
    while writer.busy:
        writer.step()
        programs += flash.busy() and not writer.erasing()
    assert programs >= 16
    assert not writer.erasing() and sum(flash.wear.values()) == 16
    for sectors in (24, 32, 40):  # the last 32 KiB reach beyond the image
        before = flash.clock.us
        assert writer.erase_ahead() and sum(flash.wear.values()) == sectors
        assert writer.erasing() and not writer.erase_ahead()
        assert flash.clock.us - before < 1000  # it did not wait
        while writer.erasing():
            pass
