"""A Pi's update with the power cut at each operation from the reboot on: the ROM, the trial, autoboot.txt, the report."""

from tests.host import tryboot_cuts

_FILE = ["create", "write", "fsync file", "rename", "fsync file", "fsync folder"]


def test_every_operation_from_the_reboot_on(tmp_path):
    done, trial = tryboot_cuts.trace(tmp_path)
    assert done[trial - 1] == "reboot" and [what for what in done[trial:] if "mmcblk0" not in what][1:7] == _FILE
    count = 0
    for number, what in enumerate(done[trial - 1 :], trial):
        for effect in tryboot_cuts.effects(number, what):
            tryboot_cuts.cut(tmp_path, number, effect, what)
            count += 1
    assert count > 70
