"""`make run DEVICES=6 CUTS=random`, and what the live view makes of lines."""

import io

import pytest
from rich.console import Console

from flash_tools.demo import __main__ as demo
from flash_tools.demo import many, stage
from flash_tools.demo.story import Story
from flash_tools.demo.view import View
from flash_tools.errors import ToolError


@pytest.fixture(autouse=True)
def transcript(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "TRANSCRIPT", tmp_path / "run.txt")
    monkeypatch.setattr(stage, "_PORTS", (0, 0))
    monkeypatch.setenv("LINES", "50")


def test_a_fleet(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(many, "_OPTIONS", ("--trial-s", 0, "--poll-s", 2, "--power-port", 0))
    words = ["--folder", str(tmp_path / "run"), "--devices", "6", "--cuts", "random", "--seed", "7"]
    assert demo.main(words) == 0
    said = capsys.readouterr().out
    assert "all 6 devices run version 2.0, the server was told 200, once" in said
    assert "server: campaign: finished" in said and "inside flash operations" in said


def test_a_fleet_rolls_back(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(many, "_OPTIONS", ("--trial-s", 0, "--poll-s", 2, "--power-port", 0))
    words = ["--folder", str(tmp_path / "run"), "--devices", "4", "--firmware", "crash"]
    assert demo.main(words) == 0
    assert "all 4 devices run version 1.0 again, the server was told 410, once" in capsys.readouterr().out


@pytest.mark.parametrize("count", ["0", "301", "-1"])
def test_a_fleet_has_its_bounds(tmp_path, capsys, count):
    assert demo.main(["--folder", str(tmp_path / "run"), "--devices", count]) == 1
    assert "a fleet has 1 to 300 devices" in capsys.readouterr().out


LINES = (
    "boot 1 bank 0 confirmed version 1.0 good power", "listening 30123", "state 10", "session open", "state 30", "session closed",
    "progress 500", "cut half at 218", "boot 1 bank 0 confirmed version 1.0 good power", "state 30", "progress 1000", "state 60",
    "reset commanded", "boot 2 bank 1 trial version 2.0 good commanded", "state 60", "state 90", "result 200", "reported 200",
    "cut between at 7",
)  # fmt: skip
WORDS = (
    "idle", "idle", "idle", "idle", "downloading", "downloading", "downloading", "no power", "idle", "downloading", "downloading",
    "installing", "installing", "on trial", "on trial", "updated", "updated", "updated", "no power",
)  # fmt: skip


def test_the_story():
    story = Story(1000, ["d"])
    words = []
    for line in LINES:
        story.line(0, line)
        words.append(story.devices[0].word)
    assert words == list(WORDS)
    seen = story.devices[0]
    assert (seen.cuts, seen.results, seen.reported, seen.version, seen.bank) == (
        ["half", "between"],
        [200],
        [200],
        "2.0",
        1,
    )
    assert story.cuts() == (1, 1) and story.counts() == {"no power": 1}
    story.line(0, "nonsense")
    story.line(0, "quit")


class Play:
    """A play that stands still."""

    device = True

    def __init__(self, names):
        self.story = Story(1000, names)

    def banks(self):
        fills = (("bank0", "runs", "1.0", 0.5), ("bank1", "spare", "[b]2.0", 0.25))
        return [{"name": a, "state": b, "version": c, "fill": d} for a, b, c, d in fills]


class Place:
    """A stage without a server."""

    link = "http://127.0.0.1:8420/?token=secret"

    def __init__(self, groups=None):
        self._groups = groups

    def campaign(self):
        if self._groups is None:
            raise ToolError("there is no campaign")
        return {"name": "demo", "state": "running", "reason": "", "groups": self._groups}


def shown(play, place):
    text = io.StringIO()
    Console(file=text, width=120).print(View(play, place).picture())
    return text.getvalue()


def test_the_view_of_one():
    play = Play(["d"])
    assert "no campaign yet" in shown(play, Place())
    for line in LINES[:7]:
        play.story.line(0, line)
    counts = {"waiting": 0, "running": 1, "success": 0, "failed": 0, "skipped": 0}
    text = shown(play, Place([{"name": "all", "state": "running", "size": 1, "counts": counts}]))
    for words in (
        Place.link, "bank0     " + "█" * 20 + "░" * 20 + "  runs", "30, downloading", " 50 %", "1 running", "[b]2.0",
        "progress 500",
    ):  # fmt: skip
        assert words in text, words
    play.story.line(0, "cut half at 218")
    assert "no power" in shown(play, Place())


def test_the_view_of_many():
    play = Play(["a", "b", "c", "d"])
    play.story.line(1, LINES[0])
    play.story.line(1, "cut half at 3")
    play.story.line(2, LINES[0])
    text = shown(play, Place())
    assert "4 devices, power was cut once inside flash operations, never between" in text
    assert "b: *** the power is cut inside a flash operation: half ***" in text
    assert "no power     " + "█" * 30 in text and "idle         " + "█" * 10 in text


def test_a_short_terminal_shows_what_happened_last(monkeypatch):
    monkeypatch.setenv("LINES", "24")
    play = Play(["d"])
    for number in range(20):
        play.story.say("sentence %d." % number)
    text = shown(play, Place())
    assert "sentence 19." in text and "sentence 16." in text and "sentence 15." not in text and text.count("\n") <= 24
