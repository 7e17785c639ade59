"""Clients that are not ours: commands, alerts, answers and headers, each taken or refused with the Status of the facts.

Sections 1.8, 2.1, 2.6, 2.8, 2.12, 6.6 and 8 of facts/omadm.md; one habit a test, or a line of a table.
"""

import pytest

from flash_tools.server.dm.codec import XML
from flash_tools.server.dm.commands import Exec, Get
from flash_tools.server.dm.element import Element, leaf, location, meta, node
from flash_tools.server.reports import KINDS, REQUESTS, alert_kind
from tests.host.strange_clients import FUMO, Peer
from tests.host.strange_session import (
    BINARY,
    OURS,
    SERVER,
    account,
    alert,
    alert_item,
    both,
    meet,
)


def run():
    return Exec(["./Fw/X/DownloadAndUpdate"], "c 1")


# -- commands and alerts -----------------------------------------------------------------------------------------------


def _command(name, *more):
    return node(name, leaf("CmdID", 8), *more)


REFUSED = [
    *((_command(name, node("Item", location("Target", "./a"))), 406) for name in
      "Add Atomic Copy Delete Exec Get Map Move Put Search Sequence Sync".split()),
    (_command("Surprise"), 400),
    (alert(8, 1), 406), (alert(8, 1100, alert_item()), 406), (alert(8, 1299), 406), (alert(8, "12a6", alert_item()), 406),
    (alert(8, None, alert_item()), 412), (alert(8, 1226), 412),
    (_command("Replace"), 412),
    (_command("Replace", node("Item", location("Source", "./Fw/X/State"), leaf("Data", 100))), 405),
    (_command("Replace", node("Item", location("Source", "./DevInfoFake"), leaf("Data", 1))), 405),
    (_command("Replace", node("Item", location("Source", "./DevInfo/Big"), leaf("Data", 1), node("MoreData"))), 411),
    (node("Alert", leaf("Data", 1226), alert_item()), 400),
    (node("Alert", leaf("CmdID", 0), leaf("Data", 1226), alert_item()), 400),
]  # fmt: skip


@both
@pytest.mark.parametrize(("element", "code"), REFUSED)
def test_what_is_not_taken(peer, element, code):
    """Facts 2.6, 2.8, 2.12: each with its Status, and the session goes on."""
    if element.tag_name == "Surprise" and peer is BINARY:
        element.tag_name = "0:3F"  # a token that no table has
    client, policy, server = meet(peer, [Get("./a")])
    client.start(element)
    assert client.codes()[-1] == (element.tag_name, code) and [each.tag_name for each in client.commands()] == ["Get"]
    assert [alert.code for alert in policy.session.alerts if alert.code in (1224, 1226)] == []
    assert list(policy.session.devinfo) == ["./DevInfo/" + name for name in ("DevId", "Man", "Mod", "DmV", "Lang")]


def test_several_alerts_and_several_items():
    client, policy, server = meet(OURS)
    policy.alert = 202
    client.start(
        client.report("a"), client.report(None), alert(7, 1226, alert_item(), alert_item(FUMO + "download", "503"))
    )
    assert client.codes()[3:] == [("Alert", 202)] * 3
    said = [(each.correlator, each.data) for each in policy.session.alerts[1:]]
    assert said == [("a", b"200"), (None, b"200"), (None, b"200"), (None, b"503")]


@pytest.mark.parametrize("text", ["\n c 1\t", "c 1", ""])
def test_correlators_are_trimmed(text):
    client, policy, server = meet(OURS)
    client.start(client.report(text))
    assert policy.session.alerts[-1].correlator == text.strip()


@pytest.mark.parametrize("prefix", ["", "Reversed-Domain-Name:", "reversed-domain-name: \n", " "])
@pytest.mark.parametrize(
    "family", ["org.openmobilealliance.dm.firmwareupdate.", "ORG.OpenMobileAlliance.FirmwareUpdate."]
)
@pytest.mark.parametrize("kind", KINDS + REQUESTS)
def test_spellings_of_types(prefix, family, kind):
    """Facts 1.8."""
    client, policy, server = meet(Peer("any", "", type=prefix + family + kind))
    client.start(client.report())
    assert alert_kind(policy.session.alerts[-1].type) == kind


def test_devinfo_in_base64_and_in_pieces():
    client, policy, server = meet(OURS)
    item = node("Item", location("Target", "DevInfo/Odd"), meta(Format="B64"), leaf("Data", "IMOkIA=="))
    client.start(_command("Replace", item))
    assert policy.session.devinfo["./DevInfo/Odd"] == "ä"


@pytest.mark.parametrize("code", ["", "abc", "7", "1000", "101"])
def test_statuses_that_say_nothing(code):
    """A Status without a code is no answer; neither is one that says that there is more to come."""
    execute = run()
    client, policy, server = meet(OURS, [execute], [Get("./b")])
    client.start()
    ref = client.commands()[0].value("CmdID")
    client.send(client.header_status(), client.status("Exec", ref, code), final=False)
    assert execute.status is None and policy.asked == 1
    client.send(client.header_status(), client.status("Exec", ref, 202, message=1))
    assert execute.status == 202


def test_statuses_for_what_nobody_sent():
    client, policy, server = meet(OURS, [Get("./a")])
    client.start()
    client.send(*(client.status("Get", ref, 500, message=message) for ref in (1, 99, "x") for message in (0, 7, "y")))
    assert policy.todo[0][0].status is None and policy.session.over


def test_a_status_with_five_thousand_targets():
    """What was not asked for is not remembered without end."""
    get = Get("./a")
    client, policy, server = meet(BINARY, [get])
    client.start()
    client.send(
        client.status("Get", client.commands()[0].value("CmdID"), 200, targets=["./%d" % n for n in range(5000)])
    )
    assert client.reply.status == 200 and len(get.statuses) < 100 and len(policy.session.statuses) < 5000


def test_results_without_end():
    """The values of a session are bounded like one object and a little beside it."""
    get = Get("./a")
    client, policy, server = meet(BINARY, [get])
    server.object_max = 5000
    client.start()
    ref = client.commands()[0].value("CmdID")
    client.send(client.header_status(), client.status("Get", ref, 200), *[client.result(ref, "./a", "v" * 400)] * 30)
    assert ("Results", 413) in client.codes() and 1 < len(get.results) < 20


# -- versions ----------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("header", "code", "spoken"),
    [({"dtd": "1.1"}, 505, "1.2"), ({"protocol": "DM/1.1"}, 513, "DM/1.2"), ({"protocol": "SyncML/1.2"}, 513, "DM/1.2"),
     ({"dtd": ""}, 505, "1.2")],
)  # fmt: skip
def test_other_versions(peer, header, code, spoken):
    """Refused with what is spoken, whoever it is; no challenge, no state."""
    client, policy, server = meet(peer)
    client.start(client.report(), **header)
    assert client.codes() == [(name, code) for name in ("SyncHdr", "Alert", "Replace", "Alert")]
    assert [each.value("Item", "Data") for each in client.statuses("SyncHdr")] == [spoken]
    assert policy.session is None and server.devices["dev"] == account()


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5"])
def test_message_ids_that_are_none(number):
    client, policy, server = meet(OURS)
    client.start(number=number or None) if number else None
    if not number:
        message = client.message(alert(1, 1201), number=" ")
        message.find("SyncHdr", "MsgID").text = None
        client.body = client._bytes(message)
        client.number = 1
        client.post()
        assert client.reply.status == 400
    else:
        assert client.codes()[0] == ("SyncHdr", 400)
    assert policy.session is None


def test_a_session_id_of_a_page():
    client, policy, server = meet(OURS)
    client.session_id = "9" * 65
    client.start(client.report())
    assert {code for _, code in client.codes()} == {400} and policy.session is None


def test_content_types():
    """Facts 6.6 and 8.14: parameters and letter case do not matter; what is no message is refused."""
    for kind, status in (
        (XML.upper() + ";charset=x", 200),
        ("application/vnd.syncml+xml", 200),
        ("text/xml", 400),
        ("", 400),
    ):
        client, policy, server = meet(Peer("any", "", kind if status == 200 else XML))
        client.start()
        assert server.handle(client.body, kind).status == status


def test_elements_that_may_be_missing():
    """Facts 8.1: no Meta, no Target, no LocName; neither Alert 1201 nor DevInfo."""
    client, policy, server = meet(OURS, [Get("./a")])
    message = client.message(number=1)
    message.children[0].children = [
        each for each in message.children[0].children if each.tag_name not in ("Target", "Meta")
    ]
    client.body, client.number = client._bytes(message), 1
    client.post()
    assert client.codes() == [("SyncHdr", 212)] and [each.tag_name for each in client.commands()] == ["Get"]
    assert (
        client.answer.value("SyncHdr", "Source", "LocURI") == SERVER
        and Element("Final") in client.answer.children[1].children
    )
