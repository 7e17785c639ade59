"""Both scenarios of an update, every numbered step of them, on the board that the environment says.

A `variant` differs in what the agent decides alone: simulated boards play it in seconds, emulated ones leave it out.
"""

import pytest

from tests.scenarios import download, opening, push
from tests.scenarios.rig import TRANSCRIPTS

K = 1024
XML = [pytest.param(False, id="wbxml"), pytest.param(True, id="xml", marks=pytest.mark.variant)]


def keep(story, rig, name):
    """Write the transcript with the steps in it, and see that it gives nothing away."""
    path = TRANSCRIPTS / ("rig-%s-%s-%s.txt" % (name, "xml" if rig.xml else "wbxml", rig.device_id.replace(":", "")))
    story.write(path)
    account = rig.server.device(rig.device_id)
    text = path.read_text()
    assert account.client_secret not in text and account.server_secret not in text and text.count("STEP ") > 10


@pytest.mark.short
@pytest.mark.parametrize("xml", XML)
def test_push(make_rig, xml):
    """The server sends the package itself, in the session."""
    rig = make_rig(xml=xml, size=40 * K)
    told = push.play(rig)
    keep(push.check(rig, *told), rig, "push")


@pytest.mark.variant
def test_push_with_a_power_cut_in_the_trial(make_rig):
    rig = make_rig(size=40 * K, trial_s=1)
    told = push.play(rig, cut=True)
    keep(push.check(rig, *told, cut=True), rig, "push-cut")
    assert rig.tally.cuts == {"trial": 1}


@pytest.mark.variant
def test_push_without_tls(make_rig):
    rig = make_rig(tls=False, size=40 * K)
    told = push.play(rig)
    keep(push.check(rig, *told), rig, "push-mac")


@pytest.mark.short
def test_download_and_update(make_rig):
    """The server says where the package is."""
    rig = make_rig()
    told = download.play(rig)
    keep(download.check(rig, *told), rig, "download-and-update")


@pytest.mark.variant
@pytest.mark.parametrize("descriptor", [True, False])
@pytest.mark.parametrize("xml", XML)
def test_download_then_update(make_rig, xml, descriptor):
    rig = make_rig(xml=xml)
    told = download.play(rig, method="download", descriptor=descriptor)
    keep(download.check(rig, *told), rig, "download-%s" % descriptor)


@pytest.mark.short
def test_a_power_cut_in_the_download(make_rig, board):
    if board.board.kind != "sim":
        pytest.skip("where this cut has to come is counted in bytes of a simulated device's image")
    rig = make_rig(size=64 * K)
    told = download.play(rig, cut="download")
    keep(download.check(rig, *told, cut="download"), rig, "download-cut")
    assert rig.tally.cuts == {"download": 1} and rig.tally.boots == 3


def test_a_power_cut_in_the_trial(make_rig):
    rig = make_rig(trial_s=1)
    told = download.play(rig, cut="trial")
    keep(download.check(rig, *told, cut="trial"), rig, "download-cut-in-trial")


@pytest.mark.parametrize(
    ("method", "behaviour"),
    [
        pytest.param("push", "crash", marks=pytest.mark.short),
        pytest.param("download-and-update", "unfit", marks=(pytest.mark.short, pytest.mark.variant)),
        pytest.param("download-and-update", "crash", marks=pytest.mark.variant),
        pytest.param("download", "crash", marks=pytest.mark.variant),
        pytest.param("push", "unfit", marks=pytest.mark.variant),
    ],
)
def test_an_update_that_does_not_work(make_rig, method, behaviour):
    """The board goes back to its firmware and says so."""
    rig = make_rig(user="yes", trial_max_s=1)
    package = rig.server.add_package(rig.update("2.0", behaviour))
    outcome = rig.order(package, method).wait(rig.update_s)
    assert (outcome.code, outcome.firmware_version, outcome.state) == (410, rig.old, "70")
    assert outcome.alerts[-1].mark == "critical"


def test_the_user_says_no(rig):
    package = rig.server.add_package(rig.update("2.0"))
    order = rig.order(package, "push", confirm=opening.QUESTION)
    rig.answer(False, opening.QUESTION)
    outcome = order.wait(rig.update_s)
    assert (outcome.result, outcome.exec_status) == ("declined", None)
    assert "state 50" not in rig.heard


def test_commands_at_the_console(rig):
    rig.type("status")
    assert '"version"' in rig.wait("status ") and rig.old in rig.wait("status ")
    rig.type("nonsense")
    rig.wait("error")


@pytest.mark.variant
@pytest.mark.parametrize("state", ["confirmed", "updating", "trial", "updated", "rolled_back", "off"])
def test_the_strategy_brings_it_into_each_state(strategy, tally, state):
    strategy.transition(state)
    assert strategy.status.name == state
    strategy.transition("off")
    assert strategy.listener is None
