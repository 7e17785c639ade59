"""One device: it is let in, a campaign updates it, its power fails in the middle of a flash operation, and it goes on."""

import time

from flash_tools.demo.stage import Stage
from flash_tools.demo.story import Story
from flash_tools.demo.verdict import BAD_CODE, GOOD_CODE, Wanted, faults
from flash_tools.sim import sim_files
from flash_tools.sim.sim_power import PowerSwitch
from flash_tools.sim.sim_process import POWER_CUT, SimProcess, command
from ports.sim import firmware

ID = "demo:1"
SIZE = 256 << 10
OLD, NEW = "1.0", "2.0"
WAIT_S = 60
_DARK_S = 0.7
_PACKAGE = "demo-2.0.fup"
_OPTIONS = ("--notify-port", 0, "--trial-s", 2, "--speed", 0.5, "--watchdog-ms", 2500, "--poll-s", 20)


class OneDevice:
    """The play with one device."""

    slot_url = ""

    def __init__(self, stage: Stage, behaviour: str, on_say=None):
        self._stage, self._behaviour = stage, behaviour
        self.story = Story(SIZE, [ID], on_say)
        good = behaviour == firmware.GOOD
        self.wanted = Wanted(GOOD_CODE if good else BAD_CODE, NEW if good else OLD, 1)
        self._files = self.device = self._switch = None
        self.cut_inside = False

    def __enter__(self):
        bundle = self._stage.enrol([ID])[0]
        self._files = sim_files.make(self._stage.folder / "device", bundle, size=SIZE, chip_kib=1024)
        words = command(self._files.flash, self._files.provision, *_OPTIONS)
        self.device = SimProcess(words, lambda text: self.story.line(0, text))
        self._switch = PowerSwitch([self.device]).start()
        return self

    def __exit__(self, *exception):
        self._switch.stop()

    def banks(self) -> list[dict]:
        """Return what the device has in its flash."""
        return self.device.banks()

    def play(self) -> list[str]:
        """Do it; return what did not go as it must."""
        stage, story = self._stage, self.story
        self.device.on()
        stage.reach(ID, self.device.port())
        stage.add_slot("demo", self._switch.url.replace("{index}/{value}", "0"), ID)
        package = stage.add_package(_PACKAGE, self._files.update(NEW, self._behaviour, SIZE), self._files.key)
        story.size = package["size"]
        story.say("a campaign begins: version %s (%s) for all" % (NEW, self._behaviour))
        stage.start_campaign(_PACKAGE, [{"name": "all", "errors": ""}], confirm="Update now?")
        self._cut_and_go_on()
        campaign = stage.wait_for_campaign(WAIT_S)
        return self._faults(campaign)

    def _cut_and_go_on(self):
        """Take the power in the middle of the installation, inside a flash operation; give it back."""
        device = self.device
        line, start = "progress 0", 0
        while int(line.split()[1]) < self.story.size // 2:
            line = device.wait_for("progress", WAIT_S, start)
            start = device.lines.index(line) + 1
        device.send("cut half")
        self.cut_inside = device.wait(WAIT_S) == POWER_CUT and self.story.cuts()[0] == 1
        time.sleep(_DARK_S)
        device.on()

    def _faults(self, campaign):
        running = [bank["version"] for bank in self.banks() if bank["state"] == "runs"]
        defects = self.story.devices[0].defects
        return faults(self.wanted, running, self._stage.orders(), campaign, int(self.cut_inside), defects)
