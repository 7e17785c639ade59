"""Scenario 1, a package in the management session: every numbered step, over real sockets, on both interpreters."""

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.scenario_runs import CPYTHON, ENGINES, FORMATS, keep
from tests.scenarios import push
from tests.scenarios.sim_rig import K, SimRig


@pytest.mark.parametrize("xml", FORMATS)
@pytest.mark.parametrize("micropython", ENGINES)
def test_push(tmp_path, micropython, xml):
    with BenchServer() as server, SimRig(server, tmp_path, micropython=micropython, xml=xml, size=40 * K) as rig:
        told = push.play(rig)
        keep(push.check(rig, *told), server, "push", rig, micropython)


@pytest.mark.parametrize("micropython", ENGINES)
def test_push_with_a_power_cut_in_the_trial(tmp_path, micropython):
    with BenchServer() as server, SimRig(server, tmp_path, micropython=micropython, size=40 * K, trial_s=1) as rig:
        told = push.play(rig, cut=True)
        keep(push.check(rig, *told, cut=True), server, "push-cut", rig, micropython)


@pytest.mark.parametrize("micropython", ENGINES)
def test_push_without_tls(tmp_path, micropython):
    """Each message is authenticated by MAC in both directions."""
    with BenchServer(tls=False) as server, SimRig(server, tmp_path, micropython=micropython, size=24 * K) as rig:
        told = push.play(rig)
        story = keep(push.check(rig, *told), server, "push-mac", rig, micropython)
        steps = [step for step in server.transcript.steps if step.kind == "dm"]
        assert all("mac=" in step.fields["x-syncml-hmac"] for step in steps) and story and len(steps) > 10


def test_the_user_says_no(tmp_path):
    with BenchServer() as server, SimRig(server, tmp_path, micropython=CPYTHON) as rig:
        package = server.add_package(rig.update("2.0"))
        order = rig.order(package, "push", confirm=push.opening.QUESTION)
        rig.answer(False, push.opening.QUESTION)
        outcome = order.wait(30)
        assert (outcome.result, outcome.exec_status) == ("declined", None) and ("Alert", "", 304) in outcome.statuses
        rig.settle()
        assert "state 50" not in rig.heard and server.transcript.count("dm") < 6
