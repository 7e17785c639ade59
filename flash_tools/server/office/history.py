"""What happened: sessions, their messages, events, counts; keeping all of that small, and safe."""

import time
from collections import Counter
from contextlib import nullcontext

from flash_tools.errors import ToolError
from flash_tools.server import trace, views
from flash_tools.server.office.base import Base, locked

_BUCKET_S = 300
_MOST = 1000
_DAY_S = 86400


class History(Base):
    """What people look at."""

    @locked
    def sessions(self, device_id="", limit=50) -> list[dict]:
        """Return sessions, the newest first."""
        return [views.session(row) for row in self.store.sessions(device_id, _bounded(limit))]

    def trace(self, number: int) -> dict:
        """Return a session with its messages, decoded, without secrets; takes long, hence mostly without the lock."""
        row, messages, secrets = self._kept(number)
        return {**views.session(row), "messages": trace.message_views(messages, secrets)}

    @locked
    def _kept(self, number):
        row = self.store.session(number)
        if row is None:
            raise ToolError("there is no session %d, or it is too long ago" % number)
        return row, self.store.messages(number), set(self.transcript.secrets)

    @locked
    def timeline(self, device_id="", campaign="", after=0, limit=200, kinds=()) -> list[dict]:
        """Return events, the newest last: those behind `after`, or the newest ones where it is 0."""
        return self.store.events(device_id, campaign, after, _bounded(limit), tuple(kinds))

    @locked
    def history(self, hours: float = 24) -> dict:
        """Return counts over time for charts."""
        self._put_tally()
        since = time.time() - min(max(hours, 1), 24 * 366) * 3600
        columns = list(zip(*self.store.tallies(since), strict=True)) or [()] * 5
        return dict(zip(("at", "messages", "bytes", "done", "failed"), map(list, columns), strict=True))

    def _put_tally(self):
        if self._tally:
            counts = [self._tally[name] for name in ("messages", "bytes", "done", "failed")]
            self.store.add_tally(int(time.time()) // _BUCKET_S * _BUCKET_S, *counts)
            self._tally.clear()

    @locked
    def counters(self) -> dict:
        """Return counts of everything."""
        desk, now = self.desk, time.time()
        states = Counter(views.state(desk, device_id, now) for device_id in desk.devices)
        return {
            "devices": dict(states),
            "orders": dict(Counter(order.word for order in desk.orders.values())),
            "results": {str(code): count for code, count in desk.intake.codes.items()},
            "overdue": sum(profile.is_overdue(now) for profile in desk.profiles.values()),
            "refused": dict(self.refused),
            "quarantined": len(self.strangers),
            "packages": len(desk.packages),
            "uptime_s": now - self.started,
            **{name: self.counts[name] for name in ("messages", "sessions", "bytes_served")},
        }

    @locked
    def prune(self, keep_days: float) -> dict:
        """Take out what is older than that."""
        if keep_days <= 0:
            raise ToolError("keep at least a part of a day")
        found = self.store.prune(time.time() - keep_days * _DAY_S)
        if any(found.values()):
            self.desk.events.add("upkeep", "%(sessions)d sessions and %(events)d events taken out" % found)
        self.desk.commit()
        return found

    def backup(self, path: str):
        """Write a copy of the store; devices are answered meanwhile, for a large one takes a while."""
        with self.desk.changed if self.store.path == ":memory:" else nullcontext():
            self.store.backup(path)
        self._note_backup()

    @locked
    def _note_backup(self):
        self.desk.events.add("upkeep", "a copy of the store was written")
        self.desk.commit()


def _bounded(limit):
    return max(1, min(int(limit), _MOST))
