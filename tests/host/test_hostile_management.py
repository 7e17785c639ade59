"""Management servers that mean harm, or are broken: the device comes through, keeps its firmware, and hears the next one."""

import pytest

from flash_tools.server.dm.commands import Add, Alert, Atomic, Copy, Delete, Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm.element import Element, leaf, node
from tests.host.hostile import DAY_MS, PACKAGE, works_again
from tests.host.scripted import Bench, nothing, order
from tests.soak import goods


def hostile_session(bench, faults, seconds=4000):
    """Run with a server that does that to its answers, then with another one; the device must come through."""
    for name, value in faults.items():
        setattr(bench.dms["bench"].faults, name, value)
    bench.run(seconds)
    assert bench.device.version == goods.OLD and bench.device.boots == 1, bench.said[-5:]
    for name in faults:
        setattr(bench.dms["bench"].faults, name, None if name in ("tree", "body", "headers") else False)
    works_again(bench)


BODIES = {
    "nothing": lambda body: b"",
    "zeros": lambda body: bytes(3000),
    "half": lambda body: body[: len(body) // 2],
    "twice": lambda body: body * 2,
    "much": lambda body: body + b" " * 100000,
    "backwards": lambda body: body[::-1],
    "text": lambda body: b"It works!",
    "html": lambda body: b"<html><body>" + b"<p>" * 500 + b"</html>",
    "deep": lambda body: b"<SyncML><SyncBody>" + b"<Sequence>" * 400,
    "entities": lambda body: b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><SyncML>&a;</SyncML>',
    "wbxml deep": lambda body: b"\x02\x00\x00\x6a\x1d-//SYNCML//DTD SyncML 1.2//EN" + b"\x6d" * 3000,
    "wbxml opaque": lambda body: b"\x02\x00\x00\x6a\x00\x6d\xc3\x8f\xff\xff\xff\x7f",
    "a bit": lambda body: body[:60] + bytes([body[60] ^ 1]) + body[61:],
}


@pytest.mark.parametrize("wbxml", [False, True])
@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_no_messages(name, wbxml):
    change = BODIES[name]
    auth, tls = ("MAC", False) if name == "a bit" else ("md5", True)
    bench = Bench(order("dau"), wbxml=wbxml, auth=auth, tls=tls)
    hostile_session(bench, {"body": lambda session, body: change(body)})


def header(name, value):
    """Return a change of one element of the SyncHdr."""

    def change(session, message):
        head = message.find("SyncHdr")
        head.children = [child for child in head.children if child.tag_name != name]
        if value is not None:
            head.children.append(value if isinstance(value, Element) else leaf(name, value))

    return change


def statuses(code):
    """Return a change of all Statuses."""

    def change(session, message):
        for status in message.find("SyncBody").find_all("Status"):
            status.find("Data").text = str(code).encode()

    return change


def chal(kind, nonce):
    """Return a change of the challenge: another type, another nonce, 401 for the header."""

    def change(session, message):
        for status in message.find("SyncBody").find_all("Status")[:1]:
            status.find("Data").text = b"401"
            found = status.find("Chal")
            status.children = [child for child in status.children if child is not found]
            parts = [leaf("Type", kind), leaf("Format", "b64")] + (
                [leaf("NextNonce", nonce)] if nonce is not None else []
            )
            status.children.append(node("Chal", Element("Meta", parts)))

    return change


def no_statuses(session, message):
    """Leave the Statuses out."""
    body = message.find("SyncBody")
    body.children = [child for child in body.children if child.tag_name != "Status"]


def ids(value):
    """Return a change of all CmdIDs."""

    def change(session, message):
        for element in message.walk():
            if element.tag_name == "CmdID":
                element.text = value

    return change


TREES = {
    "another session": header("SessionID", "FFFFF"),
    "no session": header("SessionID", None),
    "no message number": header("MsgID", None),
    "huge message number": header("MsgID", "9" * 300),
    "another protocol": header("VerProto", "DM/9.9"),
    "another dtd": header("VerDTD", "9.9"),
    "for another device": header("Target", node("Target", leaf("LocURI", "IMEI:1"))),
    "from nobody": header("Source", None),
    "elsewhere without tls": header("RespURI", "http://bench/dm"),
    "elsewhere by file": header("RespURI", "file:///etc/passwd"),
    "elsewhere, long": header("RespURI", "https://bench/" + "x" * 5000),
    "no answers wanted": header("NoResp", Element("NoResp")),
    "tiny messages": header("Meta", node("Meta", leaf("MaxMsgSize", "1"), leaf("MaxObjSize", "0"))),
    "huge messages": header("Meta", node("Meta", leaf("MaxMsgSize", "9" * 40), leaf("MaxObjSize", "-1"))),
    "credentials of nobody": header("Cred", None),
    "401": statuses(401), "407": statuses(407), "500": statuses(500), "511": statuses(511), "0": statuses(0),
    "a text for a code": statuses("ok"), "a long code": statuses("2" * 50), "no statuses": no_statuses,
    "basic": chal("syncml:auth-basic", None), "MAC": chal("syncml:auth-MAC", "AAAA"), "unknown": chal("syncml:auth-x", "AAAA"),
    "empty nonce": chal("syncml:auth-md5", ""), "zero nonce": chal("syncml:auth-md5", "AAAAAA=="),
    "long nonce": chal("syncml:auth-md5", "QUJD" * 500), "no nonce": chal("syncml:auth-md5", None),
    "ids": ids(b"0"), "long ids": ids(b"x" * 400), "the same ids": ids(b"7"), "no ids": ids(b""),
}  # fmt: skip


@pytest.mark.parametrize("auth, tls", [("md5", True), ("MAC", False)])
@pytest.mark.parametrize("name", TREES)
def test_messages_with_one_thing_wrong(name, auth, tls):
    """Whatever comes of the session: no update by it where that is not allowed, and the next server is heard."""
    change = TREES[name]
    bench = Bench(lambda session, bench: iter([[Get(["./DevInfo/Man"])]]), auth=auth, tls=tls)
    hostile_session(bench, {"tree": change})


@pytest.mark.parametrize("auth, tls", [("MAC", False)])
@pytest.mark.parametrize("fault", ["bad_digest", "header"])
def test_a_server_that_cannot_prove_itself_orders_nothing(auth, tls, fault):
    bench = Bench(*[order("dau")] * 9, auth=auth, tls=tls)
    faults = {"bad_digest": True} if fault == "bad_digest" else {"headers": lambda session, headers: {}}
    for name, value in faults.items():
        setattr(bench.dms["bench"].faults, name, value)
    bench.run(20000)
    assert not bench.gets and not bench.results and bench.agent.update.state == 10
    assert all(command.status in (None, 401, 407) for command in bench.execs)


def long(count):
    """Return a URI of so many segments."""
    return "./" + "/".join(["a"] * count)


X = "./FUMO"
WRONG = {
    "a tree of questions": [Alert(1102, ["MINDT=1", "Name?"]), Alert(1103, ["", "Which?", "a", "b"]), Alert(1999, ["", "?"])],
    "a long question": [Alert(1101, ["MINDT=10", "x" * 4000])],
    "an empty question": [Alert(1101)],
    "options": [Alert(1101, ["MINDT=999999999999&MAXDT=-1&DR=&&=&MAXLEN", "x"])],
    "exec of leaves": [Exec(X), Exec(X + "/State"), Exec("./DevInfo"), Exec("."), Exec(X + "/Nothing"), Exec("")],
    "exec in an atomic": [Atomic([Exec(X + "/Download")])],
    "exec without a package": [Exec(X + "/Update")],
    "exec without a url": [Exec(X + "/Download"), Exec(X + "/DownloadAndUpdate")],
    "a long correlator": [Exec(X + "/Update", correlator="c" * 1000)],
    "a bad url": [Replace(Item(X + "/Download/PkgURL", b"gopher://x")), Replace(Item(X + "/Download/PkgURL", b"h" * 3000))],
    "a url and its data": [Replace(Item(X + "/Update/PkgData", b"123", format="bin")), Get([X + "/Update/PkgData"])],
    "state": [Replace(Item(X + "/State", b"90")), Delete([X]), Delete(["."]), Add(Item(X + "/New", b"1"))],
    "uris": [Get([long(100), "/", "//", "./../x", "./", "x" * 5000, "./DevInfo/Man/", "./DevInfo?prop=No", "?list=x", "\u00e9"])],
    "everything": [Get([".?list=TNDS", ".?list=StructData", ".?list=Struct", "."])],
    "secrets": [Get(["./DMAcc?list=StructData", "./DMAcc?list=TNDS"])],
    "rights": [Replace(Item(".?prop=ACL", b"Get=nobody&Replace=nobody")), Replace(Item(X + "?prop=ACL", b"A" * 900))],
    "names": [Replace(Item(X + "?prop=Name", b"a/b")), Copy(Item(X + "/State", source="./DevInfo/Man"))],
    "the inbox": [Add(Item("./Inbox", b"<MgmtTree>" * 50, "xml", "application/vnd.syncml.dmtnds+xml")), Get(["./Inbox"])],
    "nested": [Sequence([Atomic([Sequence([Get(["./DevInfo/Man"])])])])],
    "many": [Get(["./DevInfo/Man"]) for _ in range(200)],
    "an image of nothing": [Replace(Item(X + "/Update/PkgData", bytes(60000), format="bin"))],
    "an account of nobody": [Add(Item("./DMAcc/z", None, "node")), Delete(["./DMAcc/bench"])],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_commands_that_ask_too_much(name):
    for commands in ([WRONG[name]], [[command] for command in WRONG[name][:6]]):
        for each in WRONG[name]:
            each.forget()
        bench = Bench(lambda session, bench, commands=commands: iter(commands))
        bench.run(4000)
        assert bench.device.version == goods.OLD and bench.device.boots == 1
        secrets = [
            r.data
            for c in WRONG[name]
            for r in c.results
            if b"<Value>s</Value>" in r.data or r.source.endswith("AAuthSecret")
        ]
        assert not secrets
    if name not in ("rights", "an account of nobody"):  # by these the server locks itself out, which is its right
        works_again(bench)


def test_a_session_without_an_end():
    """A server that always wants one thing more keeps its session, no more than that: the device's own steps stay short."""

    def script(session, bench):
        while bench.hostile:
            yield [Get(["./DevInfo/Man"])]

    bench = Bench(script)
    bench.hostile = True
    bench.ask = lambda bench, agent: setattr(bench, "hostile", bench.clock.ms() < 150000)
    bench.run(3000)
    assert bench.device.boots == 1 and bench.agent.record.idle
    works_again(bench)


def test_an_object_without_an_end():
    """Chunks of PkgData that never stop: the announced size is the limit, the bank another one."""
    said = []

    def more(session, message):
        for item in (child for each in message.walk() if each.tag_name == "Item" for child in [each]):
            if item.value("Target", "LocURI") == X + "/Update/PkgData":
                said.append(len(item.data("Data") or b""))
                if item.find("MoreData") is None:
                    item.children.append(Element("MoreData"))

    bench = Bench(lambda session, bench: iter([[Replace(Item(X + "/Update/PkgData", PACKAGE, format="bin"))]] * 9))
    bench.dms["bench"].faults.tree = more
    bench.run(4000)
    assert bench.device.version == goods.OLD and bench.agent.update.state == 10
    bench.dms["bench"].faults.tree = None
    works_again(bench)


def test_a_management_server_that_redirects():
    for location in ("https://bench/dm", "http://bench/dm", "https://other/dm", "", "ftp://x"):
        bench = Bench(order("dau"))
        handle = bench.servers["bench"].handler
        bench.hostile = True

        def handler(method, path, fields, body, bench=bench, handle=handle, location=location):
            if path == "/dm" and bench.hostile:
                return 307, (("Location", location),), b""
            return handle(method, path, fields, body)

        bench.servers["bench"].handler = handler
        bench.run(3000)
        assert not bench.results and len(bench.servers["bench"].requests) < 400
        bench.hostile = False
        works_again(bench)


def test_datagrams_of_strangers():
    """Nothing that cannot prove itself begins a session, and listening costs no memory and no flash."""
    bench, sent = Bench(nothing, poll_interval_ms=DAY_MS), []

    def ask(bench, agent):
        if bench.clock.ms() > 650000 and len(sent) < 300 and agent.quiet:
            sent.append(bytes([len(sent) % 256]) * (len(sent) * 5 % 600))
            bench.net.datagram(sent[-1], ("192.0.2.66", 9), 2948)

    bench.ask = ask
    look = bench.satisfied
    bench.satisfied = lambda agent: (look(agent), bench.clock.ms() > 900000)[1]
    bench.run(1000, boots=1)
    assert len(sent) == 300 and len(bench.sessions) == 1
