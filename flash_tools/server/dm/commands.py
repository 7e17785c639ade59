"""What a policy commands, and what it gets back: the commands fill in their own results when the answers come.

`status` is the answer as a whole (the first failure of several Items), `statuses` has it by target. 413 with `sent` False
means that the command was never sent: it fits no message of this client.
"""

import base64
import binascii
from collections.abc import Sequence as Several
from dataclasses import dataclass, field
from typing import NamedTuple

from flash_tools.server.dm.element import Element, leaf, location, meta, node

_MAX_STRANGE = 64  # targets in Statuses that were not asked for, and answers, that are remembered


@dataclass
class Item:
    """One Item; `data` of format "bin" travels as base64 in XML and as it is in WBXML."""

    target: str = ""
    data: bytes | str | int | None = None
    format: str | None = None
    type: str | None = None
    source: str = ""
    _base64: bytes | None = field(default=None, init=False, repr=False)

    def carried(self, binary: bool) -> bytes | None:
        """Return the data as the message carries it."""
        if self.data is None:
            return None
        if not isinstance(self.data, bytes):
            return str(self.data).encode()
        if binary or self.format != "bin":
            return self.data
        if self._base64 is None:
            self._base64 = base64.b64encode(self.data)
        return self._base64

    def element(self, binary: bool, piece: "Piece | None" = None) -> Element:
        """Make the Item, or the piece of it that a large object's message carries."""
        carried = self.carried(binary)
        size = None
        if piece is not None:
            size = len(carried) if piece.start == 0 else None
            carried = carried[piece.start : piece.end]
        shown = "b64" if self.format == "bin" and not binary else self.format
        return node(
            "Item",
            location("Target", self.target) if self.target else None,
            location("Source", self.source) if self.source else None,
            meta(Format=shown, Type=self.type, Size=size),
            None if carried is None else leaf("Data", carried, opaque=self.format == "bin"),
            Element("MoreData") if piece is not None and piece.more else None,
        )


class Piece(NamedTuple):
    """What part of a large object one message carries."""

    start: int
    end: int
    more: bool


class Result(NamedTuple):
    """One Item of a Results: base64 is decoded, `format` is as it came."""

    source: str
    format: str
    type: str
    data: bytes


class ClientAlert(NamedTuple):
    """One Item of an Alert of the client; `correlator` is None where there was none."""

    code: int
    type: str = ""
    source: str = ""
    correlator: str | None = None
    mark: str = ""
    format: str = ""
    data: bytes = b""


class Status(NamedTuple):
    """One status of the client, for one target."""

    msgref: str
    cmdref: str
    cmd: str
    target: str
    code: int


def item_result(item: Element, above: tuple[str, str], data: bytes) -> Result:
    """Read an Item of the client; `above` is what the Meta one level up says: (format, type); `data` is all of it."""
    inner = item.find("Meta")
    shown = (inner.value("Format") if inner else "") or above[0]
    kind = (inner.value("Type") if inner else "") or above[1]
    if shown.lower() == "b64":
        try:
            data = base64.b64decode(data)
        except binascii.Error:
            pass  # handed on as it came: the policy sees the format
    return Result(item.value("Source", "LocURI"), shown, kind, data)


@dataclass(eq=False)
class _Command:
    items: "Several[Item | str] | Item | str" = ()
    no_resp: bool = field(default=False, kw_only=True)
    status: int | None = field(default=None, init=False)
    statuses: dict[str, int] = field(default_factory=dict, init=False)
    results: list[Result] = field(default_factory=list, init=False)
    answers: list[bytes] = field(default_factory=list, init=False)  # what a Status carried: the user's input
    sent: bool = field(default=False, init=False)

    tag_name = ""
    large = False  # whether its data may be cut

    def __post_init__(self):
        given = [self.items] if isinstance(self.items, Item | str) else self.items
        self.items = [self._item(item) for item in given]

    def _item(self, item):
        return Item(item) if isinstance(item, str) else item

    @property
    def parts(self) -> list["_Command"]:
        """Return the commands inside."""
        return []

    def element(self, ids, binary: bool, piece: Piece | None = None) -> Element:
        """Make the command; `ids` gives its CmdID and is told who got it."""
        head = [leaf("CmdID", ids(self)), Element("NoResp") if self.no_resp else None, *self._fields()]
        return node(self.tag_name, *head, *(item.element(binary, piece) for item in self.items))

    def _fields(self):
        return ()

    def take_status(self, code: int, targets: list[str], answers: list[bytes]):
        """Note a Status of the client."""
        for target in targets or [item.target for item in self.items]:
            if target in self.statuses or len(self.statuses) < len(self.items) + _MAX_STRANGE:
                self.statuses[target] = code
        if self.status is None or self.status < 300:
            self.status = code
        self.answers += answers[: _MAX_STRANGE - len(self.answers)]

    def forget(self):
        """Forget the answers: it will be sent again."""
        self.status, self.statuses, self.answers, self.sent = None, {}, [], False
        for part in self.parts:
            part.forget()


class Add(_Command):
    """Create nodes."""

    tag_name, large = "Add", True


class Replace(_Command):
    """Overwrite values."""

    tag_name, large = "Replace", True


class Delete(_Command):
    """Remove nodes."""

    tag_name = "Delete"


class Copy(_Command):
    """Copy leaves: Items with target and source."""

    tag_name = "Copy"


class Get(_Command):
    """Read nodes; the answers come in `results`."""

    tag_name = "Get"


@dataclass(eq=False)
class Exec(_Command):
    """Execute a node; without a correlator the element is absent, not empty."""

    correlator: str | None = None
    tag_name = "Exec"

    def _fields(self):
        return () if self.correlator is None else (leaf("Correlator", self.correlator),)


class Alert(_Command):
    """Talk to the user: `Alert(1101, ["MINDT=10", "Install 2.1?"])`; texts become the data of Items."""

    tag_name = "Alert"

    def __init__(self, code: int, items: Several[Item | str] = (), *, no_resp: bool = False):
        super().__init__(items, no_resp=no_resp)
        self.code = code

    def _item(self, item):
        return Item(data=item) if isinstance(item, str) else item

    def _fields(self):
        return (leaf("Data", self.code),)


class Sequence(_Command):
    """Commands in order."""

    tag_name = "Sequence"

    def __post_init__(self):
        self.items = list(self.items)

    @property
    def parts(self):
        """Return the commands inside."""
        return self.items

    def element(self, ids, binary, piece=None):
        """Make the command and those inside."""
        head = [leaf("CmdID", ids(self)), Element("NoResp") if self.no_resp else None]
        return node(self.tag_name, *head, *(part.element(ids, binary) for part in self.items))

    def take_status(self, code, targets, answers):
        """Note a Status of the client."""
        self.status = code


class Atomic(Sequence):
    """Commands that succeed all or not at all."""

    tag_name = "Atomic"
