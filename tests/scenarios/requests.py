"""Updates that begin at the device: a user or the device itself asks the server to look for one."""

from tests.scenarios import result
from tests.scenarios.story import TO_DEVICE, TO_SERVER, Story

KINDS = ("userrequest", "devicerequest")


def asks(story: Story, rig, kind: str):
    """Find the message with the request; return it."""
    told = story.sent(TO_SERVER, lambda m: request_in(m) == kind, kind)
    assert [alert.size("Data") for alert in told.all("Alert")][:2] == [1201, 1226]
    item = told.alert(1226).find("Item")
    assert item.value("Source", "LocURI") == rig.root, "it names the firmware object"
    assert item.data("Data") == rig.request_data.encode()
    assert item.find("Data") is not None and told.alert(1226).find("Correlator") is None
    return told


def answered(story: Story, code: int):
    """Find the server's Status of it; return the message."""
    reply = story.sent(TO_DEVICE, lambda m: m.all("Status"), "answer")
    assert [status.size("Data") for status in reply.all("Status") if status.value("Cmd") == "Alert"] == [200, code]
    return reply


def request_in(message) -> str:
    """Return the kind of the request in a message, "" for none."""
    alert = message.alert(1226)
    kind = alert.value("Item", "Meta", "Type").removeprefix(result.FAMILY) if alert else ""
    return kind if kind in KINDS else ""


def check_at_once(rig, order, kind, method="DownloadAndUpdate") -> Story:
    """The server has an update: 200, and its commands in the same session."""
    story = Story(rig.server.transcript)
    story.step(1, "the device asks: " + kind)
    asked = asks(story, rig, kind)
    story.step(2, "the server will command an update in this session: 200")
    answered(story, 200)
    story.step(3, "it does so")
    target = "%s/%s" % (rig.root, method)
    told = story.sent(TO_DEVICE, lambda m: target in m.items("Exec"), "Exec")
    assert told.session_id == asked.session_id and told.all("Exec")[0].value("Correlator") == order.correlator
    story.step(4, "the client accepts, and does it when the session has ended")
    result.accepted(story, rig, method)
    result.installs(story, rig, 5)
    result.reports(story, rig, 6, order, method.lower(), asked.session_id)
    return story


def check_later(rig, order, kind) -> Story:
    """The server has none yet: 202, nothing else; a notification begins the update."""
    story = Story(rig.server.transcript)
    story.step(1, "the device asks: " + kind)
    asked = asks(story, rig, kind)
    story.step(2, "the server will not command anything in this session: 202")
    assert answered(story, 202).only_statuses
    story.heard("session closed")
    story.step(3, "later the server sends a notification")
    story.datagram()
    assert story.before("dm") == 1, "the client expects nothing and says nothing"
    first = story.sent(TO_SERVER, lambda m: m.alert(1200), "message with alert 1200")
    assert not request_in(first) and first.session_id != asked.session_id
    story.step(4, "the update is ordered and done")
    result.accepted(story, rig, "DownloadAndUpdate")
    result.installs(story, rig, 5)
    result.reports(story, rig, 6, order, "downloadandupdate", first.session_id)
    return story
