"""The alerts of the server: five that reach the user, three that run the session."""

import pytest

from flash_tools.server.dm.commands import Alert, Get, Item, Replace
from flash_tools.server.dm.element import Element, leaf, node
from tests.dm.hold import KINDS, Raw, alerts, edit, hold, statuses

both = pytest.mark.parametrize("kind", KINDS)
DISPLAY, CONFIRM, INPUT, CHOICE, CHOICES = range(1100, 1105)


@both
@pytest.mark.parametrize(
    ("code", "texts", "status"),
    [
        (DISPLAY, ["", "Hello"], 200), (CONFIRM, ["", "Sure?"], 200), (INPUT, ["", "Name?"], 406),
        (CHOICE, ["", "Which?", "a", "b"], 406), (CHOICES, ["", "Which?", "a", "b"], 406), (DISPLAY, [""], 412),
        (DISPLAY, [], 412), (CONFIRM, ["", ""], 412), (CHOICE, ["", "Which?"], 412), (DISPLAY, ["", "x" * 512], 200),
        (DISPLAY, ["", "x" * 513], 416), (CHOICE, ["", "x" * 500, "a" * 13], 416), (1105, ["", "x"], 406),
        (1199, [], 406), (1200, [], 406), (1201, [], 406), (1221, [], 406), (1224, [], 406), (1226, [], 406),
        (1, [], 406), (1222, [], 200), (1225, [], 200),
    ],
)  # fmt: skip
def test_a_device_without_user(kind, code, texts, status):
    """P3: DISPLAY 200, CONFIRM accepts, INPUT and CHOICE 406; 412 incomplete, 416 above 512."""
    alert, get = Alert(code, texts), Get("./DevInfo/Man")
    hold([alert, get], kind=kind)
    assert (alert.status, get.status, alert.answers) == (status, 200, [])


ANSWERS = [
    (DISPLAY, ["MINDT=5", "Hello"], [200, []], []),
    (CONFIRM, ["DR=1", "Sure?"], [200, []], []),
    (CONFIRM, ["DR=1", "Sure?"], [304, []], []),
    (CONFIRM, ["MAXDT=1", "Sure?"], [408, []], []),
    (CONFIRM, ["", "Sure?"], [214, []], []),
    (DISPLAY, ["", "Too much"], [416, []], []),
    (INPUT, ["", "Name?"], [200, ["J\u00f6rg & <S\u00f6hne>"]], ["J\u00f6rg & <S\u00f6hne>"]),
    (INPUT, ["", "Name?"], [200, [""]], [""]),
    (CHOICE, ["", "Which?", "a", "b"], [200, ["2"]], ["2"]),
    (CHOICES, ["", "Which?", "a", "b", "c"], [200, ["3", "1"]], ["3", "1"]),
    (INPUT, ["", "Much?"], [200, ["\u20ac" * 500]], ["\u20ac" * 500]),
]


@both
@pytest.mark.parametrize(("code", "texts", "said", "answers"), ANSWERS)
def test_what_the_user_answers(kind, code, texts, said, answers):
    """Facts 2.7: 200, 304, 214, 408, 416; what was typed or chosen goes into Items of the Status."""
    alert = Alert(code, texts)
    out = hold([alert], kind=kind, ui=[None, None, said])
    assert alert.status == said[0] and [data.decode() for data in alert.answers] == answers
    assert (
        out.device.user.asked[0][0] == code
        and out.device.user.asked[0][2] == texts[1]
        and out.device.user.asked[0][3] == texts[2:]
    )


@both
def test_several_questions_at_once(kind):
    """One after the other, each with its own answer; nothing behind a question is done before its answer."""
    questions = [Alert(CONFIRM, ["", "One?"]), Alert(INPUT, ["", "Two?"]), Alert(CHOICE, ["", "Three?", "a"])]
    change = Replace(Item("./Area/fixed", "x"))
    out = hold([*questions, change], kind=kind, ui=[None, [200, []], None, None, [200, ["two"]], [200, ["1"]]])
    assert [question.answers for question in questions] == [[], [b"two"], [b"1"]] and change.status == 200
    assert [asked[2] for asked in out.device.user.asked] == ["One?", "Two?", "Three?"]


OPTIONS = [
    (DISPLAY, "MINDT=10&MAXDT=20", [("MAXDT", 20), ("MINDT", 10)]),
    (DISPLAY, "MINDT=10&DR=1&MAXLEN=5&IT=N&ET=P", [("MINDT", 10)]),
    (CONFIRM, "DR=0&MAXDT=30", [("DR", "0"), ("MAXDT", 30)]),
    (INPUT, "MAXLEN=8&IT=N&ET=P&DR=a+b%26c", [("DR", "a b&c"), ("ET", "P"), ("IT", "N"), ("MAXLEN", 8)]),
    (INPUT, "IT=D", [("IT", "D")]), (INPUT, "IT=T", [("IT", "T")]), (INPUT, "IT=P", [("IT", "P")]),
    (INPUT, "IT=I", [("IT", "I")]), (INPUT, "IT=A&ET=T", [("ET", "T"), ("IT", "A")]),
    (INPUT, "IT=X&ET=Q&MAXLEN=many&MINDT=-1&MAXDT=1.5", []),
    (INPUT, "mindt=3& MAXDT = 4 ", [("MAXDT", 4), ("MINDT", 3)]),
    (CHOICE, "DR=2&MAXDT=9", [("DR", "2"), ("MAXDT", 9)]), (CHOICES, "DR=2-3", [("DR", "2-3")]),
    (CHOICES, "DR=1-3,6", [("DR", "1-3,6")]), (CONFIRM, "", []), (CONFIRM, "&&=&x", []),
    (CONFIRM, "NEW=1&MAXDT=2", [("MAXDT", 2)]), (CONFIRM, "MAXDT=15DR=1", []),
    (INPUT, "DR=%C3%A9%zz", [("DR", "\u00e9%zz")]), (INPUT, "DR=%ff", [("DR", "")]), (CONFIRM, "MAXDT=9999999", []),
]  # fmt: skip


@both
def test_options(kind):
    """Facts 2.7: what applies to this alert; unknown and unusable ones are skipped in silence."""
    questions = [Alert(code, [text, "Text %d" % i, "a"]) for i, (code, text, _) in enumerate(OPTIONS)]
    out = hold(questions, kind=kind, ui=[[200, []]] * len(OPTIONS), arena=9000)
    assert [(asked[0], dict(asked[1])) for asked in out.device.user.asked] == [
        (code, dict(found)) for code, _, found in OPTIONS
    ]


@both
def test_the_first_item_may_be_empty(kind):
    """Facts 2.7: an Item without Data stands for no options."""
    items = [Element("Item"), node("Item", leaf("Data", "Sure?"))]
    alert = Raw(lambda cmd_id: node("Alert", leaf("CmdID", cmd_id), leaf("Data", 1101), *items))
    out = hold([alert], kind=kind, ui=[[200, []]])
    assert alert.status == 200 and out.device.user.asked == [(1101, [], "Sure?", [])]


@both
@pytest.mark.parametrize("data", [b"abc", b"", b"1100x", b"-1", b"99999999999999"])
def test_an_alert_code_that_is_none(kind, data):
    """What is not one of the alerts gets its Status, and the others are done."""
    alert, get = Raw(lambda cmd_id: node("Alert", leaf("CmdID", cmd_id), leaf("Data", data))), Get("./DevInfo/Man")
    hold([alert, get], kind=kind)
    assert alert.status in (400, 406) and get.status == 200


def test_a_text_that_is_no_text():
    """Bytes that are not UTF-8 are not shown, and break nothing."""
    bad = node("Item", leaf("Data", b"\xff\xfe", opaque=True))
    alert, get = (
        Raw(lambda cmd_id: node("Alert", leaf("CmdID", cmd_id), leaf("Data", 1100), Element("Item"), bad)),
        Get("./DevInfo/Man"),
    )
    out = hold([alert, get], kind="wbxml", ui=[])
    assert alert.status == 400 and get.status == 200 and not out.device.user.asked


@both
@pytest.mark.parametrize("auth", ["MAC", "md5"])
def test_nobody_is_asked_by_a_stranger(kind, auth):
    """M1: nothing of a message acts before it has proven authentic; the user sees the question once."""
    alert, change = Alert(CONFIRM, ["", "Sure?"]), Replace(Item("./Area/fixed", "x"))
    out = hold(
        [alert, change],
        kind=kind,
        auth=auth,
        insecure=True,
        secure=False,
        ui=[[200, []]],
        server={"faults": edit(), "account": {"server_nonce": b"?"}},
    )
    assert statuses(out.sent[1], "Alert") == [401] and statuses(out.sent[1], "Replace") == [401]
    assert (alert.status, change.status) == (200, 200) and len(out.device.user.asked) == 1


@both
def test_an_answer_that_is_lost_asks_once(kind):
    """A repeated message is not executed again: the user is asked once."""
    out = hold([Alert(INPUT, ["", "Name?"])], kind=kind, ui=[[200, ["x"]]], network={2: "lost", 3: 100})
    assert len(out.device.user.asked) == 1 and [statuses(message, "Alert") for message in out.sent[1:]] == [[200]] * 3


@both
def test_1222_among_commands(kind):
    """The server's 1222 gets a Status and hinders nothing."""
    get = Get("./DevInfo/Man")
    out = hold([get, Alert(1222)], kind=kind)
    assert get.status == 200 and statuses(out.sent[1], "Alert") == [200] and alerts(out.sent[1]) == []
