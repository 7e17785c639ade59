"""The facts of a SyncHdr, and of the Statuses in a message, read out of their records."""

from agent.compat import const
from agent.dm_arena import to_number
from agent.dm_auth import MAX_NONCE, from_b64
from agent.errors import ProtocolError
from agent.fields import Fields

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


def read_header(arena, record):
    """Return the facts; `version` is 0, or the status that a version which we do not speak deserves."""
    text, header = arena.text, Fields()
    header.session_id, header.message = text(record, _SESSION_ID), text(record, _MSG_ID)
    header.source, header.respond_to = text(record, _SOURCE), text(record, _RESP_URI)
    header.version = 0
    if text(record, _VER_DTD) != "1.2":
        header.version = 505
    elif text(record, _VER_PROTO) != "DM/1.2":
        header.version = 513
    cred = arena.field(record, _CRED)
    header.cred = None if cred is None else (text(record, _TYPE), bytes(cred))
    header.max_message = arena.number(record, _MAX_MSG_SIZE)
    header.max_object = arena.number(record, _MAX_OBJ_SIZE)
    if len(header.message) > 20 or arena.status(record):
        raise ProtocolError("the SyncHdr is too long", 413)
    return header


def statuses(arena, start):
    """Yield ((MsgRef, CmdRef), Cmd, code, challenge) of each Status; the challenge is (type, nonce) or None."""
    while start < arena.fill:
        if arena.kind(start) == _STATUS:
            references = arena.text(start, _MSG_REF) or "1", arena.text(start, _CMD_REF) or "0"
            code = to_number(arena.text(start, _DATA) or "0")
            yield references, arena.text(start, _CMD), code, _challenge(arena, start)
        start = arena.next(start)


def _challenge(arena, record):
    kind, nonce = arena.text(record, _TYPE), arena.field(record, _NEXT_NONCE)
    if not kind and nonce is None:
        return None
    nonce = bytes(nonce or b"")
    raw = from_b64(nonce)
    if raw is None:
        raw = nonce  # some servers send it plain
    if len(raw) > MAX_NONCE:
        raise ProtocolError("the nonce is too long", 413)
    return kind, raw
