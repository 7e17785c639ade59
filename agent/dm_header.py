"""The facts of a SyncHdr, and of the Statuses in a message, read out of their records."""

from agent.compat import const
from agent.dm_arena import to_number
from agent.dm_auth import MAX_NONCE, from_b64
from agent.errors import ProtocolError

_CMD = const(0x0A)
_CMD_REF = const(0x0C)
_CRED = const(0x0E)
_DATA = const(0x0F)
_MSG_ID = const(0x1B)
_MSG_REF = const(0x1C)
_RESP_URI = const(0x21)
_SESSION_ID = const(0x25)
_SOURCE = const(0x27)
_STATUS = const(0x29)
_VER_DTD = const(0x31)
_VER_PROTO = const(0x32)
_MAX_MSG_SIZE = const(0x8C)
_NEXT_NONCE = const(0x90)
_TYPE = const(0x93)
_MAX_OBJ_SIZE = const(0x95)


class Header:
    """`version` is 0, or the status that a version which we do not speak deserves."""

    def __init__(self, arena, record):
        self.session_id, self.message = arena.text(record, _SESSION_ID), arena.text(record, _MSG_ID)
        self.source, self.respond_to = arena.text(record, _SOURCE), arena.text(record, _RESP_URI)
        self.version = 0
        if arena.text(record, _VER_DTD) != "1.2":
            self.version = 505
        elif arena.text(record, _VER_PROTO) != "DM/1.2":
            self.version = 513
        cred = arena.field(record, _CRED)
        self.cred = None if cred is None else (arena.text(record, _TYPE), bytes(cred))
        self.max_message = arena.number(record, _MAX_MSG_SIZE)
        self.max_object = arena.number(record, _MAX_OBJ_SIZE)
        if len(self.message) > 20 or arena.status(record):
            raise ProtocolError("the SyncHdr is too long", 413)


def statuses(arena, start):
    """Yield (MsgRef, CmdRef, Cmd, code, challenge) of each Status; the challenge is (type, nonce) or None."""
    at = start
    while at < arena.fill:
        if arena.kind(at) == _STATUS:
            reference = arena.text(at, _CMD_REF) or "0"
            code = to_number(arena.text(at, _DATA) or "0")
            yield arena.text(at, _MSG_REF) or "1", reference, arena.text(at, _CMD), code, _challenge(arena, at)
        at = arena.next(at)


def _challenge(arena, record):
    kind, nonce = arena.text(record, _TYPE), arena.field(record, _NEXT_NONCE)
    if not kind and nonce is None:
        return None
    return kind, b"" if nonce is None else _nonce(nonce)


def _nonce(data):
    """Return the nonce's bytes; some servers send it plain."""
    raw = from_b64(data)
    raw = bytes(data) if raw is None else raw
    if len(raw) > MAX_NONCE:
        raise ProtocolError("the nonce is too long", 413)
    return raw
