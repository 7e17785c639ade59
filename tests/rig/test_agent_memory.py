"""How much memory the agent of a Linux board takes: a whole download over TLS, written and verified, on the emulated board."""

import pytest

from flash_tools.server import web_faults

pytestmark = pytest.mark.lg_feature("emulated")
MOST_MIB = 40
SLOW = 60000  # bytes a second
PEAKS = """
import os
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open("/proc/%s/cmdline" % number).read().replace("\\0", " ")
        peak = [line.split()[1] for line in open("/proc/%s/status" % number) if line.startswith("VmHWM")]
    except OSError:
        continue
    if peak:
        print(peak[0], words)
"""


def test_an_update_takes_little_memory(make_rig):
    rig = make_rig(user="yes")
    rig.server.web_faults.add("package", web_faults.slow(SLOW))  # there is time to look
    package = rig.server.add_package(rig.update("2.0"), "fw-2.0.fup")
    order = rig.order(package, "download-and-update")
    rig.wait("progress", timeout_s=rig.update_s)
    peak = _peak(rig)  # in the middle of the download: behind it comes a restart
    assert order.wait(rig.update_s).code == 200
    rig.tally.measured["rig_agent_peak_mib"] = round(peak, 1)
    assert peak <= MOST_MIB


def _peak(rig):
    """Return the MiB that the agent has ever had in memory."""
    lines = rig.strategy.power.program.machine.run(PEAKS).splitlines()
    peaks = [int(line.split()[0]) / 1024 for line in lines if "/bank0.zip" in line]
    assert len(peaks) == 1, lines
    return peaks[0]
