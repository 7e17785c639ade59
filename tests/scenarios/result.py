"""How an update ends in both scenarios: the firmware is installed, the device starts again, and a new session tells of it."""

from tests.scenarios.story import TO_DEVICE, TO_SERVER

FAMILY = "org.openmobilealliance.dm.firmwareupdate."


def installs(story, rig, number, cut=False):
    """Find the installation and the power cycle."""
    story.step(number, "the firmware update client installs the package; the device power cycles")
    story.heard("state 60")
    story.heard("reset commanded")
    assert "version 2.0" in story.heard("boot 2 bank 1 trial")
    if cut:
        story.noted("the power goes")
        assert "version %s" % rig.old in story.heard("boot 1 bank 0 confirmed"), (
            "what is on trial is not kept by a power cut"
        )
        story.heard("reset commanded")
        story.heard("boot 2 bank 1 trial")
    story.heard("state 90")


def reports(story, rig, number, order, kind, first_session, correlator=None):
    """Find the session with the alert, and its answer."""
    correlator = correlator or order.correlator
    story.step(number, "a new session provides the result in a Generic Alert")
    told = story.sent(TO_SERVER, lambda m: m.alert(1226), "alert 1226")
    assert told.session_id != first_session and told.alert(1201) and not told.alert(1200)
    assert told.all("Alert")[0].size("Data") == 1201, "the session's own alert comes first"
    _check_alert(told.alert(1226), rig, kind, correlator, 200)
    taken = story.sent(TO_DEVICE, lambda m: m.all("Status"), "answer")
    alerts = [status.size("Data") for status in taken.all("Status") if status.value("Cmd") == "Alert"]
    assert alerts == [200, 200]
    return told.session_id


def _check_alert(alert, rig, kind, correlator, code):
    items = alert.find_all("Item")
    assert len(items) == 1
    item = items[0]
    assert item.value("Source", "LocURI") == rig.root
    assert item.value("Meta", "Type") == FAMILY + kind and item.value("Meta", "Format") == "int"
    assert item.value("Meta", "Mark", default="informational") == "informational"
    assert item.value("Data") == str(code)
    assert alert.value("Correlator") == correlator


def ordered(story, rig, number, order, node, text, correlator=None):
    """Find the Exec and its 202; return the message with the Exec."""
    target = "%s/%s" % (rig.root, node)
    story.step(number, text)
    told = story.sent(TO_DEVICE, lambda m: target in m.items("Exec"), "Exec " + node)
    assert told.all("Exec")[0].value("Correlator") == (correlator or order.correlator)
    return told


def accepted(story, rig, node):
    """Find the 202, and that the session ends; return how many packages and descriptors were fetched by then."""
    target = "%s/%s" % (rig.root, node)
    reply = story.sent(TO_SERVER, lambda m: m.status("Exec") is not None, "Status for the Exec")
    assert reply.status("Exec", target) == 202
    last = story.sent(TO_DEVICE, lambda m: m.status("SyncHdr") in (200, 212), "last message")
    assert last.only_statuses and last.final
    story.hears("session closed")
    return story.before("package") + story.before("descriptor")


def finish(outcome, kinds):
    """Check what the server knows at the end."""
    assert (outcome.result, outcome.code, outcome.exec_status, outcome.conflicts) == ("done", 200, 202, [])
    assert (outcome.firmware_before, outcome.firmware_version, outcome.state) == ("1.0", "2.0", "90")
    assert [report.kind for report in outcome.alerts if not report.copy] == list(kinds)
    assert not [report for report in outcome.alerts if report.copy], "the result comes once"
