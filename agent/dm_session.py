"""One management session without any I/O: what to send, what to do with what came, when it is over.

The driver's loop: while not `over`: `request()`, send `body()` to its URL; `begin_answer()`, `receive()` until everything
was taken, `end_answer()`, `step()` until it says 0. Where no answer comes: `no_answer()`. Holds no element names.
"""

from agent.compat import const, crc32, md5
from agent.dm_exchange import Exchange
from agent.errors import LinkError, ProtocolError
from agent.phases import ACTING, OBJECT, READING, SENDING, take_turns

_RESENDS = const(2)
_DONE = const(1)  # what dm_incoming says
_BUSY = const(2)
_XML = const(b"<\xef \t\r\n")  # what a message in XML can begin with


class Request:
    """What the driver must send; `mac` is the value of x-syncml-hmac or None."""

    def __init__(self, url, content_type, length, mac):
        self.url, self.content_type, self.length, self.mac = url, content_type, length, mac


class Session(Exchange):
    """`dm` is what outlives sessions (see dm_client), `opening` the alerts of package 1, the first of them 1200 or 1201."""

    def __init__(self, dm, account, opening, secure=False, session_id=0, resync=False):
        super().__init__(dm, account, opening, secure, session_id, resync)
        self._out, self._window = dm.out, dm.window
        self._public_id = 0x1201

    # -- sending ------------------------------------------------------------------------------------------------------

    def request(self):
        """Return what to send next; the same again after `no_answer`. None where the session has ended instead."""
        if self.dm.small:
            self._reader = self._incoming = self._hash = self.header = None
            if self.chunks and not self.chunks.object:
                self.chunks = None
            take_turns(SENDING | OBJECT if self.chunks else SENDING)
        self._answer = answer = self._answer or self.make_answer()
        length, hasher = 0, md5() if self.guard.signs else None
        self._crc = None
        try:
            for piece in self.body():
                length += len(piece)
                if hasher:
                    hasher.update(piece)
        except ProtocolError as e:
            return self.give_up(e)
        self._end, self.answered, self._ids = answer.end, answer.complete, answer.ids
        mac = self.guard.header(hasher.digest()) if hasher else None
        return Request(self.url, answer.writer.content_type, length, mac)

    def body(self):
        """Yield the message in pieces, each valid until the next; LinkError where it is not what was counted."""
        crc, out = 0, self._out
        self._answer = self._answer or self.make_answer()
        out.clear()  # of what was not sent before the connection broke
        for _ in self._answer.pieces():
            piece = out.view[: out.size]
            crc = crc32(piece, crc)
            yield piece
            out.clear()
        if self._crc is None:
            self._crc = crc  # counting is done
        elif crc != self._crc:
            raise LinkError("the message changed: close the connection")

    def no_answer(self):
        """The answer did not come, or not whole: tell whether the same message should go out once more."""
        self._tries += 1
        if self._tries > _RESENDS:
            self.give_up(LinkError("the server does not answer"))
        return not self.over

    def make_answer(self):
        """Return what renders our next message."""
        from agent.dm_answer import Answer

        self._out.clear()
        if self.dm.wbxml:
            from agent.wbxml_writer import WbxmlWriter

            writer = WbxmlWriter(self._out, self._public_id)
        else:
            from agent.xml_writer import XmlWriter

            writer = XmlWriter(self._out)
        return Answer(self, writer)

    # -- receiving ----------------------------------------------------------------------------------------------------

    def sent(self):
        """Our message is out: what made it can go, and is made again should it have to go out once more."""
        if self.dm.small and self._answer:
            self._answer = None
            take_turns(READING | OBJECT)

    def begin_answer(self, mac=None):
        """An answer begins; `mac` is the value of its x-syncml-hmac."""
        self.sent()
        self._reader = None
        self._window.open()
        self._mac, self._hash = mac, md5() if mac else None
        self._received, self.lost = 0, self.over

    def receive(self, data):
        """Take some of the bytes; return how many. 0 means that the flash is busy: offer them again."""
        taken = 0
        try:
            while taken < len(data) and not self.lost and (not self._reader or self._incoming.run() != _BUSY):
                count = self._window.feed(data[taken:])
                if self._hash:
                    self._hash.update(data[taken : taken + count])
                taken += count
                self._received += count
                if self._received > self.max_message:
                    raise ProtocolError("the message is too large", 413)
                if not self._reader:
                    self._start_reader()
        except ProtocolError as e:
            self.malformed(e)
        return len(data) if self.lost else taken

    def _start_reader(self):
        window = self._window
        if window.buf[window.start] in _XML:
            from agent.xml_reader import XmlReader as Reader
        else:
            from agent.wbxml_reader import WbxmlReader as Reader
        self._reader = Reader(window)
        self._incoming = self.begin_message(self._reader)

    def end_answer(self):
        """The answer is whole; return False where the flash is busy: call again."""
        if self.lost:
            return True
        if not self._reader:
            self.finish()  # an empty answer ends a session
            return True
        try:
            self._window.close()
            if self._incoming.run() != _DONE:
                return False
            if self.dm.wbxml:
                self._public_id = getattr(self._reader, "public_id", 0x1201) and 0x1201
            if self.header and self.header.message == self.peer_message:
                self.no_answer()  # an older message once more: ours has not come through
                return True
            final, start = self._incoming.final, self._incoming.start
            if self.dm.small:
                self._incoming = self._reader = None
                take_turns(ACTING | OBJECT)
            self.arrived(final, start, self._mac, self._hash.digest() if self._hash else None)
        except ProtocolError as e:
            self.malformed(e)
        return True

    # -- acting -------------------------------------------------------------------------------------------------------

    def step(self):
        """Execute one command; return 0 when the next message can go out or the session is over, else ms to wait."""
        if self.over or not self.commands:
            return 0
        try:
            if self.commands.step():
                return self.dm.ui.pause_ms if self.waiting else 1
            self.conclude()
        except ProtocolError as e:
            self.malformed(e)
        return 0
