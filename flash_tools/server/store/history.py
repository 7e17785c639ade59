"""What happened: events, sessions with their messages, the values that devices told, counts for the charts."""

import json

from flash_tools.server.store.connection import MESSAGES, Connection

_EVENT = ("id", "at", "kind", "device", "order", "campaign", "text", "data")
_EVENTS = 'SELECT id, at, kind, device, "order", campaign, text, data FROM event WHERE %s ORDER BY id %s LIMIT ?'
_SESSION = (
    "id",
    "device",
    "session_id",
    "started",
    "ended",
    "messages",
    "bytes_in",
    "bytes_out",
    "result",
    "address",
    "tls",
)
_MESSAGE = ("n", "at", "ms", "content_type", "request", "answer_type", "answer", "fault")
_MOST_NODES = 5000  # of one device; those that were told last stay
_NODE = ("uri", "value", "format", "type", "at")


class History(Connection):
    """Rows that are added and read, and not held in memory."""

    def add_event(self, at, kind, device, order, campaign, text, data: dict) -> int:
        """Add an event; return its number."""
        self._event_id += 1
        row = (self._event_id, at, kind, device, order, campaign, text, json.dumps(data))
        self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return self._event_id

    def events(self, device="", campaign="", after=0, limit=200, kinds=()) -> list[dict]:
        """Return events, the newest last: those behind `after`, or the newest ones where it is 0."""
        terms, values = ["id > ?"], [after]
        for name, value in (("device", device), ("campaign", campaign)):
            if value:
                terms.append(name + " = ?")
                values.append(value)
        if kinds:
            terms.append("kind IN (%s)" % ", ".join("?" * len(kinds)))
            values += kinds
        text = _EVENTS % (" AND ".join(terms), "ASC" if after else "DESC")
        found = [dict(zip(_EVENT, row, strict=True)) for row in self._db.execute(text, (*values, limit))]
        for each in found:
            each["data"] = json.loads(each["data"])
        return found if after else found[::-1]

    def add_session(self, device, session_id, at, address, tls, messages, bytes_in, bytes_out, result) -> int:
        """Add a session; return its number."""
        self._session_id += 1
        row = (self._session_id, device, session_id, at, at, messages, bytes_in, bytes_out, result, address, int(tls))
        self._db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return self._session_id

    def put_session(self, number, at, messages, bytes_in, bytes_out, result):
        """Note how far a session is."""
        text = "UPDATE session SET ended = ?, messages = ?, bytes_in = ?, bytes_out = ?, result = ? WHERE id = ?"
        self._db.execute(text, (at, messages, bytes_in, bytes_out, result, number))

    def sessions(self, device="", limit=50) -> list[dict]:
        """Return sessions, the newest first."""
        where, values = ("WHERE device = ?", (device, limit)) if device else ("", (limit,))
        rows = self._db.execute("SELECT * FROM session %s ORDER BY id DESC LIMIT ?" % where, values)
        return [dict(zip(_SESSION, row, strict=True)) for row in rows]

    def session(self, number: int) -> dict | None:
        """Return a session."""
        row = self._db.execute("SELECT * FROM session WHERE id = ?", (number,)).fetchone()
        return dict(zip(_SESSION, row, strict=True)) if row else None

    def last_contacts(self) -> dict[str, float]:
        """Return when each device was last heard."""
        return dict(self._db.execute("SELECT device, MAX(ended) FROM session GROUP BY device"))

    def add_message(self, session, n, at, ms, content_type, request, answer_type, answer, fault):
        """Add an exchange of a session; one with the same number is replaced."""
        row = (session * MESSAGES + n, at, ms, content_type, request, answer_type, answer, fault)
        self._db.execute("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def messages(self, session: int) -> list[dict]:
        """Return the exchanges of a session."""
        text = "SELECT id - ?1, at, ms, content_type, request, answer_type, answer, fault FROM message"
        text += " WHERE id BETWEEN ?1 AND ?2 ORDER BY id"
        span = session * MESSAGES, session * MESSAGES + MESSAGES - 1
        return [dict(zip(_MESSAGE, row, strict=True)) for row in self._db.execute(text, span)]

    def put_nodes(self, device, rows, if_new: bool = False):
        """Put values that a device told, or only those of nodes that were not there: (uri, value, format, type, at)."""
        verb = "IGNORE" if if_new else "REPLACE"
        text = "INSERT OR %s INTO node VALUES (?, ?, ?, ?, ?, ?)" % verb
        self._db.executemany(text, [(device, *row) for row in rows])
        if rows:
            text = "DELETE FROM node WHERE device = ?1 AND uri IN"
            text += " (SELECT uri FROM node WHERE device = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)"
            if self._db.execute("SELECT COUNT(*) FROM node WHERE device = ?", (device,)).fetchone()[0] > _MOST_NODES:
                self._db.execute(text, (device, _MOST_NODES))

    def nodes(self, device) -> list[dict]:
        """Return the values that a device told."""
        rows = self._db.execute(
            "SELECT uri, value, format, type, at FROM node WHERE device = ? ORDER BY uri", (device,)
        )
        return [dict(zip(_NODE, row, strict=True)) for row in rows]

    def add_tally(self, at, messages, size, done, failed):
        """Add to the counts of a span of time."""
        text = "INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT (at) DO UPDATE SET messages = messages + excluded.messages,"
        text += " bytes = bytes + excluded.bytes, done = done + excluded.done, failed = failed + excluded.failed"
        self._db.execute(text, (at, messages, size, done, failed))

    def tallies(self, since) -> list[tuple]:
        """Return (at, messages, bytes, done, failed) of all spans since then."""
        return list(self._db.execute("SELECT * FROM tally WHERE at >= ? ORDER BY at", (since,)))
