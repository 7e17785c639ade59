"""Large objects of the server: packages that stream into the bank, values that wait in RAM (facts 2.5; PROTOCOL 3, `PkgData`, and 2)."""

import base64

import pytest

from flash_tools.server.dm_commands import Add, Alert, Atomic, Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm_element import Element, leaf, meta
from tests.dm.hold import KINDS, Packages, alerts, edit, hold, is_final, statuses

both = pytest.mark.parametrize("kind", KINDS)
ways = pytest.mark.parametrize("auth", ["MAC", "md5"])  # in RAM until the MAC holds; while it arrives
DATA = bytes([33 + i * 7 % 91 for i in range(3000)])  # printable: what validates bytes in WBXML is slow
BINARY = bytes([i * 7 & 255 for i in range(3000)])


def push(data=DATA, target="./FUMO/PkgData"):
    """Return the Replace that brings a package."""
    return Replace(Item(target, data, format="bin"))


def hold_chunks(*packages, size=1000, **options):
    """Hold a session whose server cuts objects into pieces of so many bytes."""
    policy = Packages(*packages, before=lambda session: setattr(session, "chunk_max", size))
    return hold(policy=policy, **options)


def chunk(root):
    """Return the Item of a message's Replace."""
    return root.find("SyncBody", "Replace", "Item")


def resize(number, size):
    """Return the fault that changes the Size that message `number` announces, or takes it away."""

    def change(root):
        found = chunk(root).find("Meta")
        found.children = [child for child in found.children if child.tag_name != "Size"]
        if size is not None:
            found.children.append(leaf("Size", size))

    return {"faults": edit((number, change))}


def dropped(out):
    """Tell whether nothing of a package is left."""
    return not out.device.bank.got and "package" not in [entry[0] for entry in out.device.bank.log]


@both
@ways
def test_every_size_of_chunk(kind, auth):
    """From one byte a message to the whole in one: the same package, 213 for each piece but the last."""
    data = BINARY[17:40]
    for size in (1, 2, 3, 4, 5, 7, 11, 16, 22, 23, 24, 31, 32, 33):
        command = push(data)
        out = hold_chunks([command], size=size, kind=kind, auth=auth, validate=size in (3, 11, 32))
        carried = len(base64.b64encode(data)) if kind == "xml" else len(data)
        assert command.status == 200 and out.device.bank.got == data and out.device.bank.log == [("package", 23)]
        assert [statuses(message, "Replace")[-1] for message in out.sent[1:]] == [213] * (-(-carried // size) - 1) + [
            200
        ]


@both
@ways
@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("pieces", [33, 1460])
def test_a_package_in_full_messages(kind, auth, slow, pieces):
    """Chunks as large as our MaxMsgSize; the flash may be busy every other time."""
    data = BINARY * 6
    out = hold(
        [command := push(data)],
        [get := Get("./FUMO/State")],
        kind=kind,
        auth=auth,
        bank={"slow": slow},
        pieces=pieces,
        validate=not slow,
    )
    assert command.status == 200 and out.device.bank.got == data and get.results[0].data == b"18000"


@both
@ways
def test_the_package_in_one_message(kind, auth):
    """Facts 2.5: what fits one message comes without MoreData."""
    out = hold([command := push(DATA[:1500])], kind=kind, auth=auth)
    assert command.status == 200 and out.device.bank.got == DATA[:1500] and len(out.sent) == 2


@both
@ways
@pytest.mark.parametrize("cut", range(1, 2200, 183))
def test_a_chunk_whose_message_breaks(kind, auth, cut):
    """PROTOCOL 3: the repeated chunk is skipped up to the bytes that were taken."""
    out = hold_chunks(
        [command := push()],
        size=1100,
        kind=kind,
        auth=auth,
        network={2: cut, 3: cut + 400, 5: cut, 6: "lost"},
        pieces=64,
        validate=False,
    )
    assert command.status == 200 and out.device.bank.got == DATA


@both
@ways
def test_the_first_chunk_breaks(kind, auth):
    """Nothing was kept yet: the object begins anew."""
    out = hold_chunks([command := push()], size=1100, kind=kind, auth=auth, network={1: 1700, 2: 1700}, pieces=64)
    assert command.status == 200 and out.device.bank.got == DATA


@both
@ways
def test_we_ask_for_the_next_chunk(kind, auth):
    """Facts 2.5: 213 and 1222 and no Final, until the object and the server's package are complete."""
    out = hold_chunks([push()], size=1500, kind=kind, auth=auth)
    assert [(alerts(message), is_final(message)) for message in out.sent[1:]] == [([1222], False)] * (
        len(out.sent) - 2
    ) + [([], True)]


SIZES = [(1, 424), (10, 424), (2999, 424), (3001, 424), (5000, 424), (None, 411), (1 << 25, 413)]


@both
@ways
@pytest.mark.parametrize(("size", "code"), SIZES)
def test_a_wrong_size(kind, auth, size, code):
    """424 where more or less comes than the first chunk announced, 411 without Size, 413 above MaxObjSize; nothing is left."""
    size = size if size is None or kind == "wbxml" or size > 10000 else (size * 4 // 3 if size != 2999 else 3999)
    out = hold_chunks(
        [command := push(), Get("./FUMO")], size=1100, kind=kind, auth=auth, server=resize(1, size), validate=False
    )
    assert command.status == code and dropped(out) and out.failure is None
    assert statuses(out.sent[-1], "Get") == [200] and not alerts(out.sent[-1])


@both
@ways
def test_a_right_size_without_chunks(kind, auth):
    """Size may inform where the object is whole; a wrong one is 424 too."""
    for size, code in ((4000 if kind == "xml" else 3000, 200), (7, 424)):
        out = hold(
            [command := push()],
            kind=kind,
            auth=auth,
            arena=8000,
            server={"faults": edit((1, lambda root, size=size: _give(root, size)))},
        )
        assert command.status == code and (dropped(out) == (code == 424))


def _give(root, size):
    chunk(root).find("Meta").children.append(leaf("Size", size))


@both
@ways
@pytest.mark.parametrize(
    ("bank", "code", "messages"),
    [
        ({"check": 403}, 403, 2),
        ({"check": 415}, 415, 2),
        ({"most": 1500}, 420, 3),
        ({"fails_at": 2500}, 500, 4),
        ({"code": 415}, 415, 4),
    ],
)
def test_the_bank_refuses(kind, auth, bank, code, messages):
    """PROTOCOL 2, `PkgData Status`: 403, 415, 420, 500 as soon as it is known; the server need not send the rest."""
    if kind == "xml":
        bank = {name: value for name, value in bank.items()}
    size = 1100 if kind == "wbxml" else 1468
    out = hold_chunks(
        [command := push()], [get := Get("./FUMO/State")], size=size, kind=kind, auth=auth, bank=bank, validate=False
    )
    assert (command.status, get.status) == (code, 200) and "213" not in str(code)
    assert [statuses(message, "Replace") for message in out.sent[1:messages]] == [[213]] * (messages - 2) + [[code]]


BREAKS = {
    "another value": lambda root: chunk(root).__init__(
        "Item", [Element("Target", [leaf("LocURI", "./Area/fixed")]), leaf("Data", "x")]
    ),
    "the same from the start": lambda root: _give(root, 77),
    "a Get": lambda root: root.find("SyncBody").children.__setitem__(
        -1, Element("Get", [leaf("CmdID", "9"), Element("Item", [Element("Target", [leaf("LocURI", "./FUMO")])])])
    ),
}


@both
@ways
@pytest.mark.parametrize("name", list(BREAKS))
def test_an_object_that_is_broken_off(kind, auth, name):
    """Facts 2.5: 1225 with the object's Target, nothing of it is executed, the new command is."""
    out = hold_chunks(
        [push()],
        size=900,
        kind=kind,
        auth=auth,
        server={"faults": edit((2, BREAKS[name]))},
        validate=False,
        aborted=True,
    )
    alert = out.sent[2].find("SyncBody").find_all("Alert")[0]
    assert alert.size("Data") == 1225 and alert.value("Item", "Target", "LocURI") == "./FUMO/PkgData"
    assert ("abandon", 675 if kind == "xml" else 900) in out.device.bank.log and (
        "package",
        3000,
    ) not in out.device.bank.log
    if name == "another value":
        assert statuses(out.sent[2], "Replace") == [200] and out.device.value("fixed") == b"x"
    elif name == "a Get":
        assert statuses(out.sent[2], "Get") == [200]


def _close(root):
    body = root.find("SyncBody")
    body.children = [child for child in body.children if child.tag_name != "Replace"] + [Element("Final")]


@both
@ways
@pytest.mark.parametrize("how", ["closing", "abort", "empty", "silence"])
def test_a_session_that_ends_in_the_middle(kind, auth, how):
    """PROTOCOL 3: the object is dropped, there is nothing to report."""
    network, server = {}, {}
    if how == "closing":
        server = {"faults": edit((2, _close), (3, _close))}
    elif how == "abort":
        server = {
            "faults": edit(
                (
                    2,
                    lambda root: root.find("SyncBody").children.__setitem__(
                        -1, Element("Alert", [leaf("CmdID", "9"), leaf("Data", "1223")])
                    ),
                )
            )
        }
    else:
        network = {2: (b"", None)} if how == "empty" else {2: "lost", 3: "lost", 4: "lost"}
    out = hold_chunks([push()], size=900, kind=kind, auth=auth, network=network, server=server, validate=False)
    assert out.session.over and dropped(out) and out.device.bank.log == [("abandon", 675 if kind == "xml" else 900)]


OTHER = "./Area/fixed"
COMPANY = [  # commands around a package, their statuses
    (lambda package: [Get("./FUMO"), package, Get(OTHER)], [200, 200, 200]),
    (lambda package: [Replace(Item(OTHER, "x")), package], [200, 500]),
    (lambda package: [package, Replace(Item(OTHER, "x"))], [200, 500]),
    (lambda package: [Exec("./FUMO/Run"), package], [202, 500]),
    (lambda package: [package, Exec("./FUMO/Run")], [200, 500]),
    (lambda package: [Alert(1101, ["", "Sure?"]), package], [200, 500]),
    (lambda package: [package, Alert(1101, ["", "Sure?"])], [200, 200]),
    (lambda package: [Alert(1222), package], [200, 200]),
    (lambda package: [Sequence([package])], [200]),
    (lambda package: [Atomic([package])], [507]),
]


@both
@ways
@pytest.mark.parametrize(("make", "codes"), COMPANY)
def test_the_company_of_a_package(kind, auth, make, codes):
    """PROTOCOL 3: it must be its message's only acting command, not in an Atomic, not behind a question (500)."""
    command = push(DATA[:600])
    commands = make(command)
    out = hold(commands, kind=kind, auth=auth)
    assert [each.status for each in commands] == codes
    good = command.status == 200
    assert out.device.bank.got == (DATA[:600] if good else b"") and good == (("package", 600) in out.device.bank.log)
    assert command.status == (500 if 507 in codes else codes[commands.index(command)] if command in commands else 200)


@both
@ways
def test_a_package_among_items(kind, auth):
    """The same for the Items of one command."""
    command = Replace([Item(OTHER, "x"), Item("./FUMO/PkgData", DATA[:600], format="bin")])
    out = hold([command], kind=kind, auth=auth)
    assert command.statuses == {OTHER: 200, "./FUMO/PkgData": 500} and not out.device.bank.got


@both
@ways
def test_other_commands_at_a_package(kind, auth):
    """PkgData is written by Replace alone; it exists (418), is permanent, and is never read (405)."""
    commands = [Add(Item("./FUMO/PkgData", b"x", format="bin")), Get("./FUMO/PkgData"), Exec("./FUMO/PkgData")]
    out = hold(commands, kind=kind, auth=auth)
    assert [command.status for command in commands] == [418, 405, 405] and not out.device.bank.log


@both
def test_a_stranger_pushes(kind):
    """PROTOCOL 3: under MAC a chunk reaches the flash only when its message has proven authentic."""
    fault = edit()
    fault.body = lambda session, body: body.replace(b"./FUMO/PkgData", b"./FUMO/PkgDatA")
    out = hold([push(DATA[:900])], kind=kind, server={"faults": fault}, validate=False, aborted=True)
    assert not out.device.bank.log and not out.device.bank.got


@both
@ways
@pytest.mark.parametrize("text", ["AAA*", "A", "AAAA=AAA", "\u00e9\u00e9"])
def test_base64_that_is_none(kind, auth, text):
    """Data of Format b64 that cannot be decoded: 4xx, nothing is left."""
    out = hold([command := Replace(Item("./FUMO/PkgData", text, format="b64"))], kind=kind, auth=auth)
    assert 400 <= command.status < 500 and dropped(out)


@both
@ways
def test_base64_as_text(kind, auth):
    """Facts 2.9: b64 may come in both encodings, with white space in it."""
    text = base64.encodebytes(DATA[:900])
    out = hold([command := Replace(Item("./FUMO/PkgData", text.decode(), format="b64"))], kind=kind, auth=auth)
    assert command.status == 200 and out.device.bank.got == DATA[:900]


VALUES = [  # the command, its status, the value that the leaf has then
    (Replace(Item("./Area/here/text", "\u20ac" * 1000)), 200, "\u20ac" * 1000),
    (Add(Item("./Area/new/text", "a&<b>" * 300, type="text/x")), 200, "a&<b>" * 300),
    (Add(Item("./Area/new/bin", DATA[:1200], format="bin")), 200, DATA[:1200]),
    (Replace(Item("./Area/here/text", "x" * 4096)), 200, "x" * 4096),
    (Replace(Item("./Area/here/text", "x" * 4097)), 413, ""),
    (Replace(Item("./Area/here/chr", "x" * 900)), 413, "old"),
    (Replace(Item("./Area/nope", "x" * 900)), 404, None),
    (Replace(Item("./DevInfo/Man", "x" * 900)), 405, None),
    (Replace(Item("./Area/here/int", "7" * 900, format="int")), 413, "7"),
    (Add(Item("./Area/here/text", "x" * 900)), 418, ""),
]


@both
@ways
@pytest.mark.parametrize(("command", "code", "value"), VALUES, ids=lambda value: str(value)[:20])
def test_a_large_value(kind, auth, command, code, value):
    """What does not stream is collected in RAM, at most 4,096 bytes (413), and changes the leaf when it is whole."""
    command.forget()
    nodes = [["here/text", 2, ""]]
    out = hold_chunks([command], size=700, kind=kind, auth=auth, nodes=nodes, quota=8000)
    where = command.items[0].target.replace("./Area/", "")
    value = value.encode() if isinstance(value, str) else value
    assert command.status == code and out.device.value(where) == value


@both
@ways
def test_a_large_value_that_is_broken_off(kind, auth):
    """1225; the leaf keeps what it had."""
    fault = edit((2, BREAKS["another value"]))
    out = hold_chunks(
        [Replace(Item("./Area/here/text", "x" * 2000))],
        size=700,
        kind=kind,
        auth=auth,
        nodes=[["here/text", 2, "old"]],
        server={"faults": fault},
    )
    assert (
        alerts(out.sent[2])[0] == 1225 and out.device.value("here/text") == b"old" and out.device.value("fixed") == b"x"
    )


def test_the_type_of_a_large_value():
    """Meta of the first chunk counts."""
    out = hold_chunks(
        [Add(Item("./Area/new/text", "x" * 900, type="text/x"))], [get := Get("./Area/new/text?prop=Type")], size=400
    )
    assert get.results[0].data == b"text/x" and meta is not None and out.failure is None
