"""What a scenario did to its board, counted for build/rig.json: boots, power cuts by phase, and what must never happen."""

from collections import Counter

# What a board was doing, by the FUMO state that it said last.
_PHASES = {
    "10": "idle",
    "20": "report",
    "30": "download",
    "40": "verify",
    "50": "ready",
    "60": "install",
    "70": "report",
}
_DONE = "report"
KILLED, TORN = (
    "killed",
    "torn",
)  # an emulated board's power goes by SIGKILL, at any moment, or inside of one operation of its chip
CUT_PHASES = ("boot", "accepted", "download", "verify", "ready", "install", "trial", "report")
LEAST_CUTS, LEAST_KILLED, LEAST_TORN = 100, 5, 5  # of a whole run: of both kinds, by SIGKILL in each phase, torn ones
_SUMS = ("scenarios", "passed", "other_tests", "skipped", "boots")
_TRIAL = "trial"


class Tally:
    """One scenario's counts."""

    def __init__(self):
        self.boots, self.cuts, self.violations = 0, Counter(), []
        self.emulated: Counter = Counter()  # cuts of emulated boards, by kind and phase
        self.measured: dict[str, float] = {}  # figures of its own for build/rig.json, by their names there

    def heard(self, line: str) -> None:
        """Count what a board says."""
        if line.startswith("boot "):
            self.boots += 1
        elif line.startswith("defect"):
            self.violation(line)

    def cut(self, phase: str, kind: str = "") -> None:
        """Count a power cut; `kind` is KILLED or TORN where the board is an emulated one."""
        self.cuts[phase] += 1
        if kind:
            self.emulated[kind + " " + phase] += 1

    def violation(self, text: str) -> None:
        """Note that something happened that must never happen; the scenario need not end there."""
        self.violations.append(text)

    def packed(self) -> dict:
        """Return it as what a report can carry."""
        found = {"boots": self.boots, "cuts": dict(self.cuts), "violations": self.violations}
        return {**found, "emulated": dict(self.emulated), "measured": self.measured}


def phase_of(lines: list[str]) -> str:
    """Return what a board that said these lines is doing."""
    phase, trial = "idle", False
    for line in lines:
        words = line.split()
        if words[:1] == ["boot"] and len(words) > 4:
            trial = words[4] == "trial"
        elif words[:1] == ["state"] and len(words) == 2:
            phase = _PHASES.get(words[1], _DONE)
    return _TRIAL if trial and phase == "install" else phase


class Total:
    """The sum of a run."""

    def __init__(self):
        self.scenarios = self.passed = self.skipped = self.boots = self.other_tests = 0
        self.cuts, self.violations, self.measured = Counter(), [], {}
        self.emulated: Counter = Counter()

    def add(self, name: str, outcome: str, counted: dict | None) -> None:
        """Add a test; one that has counted is a scenario. One that failed without saying what was violated is a violation too."""
        if outcome == "skipped":
            self.skipped += 1
            return
        if counted is None:
            self.other_tests += 1
        else:
            self.scenarios += 1
            self.passed += outcome == "passed"
        found = counted or {}
        self.boots += found.get("boots", 0)
        self.cuts.update(found.get("cuts", {}))
        self.emulated.update(found.get("emulated", {}))
        self.measured.update(found.get("measured", {}))
        told = ["%s: %s" % (name, text) for text in found.get("violations", ())]
        self.violations += told or (["%s failed" % name] if outcome != "passed" else [])

    def merge(self, packed: dict) -> None:
        """Add what another run has packed."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + packed[name])
        self.cuts.update(packed["cuts"])
        self.emulated.update(packed["emulated"])
        self.measured.update(packed["measured"])
        self.violations += packed["violations"]

    def packed(self) -> dict:
        """Return it as JSON has it."""
        fields = {name: getattr(self, name) for name in _SUMS}
        found = {"cuts": dict(self.cuts), "emulated": dict(self.emulated), "violations": self.violations}
        return {**fields, **found, "measured": self.measured}

    def of_kind(self, kind: str) -> dict[str, int]:
        """Return how often emulated boards were cut so, by phase."""
        return {name.split()[1]: count for name, count in sorted(self.emulated.items()) if name.split()[0] == kind}

    def check_whole(self) -> None:
        """Note what a whole run lacks: a run that cuts too little proves nothing."""
        killed, torn = self.of_kind(KILLED), sum(self.of_kind(TORN).values())
        short = [name for name in CUT_PHASES if killed.get(name, 0) < LEAST_KILLED]
        if sum(killed.values()) + torn < LEAST_CUTS or short or torn < LEAST_TORN:
            text = "the power of emulated boards went too rarely: %d times and %d torn (at least %d in all), too rarely in %s"
            self.violations.append(text % (sum(killed.values()), torn, LEAST_CUTS, short or "no phase"))

    def figures(self, seconds: float) -> dict:
        """Return what build/rig.json says."""
        by_phase = dict(sorted(self.cuts.items()))
        return {
            "scenarios": self.scenarios,
            "passed": self.passed,
            "other_tests": self.other_tests,
            "skipped": self.skipped,
            "power_cuts": sum(by_phase.values()),
            "cuts_by_phase": by_phase,
            **{"cuts_" + phase: count for phase, count in by_phase.items()},
            "cuts_killed": sum(self.of_kind(KILLED).values()),
            "killed_by_phase": self.of_kind(KILLED),
            "cuts_torn": sum(self.of_kind(TORN).values()),
            "torn_by_phase": self.of_kind(TORN),
            "boots": self.boots,
            "violations": len(self.violations),
            **self.measured,
            "seconds": round(seconds, 1),
        }
