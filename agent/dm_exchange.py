"""The turns of a session: what a message of the server means for it, and what our next message has to say.

`entries` is the one description of an outgoing message: the package that is being answered, then our own commands; `urgent`
goes first whatever else waits. See dm_answer, which renders them.
"""

from agent.compat import const
from agent.dm_chunks import Chunks
from agent.dm_guard import Guard
from agent.dm_program import Program
from agent.errors import ProtocolError
from agent.own_alert import OwnAlert

_NO_LIMIT = const(0x7FFFFFFF)
_LEAST_LIMIT = const(512)
_MESSAGES = const(2000)
_CHALLENGES = const(3)
_DATA = const(0x0F)
_AGAIN = (401, 407)


class Exchange:
    """The part of a session that knows the protocol; Session adds how messages travel."""

    def __init__(self, dm, account, opening, secure, session_id, resync):
        self.dm, self.account, self.secure = dm, account, secure
        number = session_id or dm.new_session_id()
        self.session_id = "%X" % number
        dm.nonces.begin(number)
        dm.tree.start_session()
        self.guard = Guard(account, dm.nonces, secure, dm.insecure, resync)
        if dm.insecure and not secure:
            dm.log("insecure: %s may do without MAC", account.server_id)
        self.arena, self._parsed = dm.arena, 0
        self.max_object = dm.max_object if dm.wbxml else (dm.max_object + 2) // 3 * 4  # as it travels
        self.chunks = Chunks(dm.tree, self.max_object, self._interrupted)
        self.chunks.server = self.server_id = account.server_id
        self.url = account.url
        self.max_message, self.peer_limit, self.peer_object_limit = dm.max_message(secure), _NO_LIMIT, _NO_LIMIT
        self.message = 0
        self.peer_message, self.peer_source, self.peer_final = "", "", True
        self.header_status, self.challenge, self.refusal = 0, None, 0
        self.commands = self.program = self.late = self.header = self._answer = self._sent = self.failure = None
        self.over = self.lost = self.waiting = self.aborted = self._closing = False
        self._opening, self._own, self._expected, self.question = opening, [], [], None
        self._package1()

    # -- what we say --------------------------------------------------------------------------------------------------

    def _package1(self):
        """Begin with our alerts and who we are; again after a challenge."""
        self._own = [self._opening[0], None] + list(self._opening[1:])
        self.program = self.late = None
        self._earlier = ()
        self.arena.fill = self._parsed = 0
        self._next_message((0, 0))

    def _next_message(self, position):
        self.message += 1
        self.position = position
        self._answer, self._tries = None, 0
        self.cred = self.guard.cred()
        self.user = self.account.client.user if self.guard.kind > 1 else ""
        self.challenge = None
        if self.peer_message and not self._closing and (self.header_status != 212 or not self.guard.challenges):
            self.guard.challenges += 1
            self.challenge = self.guard.challenge(self.message)

    def urgent(self, answer):
        """Yield what goes into the next message whatever else waits."""
        if self.late:
            for entry in self._entries_of(self.late, answer):
                yield entry

    def entries(self, answer):
        """Yield (function of the answer, arguments, True if it can be divided, else False or our alert) of all to be said."""
        for program in self._earlier + (self.program,):
            if program:
                for entry in self._entries_of(program, answer):
                    yield entry
        for thing in self._own:
            if thing:
                yield answer.alert, (thing.code, thing.item(self.account), thing.correlator), thing
            else:
                yield answer.devinfo, (), False

    def _entries_of(self, program, answer, first=-1, last=-1):
        from agent.dm_entries import entries

        return entries(program, self.arena, self.dm.tree, answer, first, last)

    def say(self, alert):
        """Add an alert of ours to the package."""
        self._own.append(alert)

    def _interrupted(self, target):
        self.say(OwnAlert("1225", target=target))

    # -- what the server says -----------------------------------------------------------------------------------------

    def begin_message(self, reader):
        """A message of the server begins, perhaps once more; return what turns it into records."""
        from agent.dm_incoming import Incoming

        self.arena.fill = self._parsed
        self.chunks.begin_message()
        self.header = None
        return Incoming(reader, self.arena, self)

    def open_sink(self, arena, start):
        """Tell where the Data of the newest Item goes while it arrives; None for the arena."""
        header = self.header
        if (
            not self.secure
            or not header
            or header.version
            or header.message == self.peer_message
            or self.is_answering()
        ):
            return None
        return self.chunks.open_sink(arena, start)

    def on_header(self, arena, record):
        """Judge the SyncHdr, as far as that can be done before the message is whole."""
        from agent.dm_header import Header

        header = Header(arena, record)
        if header.session_id != self.session_id:
            raise ProtocolError("the answer belongs to another session")
        if not header.message:
            raise ProtocolError("the message has no MsgID")
        if header.source != self.server_id:
            self.dm.log("the server calls itself %s", header.source)
        self.header = header

    def is_answering(self):
        """Tell whether a package of ours is under way: the server's message can only be a `go on` then."""
        return bool(self._sent and not self._sent[1])

    def arrived(self, incoming, mac, body_hash):
        """The message is whole: decide who sent it, take its Statuses, get its commands ready."""
        header = self.header
        if not header:
            raise ProtocolError("the message has no SyncHdr")
        self.peer_message, self.peer_source = header.message, header.source
        # what comes while we answer a whole package says nothing of the next one
        self._before = self.peer_final
        whole = self.is_answering() and self.peer_final
        self.peer_final = incoming.final or whole
        self.header_status = self.guard.check(header.cred, mac, body_hash)
        self.refusal = header.version or (self.header_status if self.header_status >= 400 else 0)
        self.header_status = header.version or self.header_status
        self._take_header(header)
        for number, thing in self._sent[2]:
            self._expected.append((str(self.message), str(number), thing))
        again = self._take_statuses(incoming.start)
        if self._closing or self.over:
            self.finish()
        elif again:
            self._package1()
        else:
            self._prepare(incoming.start, whole or self._own)

    def _take_header(self, header):
        if header.max_message >= 0:
            self.peer_limit = max(_LEAST_LIMIT, header.max_message or _NO_LIMIT)
        if header.max_object >= 0:
            self.peer_object_limit = header.max_object or _NO_LIMIT
        if header.respond_to:
            self.url = self.dm.resolve(self.url, header.respond_to)

    def _take_statuses(self, start):
        """Take what the server says of our message; tell whether package 1 must go out again."""
        from agent.dm_header import statuses

        again, heard, others = False, False, []
        for message, reference, command, code, challenge in statuses(self.arena, start):
            if reference == "0" or command == "SyncHdr":
                if message == str(self.message):
                    heard = code in (200, 212)
                    again = self.guard.on_status(code, challenge) or again
                    if code >= 300 and code not in _AGAIN:
                        self.give_up(ProtocolError("the server refuses the message", code))
            elif command == "Results":
                if code >= 300 and self._sent[0][1]:  # no more pieces of this one
                    self._sent = ((self._sent[0][0] + 1, 0),) + self._sent[1:]
            else:
                others.append((message, reference, code))
        authentic = heard and not (self.refusal or again or self.over)  # whoever refuses us has not heard our alerts
        for message, reference, code in others:
            for entry in self._expected:
                if entry[:2] == (message, reference):
                    entry[2].answered(code, authentic)
        return again

    def _prepare(self, start, closed):
        """Put the message's records where they belong, and get ready to execute them.

        `closed` says that nothing new may come before the package is answered; else a server whose package is not
        complete may go on when it has all Statuses, though Results are still to come.
        """
        answering = self.is_answering()
        to = self.late.start if answering and self.late else start if answering else 0
        self.arena.drop(to, start)
        self.chunks.streamed -= start - to
        program = Program(self.arena, to, self.peer_message)
        if answering and (closed or not program.has_commands(True)):
            self.late = program
            if program.has_commands(True):
                self.refusal = self.refusal or 400
        else:
            self._earlier = self._earlier + (self.program,) if answering else ()
            self.program, self.late = program, None
            self._own = []
        from agent.dm_commands import Commands

        self.commands = Commands(self.arena, self.dm.tree, self, to)

    # -- acting -------------------------------------------------------------------------------------------------------

    def conclude(self):
        """All commands are done: decide whether there is anything more to say."""
        self.commands = None
        if self.message > _MESSAGES:
            raise ProtocolError("the session does not come to an end", 408)
        (self.late or self.program).executed()
        self._parsed = self.arena.fill
        self.chunks.end_message()
        if self.refusal and (self.aborted or self.guard.challenges >= _CHALLENGES):
            return self.give_up(ProtocolError("the server does not prove itself", self.refusal))
        if self.aborted:
            return self.finish()
        if self.is_answering():
            return self._next_message(self._sent[0])
        if not self._own and self.peer_final and self._before and not self.program.has_commands():
            return self.finish()
        self._closing = self.header_status in (505, 513)
        self._next_message((0, 0))

    def on_alert(self, commands, record):
        """Return the status of an Alert, 0 while the user has not answered."""
        code = self.arena.number(record, _DATA)
        if code == 1223:
            self.aborted = True
        if self.refusal or code in (1222, 1223, 1225):
            return self.refusal or 200
        if not 1100 <= code <= 1104:
            return 406
        from agent.ui import ask

        answer = ask(self, commands, code, record)
        self.waiting = answer is None
        if answer is None:
            return 0
        self.program.answers[record] = answer[1]
        return answer[0]

    def too_large(self, first, last):
        """Tell whether the Statuses of an Atomic would not fit into one message."""
        if self.peer_limit == _NO_LIMIT:
            return False
        answer = self.make_answer()
        return not answer.fits(self._entries_of(self.program, answer, first, last))

    # -- the end ------------------------------------------------------------------------------------------------------

    def malformed(self, error):
        """The server's message cannot be understood: say so if it is known which, and end the session."""
        if self._closing or not self.header or error.code == 401:
            return self.give_up(error)
        self.failure, self._closing, self.lost = error, True, True
        self.chunks.drop()
        self.peer_message, self.peer_source, self.peer_final = self.header.message, self.header.source, True
        self.header_status = error.code
        self.program = self.late = self.commands = None
        self._earlier = ()
        self._own = [OwnAlert("1223")]
        self.arena.fill = self._parsed = 0
        self._next_message((0, 0))

    def give_up(self, error):
        """End the session at once."""
        self.failure = self.failure or error
        self.finish()

    def finish(self):
        """The session is over: keep the nonces, drop what is not complete."""
        if not self.over:
            self.over = self.lost = True
            self.chunks.drop()
            self.guard.end()
