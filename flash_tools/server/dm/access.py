"""Who may talk to whom: the credentials of both sides in one session.

Works on the device record, whose nonces change with every challenge; randomness is given. Knows nothing of commands.
"""

from flash_tools.server.dm import auth as dm_auth
from flash_tools.server.dm.device import Device
from flash_tools.server.dm.element import Element

ACCEPTED = (200, 212)
_NONCE_SIZE = 16
_MAX_CHALLENGES = 3
_STALE = bytes(range(16))  # where no earlier nonce is known


class Access:
    """Checks the client's credentials and makes the server's."""

    def __init__(self, device: Device, random):
        self._device = device
        self._random = random
        self._kind = device.server_auth
        self._accepted = device.auth is None  # for the whole session
        self._proof = ""  # the credentials that were: some clients send them again and again
        self._next_nonce_due = True
        self._proven = False  # the client said 212
        self._challenges = 0
        self._refusals = 0
        self._form = 0  # which meaning of the client's nonces; the next one after each refusal
        self._earlier_nonce = _STALE

    def exhaust(self):
        """Never challenge: the device is unknown."""
        self._challenges = _MAX_CHALLENGES

    def check(self, header: Element, body: bytes, mac: str | None) -> int:
        """Return the Status of the client's SyncHdr."""
        device = self._device
        if device.auth is None:
            return 200
        cred = header.find("Cred")
        if self._accepted and (cred is None or dm_auth.same(cred.value("Data"), self._proof)):
            return 212
        if (mac if device.auth == "MAC" else cred) is None:
            return 407 if cred is None and mac is None else 401
        if not self._verify(cred, body, mac):
            return 401
        device.offered.clear()
        self._challenges, self._next_nonce_due = 0, True
        if device.auth == "MAC" or device.each_message:
            return 200
        self._accepted, self._proof = True, cred.value("Data")
        return 212

    def _verify(self, cred, body, mac):
        device = self._device
        nonces = [device.client_nonce, *device.offered] + ([dm_auth.ZERO_NONCE] if device.resync else [])
        for nonce in nonces:
            if self._matches(cred, body, mac, nonce):
                if nonce == dm_auth.ZERO_NONCE and device.resync:
                    device.resync, device.server_nonce = False, nonce
                return True
        return False

    def _matches(self, cred, body, mac, nonce):
        device = self._device
        if device.auth != "MAC":
            return dm_auth.check_cred(cred, device.auth, device.client_name, device.client_secret, nonce)
        known = nonce is not None
        return known and dm_auth.check_mac(mac, device.client_name, device.client_secret, nonce, body)

    def challenge(self, code: int) -> Element | None:
        """Return the Chal that goes with the Status of the client's SyncHdr."""
        kind = self._device.auth
        if kind is None:
            return None
        if code not in ACCEPTED:
            self._challenges += 1
            if self._challenges > _MAX_CHALLENGES:
                return None
            return dm_auth.challenge(kind, None if kind == "basic" else self._offer())
        if kind == "basic" or (code == 212 and not self._next_nonce_due):
            return None
        self._next_nonce_due = False
        self._device.client_nonce = self._random(_NONCE_SIZE)
        return dm_auth.challenge(kind, self._device.client_nonce)

    def _offer(self):
        """Draw a nonce for who has not proved anything: the one that the device knows stays good."""
        nonce = self._random(_NONCE_SIZE)
        self._device.offered.append(nonce)
        return nonce

    def take_status(self, status: Element, tls: bool = False) -> str:
        """Take the client's Status of our SyncHdr: "accepted", "refused" (send again) or "hopeless"."""
        code, chal = status.size("Data"), status.find("Chal")
        nonces = dm_auth.nonce_forms(chal) if chal else []
        if code in (401, 407):
            kind = dm_auth.read_challenge(chal)[0] if chal else None
            if not self._may_answer(kind, tls):
                return "hopeless"
            self._kind, self._proven = kind, False
            self._form = self._refusals - 1
        elif code == 212 and self._kind != "MAC":
            self._proven = True
        if nonces:
            self._earlier_nonce = self._device.server_nonce or _STALE
            self._device.server_nonce = nonces[self._form % len(nonces)]
        return "refused" if code in (401, 407) else "accepted"

    def _may_answer(self, kind, tls):
        """Tell whether a challenge is answered: never with less than was agreed on, nor with the secret itself."""
        self._refusals += 1
        if kind is None or self._device.server_secret is None or self._refusals > _MAX_CHALLENGES:
            return False
        least = self._device.server_auth or ("basic" if tls or self._device.auth == "basic" else "md5")
        return dm_auth.STRENGTH[kind] >= dm_auth.STRENGTH[least]

    def credentials(self, faults) -> Element | None:
        """Return the Cred of our SyncHdr, if one is due."""
        nonce = self._nonce(faults)
        if self._kind in (None, "MAC") or self._proven or (self._kind == "md5" and nonce is None):
            return None
        device = self._device
        secret = self._secret(faults)
        if self._kind == "basic":
            return dm_auth.cred("basic", dm_auth.basic(device.server_id, secret))
        return dm_auth.cred("md5", dm_auth.md5(device.server_id, secret, nonce))

    def mac_header(self, body: bytes, faults) -> str | None:
        """Return our x-syncml-hmac header, if one is due."""
        nonce = self._nonce(faults)
        if self._kind != "MAC" or nonce is None:
            return None
        name = self._device.server_id
        return dm_auth.mac_header(name, dm_auth.mac(name, self._secret(faults), nonce, body))

    def _nonce(self, faults):
        return self._earlier_nonce if faults.active("stale_nonce") else self._device.server_nonce

    def _secret(self, faults):
        secret = self._device.server_secret or ""
        return "not " + secret if faults.active("bad_digest") else secret
