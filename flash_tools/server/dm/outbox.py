"""The commands of one server package, cut into messages that the client can take.

Knows sizes and large objects, nothing of authentication. `fill` moves what fits into a message's body; `rewind` takes the
last message's commands back when the client did not accept who we are.
"""

from collections import deque
from dataclasses import dataclass

from flash_tools.server.dm.codec import Style, encode, is_wbxml
from flash_tools.server.dm.commands import Piece
from flash_tools.server.dm.element import Element

_FEW_STATUSES = 2
_MOST_MARKUP, _MOST_LETTER = 100, 6  # bytes of an element beside its names, of a letter that is escaped
_LEAST_PIECE = 32  # behind other commands a large object begins only where that much of it fits


@dataclass
class Draft:
    """A message in the making and what bounds it; None is no limit."""

    root: Element
    content_type: str
    style: Style
    msg_id: int
    message_max: int | None = None  # bytes of a message, the client's MaxMsgSize
    object_max: int | None = None  # bytes of an object as carried, the client's MaxObjSize
    chunk_max: int | None = None  # bytes of one piece, for tests
    command_id: int = 0

    @property
    def body(self) -> Element:
        """Return the SyncBody."""
        return self.root.children[1]

    @property
    def binary(self) -> bool:
        """Tell whether it will be WBXML."""
        return is_wbxml(self.content_type)

    def next_id(self) -> str:
        """Return the next CmdID."""
        self.command_id += 1
        return str(self.command_id)

    def excess(self) -> int:
        """Return by how many bytes it is too long, at most 0 if it is not."""
        if self.message_max is None or _bound(self.root) <= self.message_max:
            return 0
        self.body.children.append(Element("Final"))  # it may follow
        size = len(encode(self.root, self.content_type, self.style))
        self.body.children.pop()
        return size - self.message_max


class Outbox:
    """What is still to be sent of a package, and what is out and waits for its Status."""

    def __init__(self):
        self._queue = deque()
        self._offset = 0  # how far the first of the queue is, if it is a large object
        self._saved = ((), 0)
        self._sent = {}  # (our MsgID, CmdID) -> command
        self._last = {}  # the same for the last message
        self._open = set()  # keys of the last message without a Status

    def put(self, commands):
        """Begin a package."""
        self._queue, self._offset = deque(commands), 0

    def __bool__(self):
        return bool(self._queue)

    def waits(self) -> bool:
        """Tell whether an answer to the last message is missing."""
        return bool(self._open)

    def command(self, msgref: str, cmdref: str):
        """Return the command that a Status or a Results is about."""
        return self._sent.get((msgref, cmdref))

    def answered(self, msgref: str, cmdref: str, code: int):
        """Note that a Status came; anything but 213 for a piece drops the rest of the object."""
        self._open.discard((msgref, cmdref))
        command = self._last.get((msgref, cmdref))
        if self._offset and code != 213 and command is self._queue[0]:
            self._drop_first()

    def abandon(self):
        """Drop the rest of a large object: the client has lost its beginning; it stays unanswered."""
        if self._offset:
            self._drop_first()
            self._open.clear()

    def rewind(self):
        """Put the last message's commands back, to be sent again."""
        for key, command in self._last.items():
            command.forget()
            self._sent.pop(key, None)
        if self._last:
            self._queue, self._offset = deque(self._saved[0]), self._saved[1]
        self._last, self._open = {}, set()

    def fill(self, draft: Draft):
        """Append what fits."""
        self._saved, self._last, self._open = (tuple(self._queue), self._offset), {}, set()
        while self._queue:
            command = self._queue[0]
            if _object_size(command, draft.binary) > (draft.object_max or 1 << 62):
                self._refuse(command)
            elif self._append_whole(draft, command):
                self._drop_first()
            elif _is_large(command) and (piece := self._next_piece(draft, command)):
                self._append(draft, command, piece)
                if piece.more:
                    self._offset = piece.end
                    return
                self._drop_first()
            elif self._last or self._fits_later(draft, command):
                return
            else:
                self._refuse(command)

    def _fits_later(self, draft, command):
        """Tell whether it fits into a message with no more than the Statuses of SyncHdr and of one Alert."""
        whole, statuses = draft.body.children, draft.body.children[:_FEW_STATUSES]
        if len(statuses) == len(whole):
            return False
        piece = Piece(self._offset, self._offset + _LEAST_PIECE, True) if _is_large(command) else None
        draft.body.children = [*statuses, command.element(lambda which: "0000", draft.binary, piece)]
        fits = draft.excess() <= 0
        draft.body.children = whole
        return fits

    def _drop_first(self):
        self._queue.popleft()
        self._offset = 0

    def _refuse(self, command):
        command.status = 413
        self._drop_first()

    def _append_whole(self, draft, command):
        if self._offset or (_is_large(command) and _object_size(command, draft.binary) > _room(draft)):
            return False
        return self._append(draft, command, None)

    def _append(self, draft, command, piece):
        """Append the command or a piece of it; take it back if the message gets too long."""
        ids, first = {}, draft.command_id

        def give_id(which):
            key = str(draft.msg_id), draft.next_id()
            ids[key] = which
            return key[1]

        draft.body.children.append(command.element(give_id, draft.binary, piece))
        if draft.excess() > 0:
            draft.body.children.pop()
            draft.command_id = first
            return False
        self._note_sent(ids, command)
        return True

    def _note_sent(self, ids, command):
        for which in ids.values():
            which.sent = True
        self._sent.update(ids)
        self._last.update(ids)
        self._open.update(key for key, which in ids.items() if which is command and not command.no_resp)

    def _next_piece(self, draft, command):
        """Return the largest piece that fits, None if there is no room worth the while."""
        carried = command.items[0].carried(draft.binary)
        text = command.items[0].format not in ("bin", "b64")
        least = _text_end(carried, self._offset, self._offset + 1) if text else self._offset + 1
        end = min(len(carried), self._offset + _room(draft))
        while True:
            end = max(_text_start(carried, end) if text else end, least)
            piece = Piece(self._offset, end, end < len(carried))
            excess = self._excess(draft, command, piece)
            if excess <= 0:
                return None if self._last and piece.more and end - self._offset < self._least(draft) else piece
            if end <= least:
                return None
            end = max(end - excess, self._offset + (end - self._offset) // 2)

    def _least(self, draft):
        return min(_LEAST_PIECE, draft.chunk_max or _LEAST_PIECE)

    def _excess(self, draft, command, piece):
        draft.body.children.append(command.element(lambda which: "0000", draft.binary, piece))
        excess = draft.excess()
        draft.body.children.pop()
        return excess


def _bound(element: Element) -> int:
    """Return a size that an element has in no style; far quicker than to write it."""
    own = _MOST_MARKUP + 2 * len(element.tag_name) + _MOST_LETTER * len(element.text or b"")
    return own + sum([_bound(child) for child in element.children])


def _room(draft) -> int:
    """Return how much of an object one message can carry at most: what is more need not be tried."""
    return min(draft.chunk_max or 1 << 62, draft.message_max or 1 << 62)


def _is_large(command) -> bool:
    return command.large and len(command.items) == 1 and command.items[0].data is not None


def _object_size(command, binary: bool) -> int:
    """Return the size of the largest value in it, as carried."""
    if command.parts:
        return max(_object_size(part, binary) for part in command.parts)
    return max((len(item.carried(binary) or b"") for item in command.items), default=0)


def _text_start(carried: bytes, at: int) -> int:
    """Move back to where a UTF-8 character starts."""
    while 0 < at < len(carried) and carried[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _text_end(carried: bytes, start: int, at: int) -> int:
    """Move on to where the next UTF-8 character starts."""
    while at < len(carried) and carried[at] & 0xC0 == 0x80:
        at += 1
    return min(at, len(carried))
