"""The judge of the client's messages is judged: correct sessions pass, and each rule catches what is planted against it."""

import pytest

from tests.data.dm_flows import FLOWS, GOOD
from tests.data.dm_sessions import SESSIONS
from tests.data.dm_violations import SESSION, STRUCTURE
from tests.dm.to_xml import Unavailable, to_wbxml
from tests.dm.validator import SessionValidator, Violation

XML, WBXML = "application/vnd.syncml.dm+xml", "application/vnd.syncml.dm+wbxml"


def play(messages, wbxml=False, **options):
    """Play a session of (side, XML, headers) before the validator."""
    judge = SessionValidator(**options)
    for side, xml, headers in messages:
        body = to_wbxml(xml.encode()) if wbxml else xml.encode()
        kind = WBXML if wbxml else XML
        judge.client(body, kind, headers) if side == "c" else judge.server(body, kind)
    judge.end()


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("wbxml", [False, True])
def test_correct_sessions_pass(name, wbxml):
    try:
        play(SESSIONS[name], wbxml)
    except Unavailable as e:
        pytest.skip(str(e))


def changed(name, index, old, new):
    """Return the session with one change; what is to be changed must be there once."""
    messages = list(SESSIONS[name])
    side, xml, headers = messages[index]
    assert xml.count(old) == 1, (xml.count(old), old)
    messages[index] = side, xml.replace(old, new), headers
    return messages


@pytest.mark.parametrize(("old", "new", "says"), STRUCTURE)
def test_a_wrong_first_message(old, new, says):
    with pytest.raises(Violation, match=says):
        play(changed("worked example", 0, old, new))


@pytest.mark.parametrize(("name", "index", "old", "new", "says"), SESSION)
def test_a_wrong_step(name, index, old, new, says):
    with pytest.raises(Violation, match=says):
        play(changed(name, index, old, new))


@pytest.mark.parametrize(
    ("name", "index", "old", "new", "says"), [step for step in SESSION if "over XML" not in step[-1]]
)
def test_a_wrong_step_in_wbxml(name, index, old, new, says):
    try:
        with pytest.raises(Violation, match=says):
            play(changed(name, index, old, new), wbxml=True)
    except Unavailable as e:
        pytest.skip(str(e))


@pytest.mark.parametrize(("messages", "says"), [flow[1:] for flow in FLOWS], ids=[flow[0] for flow in FLOWS])
def test_a_wrong_course(messages, says):
    with pytest.raises(Violation, match=says):
        play(messages)


@pytest.mark.parametrize("messages", [flow[1] for flow in GOOD], ids=[flow[0] for flow in GOOD])
def test_a_right_course(messages):
    play(messages)


@pytest.mark.parametrize("kind", ["text/xml", "application/vnd.syncml+xml", ""])
def test_a_wrong_content_type(kind):
    with pytest.raises(Violation, match="Content-Type"):
        SessionValidator().client(SESSIONS["worked example"][0][1].encode(), kind)


def test_the_limit_given_at_the_start():
    with pytest.raises(Violation, match="> MaxMsgSize"):
        play(SESSIONS["worked example"], max_msg_size=1000)


def test_an_aborted_session_owes_nothing():
    judge = SessionValidator()
    judge.client(SESSIONS["MAC"][0][1].encode(), XML, SESSIONS["MAC"][0][2])
    judge.end(aborted=True)
