"""What the server must not forget, in SQLite: devices with their secrets and nonces, orders, what devices reported, packages.

The only module that speaks SQL. Records are dicts that JSON can hold. Nothing is kept before `commit`; the caller lets
only one thread in at a time.
"""

import json
import sqlite3
import time
from dataclasses import asdict

from flash_tools.errors import ToolError
from flash_tools.server.dm_device import Device

_VERSION = 1
_SCHEMA = """
CREATE TABLE device (id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE "order" (id TEXT PRIMARY KEY, device TEXT NOT NULL, correlator TEXT, record TEXT NOT NULL);
CREATE TABLE alert (device TEXT NOT NULL, correlator TEXT, record TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE notification (token TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE package (name TEXT PRIMARY KEY, data BLOB NOT NULL, record TEXT NOT NULL);
"""
_NONCES = ("client_nonce", "server_nonce")


class Store:
    """`path` is a file, or ":memory:"."""

    def __init__(self, path: str = ":memory:"):
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level="DEFERRED")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            raise ToolError("%s is no database of this server: %s" % (path, error)) from error

    def _prepare(self, path):
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise ToolError("%s has the format %d, this program knows %d" % (path, version, _VERSION))
        if version == 0:
            self._db.executescript(_SCHEMA + "PRAGMA user_version=%d;" % _VERSION)

    def commit(self):
        """Keep what was put."""
        self._db.commit()

    def close(self):
        """Close the file."""
        self._db.close()

    def put_device(self, device: Device):
        """Put a device."""
        record = asdict(device)
        record |= {name: record[name].hex() for name in _NONCES if record[name] is not None}
        self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?)", (device.device_id, json.dumps(record)))

    def devices(self) -> list[Device]:
        """Return all devices."""
        found = []
        for (text,) in self._db.execute("SELECT record FROM device ORDER BY rowid"):
            record = json.loads(text)
            record |= {name: bytes.fromhex(record[name]) for name in _NONCES if record[name] is not None}
            found.append(Device(**record))
        return found

    def put_order(self, order_id: str, device_id: str, correlator: str | None, record: dict):
        """Put an order."""
        row = (order_id, device_id, correlator, json.dumps(record))
        # An order keeps its place among the others.
        text = 'INSERT INTO "order" VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record'
        self._db.execute(text, row)

    def orders(self) -> list[dict]:
        """Return all orders, the oldest first."""
        return [json.loads(text) for (text,) in self._db.execute('SELECT record FROM "order" ORDER BY rowid')]

    def add_alert(self, device_id: str, correlator: str | None, record: dict):
        """Add what a device reported."""
        self._db.execute(
            "INSERT INTO alert VALUES (?, ?, ?, ?)", (device_id, correlator, json.dumps(record), time.time())
        )

    def alerts(self, device_id: str) -> list[dict]:
        """Return what a device reported."""
        rows = self._db.execute("SELECT record FROM alert WHERE device = ? ORDER BY rowid", (device_id,))
        return [json.loads(text) for (text,) in rows]

    def add_notification(self, token: str, text: str):
        """Add an install notification."""
        self._db.execute("INSERT INTO notification VALUES (?, ?, ?)", (token, text, time.time()))

    def notifications(self) -> list[tuple[str, str]]:
        """Return all install notifications as (token, text)."""
        return list(self._db.execute("SELECT token, text FROM notification ORDER BY rowid"))

    def put_package(self, name: str, data: bytes, record: dict):
        """Put a package."""
        self._db.execute("INSERT OR REPLACE INTO package VALUES (?, ?, ?)", (name, data, json.dumps(record)))

    def packages(self) -> list[tuple[str, bytes, dict]]:
        """Return all packages."""
        rows = self._db.execute("SELECT name, data, record FROM package ORDER BY rowid")
        return [(name, data, json.loads(record)) for name, data, record in rows]
