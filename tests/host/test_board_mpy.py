"""A chip behind a MicroPython board, from blank to a device whose owner changes his mind: the same commands, over the raw REPL."""

import json

import pytest

from tests.host import blank_chips
from tests.host.fumo_inside import inside
from tests.host.raw_repl.rig import Board
from tests.host.test_micropython import micropython  # noqa: F401  the fixture that skips

pytestmark = pytest.mark.usefixtures("micropython")


def test_from_blank_to_a_firmware_that_would_start(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bench = blank_chips.make_bench(tmp_path / "bench", 2048, 6000)
    words = (*blank_chips.who(bench), "--layout", "sim_nor", "--firmware", bench / "first.fup")
    with Board(tmp_path, heap="400k") as board:
        name = "mpy:%s?spi=0&cs=17" % board.port
        inside(capsys, monkeypatch, "status", "-b", name, "--layout", "sim_nor", code=3)
        inside(capsys, monkeypatch, "provision", "-b", name, *words)
        assert "nothing is written" in inside(capsys, monkeypatch, "provision", "-b", name, *words)[1]
        out = inside(capsys, monkeypatch, "status", "-b", name, "--verify", "--json")[0]
        inside(capsys, monkeypatch, "rollback", "-b", name, code=6)
        inside(capsys, monkeypatch, "factory-reset", "-b", name, "--yes")
    found = json.loads(out)["status"]
    assert (found["device"], found["version"], found["live"]) == ("sim:7", "1.5", False)
    assert [bank["whole"] for bank in found["banks"]] == [True, False]
    assert board.log == []
