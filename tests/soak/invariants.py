"""What must hold in every world, watched from outside: at each boot, before each step, with each message, and at the end.

The rules are those of docs/protocol.md (jobs, results) and docs/architecture.md (invariants). Knows what a power cut may do.
"""

import hashlib

from agent import bank_header, lifecycle
from agent.causes import ROWS
from agent.job import ARM, IDLE, READY, REPORT, TRIAL
from ports.sim import firmware
from ports.sim.power import Violation
from tests.powercut.watch import Watch
from tests.soak.events import phase_of
from tests.soak.jobs import DONE, OPEN, Jobs
from tests.soak.reached import KNOWN_EDGES

_PAIRS = {(code, dlota) for _, _, code, dlota in ROWS} | {(200, 900)}


class Judge(Watch):
    """Raises Violation, or notes it where an exception would be lost on its way."""

    def __init__(self, world):
        super().__init__(world)
        self._world, self._plan, self._seen = world, world.plan, world.seen
        self.violations = []
        self.jobs = Jobs()
        self.resets = 0  # by the watchdog
        self.told_by = {}  # order -> what the download server was told
        self._state = 10
        self._booted = 0, 0
        self._flashed = False  # since the last boot

    def check(self, holds, text, *arguments):
        """Count a check; raise where it does not hold."""
        self.checks += 1
        if not holds:
            raise Violation(text % arguments if arguments else text)

    # -- a boot -------------------------------------------------------------------------------------------------------

    def powered(self, device):
        """Guard the confirmed bank before the first stage runs."""
        super().powered(device)
        boot = device.hardware.boot
        self._booted = self._world.clock.ms(), len(self._world.web.requests)
        confirm, set_trial = boot.confirm, boot.set_trial

        def watched_confirm():
            self._check_confirmation()
            confirm()

        def watched_set_trial(bank, attempt):
            job = self.jobs.current
            job.attempts.add(attempt)
            self.check(not job.results, "a trial is armed after the result was put")
            self.check(len(job.attempts) <= lifecycle.MAX_ARMS, "a trial is armed for the fourth time")
            self.check(bank != boot.confirmed(), "the confirmed bank is put on trial")
            set_trial(bank, attempt)

        boot.confirm, boot.set_trial = watched_confirm, watched_set_trial

    def mounted(self, device):
        """Look at what runs, and at what the journal still knows."""
        boot, record, before = device.hardware.boot, device.agent.record, self.confirmed
        super().mounted(device)
        if self.fell_back:
            for job in self.jobs.all:
                job.excused = True
        self.check(self.unsure or boot.confirmed() == self.confirmed, "another bank is confirmed than %d", before)
        self.check(any(self._is_whole(hard) for hard in device.hardware.banks), "no bank holds a whole image")
        self.jobs.watch(record)
        self._watch_rows(record)
        bank = record.package.bank
        self._seen.boot_row(record.job.phase, lifecycle.situation(boot, bank, record.job.attempt()))

    def _watch_rows(self, record):
        plain, finish = record.go, record.finish

        def watched_finish(code, *args, **more):
            job = self.jobs.current
            self.check(job.excused or all(code == each for each in job.results), "results differ: %s", code)
            finish(code, *args, **more)
            job.results.append(code)  # a cut in the put may have lost it

        record.finish = watched_finish

        def go(event, more=()):
            self._seen.next_row(record.job.phase, event)
            plain(event, more)

        record.go = go

    # -- a step -------------------------------------------------------------------------------------------------------

    def look(self, agent):
        """Look at the agent before it does its next step."""
        job, meetings = agent.record.job, agent._meetings
        if job.phase == IDLE and self.unsure:  # the job is over, so the boot control has decided
            self.confirmed, self.unsure = agent.hardware.boot.confirmed(), False
            self._set_guard()
        if meetings and meetings.active:
            self.check(job.phase not in (ARM, TRIAL), "a session in a trial")
        self.check(job.phase == IDLE or not self._flashed, "an order goes on after a re-flash")
        self._flashed = False
        state = agent.update.state
        if state != self._state:
            edge = "%d-%d" % (self._state, state)
            self._seen.state(self._state, state)
            self._state = state
            self.check(edge in KNOWN_EDGES or state == 10, "State goes %s", edge)

    def connecting(self):
        """The device opens a connection."""
        self._note(len(self._world.net.streams) > 1, "two connections at a time")

    def asked(self, host, method, path):
        """A request has come."""
        agent = self._world.device.agent
        if not agent or self._world.device.where == "boot":
            return
        phase, active = agent.record.job.phase, agent._meetings.active if agent._meetings else False
        if host in ("files", "cdn") and method == "GET":
            self._note(phase in (REPORT, READY, ARM, TRIAL, IDLE), "a download in phase %d" % phase)
            self._note(active, "a download in a session")
        elif path == "/dm" and phase in (ARM, TRIAL):
            self._note(not self._plan.needs_server, "a management message in a trial")

    # -- what servers hear --------------------------------------------------------------------------------------------

    def alert(self, server, report, status):
        """A server has a result."""
        job = self.jobs.find(server, report.kind, report.correlator)
        if self._note(job is None, "an alert that no order has led to: %s %s" % (report.kind, report.correlator)):
            return
        self._note(job.state == DONE, "an alert after the job had ended: " + str(job))
        told = (report.code, report.type, report.source, report.format, report.mark)
        self._note(any(told != each for each in job.alerts), "alerts differ: %s, %s" % (job.alerts, told))
        job.alerts.append(told)
        job.answers.append(status)
        if 200 <= report.code < 300 and report.kind != "download":
            self._check_success(job)
        if job.told and not job.excused:
            self._seen.codes.add("%d/%d" % (report.code, job.told[0]))
            pair = (report.code, job.told[0])
            self._note(pair not in _PAIRS, "the codes %d and %d do not belong together" % pair)

    def told(self, number, text):
        """A download server has an install notification."""
        code, job = int(text[:3]), self.jobs.current
        if self._note(job is None, "an install notification without an order"):
            return
        self._note(bool(job.alerts) and job.state == OPEN, "an install notification behind the alert")
        self._note(
            not job.excused and any(code != each for each in job.told),
            "install notifications differ: %s, %d" % (job.told, code),
        )
        job.told.append(code)
        self.told_by.setdefault(number, set()).add(code)

    def _check_success(self, job):
        device = self._world.device
        self._note(self.in_trial(), "success told in a trial")
        if job is self.jobs.current:
            digest = hashlib.sha256(self._world.images[device.version]).digest()
            holds = device.agent.record.job.digest == digest
            self._note(not holds, "success told while %s runs" % device.version)

    def _note(self, wrong, text):
        """Note what is wrong where a server looks: an exception would come out in the middle of the network."""
        self.checks += 1
        if wrong:
            self.violations.append(text)
        return wrong

    # -- power and owners ---------------------------------------------------------------------------------------------

    def where(self):
        """Name the place of a cut."""
        device = self._world.device
        agent = device.agent
        if self.confirming:
            return "confirm" if agent else "fallback"
        if device.where == "boot":
            return "trial-start"
        if not agent or not agent._meetings:
            return "mount"
        phase = phase_of(agent)
        if phase == "session" and agent.record.progress.image:
            return "push"
        posting = phase == "report" and agent.record.outbox.dlota
        return "posting" if posting else phase

    def cut(self, effect):
        """Count a cut, or a reset, that is about to happen."""
        self._seen.cut_points.add(self.where())
        self._seen.cuts += 1
        if self.in_trial():
            self.trial_cuts += 1
            self.trial_resets += effect == "reset"
        self.resets += effect == "reset"
        self.unsure = self.unsure or self.confirming

    def flashed(self):
        """The owner has put another firmware into the confirmed bank."""
        self.jobs.drop()
        self.unsure = False
        self._flashed = True
        for job in self.jobs.all:
            job.flashed = True

    def dropped(self):
        """The owner has reset the device."""
        self.jobs.drop()

    # -- the end ------------------------------------------------------------------------------------------------------

    def check_end(self):
        """Hold the end against what the world may come to."""
        for job in self.jobs.all:
            if job.state in (OPEN, DONE) and not job.excused:
                self.check(job.alerts, "no alert has come for " + str(job))
                self.check(job.state == OPEN or job.delivered, "a result was dropped: %s", job.answers)
        for task in self._world.tasks:
            self._check_task(task)
        self._seen.updates += sum(bool(job.alerts) for job in self.jobs.all)
        self._check_told()
        if self._plan.dlotas is not None:
            failed = {952} if self.trial_cuts > 2 or self.trial_resets else set()
            wrong = self.told_by.get(0, set()) - set(self._plan.dlotas) - failed
            self.check(not wrong, "the download server was told %s", wrong)

    def _check_told(self):
        """A download server that wants to be told is told, where nothing stands in the way of that."""
        plan, asked = self._plan, [path for _, _, path in self._world.web.requests]
        hindered = plan.events or plan.cuts or any(wire.path.startswith("/notify") for wire in plan.wires)
        if len(plan.orders) == 1 and plan.orders[0].notify and "/0.dd" in asked and not hindered:
            served = not any(wire.host == "files" for wire in plan.wires)
            self.check(not served or self.told_by, "the download server was not told")

    def _check_task(self, task):
        codes, wanted = set(task.codes), self._plan.codes
        order = task.order
        if task.number:
            good = order.behaviour == firmware.GOOD and not order.flaw and not order.dflaw
            wanted = order.codes or (200,) if good else order.codes
        if order.statuses is not None:
            self.check(task.status in order.statuses, "order %d is answered with %s", task.number, task.status)
        if not codes or wanted is None:
            return
        allowed = set(wanted)
        if self.trial_cuts > 2 or self.trial_resets:
            allowed.add(410)
        if self.trial_cuts > 9:
            allowed.add(409)
        self.check(codes <= allowed, "order %d came to %s, not to %s", task.number, sorted(codes), sorted(allowed))
        last = self.jobs.all[-1]
        if order.method != "fetch" and codes == {200} and last.correlator == order.correlator:
            right = self._world.device.version == order.version or self.fell_back or last.flashed
            self.check(right, "%s runs at the end", self._world.device.version)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _check_confirmation(self):
        """New firmware is confirmed only by what it shows itself to do."""
        device, (since, requests) = self._world.device, self._booted
        if device.hardware.boot.running() == device.hardware.boot.confirmed():
            return
        self.check(self._world.clock.since(since) >= device.options.trial_min_ms, "confirmed too early")
        self.check(device.where == "trial" and not device.hardware.self_tests, "confirmed though it is unfit")
        asked = [host for host, _, path in self._world.web.requests[requests:] if path == "/dm"]
        self.check(asked or not self._plan.needs_server, "confirmed though no server was reached")

    def _is_whole(self, hard):
        """Tell whether a bank has a header; that its image is whole was checked."""
        return bank_header.read_text(Plain(self._world.flash, hard.header.start), bytearray(3072)) > 0


class Plain:
    """What the cells hold, whatever a read would make of it."""

    def __init__(self, flash, start):
        self._flash, self._start = flash, start

    def read(self, addr, into):
        """Copy the cells."""
        self._flash.copy(self._start + addr, into)
