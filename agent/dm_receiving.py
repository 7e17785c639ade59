"""A session while it receives: a message of the server becomes records in the arena, and nothing acts. See dm_session.py."""

from agent.compat import const
from agent.dm_session import Session
from agent.errors import ProtocolError

_DONE = const(1)  # what dm_incoming says
_BUSY = const(2)
_XML = const(b"<\xef \t\r\n")  # what a message in XML can begin with


class Receiving(Session):
    """What a Session does in that turn."""

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
                    self.start_reader()
        except ProtocolError as e:
            self.malformed(e)
        return len(data) if self.lost else taken

    def start_reader(self):
        """The first bytes tell the encoding."""
        window = self._window
        if self.dm.xml and window.buf[window.start] in _XML:
            from agent.xml_reader import XmlReader as Reader
        else:
            from agent.wbxml_reader import WbxmlReader as Reader
        self._reader = Reader(window)
        self._incoming = self.begin_message(self._reader)

    def end_reading(self):
        """The message is whole: read the rest of it; return where its records are, None where the flash is busy."""
        self._window.close()
        if self._incoming.run() != _DONE:
            return None
        if self.dm.wbxml:
            self._public_id = getattr(self._reader, "public_id", 0x1201) and 0x1201
        return self._incoming.final, self._incoming.start

    def begin_message(self, reader):
        """A message of the server begins, perhaps once more; return what turns it into records."""
        from agent.dm_incoming import Incoming

        self.arena.fill = self._parsed
        if not self.chunks:
            from agent.dm_chunks import Chunks

            self.chunks = Chunks(self.dm, self.max_object, self._interrupted, self.server_id)
        self.chunks.begin_message()
        self.header = None
        return Incoming(reader, self.arena, self)

    def open_sink(self, arena, start):
        """Tell where the Data of the newest Item goes while it arrives; None for the arena."""
        header = self.header
        if not self.secure or not header or header.version or header.message == self.peer_message or not self.answered:
            return None
        return self.chunks.open_sink(arena, start)

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
