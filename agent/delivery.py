"""Telling a result: the download server by a POST where a descriptor asked for it, then the management server by an alert.

Both survive reboots. Nothing here can change which bank boots, and the operation is over whatever becomes of the result.
"""

from agent.backoff import pause_ms
from agent.compat import const

_POSTS = const(3)
_REFUSALS = const(3)  # sessions in which the server refuses the alert for good
_UNPROVEN = const(3)  # sessions without TLS whose server takes the alert and does not prove itself
_FOR_EVER = const(0x3FFFFFFF)
_SOON_MS = const(1000)
_POLL_MS = const(20)
_KINDS = ("", "download", "update", "downloadandupdate")


class Delivery:
    """One for a device; `due` says that a session should be opened for the alert."""

    def __init__(self, record, root, port, web, log, told):
        self._record, self._root, self._web, self._log = record, root, web, log
        self._clock, self._told = port.clock, told
        self._random = port.random
        self._job = self._post = None
        self._posts = self._refused = self._unproven = 0
        self._wait_ms = self._since = self._failures = 0
        self.code = 0  # the server's Status of the alert in the last session, 0 for none
        self.due = False

    def step(self, record):
        """Do a step; return the milliseconds until the next one is wanted."""
        self._meet()
        left_ms = self._wait_ms and self._wait_ms - self._clock.since(self._since)
        if left_ms > 0:
            return left_ms
        self._wait_ms = 0
        if record.outbox.dlota:
            return self._tell_download_server(record)
        self.due = True
        return _SOON_MS

    def _meet(self):
        """Begin anew where it is another result: what became of the one before says nothing of it."""
        if self._job is not self._record.job:
            self.reset()
            self._job = self._record.job

    def _pause(self):
        """Something has failed: wait; return for how long."""
        self._failures += 1
        self._wait_ms, self._since = pause_ms(self._failures, _FOR_EVER, self._random), self._clock.ms()
        return self._wait_ms

    # -- the download server ------------------------------------------------------------------------------------------

    def _tell_download_server(self, record):
        done = self._go_on_telling(record) if self._post or self._posts < _POSTS else False
        if done is None:
            return _POLL_MS
        self._post = None
        if not done and self._posts < _POSTS:
            return self._pause()
        if not done:
            self._log("the download server cannot be told")  # its URL may hold a secret
        self._posts = self._failures = 0
        record.posted()
        return 0

    def _go_on_telling(self, record):
        """Go on with this try, or begin the next one; return True where it was taken, False where not, else None."""
        if not self._post:
            from agent.install_notify import InstallNotify

            self._post = InstallNotify(self._web, self._clock)
            self._post.post(record.job.notify, record.outbox.dlota)
            self._posts += 1
        return self._post.step()

    def interrupt(self):
        """Somebody else needs the link: the try counts."""
        if self._post:
            self._post.close()
            self._post = None

    # -- the management server ----------------------------------------------------------------------------------------

    def alert(self, account):
        """Return the alert for a session with that account, None where nothing waits for it."""
        record = self._record
        job, code = record.job, record.outbox.code
        self.code = 0
        self._meet()
        if not code or record.outbox.dlota or account.server_id != job.server:
            return None
        from agent.own_alert import FUMO_TYPE, generic

        record.attempt()
        source = job.node if account.alert_source == "exec" else self._root
        mark = "informational" if code < 300 else "critical"
        kind = FUMO_TYPE + _KINDS[job.kind]
        return generic(kind, str(code), source, job.correlator, mark, account.alert_format or "int", self._answered)

    def _answered(self, code, authentic):
        """Take the server's Status of the alert: only one that surely is the server's ends the matter."""
        self.code = code
        waits = self._record.outbox.code  # else the owner has reset the device meanwhile
        if 200 <= code < 300 and authentic and waits:
            self._told()
            self._end()

    def session_ended(self, secure):
        """A session that carried the alert is over."""
        self.due = False
        code = self.code
        if not self._record.outbox.code or self._record.outbox.dlota:
            return
        if 200 <= code < 300:
            self._unproven += not secure
        elif 400 <= code < 500 and code not in (401, 407, 408, 417):
            self._refused += 1
        if self._unproven >= _UNPROVEN:
            self._log("the alert was taken by a server that cannot prove itself")
            self._end()
        elif self._refused >= _REFUSALS:
            self._log("the server refuses the alert with %d: dropped", code)
            self._end()
        else:
            self._pause()

    def give_up(self):
        """Nobody is there to be told."""
        if self._record.outbox.code and self.due:
            self._end()

    def _end(self):
        self._record.end()
        self.reset()

    def reset(self):
        """Another result, or none, is waited for: begin anew."""
        self._refused = self._unproven = self._posts = self._wait_ms = self._failures = 0
        self._post, self.due = None, False
