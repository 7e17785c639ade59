"""The parts of an outgoing message as trees: (tag, content). Know the elements and their order, not the encoding.

Content is None (the element is left out), text, a tuple of such pairs (left out where all of them are), or a Piece of a source.
"""

from agent.compat import const

_ALERT = const(0x06)
_CHAL = const(0x09)
_CMD = const(0x0A)
_CMD_ID = const(0x0B)
_CMD_REF = const(0x0C)
_CRED = const(0x0E)
_DATA = const(0x0F)
_ITEM = const(0x14)
_LOC_NAME = const(0x16)
_LOC_URI = const(0x17)
_META = const(0x1A)
_MSG_ID = const(0x1B)
_MSG_REF = const(0x1C)
_REPLACE = const(0x20)
_RESULTS = const(0x22)
_SESSION_ID = const(0x25)
_SOURCE = const(0x27)
_SOURCE_REF = const(0x28)
_STATUS = const(0x29)
_SYNC_BODY = const(0x2B)
_SYNC_HDR = const(0x2C)
_SYNC_ML = const(0x2D)
_TARGET = const(0x2E)
_TARGET_REF = const(0x2F)
_VER_DTD = const(0x31)
_VER_PROTO = const(0x32)
_MORE_DATA = const(0x34)
_CORRELATOR = const(0x3C)
_FORMAT = const(0x107)
_MARK = const(0x10B)
_MAX_MSG_SIZE = const(0x10C)
_NEXT_NONCE = const(0x110)
_SIZE = const(0x112)
_TYPE = const(0x113)
_MAX_OBJ_SIZE = const(0x115)


class Piece:
    """A part of a source's bytes, as the content of an element."""

    def __init__(self, source, offset, size):
        self.source, self.offset, self.size = source, offset, size


class Parts:
    """Each method returns one part; `_id` is the last CmdID."""

    def __init__(self, session, writer):
        self._session, self._writer = session, writer
        self._id = 0

    def _head(self):
        session = self._session
        cred = session.cred and (_meta("b64", session.cred[0]), (_DATA, session.cred[1]))
        limits = ((_MAX_MSG_SIZE, str(session.max_message)), (_MAX_OBJ_SIZE, str(session.max_object)))
        return (
            _SYNC_HDR,
            (
                (_VER_DTD, "1.2"),
                (_VER_PROTO, "DM/1.2"),
                (_SESSION_ID, session.session_id),
                (_MSG_ID, str(session.message)),
                _place(_TARGET, session.url),
                _place(_SOURCE, session.dm.device_id, session.user or None),
                (_CRED, cred),
                (_META, limits),
            ),
        )

    def _header_status(self):
        session = self._session
        code, message = session.header_status, session.peer_message
        versions = {505: ("1.2",), 513: ("DM/1.2",)}.get(code, ())
        return self.status(
            message, "0", "SyncHdr", code, session.dm.device_id, session.peer_source, versions, session.challenge
        )

    def status(self, message, reference, command, code, target, source, data=(), challenge=None):
        """Answer one command or one of its Items."""
        parts = (
            (_MSG_REF, message),
            (_CMD_REF, reference),
            (_CMD, command),
            (_TARGET_REF, target or None),
            (_SOURCE_REF, source or None),
            (_CHAL, challenge and (_meta("b64", challenge[0], None, None, challenge[1]),)),
            (_DATA, str(code)),
        )
        return self._command(_STATUS, parts + tuple([(_ITEM, ((_DATA, text),)) for text in data]))

    def results(self, references, uri, source, offset, size):
        """Answer a Get; `size` bytes from `offset` on, -1 for the rest."""
        writer, more = self._writer, size >= 0
        announced = str(writer.data_size(source.size, source.binary)) if more and not offset else None
        item = (
            _place(_SOURCE, uri),
            _meta(writer.binary_format if source.binary else source.form, source.kind, None, announced),
            (_DATA, Piece(source, offset, size if more else source.size - offset)),
            (_MORE_DATA, "" if more else None),
        )
        return self._command(_RESULTS, ((_MSG_REF, references[0]), (_CMD_REF, references[1]), (_ITEM, item)))

    def alert(self, code, item=None, correlator=None):
        """Send an Alert; `item` is (source, target, type, format, mark, data), None where there is none."""
        if item:
            source, target, kind, form, mark, data = item
            item = (_place(_TARGET, target), _place(_SOURCE, source), _meta(form, kind, mark), (_DATA, data))
        return self._command(_ALERT, ((_DATA, code), (_CORRELATOR, correlator or None), (_ITEM, item)))

    def devinfo(self):
        """Send the five leaves that begin every session."""
        leaves = self._session.dm.devinfo
        return self._command(
            _REPLACE, tuple([(_ITEM, (_place(_SOURCE, uri), (_DATA, value))) for uri, value in leaves])
        )

    def _command(self, tag, parts):
        self._id += 1
        return tag, ((_CMD_ID, str(self._id)),) + parts


def _place(tag, uri, name=None):
    return tag, ((_LOC_URI, uri or None), (_LOC_NAME, name))


def _meta(form, kind, mark=None, size=None, nonce=None):
    parts = ((_FORMAT, form or None), (_TYPE, kind or None), (_MARK, mark or None), (_SIZE, size), (_NEXT_NONCE, nonce))
    return _META, parts
