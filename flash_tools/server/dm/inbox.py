"""Reads the body of an authenticated client message: what it reports goes to the session, what it wants answered comes back.

Order of children does not matter, missing references have their defaults (facts/omadm.md 8). Large objects of the client
are put together here.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from flash_tools.server.dm.commands import ClientAlert, Status, item_result
from flash_tools.server.dm.element import Element

_UNSUPPORTED = frozenset("Add Atomic Copy Delete Exec Get Map Move Put Search Sequence Sync".split())
_NEXT_MESSAGE, _ABORT, _NO_END_OF_DATA = 1222, 1223, 1225
_GENERIC = 1226
_FOR_POLICY = (1224, _GENERIC)
_MAX_KEPT = 4096  # Statuses and Alerts of a session that are remembered, each
_BESIDE = 4096  # bytes that a session may hold beside the largest object
_OVERHEAD = 100  # bytes that a remembered value takes besides
_IN_PROGRESS, _PIECE = 101, 213  # the answer is still to come
_SERVER_SAYS_OK = (1200, 1201, _NEXT_MESSAGE, _ABORT, _NO_END_OF_DATA)


class Answer(NamedTuple):
    """A Status that the client is owed."""

    cmdref: str
    cmd: str
    code: int
    targets: tuple = ()
    sources: tuple = ()


@dataclass
class Received:
    """What a message asks of the reply."""

    answers: list[Answer] = field(default_factory=list)
    final: bool = False
    next_message: bool = False  # Alert 1222
    abort: bool = False  # Alert 1223
    broken: tuple | None = None  # (source, target) of a large object that was not ended
    more: bool = False  # a large object is under way
    content: bool = False  # there is more in it than Statuses of SyncHdr and of Alert 1222


class _Outer(NamedTuple):
    """What a command says besides its Items, read once: there may be thousands of those."""

    has_meta: bool
    above: tuple[str, str]  # Format and Type
    size: int | None
    refs: tuple[str, str]
    named: str  # SourceRef or TargetRef
    correlator: str | None


def _outer(element):
    meta, correlator = element.find("Meta"), element.data("Correlator")
    return _Outer(
        meta is not None,
        (element.value("Meta", "Format"), element.value("Meta", "Type")),
        element.size("Meta", "Size"),
        (element.value("MsgRef"), element.value("CmdRef")),
        element.value("SourceRef") or element.value("TargetRef"),
        None if correlator is None else correlator.decode("utf-8", "replace").strip(),
    )


@dataclass
class _Upload:
    key: tuple
    size: int | None
    data: bytearray = field(default_factory=bytearray)


def answer_for(element: Element, code: int) -> Answer:
    """Make the Status of a command; where it has one Item, with its references: one for all of many needs none."""
    items = element.find_all("Item")
    items = items if len(items) == 1 else []
    targets = tuple(uri for item in items if (uri := item.value("Target", "LocURI")))
    sources = tuple(uri for item in items if (uri := item.value("Source", "LocURI")))
    return Answer(element.value("CmdID"), element.tag_name, code, targets, sources)


class Inbox:
    """Reads message after message of one session."""

    def __init__(self, session, object_max: int, alert_status):
        self._session = session
        self._object_max = object_max
        self._alert_status = alert_status  # (ClientAlert) -> Status code, the policy's
        self._upload = self._outer = None
        self._held = 0  # bytes of all values that are remembered

    def read(self, body: Element) -> Received:
        """Take everything in a SyncBody except Statuses of SyncHdr."""
        received = Received()
        readers = {"Results": self._results, "Alert": self._alert, "Replace": self._replace}
        for element in body.children:
            if element.tag_name == "Final":
                received.final = True
                continue
            code = self._read_one(element, readers, received)
            if code is not None:
                received.answers.append(answer_for(element, code))
        received.more = self._upload is not None
        return received

    def _read_one(self, element, readers, received):
        """Return the Status that an element gets, None where it gets none."""
        name = element.tag_name
        if name == "Status":
            return self._status(element, received)
        received.content |= name != "Alert" or element.size("Data") != _NEXT_MESSAGE
        if name != "Results" and element.value("CmdID") in ("", "0"):
            return 400  # an answer would belong to nothing, or to the SyncHdr
        if name in readers:
            self._outer = _outer(element)
            return readers[name](element, received)
        return 406 if name in _UNSUPPORTED else 400

    def _status(self, element, received):
        session = self._session
        msgref, cmdref = element.value("MsgRef", default="1"), element.value("CmdRef", default="0")
        cmd, code = element.value("Cmd"), element.size("Data") or 0
        targets = [ref.value() for ref in element.find_all("TargetRef")]
        for target in targets or [element.value("SourceRef")]:
            _keep(session.statuses, Status(msgref, cmdref, cmd, target, code))
        command = session.outbox.command(msgref, cmdref)
        if command is None or not _IN_PROGRESS < code < 600:
            return
        received.content = True
        session.outbox.answered(msgref, cmdref, code)
        if code != _PIECE:
            command.take_status(code, targets, [item.data("Data") or b"" for item in element.find_all("Item")])

    def _results(self, element, received):
        command = self._session.outbox.command(
            element.value("MsgRef", default="1"), element.value("CmdRef", default="0")
        )
        worst = None
        for item in element.find_all("Item"):
            code, data = self._whole(element, item, received)
            if code == 200:
                result = item_result(item, self._outer.above, data)
                if not result.source:
                    result = result._replace(source=item.value("Target", "LocURI") or self._only_target(command))
                code = self._keep_result(result, command)
            if code != 200:
                worst = code
        return worst  # no Status for Results that are fine

    def _only_target(self, command):
        if not self._outer.named and command is not None and len(command.items) == 1:
            return command.items[0].target
        return self._outer.named

    def _is_room(self, value):
        self._held += len(value) + _OVERHEAD
        return self._held <= self._object_max + _BESIDE

    def _keep_result(self, result, command):
        if not self._is_room(result.data):
            return 413
        self._session.results.append(result)
        if command is not None:
            command.results.append(result)
        return 200

    def _alert(self, element, received):
        code = element.size("Data") or 0
        if not element.value("Data") or (code == _GENERIC and element.find("Item") is None):
            return 412
        if code == _NEXT_MESSAGE:
            received.next_message = True
            return 200
        received.abort |= code == _ABORT
        if code == _NO_END_OF_DATA:
            self._session.outbox.abandon()
        statuses = []
        for item in element.find_all("Item") or [Element("Item")]:
            status, data = self._whole(element, item, received)
            if status == 200:
                status = self._note_alert(item, code, data)
            statuses.append(status)
        return next((status for status in statuses if status >= 213), statuses[0])

    def _note_alert(self, item, code, data):
        result = item_result(item, self._outer.above, data)
        alert = ClientAlert(
            code,
            result.type,
            result.source,
            self._outer.correlator,
            item.value("Meta", "Mark"),
            result.format,
            result.data,
        )
        _keep(self._session.alerts, alert)
        if code in _SERVER_SAYS_OK:
            return 200
        return self._alert_status(alert) if code in _FOR_POLICY else 406

    def _replace(self, element, received):
        codes = {self._devinfo(element, item, received) for item in element.find_all("Item")}
        return max(codes, default=412)

    def _devinfo(self, element, item, received):
        """Take one leaf; nothing but DevInfo is the client's to tell."""
        code, data = self._whole(element, item, received)
        if code != 200:
            return code
        uri = item.value("Source", "LocURI") or item.value("Target", "LocURI")
        uri = uri if uri.startswith("./") else "./" + uri
        if uri != "./DevInfo" and not uri.startswith("./DevInfo/"):
            return 405
        if not self._is_room(uri + "=") or not self._is_room(data):
            return 413
        if item.find("Meta") is not None or self._outer.has_meta:
            data = item_result(item, self._outer.above, data).data
        self._session.devinfo[uri] = data.decode("utf-8", "replace").strip()
        return 200

    def _whole(self, element, item, received):
        """Return (200, all data of the Item), or the code of a piece and None."""
        more = item.find("MoreData") is not None
        if self._upload is None and not more:
            return 200, item.data("Data") or b""  # nearly always
        source, target = item.value("Source", "LocURI"), item.value("Target", "LocURI")
        key = (element.tag_name, source, target, *self._outer.refs)
        size = item.size("Meta", "Size")
        if size is None:
            size = self._outer.size
        if self._upload is not None and self._upload.key != key:
            received.broken, self._upload = self._upload.key[1:3], None
        if self._upload is None:
            if not more:
                return 200, item.data("Data") or b""
            if size is None:
                return 411, None
            self._upload = _Upload(key, size)
        return self._add_piece(item.data("Data") or b"", more)

    def _add_piece(self, data, more):
        upload = self._upload
        upload.data += data
        if max(len(upload.data), upload.size) > self._object_max:
            self._upload = None
            return 413, None
        if more:
            return 213, None
        self._upload = None
        if len(upload.data) != upload.size:
            return 424, None
        return 200, bytes(upload.data)


def _keep(kept, one):
    """Remember the latest."""
    kept.append(one)
    del kept[:-_MAX_KEPT]
