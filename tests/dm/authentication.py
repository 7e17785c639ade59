"""Who has proved what to whom: Cred, Chal, x-syncml-hmac and the codes of the SyncHdr Status (omadm.md 3.2 to 3.4)."""

import base64
import binascii
import re

from tests.dm.message import need

BASIC, MD5, MAC = "syncml:auth-basic", "syncml:auth-md5", "syncml:auth-MAC"
_CHALLENGES = 3
_HMAC = re.compile(r'(?:algorithm=MD5, *)?username="([^"]+)", *mac="?([A-Za-z0-9+/=]+)"?$')


class Authentication:
    """Follow the authentication of one session; `challenged` says that package 1 must be repeated."""

    def __init__(self):
        self.challenged = False
        self._wanted = None  # the type that the server's challenge asked for
        self._settled = False  # 212: no more Cred
        self._each = False  # 200 for a message with Cred: every message wants one
        self._mac, self._sent_cred, self._rounds = False, False, 0
        self.hopeless = False

    def server(self, message):
        """Note what the server says of the client's last message."""
        status = message.header_status()
        code = status.code if status is not None else None
        self.challenged = code in ("401", "407")
        if self.challenged:
            self._wanted = (status.challenge or {}).get("Type")
            self.hopeless = self._wanted is None
            self._settled, self._rounds = False, self._rounds + 1
        elif code == "212":
            self._settled = True
        self._each = code == "200" and self._sent_cred

    def client(self, message, headers, status):
        """Check Cred, the header and the client's Status for the server's SyncHdr."""
        header = {name.lower(): value for name, value in headers.items()}.get("x-syncml-hmac")
        need(not self.challenged or not self.hopeless, "went on after a refusal without Chal")
        need(self._rounds <= _CHALLENGES, "tried again after %d challenges", _CHALLENGES)
        if self.challenged:
            self._answer(message, header)
        need(not (self._settled and message.cred), "Cred after the server's 212")
        need(not self._each or message.cred, "no Cred, but the server accepted the last one for one message only")
        need(not self._mac or header, "no x-syncml-hmac, but it was used before")
        if message.cred:
            _check_cred(message)
        if header:
            need(not message.cred, "Cred together with x-syncml-hmac")
            _check_hmac(header, message)
        self._mac, self._sent_cred = bool(header), bool(message.cred)
        _check_challenges(message, status, bool(header))

    def _answer(self, message, header):
        kind = MAC if header else message.cred and message.cred[0].get("Type")
        need(kind == self._wanted, "the server asked for %s, the answer is %s", self._wanted, kind)
        if self._wanted != MAC:
            self._mac = False


def _check_cred(message):
    meta, data = message.cred
    need(meta.get("Format") == "b64", "Cred without Format b64")
    raw = _b64(data, "Cred")
    if meta.get("Type") == BASIC:
        need(b":" in raw, "auth-basic without a colon")
    else:
        need(meta.get("Type") == MD5, "Cred of type %s", meta.get("Type"))
        need(len(raw) == 16, "auth-md5 of %d bytes", len(raw))
        need(message.user, "auth-md5 without a user name in Source/LocName")


def _check_hmac(header, message):
    match = _HMAC.match(header)
    need(match, "x-syncml-hmac: %s", header)
    need(len(_b64(match[2], "mac")) == 16, "the mac is not 16 bytes")
    need(message.user in (None, match[1]), "x-syncml-hmac is by %s, Source/LocName says %s", match[1], message.user)


def _check_challenges(message, status, mac):
    for other in message.statuses:
        need(other.challenge is None or other is status, "Chal in a Status that is not for the SyncHdr")
    if status is None:
        return
    chal = status.challenge
    need(not (mac and status.code == "212"), "212 with MAC")
    need(chal is not None or status.code not in ("401", "407"), "%s without Chal", status.code)
    need(chal is not None or not (mac and status.code == "200"), "200 with MAC, but no next nonce")
    if chal is None:
        return
    need(status.code in ("200", "212", "401", "407"), "Chal with Status %s", status.code)
    need(chal.get("Type") in (BASIC, MD5, MAC) and chal.get("Format") == "b64", "Chal: %s", chal)
    need(not mac or chal["Type"] == MAC, "with MAC the challenge is for %s", chal["Type"])
    if chal["Type"] != BASIC:
        need(len(_b64(chal.get("NextNonce", ""), "NextNonce")) >= 16, "NextNonce is shorter than 128 bits")


def _b64(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        need(False, "%s is not base64: %s", what, text)
