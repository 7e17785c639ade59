"""What docs/protocol.md says of security in sessions, line by line; each test names its line."""

import base64

import pytest

from flash_tools.server.dm.commands import Get, Item, Replace
from flash_tools.server.dm.server import Faults
from tests.dm.device import SERVER, SERVER_SECRET
from tests.dm.hold import KINDS, edit, hold, statuses
from tests.dm.pair import Pair, known, set_text, values

both = pytest.mark.parametrize("kind", KINDS)
ZERO = base64.b64encode(bytes(4))


def act():
    """Return a command that leaves a trace."""
    return Replace(Item("./Area/here/chr", "new"))


def acted(device):
    """Tell whether it was executed."""
    return device.value("here/chr") == b"new"


# -- "Each account has a floor. Without TLS it is MAC in both directions" ------------------------------------------------


@both
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("wanted", ["basic", "md5"])
def test_a_challenge_below_the_floor(kind, wanted, kept):
    """Session ended, no credentials sent."""
    account = [] if kept else [["/AppAuth/c/AAuthData", 5, ""]]
    out = hold([act()], kind=kind, server={"devices": known(wanted)}, account=account)
    assert out.failure == 401 and len(out.sent) == 1 and not acted(out.device)
    assert out.sent[0].find("SyncHdr", "Cred") is None and bool(out.transcript["exchanges"][0][1]) == kept


@both
@pytest.mark.parametrize("level", ["c", "s"])
@pytest.mark.parametrize("auth", ["BASIC", "DIGEST"])
def test_an_account_below_the_floor_is_lifted(kind, auth, level):
    out = hold([act()], kind=kind, account=[["/AppAuth/%s/AAuthType" % level, 2, auth], ["/AAuthPref", 2, auth]])
    assert acted(out.device) and all(each[1] for each in out.transcript["exchanges"])


@both
@pytest.mark.parametrize("auth", ["basic", "md5"])
def test_md5_and_basic_from_the_server_prove_nothing(kind, auth):
    out = hold([act()], kind=kind, server={"devices": known("MAC", server_auth=auth, server_secret=SERVER_SECRET)})
    assert statuses(out.sent[1])[0][2] == 401 and len(values(out.sent[1], "NextNonce")) == 1
    assert statuses(out.sent[1], "Replace") == [401]


@both
@pytest.mark.parametrize("auth", ["basic", "md5", "MAC"])
def test_a_verified_certificate_counts(kind, auth):
    """ "A verified TLS certificate counts as server authentication": nothing more is wanted."""
    server = {"devices": known(auth, server_auth=None)}
    out = hold([act()], kind=kind, auth=auth, secure=True, server=server, validate=auth != "MAC")
    assert acted(out.device) and statuses(out.sent[1])[0][2] == 212 and len(out.sent) == 2


@both
@pytest.mark.parametrize("code", [200, 401])
@pytest.mark.parametrize("nonce", [b"", b"AA==", ZERO, base64.b64encode(bytes(16)), None])
def test_an_empty_or_zero_nonce(kind, nonce, code):
    """ "An empty or zero nonce outside resynchronisation: session ended"; an empty one with 200 only means that there is none."""

    def change(root):
        set_text("NextNonce", nonce or b"")(root)
        if nonce is None:
            meta = root.find("SyncBody", "Status", "Chal", "Meta")
            meta.children = [each for each in meta.children if each.tag_name != "NextNonce"]

    record = known("MAC", **({} if code == 200 else {"client_nonce": b"another"}))
    out = hold([act()], kind=kind, server={"devices": record, "faults": edit((1, change))}, validate=bool(nonce))
    ended = code == 401 or nonce
    assert len(out.sent) == 1 if ended else len(out.sent) > 1
    assert (out.failure == 401) or not ended
    account = out.client.accounts.account("a")
    assert out.client.nonces.client_nonce(account).strip(b"\0")


@both
def test_a_mac_is_not_accepted_for_a_session(kind):
    """Facts 3.3: 212 with MAC ends the session."""
    change = (1, lambda root: setattr(root.find("SyncBody", "Status", "Data"), "text", b"212"))
    out = hold([act()], kind=kind, server={"faults": edit(change)})
    assert out.failure == 401 and len(out.sent) == 1


# -- "A server nonce proves a server once" -------------------------------------------------------------------------------


@both
def test_a_recorded_credential_is_refused_in_the_next_session(kind):
    pair, kept = Pair(kind=kind, auth="md5", secure=False, insecure=True), []

    def record(session, root):
        kept.append(root.find("SyncHdr", "Cred"))

    def again(session, root):
        header = root.find("SyncHdr")
        header.children = [each for each in header.children if each.tag_name != "Cred"] + [kept[0]]

    pair.server.faults.tree = record
    assert pair.hold().failure is None and kept[0]
    pair.server.faults.tree = again
    assert pair.hold([act()]).failure.code == 401 and not acted(pair.device)


@both
@pytest.mark.parametrize("same", [True, False])
def test_a_recorded_message_is_refused(kind, same):
    """A whole message with its MAC, as it was: in the next session, even if that has the same SessionID."""
    pair = Pair(kind=kind, session_id=77 if same else 0)
    assert pair.hold([act()]).failure is None and acted(pair.device)
    recorded = pair.came[0]
    pair.device.area.store.set("here/chr", 2, "", b"old")
    session = pair.hold([], spoil=lambda number, body, mac: recorded)
    assert session.over and session.failure is not None and not acted(pair.device)


@both
def test_a_message_of_this_session_again(kind):
    """The message before, with its MAC: it proves nothing any more, and is not executed twice."""
    pair, get = Pair(kind=kind), Get("./DevInfo/Man")
    old = []

    def spoil(number, body, mac):
        old.append((body, mac))
        return old[0] if number == 2 else (body, mac)

    pair.hold([Replace(Item("./FUMO/PkgData", b"12345678", format="bin"))], [get], spoil=spoil)
    assert [entry for entry in pair.device.bank.log if entry[0] == "package"] == [("package", 8)]


@both
def test_a_forged_chunk_reaches_nothing(kind):
    """ "Under MAC without TLS the chunk waits in RAM until the MAC holds": one byte is changed in flight."""
    data = bytes(range(65, 91)) * 20
    push = Replace(Item("./FUMO/PkgData", data, format="bin"))
    fragment = data[100:110] if kind == "wbxml" else base64.b64encode(data)[100:110]

    def body(session, body):
        if session.msg_id == 1:
            assert fragment in body
            return body.replace(fragment, bytes([fragment[0] ^ 1]) + fragment[1:], 1)
        return body

    out = hold([push], kind=kind, server={"faults": Faults(body=body)})
    assert statuses(out.sent[1], "Replace") == [401] and out.device.bank.got == data
    assert out.device.bank.log == [("package", len(data))]


@both
def test_a_message_without_the_header(kind):
    """Facts 3.3: used on every message once selected; one without it counts as not authenticated."""
    faults = Faults(headers=lambda session, headers: {} if session.msg_id == 2 else headers)
    first, second = Get("./DevInfo/Man"), act()
    out = hold([first], [second], kind=kind, server={"faults": faults})
    assert [statuses(each)[0][2] for each in out.sent[1:]] == [200, 407, 200]
    assert statuses(out.sent[2], "Replace") == [407] and acted(out.device)


# -- "SessionID and MsgRef must be those of the session" -----------------------------------------------------------------


@both
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("text", [b"1", b"", b"FFFF", b"not one"])
def test_another_session_id(kind, text, number):
    change = (number, set_text("SessionID", text, "SyncHdr"))
    out = hold([Get("./DevInfo/Man")], [act()], kind=kind, server={"faults": edit(change)})
    assert out.session.failure is not None and not acted(out.device) and len(out.sent) == number


@both
@pytest.mark.parametrize("reference", [b"7", b"0", b"x"])
def test_another_msgref(kind, reference):
    """A Status for a message that is not ours is not one for our alerts, nor a verdict."""

    def change(root):
        set_text("MsgRef", reference)(root)
        root.find("SyncBody", "Status", "Data").text = b"401"

    out = hold([act()], kind=kind, server={"faults": edit((1, change))}, validate=False)
    assert out.device.answered == [[0, 200, True]] and acted(out.device) and out.failure is None
    assert len(out.sent) == 4  # its nonce was not heard either: refused once, then package 1 again


@both
def test_another_source_is_only_logged(kind):
    change = (1, set_text("LocURI", b"http://somebody.example/", "Source"))
    out = hold([act()], kind=kind, server={"faults": edit(change)})
    assert acted(out.device) and out.device.said[0] == "the server calls itself http://somebody.example/"
    plain = hold([act()], kind=kind, server={"faults": edit((1, set_text("LocURI", SERVER.encode(), "Source")))})
    assert all("somebody" not in said for said in plain.device.said)


@both
def test_an_alert_that_is_refused_with_the_message_is_not_delivered(kind):
    """S14: delivered is a 2xx in an authentic message whose SyncHdr Status is 200 or 212; else it goes out again."""
    opening = [{"code": "1201"}, {"code": "1226", "kind": "a.b", "form": "int", "data": "200"}]

    def change(root):
        for status in root.find("SyncBody").find_all("Status")[1:]:
            status.find("Data").text = b"200"

    server = {"devices": known("MAC", client_nonce=b"another"), "faults": edit((1, change))}
    out = hold([act()], kind=kind, opening=opening, server=server)
    delivered = [(number, authentic and 200 <= code < 300) for number, code, authentic in out.device.answered]
    assert (
        delivered.count((1, True)) == 1
        and len([each for each in values(out.sent[1], "Alert") if each is not None]) == 2
    )


@both
@pytest.mark.parametrize("spoilt", ["bad_digest", "header"])
def test_an_alert_is_not_delivered_by_a_forger(kind, spoilt):
    faults = Faults(bad_digest=True) if spoilt == "bad_digest" else Faults(headers=lambda session, headers: {})
    out = hold(kind=kind, server={"faults": faults})
    assert out.device.answered == [[0, 200, False]]
