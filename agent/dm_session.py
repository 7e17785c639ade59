"""One management session without any I/O: what to send, what to do with what came, when it is over.

The driver's loop: while not `over`: `request()`, send `body()` to its URL; `begin_answer()`, `receive()` until everything
was taken, `end_answer()`, `step()` until it says 0. Where no answer comes: `no_answer()`. Holds no element names.
"""

from agent.compat import const, crc32, md5, unload
from agent.dm_exchange import Exchange
from agent.errors import LinkError, ProtocolError
from agent.window import Out, Window

_RESENDS = const(2)
_DONE = const(1)  # what dm_incoming says
_BUSY = const(2)
_SENDING = (
    "dm_answer",
    "dm_parts",
    "dm_entries",
    "dm_sources",
    "dm_queries",
    "tnds_writer",
    "xml_writer",
    "wbxml_writer",
)
_RECEIVING = (
    "dm_incoming",
    "dm_header",
    "dm_commands",
    "dm_containers",
    "dm_edit",
    "tnds_reader",
    "xml_reader",
    "wbxml_reader",
)
_XML = b"<\xef \t\r\n"  # what a message in XML can begin with


class Request:
    """What the driver must send; `mac` is the value of x-syncml-hmac or None."""

    def __init__(self, url, content_type, length, mac):
        self.url, self.content_type, self.length, self.mac = url, content_type, length, mac


class Session(Exchange):
    """`dm` is what outlives sessions (see dm_client), `opening` the alerts of package 1, the first of them 1200 or 1201."""

    def __init__(self, dm, account, opening, secure=False, session_id=0, resync=False):
        super().__init__(dm, account, opening, secure, session_id, resync)
        self._out = Out()
        self._crc = self._received = 0
        self._window = self._reader = self._incoming = self._hash = self._mac = None
        self._public_id = 0x1201

    # -- sending ------------------------------------------------------------------------------------------------------

    def request(self):
        """Return what to send next; the same again after `no_answer`. None where the session has ended instead."""
        if self.dm.small:
            self._window = self._reader = self._incoming = self._hash = self.header = None
            unload(_RECEIVING)
        self._answer = self._answer or self.make_answer()
        length, crc, hasher = 0, 0, md5() if self.guard.signs else None
        try:
            for _ in self._answer.pieces():
                piece = self._out.view[: self._out.size]
                length += len(piece)
                crc = crc32(piece, crc)
                if hasher:
                    hasher.update(piece)
                self._out.clear()
        except ProtocolError as e:
            return self.give_up(e)
        self._crc = crc
        self._sent = (self._answer.end, self._answer.complete, self._answer.ids)
        mac = self.guard.header(hasher.digest()) if hasher else None
        return Request(self.url, self._answer.content_type, length, mac)

    def body(self):
        """Yield the message in pieces, each valid until the next; LinkError where it is not what was counted."""
        crc = 0
        for _ in self._answer.pieces():
            piece = self._out.view[: self._out.size]
            crc = crc32(piece, crc)
            yield piece
            self._out.clear()
        if crc != self._crc:
            raise LinkError("the message changed between counting and sending: close the connection")

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
        return Answer(self, writer, self.peer_limit, self.position)

    # -- receiving ----------------------------------------------------------------------------------------------------

    def begin_answer(self, mac=None):
        """An answer begins; `mac` is the value of its x-syncml-hmac."""
        if self.dm.small:
            self._answer = None  # a pure function of what is kept: it can be made again
            unload(_SENDING)
        self._window, self._reader, self._incoming = Window(), None, None
        self._received, self._mac, self._hash, self.lost = 0, mac, md5() if mac else None, self.over

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
                    raise ProtocolError("the message is larger than was announced", 413)
                if not self._reader:
                    self._start_reader()
        except ProtocolError as e:
            self.malformed(e)
        return len(data) if self.lost else taken

    def _start_reader(self):
        if self._window.buf[self._window.start] in _XML:
            from agent.xml_reader import XmlReader

            self._reader = XmlReader(self._window)
        else:
            from agent.wbxml_reader import WbxmlReader

            self._reader = WbxmlReader(self._window)
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
            self._understood()
        except ProtocolError as e:
            self.malformed(e)
        return True

    def _understood(self):
        if self.dm.wbxml:
            self._public_id = getattr(self._reader, "public_id", 0x1201) and 0x1201
        if self.header and self.header.message == self.peer_message:
            self.no_answer()  # an older message once more: ours has not come through
        else:
            self.arrived(self._incoming, self._mac, self._hash.digest() if self._hash else None)

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
