"""The OMA DM server without a network: one HTTP body in, one out.

`policy.packages(session)` is a generator of lists of commands (see commands.py): package 2, package 4 and so on; it goes on
when the client has answered. An empty list or its end closes the session. `policy.alert_status(session, alert)` may decide
about Generic Alerts. `random(size)` gives nonces. Whatever comes from outside gives a Reply.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_tools.server.dm.access import ACCEPTED
from flash_tools.server.dm.auth import MAC_HEADER
from flash_tools.server.dm.codec import CodecError, Style, base_type, decode, encode
from flash_tools.server.dm.device import Device
from flash_tools.server.dm.element import Element
from flash_tools.server.dm.faults import Faults
from flash_tools.server.dm.outbox import Draft
from flash_tools.server.dm.session import Session

_MAX_COMMANDS = 1000  # in one message: each is answered, and 64 KiB of them would take a third of a second
_MAX_SESSIONS, _MAX_KNOCKING = 1000, 200
_MAX_OF_ONE = 4  # sessions of one device: it pushes out its own, not those of others


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    body: bytes
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class DmServer:
    """Answers the messages of all devices; `devices` maps device ids to Device (or is a list of them)."""

    message_max = 65536  # bytes of a message that are read; longer ones get HTTP 413
    object_max = 1 << 24

    def __init__(self, devices, policy, random, *, style=None, faults=None, resp_uri=None):
        self.devices = devices if isinstance(devices, Mapping) else {each.device_id: each for each in devices}
        self.policy = policy
        self.random = random
        self.style = style or Style()
        self.faults = faults or Faults()
        self.resp_uri = resp_uri
        self.last_device = ""  # whose message was handled last
        self.last_session = None  # and in which session; None where it was no message
        self._sessions = OrderedDict()  # (device id, SessionID) -> Session that was let in, the last used at the end
        self._knocking = OrderedDict()  # the same of who was not: strangers push out strangers only

    def session(self, device_id: str, session_id: str) -> Session | None:
        """Return a session that is remembered."""
        key = device_id, session_id
        return self._sessions.get(key) or self._knocking.get(key)

    def forget(self):
        """Forget all sessions, as a server does that starts again."""
        self._sessions.clear()
        self._knocking.clear()

    def forget_last(self):
        """Forget the session of the message that was handled last: it could not be answered."""
        if self.last_session is not None:
            for kept in (self._sessions, self._knocking):
                kept.pop((self.last_device, self.last_session.session_id), None)

    def handle(self, body: bytes, content_type: str, headers: Mapping | None = None, tls: bool = False) -> Reply:
        """Do one HTTP exchange."""
        self.last_device, self.last_session = "", None
        if len(body) > self.message_max:
            return Reply(b"the message is too long\n", status=413)
        try:
            message = decode(body, content_type)
            key = _identity(message)
        except CodecError as error:
            return Reply(("%s\n" % error).encode(), status=400)
        if len(message.find("SyncBody").children) > _MAX_COMMANDS:
            return Reply(b"the message has too many commands\n", status=413)
        self.last_device = key[0]
        mac = next((value for name, value in (headers or {}).items() if name.lower() == MAC_HEADER), None)
        session = self.last_session = self._session_of(key, message, body, mac)
        if session.last_reply and self._is_repeated(session, body):
            return session.last_reply
        session.tls = tls
        draft = session.exchange(message, body, base_type(content_type), mac)
        reply = self._reply(session, draft)
        if session.code in ACCEPTED or not session.known:
            session.last_body, session.last_reply = body, reply
        self._file(key, session)
        return reply

    def _session_of(self, key, message, body, mac):
        """Return the session that the message belongs to, a new one if it begins one."""
        device = self.devices.get(key[0])
        if device is None:
            stranger = Session(Device(key[0], auth="basic"), key[1], self)
            stranger.access.exhaust()
            return stranger
        number, proves = message.size("SyncHdr", "MsgID") or 0, mac or message.find("SyncHdr", "Cred")
        kept = (self._knocking.get(key), self._sessions.get(key))
        knocking, session = (each if each and each.device is device else None for each in kept)  # of this account
        follows = knocking is not None and knocking.client_msg_id == str(number - 1)
        if knocking is not None and number != 1 and (session is None or (proves and follows)):
            return knocking
        if session is not None and (number != 1 or body == session.last_body):
            return session
        return Session(device, key[1], self)

    def _file(self, key, session):
        """Remember a session; one that was not let in takes nobody's place."""
        if session.device.device_id not in self.devices:
            return
        if session.known:
            self._knocking.pop(key, None)
        kept, most = (self._sessions, _MAX_SESSIONS) if session.known else (self._knocking, _MAX_KNOCKING)
        if key not in kept:
            mine = [other for other in kept if other[0] == key[0]]
            for other in mine[: max(0, len(mine) + 1 - _MAX_OF_ONE)]:
                del kept[other]
        kept[key] = session
        kept.move_to_end(key)
        while len(kept) > most:
            kept.popitem(last=False)

    def _is_repeated(self, session, body):
        """Tell whether these are the bytes of the last message: the answer is nobody else's."""
        if self.faults.active("duplicate"):
            self.faults.count_down("duplicate")
            return True
        return body == session.last_body

    def _reply(self, session, draft: Draft) -> Reply:
        """Encode and sign, with the faults in between."""
        faults = self.faults
        root = faults.change_tree(session, draft.root)
        body = encode(root, draft.content_type, session.style)
        headers = {"Cache-Control": "no-store"}
        mac = session.access.mac_header(body, faults)
        if mac is not None:
            headers[MAC_HEADER] = mac
        body = faults.body(session, body) if faults.body else body
        headers = faults.headers(session, headers) if faults.headers else headers
        faults.message_sent()
        return Reply(body, draft.content_type, headers)


def _identity(message: Element) -> tuple[str, str]:
    """Return (device id, SessionID) of a message that has all that an answer needs."""
    header = message.find("SyncHdr")
    if message.tag_name != "SyncML" or header is None or message.find("SyncBody") is None:
        raise CodecError("no SyncML message with SyncHdr and SyncBody")
    key = header.value("Source", "LocURI"), header.value("SessionID")
    if not all(key) or not header.value("MsgID"):
        raise CodecError("Source, SessionID or MsgID is missing")
    return key
