"""Each command of the server and each status that it can get."""

import pytest

from flash_tools.server.dm.commands import Add, Copy, Delete, Exec, Get, Item, Replace
from tests.dm.hold import KINDS, hold

both = pytest.mark.parametrize("kind", KINDS)
LONG, DEEP = "./" + "/".join(["abcdefghij"] * 24), "./" + "/".join("x" * 17)


def codes(commands, **options):
    """Send the commands in one package; return their statuses."""
    out = hold(commands, **options)
    assert out.failure is None
    return [command.status for command in commands]


def uri(length):
    """Return an address of so many characters, of segments that are short enough."""
    return ("./" + "abcdefghijklmno/" * 20)[: length - 1] + "z"


GETS = [
    ("./Area/here/chr", 200), ("Area/here/chr", 200), ("./Area", 200), (".", 200), ("./Area/", 200), ("./nope", 404),
    ("./Area/here/chr/x", 404), ("./Area/secret", 405), ("./FUMO/PkgData", 405), ("./Area/locked/chr", 425),
    ("./Area/locked", 425), ("./DMAcc/a/AppAuth/c/AAuthSecret", 405), (uri(255), 404), (uri(256), 414),
    ("./" + "s" * 32, 404), ("./" + "s" * 33, 414), ("./" + "/".join("x" * 16), 404), (DEEP, 414),
    ("./\u00e9" + "\u00e9" * 16, 414), ("../Area", 404), ("./Area/../DevInfo", 404), ("/Area", 404),
    ("./Area//here", 404), ("", 404), ("./Area/here/chr?prop=Format", 200), ("./Area/here/chr?prop=Nope", 406),
    ("./Area/here?prop=Size", 406), ("./Area/here/chr?list=Nope", 406), ("./Area/here/chr?nope=1", 406),
    ("./Area/here?list=Struct", 200), ("./Area/locked?prop=ACL", 425), ("./nope?prop=ACL", 404),
    ("./nope?list=Struct", 404),
]  # fmt: skip


@both
def test_get(kind):
    """Get: 200, 404, 405, 406, 414, 425; each refused one has no Results."""
    commands = [Get(where) for where, _ in GETS]
    assert dict(zip([where for where, _ in GETS], codes(commands, kind=kind, arena=9000), strict=True)) == dict(GETS)
    assert [bool(command.results) for command in commands] == [code == 200 for _, code in GETS]


RESULTS = [  # URI, format, type, data
    ("./Area/here/chr", "", "", b"old"),
    ("./Area/here/int", "int", "", b"7"),
    ("./Area/here/bool", "bool", "", b"true"),
    ("./Area/here/text", "", "text/markdown", b"# a"),
    ("./Area/here", "node", "text/plain", b"chr/int/bool/bin/text"),
    ("./Area", "node", "urn:test:area", b"fixed/here/locked/secret/empty"),
    ("./Area/empty", "node", "text/plain", b""),
    ("./DevInfo", "node", "urn:oma:mo:oma-dm-devinfo:1.0", b"DevId/Man/Mod/DmV/Lang"),
    (".", "node", "text/plain", b"DevInfo/DevDetail/DMAcc/Area/FUMO/Stubborn/Codes/Clock/Big"),
]


@both
def test_what_a_get_gives(kind):
    """Meta only where it differs from chr and text/plain; an interior node gives its children's names."""
    nodes = [["here/bool", 4, "true"], ["here/bin", 5, "\x00b"], ["here/text", 2, "# a"], ["empty", 1, ""]]
    get, binary = [Get(where) for where, *_ in RESULTS], Get("./Area/here/bin")
    codes([*get, binary], kind=kind, nodes=nodes)
    for command, (where, form, kind_of, data) in zip(get, RESULTS, strict=True):
        found = command.results[0]
        assert (found.source, found.format, found.type) == (where, form, kind_of)
        assert sorted(found.data.split(b"/")) == sorted(data.split(b"/"))
    assert (binary.results[0].format, binary.results[0].data) == ("b64" if kind == "xml" else "bin", b"\0b")


ADDS = [
    (Item("./Area/new", format="node"), 200), (Item("./Area/new/chr", "a"), 200),
    (Item("./Area/new/int", 5, format="int"), 200), (Item("./Area/new/bool", "true", format="bool"), 200),
    (Item("./Area/new/bin", b"\0\1", format="bin"), 200), (Item("./Area/two/sub/chr", "deep"), 200),
    (Item("./Area/here", format="node"), 418), (Item("./Area/new/chr", "b"), 418), (Item("./Area/fixed", "b"), 418),
    (Item("./nope", "b"), 405), (Item("./DevInfo/new", "b"), 405), (Item("./Area/here/chr/sub", "b"), 405),
    (Item("./Area/new/nope", "b"), 405), (Item("./Area/here/int", "x"), 418), (Item("./Area/three/int", "x"), 415),
    (Item("./Area/three/int", "5", format="bool"), 415), (Item("./Area/three/bool", "yes"), 415),
    (Item("./Area/three/chr", "x", format="nope"), 415), (Item("./Area/three/chr", "x" * 65), 413),
    (Item("./Area/three", "x", format="node"), 405), (Item("./" + "s" * 33, "x"), 414),
    (Item("./Area/three/chr?prop=ACL", "x"), 404), (Item("./Area/here/chr?prop=ACL", "x"), 405), (Item("", "x"), 404),
    (Item("./DMAcc/b", format="node"), 200), (Item("./DMAcc/c", format="node"), 200),
    (Item("./DMAcc/d", format="node"), 200), (Item("./DMAcc/e", format="node"), 420), (Item("./Codes/999", "x"), 418),
]  # fmt: skip


@both
def test_add(kind):
    """Add: 200, also of the nodes on the way; 405, 413, 414, 415, 418; a fifth account 420."""
    commands = [Add(item) for item, _ in ADDS]
    out = hold(commands, kind=kind, arena=9000, acls=[["Area", "Add=srv&Get=*&Replace=srv&Delete=srv"]])
    found = [(command.items[0].target, command.status) for command in commands]
    assert found == [(item.target, code) for item, code in ADDS]
    assert (
        out.device.value("new/bin") == b"\0\1"
        and out.device.value("two/sub/chr") == b"deep"
        and out.device.value("three") is None
    )


REPLACES = [
    (Item("./Area/here/chr", "new"), 200), (Item("./Area/fixed", "new"), 200), (Item("./Area/fixed", ""), 200),
    (Item("./Area/here/int", "-12"), 200), (Item("./Area/here/int", "12a"), 415),
    (Item("./Area/here/int", "12", format="chr"), 415), (Item("./Area/nope", "x"), 404), (Item("./Area", "x"), 405),
    (Item("./Area/here", format="node"), 405), (Item("./DevInfo/Man", "x"), 405),
    (Item("./Area/here/chr", "x" * 65), 413), (Item("./Codes/403", "x"), 403), (Item("./Codes/420", "x"), 420),
    (Item("./Codes/500", "x"), 500), (Item("./DMAcc/a/Name", "x"), 404), (Item("./DMAcc/a/AppID", "w7"), 200),
    (Item("./Area/here/chr?prop=Title", "t"), 200), (Item("./Area/here/chr?prop=Format", "int"), 405),
    (Item("./Area/here/chr?prop=Nope", "x"), 406), (Item("./Area/here?list=Struct", "x"), 405),
    (Item("./Area/here/chr", "x", format="node"), 405), (Item(uri(256), "x"), 414),
    (Item("./Area/nope?prop=Title", "x"), 404),
]  # fmt: skip


@both
def test_replace(kind):
    """Replace: 200, 403, 404 for what is not there, 405, 406, 413, 414, 415, 420, 500."""
    commands = [Replace(item) for item, _ in REPLACES]
    found = codes(commands, kind=kind, arena=9000)
    assert list(zip([item.target for item, _ in REPLACES], found, strict=True)) == [
        (item.target, code) for item, code in REPLACES
    ]


DELETES = [
    ("./Area/here/int", 200), ("./Area/here", 200), ("./Area/here/chr", 404), ("./Area", 405), (".", 405),
    ("./DevInfo/Man", 405), ("./Area/fixed", 405), ("./Area/nope", 404), ("./Area/locked", 425),
    ("./Area/secret?prop=ACL", 405), ("./Area/secret", 200), (DEEP, 414), ("./DMAcc/a/AppID", 200),
]  # fmt: skip


@both
def test_delete(kind):
    """Delete: 200 with all below, 404, 405 for what is permanent, 414, 425."""
    commands = [Delete(where) for where, _ in DELETES]
    acls = [["Area/locked", "Get=*"]]
    out = hold(commands, kind=kind, acls=acls)
    assert [(command.items[0].target, command.status) for command in commands] == DELETES
    assert out.device.value("here/chr") is None and out.device.value("secret") is None


COPIES = [
    ("./Area/here/chr", "./Area/fixed", 200), ("./Area/here/chr", "./Area/note", 200),
    ("./DevInfo/Man", "./Area/here/chr", 200), ("./Area/nope", "./Area/fixed", 404),
    ("./Area/here", "./Area/other", 403), ("./Area/fixed", "./Area/fixed", 403),
    ("./Area/secret", "./Area/fixed", 405), ("./Area/locked/chr", "./Area/fixed", 425),
    ("./Area/here/chr", "./Area/here/int", 415), ("./Area/here/chr", "./DevInfo/Man", 405),
    ("./Area/here/chr", "./nope", 405), ("./Big/text-300", "./Area/fixed", 413), (DEEP, "./Area/fixed", 414),
    ("./Area/here/chr", DEEP, 414),
]  # fmt: skip


@both
def test_copy(kind):
    """Copy: leaf to leaf 200, also to a new one; everything else as the Get and the Replace or Add would be."""
    commands = [Copy(Item(target, source=source)) for source, target, _ in COPIES]
    out = hold(commands, kind=kind)
    assert [command.status for command in commands] == [code for *_, code in COPIES]
    assert (out.device.value("fixed"), out.device.value("note"), out.device.value("here/chr")) == (
        b"old",
        b"old",
        b"Maker",
    )


EXECS = [
    (Exec("./FUMO/Run"), 202), (Exec(Item("./FUMO/Run", "args"), correlator="x"), 202), (Exec("./nope"), 404),
    (Exec("./Area/here/chr"), 405), (Exec("./FUMO"), 405), (Exec("./Codes/200"), 200), (Exec("./Codes/403"), 403),
    (Exec("./Codes/405"), 405), (Exec("./Codes/420"), 420), (Exec("./Codes/510"), 510), (Exec(DEEP), 414),
    (Exec("./FUMO/Run?prop=Name"), 405), (Exec("./FUMO/Run", correlator="c" * 255), 202),
    (Exec("./FUMO/Run", correlator="c" * 256), 420), (Exec("./FUMO/Run", correlator="\u00e9" * 128), 420),
    (Exec("./FUMO/Run", correlator=" a &<b>  c "), 202), (Exec("./FUMO/Run", correlator=""), 202),
]  # fmt: skip


@both
def test_exec(kind):
    """Exec: the node's own status; its correlator verbatim up to 255 bytes, 420 above."""
    commands = [command for command, _ in EXECS]
    out = hold(commands, kind=kind, arena=9000)
    assert [command.status for command in commands] == [code for _, code in EXECS]
    assert out.device.bank.log == [
        ("exec", b"", None), ("exec", b"args", "x"), ("exec", b"", "c" * 255), ("exec", b"", "a &<b>  c"),
        ("exec", b"", ""),
    ]  # fmt: skip


@both
def test_acl(kind):
    """425 where the first ACL upwards that is not empty does not name the server; an ACL that is Replaced counts at once."""
    commands = [
        Replace(Item("./Area/here?prop=ACL", "Get=other&Replace=srv&Add=other")), Get("./Area/here/chr"),
        Replace(Item("./Area/here/chr", "x")), Add(Item("./Area/here/bool", "true")), Delete("./Area/here/chr"),
        Get("./Area/here?prop=ACL"), Replace(Item("./Area/here?prop=ACL", "Get=*")), Get("./Area/here/chr"),
        Replace(Item("./Area/here/chr", "y")), Replace(Item("./DevInfo?prop=ACL", "Get=*")),
        Replace(Item("./Area/fixed?prop=ACL", "Bad")),
    ]  # fmt: skip
    assert codes(commands, kind=kind) == [200, 425, 200, 425, 425, 425, 200, 200, 425, 425, 400]
    assert codes([Exec("./FUMO/Run")], kind=kind, acls=[["FUMO/Run", "Exec=other"]]) == [425]


@both
@pytest.mark.parametrize(("size", "code"), [(256, 200), (257, 420)])
def test_the_size_of_an_acl(kind, size, code):
    """M13: an ACL of 256 bytes a node."""
    text = ("Get=*&Replace=srv+" + "s" * 300)[:size]
    assert codes([Replace(Item("./Area/here?prop=ACL", text))], kind=kind) == [code]


@both
@pytest.mark.parametrize(("size", "code"), [(1024, 200), (1025, 413)])
def test_the_size_of_a_url(kind, size, code):
    """M13: a PkgURL of 1,024 bytes, 413 above."""
    out = hold([change := Add(Item("./Area/url", "h" * size))], kind=kind)
    assert change.status == code and len(out.device.value("url") or b"") == (size if code == 200 else 0)
