"""Steps 0 to 9, which both scenarios begin with: notification, device information, the user's consent."""

from tests.scenarios.story import TO_DEVICE, TO_SERVER

QUESTION = "Install version 2.0?"
DEVINFO = ("DevId", "Man", "Mod", "DmV", "Lang")


def check(story, rig, order, package_type="org.openmobilealliance.dm.firmwareupdate"):
    """Find the steps in the story; return the SessionID."""
    story.step(0, "the management authority initiates a firmware update")
    story.noted("the operator orders an update")
    story.step(1, "the server sends a notification alert")
    title = story.datagram().title
    session_id = title.rpartition(" ")[2]
    _device_speaks(story, rig, session_id)
    _versions(story, rig)
    _consent(story)
    assert order.sessions[0] == session_id
    return session_id


def _device_speaks(story, rig, session_id):
    story.step(2, "the client has received the notification and acknowledges it")
    first = story.sent(TO_SERVER, lambda m: m.alert(1200), "message with alert 1200")
    assert first.session_id == session_id, "the session is the one that the notification asked for"
    assert first.step.content_type.endswith("+xml" if rig.xml else "+wbxml")
    story.step(3, "the client provides device information in a Replace")
    items = story.sent(TO_SERVER, lambda m: m.all("Replace"), "Replace").items("Replace", "Source")
    assert set(items) == {"./DevInfo/" + name for name in DEVINFO}
    assert items["./DevInfo/DevId"].value("Data") == rig.device_id
    assert all(item.value("Data") for item in items.values())


def _versions(story, rig):
    story.step(4, "the server requests device firmware information")
    asked = story.sent(TO_DEVICE, lambda m: "./DevDetail/FwV" in m.items("Get"), "Get of the firmware's version")
    assert asked.status("SyncHdr") in (200, 212) and asked.status("Replace") == 200 and asked.status("Alert") == 200
    story.step(5, "the client returns device firmware information")
    told = story.sent(TO_SERVER, lambda m: "./DevDetail/FwV" in m.items("Results", "Source"), "Results")
    assert told.items("Results", "Source")["./DevDetail/FwV"].value("Data") == rig.old
    assert told.status("Get", "./DevDetail/FwV") == 200


def _consent(story):
    story.step(6, "an update is needed: the server asks the user to confirm")
    question = story.sent(TO_DEVICE, lambda m: m.alert(1101), "alert 1101")
    assert question.items("Alert") is not None and QUESTION in str(question.alert(1101))
    assert len(question.all("Exec")) == 0, "nothing is ordered before the user has agreed"
    story.step(7, "the client presents the question to the user")
    assert QUESTION in story.heard("question 1101")
    story.step(8, "the user accepts")
    story.noted("the user says yes")
    story.step(9, "the client indicates the acceptance to the server")
    reply = story.sent(TO_SERVER, lambda m: m.status("Alert") is not None, "Status for the alert")
    assert reply.status("Alert") == 200
