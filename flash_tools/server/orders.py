"""What devices were told to do and what became of it: orders, their results, and which report belongs to which order.

An order succeeded where the device reported success and, if its version was read behind that, runs something else than before.

No sockets and no commands: play.py has the commands of each step. Whoever calls holds the desk's lock.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from threading import Condition

from flash_tools.errors import ToolError
from flash_tools.server.reports import Report
from flash_tools.server.transcript import Transcript

METHODS = ("download-and-update", "download", "download-only", "push", "update")
_MOST_REPORTS = 50  # that are kept; a client may repeat its alert for ever
_SETTLE_S = 3  # how long a finished order waits for what is asked after the report


@dataclass(frozen=True)
class Outcome:
    """What became of an order; `result`: done, declined (by the user), refused (by the device), or waiting."""

    result: str
    code: int | None  # of the last report: 200 is success
    correlator: str | None
    alerts: list[Report]
    exec_status: int | None  # of the last Exec; 202 is what it should be
    statuses: list[tuple[str, str, int | None]]  # (command, target, status) of everything commanded
    notifications: list[str]  # install notifications, as they came
    firmware_before: str | None
    firmware_version: str | None  # read in the session that brought the report
    state: str | None  # x/State, read there too
    failure: str
    sessions: list[str]
    requests: int  # HTTP requests with management messages
    conflicts: list[str]  # reports that contradict an earlier one
    transcript: Transcript = field(repr=False)


@dataclass(eq=False)
class Order:
    """One update of one device. What is here is kept over a restart of the server."""

    order_id: str
    device_id: str
    method: str
    correlator: str | None
    package: str | None  # its name
    url: str | None
    confirm: str | None = None
    fumo: str | None = None  # the root of the firmware object, once it is known
    verify: bool = True
    stage: str = "waiting"  # accepted, downloaded and pushed (the Exec Update is due), done
    offered: bool = False  # an Exec may be out
    result: str = "waiting"
    code: int | None = None
    exec_status: int | None = None
    statuses: list = field(default_factory=list)
    reports: list = field(default_factory=list)
    notifications: list[str] = field(default_factory=list)
    firmware_before: str | None = None
    firmware_version: str | None = None
    state: str | None = None
    verified: bool = False
    failure: str = ""
    sessions: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    version: str = ""  # what the device is to run then, where the package says it
    choose: bool = False  # which package it is (a delta, or the full one) is decided by what the device says it runs
    token: str = ""  # the part of the download's URL that nobody can guess
    campaign: str = ""
    group: str = ""
    attempt: int = 1
    silent_s: float = 0  # after so long without a report the device is asked what it runs; 0: never
    settle_s: float = _SETTLE_S
    served: int = 0  # bytes of the package that were fetched: the furthest
    created: float = field(default_factory=time.time)
    offered_at: float | None = None
    accepted_at: float | None = None
    asked_at: float | None = None  # when it was last asked because it was silent
    ended_at: float | None = None
    told: str = "waiting"  # the word that was last told
    settled: bool = False  # nothing of it changes any more
    told_end: bool = False  # its end is in the counts

    def __post_init__(self):
        if self.method not in METHODS:
            raise ToolError("there is no method %r, only %s" % (self.method, ", ".join(METHODS)))
        self.reports = [each if isinstance(each, Report) else Report(**each) for each in self.reports]
        self.statuses = [tuple(each) for each in self.statuses]
        self._since = time.monotonic()
        self.holder = None  # the session that plays it: the last one
        self._changed: Condition | None = None
        self._transcript: Callable[[], Transcript] | None = None

    def attach(self, changed: Condition, transcript: Transcript) -> "Order":
        """Connect it with the server that runs now."""
        self._changed, self._transcript = changed, transcript
        return self

    def record(self) -> dict:
        """Return all of it for the store."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    @property
    def update_correlator(self) -> str | None:
        """Return the correlator of the Exec Update, which is the second Exec where there was an Exec Download."""
        two = self.method == "download" and self.correlator is not None
        return self.correlator + ".u" if two else self.correlator

    @property
    def is_due(self) -> bool:
        """Tell whether the device is to be commanded something."""
        return self.stage in ("waiting", "downloaded", "pushed")

    @property
    def wants_look(self) -> bool:
        """Tell whether the version is to be read after the report."""
        return self.verify and self.result == "done" and not self.verified

    @property
    def finished(self) -> bool:
        """Tell whether nothing more is to come."""
        if self.result == "waiting":
            return False
        return not self.wants_look or time.time() - (self.ended_at or self.created) > self.settle_s

    @property
    def success(self) -> bool | None:
        """Tell whether the device runs what it should, None as long as that is open."""
        if not self.finished:
            return None
        return not self.failure and (self.result == "found" or (self.result == "done" and 200 <= self.code < 300))

    @property
    def word(self) -> str:
        """Return where it is, in a word."""
        if self.result == "cancelled":
            return "cancelled"
        if self.finished:
            return "done" if self.success else "failed"
        if self.result != "waiting":
            return "accepted"  # its version is to be read yet
        if self.stage == "waiting":
            return "offered" if self.offered else "waiting"
        return "downloaded" if self.stage == "downloaded" else "accepted"

    def note_time(self, word: str):
        """Note when it came that far."""
        if word != "waiting" and self.offered and self.offered_at is None:
            self.offered_at = time.time()
        if word in ("accepted", "downloaded") and self.accepted_at is None:
            self.accepted_at = time.time()

    def note_notification(self, text: str):
        """Note an install notification."""
        self.notifications = [*self.notifications[-_MOST_REPORTS:], text]

    def is_silent(self, now: float) -> bool:
        """Tell whether the device should be asked what it runs: it accepted, and has not reported for long."""
        if not self.silent_s or self.result != "waiting" or self.accepted_at is None:
            return False
        return now - (self.asked_at or self.accepted_at) >= self.silent_s

    def look(self, firmware: str | None, state: str | None):
        """Take what the device runs after its report: success without another version is none."""
        self.firmware_version, self.state, self.verified = firmware, state, True
        reported = self.code is not None and 200 <= self.code < 300 and self.method != "download-only"
        if not reported or firmware is None or (self.version and firmware == self.version):
            return
        if firmware == self.firmware_before:
            self.failure = "the device reported %d and still runs %s" % (self.code, firmware)
        elif self.version:
            self.failure = "the device reported %d and runs %s, not %s" % (self.code, firmware, self.version)

    def matches(self, report: Report) -> bool:
        """Tell whether a report is about this order: by correlator; one that has none is about what is under way."""
        if report.correlator is not None:
            return report.correlator in (self.correlator, self.update_correlator)
        expected = {"download-only": "download", "push": "update"}.get(self.method, self.method.replace("-", ""))
        known = report.kind == expected or (self.method, report.kind) == ("download", "update")
        return known and self.offered and (self.correlator is None or self.result == "waiting")

    def take(self, report: Report):
        """Take a report that matches."""
        if len(self.reports) >= _MOST_REPORTS:
            return
        earlier = [each for each in self.reports if each.kind == report.kind]
        copy = any(each.code == report.code for each in earlier)
        if earlier and not copy:
            self.conflicts.append("%s %d after %d" % (report.kind, report.code, earlier[0].code))
        self.reports.append(Report(**{**asdict(report), "copy": copy}))
        if earlier:
            return
        if (self.method, report.kind) == ("download", "download") and 200 <= report.code < 300:
            self.stage = "downloaded"
        else:
            self.finish("done", report.code)

    def finish(self, result: str, code: int | None = None, failure: str = ""):
        """Note how it ended."""
        self.stage, self.result, self.code, self.failure = "done", result, code, failure
        self.ended_at = time.time()

    def note_session(self, session_id: str):
        """Note a session that was about it."""
        if session_id not in self.sessions:
            self.sessions = [*self.sessions[-_MOST_REPORTS:], session_id]

    def wait(self, timeout: float = 60) -> Outcome:
        """Wait for the end; the outcome says "waiting" where the time was too short."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self.finished and time.monotonic() < deadline:
                self._changed.wait(min(0.5, max(0, deadline - time.monotonic())))
            return self.outcome

    @property
    def outcome(self) -> Outcome:
        """Return what is known by now."""
        with self._changed:
            part = self._transcript.since(self._since)
            return Outcome(
                result=self.result,
                code=self.code,
                correlator=self.correlator,
                alerts=list(self.reports),
                exec_status=self.exec_status,
                statuses=list(self.statuses),
                notifications=list(self.notifications),
                firmware_before=self.firmware_before,
                firmware_version=self.firmware_version,
                state=self.state,
                failure=self.failure,
                sessions=list(self.sessions),
                requests=part.count("dm"),
                conflicts=list(self.conflicts),
                transcript=part,
            )


def _plain(value):
    if isinstance(value, list):
        return [asdict(each) if isinstance(each, Report) else each for each in value]
    return value
