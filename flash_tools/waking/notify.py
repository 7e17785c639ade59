"""Package 0 from the bench: asks a server for it or makes it of an account, and brings it there by UDP or by SMS.

    ask = FromServer(client, "dev-1")                       # or FromAccount(Account("fumo", "secret", nonce))
    send_udp(ask.make("127.0.0.1:2948").body, "127.0.0.1:2948")

What a notification is worth depends on the nonce that server and device share: who runs a server asks that.
"""

import base64
import json
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flash_tools.admin_client import Client, path
from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.server.dm import push
from flash_tools.waking import sms

PORT = 2948
_LISTEN_S = 0.25  # for the host that says that nobody listens there
_FILE_MOST = 1 << 16


@dataclass(frozen=True)
class Package0:
    """A notification, bare; the device's messages will carry `session` as their SessionID."""

    body: bytes = field(repr=False)
    session: str
    server_id: str

    def framed(self) -> bytes:
        """Return it with the headers of a WAP push, as SMS has it and some devices want it by UDP."""
        return push.wap_push(self.body)


@dataclass
class Account:
    """What a server knows of a device, as far as a notification needs it."""

    server_id: str
    server_secret: str = field(repr=False)
    server_nonce: bytes = field(default=b"", repr=False)
    device_id: str = "the device"
    resync: bool = False


class FromAccount:
    """Makes notifications without a server; the nonce is the one that the device gave last, or provisioning."""

    def __init__(self, account: Account):
        if not (account.server_id and account.server_secret):
            raise UsageError("a notification needs the server's id and its secret for the device")
        self._account = account

    def make(self, to: str = "", ui_mode: str = "unspecified", resync: bool = False, session: int = 0) -> Package0:
        """Make one."""
        if not (resync or self._account.server_nonce.strip(b"\0")):
            raise UsageError(
                "a notification needs the nonce that the device gave last; or try --resync with a new device"
            )
        session = session or secrets.randbelow(0xFFFF) + 1
        body = push.notification(self._account, session, checked_mode(ui_mode), resync=resync)
        return Package0(body, push.session_id_text(session), self._account.server_id)


class FromServer:
    """Lets a server make notifications: it has the nonces of this moment, and notes what it gave out."""

    def __init__(self, client: Client, device_id: str):
        self._client, self._device_id = client, device_id

    def make(self, to: str = "", ui_mode: str = "unspecified", resync: bool = False) -> Package0:
        """Ask for one; `to` is what the server notes, without it nothing is noted and nothing is due."""
        asked = {"to": to, "ui_mode": checked_mode(ui_mode), "resync": resync}
        said = self._client.post(path("devices", self._device_id, "notification"), asked)
        try:
            return Package0(bytes.fromhex(said["notification"]), str(said["session"]), str(said["server_id"]))
        except (KeyError, TypeError, ValueError):
            raise ToolError(
                "what answers at %s is no server of fumo-agent, or an older one" % self._client.url
            ) from None

    def send(self) -> str:
        """Let the server send one by UDP to where it knows the device; return the session that it asks for."""
        said = self._client.post(path("devices", self._device_id, "notify"), {})
        try:
            return str(said["session"])
        except (KeyError, TypeError):
            raise ToolError(
                "what answers at %s is no server of fumo-agent, or an older one" % self._client.url
            ) from None


def checked_mode(ui_mode: str) -> str:
    """Return a user interaction mode that there is."""
    if ui_mode not in push.UI_MODES:
        raise UsageError("a ui mode is one of %s, not %s" % (", ".join(push.UI_MODES), ui_mode))
    return ui_mode


def read_bundle(file: Path) -> Account:
    """Read the account of a bundle, as a server gave it for provisioning; its nonce is good until the first session."""
    try:
        bundle = json.loads(read_text(file))
        nonce = base64.b64decode(bundle.get("server_nonce") or "", validate=True)
        return Account(bundle["server_id"], bundle["server_secret"], nonce, bundle.get("device_id") or "the device")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ToolError(f"{file} is no bundle of an account with a server's secret") from None


def read_nonce(text: str) -> bytes:
    """Return a nonce from base64, the form in which bundles and messages have it."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise UsageError("the nonce is not base64, as bundles and messages have it") from None


def read_text(file: Path) -> str:
    """Read a small file of text."""
    try:
        with open(file, "rb") as opened:
            data = opened.read(_FILE_MOST + 1)
        return data[:_FILE_MOST].decode()
    except OSError as e:
        raise NotFoundError(f"cannot read {file}: {e.strerror}") from None
    except ValueError:
        raise UsageError(f"{file} is not text") from None


def udp_address(text: str) -> tuple[str, int]:
    """Return (host, port) of HOST, HOST:PORT or [IPV6]:PORT."""
    try:
        parts = urlsplit("//" + text)
        if parts.hostname and not (parts.path or parts.query or parts.username) and parts.port != 0:
            return parts.hostname, parts.port or PORT
    except ValueError:
        pass
    raise UsageError("%r is no HOST:PORT: say 192.0.2.7:2948 or [2001:db8::7]:2948" % text[:80])


def send_udp(body: bytes, to: str) -> str:
    """Send a datagram; return where it went. That nobody complains does not mean that somebody heard."""
    host, port = udp_address(to)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as e:
        raise NotFoundError(f"{host} is not known: {getattr(e, 'strerror', None) or e}") from None
    try:
        with socket.socket(family, kind, protocol) as sock:
            sock.connect(address)
            sock.send(body)
            sock.settimeout(_LISTEN_S)
            sock.recv(1)
    except TimeoutError:
        pass
    except ConnectionRefusedError:
        raise NotFoundError(
            f"nobody listens at {host} port {port}: is the device awake, and is that its port?"
        ) from None
    except OSError as e:
        raise ToolError(f"package 0 cannot be sent to {host} port {port}: {e.strerror}") from None
    return "%s port %d" % (address[0], port)


def messages(package: Package0, number: str, valid_s: int = 86400) -> list[sms.Pdu]:
    """Return the short messages that carry it."""
    return sms.pdus(package.framed(), number, secrets.randbelow(256), valid_s)


def send_sms(pdus: list[sms.Pdu], line) -> list[int]:
    """Send short messages by the modem on an open line, and leave the line; return the network's references."""
    from flash_tools.waking.modem import Modem

    modem, sent = Modem(line), []
    try:
        modem.start()
        for pdu in pdus:
            sent.append(modem.send(pdu))
    except ToolError as e:
        if sent:
            raise type(e)(
                "part %d of %d was not sent, the device ignores the rest: %s" % (len(sent) + 1, len(pdus), e)
            ) from None
        raise
    finally:
        modem.close()
    return sent
