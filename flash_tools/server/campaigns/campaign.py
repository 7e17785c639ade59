"""One campaign: who gets an order when, and what becomes of it. No sockets, no SQL, no threads, no clock.

Whoever runs campaigns (`book` is that side) holds one lock round all of it, and
1. calls `open(rows)` once with all devices, `do(action)` for the user, `arrive(row)` for a device that came later,
   `leave(device)` for one that is removed, `touched(device)` whenever an order or a device of the campaign may have
   changed (an outcome, a stage, a device free again), and `advance(now, book)` after each of those and once a second;
   a tick where nothing was touched is cheap;
2. then commits, in ONE transaction: the orders that `book.place` and `book.cancel` changed, `record()`, and the targets
   of `take_dirty()`. Only that makes "one order for a device and attempt" true over a kill: a target's order and state
   change together here, and must be as old or as new as the orders in the store;
3. throws the campaign away and makes it again with `from_record` where anything was raised, or the commit failed.

What the book must do:
    place(campaign, device, group, attempt) -> order id; None: not now (busy, paused), asked again when it is touched
        or a minute later; a ToolError is a failure of this device, not tried again. Sends nothing before the commit.
    stage(order id) -> "waiting", "offered" (an Exec may have left), "cancelled" (by somebody else), or any later
        stage: the device has said 202
    outcome(order id) -> None while under way, or Outcome; for an order that nobody knows: a failed one
    cancel(order id) -> True: it never left and never will; False: it may have left
"""

from flash_tools.errors import ToolError
from flash_tools.server.campaigns import filter as filters
from flash_tools.server.campaigns import views
from flash_tools.server.campaigns.groups import sizes
from flash_tools.server.campaigns.life import KEPT, Life
from flash_tools.server.campaigns.spec import Spec
from flash_tools.server.campaigns.targets import ACCEPTED, FAILED, ORDERED, SKIPPED, SUCCESS, WAITING, Outcome, Target
from flash_tools.server.campaigns.window import in_window

LOOK_AGAIN_S = 60  # all under way are looked at that often, touched or not
BATCH = 200  # orders placed by one `advance`: the lock is not held for thousands
_NOT_LEFT = ("waiting", "offered")


class Campaign(Life):
    """`version`: what the package brings; devices that run it already are skipped."""

    def __init__(self, spec: Spec, *, version: str = "", created: float | None = None, record: dict | None = None):
        super().__init__(spec, version, created, record)
        self._fits, self._start_at = filters.compile(spec.filter), spec.start_at
        self._looked_at: float | None = None
        self._in_window = True

    # -- kept over a restart ------------------------------------------------------------------------------------------

    @classmethod
    def from_record(cls, record: dict, targets) -> "Campaign":
        """Make it again from `record()` and the targets' records."""
        campaign = cls(Spec.from_record(record["spec"]), record=record)
        for target in targets:
            campaign._roster.add(Target(**target))
        return campaign

    def record(self) -> dict:
        """Return all of it but the targets."""
        groups = [group.record() for group in self.groups]
        return {"spec": self.spec.record(), "groups": groups, **{key: getattr(self, key) for key in KEPT}}

    @property
    def targets(self) -> dict[str, Target]:
        """Return the targets by device id."""
        return self._roster.targets

    @property
    def dirty(self) -> set[str]:
        """Return the devices whose targets are to be kept again."""
        return self._roster.dirty

    def take_dirty(self) -> list[dict]:
        """Return the records of the targets that have changed, once."""
        records = [self.targets[device].record() for device in sorted(self.dirty)]
        self.dirty.clear()
        return records

    # -- who is in it -------------------------------------------------------------------------------------------------

    def open(self, rows):
        """Freeze the targets; until it starts, this can be done again with newer rows."""
        if self.state != "ready":
            raise ToolError("campaign %s is %s: its devices stay the same" % (self.spec.name, self.state))
        fitting = {row["id"]: row for row in rows if self._fits(row)}
        there = [device for device in sorted(fitting) if self._is_there(fitting[device])]
        due = [device for device in sorted(fitting) if not self._is_there(fitting[device])]
        self._enrol()
        for group, size in zip(self.groups, sizes(self.spec.groups, len(due)), strict=True):
            for device in due[:size]:
                self._add(Target(device, group.name))
            del due[:size]
        for device in there:
            self._add(Target(device, self.groups[-1].name, SKIPPED, failure="runs %s already" % self.version))

    def _is_there(self, row):
        return bool(self.version) and row.get("firmware") == self.version

    def _add(self, target):
        self._roster.add(target)
        self.dirty.add(target.device)
        self._changed = True

    def arrive(self, row: dict) -> bool:
        """Take a later device into the dynamic group; tell whether it is in now."""
        over = self.closed or self.state not in ("ready", "running", "paused") or not self.spec.groups[-1].dynamic
        if over or row["id"] in self.targets or self._is_there(row) or not self._fits(row):
            return False
        self._add(Target(row["id"], self.groups[-1].name))
        return True

    def leave(self, device: str):
        """Take out a device that is removed; where it has an order, the order's outcome decides."""
        target = self.targets.get(device)
        if target is not None and target.state == WAITING:
            self._drop(target, "the device was removed")
        self.touched(device)

    def touched(self, device: str):
        """Note that an order of a device, or the device, may have changed: `advance` looks at it."""
        self._roster.touch(device)

    # -- what time brings ---------------------------------------------------------------------------------------------

    def advance(self, now: float, book) -> bool:
        """Count results, judge the groups, place orders; tell whether anything is to be kept."""
        if self.created is None:
            self.created, self._changed = now, True
        if self.state == "ready" and self._start_at is not None and now >= self._start_at:
            self._begin()
        before, self._in_window = self._in_window, in_window(self.spec.window, now)
        if before != self._in_window or self._looked_at is None or not 0 <= now - self._looked_at < LOOK_AGAIN_S:
            self._looked_at = now
            self._roster.touch_all()
        self._look(book)
        if self.state == "running" and self._in_window:
            self._place(book)
            self._look(book)
        self._stamp(now)
        changed, self._changed = self._changed or bool(self.dirty), False
        return changed

    def _look(self, book):
        """Look at what was touched, and judge; a pause touches all under way, so that goes round once more."""
        while self._roster.touched:
            for target in self._roster.take_touched():
                self._look_at(target, book)
            self._judge()
        self._judge()

    def _look_at(self, target, book):
        self._roster.group_of(target).release(target.device)
        if target.state not in (ORDERED, ACCEPTED):
            return
        stage, outcome = book.stage(target.order), book.outcome(target.order)
        if stage == "cancelled":
            self._drop(target, "its order was cancelled")
        elif outcome is not None:
            self._end(target, outcome)
        elif stage not in _NOT_LEFT:
            if target.state != ACCEPTED:
                self._roster.put(target, ACCEPTED)
        elif (self.state != "running" or not self._in_window) and book.cancel(target.order):
            self._roster.put(target, WAITING, forgiven=target.forgiven + 1, order=None)
            if self.state == "aborted":
                self._cancel(target)

    def _end(self, target, outcome: Outcome):
        """Count an outcome, or let the device wait for its next attempt."""
        failure = "" if outcome.success else outcome.failure or "it failed without a reason"
        again = self.state != "aborted" and target.attempts - target.forgiven <= self.spec.retries
        state = SUCCESS if outcome.success else WAITING if again else FAILED
        self._roster.put(target, state, code=outcome.code, failure=failure)

    def _place(self, book):
        """Place what the limit and the size of a batch allow, in the order of ids."""
        room = min(BATCH, (self.spec.parallel or BATCH + len(self.targets)) - len(self._roster.under_way))
        for group in self.groups:
            while room > 0 and group.started and self.state == "running" and group.first() is not None:
                self._place_first(group, book)
                room -= 1

    def _place_first(self, group, book):
        target = self.targets[group.first()]
        try:
            order = book.place(self.spec.name, target.device, group.name, target.attempts + 1)
        except ToolError as error:
            self._roster.put(target, FAILED, order=None, code=None, failure="no order: %s" % error)
            self._judge()
            return
        if order is None:
            group.hold(target.device)
        else:
            self._roster.put(target, ORDERED, order=order, attempts=target.attempts + 1)

    def _stamp(self, now):
        if self.started is None and self.state not in ("ready", "aborted"):
            self.started, self._changed = now, True
        over = self.state == "finished" or (self.state == "aborted" and not self._roster.under_way)
        if over and self.ended is None:
            self.ended, self._changed = now, True
        if self.aborted is not None and "accepted" not in self.aborted:
            counts = self._roster.counts
            self.aborted |= {"accepted": counts[ACCEPTED], "offered": counts[ORDERED]}
            self._changed = True

    # -- for people ---------------------------------------------------------------------------------------------------

    def view(self) -> dict:
        """Return it for people, without its targets."""
        return views.campaign_view(self, self._roster.counts)

    def view_targets(self) -> list[dict]:
        """Return the targets for people, in the order of ids."""
        return [self.targets[device].view() for device in sorted(self.targets)]
