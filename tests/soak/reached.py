"""What the worlds have reached: rows of the two tables, FUMO's states, codes as they came over the wire, places of cuts."""

from agent import lifecycle
from agent.causes import ROWS
from agent.lifecycle import PHASES

EVENTS = ("ok", "fail", "again", "held", "same")
FOUND = ("stayed", "trying", "fell", "kept")
_EDGES = (
    "10-30 10-50 50-60 30-40 30-20 40-50 50-10 60-70 60-90 70-80 90-100 20-10 80-10 90-10 100-10"  # facts/omadm.md 1.4
)
_MORE_EDGES = (
    # a new Exec or PkgData from where the last operation has left it
    "20-30 50-30 70-30 80-30 90-30 100-30 40-30 30-10 70-10 70-60 20-50 90-50 100-50 80-50 70-50 20-60 80-60 90-60 100-60"
    # the image runs already; the loop guard; the package was lost
    " 30-90 30-50 50-90 50-70 50-80 60-80 60-50 70-90 70-80 30-60 40-60 40-20 20-90 40-90 60-100 90-80"
)
STATE_EDGES = tuple(_EDGES.split())
KNOWN_EDGES = frozenset(STATE_EDGES + tuple(_MORE_EDGES.split()))
NEXT_ROWS = tuple("%s+%s" % (PHASES[phase], EVENTS[event]) for phase, event, _ in lifecycle.NEXT)
BOOT_ROWS = tuple("%s?%s" % (PHASES[phase], FOUND[found]) for phase, found, _, _ in lifecycle.BOOT)
CODES = tuple(sorted({"%d/%d" % (code, dlota) for _, _, code, dlota in ROWS} | {"200/900"}))
_NO_ARMS = "before ARM no trial of this job was armed, and the trials of others have other numbers"
UNREACHABLE = {
    "idle?trying": "only an order arms a trial, and the journal is two copies",
    "accepted?fell": _NO_ARMS,
    "download?fell": _NO_ARMS,
    "ready?fell": _NO_ARMS,
    "trial?trying": "the trial is used up before anything of it runs",
    "report?trying": "a result is put after two records of the confirmation, or back on the confirmed bank",
}
CUT_POINTS = (
    "trial-start", "mount", "idle", "session", "push", "accepted", "download", "verify", "ready", "arm", "trial",
    "confirm", "fallback", "report", "posting",
)  # fmt: skip


class Reached:
    """Sets of names; two can be added."""

    def __init__(self):
        self.edges, self.codes, self.cut_points = set(), set(), set()
        self.updates = self.cuts = 0

    def add(self, other):
        """Take over what another one has seen."""
        self.edges |= other.edges
        self.codes |= other.codes
        self.cut_points |= other.cut_points
        self.updates += other.updates
        self.cuts += other.cuts

    def next_row(self, phase, event):
        """A row of lifecycle.NEXT was used."""
        self.edges.add("%s+%s" % (PHASES[phase], EVENTS[event]))

    def boot_row(self, phase, found):
        """A row of lifecycle.BOOT was met."""
        self.edges.add("%s?%s" % (PHASES[phase], FOUND[found]))

    def state(self, before, after):
        """FUMO's State has changed."""
        self.edges.add("%d-%d" % (before, after))

    def missing(self):
        """Return what was never seen, without what cannot be."""
        wanted = [name for name in NEXT_ROWS + BOOT_ROWS + STATE_EDGES if name not in UNREACHABLE]
        return {
            "edges": [name for name in wanted if name not in self.edges],
            "codes": [name for name in CODES if name not in self.codes],
            "cut points": [name for name in CUT_POINTS if name not in self.cut_points],
        }
