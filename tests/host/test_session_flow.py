"""How a session's packages begin, turn and end, message by message."""

import copy

import pytest

from flash_tools.server.dm.codec import Style
from flash_tools.server.dm.commands import Alert, Get, Item, Replace
from flash_tools.server.dm.element import Element, leaf
from flash_tools.server.dm.server import Faults
from tests.dm.device import ID, URL
from tests.dm.hold import KINDS, Packages, alerts, edit, hold, is_final, replay, statuses

both = pytest.mark.parametrize("kind", KINDS)
MANY = [
    "./DevDetail/%s" % name
    for name in ("FwV", "SwV", "HwV", "OEM", "DevTyp", "LrgObj", "URI/MaxDepth", "URI/MaxTotLen")
] * 5


LIMITS = [("xml", 1250), ("xml", 1300), ("xml", 2500), ("wbxml", 550), ("wbxml", 700), ("wbxml", 1400)]
SMALL = {"xml": 1250, "wbxml": 600}


def gets(times=1):
    """Return forty Gets, or so many times forty: more than a small message holds."""
    return [Get(uri) for uri in MANY * times]


@both
@pytest.mark.parametrize("auth", ["MAC", "md5", "basic"])
def test_a_closing_package_gets_no_reply(kind, auth):
    """Facts 2.2: a package without commands and without challenge ends the session."""
    out = hold(kind=kind, auth=auth)
    assert out.session.over and out.failure is None and len(out.sent) == 1
    assert out.device.answered == [[0, 200, True]]


@both
def test_package_1(kind):
    """Alert, DevInfo, the other alerts, Final; who we are and what we take stand in the SyncHdr."""
    opening = [
        {"code": "1201"},
        {"code": "1226", "source": "./FUMO", "kind": "a.b", "form": "int", "data": "200", "correlator": "c"},
    ]
    out = hold(kind=kind, opening=opening)
    header, body = out.sent[0].find("SyncHdr"), out.sent[0].find("SyncBody")
    assert [each.tag_name for each in body.children] == ["Alert", "Replace", "Alert", "Final"]
    assert header.value("Target", "LocURI") == URL and header.value("Source", "LocURI") == ID
    assert header.size("Meta", "MaxMsgSize") == 4096 and header.size("Meta", "MaxObjSize") == (
        1 << 20 if kind == "wbxml" else ((1 << 20) + 2) // 3 * 4
    )
    assert (
        out.policy.session is not None
        and out.server.session(ID, header.value("SessionID")).devinfo["./DevInfo/Mod"] == "M&M <1>"
    )
    assert out.device.answered == [[0, 200, True], [1, 200, True]]


@both
def test_a_session_that_the_server_wanted(kind):
    """1200 with the notification's session id, in hexadecimal without leading zeros."""
    out = hold([Get("./DevInfo/Man")], kind=kind, opening=[{"code": "1200"}], session_id=0x0A1F)
    assert [message.value("SyncHdr", "SessionID") for message in out.sent] == ["A1F", "A1F"]
    assert alerts(out.sent[0]) == [1200]


@both
def test_sessions_have_different_ids(kind):
    """S8: a random id of sixteen bits; the next session has another one."""
    out = hold(kind=kind)
    second = out.device.session()
    assert second.session_id != out.sent[0].value("SyncHdr", "SessionID")


@both
def test_messages_count_and_refer(kind):
    """MsgID counts from 1 on both sides, the SyncHdr's Status comes first and refers to the peer's MsgID."""
    out = hold([Get("./DevInfo/Man")], [Get("./DevInfo/Mod")], [Get("./DevInfo/Lang")], kind=kind)
    assert [message.value("SyncHdr", "MsgID") for message in out.sent] == ["1", "2", "3", "4"]
    for sent, came in zip(out.sent[1:], out.came, strict=False):
        first = sent.find("SyncBody").children[0]
        assert (first.value("MsgRef"), first.value("CmdRef"), first.value("Cmd")) == (
            came.value("SyncHdr", "MsgID"),
            "0",
            "SyncHdr",
        )


@pytest.mark.parametrize(("kind", "limit"), LIMITS)
def test_a_reply_is_cut_to_the_servers_maxmsgsize(kind, limit):
    """Facts 2.4: no message above the limit, Final in the last one only; the validator checks the rest."""
    many = gets()
    out = hold(many, kind=kind, server={"message_max": limit})
    sizes = [len(bytes.fromhex(exchange[0])) for exchange in out.transcript["exchanges"]]
    assert len(sizes) > 3 and max(sizes[1:]) <= limit
    assert not is_final(out.sent[1]) and is_final(out.sent[-1])
    assert {get.status for get in many} == {200} and all(len(get.results) == 1 for get in many)
    assert alerts(out.came[1]) == [1222] and not is_final(out.came[1])


@both
def test_a_status_for_each_next_message(kind):
    """The server's 1222 gets a Status in our next message, beside the rest of the package."""
    out = hold(gets()[:10], kind=kind, server={"message_max": SMALL[kind]})
    assert len(out.sent) > 3 and all(
        ("Alert", 200) in [(cmd, code) for cmd, _, code in statuses(message)] for message in out.sent[2:]
    )


@both
def test_a_servers_package_of_several_messages(kind):
    """Facts 2.4: without Final we answer what came, say 1222 and no Final; the answer to the last one has Final."""
    many = [Replace(Item("./Codes/%d" % (200 + i % 9), "x" * 60)) for i in range(50)]
    out = hold(many, kind=kind)
    assert len(out.sent) > 2 and [change.status for change in many] == [200 + i % 9 for i in range(50)]
    for came, sent in zip(out.came, out.sent[1:], strict=False):
        assert is_final(sent) == is_final(came) and (1222 in alerts(sent)) == (not is_final(came))


@both
def test_both_sides_need_several_messages(kind):
    """A package of many messages whose answers are cut too."""
    many = [Replace(Item("./Codes/%d" % (200 + i % 9), "x" * 60)) for i in range(50)] + gets()[:10]
    out = hold(many, kind=kind, server={"message_max": SMALL[kind]})
    assert [each.status for each in many] == [200 + i % 9 for i in range(50)] + [200] * 10
    assert all(len(get.results) == 1 for get in many[50:]) and out.failure is None


@both
def test_the_reference_flow(kind):
    """The figure of the specification: two messages up, a large object down in two, commands, the end."""
    push = Replace(Item("./Area/here/text", "x" * 2000))
    options = {"server": {"message_max": SMALL[kind] + 300}, "arena": 2560, "nodes": [["here/text", 2, ""]]}
    out = hold(gets()[:12], [push], [Get("./Area/here/chr")], kind=kind, quota=4096, **options)
    assert push.status == 200 and out.device.value("here/text") == b"x" * 2000
    chunked = [i for i in range(len(out.sent)) if 213 in statuses(out.sent[i], "Replace")]
    assert chunked and alerts(out.sent[chunked[0]]) == [1222] and not is_final(out.sent[chunked[0]])
    assert is_final(out.sent[chunked[-1] + 1]) and statuses(out.sent[chunked[-1] + 1], "Replace") == [200]


@both
def test_noresp_is_ignored(kind):
    """Facts 2.1: NoResp is not used in DM; the Status is sent all the same."""

    def quiet(session):
        session.no_resp = True

    get, change = Get("./DevInfo/Man", no_resp=True), Replace(Item("./Area/fixed", "y"), no_resp=True)
    hold([get, change], kind=kind, policy=Packages([get, change], before=quiet))
    assert (get.status, change.status) == (200, 200)


@both
def test_a_server_that_forgets_final(kind):
    """We ask for the rest; when Final comes alone, our package ends too, with no more than the Status of the SyncHdr."""
    get = Get("./DevInfo/Man")
    out = hold([get], kind=kind, server={"faults": Faults(no_final=1)})
    assert [(alerts(message), is_final(message)) for message in out.sent[1:]] == [([1222], False), ([], True)]
    assert get.status == 200 and len(out.sent[2].find("SyncBody").children) == 2


@both
def test_the_servers_abort(kind):
    """1223 from the server: what it ordered before is done, no reply is sent."""
    change = Replace(Item("./Area/fixed", "y"))
    out = hold([change, Alert(1223)], kind=kind)
    assert out.session.over and len(out.sent) == 1 and out.device.value("fixed") == b"y"


@both
def test_our_abort(kind):
    """What cannot be understood behind its SyncHdr: Status 4xx for that, 1223 with Final, the end."""

    def spoil(root):
        root.find("SyncHdr").children.append(leaf("VerProto", "DM/1.2"))
        command = root.find("SyncBody").find("Get")
        command.find("Item", "Target", "LocURI").text = b"\xff\xfe./DevInfo"
        command.children.insert(0, command.find("Item"))

    out = hold(
        [Get("./DevInfo/Man")], kind=kind, server={"faults": edit((1, lambda root: _nest(root, 9)))}, validate=False
    )
    assert spoil and out.session.over and out.failure == 413
    assert statuses(out.sent[1], "SyncHdr") == [413] and alerts(out.sent[1]) == [1223] and is_final(out.sent[1])
    assert len(out.sent) == 2


def _nest(root, depth):
    body = root.find("SyncBody")
    command = body.find("Get")
    for number in range(depth):
        command = Element("Sequence", [leaf("CmdID", "n%d" % number), command])
    body.children[body.children.index(body.find("Get"))] = command


@both
def test_eight_containers_deep(kind):
    """As deep as we go: everything has its Status."""
    out = hold([Get("./DevInfo/Man")], kind=kind, server={"faults": edit((1, lambda root: _nest(root, 8)))})
    assert statuses(out.sent[1], "Sequence") == [200] * 8 and statuses(out.sent[1], "Get") == [200]


@both
@pytest.mark.parametrize("name", ["bad session", "no header", "no MsgID"])
def test_a_message_of_nobody(kind, name):
    """Without a SyncHdr of this session nothing can be answered: the session ends, nothing is done."""

    def spoil(root):
        header = root.find("SyncHdr")
        if name == "bad session":
            header.find("SessionID").text = b"FFFF"
        elif name == "no MsgID":
            header.children.remove(header.find("MsgID"))
        else:
            root.children.remove(header)

    change = Replace(Item("./Area/fixed", "y"))
    out = hold([change], kind=kind, server={"faults": edit((1, spoil))}, validate=False)
    assert out.session.over and out.failure == 400 and len(out.sent) == 1 and out.device.value("fixed") is None


@both
@pytest.mark.parametrize(("element", "text", "code"), [("VerDTD", b"1.1", 505), ("VerProto", b"DM/1.1", 513)])
def test_versions_that_we_do_not_speak(kind, element, text, code):
    """Facts 2.1: 505 or 513 with what we speak in an Item; nothing is done."""
    change = Replace(Item("./Area/fixed", "y"))
    spoil = edit((1, lambda root: setattr(root.find("SyncHdr", element), "text", text)))
    out = hold([change], kind=kind, server={"faults": spoil}, validate=False)
    header = out.sent[1].find("SyncBody", "Status")
    assert header.size("Data") == code and header.value("Item", "Data") in ("1.2", "DM/1.2")
    assert out.device.value("fixed") is None and out.session.over


@both
@pytest.mark.parametrize("code", [400, 404, 408, 417, 500, 503, 506, 511])
def test_the_server_refuses_our_message(kind, code):
    """Facts 2.12: a Status of our SyncHdr that is neither success nor challenge ends the session with that code."""

    def refuse(root):
        root.find("SyncBody", "Status", "Data").text = b"%d" % code

    change = Replace(Item("./Area/fixed", "y"))
    out = hold([change], kind=kind, server={"faults": edit((1, refuse))}, validate=False)
    assert out.session.over and out.failure == code and out.device.value("fixed") is None


STYLES = [
    Style(header="textual"), Style(header="table"), Style(pages="eager"), Style(opaque="always"), Style(version=3),
    Style(namespaces="parent"), Style(namespaces="absent"), Style(namespaces="prefixed"), Style(cdata=True),
    Style(blanks=True), Style(comments=True), Style(doctype=True), Style(long_empty=True),
]  # fmt: skip


@both
@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_dialect(kind, style):
    """P2: white space is trimmed from everything but Data; all seen ways to write a message are understood."""
    change, get = (
        Replace(Item("./Area/here/chr", " a<&>\n b ", type="text/plain")),
        Get(["./DevDetail/URI/MaxDepth", "./nope"]),
    )
    hold([change, get], kind=kind, server={"style": style})
    assert change.status == 200 and get.statuses == {"./DevDetail/URI/MaxDepth": 200, "./nope": 404}


@both
@pytest.mark.parametrize("pieces", [1, 2, 7, 511, 512, 513, 4096])
def test_answers_come_in_any_pieces(kind, pieces):
    """However the network cuts it, the message is the same."""
    change, get = Replace(Item("./Area/here/chr", "n\u00e9w")), Get("./Area/here/chr")
    hold([change, get], kind=kind, pieces=pieces)
    assert change.status == 200 and get.results[0].data == "n\u00e9w".encode()


def test_the_replay_can_fail():
    """A request that differs in one byte is seen on MicroPython, and so is another end."""
    out = hold()
    for change in (lambda t: t["exchanges"][0].__setitem__(1, "x"), lambda t: t.update(summary="")):
        spoilt = copy.deepcopy(out.transcript)
        change(spoilt)
        with pytest.raises(AssertionError, match="MicroPython differs"):
            replay(spoilt)
