"""The boot record of a board that runs: it says and does what a BootRecord does, whose module is in memory only meanwhile."""

import sys

from agent.compat import unload
from agent.errors import FlashError
from hal.boot_kept import BootKept
from hal.boot_record import ARMED, CONFIRMED, BootRecord
from hal.part import Region
from hal.spare_bank import require_room
from tests.portable.boards import make_flash
from tests.portable.check import raises


def _region():
    return Region(make_flash(), 0, 3 * 4096)


def test_it_reads_and_writes_the_same_record():
    region = _region()
    boot = BootKept(region)
    assert not boot.found and boot.confirmed() == 0 and boot.running() == 0 and boot.ran_before() == -1
    boot.run(1)
    boot.confirm()
    boot.set_trial(0, 7)
    read = BootRecord(region)
    assert (read.state, read.bank, read.trial, read.attempt) == (ARMED, 1, 0, 7)
    assert boot.trial_waits and BootKept(region).trial_waits and not boot.tried(0, 7)
    boot.begin_trial()
    assert boot.tried(0, 7) and not boot.tried(0, 8) and BootKept(region).tried(0, 7)
    boot.fall_back(0)
    assert boot.fell_back() and BootKept(region).fell_back() and boot.confirmed() == 0


def test_the_writing_is_forgotten_and_comes_back():
    boot = BootKept(_region())
    boot.confirm()
    unload(("hal.boot_record",))
    assert "hal.boot_record" not in sys.modules
    assert boot.confirmed() == 0 and "hal.boot_record" not in sys.modules
    boot.set_trial(1, 1)
    assert boot.state == ARMED and "hal.boot_record" in sys.modules


def test_what_nobody_has_is_missing():
    boot = BootKept(_region())
    with raises(AttributeError):
        boot.nothing()
    assert getattr(boot, "native", 7) == 7


class _Bank:
    def __init__(self, image):
        self.image = image


def test_a_board_that_has_lost_its_record_is_given_one_before_its_spare_bank_is_written():
    flash = make_flash()
    boot = BootKept(Region(flash, 0, 3 * 4096))
    require_room(flash, boot, 0, (_Bank(None), _Bank(None)))
    assert boot.found and boot.state == CONFIRMED and BootRecord(Region(flash, 0, 3 * 4096)).found


def test_a_chip_that_shows_the_record_twice_is_refused():
    class Half:
        """Its upper half is the lower one again."""

        def __init__(self, flash):
            self._flash, self.size, self.erase_units = flash, flash.size, flash.erase_units

        def read(self, addr, into):
            self._flash.read(addr % (self.size // 2), into)

    flash = make_flash()
    boot = BootKept(Region(flash, 0, 3 * 4096))
    boot.confirm()
    with raises(FlashError) as refused:
        require_room(Half(flash), boot, 0, ())
    assert "smaller" in str(refused.error)


def test_files_without_room_are_refused():
    class Files:
        """A file system that is full."""

        def require(self, start, size):
            raise FlashError("no room for %d at %d" % (size, start))

    boot = BootKept(_region())
    boot.confirm()
    with raises(FlashError) as refused:
        require_room(Files(), boot, 0, (None, _Bank(_region())))
    assert str(refused.error) == "no room for 12288 at 0"
