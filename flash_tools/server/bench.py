"""A whole management and download server inside a test: real sockets, TLS, a thread of its own, faults by script.

with BenchServer() as server:
    bundle = server.add_device("dev-1")     # what the device must be provisioned with
    package = server.add_package(data)
    outcome = server.update("dev-1", package, notify=("127.0.0.1", 2948))
    outcome.transcript.write("build/transcripts/update.txt")
"""

import os
import secrets
import socket
from contextlib import contextmanager

from flash_tools.errors import ToolError
from flash_tools.server.dm import push as dm_push
from flash_tools.server.dm.codec import Style
from flash_tools.server.dm.device import Device
from flash_tools.server.dm.faults import Faults
from flash_tools.server.dm.server import Reply
from flash_tools.server.listener import Listener, load, server_context
from flash_tools.server.office import Office
from flash_tools.server.office.devices import AUTO
from flash_tools.server.orders import Order, Outcome
from flash_tools.server.packages import PACKAGE_TYPE, Package
from flash_tools.server.pki import Authority, Certificate
from flash_tools.server.relay import Relay
from flash_tools.server.tasks import Task
from flash_tools.server.transcript import Transcript
from flash_tools.server.web import make_app
from flash_tools.server.web_faults import WebFaults

_OPTIONS = {"inventory": False, "public_packages": True, "keep_days": 0, "settle_s": 3, "silent_h": 0}


class BenchServer:
    """`faults` are those of OMA DM (dm/faults.py), `web_faults` those of HTTP; `relay=True` puts a TCP relay in front.

    `certificate` is one of pki.KINDS or a Certificate; `client_certificates=True` demands one of `client_certificate()`.
    `page=True` answers people and scripts, too: see `page_url` and `token`. Further options are those of Office; as a rule
    the server does nothing that it was not told.
    """

    def __init__(
        self, port=0, store=":memory:", tls=True, host="127.0.0.1", faults=None, *, name="localhost", certificate="good",
        authority=None, client_certificates=False, relay=False, server_id="bench", style=None, random=os.urandom,
        keep_alive_s=15, page=False, **office,
    ):  # fmt: skip
        self.port, self.host, self.name, self.tls, self.server_id = port, host, name, tls, server_id
        self.faults, self.web_faults, self.transcript = faults or Faults(), WebFaults(), Transcript()
        self.authority = (authority or Authority()) if tls else None
        self.relay: Relay | None = None
        self.office: Office | None = None
        self._options = {**_OPTIONS, **office}
        self._path, self._style, self._random, self._keep_alive_s = store, style or Style(), random, keep_alive_s
        self._with_relay, self._relay_port = relay, 0
        self._context = self._make_context(certificate, client_certificates) if tls else None
        self._listener = self._page = None
        self.token = secrets.token_urlsafe(18) if page else ""  # what the page and its JSON interface want
        self._page_port = 0

    def _make_context(self, certificate, client_certificates):
        made = self._certificate(certificate)
        return server_context(made, self.authority.pem if client_certificates else None)

    def _certificate(self, which):
        return which if isinstance(which, Certificate) else self.authority.issue_kind(which)

    @property
    def desk(self):
        """Return where devices, packages and orders are kept."""
        return self.office.desk

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> "BenchServer":
        """Begin to serve; what the store has goes on."""
        self.office = Office(
            self._path, url=lambda: self.url, tls=self.tls, server_id=self.server_id, random=self._random,
            style=self._style, faults=self.faults, web_faults=self.web_faults, transcript=self.transcript,
            ca_pem=self.ca_pem, **self._options,
        )  # fmt: skip
        self._listener = Listener(make_app(self), self.host, self.port, self._context, self._keep_alive_s)
        self.port = self._listener.port
        self._listener.start()
        if self.token:
            self._start_page()
        if self._with_relay:
            self.relay = Relay(self.host, self._relay_port, (self.host, self.port))
            self._listener.run(self.relay.start())
            self._relay_port = self.relay.port
        return self

    def _start_page(self):
        from flash_tools.server.admin.app import make_admin  # most benches have none

        self._page = Listener(make_admin(self.office, self.token, secure=False), "127.0.0.1", self._page_port, None)
        self._page_port = self._page.port
        self._page.start()

    @property
    def page_url(self) -> str:
        """Return where people and scripts are answered, with `page=True`."""
        return "http://127.0.0.1:%d" % self._page_port

    def stop(self):
        """Stop at once; connections break."""
        if self._page:
            self._page.stop()
            self._page = None
        if self._listener:
            if self.relay:
                self._listener.call(self.relay.stop)
            self._listener.stop()
            self.office.close()
            self._listener = self.relay = None

    def restart(self):
        """Stop and start on the same port: sessions are forgotten, what is in a store that is a file is not."""
        self.stop()
        self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    @property
    def url(self) -> str:
        """Return the base of all URLs; management messages go to `/dm` below it."""
        port = self.relay.port if self.relay else self.port
        return "%s://%s:%d" % ("https" if self.tls else "http", self.name, port)

    @property
    def ca_pem(self) -> str | None:
        """Return the authority to trust as PEM, None without TLS."""
        return self.authority.pem if self.tls else None

    @property
    def ca_der(self) -> bytes | None:
        """Return the authority to trust as DER, None without TLS."""
        return self.authority.der if self.tls else None

    def use_certificate(self, which: str | Certificate):
        """Use another certificate for the connections to come."""
        load(self._context, self._certificate(which))

    def client_certificate(self, name: str = "device") -> Certificate:
        """Make a certificate for a device."""
        return self.authority.issue((name,), client=True)

    # -- devices and packages -----------------------------------------------------------------------------------------

    def add_device(self, device_id: str, auth: str | None = AUTO, server_auth: str | None = AUTO, **options) -> dict:
        """Make an account and return what the device must be provisioned with: see Office.add_device."""
        return self.office.add_device(device_id, auth, server_auth, **{"server_id": self.server_id, **options})

    def device(self, device_id: str) -> Device:
        """Return the server's record of a device; another nonce in it makes the device's stale."""
        return self.desk.devices[device_id]

    def add_package(self, data: bytes, name: str | None = None, descriptor=None, content_type=PACKAGE_TYPE) -> Package:
        """Add an update package; see Package for the descriptor."""
        with self.desk.changed:
            name = name or "package-%d.fup" % (len(self.desk.packages) + 1)
            return self.desk.shelf.add(name, data, descriptor, content_type)

    # -- orders -------------------------------------------------------------------------------------------------------

    def order(
        self, device_id: str, package: Package | None, method="download-and-update", *, descriptor=True, confirm=None,
        notify=None, correlator: str | None = AUTO, fumo: str | None = None, url: str | None = None, verify=True,
    ) -> Order:  # fmt: skip
        """Order an update and return at once. `fumo` says where x may be; it is found by its Type in any case.

        `url` takes the place of the package's, `notify` is the (host, port) that package 0 goes to.
        """
        order_id = secrets.token_hex(4)
        if package is not None and url is None:
            url = "%s?t=%s" % (package.descriptor_url, order_id) if descriptor else package.url
        if method == "push" and package is None:
            raise ToolError("a push needs a package")
        correlator = order_id if correlator == AUTO else correlator
        name = package.name if package else None
        order = Order(order_id, device_id, method, correlator, name, url, confirm, fumo, verify)
        with self.desk.changed:
            self.desk.add_order(order)
            self.desk.commit()
        if notify:
            self.notify(device_id, notify)
        return order

    def update(
        self, device_id: str, package: Package | None, method="download-and-update", *, wait_s=60, **options
    ) -> Outcome:
        """Order an update and wait for its end; `options` are those of `order`."""
        return self.order(device_id, package, method, **options).wait(wait_s)

    def command(self, device_id: str, *commands) -> Task:
        """Give commands to the device's next session; their answers are in the commands when the Task is done."""
        with self.desk.changed:
            return self.desk.tasks.add(device_id, list(commands))

    def notify(self, device_id: str, address, *, session_id=None, wsp=False, change=None, **options) -> str:
        """Send package 0 by UDP; return the SessionID that it asks for. `change` forges the bytes."""
        session_id = secrets.randbelow(0xFFFF) + 1 if session_id is None else session_id
        with self.desk.changed:
            body = dm_push.notification(self.desk.devices[device_id], session_id, **options)
        body = dm_push.wap_push(body) if wsp else body
        body = change(body) if change else body
        self.transcript.datagram("package 0 for session %s" % dm_push.session_id_text(session_id), body)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(body, address)
        return dm_push.session_id_text(session_id)

    # -- faults that are no answers -----------------------------------------------------------------------------------

    def forget_sessions(self):
        """Forget all sessions, as a server does that starts again."""
        with self.desk.changed:
            self.office.dm.forget()

    @contextmanager
    def refused(self):
        """Refuse connections for a while; those that stand break."""
        self.refuse()
        try:
            yield
        finally:
            self.accept()

    def refuse(self):
        """Refuse connections from now on, break those that stand; the port stays ours."""
        self._listener.refuse()
        self._listener.drop()
        if self.relay:
            self._listener.call(self.relay.refuse)

    def accept(self):
        """Accept connections again."""
        self._listener.accept()
        if self.relay:
            self._listener.spawn(self.relay.start())

    def drop_connections(self, reset: bool = True):
        """Break all connections that stand."""
        self._listener.drop(reset)

    # -- what the web calls -------------------------------------------------------------------------------------------

    def dm_message(self, body: bytes, content_type: str, headers, address: str = "") -> Reply:
        """Do one exchange."""
        return self.office.dm_message(body, content_type, headers, address)

    def dm_messages(self, requests: list[tuple]) -> list[Reply]:
        """Do exchanges that came at the same time."""
        return self.office.dm_messages(requests)

    def find_package(self, name: str) -> Package | None:
        """Return a package."""
        return self.office.find_package(name)

    def private_package(self, token: str, name: str) -> Package | None:
        """Return the package that a token opens."""
        return self.office.private_package(token, name)

    def private_file(self, token: str, name: str, fields):
        """Answer a request for the file that a token opens."""
        return self.office.private_file(token, name, fields)

    def notified(self, token: str, text: str) -> bool:
        """Take an install notification."""
        return self.office.notified(token, text)
