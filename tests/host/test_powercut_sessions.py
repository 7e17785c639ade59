"""Cuts with the whole agent and its servers: between any two messages, and inside flash operations; a sample of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.powercut import session_schedules
from tests.powercut.schedules import path_id
from tests.powercut.session_explore import KINDS
from tests.powercut.session_worlds import names, session_world


@pytest.mark.parametrize("name", names())
def test_every_cut_between_two_messages(name):
    explorer = session_schedules.explorer_of(name)
    for number, point in enumerate(explorer.base()):
        if point.effects == ("cut",):
            explorer.branch(point, "cut", (name, (number, "cut")))
    assert explorer.violations == []
    assert explorer.by_message["sent"] == explorer.by_message["answered"] > 5
    assert explorer.by_message["piece"] * 1024 > len(session_world(name).package)


def _first(points, *operation):
    return next(number for number, point in enumerate(points) if point.operation[:2] == operation)


def test_an_id_replays_its_schedule():
    number = _first(session_schedules.explorer_of("dau/wbxml-tls").base(), "message", "heard")
    explorer = session_schedules.replay("dau/wbxml-tls@%d.cut@3.none" % number)
    assert explorer.schedules == 2 and not explorer.violations
    assert explorer.by_message == {"heard": 1}
    command = [sys.executable, "-m", "tests.powercut", "--id", "dau/wbxml-tls@%d.cut" % number]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "replayed dau/wbxml-tls@%d.cut: 0 violations\n" % number


def test_a_violation_is_told_with_its_id():
    """The books are made to say that a 202 has left which never did."""
    explorer = session_schedules.explorer_of("two-step/wbxml-tls")
    points = explorer.base()
    number = _first(points, "message", "sent")
    books, *rest = points[number].oracle
    books = dict(books, left=("d1",), sent=("d1",), taken=("d1",))
    points[number].oracle = (tuple(sorted(books.items())), *rest)
    explorer.branch(points[number], "cut", ("two-step/wbxml-tls", (number, "cut")))
    ((path, text),) = explorer.violations
    assert path_id(path) == "two-step/wbxml-tls@%d.cut" % number
    assert text.startswith("an order is forgotten")


@pytest.mark.parametrize("name", ["paused/wbxml-tls", "two-step/xml-mac"])
def test_no_nonce_comes_back_when_a_cut_takes_the_notes_of_a_sector(name):
    explorer = session_schedules.explorer_of(name)
    for number, point in enumerate(explorer.base()):
        if "disturb" in point.effects:
            explorer.branch(point, "disturb", (name, (number, "disturb")))
    assert explorer.violations == [] and explorer.schedules > 100


def test_a_sample_of_cuts_breaks_nothing():
    command = [sys.executable, "-m", "tests.powercut", "--sample", "--only", "sessions"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith(" 0 violations")
    found = json.loads(Path("build/powercut-sample-sessions.json").read_text())
    assert found["session_schedules"] > 800 and found["session_violations"] == 0
    assert found["session_cuts"] > 500 and found["session_ended_new_200"] > 500
    assert set(found["message_cuts_by_kind"]) == set(KINDS)
