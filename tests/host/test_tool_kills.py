"""Every command that writes, killed, interrupted, out of room and twice at once: what was is whole, or the next run finishes.

FUMO_TOOL_KILLS=N kills each command at N moments of its run, `all` at every one; a few otherwise.
"""

import itertools
import json
import os
import shutil

import pytest

from tests.host import tool_kill_cases as cases
from tests.host.kill_server import Killer

ROUNDS = os.environ.get("FUMO_TOOL_KILLS", "3")
FEW_EFFECTS, BUSY = 12, 4
FEW = 0 if ROUNDS == "all" else 1
CASES = sorted(cases.CASES)


@pytest.fixture(scope="module")
def killer():
    made = Killer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    cases.make_base(folder)
    return folder


class Bench:
    """A command, a folder of its own for each run of it, and what an undisturbed run comes to."""

    def __init__(self, killer, base, tmp_path, name):
        self.killer, self.base, self.top, self.case, self.name = killer, base, tmp_path, cases.CASES[name], name
        self._number = itertools.count()
        self.folder = None
        self.anew()
        told = self.run()
        assert told["code"] == 0, told
        self.effects = told["effects"]
        self.names = cases.names(self.folder)
        self.case.done(self.folder)

    def anew(self):
        """Begin in a new folder."""
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = self.top / ("run%d" % next(self._number))
        shutil.copytree(self.base, self.folder)

    def run(self, what="", at=0, **more):
        """Run the command; whatever happens, it ends in words."""
        env = {"XDG_STATE_HOME": str(self.folder / ".state"), "FUMO_BOARD": ""}
        told = self.killer.run(self.folder, self._words(), what, at, env=env, **more)
        if more.get("wait", True):
            self.sane(told, what)
        return told

    def _words(self):
        return self.case.words if self.case.words[0] == "sim" else (*self.case.words, "--json")

    def sane(self, told, what):
        """Check what can be seen of any end."""
        assert "Traceback" not in told["err"] and "Exception ignored" not in told["err"], told["err"]
        if told["code"] < 0:
            return
        said = [line for line in told["err"].splitlines() if line.startswith("fumo: ")]
        assert len(said) == (told["code"] != 0), told
        if "--json" in self._words():
            objects = [json.loads(line) for line in told["out"].splitlines()]
            assert len(objects) == 1 and objects[0]["ok"] == (told["code"] == 0), told
            assert objects[0].get("exit_code", 0) == told["code"], told

    def finish(self, *context):
        """Run it once more: it finishes what was left, or says that all is there."""
        self.case.whole(self.folder)
        try:
            self.case.done(self.folder)
            done = True
        except Exception:  # whatever a half state does to a reader
            done = False
        told = self.run()
        assert told["code"] == 0 or (done and told["code"] in self.case.twice), (context, told)
        self.case.done(self.folder)
        strays = cases.names(self.folder) - self.names
        assert not strays - set(self.case.leaves), (context, strays)

    def moments(self):
        """Return numbers of effects, spread over the run, its first and its last one among them."""
        wanted = self.effects if ROUNDS == "all" else min(int(ROUNDS), self.effects)
        return sorted({1 + (self.effects - 1) * step // max(wanted - 1, 1) for step in range(wanted)})


@pytest.fixture
def bench(killer, base, tmp_path, request):
    return Bench(killer, base, tmp_path, request.param)


every = pytest.mark.parametrize("bench", CASES, indirect=True)


@every
def test_a_kill(bench):
    for at in bench.moments():
        for what in ("kill", "torn"):
            bench.anew()
            assert bench.run(what, at)["code"] == -9
            bench.finish(what, at)


@every
def test_an_interrupt_is_one_line_and_130(bench):
    for at in bench.moments()[FEW:]:
        bench.anew()
        told = bench.run("int", at)
        assert told["code"] == 130, told
        bench.finish("int", at)


@every
def test_no_room_and_no_permission(bench):
    for at in bench.moments()[:-1] or [1]:
        for what in ("full", "denied"):
            bench.anew()
            told = bench.run(what, at)
            assert told["code"] in (0, 1), (told, what, at)
            bench.finish(what, at) if told["code"] else bench.case.done(bench.folder)


@every
def test_two_at_the_same_time(bench):
    middle = bench.effects // 2 + 1
    for at in {middle, *(bench.moments() if bench.effects > FEW_EFFECTS else range(1, bench.effects + 1))}:
        bench.anew()
        pid = bench.run("stop", at, wait=False)["pid"]
        assert bench.killer.stopped(pid)
        second = bench.run()
        first = bench.killer.end(pid)
        bench.sane(first, "")
        assert {first["code"], second["code"]} <= {0, *bench.case.busy, *bench.case.twice}, (at, first, second)
        assert at != middle or not bench.case.locked or second["code"] == BUSY, (at, second)
        bench.finish("two", at)
