"""One management session: the packages of the standard, message by message.

An exchange takes the tree of a client message and gives the draft of the answer. What to command comes from the policy's
generator, whose next package is fetched only when the one before is answered.
"""

from flash_tools.server.dm.access import ACCEPTED, Access
from flash_tools.server.dm.device import Device
from flash_tools.server.dm.element import Element, leaf, location, meta, node
from flash_tools.server.dm.inbox import Answer, Inbox, Received, answer_for
from flash_tools.server.dm.outbox import Draft, Outbox

_VERSIONS = (("VerDTD", "1.2", 505), ("VerProto", "DM/1.2", 513))
_MOST_REFUSALS = 100  # Statuses: 64 KiB of a stranger must not cost half a second and an answer of 1.4 MB
_MESSAGE_MAX = 1 << 20  # bytes of a message of ours, whatever the client says that it takes
_SESSION_ID_MAX = 64  # letters; four hexadecimal digits are usual
_NEXT_MESSAGE, _ABORT, _NO_END_OF_DATA = 1222, 1223, 1225


class Session:
    """What policies see of a session, and its state."""

    def __init__(self, device: Device, session_id: str, server):
        self.device = device
        self.session_id = session_id
        self.tls = False
        self.statuses, self.results, self.alerts = [], [], []
        self.devinfo = {}  # URI with ./ -> value
        self.over = False
        self.failure = ""  # why it ended early
        self.code = 0  # the Status of the last message's SyncHdr
        self.refusal = ""  # why the last message was refused
        self.known = False  # a message was accepted: one that is refused later changes nothing
        self.msg_id = 0  # of our last message
        self.client_msg_id = ""
        self.message_max = None  # the client's MaxMsgSize
        self.object_max = None  # the client's MaxObjSize
        self.chunk_max = None  # settable: the largest piece of a large object
        self.resp_uri = server.resp_uri  # settable
        self.no_resp = False  # settable: NoResp in our SyncHdr
        self.style = server.style  # settable
        self.outbox = Outbox()
        self.last_body, self.last_reply = None, None  # for a repeated message
        self.access = Access(device, server.random)
        self._server = server
        self._inbox = Inbox(self, server.object_max, self._alert_status)
        self._packages = None
        self._answered = 1  # our first message that a Status of SyncHdr may still be about
        self._asked = False  # our last message asked for the rest of the client's package
        self._final = True  # our last message was the end of our package

    def exchange(self, message: Element, body: bytes, content_type: str, mac: str | None) -> Draft:
        """Take a client message, return the draft of the answer."""
        header, sync_body = message.find("SyncHdr"), message.find("SyncBody")
        self.msg_id += 1
        self.code = code = self._header_code(header) or self.access.check(header, body, mac)
        if code not in ACCEPTED:
            return self._refuse(header, sync_body, content_type, code)
        self.client_msg_id, self.known, self.refusal = header.value("MsgID"), True, ""
        self._note_limits(header)
        verdict = self._server_verdict(sync_body)
        received = self._inbox.read(sync_body)
        if self._asked:  # who has no more to say then has forgotten Final, and who has wants no message of ours
            received.final |= not received.content and not received.more
            received.next_message = False
        if not self.outbox and self._may_command(received, verdict):
            self._fetch()  # first of all: the policy may set what the draft depends on
        draft = self._draft(header, content_type)
        self._put_statuses(draft, header, code, received.answers)
        self._asked = False
        self._final = self._go_on(draft, received, verdict)
        if self._final:
            draft.body.children.append(Element("Final"))
        return draft

    def _header_code(self, header):
        """Return the Status of a SyncHdr that is not understood, None where it is."""
        number = header.size("MsgID")
        if number is None or len(self.session_id) > _SESSION_ID_MAX:
            return 400
        if self.known and number < int(self.client_msg_id):
            return 400  # an older message again
        return next((code for name, known, code in _VERSIONS if header.value(name) != known), None)

    def _alert_status(self, alert):
        decide = getattr(self._server.policy, "alert_status", None)
        return decide(self, alert) if decide else 200

    def _note_limits(self, header):
        for name, attribute in (("MaxMsgSize", "message_max"), ("MaxObjSize", "object_max")):
            size = header.size("Meta", name)
            if size:
                setattr(self, attribute, size)

    def _server_verdict(self, body):
        """Let the client's Status of our SyncHdr count; what it did not accept will be sent again."""
        verdict = "accepted"
        for status in body.find_all("Status"):
            number = 1 if status.find("MsgRef") is None else status.size("MsgRef") or 0
            if _is_about_header(status) and self._answered <= number < self.msg_id:
                verdict = self.access.take_status(status, self.tls)
        self._answered = self.msg_id
        if verdict == "refused":
            self.outbox.rewind()
        return verdict

    def _go_on(self, draft, received: Received, verdict: str) -> bool:
        """Append what follows the Statuses; tell whether the message is final."""
        if received.abort:
            return self._end("the client aborted")
        if received.broken:
            self._put_alert(draft, _NO_END_OF_DATA, *received.broken)
        if verdict == "hopeless":
            self._put_alert(draft, _ABORT)
            return self._end("the client does not accept the server")
        if self._may_command(received, verdict):
            return self._put_commands(draft)
        if not self.over:
            self._put_alert(draft, _NEXT_MESSAGE)
            self._asked = True
        return self.over

    def _may_command(self, received, verdict):
        """Tell whether it is our turn: the client's package is complete, or asks for the rest of ours."""
        if self.over or received.abort or received.more or verdict == "hopeless":
            return False
        if self.outbox.waits() and self._final and not received.final:
            return False  # "next message" is no answer to a whole package
        return received.final or received.next_message or (bool(self.outbox) and not self.outbox.waits())

    def _fetch(self):
        """Get the policy's next package; an empty one ends the session."""
        if self._packages is None:
            self._packages = iter(self._server.policy.packages(self))
        self.outbox.put(next(self._packages, None) or [])

    def _put_commands(self, draft):
        first = len(draft.body.children)
        while self.outbox and len(draft.body.children) == first:
            self.outbox.fill(draft)
            if self.outbox and len(draft.body.children) == first:
                return False  # it has more room in the next message
            if len(draft.body.children) == first:
                self._fetch()  # nothing of it fits this client
        if len(draft.body.children) == first:
            return self._end()
        if any(_is_abort(element) for element in draft.body.children[first:]):
            return self._end("the server aborted")
        return not self.outbox

    def _end(self, failure=""):
        self.over, self.failure = True, failure
        close = getattr(self._packages, "close", None)
        if close and failure:
            close()
        return True

    def _refuse(self, header, body, content_type, code):
        """Answer everything with the code; only Statuses may go out to who is not known.

        Whoever knows a SessionID can say anything in its name: a session that was accepted once is not touched.
        """
        self.refusal = _reason(header, code)
        draft = self._draft(header, content_type)
        answers = [
            answer_for(element, code) for element in body.children if element.tag_name not in ("Status", "Final")
        ][:_MOST_REFUSALS]
        if not self._put_statuses(draft, header, code, answers) and not self.known:
            self._end("the client is not accepted: " + self.refusal)
        if not self.known:
            self.client_msg_id = header.value("MsgID")
        draft.body.children.append(Element("Final"))
        refused = getattr(self._server.policy, "refused", None)
        if refused:
            refused(self, code)
        return draft

    def _draft(self, header, content_type):
        device, server = self.device, self._server
        name = device.server_id if device.server_auth else ""
        top = node(
            "SyncHdr",
            leaf("VerDTD", "1.2"),
            leaf("VerProto", "DM/1.2"),
            leaf("SessionID", self.session_id),
            leaf("MsgID", self.msg_id),
            location("Target", device.device_id, device.client_name if device.auth else ""),
            location("Source", header.value("Target", "LocURI") or device.server_id, name),
            leaf("RespURI", self.resp_uri) if self.resp_uri else None,
            Element("NoResp") if self.no_resp else None,
            self.access.credentials(server.faults),
            meta(MaxMsgSize=server.message_max, MaxObjSize=server.object_max) if self.msg_id == 1 else None,
        )
        root = node("SyncML", top, Element("SyncBody"))
        limits = (min(self.message_max or _MESSAGE_MAX, _MESSAGE_MAX), self.object_max, self.chunk_max)
        return Draft(root, content_type, self.style, self.msg_id, *limits)

    def _put_statuses(self, draft, header, code, answers):
        """Append the Statuses; return the Chal of the first."""
        chal = self.access.challenge(code) if code in (200, 212, 401, 407) else None
        message = header.value("MsgID")
        spoken = [node("Item", leaf("Data", known)) for _, known, refusal in _VERSIONS if refusal == code]
        self._put_status(draft, message, Answer("0", "SyncHdr", code), chal, spoken)
        for answer in answers:
            self._put_status(draft, message, answer)
        return chal

    def _put_status(self, draft, message, answer, chal=None, items=()):
        status = node(
            "Status",
            leaf("CmdID", draft.next_id()),
            leaf("MsgRef", message),
            leaf("CmdRef", answer.cmdref),
            leaf("Cmd", answer.cmd),
            *(leaf("TargetRef", uri) for uri in answer.targets),
            *(leaf("SourceRef", uri) for uri in answer.sources),
            chal,
            leaf("Data", answer.code),
            *items,
        )
        draft.body.children.append(status)

    def _put_alert(self, draft, code, source="", target=""):
        item = node(
            "Item",
            location("Target", target) if target else None,
            location("Source", source) if source else None,
        )
        alert = node("Alert", leaf("CmdID", draft.next_id()), leaf("Data", code), item if item.children else None)
        draft.body.children.append(alert)


def _reason(header, code):
    """Say in a few words why a message is refused."""
    texts = {400: "its MsgID or SessionID is none, or an older message came again", 407: "credentials are missing"}
    texts |= {refusal: "%s is %.40r, not %s" % (name, header.value(name), known) for name, known, refusal in _VERSIONS}
    return texts.get(code, "credentials are wrong")


def _is_about_header(status):
    """Tell whether a Status is about our SyncHdr; some leave its CmdRef out."""
    named = status.value("CmdRef")
    return named == "0" or (not named and status.value("Cmd") in ("", "SyncHdr"))


def _is_abort(element):
    return element.tag_name == "Alert" and element.size("Data") == _ABORT
