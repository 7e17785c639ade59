"""A sample of the power cuts in every test run; `make powercut` makes all of them."""

import json
import subprocess
import sys
from pathlib import Path

from hal.flash_files import FlashFiles
from tests.powercut import file_schedules, schedules
from tests.powercut.__main__ import Total


def test_a_sample_of_cuts_breaks_nothing():
    command = [sys.executable, "-m", "tests.powercut", "--sample", "--random", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith(" 0 violations")
    found = json.loads(Path("build/powercut-sample.json").read_text())
    assert found["schedules"] > 5000 and found["ended_new_200"] > 0
    assert found["files_schedules"] > 100 and found["files_ended_new_200"] > 0 and found["files_violations"] == 0


def test_an_id_replays_its_schedule():
    explorer = schedules.replay("tiny/none/good@20.weak@3.none")
    assert explorer.schedules == 2 and not explorer.violations
    assert schedules.path_id(("tiny/none/good", (20, "weak"), (3, "none"))) == "tiny/none/good@20.weak@3.none"


def test_an_id_replays_its_schedule_on_files():
    explorer = file_schedules.replay("files/tiny/none/good@20.done@3.none")
    assert explorer.schedules == 2 and not explorer.violations
    explorer = file_schedules.replay("files/tiny/none/good~7")
    assert explorer.schedules > 1 and not explorer.violations


def test_files_that_are_never_written_are_told_with_an_id(monkeypatch):
    monkeypatch.setattr(FlashFiles, "busy", lambda self: False)
    monkeypatch.setattr(FlashFiles, "_settle", lambda self: None)
    total = Total()
    total.add(file_schedules.run_singles("tiny/none/crash"))
    assert total.files.violations[0][0] == "files/tiny/none/crash" and total.all_violations == total.files.violations
    assert file_schedules.replay("files/tiny/none/crash").violations
    assert total.line().endswith(" %d violations" % len(total.files.violations))
