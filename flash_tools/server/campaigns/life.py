"""The life of a campaign: its states, what users may do in each, and what the thresholds of its groups bring about.

Knows neither orders nor time; campaign.py does. A pause and an abort only mark what is under way: it is taken back,
where it has not left, when campaign.py looks at it.
"""

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.groups import Group
from flash_tools.server.campaigns.roster import Roster
from flash_tools.server.campaigns.spec import Spec
from flash_tools.server.campaigns.targets import FAILED, SKIPPED, SUCCESS, WAITING

KEPT = ("version", "created", "started", "ended", "state", "reason", "closed", "aborted")


class Life:
    """`state`: ready, running, paused, finished, aborted; `reason`: why it is paused or how it ended."""

    def __init__(self, spec: Spec, version: str, created: float | None, record: dict | None):
        self.spec, self.version, self.created = spec, version, created
        self.started = self.ended = None
        self.state, self.reason, self.closed = "ready", "", False  # closed: the dynamic group takes nobody more
        self.aborted: dict | None = None
        for key in KEPT if record else ():
            setattr(self, key, record[key])
        self._enrol(record and record["groups"])
        self._changed = False

    def _enrol(self, records=None):
        """Begin with groups that have no targets."""
        records = records or [None] * len(self.spec.groups)
        self.groups = [Group(*each) for each in zip(self.spec.groups, records, strict=True)]
        self._roster = Roster(self.groups)

    # -- what users do ------------------------------------------------------------------------------------------------

    def do(self, action: str):
        """Start, pause, resume, next, abort or retry; `advance` after it takes orders back or places them."""
        possible = _ACTIONS[self.state]
        if action not in possible:
            words = ", ".join(possible) or "nothing"
            text = "campaign %s is %s: it cannot %s; possible: %s"
            raise ToolError(text % (self.spec.name, self.state, action, words))
        possible[action](self)
        self._changed = True

    def _start(self):
        if not self.targets and not self.spec.groups[-1].dynamic:
            raise ToolError("campaign %s has no devices: its filter fits none" % self.spec.name)
        self._begin()

    def _begin(self):
        self.state, self.groups[0].started, self._changed = "running", True, True

    def _pause_by_hand(self):
        self._pause("paused by hand")

    def _pause(self, reason):
        """Nothing more leaves: what waits is taken back when it is looked at."""
        self.state, self.reason = "paused", reason
        self._roster.touch_all()

    def _resume(self):
        """Go on; the user has seen the failures that stopped a group, and starts what follows if it is over."""
        for group in self.groups:
            if group.stopped:
                group.settled = group.settled or group.is_over
                group.tolerate()
        self.state, self.reason = "running", ""

    def _next(self):
        waiting = [group for group in self.groups if not group.started]
        if not waiting and (self.closed or not self.spec.groups[-1].dynamic):
            raise ToolError("campaign %s has no further group" % self.spec.name)
        if self.state == "paused":
            self._resume()
        if waiting:
            waiting[0].started = True
        else:
            self.closed = True

    def _abort(self):
        """Cancel what has not left."""
        self.state, self.reason, self.aborted = "aborted", "aborted by hand", {"cancelled": 0}
        for device in [device for group in self.groups for device in group.waiting()]:
            self._cancel(self.targets[device])
        self._roster.touch_all()

    def _retry(self):
        """Give all that failed their attempts again."""
        failed = [target for target in self.targets.values() if target.state == FAILED]
        if not failed:
            raise ToolError("campaign %s has no failed device to try again" % self.spec.name)
        for target in failed:
            self._roster.put(target, WAITING, forgiven=target.attempts, order=None)
        for group in {self._roster.group_of(target) for target in failed}:
            group.reopen()
        if self.state == "finished":
            self.state, self.reason, self.ended = "running", "", None

    def _drop(self, target, why):
        """End a target that gets no further order: an earlier failure stays one."""
        if target.has_failed:
            self._roster.put(target, FAILED)
        else:
            self._roster.put(target, SKIPPED, failure=why)

    def _cancel(self, target):
        self._drop(target, "cancelled: the campaign was aborted")
        self.aborted["cancelled"] += 1

    # -- thresholds ---------------------------------------------------------------------------------------------------

    def _frontier(self):
        """Return the group that was started last; its success starts the next."""
        return [group for group in self.groups if group.started][-1]

    def _judge(self):
        """Stop at too many failures; start what follows a success; finish."""
        while self.state == "running":
            last = self._frontier()
            rest = self.groups[self.groups.index(last) + 1 :]
            stopped = [group for group in self.groups if group.started and group.has_failed]
            if stopped and (rest or not self._is_over()):
                self._stop(stopped[0])
            elif not rest:
                self._finish_where_over()
                return
            elif last.settled:
                rest[0].started = self._changed = True
            elif last.is_met or last.is_over:
                self._settle(last)
            else:
                return

    def _stop(self, group):
        group.stopped = self._changed = True
        words = "group %s: %d of %d devices have failed, its limit is %s"
        self._pause(words % (group.name, group.counts[FAILED], group.due, group.spec.errors))

    def _settle(self, group):
        """See to what follows a group."""
        group.settled = self._changed = True
        counts = (group.name, group.counts[SUCCESS], group.due, group.spec.success)
        if not group.is_met:
            self._pause("group %s is over: %d of %d devices have succeeded, %s are wanted" % counts)
        elif group.spec.then == "pause" and group.due:
            self._pause("group %s: %d of %d devices have succeeded, as wanted (%s); resume starts the next" % counts)

    def _is_over(self):
        return self._roster.is_over and (self.closed or not self.spec.groups[-1].dynamic)

    def _finish_where_over(self):
        if self._is_over():
            self.state, self._changed = "finished", True
            self.reason = "" if self.targets else "its filter fits no device"


_ACTIONS = {
    "ready": {"start": Life._start, "abort": Life._abort},
    "running": {
        "pause": Life._pause_by_hand,
        "next": Life._next,
        "abort": Life._abort,
        "retry": Life._retry,
    },
    "paused": {
        "resume": Life._resume,
        "next": Life._next,
        "abort": Life._abort,
        "retry": Life._retry,
    },
    "finished": {"retry": Life._retry},
    "aborted": {},
}
