"""Runs one world and branches from it: a snapshot before every flash operation, every effect applied to it, then on to the end.

States that were seen before are not run again: what follows a cut depends on nothing but the state it leaves.
"""

from collections import Counter
from random import Random

from agent import reset
from agent.job import ARM, DOWNLOAD, IDLE, READY, REPORT, TRIAL
from hal.boot_record import ARMED, TRIED
from ports.sim.device import CUT, RECOVERY, Device
from ports.sim.device import IDLE as ENDED
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.power import PowerCut, Reset, Violation
from tests.powercut.oracle import Oracle
from tests.powercut.worlds import identity

_MAX_BOOTS = 60
_PHASES = {DOWNLOAD: "download", READY: "arm", ARM: "arm", TRIAL: "trial", REPORT: "report", IDLE: "order"}


class Point:
    """A flash operation that is about to happen, with everything that survives a cut there."""

    def __init__(self, explorer, flash, oracle, operation):
        self.flash = flash.snapshot()
        self.oracle = oracle.state()
        self.confirming = oracle.confirming
        self.in_trial = oracle.in_trial()
        self.phase = explorer.phase()
        self.operation = operation  # ("program", addr, data) or ("erase", addr, size)
        self.scratch = explorer.device.scratch.get()

    @property
    def effects(self):
        """Return what a cut here may do."""
        return PROGRAM_EFFECTS if self.operation[0] == "program" else ERASE_EFFECTS


class Explorer:
    """One world, its chip, its device, and the books of what was seen."""

    point = Point

    def __init__(self, world):
        self.world = world
        self.flash = world.chip()
        self.oracle = self._new_oracle()
        self.device = None
        self.schedules = 0
        self.by_phase, self.by_effect = Counter(), Counter()
        self.ended_good = 0
        self.violations = []  # (path, text)
        self._seen = set()
        self._points = self._base = None
        self._hook()

    @property
    def checks(self):
        """Return how many checks the oracle has made."""
        return self.oracle.checks

    def base(self):
        """Run without a cut; return the points of the run."""
        self._new_device()
        self.oracle.set_state(self._new_oracle().state())
        self.flash.restore((dict(self.world.pages), ({}, {}, dict(self.world.bad), 1), {}))
        self._forget_candidates()
        return self._run_and_gather((self.world.name,))

    def fresh_points(self):
        """Return the points of the run without a cut, made once."""
        if self._base is None:
            self._base = self.base()
        return self._base

    def branch(self, point, effect, path, gather=False):
        """Cut at a point; return the points of what follows if asked to, None where that was seen before."""
        self.schedules += 1
        self.by_phase[point.phase] += 1
        self.by_effect[effect] += 1
        self._new_device()
        self.flash.restore(point.flash)
        self.oracle.set_state(point.oracle)
        self.device.scratch.set(point.scratch)
        self._apply(point, effect, path)
        key = self._key()
        if key in self._seen:
            return None
        self._seen.add(key)
        return self._run_and_gather(path, gather)

    def phase(self):
        """Name what the device is doing."""
        device, oracle = self.device, self.oracle
        if oracle.confirming:
            return "confirm" if device.where == "trial" or device.update else "fallback"
        if device.where == "boot":
            return "trial" if device.hardware.boot.state in (ARMED, TRIED) else "fallback"
        update = device.update
        if update is None:
            return "mount"
        if oracle.ordering:
            return "supersede"
        if update.record.job.phase in (ARM, TRIAL) and device.hardware.boot.state == TRIED and device.where == "agent":
            return "revert"
        if update.state == 40:
            return "verify"
        return _PHASES.get(update.record.job.phase, "order")

    # -- inside -------------------------------------------------------------------------------------------------------

    def _new_oracle(self):
        return Oracle(self.world)

    def _new_device(self):
        world = self.world
        self.flash.clock.us = 0
        self.device = Device(
            self.flash,
            self.flash.clock,
            world.layout,
            identity(),
            self.oracle,
            trial_policy={"server_reached": None, "min_ms": 2000, "max_ms": 6000},
            causes_readable=world.causes_readable,
        )
        self.oracle.device = self.device

    def _forget_candidates(self):
        self.oracle.candidates = [{}]

    def _hook(self):
        faults = self.flash.faults
        program, erase = faults.program, faults.erase

        def watched_program(addr, data):
            if self._points is not None:
                self._points.append(self.point(self, self.flash, self.oracle, ("program", addr, data)))
            program(addr, data)

        def watched_erase(addr, size):
            if self._points is not None:
                self._points.append(self.point(self, self.flash, self.oracle, ("erase", addr, size)))
            erase(addr, size)

        faults.program, faults.erase = watched_program, watched_erase
        self._plain = {"program": program, "erase": erase}

    def _apply(self, point, effect, path):
        """Do the operation's torn form to the cells."""
        oracle, faults, device = self.oracle, self.flash.faults, self.device
        kind, addr, what = point.operation
        if point.in_trial:
            oracle.trial_cuts += 1
            oracle.trial_resets += effect == "reset"
        oracle.unsure = oracle.unsure or point.confirming
        self.flash.ops = 1
        faults.plan(1, effect, Random(repr(path)).getrandbits(30))
        try:
            self._plain[kind](addr, what)
        except PowerCut:
            device.reset_to_come = reset.POWER
            device.scratch.set(0)
        except Reset as e:
            device.reset_to_come = e.cause
        self.flash.ops = 2

    def _key(self):
        faults = self.flash.faults
        weak = tuple(sorted(faults.weak.items()))
        shaky = (tuple(sorted(faults.unstable)), faults.seed if faults.unstable else 0)
        pages = frozenset(self.flash.pages.items())
        return hash(
            (pages, weak, shaky, self.oracle.state()[:-1], self.device.reset_to_come, self.device.scratch.get())
        )

    def _run_and_gather(self, path, gather=True):
        self._points = [] if gather else None
        try:
            self._run_to_end()
            self.ended_good += bool(self.oracle.check_end())
        except Violation as e:
            self.violations.append((path, str(e)))
        except Exception as e:  # a defect that the device itself would not catch is a finding too
            self.violations.append((path, "%s: %s" % (type(e).__name__, e)))
        points, self._points = self._points, None
        return points

    def _run_to_end(self):
        self._boot_until_ended()
        for _ in range(self.world.extra_boots):
            self.device.reset_to_come = reset.COMMANDED
            self._boot_until_ended()

    def _boot_until_ended(self):
        for _ in range(_MAX_BOOTS):
            end = self.device.boot()
            if end == ENDED:
                return
            if end == RECOVERY:
                raise Violation("only serial recovery is left")
            if end == CUT:
                raise Violation("a cut that nobody planned")
        raise Violation("%d boots without an end" % _MAX_BOOTS)
