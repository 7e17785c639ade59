"""The server that stays: what a folder holds, answered on a port for devices and on one for people, until it is stopped.

    with FieldServer(Settings.read("fumo-server")) as server:
        server.url, server.page_url

The office does the work; here are sockets, the clock, the certificate and the log. `devices=False` leaves the devices' port and
the clock out: commands use that where no server runs.
"""

import os
import threading
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from flash_tools.errors import ToolError
from flash_tools.server import certificates
from flash_tools.server.admin.app import make_admin
from flash_tools.server.enrol import Enrolment
from flash_tools.server.listener import Listener, load, server_context
from flash_tools.server.lock import FolderLock
from flash_tools.server.log import Log
from flash_tools.server.office import Office
from flash_tools.server.settings import Settings
from flash_tools.server.transcript import Transcript
from flash_tools.server.web import make_app

_TICK_S = 1
_STEPS, _STEP = 2000, 16384  # of the transcript in memory, bytes of a body in it; the store has the sessions
_LOOK_S = 3600  # between two looks at the certificate
_ANY = ("127.0.0.1", 0)


class FieldOffice(Office):
    """An office whose devices are far away: what they say is proved, and new ones are woken where the settings say."""

    usual_notify = ""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        for device in self.desk.devices.values():
            device.each_message = True  # accounts of an earlier version, too

    def add_device(self, device_id, auth="auto", server_auth="auto", **more):
        """Make an account; without TLS both sides prove each message by MAC."""
        if not self.tls and not {auth, server_auth} <= {"auto", "MAC"}:
            raise ToolError(
                "over plain http credentials are MAC in both directions: everybody on the way could change messages"
            )
        if device_id not in self.desk.devices and not more.get("notify"):
            more["notify"] = self.usual_notify
        more = {"each_message": True, **more}  # the number of a session alone proves nobody
        return super().add_device(device_id, auth, server_auth, **more)


class FieldServer:
    """`log(text)` takes lines for people, None for silence; `lock` is the folder's, where it is already taken."""

    def __init__(self, settings: Settings, *, devices: bool = True, log=None, lock: FolderLock | None = None):
        self.settings, self.office = settings, None
        self._devices, self._log = devices, Log(log)
        self._lock = lock or FolderLock(settings.folder)
        self._stack, self._stopping = None, threading.Event()
        self._context = self._page = None
        self._looked = time.monotonic()

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> "FieldServer":
        """Begin to serve, or take everything back and say why not."""
        with ExitStack() as stack:
            self._take_folder(stack)
            stack.callback(self._log.stop)
            self._log.start()
            self._use_certificate()
            self._open_office(stack)
            self._open_ports(stack)
            if self._devices:
                self._lock.note(url=self._at(self.settings.page[0].replace("0.0.0.0", _ANY[0])))
            self._start_clock(stack)
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop at once: what was answered is kept."""
        if self._stack:
            stack, self._stack = self._stack, None
            stack.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    @property
    def url(self) -> str:
        """Return what devices are told."""
        return self.settings.public_url

    @property
    def page_url(self) -> str:
        """Return where people and scripts are answered."""
        if not self._devices:
            return "http://%s:%d" % (_ANY[0], self._page.port)
        host = self.settings.page[0]
        return self._at(urlsplit(self.settings.public_url).hostname if host == "0.0.0.0" else host)

    def _at(self, host):
        return "%s://%s:%d" % ("https" if self.settings.page_tls else "http", host, self._page.port)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _take_folder(self, stack):
        held = None if self._lock.is_held else self._lock.take()
        if held is not None:
            raise ToolError(
                "another server runs on %s (process %s): stop it first" % (self.settings.folder, held.get("pid", "?"))
            )
        stack.callback(self._lock.release)

    def _use_certificate(self):
        """Load the certificate, a new one if it is time; those who are connected notice nothing."""
        settings = self.settings
        needed = settings.tls or settings.page_tls  # else it may be there for what stands in front
        in_front = settings.secure and (settings.folder / certificates.CA_KEY).exists()
        if not self._devices or not (needed or in_front):
            return
        certificate, note = certificates.current(settings.folder, settings.names)
        if note:
            self._log.say("certificate", note)
        if self._context is None:
            self._context = server_context(certificate)
        elif note:
            load(self._context, certificate)

    def _open_office(self, stack):
        settings = self.settings
        os.close(os.open(settings.store, os.O_RDWR | os.O_CREAT, 0o600))  # before SQLite makes it readable for all
        self.office = FieldOffice(
            settings.store, url=settings.public_url, tls=settings.secure, server_id=settings.server_id,
            ca_pem=settings.ca_pem, transcript=Transcript(most=_STEPS, body_most=_STEP), keep_days=settings.keep_days,
            unknown=settings.unknown,
            inventory=True,
        )  # fmt: skip
        self.office.usual_notify = settings.notify
        stack.callback(self.office.close)
        stack.callback(self.office.subscribe(self._log.event))

    def _open_ports(self, stack):
        """Answer people, then devices."""
        settings = self.settings
        secure = self._devices and settings.page_tls
        page = make_admin(self.office, settings.token, secure=secure, names=settings.names)
        self._page = self._listen(stack, page, settings.page if self._devices else _ANY, secure)
        if self._devices:
            app = Enrolment(make_app(self.office), self.office, settings.secure, self._log.say)
            self._listen(stack, app, settings.listen, settings.tls)

    def _listen(self, stack, app, address, secure):
        listener = Listener(app, *address, self._context if secure else None)
        listener.start()
        stack.callback(listener.stop)
        return listener

    def _start_clock(self, stack):
        if self._devices:
            thread = threading.Thread(target=self._tick, name="fumo clock", daemon=True)
            stack.callback(thread.join, 10)
            stack.callback(self._stopping.set)
            self._stopping.clear()
            thread.start()

    def _tick(self):
        while not self._stopping.wait(_TICK_S):
            try:
                self.office.tick()
                if time.monotonic() - self._looked > _LOOK_S:
                    self._looked = time.monotonic()
                    self._use_certificate()
            except Exception as error:  # the clock must go on; what failed is tried again in a second
                self._log.defect("clock", error)
