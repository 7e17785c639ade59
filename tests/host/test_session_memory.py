"""Messages in fixed memory, and what of them reaches the flash."""

import pytest

from agent.errors import LinkError
from flash_tools.server.dm.commands import Add, Atomic, Copy, Delete, Exec, Get, Item, Replace, Sequence
from tests.dm.device import Device, take
from tests.dm.hold import KINDS, alerts, hold, is_final, make_server, statuses
from tests.dm.hold import Packages as Policy

both = pytest.mark.parametrize("kind", KINDS)
LARGE = "x" * 3500
FIXED, CHR = "./Area/fixed", "./Area/here/chr"


def replace(value, where=FIXED):
    """Return a Replace."""
    return Replace(Item(where, value))


def codes(commands):
    """Return the statuses, those of containers as lists."""
    return [[each.status, *codes(each.parts)] if each.parts else each.status for each in commands]


@both
def test_what_we_announce(kind):
    """MaxMsgSize: what the arena holds beside the message before; behind TLS what is read through a window."""
    for secure, arena, size in ((False, 5120, 4096), (False, 3072, 2048), (True, 3072, 16384)):
        out = hold(kind=kind, auth="md5" if secure else "MAC", arena=arena)
        assert out.sent[0].find("SyncHdr").size("Meta", "MaxMsgSize") == size


@both
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_command_that_does_not_fit(kind, place):
    """That command is 413, those before and behind it are done and answered."""
    commands = [replace("1"), Get(CHR), replace("2", CHR), Exec("./FUMO/Run", correlator="c")]
    large = replace(LARGE, "./Area/here/text")
    commands.insert(place, large)
    out = hold(commands, kind=kind, auth="md5", arena=3072, nodes=[["here/text", 2, "t"]])
    assert large.status == 413 and codes([each for each in commands if each is not large]) == [200, 200, 200, 202]
    assert (out.device.value("fixed"), out.device.value("here/chr"), out.device.value("here/text")) == (
        b"1",
        b"2",
        b"t",
    )


@both
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_command_of_an_atomic_that_does_not_fit(kind, place):
    """413 for it, 507 for the Atomic, which is rolled back; what follows the Atomic is done."""
    inside = [replace("1"), replace("2", CHR)]
    inside.insert(place, replace(LARGE, "./Area/here/text"))
    commands = [Atomic(inside), replace("3", "./Area/here/int")]
    out = hold(commands, kind=kind, auth="md5", arena=3072, nodes=[["here/text", 2, "t"]])
    assert codes(commands) == [[507] + [216] * place + [413] + [215] * (2 - place), 200]
    assert (out.device.value("fixed"), out.device.value("here/chr"), out.device.value("here/int")) == (
        None,
        b"old",
        b"3",
    )


@both
def test_an_item_that_does_not_fit(kind):
    """The other Items of the same command are done."""
    command = Replace([Item(FIXED, "1"), Item("./Area/here/text", LARGE), Item(CHR, "2")])
    hold([command], kind=kind, auth="md5", arena=3072, nodes=[["here/text", 2, "t"]])
    assert command.statuses == {FIXED: 200, "./Area/here/text": 413, CHR: 200}


@both
@pytest.mark.parametrize("field", ["type", "format", "correlator"])
def test_a_field_that_does_not_fit(kind, field):
    """Any other field of a command is cut away in the same way."""
    command = (
        Exec("./FUMO/Run", correlator=LARGE) if field == "correlator" else Replace(Item(FIXED, "x", **{field: LARGE}))
    )
    out = hold([command, get := Get(CHR)], kind=kind, auth="md5", arena=3072)
    assert codes([command, get]) == [413, 200] and not out.device.bank.log


@both
def test_too_many_commands(kind):
    """Beyond that the message is refused whole: SyncHdr 413, the abort; nothing of it was done."""
    out = hold([replace("1"), *[Get(CHR) for _ in range(130)]], kind=kind, auth="md5", arena=3072, validate=False)
    assert statuses(out.sent[1]) == [("SyncHdr", "0", 413)] and alerts(out.sent[1]) == [1223] and is_final(out.sent[1])
    assert out.failure == 413 and out.device.value("fixed") is None and len(out.sent) == 2


@both
def test_the_message_before_needs_room_too(kind):
    """It is kept until its answer has arrived; a message that does not fit beside it is refused whole."""
    many = [Get("./DevDetail/URI/MaxTotLen") for _ in range(160)]
    out = hold(many, kind="wbxml", validate=False)
    assert out.failure == 413 and [get.status for get in many[:60]] == [200] * 60
    assert hold(many[:80], kind=kind).failure is None


@both
def test_a_value_that_cannot_be_kept(kind):
    """A Get before a change keeps its value; where there is no room, the Get is 413 and the change is done."""
    get, change = Get("./Area/here/text"), replace("new", CHR)
    hold([get, change], kind=kind, arena=3072, nodes=[["here/text", 2, "t" * 2700]], quota=4096)
    assert codes([get, change]) == [413, 200]
    get.forget()
    hold([change, get], kind=kind, arena=3072, nodes=[["here/text", 2, "t" * 2700]], quota=4096)
    assert codes([change, get]) == [200, 200] and len(get.results[0].data) == 2700


@both
def test_our_limits_can_be_read(kind):
    """DevDetail publishes the limits of addresses."""
    get = Get(
        ["./DevDetail/URI/MaxTotLen", "./DevDetail/URI/MaxSegLen", "./DevDetail/URI/MaxDepth", "./DevDetail/LrgObj"]
    )
    hold([get], kind=kind)
    assert [result.data for result in get.results] == [b"255", b"32", b"16", b"true"]


PUTS = [  # packages, how many puts of the settings
    ([[Get(CHR), Exec("./FUMO/Run")]], 0),
    ([[Replace(Item("./nope", "x")), Replace(Item("./DevInfo/Man", "x"))]], 0),
    (
        [
            [
                replace("1"),
                replace("2", CHR),
                Add(Item("./Area/new/chr", "n")),
                Delete("./Area/here/int"),
                Replace(Item("./DMAcc/a/AppID", "w8")),
            ]
        ],
        1,
    ),
    (
        [
            [
                Sequence([replace("1"), replace("2")]),
                Atomic([replace("3"), replace("4", CHR)]),
                Atomic([replace("5"), Delete("./nope")]),
            ]
        ],
        1,
    ),
    ([[replace("1")], [Get(CHR)], [replace("2")], [Replace(Item("./Area/here?prop=Title", "t"))]], 3),
    ([[Copy(Item(FIXED, source=CHR))]], 1),
]


@both
@pytest.mark.parametrize(("packages", "puts"), PUTS)
def test_one_put_a_message(kind, packages, puts):
    """The settings are put once at most for each message, whatever it changes, and not where nothing has changed."""
    out = hold(*packages, kind=kind)
    assert len(out.device.settings.puts) == puts


@both
def test_settings_over_their_quota(kind):
    """420 for what does not fit, and the others are done."""
    commands = [
        replace("a" * 64, CHR),
        Add(Item("./Area/new/chr", "b" * 64)),
        Add(Item("./Area/two/chr", "c" * 64)),
        Delete("./Area/new"),
        Add(Item("./Area/three/chr", "d" * 64)),
    ]
    out = hold(commands, kind=kind, quota=300)
    assert codes(commands) == [200, 200, 420, 200, 200] and out.device.value("three/chr") == b"d" * 64
    assert out.device.area.store.find("two") is None


@both
def test_settings_over_their_quota_in_an_atomic(kind):
    """The same undoes an Atomic."""
    commands = [
        Atomic([replace("a" * 64, CHR), Add(Item("./Area/new/chr", "b" * 64)), Add(Item("./Area/two/chr", "c" * 64))])
    ]
    out = hold(commands, kind=kind, quota=300)
    assert codes(commands) == [[507, 216, 216, 420]] and out.device.value("here/chr") == b"old"


@both
def test_a_flash_that_takes_no_settings(kind):
    """510 for every change of the message; what only read or ordered keeps its status; nothing has changed."""
    get, changes, run = (
        Get(CHR),
        [
            replace("1"),
            replace("2", CHR),
            Add(Item("./Area/new/chr", "n")),
            Replace(Item("./Area/here?prop=Title", "t")),
        ],
        Exec("./FUMO/Run"),
    )
    late = Get(["./Area/here/chr", "./Area/here?prop=Title", "./Area/new/chr"])
    out = hold([get, *changes, run], [late], kind=kind, fails_at=0)
    assert codes([get, *changes, run]) == [200, 510, 510, 510, 510, 202]
    assert late.statuses == {"./Area/here/chr": 200, "./Area/here?prop=Title": 200, "./Area/new/chr": 404}
    assert [result.data for result in late.results] == [b"old", b""] and out.failure is None


@both
def test_a_flash_that_takes_no_atomic(kind):
    """The Atomic is 507, its commands are 510."""
    commands = [Sequence([replace("0")]), Atomic([replace("1"), replace("2", CHR)])]
    out = hold(commands, kind=kind, fails_at=0)
    assert codes(commands) == [[200, 510], [507, 510, 510]] and out.device.value("here/chr") == b"old"


@both
def test_a_flash_that_fails_later(kind):
    """What was put by an earlier message stays; a later message can still be answered."""
    commands = [replace("1"), replace("2"), Get(FIXED)]
    hold(*[[command] for command in commands], kind=kind, fails_at=1)
    assert codes(commands) == [200, 510, 200] and commands[2].results[0].data == b"1"


@both
def test_what_was_put_is_there_after_a_reset(kind):
    """The same with the real journal on a simulated chip."""
    out = hold(
        [replace("1"), Add(Item("./Area/new/chr", "n")), Replace(Item("./Area/here?prop=Title", "t"))],
        kind=kind,
        nor=True,
    )
    out.device.area.store.reload()
    assert (out.device.value("fixed"), out.device.value("new/chr")) == (b"1", b"n")


@both
def test_a_message_that_changes_between_its_passes(kind):
    """`frozen`: pass two must give the bytes of pass one; where it does not, LinkError closes the connection."""
    device = Device({"wbxml": kind == "wbxml"})
    session, server = device.session(), make_server(Policy([Get("./Clock/liar")]), "MAC")
    for _ in range(2):
        request = session.request()
        try:
            body = b"".join([bytes(piece) for piece in session.body()])
        except LinkError:
            return
        reply = server.handle(body, request.content_type, {"x-syncml-hmac": request.mac})
        take(session, (reply.body, reply.headers["x-syncml-hmac"], None), 300)
    raise AssertionError("nobody noticed")


def test_a_board_that_leaves_xml_out():
    """It sends WBXML whatever else it is told, and an answer in XML ends the session as malformed."""
    for wbxml in (True, False):
        device = Device({"wbxml": wbxml})
        device.client.xml = False
        session = device.session()
        assert session.request().content_type.endswith("+wbxml") and b"".join(bytes(piece) for piece in session.body())
        take(session, (b'<?xml version="1.0"?><SyncML/>', None, None), 300)
        assert session.over and session.failure.code == 400
