"""Who proves what to whom in a session, in both directions."""

import pytest

from flash_tools.server.dm import auth as dm_auth
from flash_tools.server.dm.commands import Alert, Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm.server import Faults
from tests.dm.device import CLIENT_NONCE, ID, SECRET, SERVER_SECRET, USER
from tests.dm.hold import KINDS, alerts, edit, hold, is_final, statuses
from tests.dm.pair import Pair, known, values

both = pytest.mark.parametrize("kind", KINDS)
hashed = pytest.mark.parametrize("auth", ["md5", "MAC"])
every = pytest.mark.parametrize("auth", ["basic", "md5", "MAC"])
FLOOR = {"md5": {"secure": False, "insecure": True}, "basic": {"secure": False, "insecure": True}, "MAC": {}}
OPENING = [{"code": "1201"}, {"code": "1226", "kind": "a.b", "form": "int", "data": "200"}]


def act():
    """Return a command that leaves a trace."""
    return Replace(Item("./Area/here/chr", "new"))


def acted(out):
    """Tell whether it was executed."""
    return out.device.value("here/chr") == b"new"


def header_codes(out):
    """Return what the server said of the client's messages."""
    return [code for message in out.came if message for code in statuses(message, "SyncHdr")]


def our_codes(out):
    """Return what the client said of the server's messages."""
    return [code for message in out.sent for code in statuses(message, "SyncHdr")]


def server(auth, **options):
    """Return the options of a server with another record of the device."""
    return {"devices": known(auth, **options)}


def proof(out, number, auth, nonce):
    """Tell whether message `number` (from 1) proves the client with the nonce."""
    message, (body, mac) = out.sent[number - 1], out.transcript["exchanges"][number - 1][:2]
    cred = message.find("SyncHdr", "Cred")
    if auth == "MAC":
        return cred is None and dm_auth.check_mac(mac, USER, SECRET, nonce, bytes.fromhex(body))
    return mac is None and dm_auth.check_cred(cred, auth, USER, SECRET, nonce)


def silent(out, number):
    """Tell whether message `number` has no credentials."""
    return out.sent[number - 1].find("SyncHdr", "Cred") is None and out.transcript["exchanges"][number - 1][1] is None


# -- ours --------------------------------------------------------------------------------------------------------------


@both
@every
def test_the_first_attempt_takes_the_last_known_nonce(kind, auth):
    out = hold([act()], kind=kind, auth=auth)
    assert proof(out, 1, auth, CLIENT_NONCE) and acted(out) and out.failure is None
    named = out.sent[0].value("SyncHdr", "Source", "LocName")
    assert (named == USER) == (auth == "md5")


@both
@hashed
def test_without_a_nonce_the_challenge_is_waited_for(kind, auth):
    """Facts 12.2: package 1 again with the same SessionID, MsgID + 1, a Status for the SyncHdr, to the RespURI."""
    other = "https://dm.example/s/1" if auth == "md5" else "http://dm.example/s/1"
    url = "https://dm.example/dm" if auth == "md5" else "http://dm.example/dm"
    options = {"account": [["/AppAuth/c/AAuthData", 5, ""]], "opening": OPENING, "url": url}
    out = hold([act()], kind=kind, auth=auth, server={"resp_uri": other}, **options)
    assert silent(out, 1) and header_codes(out)[0] == 407 and proof(out, 2, auth, b"nonce1..........")
    first, second = out.sent[:2]
    assert second.value("SyncHdr", "SessionID") == first.value("SyncHdr", "SessionID")
    assert [each.value("SyncHdr", "MsgID") for each in (first, second)] == ["1", "2"]
    assert second.value("SyncHdr", "Target", "LocURI") == other == out.session.url
    assert statuses(second)[0][:2] == ("SyncHdr", "0") and alerts(second) == alerts(first) == [1201, 1226]
    assert len(second.find("SyncBody", "Replace").children) == 6 and is_final(second) and acted(out)
    assert [each[:2] for each in out.device.answered] == [[0, 407], [1, 407], [0, 200], [1, 200]]


@both
def test_212_is_for_the_session(kind):
    """No Cred after it; its NextNonce is kept for the next session."""
    out = hold([act()], [Get("./DevInfo/Man")], kind=kind, auth="md5")
    assert header_codes(out) == [212, 212, 212]
    assert proof(out, 1, "md5", CLIENT_NONCE) and silent(out, 2) and silent(out, 3)
    account = out.client.accounts.account("a")
    assert out.client.nonces.client_nonce(account) == b"nonce1.........." == out.server.devices[ID].client_nonce


@both
@hashed
def test_200_is_for_one_message(kind, auth):
    """Every message proves itself, with the nonce of the Status before."""
    out = hold([act()], [Get("./DevInfo/Man")], kind=kind, auth=auth, server={"account": {"each_message": True}})
    assert header_codes(out) == [200, 200, 200]
    for number, nonce in enumerate((CLIENT_NONCE, b"nonce1..........", b"nonce2..........")):
        assert proof(out, number + 1, auth, nonce)
    account = out.client.accounts.account("a")
    assert out.client.nonces.client_nonce(account) == b"nonce3.........." == out.server.devices[ID].client_nonce


def _take_out(*names):
    def change(root):
        for each in root.walk():
            each.children = [child for child in each.children if child.tag_name not in names]

    return change


@both
@hashed
def test_200_without_a_nonce(kind, auth):
    """Facts 3.4: the nonce before is used again."""
    kept = known(auth, each_message=True)

    def tree(session, root):
        _take_out("Chal")(root)
        kept[ID].client_nonce = CLIENT_NONCE

    out = hold([act()], kind=kind, auth=auth, server={"devices": kept, "faults": Faults(tree=tree)})
    assert proof(out, 1, auth, CLIENT_NONCE) and proof(out, 2, auth, CLIENT_NONCE) and header_codes(out) == [200, 200]


@both
@hashed
def test_a_stale_nonce(kind, auth):
    """One refusal, then the nonce of its challenge; the alerts count as answered the second time only."""
    out = hold([act()], kind=kind, auth=auth, server=server(auth, client_nonce=b"another"), opening=OPENING)
    assert header_codes(out)[:2] == [401, 212 if auth == "md5" else 200]
    assert proof(out, 2, auth, b"nonce1..........") and acted(out) and out.failure is None
    assert [each[:2] for each in out.device.answered] == [[0, 401], [1, 401], [0, 200], [1, 200]]


@both
@every
def test_three_challenges_and_no_more(kind, auth):
    out = hold([act()], kind=kind, auth=auth, server=server(auth, client_secret="other"), opening=OPENING)
    assert out.failure == 401 and not acted(out) and len(out.sent) == (2 if auth == "basic" else 4)
    assert all(code == 401 for _, code, _ in out.device.answered)


@both
def test_a_server_that_challenges_for_ever(kind):
    def tree(session, root):
        session.access._challenges = 0

    faults = Faults(tree=tree)
    out = hold([act()], kind=kind, server={**server("MAC", client_secret="other"), "faults": faults}, validate=False)
    assert out.failure == 401 and len(out.sent) == 4


@both
@hashed
@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_the_last_of_several_challenges_is_met(kind, auth, refusals):
    record = known(auth, client_secret="other")

    def tree(session, root):
        if session.msg_id == refusals:
            record[ID].client_secret = SECRET

    out = hold([act()], kind=kind, auth=auth, server={"devices": record, "faults": Faults(tree=tree)})
    assert header_codes(out)[: refusals + 1] == [401] * refusals + [212 if auth == "md5" else 200]
    assert acted(out) and out.failure is None


@both
@every
@pytest.mark.parametrize("code", [401, 407])
def test_a_refusal_without_a_challenge_ends_it(kind, auth, code):
    def change(root):
        _take_out("Chal")(root)
        for status in root.find("SyncBody").find_all("Status"):
            status.find("Data").text = b"%d" % code

    out = hold([act()], kind=kind, auth=auth, server={"faults": edit((1, change))})
    assert out.failure == 401 and len(out.sent) == 1


@both
@every
@pytest.mark.parametrize("wanted", ["basic", "md5", "MAC"])
def test_the_server_chooses_the_type(kind, auth, wanted):
    """Over TLS nothing is below the floor: what the challenge asks for is what comes."""
    options = {"server": server(wanted, server_auth=auth), "validate": wanted == auth or wanted != "MAC"}
    out = hold(
        [act()], kind=kind, auth=auth, secure=True, **options
    )  # (the validator takes one type for both directions)
    number = 1 if auth == wanted else 2
    assert acted(out) and out.failure is None and header_codes(out)[:-2] == ([] if auth == wanted else [401])
    assert wanted == "basic" or proof(out, number, wanted, CLIENT_NONCE if auth == wanted else b"nonce1..........")


# -- the server's ------------------------------------------------------------------------------------------------------


@both
@every
def test_the_server_proves_itself(kind, auth):
    """200 for the message with MAC, else 212 for the session; both with a nonce for the next time."""
    out = hold([act()], [Get("./DevInfo/Man")], kind=kind, auth=auth, **FLOOR[auth])
    assert our_codes(out) == ([200, 200] if auth == "MAC" else [212, 212]) and acted(out)
    given = [len(values(message.find("SyncBody"), "NextNonce")) for message in out.sent]
    assert given == ([0, 1, 1] if auth == "MAC" else [0, 1, 0])


@both
@every
def test_nothing_is_done_for_a_server_that_has_not_proved_itself(kind, auth):
    """407 and a challenge for everything; it proves itself in the next message, and then its commands run."""
    get, change, run = Get("./DevInfo/Man"), act(), Exec("./FUMO/Run", correlator="c")
    inside = Sequence([Alert(1100, ["MINDT=1", "Hello"])])
    out = hold([get, change, run, inside], kind=kind, auth=auth, server=server(auth, server_auth=None), **FLOOR[auth])
    assert [code for _, _, code in statuses(out.sent[1])] == [407] * 6
    assert not out.sent[1].find("SyncBody").find_all("Results")
    assert values(out.sent[1].find("SyncBody"), "Chal", "Meta", "Type") == [dm_auth.TYPES[auth].encode()]
    assert [code for _, _, code in statuses(out.sent[2])] == [200 if auth == "MAC" else 212, 200, 200, 202, 200, 200]
    assert acted(out) and len(out.device.bank.log) == 1 and out.failure is None


@both
@every
def test_wrong_credentials_of_the_server(kind, auth):
    """401, as often as it takes to be sure; then the right ones."""
    out = hold([act()], kind=kind, auth=auth, server={"faults": Faults(bad_digest=1)}, **FLOOR[auth])
    assert [code for _, _, code in statuses(out.sent[1])] == [401, 401] and acted(out)


@both
@every
@pytest.mark.parametrize("kept_back", [False, True])
def test_a_server_that_never_proves_itself(kind, auth, kept_back):
    """The session comes to an end, and nothing was executed."""
    options = server(auth, server_auth=None, server_secret=None) if kept_back else {"faults": Faults(bad_digest=True)}
    out = hold([act()], kind=kind, auth=auth, server=options, **FLOOR[auth])
    assert not acted(out) and len(out.sent) <= 5 and set(our_codes(out)) == {407 if kept_back else 401}
    account = out.client.accounts.account("a")
    assert out.client.nonces.client_nonce(account) == CLIENT_NONCE
    assert not any(authentic for _, _, authentic in out.device.answered)


@both
@every
@pytest.mark.parametrize("proven", [False, True])
def test_no_challenge_for_a_message_without_commands(kind, auth, proven):
    """Facts 12.1 and 3.4: a message of nothing but the Status of its SyncHdr is never sent."""
    options = {} if proven else server(auth, server_auth=None)
    out = hold(kind=kind, auth=auth, server=options, **FLOOR[auth])
    assert len(out.sent) == 1 and out.failure is None and out.device.answered == [[0, 200, proven]]


@both
@pytest.mark.parametrize("level", ["c", "s"])
def test_a_secret_changed_in_the_session_counts_from_the_next_one(kind, level):
    pair, uri = Pair(kind=kind), "./DMAcc/a/AppAuth/%s/AAuthSecret" % level
    change, get = Replace(Item(uri, "a new secret")), Get("./DevInfo/Man")
    assert pair.hold([change], [get]).failure is None
    assert (change.status, get.status) == (200, 200)
    setattr(pair.record, "client_secret" if level == "c" else "server_secret", "a new secret")
    again = act()
    assert pair.hold([again]).failure is None and again.status == 200 and len(pair.sent) == 3 + 2
    setattr(
        pair.record, "client_secret" if level == "c" else "server_secret", SECRET if level == "c" else SERVER_SECRET
    )
    late = act()
    assert pair.hold([late]).failure.code == 401 and late.status is None
