"""What happened: sessions, their messages, events, counts; keeping all of that small, and safe."""

import time
from collections import Counter

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

    @locked
    def trace(self, number: int) -> dict:
        """Return a session with its messages, decoded, without secrets."""
        row = self.store.session(number)
        if row is None:
            raise ToolError("there is no session %d, or it is too long ago" % number)
        messages = trace.message_views(self.store.messages(number), self.transcript.secrets)
        return {**views.session(row), "messages": messages}

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
            "results": {str(code): count for code, count in desk.codes.items()},
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

    @locked
    def backup(self, path: str):
        """Write a copy of the store."""
        self.store.backup(path)
        self.desk.events.add("upkeep", "a copy of the store was written")
        self.desk.commit()


def _bounded(limit):
    return max(1, min(int(limit), _MOST))
