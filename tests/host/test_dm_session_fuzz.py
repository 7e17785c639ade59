"""Sessions with a server that says anything: they end or go on, nothing unauthentic acts, the buffers stay as they are."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import AgentError, LinkError, ProtocolError
from flash_tools.server.dm.commands import Atomic, Exec, Get, Item, Replace, Sequence
from flash_tools.server.dm.element import leaf, node
from flash_tools.server.dm.server import Faults
from tests.dm.hold import KINDS
from tests.dm.pair import Pair

_BUDGET_S = 20
_PIECES = (
    *(
        b"<",
        b">",
        b"/>",
        b"</Item>",
        b"<Item>",
        b"<Data>",
        b"</SyncHdr>",
        b"<!--",
        b"&#0;",
        b"]]>",
        b"<![CDATA[",
        b"401",
        b"212",
    ),
    *(
        b"\0",
        b"\1",
        b"\3",
        b"\xc3",
        b"\x83",
        b"\x54",
        b"\x4f",
        b"\0\1",
        b"\0\2",
        b"\x80\x80",
        b"\xff",
        b"1223",
        b"1225",
    ),
)
_STARTED = [None]


def packages():
    """Return three packages with much in them."""
    one = [
        Get("./DevDetail?list=TNDS"),
        Replace(Item("./Area/here/int", "8", format="int")),
        Get(["./DevInfo/Man", "./nope"]),
    ]
    two = [
        Sequence([Exec("./FUMO/Run", correlator="c"), Get("./Big/text-300")]),
        Atomic([Replace(Item("./Area/here/chr", "new"))]),
    ]
    return one, two, [Replace(Item("./FUMO/PkgData", bytes(range(256)), format="bin"))]


def hold(kind, auth, change):
    """Hold a session whose answers `change` spoils; return the pair and the session."""
    pair = Pair(kind=kind, auth=auth, session_id=3)
    session = pair.hold(*packages(), spoil=change)
    assert session.over and len(pair.device.client.arena.buf) == 5120 and pair.device.client.arena.fill <= 5120
    assert session.failure is None or isinstance(session.failure, ProtocolError | LinkError)
    assert isinstance(session.failure, AgentError | None) and len(pair.sent) < 60
    return pair, session


def _spoil(body, cuts):
    made = bytearray(body)
    for at, size, piece in cuts:
        at %= len(made) + 1
        made[at : at + size] = piece
    return bytes(made)


_INTO = st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4))
_CUTS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 8), _INTO), min_size=1, max_size=4)


def _in_time():
    """Tell whether the budget of this file is not used up yet."""
    _STARTED[0] = _STARTED[0] or time.monotonic()
    return time.monotonic() - _STARTED[0] < _BUDGET_S


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("auth", ["md5", "MAC"])
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(number=st.integers(1, 4), cuts=_CUTS)
def test_spoilt_answers(kind, auth, number, cuts):
    """Under MAC whatever was changed acts not at all: the bank and the area have what the server sent, or nothing."""
    if not _in_time():
        return
    pair, session = hold(kind, auth, lambda n, body, mac: (_spoil(body, cuts), mac) if n == number else (body, mac))
    if auth == "MAC":
        assert pair.device.value("here/chr") in (b"old", b"new") and pair.device.value("here/int") in (b"7", b"8")
        assert bytes(pair.device.bank.got) in (b"", bytes(range(256)))
        assert all(entry in (("exec", b"", "c"), ("package", 256)) for entry in pair.device.bank.log)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(answers=st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_noise(kind, answers):
    if _in_time():
        pair, session = hold(kind, "MAC", lambda n, body, mac: (answers[(n - 1) % len(answers)], mac))
        assert pair.device.bank.log == [] and pair.device.value("here/chr") == b"old"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(order=st.lists(st.integers(0, 5), min_size=1, max_size=6), macs=st.booleans())
def test_recorded_answers_in_any_order(kind, order, macs):
    """Answers of the same session id, recorded with their MACs, from a session before: nothing acts."""
    if not _in_time():
        return
    pair = Pair(kind=kind, auth="MAC", session_id=3)
    assert pair.hold(*packages()).failure is None
    recorded, log = list(pair.came), list(pair.device.bank.log)
    pair.device.area.store.set("here/chr", 2, "", b"old")

    def spoil(number, body, mac):
        said, its_mac = recorded[order[(number - 1) % len(order)] % len(recorded)]
        return said, its_mac if macs else mac

    assert pair.hold(spoil=spoil).over
    assert pair.device.bank.log == log and pair.device.value("here/chr") == b"old"


KEPT = (  # what was found here
    ("wbxml", "md5", 2, [(61, 0, b"<Item>"), (61, 0, b"<Item>"), (244, 0, b"<")]),  # an element inside of a leaf
    ("xml", "md5", 1, [(900, 0, b"<CmdID>1<Item><Data>")]),
)


@pytest.mark.parametrize(("kind", "auth", "number", "cuts"), KEPT)
def test_kept(kind, auth, number, cuts):
    hold(kind, auth, lambda n, body, mac: (_spoil(body, cuts), mac) if n == number else (body, mac))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inner", ["Item", "CmdID", "Data", "Replace", "Sequence", "Meta"])
@pytest.mark.parametrize("outer", ["CmdID", "Data", "LocURI", "MsgRef", "Format"])
def test_elements_inside_of_leaves(kind, outer, inner):
    """They are no fields and no records: the arena stays readable."""

    def tree(session, root):
        for each in [each for each in root.walk() if each.tag_name == outer]:
            each.children = [node(inner, leaf("Data", "x"), leaf("CmdID", 9))]

    pair = Pair(kind=kind, auth="md5", server={"faults": Faults(tree=tree)})
    session = pair.hold(*packages())
    assert session.over and pair.device.client.arena.fill <= 5120
