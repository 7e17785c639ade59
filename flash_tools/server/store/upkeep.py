"""Keeping the store small and safe: retention, backup, forgetting a device."""

import os
import sqlite3
from contextlib import closing

from flash_tools.errors import ToolError
from flash_tools.server.store.connection import MESSAGES, Connection


class Upkeep(Connection):
    """What an operator asks for now and then."""

    def prune(self, before: float) -> dict[str, int]:
        """Take out what happened before that: sessions with their messages, events, counts."""
        self._drop_messages("SELECT id FROM session WHERE ended < ?", before)
        found = {
            "sessions": self._db.execute("DELETE FROM session WHERE ended < ?", (before,)).rowcount,
            "events": self._db.execute("DELETE FROM event WHERE at < ?", (before,)).rowcount,
        }
        self._db.execute("DELETE FROM tally WHERE at < ?", (before,))
        return found

    def forget(self, device_id: str):
        """Take out everything about a device."""
        self._drop_messages("SELECT id FROM session WHERE device = ?", device_id)
        for table in ("session", "event", "node"):
            self._db.execute("DELETE FROM %s WHERE device = ?" % table, (device_id,))
        self._db.execute("DELETE FROM record WHERE kind IN ('device', 'profile') AND id = ?", (device_id,))

    def _drop_messages(self, sessions, value):
        spans = [(number * MESSAGES, (number + 1) * MESSAGES - 1) for (number,) in self._db.execute(sessions, (value,))]
        self._db.executemany("DELETE FROM message WHERE id BETWEEN ? AND ?", spans)

    def _reader(self):
        """Return a connection of its own, that sees what was kept before, and holds up nobody."""
        kept = sqlite3.connect(":memory:" if self.path == ":memory:" else self.path)
        if self.path == ":memory:":
            self._db.backup(kept)
        return kept

    def backup(self, path: str):
        """Write a copy that is consistent, whatever else is going on; secrets of devices are in it."""
        part = str(path) + ".part"
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            with closing(self._reader()) as source, closing(sqlite3.connect(part)) as other:
                source.backup(other)
                other.execute("PRAGMA journal_mode=DELETE")  # one file, no companions
            os.replace(part, path)
        except (OSError, sqlite3.Error) as error:
            raise ToolError("cannot write %s: %s" % (path, error)) from None
