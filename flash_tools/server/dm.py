"""The OMA DM server without a network: one HTTP body in, one out.

`policy.packages(session)` is a generator of lists of commands (see dm_commands): package 2, package 4 and so on; it goes on
when the client has answered. An empty list or its end closes the session. `policy.alert_status(session, alert)` may decide
about Generic Alerts. `random(size)` gives nonces. Whatever comes from outside gives a Reply.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_tools.server.dm_auth import MAC_HEADER
from flash_tools.server.dm_codec import CodecError, Style, base_type, decode, encode
from flash_tools.server.dm_device import Device
from flash_tools.server.dm_element import Element
from flash_tools.server.dm_faults import Faults
from flash_tools.server.dm_outbox import Draft
from flash_tools.server.dm_session import Session

_MAX_SESSIONS = 1000


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
        self._sessions = OrderedDict()  # (device id, SessionID) -> Session, the last used at the end

    def session(self, device_id: str, session_id: str) -> Session | None:
        """Return a session that is remembered."""
        return self._sessions.get((device_id, session_id))

    def forget(self):
        """Forget all sessions, as a server does that starts again."""
        self._sessions.clear()

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
        self.last_device = key[0]
        session = self.last_session = self._session_of(key, message, body)
        if session.last_reply and self._is_repeated(session, message):
            return session.last_reply
        session.tls = tls
        mac = next((value for name, value in (headers or {}).items() if name.lower() == MAC_HEADER), None)
        draft = session.exchange(message, body, base_type(content_type), mac)
        session.last_body, session.last_reply = body, self._reply(session, draft)
        return session.last_reply

    def _session_of(self, key, message, body):
        """Return the session that the message belongs to, a new one if it begins one."""
        device = self.devices.get(key[0])
        if device is None:
            stranger = Session(Device(key[0], auth="basic"), key[1], self)
            stranger.access.exhaust()
            return stranger
        session = self._sessions.get(key)
        begins = message.value("SyncHdr", "MsgID") == "1" and session is not None and body != session.last_body
        if session is None or (begins and session.msg_id):
            session = self._sessions[key] = Session(device, key[1], self)
        self._sessions.move_to_end(key)
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def _is_repeated(self, session, message):
        if self.faults.active("duplicate"):
            self.faults.count_down("duplicate")
            return True
        return message.value("SyncHdr", "MsgID") == session.client_msg_id

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
