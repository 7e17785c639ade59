"""The SQLite file: its schema, its version, transactions."""

import sqlite3

from flash_tools.errors import ToolError

MESSAGES = 1 << 20  # of a session: the number of a message is that of its session and its own, so they lie side by side
_VERSION = 2
_SCHEMA = """
CREATE TABLE record (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, UNIQUE (kind, id));
CREATE TABLE target (campaign TEXT NOT NULL, device TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (campaign, device));
CREATE TABLE package (name TEXT PRIMARY KEY, data BLOB NOT NULL, record TEXT NOT NULL);
CREATE TABLE event (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, device TEXT NOT NULL,
    "order" TEXT NOT NULL, campaign TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX event_of_device ON event (device, id);
CREATE INDEX event_of_campaign ON event (campaign, id) WHERE campaign != '';
CREATE TABLE session (id INTEGER PRIMARY KEY, device TEXT NOT NULL, session_id TEXT NOT NULL,
    started REAL NOT NULL, ended REAL NOT NULL, messages INTEGER NOT NULL, bytes_in INTEGER NOT NULL,
    bytes_out INTEGER NOT NULL, result TEXT NOT NULL, address TEXT NOT NULL, tls INTEGER NOT NULL);
CREATE INDEX session_of_device ON session (device, id);
CREATE TABLE message (id INTEGER PRIMARY KEY, at REAL NOT NULL, ms REAL NOT NULL,
    content_type TEXT NOT NULL, request BLOB NOT NULL, answer_type TEXT NOT NULL, answer BLOB NOT NULL, fault TEXT NOT NULL);
CREATE TABLE node (device TEXT NOT NULL, uri TEXT NOT NULL, value TEXT NOT NULL, format TEXT NOT NULL, type TEXT NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (device, uri)) WITHOUT ROWID;
CREATE TABLE tally (at INTEGER PRIMARY KEY, messages INTEGER NOT NULL, bytes INTEGER NOT NULL, done INTEGER NOT NULL,
    failed INTEGER NOT NULL);
"""


class Connection:
    """An open database; its file is made where there is none."""

    def __init__(self, path: str = ":memory:"):
        self.path = str(path)
        try:
            self._db = sqlite3.connect(
                self.path, check_same_thread=False, isolation_level="DEFERRED", cached_statements=64
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._prepare()
            # Not AUTOINCREMENT, which writes one page more in each transaction: a number is not used again as long as we run.
            self._event_id, self._session_id = (
                self._db.execute("SELECT IFNULL(MAX(id), 0) FROM " + name).fetchone()[0]
                for name in ("event", "session")
            )
        except sqlite3.OperationalError as error:
            raise ToolError("cannot use %s: %s: look at the disk and the file's rights" % (path, error)) from error
        except sqlite3.DatabaseError as error:
            raise ToolError("%s is no database of this server: %s" % (path, error)) from error

    def _prepare(self):
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise ToolError("%s has the format %d, this program knows %d" % (self.path, version, _VERSION))
        if version == 0:
            self._db.executescript("BEGIN;" + _SCHEMA + "PRAGMA user_version=%d; COMMIT;" % _VERSION)

    def commit(self):
        """Keep what was put."""
        self._db.commit()

    def rollback(self):
        """Forget what was put since the last commit."""
        self._db.rollback()

    def close(self):
        """Close the file."""
        self._db.close()
