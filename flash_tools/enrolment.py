"""The device's side of enrolment: shows a one-time token to a server and returns the bundle that it gives.

The token is never sent over plain http, and to nobody but the server that the authority vouches for.
"""

import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from flash_tools.errors import ToolError
from flash_tools.server.log import plain
from flash_tools.whole_file import new_file

_TIMEOUT_S = 30
_ANSWER_MAX = 1 << 16
_NEEDED = ("device_id", "server_id", "url")


def fetch_bundle(url: str, token: str, device_id: str, model: str = "", ca_pem: str | None = None) -> dict:
    """Enrol a device; `url` is the server's public URL, `ca_pem` whom to trust, the system's authorities without it."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ToolError("enrolment needs https://, not %s: the token and the secrets would be seen" % plain(url))
    path = parts.path.rstrip("/")
    path = path if path.endswith("/enrol") else path + "/enrol"
    body = json.dumps({"token": token, "device": device_id, "model": model})
    status, data = _post(parts, path, body, ca_pem)
    if status != 200:
        said = plain(data[:300].decode("utf-8", "replace").strip())
        raise ToolError(
            "%s does not enrol %s: %s" % (plain(parts.netloc), plain(device_id), said or "status %d" % status)
        )
    return _bundle(data, device_id)


def keep_bundle(path: Path, *asked, **more) -> dict:
    """Fetch a bundle and keep it, for its owner only. A token is good for once, so the room for what it brings is there before."""
    with new_file(path, 0o600, room=_ANSWER_MAX) as file:
        bundle = fetch_bundle(*asked, **more)
        file.write(json.dumps(bundle, indent=1).encode() + b"\n")
    return bundle


def read_bundle(path: Path | None, changes: list[str], ca: Path | None) -> dict:
    """Return the bundle in a file, with KEY=VALUE `changes` and the authority in a PEM file; {} where nothing is given."""
    bundle = {}
    try:
        if path:
            bundle = json.loads(path.read_text())
        if ca:
            bundle["ca_pem"] = ca.read_text()
    except OSError as e:
        raise ToolError(f"cannot read {e.filename}: {e.strerror}") from None
    except (ValueError, TypeError, RecursionError):
        raise ToolError(f"{path} is no JSON") from None
    if not isinstance(bundle, dict):
        raise ToolError(f"{path} is no account: it should be what `fumo device add` gave")
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise ToolError(f"--account wants KEY=VALUE, not {change}")
        bundle[name] = value
    missing = [name for name in ("server_id", "url") if changes and name not in bundle]
    if missing:
        raise ToolError("the account lacks " + " and ".join(missing))
    return bundle


def _post(parts, path, body, ca_pem):
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except ssl.SSLError:
        raise ToolError("the authority to trust is no certificate in PEM") from None
    try:
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=_TIMEOUT_S, context=context)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read(_ANSWER_MAX)
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        raise ToolError("%s is not to be trusted: %s" % (plain(parts.netloc), plain(error.verify_message))) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ToolError("no server answers at %s: %s" % (plain(parts.netloc), plain(str(error)))) from None


def _bundle(data, device_id):
    try:
        bundle = json.loads(data)
    except (ValueError, RecursionError):
        bundle = None
    if not isinstance(bundle, dict) or not all(isinstance(bundle.get(name), str) for name in _NEEDED):
        raise ToolError("what answers is no server of fumo-agent: it gave no bundle")
    if bundle["device_id"] != device_id:
        raise ToolError("the server gave the bundle of another device")
    return bundle
