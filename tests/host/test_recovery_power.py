"""Serial recovery of devices that lose their power in its middle, and owners who change their mind: the real smpclient."""

import pytest

pytest.importorskip("smpclient", reason="pip install smpclient")

from tests.host import recovery_owner as owner
from tests.host.recovery_bench import INTERPRETERS, Bench, K, keeps


class _Enough(Exception):
    """The power goes here."""


def _until(most, seen):
    """Return a listener that notes offsets and ends the upload beyond `most`."""

    def see(offset):
        seen.append(offset)
        if offset > most:
            raise _Enough

    return see


@INTERPRETERS
def test_the_power_goes_in_the_middle(tmp_path, micropython):
    with Bench(tmp_path, micropython=micropython).in_recovery() as bench:
        package, seen = bench.update(size=200 * K), []

        for part in (0.4, 0.8):
            before, seen = seen, []
            with pytest.raises(_Enough):
                owner.upload(bench.link, package, seen=_until(len(package) * part, seen))
            bench.device.off()
            bench.device.on()
            bench.wait_for("recovery 60")
        went_on_at = min(offset for offset in seen if offset > 4 * K)  # the manifest comes again each time
        assert before[-1] - 34 * K < went_on_at <= before[-1] and went_on_at > len(package) * 0.2
        before, seen = seen, []
        owner.upload(bench.link, package, seen=seen.append)
        went_on_at = min(offset for offset in seen if offset > 4 * K)
        assert before[-1] - 34 * K < went_on_at <= before[-1] and went_on_at > len(package) * 0.5
        owner.reset(bench.link)
        bench.wait_for("boot 2 bank 0 trial version 2.0 good commanded")
        bench.wait_for("state 90")


def test_another_file_begins_anew(tmp_path):
    with Bench(tmp_path).in_recovery() as bench:
        with pytest.raises(_Enough):
            owner.upload(bench.link, bench.update(size=200 * K), seen=_until(30 * K, []))
        other, seen = bench.update("3.0", size=100 * K), []
        assert owner.upload(bench.link, other, seen=seen.append) == 1
        assert seen[1] - seen[0] < 2 * K and len(seen) > len(other) // 1024
        owner.reset(bench.link)
        keeps(bench, "3.0")
