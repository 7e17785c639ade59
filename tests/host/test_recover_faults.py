"""`fumo recover upload` over lines that lose and change bytes, are cut, or are slow: it goes on where it was."""

import dataclasses

import pytest

from flash_tools.errors import SilentError
from flash_tools.recovery import recover
from hal.recovery import RESET
from tests.host.recovery_rig import HURRY, QUICK, Faults, FupTarget, Rig, make_package, upload


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return make_package(tmp_path_factory.mktemp("recover"))


@pytest.mark.parametrize("seed", range(3))
def test_bytes_are_lost_and_changed(package, seed):
    faults = Faults(seed, lose=1 / 9000, change=1 / 9000)
    with Rig(faults=faults) as rig:
        done = upload(rig, package, QUICK)
        assert bytes(rig.target.data) == package.read_bytes() and rig.target.pending
        assert rig.target.begun == 1
    assert faults.hurt and done.faults


def test_the_line_is_cut_for_a_while(package):
    faults = Faults(cuts=((9000, 0.7), (20000, 1.0)))
    with Rig(faults=faults) as rig:
        done = upload(rig, package, QUICK)
        assert bytes(rig.target.data) == package.read_bytes()
    assert done.faults and done.reset == "done"


def test_a_board_that_is_slow(package):
    """Its answers come when others have been asked for already."""
    target = FupTarget()
    target.slow_s, target.buffer_size = 0.25, 4096
    short = dataclasses.replace(HURRY, silence_s=6.0)
    with Rig(target) as rig:
        done = upload(rig, package, short)
        assert bytes(target.data) == package.read_bytes() and target.begun == 1
    assert 0 < done.faults < 25  # 60 where each late answer is followed by another request at once


def test_patience_begins_again_with_each_piece(package):
    target = FupTarget()
    target.slow_s = 0.03
    with Rig(target, Faults(cuts=((30000, 0.2),))) as rig:
        assert upload(rig, package, dataclasses.replace(QUICK, silence_s=0.7)).seconds > 0.9


def test_the_board_restarts_in_the_middle(package):
    target = FupTarget()
    target.error = None
    with Rig(target, Faults(cuts=((15000, 100.0),))) as rig, pytest.raises(SilentError, match="does not answer"):
        upload(rig, package, HURRY)
    had = len(target.data)
    assert 5000 < had < package.stat().st_size
    with Rig(target) as rig:
        done = upload(rig, package)
        assert done.started_at == had and target.begun == 1 and bytes(target.data) == package.read_bytes()


def test_the_port_goes_away_in_the_middle(package):
    rig = Rig().__enter__()

    def pull(done, size):
        if done > 9000 and rig.reason is None:
            rig.reason = "pulled"
            rig.__exit__()

    with pytest.raises(SilentError, match="dropped|does not answer"):
        upload(rig, package, HURRY, progress=pull)


def test_the_answer_to_the_reset_is_lost(package, monkeypatch):
    """The board starts, and firmware does not speak SMP: nobody can be asked again."""
    monkeypatch.setattr(recover, "_RESET_S", 0.3)
    target, faults = FupTarget(), Faults()
    target.reset = lambda: faults.cut(100.0)
    with Rig(target, faults) as rig:
        done = upload(rig, package, QUICK)
        assert rig.ended() == RESET and done.pending and done.reset == "unanswered"
