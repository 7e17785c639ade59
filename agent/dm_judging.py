"""The turns of a session: what a message of the server means for it, and what our next message has to say.

An outgoing message says what is answered to `late` whatever else waits, then to `programs`, the package that is being
answered, then our `own` commands. See dm_session.py, dm_entries.py, and dm_answer.py, which renders them.
"""

from agent import dm_guard
from agent.compat import const
from agent.dm_session import NO_LIMIT, Session
from agent.errors import LinkError, ProtocolError
from agent.fields import Fields
from agent.own_alert import own_alert

_LEAST_LIMIT = const(512)
_MESSAGES = const(2000)
_CHALLENGES = const(3)
_RESENDS = const(2)
_ALERT = const(0x06)
_KEPT = const(0x03)
_HEAD = const(6)  # of a record, and of a field, as in dm_arena
_FIELD = const(3)
_SIZE = const(2)
_FIELD_SIZE = const(-1)
_NARROW = const(b"\x0b\x2e\x27\x0c\x1c\x0a")  # CmdID, Target, Source, CmdRef, MsgRef, Cmd: what an answer needs
_NO_COMMANDS = const(b"\x29\x22\x14\x02\x03")  # Status, Results, Item, late fields, kept values


class Judging(Session):
    """What a Session does between reading, acting and sending."""

    def set_up(self, dm, account, opening, secure, session_id, resync):
        """Begin with nothing heard."""
        self.dm, self.account, self.secure = dm, account, secure
        self.session_id = "%X" % dm.begin_session(session_id)
        self.guard = dm_guard.begin(account, dm.nonces, secure, dm.insecure, resync)
        if dm.insecure and not secure:
            dm.log("insecure: %s may do without MAC", account.server_id)
        self.arena, self._out, self._window = dm.arena, None, None
        self._public_id = 0x1201
        self.max_object = dm.max_object if dm.wbxml else (dm.max_object + 2) // 3 * 4  # as it travels
        self.chunks = None  # there while an object is on its way, or where a message may bring one
        self.server_id = account.server_id
        self.url = account.url
        self.max_message = dm.max_message(secure)
        self.peer_limit = self.peer_object_limit = NO_LIMIT
        self.message, self.peer_message = 0, ""
        self.peer_final = self.answered = True  # `answered`: our last message was the end of a package of ours
        self.header = self.failure = self.question = None
        self.over = self.lost = self.waiting = self.aborted = self._closing = False
        self._opening, self._expected = opening, {}
        self.opening = opening[0]
        self._reader = self._incoming = self._hash = None
        self._package1()

    # -- what we say --------------------------------------------------------------------------------------------------

    def _package1(self):
        """Begin with our alerts and who we are; again after a challenge."""
        self._say_only([self._opening[0], None] + list(self._opening[1:]))

    def _say_only(self, own):
        """Say this, and nothing of what came."""
        self.own, self.programs = own, ()
        self.commands = self.program = self.late = None
        self.acts_from = -1
        self.arena.fill = self._parsed = 0
        self._next_message((0, 0))

    def _next_message(self, position):
        guard = self.guard
        self.message += 1
        self.position = position
        self._answer = self.challenge = None
        self._tries = 0
        if self.peer_message and not self._closing and (self.header_status != 212 or not guard.challenges):
            guard.challenges += 1
            self.challenge = dm_guard.challenge(guard, self.message)

    # -- what the server says -----------------------------------------------------------------------------------------

    def arrived(self, final, start, mac, body_hash):
        """The message is whole: decide who sent it, take its Statuses, get its commands ready."""
        header = self.header
        if not header:
            raise ProtocolError("no SyncHdr")
        self.peer_message = header.message
        # what comes while we answer a whole package says nothing of the next one
        self._before = self.peer_final
        whole = self.peer_final and not self.answered
        self.peer_final = final or whole
        code = dm_guard.check(self.guard, header.cred, mac, body_hash)
        self.header_status = header.version or code
        self.refusal = header.version or (code if code >= 400 else 0)
        if header.max_message >= 0:
            self.peer_limit = max(_LEAST_LIMIT, header.max_message or NO_LIMIT)
        if header.max_object >= 0:
            self.peer_object_limit = header.max_object or NO_LIMIT
        if header.respond_to:
            from agent.url import follow

            self.url = follow(self.url, header.respond_to) or self.url  # where it must not be followed we stay
        self._expected.update(self._ids)
        again = self._take_statuses(start)
        if self._closing or self.over:
            self.finish()
        elif again:
            self._package1()
        else:
            self._prepare(start, whole or self.own)

    def _take_statuses(self, start):
        """Take what the server says of our message; tell whether package 1 must go out again."""
        from agent.dm_header import statuses

        again, heard, others = False, False, []
        for references, command, code, challenge in statuses(self.arena, start):
            if references[1] == "0" or command == "SyncHdr":
                if references[0] == str(self.message):
                    heard = code in (200, 212)
                    again = dm_guard.on_status(self.guard, code, challenge) or again
                    if code >= 300 and code not in (401, 407):
                        self.give_up(ProtocolError("the server refuses the message", code))
            elif command == "Results":
                if code >= 300 and self._end[1]:  # no more pieces of this one
                    self._end = self._end[0] + 1, 0
            elif references in self._expected:
                others.append((self._expected[references], code))
        authentic = heard and not (self.refusal or again or self.over)  # whoever refuses us has not heard our alerts
        for thing, code in others:
            if thing.on_status:
                thing.on_status(code, authentic)
        return again

    def _prepare(self, start, closed):
        """Put the message's records where they belong, and get ready to execute them.

        `closed` says that nothing new may come before the package is answered; else a server whose package is not
        complete may go on when it has all Statuses, though Results are still to come.
        """
        arena, to = self.arena, 0
        if not self.answered:
            to = self.late.start if self.late else start
        arena.drop(to, start)
        if self.chunks:
            self.chunks.streamed -= start - to
        program = Fields()  # a message: its records in the arena; `answers` holds what the user typed, by record
        program.start, program.end, program.message, program.answers = to, arena.fill, self.peer_message, {}
        acts = _has_commands(program, arena, _ALERT)
        if not self.answered and (closed or not acts):
            self.late = program
            if acts:
                self.refusal = self.refusal or 400
        else:
            self.programs = (() if self.answered else self.programs) + (program,)
            self.program, self.late = program, None
            self.own = []
        self.acts_from = to

    def conclude(self):
        """All commands are done: decide whether there is anything more to say."""
        if self.message > _MESSAGES:
            raise ProtocolError("an endless session", 408)
        arena, program = self.arena, self.late or self.program
        moved = _strip(arena, program.start)  # only what the answer needs: the room is for the next message
        program.answers = {moved[record]: texts for record, texts in program.answers.items()}
        program.end = self._parsed = arena.fill
        broken = self.chunks and self.chunks.end_message()
        if broken:
            self.own.append(own_alert("1225", target=broken))
        if self.refusal and (self.aborted or self.guard.challenges >= _CHALLENGES):
            return self.give_up(ProtocolError("the server is not proven", self.refusal))
        if self.aborted:
            return self.finish()
        if not self.answered:
            return self._next_message(self._end)
        if not self.own and self.peer_final and self._before and not _has_commands(program, arena, 0):
            return self.finish()
        self._closing = self.header_status in (505, 513)
        self._next_message((0, 0))

    # -- the end ------------------------------------------------------------------------------------------------------

    def no_answer(self):
        """The answer did not come, or not whole: tell whether the same message should go out once more."""
        self._tries += 1
        if self._tries > _RESENDS:
            self.give_up(LinkError("the server does not answer"))
        return not self.over

    def malformed(self, error):
        """The server's message cannot be understood: say so if it is known which, and end the session."""
        if self._closing or not self.header or error.code == 401:
            return self.give_up(error)
        self.failure, self.header_status = error, error.code
        self._closing = self.lost = self.peer_final = True
        if self.chunks:
            self.chunks.drop()
        self.peer_message = self.header.message
        self._say_only([own_alert("1223")])

    def give_up(self, error):
        """End the session at once."""
        self.failure = self.failure or error
        self.finish()

    def finish(self):
        """The session is over: keep the nonces, drop what is not complete."""
        if not self.over:
            self.over = self.lost = True
            if self.chunks:
                self.chunks.drop()
            dm_guard.end(self.guard)


def _has_commands(program, arena, ignored):
    """Tell whether anything came but Statuses and the kind that is ignored."""
    at = program.start
    while at < program.end:
        kind = arena.kind(at)
        if kind not in _NO_COMMANDS and kind != ignored:
            return True
        at = arena.next(at)
    return False


def _strip(arena, start):
    """Drop from `start` on what no Status and no Results needs; records of kept values stay whole.

    Such a record names an Item by its offset, in its status: that follows the Item. Returns {old: new} offsets.
    """
    moved, at, dropped, buf = {}, start, 0, arena.buf
    while at < arena.fill:
        record, end = at, arena.next(at)
        whole = buf[at] == _KEPT
        if whole:
            arena.set_status(at, moved[arena.status(at)])
        moved[at + dropped] = at
        at += _HEAD
        while at < end:
            size = _FIELD + arena.status(at + _FIELD_SIZE)
            if whole or buf[at] in _NARROW:
                at += size
            else:
                arena.drop(at, at + size)
                end -= size
                dropped += size
        arena.set_status(record + _SIZE, at - record - _HEAD)
    return moved
