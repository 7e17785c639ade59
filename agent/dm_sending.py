"""A session while it sends: our message is rendered once to be counted and hashed, then for the link. See dm_session.py."""

from agent.compat import crc32, md5
from agent.dm_answer import Answer
from agent.dm_auth import header, mac
from agent.dm_session import Session
from agent.errors import LinkError, ProtocolError
from agent.fields import Fields
from agent.window import Out


class Sending(Session):
    """What a Session does in that turn."""

    def make_request(self):
        """Count and hash the message that is to go out; return what the driver must send, `mac` is x-syncml-hmac or None."""
        self._answer = answer = self._answer or self.make_answer()
        _ = self.dm.tree  # made here: where it is rendered the stack is deep
        guard, request = self.guard, Fields()
        request.length, hasher = 0, md5() if guard.signs else None
        self._crc = None
        try:
            for piece in self.body():
                request.length += len(piece)
                if hasher:
                    hasher.update(piece)
        except ProtocolError as e:
            return self.give_up(e)
        self._end, self.answered, self._ids = answer.end, answer.complete, answer.ids
        request.url, request.content_type, request.mac = self.url, answer.writer.content_type, None
        if hasher:
            client = guard.account.client
            request.mac = header(client.user, mac(client.user, client.secret, guard.nonce, hasher.digest()))
        return request

    def body(self):
        """Yield the message in pieces, each valid until the next; LinkError where it is not what was counted."""
        self._answer = self._answer or self.make_answer()
        crc, out = 0, self._out
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

    def make_answer(self):
        """Return what renders our next message."""
        self._out = Out()
        if self.dm.xml and not self.dm.wbxml:
            from agent.xml_writer import XmlWriter

            writer = XmlWriter(self._out)
        else:
            from agent.wbxml_writer import WbxmlWriter

            writer = WbxmlWriter(self._out, self._public_id)
        return Answer(self, writer)
