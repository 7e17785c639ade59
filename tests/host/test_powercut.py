"""A sample of the power cuts in every test run; `make powercut` makes all of them."""

import json
import subprocess
import sys
from pathlib import Path

from tests.powercut import schedules


def test_a_sample_of_cuts_breaks_nothing():
    command = [sys.executable, "-m", "tests.powercut", "--sample", "--random", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith(" 0 violations")
    found = json.loads(Path("build/powercut-sample.json").read_text())
    assert found["schedules"] > 5000 and found["ended_new_200"] > 0


def test_an_id_replays_its_schedule():
    explorer = schedules.replay("tiny/none/good@20.weak@3.none")
    assert explorer.schedules == 2 and not explorer.violations
    assert schedules.path_id(("tiny/none/good", (20, "weak"), (3, "none"))) == "tiny/none/good@20.weak@3.none"
