"""Serial recovery over a cable that loses, spoils and is unplugged: the real smpclient."""

from random import Random

import pytest

pytest.importorskip("smpclient", reason="pip install smpclient")

from flash_tools.sim.sim_serial import LineFaults
from tests.host import recovery_owner as owner
from tests.host.recovery_bench import Bench, K, keeps


@pytest.mark.parametrize(("seed", "micropython"), [(0, False), (1, True)], ids=["cpython", "micropython"])
def test_a_bad_line(tmp_path, seed, micropython):
    random = Random(seed)
    cuts = tuple(random.randrange(2000, 40000) for _ in range(3))
    faults = LineFaults(seed, drop=4e-5, flip=4e-5, silences=((random.randrange(30000), 500),), cuts=cuts)
    with Bench(tmp_path, faults, micropython).in_recovery() as bench:
        package, seen = bench.update(size=100 * K), []
        tries = owner.upload(bench.link, package, seen=seen.append)
        assert seen == sorted(seen) and seen[-1] == len(package)  # goes on where it was
        assert bench.cable.cuts == 3 and len(faults.done) >= 3 and tries > 3
        faults.drop = faults.flip = 0
        owner.reset(bench.link)
        keeps(bench, "2.0")
