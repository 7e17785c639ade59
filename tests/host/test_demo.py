"""What `make run` shows really happens, and where it does not the exit code says so."""

import pytest

from flash_tools.admin_client import open_folder, path
from flash_tools.demo import __main__ as demo
from flash_tools.demo import one, stage
from flash_tools.demo.stage import Stage
from flash_tools.demo.verdict import Wanted, faults
from flash_tools.errors import ToolError
from flash_tools.server.field import FieldServer
from flash_tools.server.settings import Settings

QUICK = ("--notify-port", 0, "--trial-s", 0, "--speed", 0.2, "--watchdog-ms", 1200, "--poll-s", 20)


@pytest.fixture(autouse=True)
def transcript(tmp_path, monkeypatch):
    found = tmp_path / "run.txt"
    monkeypatch.setattr(demo, "TRANSCRIPT", found)
    monkeypatch.setattr(one, "_OPTIONS", QUICK)
    monkeypatch.setattr(one, "SIZE", 128 << 10)
    monkeypatch.setattr(one, "_DARK_S", 0.1)
    monkeypatch.setattr(stage, "_PORTS", (0, 0))
    return found


def test_the_demonstration(tmp_path, transcript, capsys):
    folder = tmp_path / "run"
    assert demo.main(["--folder", str(folder)]) == 0
    said = capsys.readouterr().out
    for text in (
        "the power is cut inside a flash operation: half", "firmware 2.0 runs from bank 1, on trial",
        "server: campaign: finished", "the device runs version 2.0, the server was told 200, once",
        "fumo server run %s" % (folder / "server"),
    ):  # fmt: skip
        assert text in said
    resumed = said.split("the power is cut")[1]
    assert resumed.index("firmware 1.0 runs from bank 0, confirmed") < resumed.index("State 30: downloading")
    steps = transcript.read_text()
    assert "DownloadAndUpdate" in steps and "1226" in steps and "(secret)" in steps
    with open_folder(folder / "server") as client:  # the same again
        assert client.get(path("devices", one.ID))["firmware"] == "2.0"
        assert client.get(path("campaigns", "demo"))["counts"]["success"] == 1 and client.get("/api/slots") == []


def test_a_roll_back_is_what_was_asked_for(tmp_path, capsys):
    assert demo.main(["--folder", str(tmp_path / "run"), "--firmware", "hang"]) == 0
    said = capsys.readouterr().out
    assert "the board is reset: watchdog" in said and "State 70" in said
    assert "the device runs version 1.0 again, the server was told 410, once" in said


def test_it_fails_without_a_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(one.OneDevice, "_cut_and_go_on", lambda self: None)
    assert demo.main(["--folder", str(tmp_path / "run")]) == 1
    assert "FAILED: the power was cut inside 0 flash operations, not 1" in capsys.readouterr().out


def order(**changes):
    report = {"code": 200, "copy": False}
    return {"device": "d", "reports": [report, {**report, "copy": True}], "firmware_after": "2.0", **changes}


def campaign(**changes):
    return {"state": "finished", "reason": "", "counts": {"success": 2, "failed": 0}, **changes}


WANTED = Wanted(200, "2.0", 2, 1)
GOOD = {"running": ["2.0", "2.0"], "orders": [order(), order()], "campaign": campaign(), "cuts_inside": 1}


def test_all_is_well():
    assert faults(WANTED, **GOOD) == []
    failed = {"orders": [order(reports=[{"code": 410, "copy": False}], firmware_after="1.0")] * 2}
    failed |= {"running": ["1.0"] * 2, "campaign": campaign(counts={"success": 0, "failed": 2})}
    assert faults(Wanted(410, "1.0", 2), **{**GOOD, **failed}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"cuts_inside": 0},
        {"running": ["2.0", "1.0"]},
        {"running": ["2.0"]},
        {"running": []},
        {"orders": [order()]},
        {"orders": [order(), order(reports=[])]},
        {"orders": [order(), order(reports=[{"code": 200, "copy": False}] * 2)]},
        {"orders": [order(), order(reports=[{"code": 410, "copy": False}])]},
        {"orders": [order(), order(firmware_after=None)]},
        {"campaign": campaign(state="running")},
        {"campaign": campaign(state="paused", reason="too many failed")},
        {"campaign": campaign(counts={"success": 1, "failed": 1})},
        {"defects": ["programmed over data in page 0x1"]},
    ],
)
def test_each_thing_that_is_not_so_is_told(changes):
    assert len(faults(WANTED, **{**GOOD, **changes})) == 1


def test_the_folder(tmp_path):
    with Stage(tmp_path / "run") as first:
        old = first.settings.token
        assert first.link.endswith("/?token=" + old)
        with pytest.raises(ToolError, match="a server runs on"):
            Stage(tmp_path / "run")
    (tmp_path / "run" / "left").write_text("by the run before")
    with Stage(tmp_path / "run") as second:
        assert second.settings.token != old and not (tmp_path / "run" / "left").exists()
    with FieldServer(Settings.read(tmp_path / "run" / "server")) as again:
        assert again.page_url == second.server.page_url
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(ToolError, match="holds other things"):
        Stage(tmp_path / "mine")
    assert (tmp_path / "mine" / "letter").read_text() == "dear"
