"""A session while it receives: a message of the server becomes records in the arena, and nothing acts. See dm_session.py."""

from agent.compat import const, md5
from agent.dm_session import Session
from agent.errors import ProtocolError
from agent.window import Window

_DONE = const(1)  # what dm_incoming says
_BUSY = const(2)
_XML = const(b"<\xef \t\r\n")  # what a message in XML can begin with


class Receiving(Session):
    """What a Session does in that turn."""

    def begin_answer(self, mac=None):
        """An answer begins; `mac` is the value of its x-syncml-hmac."""
        self.sent()
        self._reader = None
        self._window = Window()
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
                    _start_reader(self)
        except ProtocolError as e:
            self.malformed(e)
        return len(data) if self.lost else taken

    def end_reading(self):
        """The message is whole: read the rest of it; return where its records are, None where the flash is busy."""
        self._window.close()
        if self._incoming.run() != _DONE:
            return None
        if self.dm.wbxml:
            self._public_id = getattr(self._reader, "public_id", 0x1201) and 0x1201
        return self._incoming.final, self._incoming.start

    def open_sink(self, arena, start):
        """Tell where the Data of the newest Item goes while it arrives; None for the arena."""
        header = self.header
        if not self.secure or not header or header.version or header.message == self.peer_message or not self.answered:
            return None
        from agent.dm_chunks import chunks_of

        return chunks_of(self).open_sink(arena, start)

    def on_header(self, arena, record):
        """Judge the SyncHdr, as far as that can be done before the message is whole."""
        from agent.dm_header import read_header

        header = read_header(arena, record)
        if header.session_id != self.session_id:
            raise ProtocolError("another session's answer")
        if not header.message:
            raise ProtocolError("no MsgID")
        if header.source != self.server_id and not self.peer_message:
            self.dm.log("the server calls itself %s", header.source)
        self.header = header


def _start_reader(session):
    """A message of the server begins, perhaps once more; its first byte tells the encoding."""
    from agent.dm_incoming import Incoming

    window = session._window
    if session.dm.xml and window.buf[window.start] in _XML:
        from agent.xml_reader import XmlReader as Reader
    else:
        from agent.wbxml_reader import WbxmlReader as Reader
    session._reader = Reader(window)
    session.arena.fill = session._parsed
    if session.chunks:
        session.chunks.begin_message()
    session.header = None
    session._incoming = Incoming(session._reader, session.arena, session)
