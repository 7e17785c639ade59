"""An independent, strict judge of every message that an OMA DM 1.2.1 client sends. It shares no code with agent/.

Give it all messages of one session in wire order: `client(body, content_type, headers)`, `server(body, content_type)`,
at last `end()`. Each raises Violation, which says what the client did wrong; servers may be as sloppy as they like.
A client message repeated byte for byte is a retransmission (twice at most): the answer that it had, if any, was lost.
"""

import copy
import re

from tests.dm.authentication import Authentication
from tests.dm.chunks import Incoming, Outgoing
from tests.dm.ledger import CODES, Ledger
from tests.dm.message import Message, Violation, check_structure, need, parse
from tests.dm.shapes import check_alert, check_devinfo, check_value
from tests.dm.to_xml import to_xml

__all__ = ["SessionValidator", "Violation"]

_TYPES = ("application/vnd.syncml.dm+xml", "application/vnd.syncml.dm+wbxml")
_AGAIN = 2
_LEAVE_OUT = "only a Status for the SyncHdr, in answer to a message without commands and challenge"


class SessionValidator:
    """Judge one session."""

    def __init__(self, max_msg_size=None):
        self.max_msg_size = max_msg_size  # what the server takes; its SyncHdr may change it
        self._ledger, self._auth = Ledger(), Authentication()
        self._outgoing, self._incoming = Outgoing(), Incoming()
        self._bodies = []  # the client's last message and its repetitions
        self._first = self._last = None  # client messages
        self._peer = None  # the server's last message
        self._answered = self._may_close = True  # the client's package is open: the server's last one came to its Final
        self._over = self._unreadable = None
        self._opening = None  # the alerts of the first package 1

    def client(self, body, content_type, headers=None):
        """Judge a message of the client."""
        if self._is_repetition(bytes(body)):
            return
        need(self._over is None, "a message after %s", self._over)
        need(self._answered, "a second message before the server's answer")
        kind = content_type.split(";")[0].strip().lower()
        need(kind in _TYPES, "Content-Type %s", content_type)
        need(not self.max_msg_size or len(body) <= self.max_msg_size, "%d bytes > MaxMsgSize", len(body))
        root = parse(to_xml(body, content_type), comments=True)
        check_structure(root)
        message = Message(root)
        self._check_header(message)
        self._check_ids(message)
        status = self._check_header_status(message)
        self._auth.client(message, headers or {}, status)
        self._check_commands(message, kind == _TYPES[1])
        self._ledger.client(message, status)
        self._incoming.client(message)
        self._check_package(message)
        self._last, self._answered, self._unreadable = message, False, None

    def server(self, body, content_type):
        """Take note of a message of the server."""
        self._before = copy.deepcopy({name: value for name, value in self.__dict__.items() if name != "_before"})
        self._answered = True
        if not body:
            self._over = "the server's empty answer"
            return
        try:
            self._peer = Message(parse(to_xml(body, content_type)))
        except (Violation, ValueError):
            self._unreadable = True
            return
        peer = self._peer
        if "MaxMsgSize" in peer.meta:
            self.max_msg_size = int(peer.meta["MaxMsgSize"])
        self._auth.server(peer)
        self._ledger.server(peer)
        self._incoming.server(peer)
        gone = self._outgoing.server(peer)
        if gone:
            self._ledger.waive(*gone[1:])
        self._may_close = self._may_close or peer.final or self._auth.challenged
        if peer.has_alert("1223"):
            self._stop("the server's Alert 1223")

    def end(self, aborted=False):
        """Judge the session as a whole; `aborted` when the connection was lost or the test cut it."""
        need(self._first is not None, "the client sent nothing")
        if aborted or self._unreadable or self._over:
            return
        need(self._answered, "the server was not heard")
        if self._auth.challenged:
            return  # to give up is always allowed
        self._outgoing.close()
        self._ledger.close()
        need(self._last.final, "the client's last message has no Final")

    def _stop(self, why):
        self._over = why
        self._ledger.forget()

    def _is_repetition(self, body):
        if not self._bodies or body != self._bodies[0]:
            self._bodies = [body]
            return False
        if self._answered:
            self.__dict__.update(self._before)
        self._bodies.append(body)
        need(len(self._bodies) <= 1 + _AGAIN, "the same message %d times", len(self._bodies))
        return True

    def _check_header(self, message):
        header = {c.tag.split("}")[1]: c.text for c in message.header}
        need(header["VerDTD"] == "1.2", "VerDTD %s", header["VerDTD"])
        need(header["VerProto"] == "DM/1.2", "VerProto %s", header["VerProto"])
        need(re.fullmatch("[1-9A-F][0-9A-F]{0,3}", message.session_id), "SessionID %s", message.session_id)
        for name in ("MaxMsgSize", "MaxObjSize"):
            need(re.fullmatch("[1-9][0-9]*", message.meta.get(name, "1")), "%s %s", name, message.meta.get(name))
        number = 1 if self._last is None else int(self._last.msg_id) + 1
        need(message.msg_id == str(number), "MsgID %s, not %d", message.msg_id, number)
        if self._first is None:
            self._first = message
        need(message.session_id == self._first.session_id, "another SessionID: %s", message.session_id)
        need(message.source == self._first.source, "another Source: %s", message.source)

    def _check_ids(self, message):
        ids = [c.cmd_id for c in message.all]
        need("0" not in ids, "CmdID 0")
        need(len(ids) == len(set(ids)), "a CmdID twice: %s", ids)
        for status in message.statuses:
            need(status.code.isdigit() and int(status.code) in CODES, "Status %s", status.code)
            need(status.cmd not in ("Status", "Results"), "Status for %s", status.cmd)

    def _check_header_status(self, message):
        first = message.all[0]
        mine = [s for s in message.statuses if s.cmd == "SyncHdr" or s.cmd_ref == "0"]
        if self._peer is None or self._unreadable:
            need(self._unreadable or not mine, "Status for a SyncHdr that never came")
            need(all(int(s.code) >= 400 for s in mine), "the unreadable message got %s", [s.code for s in mine])
            return mine[0] if mine else None
        need(mine and mine[0] is first, "it does not begin with the Status for the SyncHdr")
        need(len(mine) == 1, "%d Statuses for the SyncHdr", len(mine))
        need((first.cmd, first.cmd_ref) == ("SyncHdr", "0"), "SyncHdr Status: %s, CmdRef %s", first.cmd, first.cmd_ref)
        need(first.msg_ref == (self._peer.msg_id or "1"), "MsgRef %s, not %s", first.msg_ref, self._peer.msg_id)
        need(first.target_refs in ([], [self._peer.target]), "TargetRef of the SyncHdr: %s", first.target_refs)
        need(first.source_refs in ([], [self._peer.source]), "SourceRef of the SyncHdr: %s", first.source_refs)
        asked = self._peer.commands or self._auth.challenged or any(s.challenge for s in self._peer.statuses)
        need(asked or message.all != [first] or not self._last.final, _LEAVE_OUT)
        return first

    def _check_commands(self, message, wbxml):
        opening = self._peer is None or self._auth.challenged
        if opening and not (self._auth.challenged and message.has_alert("1223")):
            self._check_opening(message)
        need(opening or not [c for c in message.all if c.name == "Replace"], "Replace outside of package 1")
        for alert in message.alerts:
            check_alert(alert, opening)
        for command, item in self._outgoing.client(message):
            if command.name == "Results" and (item.data or not self._ledger.is_struct(command)):
                check_value(item, wbxml)

    def _check_opening(self, message):
        rest = message.commands
        need(not message.results, "Results in package 1")
        need(rest and rest[0].code in ("1200", "1201"), "package 1 does not begin with Alert 1200 or 1201")
        need(len([c for c in rest if c.code in ("1200", "1201")]) == 1, "two Alerts open the session")
        replaces = [c for c in rest if c.name == "Replace"]
        need(len(replaces) == 1, "package 1 has %d Replace", len(replaces))
        check_devinfo(replaces[0])
        need(message.final or (self._peer is not None and self.max_msg_size), "package 1 without Final")
        alerts = [(a.code, a.correlator, [i.data for i in a.items]) for a in message.alerts]
        if self._opening is None:
            self._opening = alerts
        elif message.final:
            lost = [a[0] for a in self._opening if a not in alerts]
            need(not lost, "package 1 is repeated without Alert %s", lost)

    def _check_package(self, message):
        if message.has_alert("1223"):
            need(message.final, "Alert 1223 without Final")
            self._stop("the client's Alert 1223")
            return
        need(self._may_close or not message.final, "Final before the server's Final")
        need(not (self._may_close and message.has_alert("1222")), "Alert 1222, but the server's package is complete")
        more = message.results or message.alerts or self._ledger.owes()
        need(self._may_close or more, "neither Alert 1222 nor anything else, though the server has more to send")
        if message.final:
            self._ledger.close()
            self._may_close = False
