"""What the server knows of a device. The caller keeps it; a session changes its nonces."""

from collections import deque
from dataclasses import dataclass

_MAX_OFFERED = 8


@dataclass
class Device:
    """One account. A nonce of None is not known yet; a type of None means no credentials in that direction."""

    device_id: str
    client_name: str = ""
    client_secret: str = ""
    server_id: str = ""
    server_secret: str | None = None
    auth: str | None = None  # client to server: basic, md5, MAC
    server_auth: str | None = None  # server to client
    client_nonce: bytes | None = None  # ours, for the client's next credentials
    server_nonce: bytes | None = None  # the client's, for our next credentials
    each_message: bool = False  # md5: 200 and a new nonce for every message, instead of 212
    resync: bool = False  # a notification with the zero nonce is out: it is accepted once

    def __post_init__(self):
        # What challenges have offered since the device last proved itself. Nothing of the account changes, and nothing
        # of this is kept, because of what a stranger sends; a device may answer in another session than it was asked in.
        self.offered: deque[bytes] = deque(maxlen=_MAX_OFFERED)
