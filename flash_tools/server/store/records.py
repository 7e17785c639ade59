"""Records that are small and that the server holds in memory, too; packages; the targets of campaigns."""

import json

from flash_tools.server.store.connection import Connection

_PUT = "INSERT INTO record (kind, id, record) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET record = excluded.record"


class Records(Connection):
    """A kind of records is a word: device, profile, order, campaign, token, signer, slot, task."""

    def put(self, kind: str, key: str, record: dict):
        """Put a record; one that is there already keeps its place."""
        self.put_text(kind, key, json.dumps(record))

    def put_text(self, kind: str, key: str, text: str):
        """Put a record that is JSON already."""
        self._db.execute(_PUT, (kind, key, text))

    def drop(self, kind: str, key: str):
        """Take a record out."""
        self._db.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, key))

    def record(self, kind: str, key: str) -> dict | None:
        """Return a record."""
        row = self._db.execute("SELECT record FROM record WHERE kind = ? AND id = ?", (kind, key)).fetchone()
        return json.loads(row[0]) if row else None

    def records(self, kind: str) -> list[tuple[str, dict]]:
        """Return all records of a kind as (key, record), the oldest first."""
        rows = self._db.execute("SELECT id, record FROM record WHERE kind = ? ORDER BY seq", (kind,))
        return [(key, json.loads(text)) for key, text in rows]

    def put_target(self, campaign: str, device_id: str, record: dict):
        """Put what a campaign knows of a device."""
        self._db.execute("INSERT OR REPLACE INTO target VALUES (?, ?, ?)", (campaign, device_id, json.dumps(record)))

    def targets(self, campaign: str) -> dict[str, dict]:
        """Return what a campaign knows of its devices."""
        rows = self._db.execute("SELECT device, record FROM target WHERE campaign = ? ORDER BY device", (campaign,))
        return {device_id: json.loads(text) for device_id, text in rows}

    def drop_targets(self, campaign: str):
        """Take all targets of a campaign out."""
        self._db.execute("DELETE FROM target WHERE campaign = ?", (campaign,))

    def put_package(self, name: str, data: bytes, record: dict):
        """Put a package."""
        text = "INSERT INTO package VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        self._db.execute(text + "data = excluded.data, record = excluded.record", (name, data, json.dumps(record)))

    def drop_package(self, name: str):
        """Take a package out."""
        self._db.execute("DELETE FROM package WHERE name = ?", (name,))

    def packages(self) -> list[tuple[str, bytes, dict]]:
        """Return all packages, the oldest first."""
        rows = self._db.execute("SELECT name, data, record FROM package ORDER BY rowid")
        return [(name, data, json.loads(record)) for name, data, record in rows]
