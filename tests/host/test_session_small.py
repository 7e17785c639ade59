"""A small board has either what sends or what receives in memory: it says the same bytes as one that has everything."""

import pytest

from flash_tools.server.dm.commands import Alert, Atomic, Exec, Get, Item, Replace, Sequence
from tests.dm.hold import KINDS, hold


@pytest.mark.parametrize("auth", ["MAC", "md5"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_session_with_everything(kind, auth):
    """The replay on MicroPython unloads between the messages; the recorded client never did."""
    packages = (
        [
            first := Get("./Area?list=StructData"),
            Get("./Area/here?list=TNDS"),
            Get(["./DevDetail/FwV", "./Area/here/chr?prop=ACL"]),
        ],
        [push := Replace(Item("./FUMO/PkgData", bytes(range(256)) * 30, format="bin"))],
        [
            Sequence(
                [
                    Alert(1101, ["", "Now?"]),
                    Atomic([Replace(Item("./Area/here/chr", "new"))]),
                    run := Exec("./FUMO/Run"),
                ]
            )
        ],
    )
    out = hold(*packages, kind=kind, auth=auth, small=True, network={2: "lost"})
    assert push.status == 200 and run.status == 202 and len(first.results) > 3
    assert out.session.failure is None
