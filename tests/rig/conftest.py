"""Fixtures over labgrid's `env`: the board of this worker, a server, and a Rig for the scenarios; counts for build/rig.json.

pytest-xdist runs the workers: worker N has target N of the environment, or a board of its own where boards are programs. Without
labgrid, or without an environment, what needs one is skipped and says so.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.rig.tally import Tally, Total

RESULT = "FUMO_RIG_RESULT"  # a file for the counts of the run
_KEY = "rig"
_LONG = "test_powercuts.py"
_TRANSCRIPTS = Path("build") / "rig" / "transcripts"  # of every scenario, also of one that fails
_total = Total()
_outcomes: dict[str, str] = {}


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, at both ends of what two workers share: else one waits for the other at the end."""
    long = [item for item in items if item.path.name == _LONG]
    rest = [item for item in items if item.path.name != _LONG]
    half = len(rest) // 2
    items[:] = long[::2] + rest[:half] + long[1::2] + rest[half:]


def pytest_configure(config):
    """Make the markers known."""
    config.addinivalue_line("markers", "lg_feature: labgrid's, known without it too")
    config.addinivalue_line("markers", "variant: for simulated boards, an emulated one is too slow for all of them")
    config.addinivalue_line("markers", "short: belongs to the shorter selection, `make rig SELECT=short`")


# -- the board ---------------------------------------------------------------------------------------------------------


def worker_number() -> int:
    """Return the number of this worker, 0 where there is only one."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def pick(names: list[str], number: int, shared: bool) -> str:
    """Return the target for a worker; `shared` says that one target is as many boards as there are workers."""
    if shared:
        return names[0]
    if number >= len(names):
        pytest.exit(
            "the environment has %d boards, and this is worker %d: say BOARDS=%d" % (len(names), number + 1, len(names))
        )
    return names[number]


@pytest.fixture(scope="session")
def target(request):
    """Give the target of this worker."""
    pytest.importorskip("labgrid", reason="labgrid is not installed here: `make rig` has it")
    from flash_tools.rig.labgrid.drivers import ProgramDriver

    env = request.getfixturevalue("env")
    names = list(env.config.get_targets())
    shared = len(names) == 1 and any(isinstance(driver, ProgramDriver) for driver in env.get_target(names[0]).drivers)
    return env.get_target(pick(names, worker_number(), shared))


@pytest.fixture(scope="session")
def strategy(target):
    """Give the FumoStrategy; the board has no power in the end."""
    found = target.get_strategy()
    yield found
    found.transition("off")


@pytest.fixture
def dm(strategy):
    """Give the driver of the bench's server, without a server in the end."""
    strategy.target.activate(strategy.dm)
    yield strategy.dm
    strategy.dm.close()


@pytest.fixture
def board(strategy):
    """Give the driver that renews the board and makes updates for it."""
    strategy.target.activate(strategy.board)
    return strategy.board


@pytest.fixture
def power(strategy):
    """Give the driver of its power."""
    strategy.target.activate(strategy.power)
    return strategy.power


@pytest.fixture
def console(strategy):
    """Give the driver of its console."""
    strategy.target.activate(strategy.console)
    return strategy.console


@pytest.fixture
def make_rig(strategy, dm, tally, request):
    """Give make_rig(tls=..., server=..., **wishes): a renewed board with power and an account at a new server."""
    from tests.rig.labgrid_rig import LabgridRig

    def make(server=None, start=True, tls=True, **options):
        rig = LabgridRig(strategy, server or dm.open(tls=tls), tally, **options)
        if start:
            rig.power(True)
        return rig

    yield make
    strategy.transition("off")
    if dm.server:
        dm.server.transcript.write(_TRANSCRIPTS / ("%s.txt" % re.sub(r"\W+", "-", request.node.name)))


@pytest.fixture
def rig(make_rig):
    """Give a board with a server."""
    return make_rig()


# -- counts ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tally(request):
    """Give the counts of this scenario; what it notes as a violation fails it."""
    counted = Tally()
    yield counted
    request.node.user_properties.append((_KEY, counted.packed()))
    assert not counted.violations, "; ".join(counted.violations)


def pytest_runtest_logreport(report):
    """Count; with pytest-xdist this is called where all workers' reports come together."""
    worst = {"failed": 2, "skipped": 1, "passed": 0}
    before = _outcomes.get(report.nodeid, "passed")
    _outcomes[report.nodeid] = max(before, report.outcome, key=worst.get)
    if report.when == "teardown":
        _total.add(report.nodeid, _outcomes.pop(report.nodeid), dict(report.user_properties).get(_KEY))
        _write()  # each time: the run may be ended from outside


def pytest_sessionfinish(session):
    """What has begun and never ended has failed: its worker died."""
    if not hasattr(session.config, "workerinput"):
        for name in _outcomes:
            _total.add(name, "failed", None)
        _write()


def _write():
    """Write the counts, if somebody wants them."""
    path = os.environ.get(RESULT)
    if path and "PYTEST_XDIST_WORKER" not in os.environ:
        Path(path).write_text(json.dumps(_total.packed()))
