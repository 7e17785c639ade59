"""What a server sends unasked: the notification (package 0), its WAP push frame, and the bootstrap message."""

import hashlib
import hmac
import struct

from flash_tools.errors import ToolError
from flash_tools.server.dm.auth import ZERO_NONCE, mac_digest
from flash_tools.server.dm.codec import WBXML, Style, encode
from flash_tools.server.dm.element import leaf, location, meta, node

UI_MODES = {"unspecified": 0, "background": 1, "informative": 2, "interaction": 3}
_VERSION = 11  # DM 1.2 says 1.1
_UDH = bytes.fromhex("0605040B84C002")  # to port 2948
_WSP = bytes.fromhex("010603C4AF87")  # push, application/vnd.syncml.notification, syncml.dm


def notification(
    device,
    session_id: int,
    ui_mode: int | str = 0,
    initiator: int = 1,
    vendor: bytes = b"",
    *,
    resync: bool = False,
    version: int = _VERSION,
) -> bytes:
    """Return package 0; `resync` signs with the zero nonce and lets the session that follows use it once."""
    mode = UI_MODES.get(ui_mode, -1) if isinstance(ui_mode, str) else ui_mode
    name = device.server_id.encode()
    if device.server_secret is None:
        raise ToolError("the server has no secret for %s to sign a notification with" % device.device_id)
    if not 0 <= session_id <= 0xFFFF or not 0 <= mode <= 3 or len(name) > 255:
        raise ToolError("a notification has a session id of 16 bits, a ui mode of 2 and a server id of 255 bytes")
    head = version << 22 | mode << 20 | (initiator & 1) << 19
    # 10 + 2 + 1 + 27 bits make five bytes: the last one is all future use.
    trigger = struct.pack(">IBHB", head, 0, session_id, len(name)) + name + vendor
    if resync:
        device.resync = True
    nonce = ZERO_NONCE if resync else device.server_nonce or b""
    return mac_digest(device.server_id, device.server_secret, nonce, trigger) + trigger


def session_id_text(session_id: int) -> str:
    """Return the SessionID that the client's messages will carry."""
    return "%X" % session_id


def wap_push(body: bytes, *, sms: bool = False) -> bytes:
    """Frame a notification as connectionless WSP push; `sms` puts the user data header in front."""
    return (_UDH if sms else b"") + _WSP + body


def bootstrap(
    device, key: bytes, tnds: bytes, *, sec: str = "USERPIN", tnds_type: str = "application/vnd.syncml.dmtnds+xml"
) -> tuple[bytes, dict[str, str]]:
    """Return (body, headers) of a bootstrap message: the TNDS goes to ./Inbox, the MAC is a true HMAC-SHA1."""
    text = tnds_type.endswith("+xml")
    item = node(
        "Item",
        location("Target", "./Inbox"),
        meta(Format="xml" if text else "bin", Type=tnds_type),
        leaf("Data", tnds, opaque=True),
    )
    header = node(
        "SyncHdr",
        leaf("VerDTD", "1.2"),
        leaf("VerProto", "DM/1.2"),
        leaf("SessionID", 0),
        leaf("MsgID", 0),
        location("Target", device.device_id),
        location("Source", device.server_id),
    )
    message = node("SyncML", header, node("SyncBody", node("Add", leaf("CmdID", 1), item), node("Final")))
    body = encode(message, WBXML, Style())
    digest = hmac.new(key, body, hashlib.sha1).hexdigest().upper()
    return body, {"Content-Type": "%s; SEC=%s; MAC=%s" % (WBXML, sec, digest)}
