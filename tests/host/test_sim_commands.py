"""When the simulated device obeys: what the agent has to do waits until the end of a step, what a bench does to it never does."""

from types import SimpleNamespace

import pytest

from agent.narrator import Narrator
from ports.sim.power import PowerCut, Reset
from ports.sim.watcher import Quit, Watcher


class Console:
    """Lines that were typed."""

    ended = False

    def __init__(self):
        self.lines = []

    def wait(self, most_ms):
        """Nothing more comes."""

    def take(self):
        """Return the next line's words."""
        return self.lines.pop(0).split() if self.lines else None


class Control:
    """Answers, and lets more be typed meanwhile, as a flash that is waited for does."""

    def __init__(self, bench):
        self._bench = bench

    def obey(self, words):
        self._bench.obeyed.append("begin " + words[0])
        self._bench.watcher.wait(1)
        self._bench.obeyed.append("end " + words[0])
        return None if words[0] == "nonsense" else "done " + words[0]


@pytest.fixture
def bench():
    """Give a watcher of a device whose agent is inside of a step."""
    bench = SimpleNamespace(obeyed=[], said=[], console=Console())
    settings = SimpleNamespace(request_update=False, within_s=0, end_with_stdin=False, until_idle=False)
    record = SimpleNamespace(outbox=SimpleNamespace(code=0), progress=SimpleNamespace(package_at=0))
    update, board = SimpleNamespace(state=10), SimpleNamespace(notify_port=1)
    bench.agent = SimpleNamespace(record=record, update=update, in_session=False, board=board, quiet=True)
    bench.agent.request_update = lambda: True
    bench.watcher = Watcher(
        settings, bench.console, None, lambda *words: bench.said.append(" ".join(map(str, words))), print
    )
    bench.watcher.device = SimpleNamespace(
        agent=bench.agent,
        make_control=lambda facts: Control(bench),
        make_narrator=lambda say: Narrator(bench.agent, say),
    )
    bench.watcher.powered(bench.watcher.device)
    bench.watcher.mounted(bench.watcher.device)
    return bench


def typed(bench, *lines):
    bench.console.lines += lines
    bench.watcher.wait(1)


def test_nothing_is_asked_of_the_agent_inside_of_a_step(bench):
    typed(bench, "rollback", "status", "nonsense", "factory-reset")
    assert not bench.obeyed
    bench.watcher.satisfied(bench.agent)
    names = ("rollback", "status", "nonsense", "factory-reset")
    assert bench.obeyed == [word + " " + name for name in names for word in ("begin", "end")]
    said = [line for line in bench.said if line.startswith(("done", "error"))]
    assert said == ["done rollback", "done status", "error no such command: nonsense", "done factory-reset"]


def test_a_command_in_a_command_waits_too(bench):
    bench.console.lines += ["rollback"]
    obey = Control.obey

    def more(self, words):
        if words == ["rollback"]:
            bench.console.lines.append("confirm")
        return obey(self, words)

    Control.obey = more
    try:
        bench.watcher.satisfied(bench.agent)
    finally:
        Control.obey = obey
    assert bench.obeyed == ["begin rollback", "end rollback", "begin confirm", "end confirm"]


def test_the_bench_is_obeyed_at_once(bench):
    with pytest.raises(Reset):
        typed(bench, "status", "reset")
    with pytest.raises(PowerCut):
        typed(bench, "cut")
    with pytest.raises(Quit):
        bench.watcher.powered(bench.watcher.device)
        bench.watcher.mounted(bench.watcher.device)
        typed(bench, "quit")


def test_what_comes_behind_a_command_that_waits_waits_behind_it(bench):
    typed(bench, "status", "quit")
    with pytest.raises(Quit):
        bench.watcher.satisfied(bench.agent)
    assert "done status" in bench.said


def test_a_reset_forgets_what_waited(bench):
    typed(bench, "rollback")
    bench.watcher.powered(bench.watcher.device)
    bench.watcher.mounted(bench.watcher.device)
    bench.watcher.satisfied(bench.agent)
    assert not bench.obeyed
