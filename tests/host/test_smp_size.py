"""The protocol of the recovery is small: it shares a first stage with what must never be lost."""

from tests.host.test_subset import ROOT, compile_mpy

MOST = 6.25 * 1024  # bytes of .mpy
FILES = ("cbor", "smp_frame", "smp", "recovery")


def test_the_size(tmp_path):
    sizes = {}
    for name in FILES:
        assert compile_mpy(ROOT / "hal" / (name + ".py"), tmp_path) == ""
        sizes[name] = (tmp_path / "out.mpy").stat().st_size
    assert 1000 < sum(sizes.values()) <= MOST, sizes
