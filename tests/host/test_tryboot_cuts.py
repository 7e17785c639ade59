"""A Pi's update with the power cut at each operation before the reboot: session, download, bank, note, arming."""

import random

from tests.host import tryboot_cuts


def test_every_operation_before_the_trial(tmp_path):
    done, trial = tryboot_cuts.trace(tmp_path)
    assert {"program mmcblk0p3", "program mmcblk0p6", "sync mmcblk0p6", "reboot"} <= set(done[:trial])
    count = 0
    for number, what in enumerate(done[:trial], 1):
        for effect in tryboot_cuts.effects(number, what):
            tryboot_cuts.cut(tmp_path, number, effect, what)
            count += 1
    assert count > 120


def test_many_cuts_in_one_update(tmp_path):
    rng = random.Random(7)
    codes = [tryboot_cuts.cut_often(tmp_path, seed, rng) for seed in range(24)]
    assert codes.count(200) > 8 and 410 in codes
