"""Where the demonstration takes place: a server folder made anew, its server on free ports, and a client of its API.

Devices are let in as everywhere, by a token; packages and campaigns come through the same API that commands and the page use.
"""

import shutil
import socket
import time
from pathlib import Path

from flash_tools.admin_client import Client, path
from flash_tools.enrolment import fetch_bundle
from flash_tools.errors import ToolError
from flash_tools.server import settings as server_settings
from flash_tools.server.field import FieldServer
from flash_tools.server.lock import FolderLock
from flash_tools.server.settings import TOML
from flash_tools.signing import keys

CAMPAIGN = "demo"
_PORTS = (8443, 8420)
_LOOK_S = 0.1


class Stage:
    """`folder` holds `server` and whatever the devices keep; what a run before has left there is removed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.settings = _make_server(self.folder)
        self.server = FieldServer(self.settings)
        self.client: Client | None = None
        self._slots: list[str] = []

    def __enter__(self):
        self.server.start()
        self.client = Client(self.server.page_url, self.settings.token)
        return self

    def __exit__(self, *exception):
        if exception[0] is None:
            for name in self._slots:
                self.client.delete(path("slots", name))
        self.server.stop()

    @property
    def link(self) -> str:
        """Return the address of the page that signs in."""
        return "%s/?token=%s" % (self.server.page_url, self.settings.token)

    def enrol(self, names: list[str]) -> list[dict]:
        """Let devices in by one token; return their bundles."""
        token = self.client.post("/api/tokens", {"count": len(names), "model": "sim"})["token"]
        return [fetch_bundle(self.server.url, token, name, "sim", self.settings.ca_pem) for name in names]

    def reach(self, device: str, port: int) -> None:
        """Say where the device listens for notifications."""
        self.client.patch(path("devices", device), {"notify": "127.0.0.1:%d" % port})

    def add_package(self, name: str, data: bytes, key) -> dict:
        """Upload a package, after the key that it must be signed with."""
        self.client.post("/api/signers", keys.public_pem(key), name="demo")
        return self.client.post("/api/packages", data, name=name)

    def add_slot(self, name: str, url: str, device: str) -> None:
        """Show a device's power, console and banks on the page."""
        self.client.post("/api/slots", {"name": name, "url": url, "device": device})
        self._slots.append(name)

    def start_campaign(self, package: str, groups: list[dict], **more) -> None:
        """Begin a campaign."""
        self.client.post(
            "/api/campaigns", {"name": CAMPAIGN, "package": package, "start": "now", "group": groups, **more}
        )

    def campaign(self) -> dict:
        """Return the campaign as it is."""
        return self.client.get(path("campaigns", CAMPAIGN))

    def orders(self) -> list[dict]:
        """Return the campaign's orders."""
        return self.client.get("/api/orders", campaign=CAMPAIGN, limit=10**4)

    def wait_for_campaign(self, timeout_s: float) -> dict:
        """Wait until the campaign is over; return it as it is then, or when the time is."""
        deadline = time.monotonic() + timeout_s
        while (found := self.campaign())["state"] not in ("finished", "aborted", "paused"):
            if time.monotonic() > deadline:
                break
            time.sleep(_LOOK_S)
        return found


def _make_server(folder):
    """Make the server's folder; one that a run before has left goes, if nobody uses it."""
    where = folder / "server"
    if (where / TOML).exists():
        lock = FolderLock(where)
        if lock.take(0) is not None:
            raise ToolError("a server runs on %s: stop it first" % where)
        lock.release()
    if folder.exists() and not ((where / TOML).exists() or not any(folder.iterdir())):
        raise ToolError("%s holds other things: name another folder" % folder)
    shutil.rmtree(folder, ignore_errors=True)
    devices, page = (_free_port(port) for port in _PORTS)
    addresses = {"listen": "127.0.0.1:%d" % devices, "page": "127.0.0.1:%d" % page}
    return server_settings.init(where, name="demo", **addresses)


def _free_port(wanted):
    """Return a TCP port that is free: the usual one, if it is."""
    for port in (wanted, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
                return sock.getsockname()[1]
            except OSError:
                pass
    raise ToolError("no TCP port is free")
