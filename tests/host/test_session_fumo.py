"""The firmware object in whole sessions: found by its Type, every node under every verb, orders, and URLs."""

import pytest

from agent.job import CLEAN, DOWNLOAD, IDLE, NO_BANK
from flash_tools.server.dm.commands import Add, Alert, Atomic, Copy, Delete, Exec, Get, Item, Replace, Sequence
from tests.dm.hold import KINDS, hold
from tests.host.fumo_packages import IMAGE, PACKAGE, TRUST
from tests.portable.fumo_bench import EXT

both = pytest.mark.parametrize("kind", KINDS)
roots = pytest.mark.parametrize("root", ["./FUMO", "./Vendor/Device/FwUpdate"])
MOI = "urn:oma:mo:oma-fumo:1.0"
URL = "http://download.example/fw?a=1&b=<2>"
HELD = {"job": {"state": 50}, "held": 1}
READABLE = (
    "", "PkgName", "PkgVersion", "Download", "Download/PkgURL", "Update", "DownloadAndUpdate", "DownloadAndUpdate/PkgURL",
    "State", "Ext",
)  # fmt: skip
ORDERS = ("Download", "Update", "DownloadAndUpdate")
URLS = ("Download/PkgURL", "DownloadAndUpdate/PkgURL")


def fumo(*packages, kind, firmware=None, acls=(), root="./FUMO", **options):
    """Hold a session with a device that has firmware; everybody who may, may everything."""
    acls = list(acls) or [[root[2:], "Get=*&Replace=srv&Exec=srv"]]
    firmware = {"root": root, "key": TRUST, **(firmware or {})}
    return hold(*packages, kind=kind, firmware=firmware, acls=acls, **options)


def url(path="Download", text=URL, root="./FUMO"):
    """Return the Replace of a PkgURL."""
    return Replace(Item(f"{root}/{path}/PkgURL", text))


@both
@roots
def test_a_server_finds_the_object(kind, root):
    """Facts 1.1: x is the node whose Type is the MOI, wherever the board put it."""
    whole, own, kind_of = Get(".?list=Struct"), Get(root + "?list=StructData"), Get(root + "?prop=Type")
    names = Get(root)
    fumo([whole], [own], [kind_of, names], kind=kind, root=root)
    assert [result.source for result in whole.results if result.type == MOI] == [root]
    found = {result.source: (result.format, result.type, result.data) for result in own.results}
    below = [path for path in READABLE if path] + ["Ext/" + name for name in EXT]
    assert set(found) == {root} | {root + "/" + path for path in below}
    assert found[root] == ("node", MOI, b"") and found[root + "/State"] == ("int", "", b"10")
    assert found[root + "/Update"][0] == "node" and found[root + "/PkgName"] == ("", "", b"")
    assert kind_of.results[0].data == MOI.encode()
    expected = b"PkgName/PkgVersion/Download/Update/DownloadAndUpdate/State/Ext"
    assert names.results[0].data == expected and names.results[0].type == MOI


@both
@roots
def test_every_node_under_every_verb(kind, root):
    """Facts 1.2: the verbs of the table, 405 for the others; nothing can be added or deleted, orders need what they act on."""
    packages, expected = [], []
    for path in ("Update/PkgData", *READABLE, *("Ext/" + name for name in EXT)):
        where = root + "/" + path if path else root
        for verb in _verbs(where):
            packages.append([verb])
        replaced = 200 if path in URLS else 415 if path == "Update/PkgData" else 405
        ordered = 202 if path in ORDERS and path != "Update" else 405
        read = 405 if path == "Update/PkgData" else 200
        expected.append([read, replaced, replaced, ordered, 418, 405, read, 405])
    urls = [url("Download", root=root), url("DownloadAndUpdate", root=root)]
    fumo(*packages[:8], urls, *packages[8:], kind=kind, root=root)
    codes = [package[0].status for package in packages]
    assert [codes[at : at + 8] for at in range(0, len(codes), 8)] == expected


def _verbs(where):
    yield Get(where)
    yield Copy(Item(where, source="./DevInfo/Man"))
    yield Replace(Item(where, b"x"))
    yield Exec(where)
    yield Add(Item(where, b"x"))
    yield Delete(where)
    yield Get(where + "?prop=Name")
    yield Replace(Item(where + "?prop=Name", "other"))


@both
def test_what_is_not_there(kind):
    """404; nothing is made by Replace or Exec."""
    commands = [Get("./FUMO/PkgData"), Replace(Item("./FUMO/Update/PkgURL", "x")), Exec("./FUMO/Install")]
    commands += [Get("./FUMO/Ext/Nothing"), Add(Item("./FUMO/New", "x")), Add(Item("./FUMO/Ext/New", "x"))]
    fumo(commands, kind=kind)
    assert [command.status for command in commands] == [404, 404, 404, 404, 405, 405]


@both
def test_another_server(kind):
    """425 for whoever is no firmware server; anybody may look."""
    commands = [Get("./FUMO/State"), url()] + [Exec("./FUMO/" + name) for name in ORDERS]
    push = Replace(Item("./FUMO/Update/PkgData", b"x", format="bin"))
    out = fumo(commands, [push], kind=kind, acls=[["FUMO", "Get=*&Replace=other&Exec=other"]], firmware=HELD)
    assert [command.status for command in (*commands, push)] == [200] + [425] * 5
    assert out.device.firmware.kept == (IDLE, 50, 1, CLEAN)


@both
@pytest.mark.parametrize("correlator", [None, "job-77", "\u20ac & <job>", "x" * 255, "x" * 256])
@pytest.mark.parametrize("name", ["Download", "DownloadAndUpdate"])
def test_an_order(kind, name, correlator):
    """Facts 1.5: 202 when it is kept; the correlator as it came, its absence too."""
    order, state = Exec("./FUMO/" + name, correlator=correlator), Get("./FUMO/State")
    out = fumo([url(name)], [order], [state], kind=kind)
    job, long = out.device.firmware.record.job, len(correlator or "") > 255
    assert order.status == (420 if long else 202) and state.results[0].data == (b"10" if long else b"30")
    if not long:
        assert (job.server, job.node, job.correlator, job.url) == ("srv", "./FUMO/" + name, correlator, URL)
        assert out.device.firmware.kept[:2] == (DOWNLOAD, 30)


@both
def test_state_around_an_order(kind):
    """State is what it is when it is read: before the order of the same message, and behind it."""
    before, after = Get("./FUMO/State"), Get("./FUMO/State")
    fumo([before, url(), Exec("./FUMO/Download"), after], kind=kind)
    assert (before.results[0].data, after.results[0].data) == (b"10", b"30")


@both
def test_an_order_has_data_that_nobody_knows(kind):
    """Facts 1.5: an argument is ignored."""
    order = Exec(Item("./FUMO/Update", "argument"))
    assert fumo([order], kind=kind, firmware=HELD) and order.status == 202


@both
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_without_anything_to_act_on(kind, name):
    """Facts 1.5: 405 for an empty URL, and where no package is held."""
    order, state = Exec("./FUMO/" + name), Get("./FUMO/State")
    out = fumo([order, state], kind=kind)
    assert order.status == 405 and state.results[0].data == b"10" and out.device.firmware.record.idle


@both
@pytest.mark.parametrize("text", ["no url", "ftp://x/y", "http://x/a b", "http://u:p@x/"])
def test_a_url_that_is_none(kind, text):
    """PROTOCOL 2: an accepted order whose result is 411; the object takes any text."""
    order = Exec("./FUMO/Download")
    out = fumo([url(text=text), order], kind=kind)
    assert order.status == 202 and out.device.firmware.record.job.url == text


@both
@pytest.mark.parametrize(("size", "code"), [(1024, 200), (1025, 413)])
def test_the_longest_url(kind, size, code):
    """1,024 bytes; more is 413, and the old one stays."""
    long, get = url(text="u" * size), Get("./FUMO/Download/PkgURL")
    fumo([url()], [long], [get], kind=kind)
    assert long.status == code and get.results[0].data == ((b"u" * size) if code == 200 else URL.encode())


@both
@pytest.mark.parametrize("answer", [[200, []], [304, []], [214, []]])
def test_the_user_is_asked_first(kind, answer):
    """Facts 1.5: an order in a Sequence behind a question; after a No it is skipped (215)."""
    question, order, behind = Alert(1101, ["", "Update now?"]), Exec("./FUMO/Update"), Get("./FUMO/State")
    out = fumo([Sequence([question, order]), behind], kind=kind, firmware=HELD, ui=[None, answer])
    yes = answer[0] == 200
    assert (question.status, order.status) == (answer[0], 202 if yes else 215)
    assert out.device.firmware.record.idle != yes and behind.status == (215 if answer[0] == 214 else 200)


@both
def test_no_order_in_an_atomic(kind):
    """405, as it could not be undone: what stood before it is rolled back (507, 216)."""
    change, order = url(), Exec("./FUMO/Update")
    whole = Atomic([change, order])
    out = fumo([whole], kind=kind, firmware=HELD)
    assert (whole.status, change.status, order.status) == (507, 216, 405)
    assert out.device.firmware.kept == (IDLE, 50, 1, CLEAN) and not out.device.firmware.fumo.store.blob


@both
@pytest.mark.parametrize("good", [False, True])
def test_a_url_in_an_atomic(kind, good):
    """A new URL drops the held package and leads to State 10 when it lasts, and not before."""
    whole = Atomic([url(), url("DownloadAndUpdate"), Replace(Item("./Area/fixed" if good else "./nope", "x"))])
    state = Get("./FUMO/State")
    out = fumo([whole], [state], kind=kind, firmware=HELD)
    assert whole.status == (200 if good else 507) and state.results[0].data == (b"10" if good else b"50")
    assert out.device.firmware.kept == ((IDLE, 10, NO_BANK, CLEAN) if good else (IDLE, 50, 1, CLEAN))
    assert [sorted(keys) for keys in out.device.settings.puts] == ([[2, 3, 4]] if good else [])


@both
def test_a_url_that_the_flash_does_not_take(kind):
    """510, and what was held is still held."""
    change, state = url(), Get("./FUMO/State")
    out = fumo([change], [state], kind=kind, firmware=HELD, fails_at=0)
    assert change.status == 510 and state.results[0].data == b"50" and out.device.firmware.kept == (IDLE, 50, 1, CLEAN)


@both
def test_the_diagnosis_in_pieces(kind):
    """M10: it is sampled once a session, so that its pieces belong together though the device lives on."""
    first, again = Get("./FUMO/Ext/Diag"), Get("./FUMO/Ext/Diag")
    out = fumo([first], [url()], [again], kind=kind, server={"message_max": {"xml": 1180, "wbxml": 530}[kind]})
    text = first.results[0].data.decode()
    assert text.startswith("reset power") and text.endswith("last key:size ") and len(out.sent) > 4
    assert again.results[0].data == first.results[0].data
    assert not [word for word in ("pw", "nonce", URL) if word in text]


@both
def test_a_whole_update_by_push_up_to_the_order(kind):
    """Facts 1.11 A: look, push, order; what follows begins after the session."""
    look, push = Get("./FUMO/PkgVersion"), Replace(Item("./FUMO/Update/PkgData", PACKAGE, format="bin"))
    names, order, state = (
        Get(["./FUMO/PkgName", "./FUMO/PkgVersion"]),
        Exec("./FUMO/Update", correlator="c"),
        Get("./FUMO/State"),
    )
    out = fumo([look], [push], [names], [order, state], kind=kind)
    assert (push.status, order.status) == (200, 202) and look.results[0].data == b""
    assert [result.data for result in names.results] == [b"bench", b"2"] and state.results[0].data == b"50"
    firmware = out.device.firmware
    assert firmware.record.job.digest == firmware.manifest(1).sha256 and firmware.whole() == "2" and len(IMAGE) == 9100
