"""A server that stays with six simulated devices that run, one of them full of markup, for a browser to look at.

Also a seventh that nobody has added, a firmware that fails, slots with power: every screen has something to show.
"""

import dataclasses
import time
from types import SimpleNamespace
from urllib.parse import quote

from flash_tools.fleet import Fleet
from flash_tools.server.field import FieldServer
from flash_tools.signing import keys
from flash_tools.sim.sim_power import PowerSwitch
from ports.sim import firmware
from tests.dm import device as portable
from tests.host.server_agent import CHR, GET, NODE, Fumo
from tests.host.server_process import make

MARKUP = '"><img src=x onerror=owned=1>'
HOSTILE_ID, STRANGER = "bad:" + MARKUP, "who:" + MARKUP
HOSTILE_VERSION = "<svg/onload=owned=1>"
NAMES = ["sim:%d" % number for number in range(5)] + [HOSTILE_ID]
FAILED, WAIT_S = "sim:4", 30
_SIZE = 16 << 10


class Rig:
    """`office` is the server's; `fleet.devices[n]` are NAMES[n]; `folder` has the packages 2.fup and 3.fup, and two bad ones."""

    def __init__(self, folder):
        self.folder = folder
        settings = make(folder / "server", name=portable.SERVER)
        self.settings = dataclasses.replace(settings, unknown="quarantine")
        self.server = FieldServer(self.settings)
        self.fleet = self.switch = None

    def __enter__(self):
        self.server.start()
        try:
            self._start_devices()
            self._make_packages()
            self._make_past()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for each in (self.switch, self.fleet, self.server):
            if each:
                each.stop()

    @property
    def office(self):
        """Return the server's office."""
        return self.server.office

    @property
    def url(self) -> str:
        """Return where the page is."""
        return self.server.page_url

    @property
    def for_agent(self):
        """Return the server as tests.host.server_agent.Agent wants it."""
        add = lambda device_id, *auth, **more: self.office.add_device(device_id, *auth, **more)  # noqa: E731
        return SimpleNamespace(
            add_device=add, tls=True, relay=None, port=self.settings.listen[1], ca_pem=self.settings.ca_pem
        )

    def device(self, name: str):
        """Return a simulated device."""
        return self.fleet.devices[NAMES.index(name)]

    # -- what there is ------------------------------------------------------------------------------------------------

    def _start_devices(self):
        bundles = [self.office.add_device(name, group="desk", tags=["field"]) for name in NAMES]
        stranger = {**bundles[0], "device_id": STRANGER}
        options = {"trial_s": 0.2, "poll_s": 3600, "watchdog_ms": 1500}
        self.fleet = Fleet(self.folder / "fleet", [*bundles, stranger], make={"size": _SIZE}, **options).start()
        self.switch = PowerSwitch(self.fleet.devices).start()
        for number, name in enumerate(NAMES):
            port = self.fleet.devices[number].port()
            self.office.change_device(name, notify="127.0.0.1:%d" % port)
        for number in (0, 1):
            base = self.switch.url.replace("{index}/{value}", str(number))
            self.office.add_slot("slot-%d" % number, base, NAMES[number])
        self.office.change_device(HOSTILE_ID, name=MARKUP, group=MARKUP, tags=[MARKUP, "field"])

    def _make_packages(self):
        files = self.fleet.files[0]
        for number in (2, 3):
            (self.folder / ("%d.fup" % number)).write_bytes(files.update("%d.0" % number, size=_SIZE))
        other = dataclasses.replace(files, key=keys.new_key())
        (self.folder / "stranger.fup").write_bytes(other.update("4.0", size=_SIZE))
        (self.folder / "text.fup").write_bytes(b"<img src=x onerror=owned=1>" * 20)
        self.office.add_signer(keys.public_pem(files.key).decode(), "release " + MARKUP)
        self.office.add_package(files.update("1.1", firmware.CRASH, _SIZE), "bad.fup")
        self.office.add_package(files.update(HOSTILE_VERSION, size=_SIZE), "odd.fup")

    def _make_past(self):
        """One campaign that ended well, if with a strange firmware, and one that did not."""
        self.office.new_token(3, model=MARKUP)
        well = {"name": "spring", "package": "odd.fup", "filter": "id in [%r]" % HOSTILE_ID, "start": "now"}
        self.office.add_campaign(well)
        self.office.add_campaign({"name": "crash", "package": "bad.fup", "filter": "id == 'sim:4'", "start": "now"})
        for device in [*self.fleet.devices[:4], self.fleet.devices[-1]]:
            device.send("button")  # they call; notifications lead to one session a minute
        wait_until(lambda: self.office.quarantine(), "the quarantine")
        wait_until(lambda: self.office.campaign("crash")["counts"]["failed"], "what fails")
        wait_until(lambda: self.office.campaign("spring")["state"] == "finished", "the campaign")
        wait_until(lambda: all(row["firmware"] for row in self.office.devices()["devices"]), "all devices")


class Sick(Fumo):
    """An update object that complains in markup."""

    nodes = Fumo.nodes | {"Ext": NODE | GET, "Ext/Diag": CHR | GET}
    text = (MARKUP + "\n</pre><script>owned=1</script>\x1b[31m").encode()

    def size(self, path):
        return len(self.text) if path == "Ext/Diag" else super().size(path)

    def read(self, path, offset, into):
        if path != "Ext/Diag":
            return super().read(path, offset, into)
        part = self.text[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)


def wait_until(ready, what, timeout_s=WAIT_S):
    """Wait for something that is no matter of the page."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, "%s never came" % what
        time.sleep(0.03)


def quoted(text: str) -> str:
    """Return an id as the page's data-attributes have it."""
    return quote(text, safe="!'()*~")


SCREENS = (
    ("overview", "/"),
    ("devices", "/devices"),
    ("device", "/devices/" + quoted(HOSTILE_ID)),
    ("device", "/devices/" + quoted(FAILED)),
    ("sessions", "/sessions"),
    ("session", "/sessions/1"),
    ("packages", "/packages"),
    ("campaigns", "/campaigns"),
    ("campaign", "/campaigns/crash"),
    ("campaign", "/campaigns/spring"),
    ("campaign-new", "/campaigns/new"),
    ("bench", "/bench"),
    ("enrolment", "/quarantine"),
)
