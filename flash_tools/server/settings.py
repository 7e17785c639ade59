"""The folder of a server that stays: its settings, its keys, its store, and the lock that lets one process in.

`init` makes one, `Settings.read` reads it. Whoever writes a wrong line is told which. Knows no sockets.
"""

import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flash_tools.errors import ToolError
from flash_tools.server import certificates, server_toml
from flash_tools.server.certificates import write_file

TOML, STORE, TOKEN = "server.toml", "store.db", "admin-token"
LISTEN, PAGE = "127.0.0.1:8443", "127.0.0.1:8420"
NOTIFY = "2948"  # the port that WAP push has, and devices listen at
_LOOPBACK = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Settings:
    """What server.toml says; addresses are (host, port)."""

    folder: Path
    server_id: str
    public_url: str
    listen: tuple[str, int]
    page: tuple[str, int]
    tls: bool = True
    unknown: str = "refuse"
    keep_days: int = 90
    notify: str = NOTIFY

    @classmethod
    def read(cls, folder) -> "Settings":
        """Read the folder."""
        folder = Path(folder)
        path = folder / TOML
        try:
            text = path.read_text()
        except FileNotFoundError:
            text = (
                "%s holds no server: name its folder with --dir or FUMO_SERVER, or make one with `fumo server init %s`"
            )
            raise ToolError(text % (folder, folder)) from None
        except UnicodeDecodeError:
            raise ToolError("%s is no text" % path) from None
        except OSError as error:
            raise ToolError("cannot read %s: %s" % (path, error.strerror)) from None
        return cls(folder, **server_toml.check(text, str(path)))

    @property
    def store(self) -> str:
        """Return the path of the store."""
        return str(self.folder / STORE)

    @property
    def secure(self) -> bool:
        """Tell whether devices come by TLS, from here or from what stands in front."""
        return self.public_url.startswith("https:")

    @property
    def page_tls(self) -> bool:
        """Tell whether the page is served by TLS: everywhere but on the loopback interface."""
        return not is_loopback(self.page[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names and addresses that the certificate is for."""
        found = [urlsplit(self.public_url).hostname]
        for host in (self.listen[0], self.page[0]):
            found += _LOOPBACK if host == "0.0.0.0" or is_loopback(host) else [host]
        return tuple(dict.fromkeys(found))

    @property
    def ca_pem(self) -> str | None:
        """Return what devices must trust, None where they come by plain http."""
        return certificates.authority_pem(self.folder) if self.secure else None

    @property
    def token(self) -> str:
        """Return what people and scripts sign in with."""
        path = self.folder / TOKEN
        try:
            text = path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            text = ""
        if len(text) < 16 or not text.isascii() or not text.isprintable():
            raise ToolError("%s is missing or no token: make one with `fumo server token --new`" % path)
        return text

    def new_token(self) -> str:
        """Make another token; a server that runs has the old one until it starts again."""
        token = secrets.token_urlsafe(32)
        write_file(self.folder / TOKEN, token + "\n")
        return token

    def warnings(self) -> list[str]:
        """Return what the owner should know: who can reach the server, and what does not fit."""
        found = [self._reach("devices'", self.listen), self._reach("page's", self.page)]
        host = urlsplit(self.public_url).hostname
        if is_loopback(host) and not is_loopback(self.listen[0]):
            found.append("public_url says %s: only devices on this machine will find the server" % host)
        if self.secure and not self.tls and not is_loopback(self.listen[0]):
            found.append("public_url says https, but %s:%d is plain http for all who reach it" % self.listen)
        if not self.secure:
            found.append("plain http: everybody on the way can read what devices say; they prove each message by MAC")
        if self.folder.stat().st_mode & 0o077:
            found.append("%s can be read by other users, and secrets are in it: chmod 700 it" % self.folder)
        return [text for text in found if text]

    @staticmethod
    def _reach(what, address):
        host, port = address
        if is_loopback(host):
            return ""
        who = "every network of this machine" if host == "0.0.0.0" else "the network of %s" % host
        return "the %s port %d is open to %s" % (what, port, who)


def init(
    folder, *, name: str = "", public_url: str = "", listen: str = LISTEN, page: str = PAGE, plain_http: bool = False,
    dry_run: bool = False,
) -> Settings:  # fmt: skip
    """Make the folder of a server with an authority, a certificate and a token; nothing is ever overwritten."""
    folder = Path(folder)
    name = name or re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "fumo"
    host, _ = server_toml.address(listen, "--listen")
    if not public_url:
        public_url = _usual_url(host, listen, plain_http)
    if plain_http == public_url.startswith("https:"):
        raise ToolError("--public-url %s and %s" % (public_url, "--plain-http exclude each other" if plain_http else
                        "no --plain-http: it must begin with https:"))  # fmt: skip
    values = {"server_id": name, "public_url": public_url.rstrip("/"), "listen": listen, "page": page}
    values |= {"tls": not plain_http, "unknown": "refuse", "keep_days": 90, "notify": NOTIFY}
    text = server_toml.text_of(values)
    settings = Settings(folder, **server_toml.check(text, "the new %s" % TOML))
    _check_folder(folder)
    if dry_run:
        return settings
    _make_folder(folder)
    certificates.make(folder, "fumo %s %s" % (name[:40], secrets.token_hex(4)), settings.names)
    settings.new_token()
    write_file(folder / TOML, text)
    return settings


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _usual_url(host, listen, plain_http):
    if host == "0.0.0.0":
        raise ToolError("say what devices call this server: --public-url https://NAME:PORT")
    name = "localhost" if is_loopback(host) else host
    return "%s://%s:%s" % ("http" if plain_http else "https", name, listen.rpartition(":")[2])


def _check_folder(folder):
    try:
        for name in (TOML, certificates.CA_KEY, certificates.CA, STORE, TOKEN):
            if (folder / name).exists():
                raise ToolError("%s exists: a server is not overwritten, choose another folder" % (folder / name))
        if folder.exists() and any(folder.iterdir()):
            raise ToolError("%s is not empty: a server wants a folder of its own" % folder)
    except OSError as error:
        raise ToolError("cannot use %s: %s" % (folder, error.strerror)) from None


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise ToolError("cannot make %s: %s" % (folder, error.strerror)) from None
