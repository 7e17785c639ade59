"""Scenario 1: the server sends the package itself, as a large object in the management session."""

import base64

from tests.scenarios import opening, result
from tests.scenarios.story import TO_DEVICE, TO_SERVER, Story


def play(rig, cut=False):
    """Do what operator, user and power do; return (package, order, outcome)."""
    package = rig.server.add_package(rig.update("2.0"))
    order = rig.order(package, "push", confirm=opening.QUESTION)
    rig.answer(True, opening.QUESTION)
    if cut:
        rig.wait("boot 2")
        rig.cycle("in the trial")
    outcome = order.wait(rig.update_s)
    return package, order, outcome


def check(rig, package, order, outcome, cut=False) -> Story:
    """Find the numbered steps, and check what is at the end."""
    story = Story(rig.server.transcript)
    session_id = opening.check(story, rig, order)
    _package(story, rig, package)
    result.ordered(story, rig, 11, order, "Update", "the server sends an Exec to install the package")
    story.step(12, "the client hands off control to the firmware update client")
    result.accepted(story, rig, "Update")
    result.installs(story, rig, 13, cut)
    result.reports(story, rig, 14, order, "update", session_id)
    result.finish(outcome, ["update"])
    return story


def _package(story, rig, package):
    """Step 10: collect the chunks, and see that each is answered."""
    story.step(10, "the server sends the package in a Replace")
    target, got, chunks, more = rig.root + "/Update/PkgData", b"", 0, True
    while more:
        message = story.sent(TO_DEVICE, lambda m: target in m.items("Replace"), "Replace of PkgData")
        item = message.items("Replace")[target]
        more = item.find("MoreData") is not None
        assert item.value("Meta", "Format") == ("b64" if rig.xml else "bin")
        assert (item.find("Meta", "Size") is not None) == (not got), "the size comes with the first chunk"
        assert message.final != more
        reply = story.sent(TO_SERVER, lambda m: m.status("Replace", target) is not None, "Status for the chunk")
        assert reply.status("Replace", target) == (213 if more else 200)
        assert (reply.alert(1222) is not None) == more
        got += item.data("Data")
        chunks += 1
    assert (base64.b64decode(got) if rig.xml else got) == package.data
    assert chunks > 1, "the package does not fit one message"
