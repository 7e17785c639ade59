"""Scenario 2, a download by the device itself: every numbered step, over real sockets, on both interpreters."""

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.scenario_runs import CPYTHON, ENGINES, FORMATS, keep
from tests.scenarios import download
from tests.scenarios.sim_rig import K, SimRig


def run(tmp_path, name, micropython, xml=False, tls=True, trial_s=0, **options):
    """Play the scenario, check the steps, keep the transcript."""
    size = 64 * K if options.get("cut") == "download" else 20 * K
    with (
        BenchServer(tls=tls) as server,
        SimRig(server, tmp_path, micropython=micropython, xml=xml, trial_s=trial_s, size=size) as rig,
    ):
        told = download.play(rig, **options)
        return keep(download.check(rig, *told, cut=options.get("cut", "")), server, name, rig, micropython)


@pytest.mark.parametrize("xml", FORMATS)
@pytest.mark.parametrize("micropython", ENGINES)
def test_download_and_update_by_descriptor(tmp_path, micropython, xml):
    text = run(tmp_path, "download-and-update", micropython, xml)
    assert text.index("STEP 23") < text.index("STEP 24")


@pytest.mark.parametrize("xml", FORMATS)
@pytest.mark.parametrize("micropython", ENGINES)
def test_download_then_update_by_descriptor(tmp_path, micropython, xml):
    run(tmp_path, "download-then-update", micropython, xml, method="download")


@pytest.mark.parametrize("method", ["download", "download-and-update"])
@pytest.mark.parametrize("micropython", ENGINES)
def test_the_url_of_the_package_itself(tmp_path, micropython, method):
    run(tmp_path, method + "-direct", micropython, method=method, descriptor=False)


@pytest.mark.parametrize("micropython", ENGINES)
def test_a_power_cut_in_the_download(tmp_path, micropython):
    run(tmp_path, "download-cut", micropython, cut="download")


@pytest.mark.parametrize("micropython", ENGINES)
def test_a_power_cut_in_the_trial(tmp_path, micropython):
    run(tmp_path, "download-cut-in-trial", micropython, trial_s=1, cut="trial")


@pytest.mark.parametrize("micropython", ENGINES)
def test_without_tls(tmp_path, micropython):
    text = run(tmp_path, "download-and-update-mac", micropython, tls=False)
    assert "mac=(secret)" in text and "syncml:auth-md5" not in text


@pytest.mark.parametrize("micropython", ENGINES)
def test_the_user_declines_the_download(tmp_path, micropython):
    with BenchServer() as server, SimRig(server, tmp_path, micropython=micropython) as rig:
        package = server.add_package(rig.update("2.0"))
        order = rig.order(package, "download-and-update")
        rig.answer(False, package.name)
        outcome = order.wait(30)
        assert (outcome.code, outcome.notifications, outcome.state) == (401, ["902 User Cancelled"], "20")
        assert outcome.alerts[0].mark == "critical" and server.transcript.count("package") == 0


@pytest.mark.parametrize("behaviour", ["crash", "unfit"])
@pytest.mark.parametrize("method", ["download", "download-and-update", "push"])
def test_an_update_that_does_not_work(tmp_path, method, behaviour):
    """The device goes back to its firmware and says so, to both servers where there are two."""
    words = ("--trial-max-s", 1)
    with BenchServer() as server, SimRig(server, tmp_path, *words, micropython=CPYTHON, user="yes") as rig:
        package = server.add_package(rig.update("2.0", behaviour))
        outcome = rig.order(package, method).wait(30)
        assert (outcome.code, outcome.firmware_version, outcome.state) == (410, "1.0", "70")
        told = {"download": ["900 Success"], "download-and-update": ["952 Device Aborted"], "push": []}
        assert outcome.notifications == told[method] and outcome.alerts[-1].mark == "critical"
