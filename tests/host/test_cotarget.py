"""Whole updates of a target beside the board: what is told is what the target runs, whatever loses power, and whenever."""

import os
import random

import pytest

from hal.mcuboot_image import image_hash
from tests.host.cotarget_rig import AGENT, BOTH, KEY, PI, TARGET, Rig
from tests.portable.boards import make_flash

KEPT = [("good", False), ("good", True), ("manual", True)]
FALLEN = [("silent", False), ("silent", True), ("crash", False), ("crash", True), ("manual", False), ("answers", True)]
ALL = [(*case, 200) for case in KEPT] + [(*case, 410) for case in FALLEN]
LINE = [("good", 200), ("silent", 410), ("crash", 410)]
EFFECTS = ("none", "prefix", "mostbits", "done", "weak", "disturb", "old", "half", "unstable")
FULL = bool(os.environ.get("FUMO_FULL"))


@pytest.mark.parametrize(("behaviour", "confirms"), KEPT)
def test_an_update_that_is_kept(behaviour, confirms):
    rig = Rig(behaviour, confirms)
    assert rig.run() == [("c0", 200, "2")]
    assert rig.target.swaps == 1


@pytest.mark.parametrize(("behaviour", "confirms"), FALLEN)
def test_an_update_that_falls(behaviour, confirms):
    rig = Rig(behaviour, confirms)
    assert rig.run() == [("c0", 410, "1")]
    assert rig.target.swaps == 2


@pytest.mark.parametrize(("behaviour", "code"), LINE)
def test_a_target_without_a_serial_line(behaviour, code):
    rig = Rig(behaviour, line=True)
    assert rig.run() == [("c0", code, "2" if code == 200 else "1")]


def _cases(count, first, step):
    return range(1, count + 1) if FULL else range(first % step + 1, count + 1, step)


@pytest.mark.parametrize(("behaviour", "confirms", "code"), ALL)
@pytest.mark.parametrize("kind", [PI, BOTH, AGENT])
def test_a_cut_at_every_flash_operation(behaviour, confirms, code, kind):
    calm = Rig(behaviour, confirms)
    calm.run()
    effects = ("reset",) if kind == AGENT else EFFECTS
    first = {PI: 1, BOTH: 3, AGENT: 2}[kind] + len(behaviour)
    for number in _cases(calm.flash.ops, first, 12):
        for effect in effects if FULL else (effects[(number + first) % len(effects)],):
            rig = Rig(behaviour, confirms)
            rig.kind = kind
            rig.flash.faults.plan(number, effect, number)
            assert {told for _, told, _ in rig.run()} == {code}, (number, effect, rig.errors)


@pytest.mark.parametrize(
    ("behaviour", "confirms", "line", "code"),
    [(name, confirms, False, code) for name, confirms, code in ALL]
    + [(*case, False, True, code) for *case, code in LINE],
)
@pytest.mark.parametrize("kind", [PI, BOTH])
def test_a_cut_behind_every_move_of_the_reset_line(behaviour, confirms, line, code, kind):
    calm = Rig(behaviour, confirms, line)
    calm.run()
    for number in range(1, calm.pin_events + 1):
        rig = Rig(behaviour, confirms, line)
        rig.kind, rig.cut_pin_at = kind, number
        assert {told for _, told, _ in rig.run()} == {code}, (number, rig.errors)


@pytest.mark.parametrize(("behaviour", "confirms", "code"), ALL)
@pytest.mark.parametrize("kind", [PI, TARGET, BOTH])
def test_a_cut_at_any_time(behaviour, confirms, code, kind):
    """A target that loses its power alone, unseen by the board, may come to 410: nobody can tell that from a fault of its own."""
    calm = Rig(behaviour, confirms)
    calm.run()
    for number in _cases(150, len(behaviour) + len(kind), 17):
        rig = Rig(behaviour, confirms)
        rig.kind = kind
        when = [5000 + number * 120]
        rig.target_cuts, rig.cuts_ms = (when, []) if kind == TARGET else ([], when)
        codes = {told for _, told, _ in rig.run()}
        assert codes == {code} or (kind == TARGET and codes == {410}), (number, rig.errors)


@pytest.mark.parametrize("seed", range(400 if FULL else 30))
def test_many_cuts(seed):
    draw = random.Random(seed)
    behaviour, confirms, _ = draw.choice(ALL)
    rig = Rig(behaviour, confirms, orders=2, shared=draw.random() < 0.5)
    rig.kind = draw.choice((PI, BOTH))
    rig.cuts_ms = sorted(draw.randrange(5000, 40000) for _ in range(draw.randrange(4)))
    rig.target_cuts = sorted(draw.randrange(5000, 40000) for _ in range(draw.randrange(4)))
    if draw.random() < 0.7:
        rig.flash.faults.plan(draw.randrange(1, 60), draw.choice(EFFECTS), seed)
    rig.run()


@pytest.mark.parametrize(("header", "counter", "align"), [(0x200, None, 8), (0x20, 7, 16), (0x1000, 0, 32)])
def test_the_hash_is_that_of_real_images(header, counter, align):
    pytest.importorskip("imgtool", reason="imgtool signs the images here")
    from flash_tools.images.mcuboot import Signing, parse, sign

    made = sign(b"firmware" * 900, Signing(KEY, "2.0.1+9", header, 0x20000, align, counter))
    flash = make_flash()
    flash.load(0, made)
    found = image_hash(flash, 0x20000, lambda: None)
    assert found and found in made and parse(made)["version"] == "2.0.1+9"
