"""A fleet: one token lets all devices in, a campaign updates them group by group, and their power fails at random."""

import json
import time

from flash_tools.demo.one import NEW, OLD, WAIT_S
from flash_tools.demo.stage import Stage
from flash_tools.demo.story import Story
from flash_tools.demo.verdict import BAD_CODE, GOOD_CODE, Wanted, faults
from flash_tools.errors import ToolError
from flash_tools.fleet import make_many
from flash_tools.fleet.launch import command
from flash_tools.sim import sim_process
from ports.sim import firmware

SIZE = 64 << 10
MOST = 300
_SLOTS = 8  # on the page
_PACKAGE = "fleet-2.0.fup"
_EACH_S = 0.4  # that a device may take in addition
_OPTIONS = ("--trial-s", 1, "--poll-s", 8, "--watchdog-ms", 2500, "--power-port", 0)


class ManyDevices:
    """The play with a fleet; `cuts` is none or random."""

    def __init__(self, stage: Stage, count: int, behaviour: str, cuts: str, seed: int = 1, on_say=None):
        if not 0 < count <= MOST:
            raise ToolError("a fleet has 1 to %d devices, not %d" % (MOST, count))
        self._stage, self._count, self._behaviour, self._cuts, self._seed = stage, count, behaviour, cuts, seed
        good = behaviour == firmware.GOOD
        self.wanted = Wanted(GOOD_CODE if good else BAD_CODE, NEW if good else OLD, count, int(cuts == "random"))
        self.names = ["fleet:%03d" % number for number in range(count)]
        self.story = Story(SIZE, self.names, on_say)
        self._files = self._process = None
        self._wait_s = WAIT_S + _EACH_S * count

    def __enter__(self):
        self.story.say("%d devices are let in" % self._count)
        folder = self._stage.folder / "fleet"
        self._files = make_many(folder, self._stage.enrol(self.names), size=SIZE)
        words = command(folder, "--cuts", self._cuts, "--seed", self._seed, *_OPTIONS)
        self._process = sim_process.SimProcess(words, self._line)
        return self

    def __exit__(self, *exception):
        self._process.off()

    def play(self) -> list[str]:
        """Do it; return what did not go as it must."""
        stage, story = self._stage, self.story
        self._process.on()
        self._reach_all()
        update = self._files[0].update(NEW, self._behaviour, SIZE)
        story.size = stage.add_package(_PACKAGE, update, self._files[0].key)["size"]
        groups = _groups(self._behaviour == firmware.GOOD)
        order = "a tenth of the fleet first" if len(groups) > 1 else "for all at once"
        story.say("a campaign begins: version %s (%s), %s" % (NEW, self._behaviour, order))
        stage.start_campaign(_PACKAGE, groups)
        campaign = stage.wait_for_campaign(self._wait_s)
        running = self._running() if campaign["state"] == "finished" else []
        defects = [text for seen in story.devices for text in seen.defects]
        return faults(self.wanted, running, stage.orders(), campaign, story.cuts()[0], defects)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _line(self, text):
        index, _, rest = text.partition(" ")
        if index.isdigit() and rest and not rest.startswith("banks "):
            self.story.line(int(index), rest)

    def _reach_all(self):
        url = self._process.wait_for("power ", WAIT_S).split()[1]
        for index, name in enumerate(self.names):
            heard = self._process.wait_for("%d listening " % index, WAIT_S)
            self._stage.reach(name, int(heard.split()[2]))
            if index < _SLOTS:
                self._stage.add_slot(name, url.replace("{index}/{value}", str(index)), name)

    def _running(self):
        """Return what runs on each device, as its flash says; a device that is cut now has its power again soon."""
        deadline, found = time.monotonic() + WAIT_S, {}
        while len(found) < self._count and time.monotonic() < deadline:
            for index in set(range(self._count)) - set(found):
                if version := self._version(index):
                    found[index] = version
            time.sleep(0 if len(found) == self._count else 0.2)
        return list(found.values())

    def _version(self, index):
        """Return what runs on a device, "" where it has no power."""
        start = len(self._process.lines)
        self._process.send("%d banks" % index)
        line = self._process.wait_for("%d banks " % index, WAIT_S, start)
        banks = json.loads(line.split(" ", 2)[2])
        return "".join(bank["version"] for bank in banks if bank["state"] == "runs")


def _groups(good):
    """A tenth goes first; firmware that is to fail goes to all, and stops nothing: that is what was asked for."""
    if good:
        return [{"name": "first", "percent": 10, "success": "100%"}, {"name": "rest", "percent": 90}]
    return [{"name": "all", "errors": ""}]
