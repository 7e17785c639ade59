"""What a board's flash holds may be of another world, or damaged: one line, never a traceback."""

import contextlib
from random import Random

import pytest

from agent.errors import FlashError
from agent.journal import Journal
from agent.record import Record
from flash_tools.boards.board_offline import Offline
from flash_tools.errors import ToolError
from hal.boot_record import BootRecord
from hal.region import carve
from tests.host.test_board_offline import into_trial, make_flash, offline
from tests.portable import owner


@pytest.mark.parametrize("odd", ["confirmed", "trial", "armed", "package", "phase"])
def test_records_of_another_world_are_one_line(odd):
    flash = make_flash()
    regions = carve(flash, owner.LAYOUT)
    boot, record = BootRecord(regions["boot"]), Record(Journal(regions["journal"]))
    if odd == "confirmed":
        boot.run(5)
        boot.confirm()
    elif odd in ("trial", "armed"):
        boot.set_trial(7 if odd == "trial" else 0xFF, 1)
    else:
        record.package.bank, record.job.phase = (9, 0) if odd == "package" else (0xFF, 77)
        record.keep()
        record._content(10, record.package.bank, bytes(32))
    with pytest.raises(ToolError, match="fumo dump"):
        offline(flash)


def test_damage_is_never_a_traceback():
    whole, random = make_flash(), Random(6)
    into_trial(whole)
    start = whole.snapshot()
    for _ in range(150):
        whole.restore(start)
        for _ in range(random.choice((1, 3, 40))):
            at = random.choice((0, 12288, 24576, 28672, 32768, 57344)) + random.randrange(3 * 4096)
            whole.load(at, bytes([random.randrange(256)]) * random.choice((1, 64, 300)))
        for act in (lambda board: board.status(verify=True), Offline.confirm, Offline.rollback, Offline.factory_reset):
            with contextlib.suppress(ToolError, FlashError):
                act(offline(whole))
