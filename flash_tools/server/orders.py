"""What devices were told to do and what became of it: orders, their results, and which report belongs to which order.

No sockets and no commands: play.py has the commands of each step. Whoever calls holds the desk's lock.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from threading import Condition

from flash_tools.errors import ToolError
from flash_tools.server.dm_commands import ClientAlert
from flash_tools.server.transcript import Transcript

METHODS = ("download-and-update", "download", "download-only", "push", "update")
KINDS = ("download", "update", "downloadandupdate")
REQUESTS = ("userrequest", "devicerequest")
_PREFIX, _FAMILIES = "reversed-domain-name:", ("org.openmobilealliance.dm.firmwareupdate.",)
_FAMILIES += ("org.openmobilealliance.firmwareupdate.",)
_SETTLE_S = 3  # how long a finished order waits for what is asked after the report


def alert_kind(alert_type: str) -> str:
    """Return the last word of a firmware alert's type, in every form that clients use; "" for other alerts."""
    text = alert_type.strip().lower().removeprefix(_PREFIX).strip()
    family = next((family for family in _FAMILIES if text.startswith(family)), None)
    kind = text.removeprefix(family) if family else ""
    return kind if kind in KINDS + REQUESTS else ""


@dataclass(frozen=True)
class Report:
    """A Generic Alert about an operation, as it came; `copy`: the same was reported before."""

    kind: str
    code: int  # -1: it is no number
    correlator: str | None
    source: str
    format: str
    mark: str
    type: str
    session_id: str
    copy: bool = False


def read_report(alert: ClientAlert, session_id: str) -> Report:
    """Read an alert."""
    text = alert.data.decode("utf-8", "replace").strip()
    code = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
    kind = alert_kind(alert.type)
    return Report(kind, code, alert.correlator, alert.source, alert.format, alert.mark, alert.type, session_id)


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

    def __post_init__(self):
        if self.method not in METHODS:
            raise ToolError("there is no method %r, only %s" % (self.method, ", ".join(METHODS)))
        self.reports = [each if isinstance(each, Report) else Report(**each) for each in self.reports]
        self.statuses = [tuple(each) for each in self.statuses]
        self._since = time.monotonic()
        self._ended = None
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
        return not self.wants_look or time.monotonic() - (self._ended or self._since) > _SETTLE_S

    def matches(self, report: Report) -> bool:
        """Tell whether a report is about this order: by correlator, or by kind where there is none."""
        if report.correlator is not None:
            return report.correlator in (self.correlator, self.update_correlator)
        expected = {"download-only": "download", "push": "update"}.get(self.method, self.method.replace("-", ""))
        known = report.kind == expected or (self.method, report.kind) == ("download", "update")
        return self.correlator is None and self.offered and known

    def take(self, report: Report):
        """Take a report that matches."""
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
        self._ended = time.monotonic()

    def note_session(self, session_id: str):
        """Note a session that was about it."""
        if session_id not in self.sessions:
            self.sessions.append(session_id)

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


class Task:
    """Commands for a device's next session, outside of any order; their answers are in the commands themselves."""

    def __init__(self, device_id: str, commands: list, changed: Condition):
        self.device_id, self.commands, self.done = device_id, commands, False
        self._changed = changed

    def wait(self, timeout: float = 60) -> bool:
        """Wait until they are answered; tell whether they are."""
        with self._changed:
            self._changed.wait_for(lambda: self.done, timeout)
            return self.done
