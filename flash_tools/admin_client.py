"""Talks to a server's JSON API: the one way in which commands and scripts of ours reach it.

    with open_folder("fumo-server") as client:
        client.get("/api/devices", text="sim")

What the server refuses is a ToolError with its own line. Where no server runs on the folder, `open_folder` answers itself.
"""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from flash_tools.errors import ToolError
from flash_tools.server import certificates
from flash_tools.server.lock import FolderLock
from flash_tools.server.log import plain
from flash_tools.server.settings import Settings, is_loopback

_NO_CONTENT = 204
_TIMEOUT_S = 60
_ANSWER_MAX = 1 << 28
_PART = 1 << 18
_ERROR_MAX = 1 << 16


def path(*parts: str) -> str:
    """Return a path below /api; device ids have characters that mean something in paths."""
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


class Client:
    """`url` is where the page is, `ca_pem` whom to trust, the system's authorities without it."""

    def __init__(self, url: str, token: str, ca_pem: str | None = None):
        self.url, self.runs = url.rstrip("/"), True  # runs: devices are answered too
        self.settings: Settings | None = None  # where the folder is here
        self._token = token
        host = urlsplit(self.url).hostname or ""
        if not self.url.startswith("https://") and not (self.url.startswith("http://") and is_loopback(host)):
            raise ToolError(
                "%s: a server on another machine is reached by https only, the token would be seen" % plain(url)
            )
        if not token.isascii() or not token.isprintable():
            raise ToolError("the token has characters that no token has")
        handlers = [_NoRedirects(), urllib.request.HTTPSHandler(context=_context(ca_pem))]
        if is_loopback(host):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, where: str, timeout_s: float = _TIMEOUT_S, **query):
        """Return what is at a path."""
        return self._json(self._send("GET", where, None, query, timeout_s))

    def post(self, where: str, body=None, **query):
        """Post a JSON value, or bytes as they are."""
        return self._json(self._send("POST", where, body, query))

    def patch(self, where: str, body):
        """Change what is at a path."""
        return self._json(self._send("PATCH", where, body, {}))

    def delete(self, where: str):
        """Remove what is at a path."""
        return self._json(self._send("DELETE", where, None, {}))

    def bytes(self, where: str, **query) -> bytes:
        """Return what is at a path, as it is."""
        return self._send("GET", where, None, query)

    def save(self, where: str, file) -> int:
        """Write what is at a path into an open file; return its size."""
        return self._send("GET", where, None, {}, take=lambda answer: _copy(answer, file))

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _send(self, method, where, body, query, timeout_s=_TIMEOUT_S, take=None):
        query = {name: value for name, value in query.items() if value not in (None, "", ())}
        url = self.url + where + ("?" + urlencode(query, doseq=True) if query else "")
        headers = {"Authorization": "Bearer " + self._token, "Accept": "application/json"}
        if body is not None:
            is_raw = isinstance(body, bytes)
            headers["Content-Type"] = "application/octet-stream" if is_raw else "application/json"
            body = body if is_raw else json.dumps(body).encode()
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                return (take or _whole)(answer)
        except urllib.error.HTTPError as error:
            raise ToolError(_refusal(error)) from None
        except urllib.error.URLError as error:
            raise ToolError("no server answers at %s: %s" % (self.url, plain(str(error.reason)))) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ToolError("the server at %s does not answer: %s" % (self.url, plain(str(error)))) from None

    def _json(self, data):
        try:
            return json.loads(data) if data else {}
        except (ValueError, RecursionError):
            raise ToolError("what answers at %s is no server of fumo-agent" % self.url) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes to one server only."""

    def redirect_request(self, *arguments):
        """Follow none."""
        return None


def _whole(answer):
    data = answer.read(_ANSWER_MAX + 1)
    if len(data) > _ANSWER_MAX:
        raise ToolError("the server's answer has more than %d bytes" % _ANSWER_MAX)
    return _checked(answer, data)


def _copy(answer, file):
    """Copy an answer of whatever size."""
    size = 0
    while part := answer.read(_PART):
        file.write(part)
        size += len(part)
    return _checked(answer, size)


def _checked(answer, value):
    headers = answer.headers
    lost = not (value or answer.status == _NO_CONTENT or headers["Content-Length"] or headers["Transfer-Encoding"])
    if answer.length or lost:  # bytes that were announced and did not come, or the headers that announce them
        raise ToolError("the server's answer was cut short")
    return value


def _context(ca_pem):
    try:
        return ssl.create_default_context(cadata=ca_pem)
    except ssl.SSLError:
        raise ToolError("the authority to trust is no certificate in PEM") from None


def _refusal(error):
    try:
        data = error.read(_ERROR_MAX)
        said = json.loads(data)["error"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        said = "the server answers %d" % error.code
    if error.code == 401:
        return "the server does not take the token: %s" % plain(said)
    return plain(said)


@contextmanager
def open_folder(folder):
    """Give a client of the server that runs on a folder, or else of one that is here for that long."""
    settings = Settings.read(Path(folder))
    lock = FolderLock(settings.folder)
    note = lock.take()
    if note is not None:
        client = _of_running(settings, note)
        client.settings = settings
        yield client
        return
    try:
        from flash_tools.server.field import FieldServer  # it takes half a second, and is seldom needed

        with FieldServer(settings, devices=False, lock=lock) as server:
            client = Client(server.page_url, settings.token)
            client.runs, client.settings = False, settings
            yield client
    finally:
        lock.release()


def _of_running(settings, note):
    url = note.get("url")
    if not isinstance(url, str) or not url:
        raise ToolError(
            "process %s has %s and does not say where it is" % (plain(note.get("pid", "?")), settings.folder)
        )
    ca_pem = certificates.authority_pem(settings.folder) if url.startswith("https:") else None
    return Client(url, settings.token, ca_pem)
