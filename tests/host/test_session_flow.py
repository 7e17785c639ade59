"""How sessions begin, turn and end (PROTOCOL 3; facts 2.2 and 2.4)."""

import copy

import pytest

from flash_tools.server.dm_commands import Exec, Get, Item, Replace
from tests.dm.hold import KINDS, hold, replay, statuses

both = pytest.mark.parametrize("kind", KINDS)


@both
@pytest.mark.parametrize("auth", ["MAC", "md5", "basic"])
def test_a_minimal_session(kind, auth):
    """Package 1, a package 2 without commands: nothing more is said."""
    out = hold(kind=kind, auth=auth)
    assert out.session.over and out.failure is None and len(out.sent) == 1
    assert out.device.answered == [[0, 200, True]]


@both
def test_commands(kind):
    get, push, run = Get(["./DevDetail/FwV", "./nope"]), Replace(Item("./FUMO/PkgData", bytes(range(256)) * 8, format="bin")), Exec("./FUMO/Run", correlator="c1")
    out = hold([get], [push], [run], kind=kind)
    assert get.statuses == {"./DevDetail/FwV": 200, "./nope": 404}
    assert (push.status, run.status) == (200, 202) and out.device.bank.got == bytes(range(256)) * 8


def test_the_replay_can_fail():
    """A request that differs in one byte is seen on MicroPython, and so is another end."""
    out = hold()
    for change in (lambda t: t["exchanges"][0].__setitem__(1, "x"), lambda t: t.update(summary="")):
        spoilt = copy.deepcopy(out.transcript)
        change(spoilt)
        with pytest.raises(AssertionError, match="MicroPython differs"):
            replay(spoilt)
