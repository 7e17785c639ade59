"""A simulated device with the whole agent and an owner who types lines at its console, for portable tests."""

import hashlib

from agent.control import Control
from agent.identity import make_identity
from agent.job import TRIAL
from agent.journal import Journal
from agent.local import order_trial
from agent.options import Options
from agent.record import Record
from board.sim_nor import make_layout
from hal.boot_record import BootRecord
from hal.region import carve
from ports.sim.device import IDLE as ENDED
from ports.sim.device import install_firmware
from ports.sim.device_agent import AgentDevice
from ports.sim.firmware import GOOD, make_image
from tests.data import vectors
from tests.portable.boards import SMALL, make_flash
from tests.portable.trusted import verify

LAYOUT = make_layout(SMALL.size, 65536)
OLD = make_image("1", GOOD, vectors.OLD_SIZE)
FACTS = {
    "product": "bench", "model": "sim2", "device": {"DevId": "sim:1"}, "device_key": "00", "accounts": [],
    "anchors": [[vectors.KID, "".join(["%02x" % byte for byte in vectors.KEY])]],
}  # fmt: skip


class NoNet:
    """A board without a network."""

    def __init__(self, clock):
        self._clock = clock

    def power_off(self):
        """Nothing is open."""

    def doze_ms(self, wait_ms):
        """Wait."""
        self._clock.sleep_ms(wait_ms)


class Owner:
    """Types the lines that are left, each when its turn comes; `steps` bounds a boot."""

    def __init__(self, *lines):
        self.lines, self.answers, self.control, self.left = list(lines), [], None, 400
        self.until = None  # function of the agent: when the boot ends, once all is typed

    def powered(self, device):
        """A boot begins."""

    def log(self, text):
        """The device says something."""

    def mounted(self, device):
        self.control = Control(device.agent, lambda: {"boot": device.boots})

    def satisfied(self, agent):
        self.left -= 1
        assert self.left, "it never ends"
        if self.lines and self.lines[0][0](agent):
            self.answers.append(self.control.obey(self.lines.pop(0)[1].split()))
        return not self.lines and (agent.quiet if self.until is None else self.until(agent))


def always(agent):
    return True


def in_trial(agent):
    return agent.record.job.phase == TRIAL


def make_device(*lines, spare=False, flash=None, readable=True, identity=None, trial_ms=600000):
    """Return a device that runs version 1, `spare` says that bank 1 holds version 2."""
    if flash is None:
        flash = make_flash()
        flash.poll_us = 100000
        regions = install_firmware(flash, LAYOUT, 0, vectors.OLD_PACKAGE, OLD)
        BootRecord(regions["boot"]).confirm()
        if spare:
            install_firmware(flash, LAYOUT, 1, vectors.PACKAGES["none"], vectors.NEW)
    options = Options(
        notify_port=-1, needs_server=False, trial_min_ms=trial_ms, trial_max_ms=trial_ms * 2, time_server=None
    )
    trust, net = identity or make_identity(FACTS, verify), NoNet(flash.clock)
    return AgentDevice(flash, flash.clock, LAYOUT, trust, net, options, Owner(*lines), causes_readable=readable)


def run(device):
    """Boot until its owner is satisfied."""
    for _ in range(30):
        if device.boot() == ENDED:
            return device.server.answers
    raise AssertionError("no end")


def on_trial(flash):
    """Order the trial of bank 1 as an upload does."""
    record = Record(Journal(carve(flash, LAYOUT)["journal"]))
    order_trial(record, 1, hashlib.sha256(vectors.NEW).digest())
