"""What serial recovery has installed is only on trial: firmware that crashes."""

import pytest

pytest.importorskip("smpclient", reason="pip install smpclient")

from tests.host import recovery_owner as owner
from tests.host.recovery_bench import INTERPRETERS, Bench, K


@INTERPRETERS
def test_firmware_that_crashes_gives_way_to_the_one_that_works(tmp_path, micropython):
    with Bench(tmp_path, micropython=micropython, ruined=False) as bench:
        bench.device.on()
        bench.wait_for("state 10")
        bench.device.send("recovery")
        bench.wait_for("done recovery")
        bench.wait_for("recovery 60")
        assert [(one.slot, one.version, one.confirmed) for one in owner.states(bench.link)] == [(0, "1.0", True)]
        owner.upload(bench.link, bench.update("2.0", "crash"))
        owner.reset(bench.link)
        bench.wait_for("boot 3 bank 1 trial version 2.0 crash")
        bench.wait_for("boot 4 bank 0 confirmed version 1.0")
        bench.wait_for("dropped 410")
        assert len(bench.said("boot")) == 3 and len(bench.said("recovery 60")) == 1


def test_firmware_that_crashes_with_nothing_beside_it(tmp_path):
    with Bench(tmp_path, options=("--recovery-s", 1)) as bench:
        bench.device.on()
        bench.wait_for("recovery 1")
        owner.upload(bench.link, bench.update("2.0", "crash"))
        owner.reset(bench.link)
        bench.wait_for("boot 3 bank 0 trial version 2.0 crash")
        for _ in range(3):
            bench.wait_for("recovery end timeout", len(bench.device.lines))
        assert len(bench.said("boot")) == 2  # the ruined one, and the trial: it is never tried again by itself
        owner.upload(bench.link, bench.update("3.0", size=48 * K))
        owner.reset(bench.link)
        bench.wait_for("boot %d bank 0 trial version 3.0 good" % (len(bench.said("recovery 1")) + 3))
        bench.wait_for("state 90")
