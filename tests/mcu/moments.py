"""Where a power cut has hit a board, by what it had said since its start and by what its chip holds."""

from agent.job import ACCEPTED, ARM, DOWNLOAD, IDLE, READY, REPORT, TRIAL
from agent.journal import Journal
from agent.record import Record
from hal.boot_record import ARMED, TRIED

PHASES = ("boot", "session", "download", "verify", "ready", "install", "trial", "report")
IDLE_NAME = "idle"
# Ways to meet a phase for certain, each the beginnings of lines behind which it is, and how long it goes on there, in seconds
LINES = {
    "session": ((("session open",),), 0.3),
    "download": ((("state 30",), ("progress",)), 0.8),
    "verify": ((("state 40",),), 0.1),
    "ready": ((("state 50",),), 0),
    "install": ((("state 60",), ("reset commanded",)), 0.02),
    "trial": ((("boot 1 bank 0 trial", "boot 1 bank 1 trial"),), 0.6),
    "report": ((("result",),), 0.3),
}
_RANKS = {IDLE: 0, ACCEPTED: 1, DOWNLOAD: 2, READY: 4, ARM: 5, TRIAL: 6, REPORT: 7}  # places in PHASES
_BY_JOB = {IDLE: IDLE_NAME, ACCEPTED: "session", READY: "ready", ARM: "install", TRIAL: "trial", REPORT: "report"}


class Left:
    """What a cut has left on the chip of `goods`."""

    def __init__(self, goods):
        regions = goods.regions()
        self.boot, self.record = goods.boot(), Record(Journal(regions["journal"]))
        self.job = self.record.job

    @property
    def on_trial(self):
        """Tell whether a trial is armed or has begun: a cut uses it up."""
        return self.boot.state in (ARMED, TRIED)

    @property
    def rank(self):
        """Return how far the update is, a place in PHASES."""
        return _RANKS[self.job.phase]


def phase_of(said, left):
    """Return the phase of PHASES that a cut has hit, or "idle"; `said` are the lines since the start that it ended."""
    start = [line for line in said if line.startswith("boot 1 ")]
    if not start:
        return "boot"
    phase = left.job.phase
    if " trial " in start[0] and phase in (ARM, TRIAL):
        return "trial"
    if phase == REPORT:
        return "report"
    if _last(said, "session ") == "session open":
        return "session"
    if phase == DOWNLOAD:
        return "verify" if _last(said, "state ") == "state 40" else "download"
    return _BY_JOB[phase]


def ahead(left):
    """Return the phases that are still to come in an update, a start among them."""
    return [name for at, name in enumerate(PHASES) if at == 0 or at >= max(left.rank, 1)]


def _last(said, begin):
    found = [line for line in said if line.startswith(begin)]
    return found[-1] if found else ""
