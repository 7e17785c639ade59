"""Packages that the server pushes in chunks."""

import base64

import pytest

from flash_tools.server.dm.commands import Get, Item, Replace
from flash_tools.server.dm.element import Element, leaf
from tests.dm.hold import KINDS, alerts, edit, hold, is_final, statuses
from tests.host.session_chunks import BINARY, BREAKS, DATA, dropped, give, hold_chunks, push, resize

both = pytest.mark.parametrize("kind", KINDS)
ways = pytest.mark.parametrize("auth", ["MAC", "md5"])  # in RAM until the MAC holds; while it arrives


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
    """M7: the repeated chunk is skipped up to the bytes that were taken."""
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
            server={"faults": edit((1, lambda root, size=size: give(root, size)))},
        )
        assert command.status == code and (dropped(out) == (code == 424))


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
    """403, 415, 420, 500 as soon as it is known; the server need not send the rest."""
    size = 1100 if kind == "wbxml" else 1468
    out = hold_chunks(
        [command := push()], [get := Get("./FUMO/State")], size=size, kind=kind, auth=auth, bank=bank, validate=False
    )
    assert (command.status, get.status) == (code, 200)
    assert [statuses(message, "Replace") for message in out.sent[1:messages]] == [[213]] * (messages - 2) + [[code]]


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
    """M8: the object is dropped, there is nothing to report."""
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


@both
@ways
def test_a_broken_object_over_a_bad_link(kind, auth):
    """The message that begins anew breaks too: 1225 is said once, in the answer to the one that came whole."""
    options = {"server": {"faults": edit((2, BREAKS["the same from the start"]))}, "network": {2: 1100, 3: 1300}}
    out = hold_chunks([push()], size=900, kind=kind, auth=auth, validate=False, aborted=True, **options)
    sent = [exchange[0] for exchange in out.transcript["exchanges"]]
    assert sent[1] == sent[2] == sent[3] and [alerts(message).count(1225) for message in out.sent].count(1) == 1
    assert alerts(out.sent[4])[0] == 1225


@both
@ways
def test_a_change_behind_the_last_chunk(kind, auth):
    """The rule of the only acting command holds in each message."""
    command, change = push(), Replace(Item("./Area/fixed", "x"))
    out = hold_chunks([command, change], size=1400, kind=kind, auth=auth)
    assert (command.status, change.status) == (200, 500) and out.device.bank.got == DATA
