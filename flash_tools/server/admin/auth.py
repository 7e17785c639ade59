"""Who may come in: the token, as `Authorization: Bearer` or once for a cookie, and requests that other sites make.

The cookie carries when it ends and a MAC made with the token: nothing has to be kept, and another token ends them all.
"""

import hashlib
import hmac
import logging
import time
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from flash_tools.errors import ToolError
from flash_tools.server.admin.limiter import Limiter
from flash_tools.server.admin.refusals import Refused

log = logging.getLogger("fumo.admin")
COOKIE_S = 30 * 86400
SAFE = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443}


class Auth:
    """`clock` is for the limits, `now` for the cookie's end."""

    def __init__(self, token: str, secure: bool, limiter: Limiter | None = None, now=time.time):
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ToolError("the admin token must be printable ASCII without spaces, and not empty")
        self._token, self._secure, self._now = token.encode(), secure, now
        self._key = hashlib.sha256(b"fumo admin cookie " + self._token).digest()
        self.limiter = limiter or Limiter()
        self.cookie_name = ("__Host-" if secure else "") + "fumo-" + self._mac("name")[:8]

    def _mac(self, text):
        return hmac.digest(self._key, text.encode(), "sha256").hex()

    def try_token(self, token: str, address: str):
        """Return where the token is right; refused otherwise."""
        given = token.encode("utf-8", "surrogateescape")
        right = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(self._token).digest())
        if self.limiter.is_known(given):
            raise Refused(401, "the token is wrong", WWW_Authenticate="Bearer")
        wait_s = self.limiter.wait_s(address)
        if wait_s:
            raise Refused(429, "too many wrong tokens: wait %d seconds" % max(1, round(wait_s)), retry_s=wait_s)
        if not right:
            self.limiter.wrong(address, given)
            log.warning("a wrong token from %s", address)  # no more than the limiter lets through
            raise Refused(401, "the token is wrong", WWW_Authenticate="Bearer")
        self.limiter.right(address)

    def check_bearer(self, request: Request) -> bool:
        """Tell whether there is an Authorization; refused where it is not the right one."""
        given = request.headers.get("authorization")
        if given is None:
            return False
        scheme, _, token = given.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(401, "send the header Authorization: Bearer TOKEN", WWW_Authenticate="Bearer")
        self.try_token(token.strip(), address_of(request))
        return True

    def has_cookie(self, request: Request) -> bool:
        """Tell whether there is a cookie of ours that is still good."""
        ends, _, mac = request.cookies.get(self.cookie_name, "").partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) <= 12 and mac.isascii()):
            return False
        return hmac.compare_digest(mac, self._mac("ends " + ends)) and int(ends) > self._now()

    def give_cookie(self, response: Response):
        """Let a browser in from now on."""
        ends = "%d" % (self._now() + COOKIE_S)
        value = "%s.%s" % (ends, self._mac("ends " + ends))
        self._set(response, value, COOKIE_S)

    def take_cookie(self, response: Response):
        """Let a browser out."""
        self._set(response, "", 0)

    def _set(self, response, value, age_s):
        response.set_cookie(
            self.cookie_name, value, max_age=age_s, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def check_origin(self, request: Request, strict: bool = True):
        """Refuse what another site lets a browser send; `strict`: also what does not say where it comes from."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            raise Refused(403, "this request comes from another site")
        if site is None and origin is not None and not self._is_ours(origin, request.headers.get("host", "")):
            raise Refused(403, "this request comes from another site")
        if strict and site is None and origin is None:
            raise Refused(403, "this request does not say that the page sent it; scripts use Authorization: Bearer")

    def _is_ours(self, origin, host):
        try:
            parts = urlsplit(origin)
            ours = urlsplit("//" + host)
            usual = _PORTS.get(parts.scheme)
            same = (parts.hostname, parts.port or usual) == (ours.hostname, ours.port or usual)
        except ValueError:
            return False
        return same and parts.scheme in (("https",) if self._secure else ("http", "https"))


def address_of(request: Request) -> str:
    """Return the peer's address."""
    return request.client.host if request.client else "?"
