"""What servers have been seen to do changes nothing of a session's outcome, in any encoding and any style."""

import base64

import pytest

from flash_tools.server.dm.codec import WBXML, XML, Style, decode, encode
from flash_tools.server.dm.commands import Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm.element import leaf, node
from flash_tools.server.dm.server import Faults
from tests.dm.device import CLIENT_NONCE, ID
from tests.dm.hold import KINDS, Packages, hold, statuses
from tests.dm.pair import Pair, known, values
from tests.host.test_server_codec import STYLES, XML_STYLES

both = pytest.mark.parametrize("kind", KINDS)
DATA = bytes(range(256)) * 12
ROOTS = ("Status", "Item", "Meta", "Chal", "Cred", "SyncHdr", "Target")


def act(kind, policy=None, **options):
    """Hold a session with a bit of everything; return the outcome."""
    if policy is None:
        one = [Get("./DevInfo/Man"), Replace(Item("./Area/here/chr", "new", format="chr", type="text/plain"))]
        two = [Sequence([Replace(Item("./Area/here/int", "8", format="int")), Exec("./FUMO/Run", correlator="c 1")])]
        policy = Packages(
            one, two, [Replace(Item("./FUMO/PkgData", DATA, format="bin"))], **options.pop("policy_options", {})
        )
    return hold(kind=kind, policy=policy, **options)


def check(out):
    """Everything was done, once, and answered with the usual codes."""
    device = out.device
    assert out.failure is None and device.value("here/chr") == b"new" and device.value("here/int") == b"8"
    assert device.bank.log == [("exec", b"", "c 1"), ("package", len(DATA))] and device.bank.got == DATA
    codes = [code for message in out.sent for cmd, _, code in statuses(message) if cmd not in ("SyncHdr", "Alert")]
    assert [code for code in codes if code != 213] == [200, 200, 200, 200, 202, 200]
    assert values(out.sent[1].find("SyncBody"), "Results", "Item", "Data") == [b"Maker"]
    assert all(code in (200, 212) and authentic for _, code, authentic in device.answered)


@pytest.mark.parametrize("auth", ["md5", "MAC"])
@pytest.mark.parametrize(
    ("kind", "style"), [("wbxml", each) for each in STYLES] + [("xml", each) for each in XML_STYLES]
)
def test_styles(kind, style, auth):
    """Facts 8.1, 8.7, 8.8: header forms, pages, STR_T, opaque text; namespaces, CDATA, blanks, comments, DOCTYPE, long empty."""
    check(act(kind, auth=auth, server={"style": style}))


def _each(name):
    """Make a change of a tree of a change of all elements of that name."""

    def of(change):
        def tree(root):
            for each in [each for each in root.walk() if each.tag_name == name]:
                change(each)

        return tree

    return of


def _remove(name, value=None):
    def change(element):
        kept = [each for each in element.children if each.tag_name != name or (value and each.text != value)]
        element.children = kept

    return change


def _reverse(root):
    for each in root.walk():
        if each.tag_name in ROOTS:
            each.children.reverse()


def _add_targetref(status):
    status.children.append(leaf("TargetRef", "./late"))


def _retext(name, function):
    return _each(name)(lambda each: setattr(each, "text", function(each.text or b"")))


def _size_on_command(root):
    for each in root.find("SyncBody").children:
        meta = each.find("Item", "Meta")
        if meta is not None and meta.find("Size") is not None:
            size = meta.find("Size")
            meta.children.remove(size)
            each.children.insert(1, node("Meta", size))


def _meta_on_command(root):
    for each in root.find("SyncBody").children:
        item = each.find("Item")
        if each.tag_name == "Replace" and item.find("Meta") is not None:
            meta = item.find("Meta")
            item.children.remove(meta)
            each.children.insert(1, meta)


def _commands_first(root):
    body = root.find("SyncBody")
    final = [each for each in body.children if each.tag_name == "Final"]
    rest = [each for each in body.children if each.tag_name not in ("Final", "Status")]
    body.children = rest + body.find_all("Status") + final


CHANGES = {
    "children in another order": _reverse,
    "Statuses behind the commands": _commands_first,
    "no MsgRef in the first message": _each("Status")(_remove("MsgRef", b"1")),
    "no CmdRef for the SyncHdr": _each("Status")(_remove("CmdRef", b"0")),
    "TargetRef behind Data": _each("Status")(_add_targetref),
    "no Cmd": _each("Status")(_remove("Cmd")),
    "Format in capitals": _retext("Format", bytes.upper),
    "no Type": _each("Item")(lambda each: [_remove("Type")(meta) for meta in each.find_all("Meta")]),
    "Type with parameters": _each("Item")(_retext("Type", lambda text: text + b"; charset=utf-8")),
    "Size on the command": _size_on_command,
    "Meta on the command": _meta_on_command,
    "LocURI without ./": _each("Item")(_retext("LocURI", lambda text: text.removeprefix(b"./"))),
    "LocURI with a slash behind": _each("Item")(_retext("LocURI", lambda text: text + b"/")),
    "blanks round URIs": _each("Item")(_retext("LocURI", lambda text: b"\n  " + text + b" ")),
    "no LocName": _each("Source")(_remove("LocName")),
    "no Meta in the SyncHdr": _each("SyncHdr")(_remove("Meta")),
    "plain nonce": _retext("NextNonce", base64.b64decode),
    "nonce without padding": _retext("NextNonce", lambda text: text.rstrip(b"=")),
}


@both
@pytest.mark.parametrize("auth", ["md5", "MAC"])
@pytest.mark.parametrize("name", CHANGES)
def test_habits(kind, name, auth):
    faults = Faults(tree=lambda session, root: CHANGES[name](root))
    before = lambda session: setattr(session, "chunk_max", 1000)  # noqa: E731
    check(act(kind, auth=auth, server={"faults": faults}, policy_options={"before": before}, validate=False))


@both
def test_uuids_as_command_ids(kind):
    """Facts 2.1: CmdID is opaque text."""
    long = "0d9ad1a6-9a1e-4e1c-8f25-%012d"

    def tree(session, root):
        _retext("CmdID", lambda text: (long % int(text)).encode())(root)

    out = act(
        kind,
        Packages([Get("./DevInfo/Man"), Replace(Item("./Area/here/chr", "new"))]),
        server={"faults": Faults(tree=tree)},
    )
    found = [(cmd, ref) for cmd, ref, _ in statuses(out.sent[1])]
    assert found == [("SyncHdr", "0"), ("Get", long % 4), ("Replace", long % 5)]
    assert out.sent[1].find("SyncBody", "Results").value("CmdRef") == long % 4


@both
@pytest.mark.parametrize("first", [2, 7, 1000])
def test_message_ids_that_do_not_begin_at_1(kind, first):
    def tree(session, root):
        root.find("SyncHdr", "MsgID").text = b"%d" % (first + session.msg_id)

    out = act(kind, Packages([Replace(Item("./Area/here/chr", "new"))]), server={"faults": Faults(tree=tree)})
    assert out.sent[1].find("SyncBody", "Status").value("MsgRef") == str(first + 1)
    assert out.device.value("here/chr") == b"new"


@both
@pytest.mark.parametrize("form", ["undecoded", "text"])
def test_the_servers_nonce_may_be_taken_as_it_is_written(kind, form):
    """Facts 3.5: a server that hashes the base64 text."""

    def tree(session, root):
        device = session.device
        device.server_nonce = base64.b64encode(device.server_nonce)

    check(act(kind, server={"faults": Faults(tree=tree)}))


@both
def test_a_doubly_encoded_nonce(kind):
    """Facts 8.9: what is left after one decoding is the nonce."""
    record = known("MAC")

    def tree(session, root):
        record[ID].client_nonce = base64.b64encode(record[ID].client_nonce)
        _retext("NextNonce", base64.b64encode)(root)

    check(act(kind, server={"devices": record, "faults": Faults(tree=tree)}))


@both
def test_an_empty_nonce(kind):
    record = known("MAC")

    def tree(session, root):
        record[ID].client_nonce = CLIENT_NONCE
        _retext("NextNonce", lambda text: b"")(root)

    check(act(kind, server={"devices": record, "faults": Faults(tree=tree)}, validate=False))


@both
@pytest.mark.parametrize(
    "form",
    [
        "mac=%(mac)s, username=%(user)s",
        'USERNAME="%(user)s", MAC="%(mac)s" , Algorithm=md5',
        'username="%(user)s",mac=%(mac)s',
    ],
)
def test_forms_of_the_mac_header(kind, form):
    """Facts 3.3 and 8.10."""

    def headers(session, given):
        mac = given["x-syncml-hmac"].rpartition("mac=")[2]
        return {"x-syncml-hmac": form % {"mac": mac, "user": "srv"}}

    check(act(kind, server={"faults": Faults(headers=headers)}))


@both
@pytest.mark.parametrize("number", [1, 2])
def test_an_empty_answer_ends_the_session(kind, number):
    """Facts 8.13."""
    out = act(kind, Packages([Get("./DevInfo/Man")], [Get("./DevInfo/Mod")]), network={number: (b"", None)})
    assert out.failure is None and len(out.sent) == number


@both
def test_a_server_that_answers_in_the_other_encoding(kind):
    """The first byte decides."""
    pair, get = Pair(kind=kind, auth="md5"), Get("./DevInfo/Man")
    ours, theirs = (XML, WBXML) if kind == "xml" else (WBXML, XML)
    session = pair.hold([get], spoil=lambda number, body, mac: (encode(decode(body, ours), theirs, Style()), mac))
    assert session.failure is None and get.results[0].data == b"Maker"


@both
def test_the_same_session_id_later(kind):
    """Facts 8.12."""
    pair, gets = Pair(kind=kind, session_id=5), [Get("./DevInfo/Man"), Get("./DevInfo/Mod")]
    assert [pair.hold([get]).failure for get in gets] == [None, None] and [get.status for get in gets] == [200, 200]
