"""A device: the agent's own management client with an update object of its own, over real sockets; it loses power at times.

What flash would hold (journals, jobs, the version) outlives a loss of power, the rest does not. It repeats messages as boards do,
holds further sessions until its reports are answered, and takes a second Exec with the same correlator for the same job.
"""

import base64
import http.client

from agent.account import Accounts
from agent.dm_client import Client
from agent.dm_nonces import Nonces
from agent.dm_properties import Properties
from agent.dm_session import Session
from agent.dm_store import Store
from agent.dm_tree import Tree
from agent.errors import LinkError
from agent.mo_devinfo import devdetail, devinfo
from agent.mo_dmacc import DMAcc
from agent.own_alert import own_alert
from flash_tools.server.dm.codec import decode
from tests.dm.device import run
from tests.dm.objects import CHR, EXEC, GET, REPLACE, DictJournal, Plain
from tests.host.server_agent import ROOT, Fumo, report
from tests.kills.jobs import Jobs

_IDENTITY = {"Man": "Maker", "DmV": "1.2", "Lang": "en", "DevTyp": "t", "OEM": "o", "SwV": "1", "HwV": "1"}
_TYPES = {"MAC": "HMAC", "md5": "DIGEST"}
_LOCKED_OUT = 4  # sessions in a row that one life of the server refuses


class PowerLostError(Exception):
    """The device has no power."""


class Words(Plain):
    """A subtree that commands write to: ./Words/last."""

    def __init__(self, take):
        super().__init__()
        self._take = take

    def leaf(self, path):
        return CHR | GET | REPLACE if path == "last" else 0

    def children(self, path):
        return [] if path else ["last"]

    def apply(self, op, path, value):
        if op == REPLACE:
            self._take(str(value.data, "utf-8"))
        return 200


class Firmware(Fumo):
    """Hands Execs on."""

    def __init__(self, jobs):
        super().__init__()
        self._jobs = jobs

    def apply(self, op, path, value):
        if op == EXEC:
            self._jobs.ordered(str(value.correlator), self.urls[path + "/PkgURL"])
            return 202
        return super().apply(op, path, value)


class Device:
    """`web` knows the server's port; `source` is what is drawn from."""

    def __init__(self, bundle: dict, web, truth, source):
        self.bundle, self.web, self.truth, self._source = bundle, web, truth, source
        self.name = bundle["device_id"]
        self.jobs = Jobs(self.name, truth, source)
        self._settings, self._nonces = DictJournal(), DictJournal()
        self._provision()
        self._boot()
        self._refused, self._is_well = 0, True  # well: the last session came to its end, both know all nonces

    # -- its flash and memory -----------------------------------------------------------------------------------------

    def _provision(self):
        store, bundle = Store(self._settings, 1, 2048), self.bundle
        rows = [("", 1, ""), ("/AppID", 2, "w7"), ("/ServerID", 2, bundle["server_id"]), ("/AppAddr", 1, "")]
        rows += [("/AppAddr/1", 1, ""), ("/AppAddr/1/Addr", 2, bundle["url"]), ("/AppAuth", 1, "")]
        for name, level, prefix, kind in (("c", "CLCRED", "", "auth"), ("s", "SRVCRED", "server_", "server_auth")):
            top, nonce = "/AppAuth/" + name, base64.b64decode(bundle[prefix + "nonce"])
            rows += [(top, 1, ""), (top + "/AAuthLevel", 2, level), (top + "/AAuthType", 2, _TYPES[bundle[kind]])]
            rows += [(top + "/AAuthName", 2, bundle[prefix + "user"]), (top + "/AAuthData", 5, nonce)]
            rows.append((top + "/AAuthSecret", 2, bundle[prefix + "secret"]))
        for path, form, value in rows:
            store.set("a" + path, form, "", value.encode() if isinstance(value, str) else value)
        self._settings.put(store.changes())

    def _boot(self):
        """Start with what flash holds."""
        identity = {**_IDENTITY, "DevId": self.name, "Mod": "board-%d" % (len(self.name) % 2)}
        accounts = Store(self._settings, 1, 2048)
        objects = (
            ("DevInfo", devinfo(identity)), ("DevDetail", devdetail(identity, lambda: self.jobs.version)),
            ("DMAcc", DMAcc(accounts)), (ROOT[2:], Firmware(self.jobs)), ("Words", Words(self._written)),
        )  # fmt: skip
        server = self.bundle["server_id"]
        acls = (("", "Add=*&Get=*"), (ROOT[2:], "Get=*&Replace=%s&Exec=%s" % (server, server)),
                ("Words", "Get=*&Replace=" + server))  # fmt: skip
        tree = Tree(objects, Properties(Store(self._settings, 2, 2048)), self._settings, acls)
        nonces = Nonces(self._nonces, self.name.encode())
        self._client = Client(tree, Accounts(accounts), nonces, self._source.randbytes, None, 5120)
        self._client.wbxml = len(self.name) % 3 == 0
        self.jobs.unsaid.clear()
        self._link = None

    def lose_power(self):
        """Forget all but what flash holds."""
        self.truth.count("power cuts")
        self._nonces.was_clean = self._is_well = False
        self.close()
        self._boot()

    def close(self):
        """Close the connection."""
        if self._link:
            self._link.close()
        self._link = None

    def _written(self, value):
        self.truth.note("done", (self.name, value))

    # -- what it does -------------------------------------------------------------------------------------------------

    def live(self):
        """Work at its jobs, then hold a session; power may go at any exchange."""
        self._power_left = self._source.randint(0, 4) if self._source.random() < 0.07 else 1 << 30
        try:
            self.jobs.work(self.web, self._lives)
            self._session()
        except PowerLostError:
            self.lose_power()

    @property
    def is_done(self):
        """Tell whether the server knows all that this device knows."""
        return not self.jobs.unreported

    def _session(self):
        self._seen, self._broken = set(), False
        self.jobs.unsaid.clear()  # a session that broke off took them with it
        alerts = [self._alert(job) for job in self.jobs.unreported]
        client = self._client
        session = Session(client, client.accounts.account("a"), [own_alert("1201"), *alerts], True)
        try:
            run(session, self._post)
        except LinkError as error:
            self.truth.violation("%s: %s", self.name, error)
        self.truth.count("sessions")
        self._judge(session.failure)
        self._is_well = session.failure is None and not self._broken
        if self._source.random() < 0.5:
            self.close()

    def _judge(self, failure):
        """A session that failed without the server's death is its refusal."""
        refused = failure is not None and not self._broken and len(self._seen) == 1
        self._refused = self._refused + 1 if refused else 0 if failure is None else self._refused
        if refused:
            self.truth.count("refused sessions")
        if self._refused >= _LOCKED_OUT:
            self.truth.violation("%s is locked out: %s", self.name, failure)

    def _alert(self, job):
        fields = report("downloadandupdate", job.code, job.correlator)
        return own_alert(on_status=lambda code, authentic: self._answered(job, code, authentic), **fields)

    def _answered(self, job, code, authentic):
        if code == 200 and authentic:
            job.reported = True
            self.truth.note("reports", (self.name, job.correlator, job.code))

    def _post(self, request, body):
        """Send a message; None where no answer came."""
        last = self._power_goes()
        if last and self._source.random() < 0.5:
            raise PowerLostError
        said = self.jobs.unsaid[:]  # Statuses of Execs are in this message
        answer = self._ask("POST", "/dm", body, {"Content-Type": request.content_type, **_mac(request)})
        if last:
            raise PowerLostError
        if answer is None or self.web.is_put_off(answer):
            self._broken = True
            self.web.pause()
            return None
        self._note_said(said, answer)
        return answer.body, answer.fields.get("x-syncml-hmac"), None

    def _note_said(self, said, answer):
        self.jobs.life = life = answer.fields.get("x-life")
        if self._is_well and not (self._seen or self._broken) and "401" in _codes(answer):
            self.truth.violation("%s: the nonce of the last session is not known any more", self.name)
        self._seen.add(life)
        if answer.status != 200:
            self.truth.violation("%s: HTTP %d to a management message", self.name, answer.status)
        for correlator, asked_in in said:
            if asked_in == life and not self._broken and not {"401", "407"} & _codes(answer):
                self.truth.note("accepted", (self.name, correlator))
        self.jobs.unsaid[:] = self.jobs.unsaid[len(said) :]

    def _ask(self, method, path, body, headers):
        try:
            self._link = self._link or self.web.connect()
            return self.web.ask(self._link, method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self.truth.count("broken exchanges")
            self.close()
            return None

    def _power_goes(self):
        self._power_left -= 1
        return self._power_left == 0

    def _lives(self):
        """Let power go in the middle of a download, too."""
        if self._power_goes():
            raise PowerLostError


def _codes(answer):
    """Return the Statuses of an answer."""
    body = decode(answer.body, answer.fields.get("content-type", "")).find("SyncBody")
    return {status.value("Data") for status in body.find_all("Status")}


def _mac(request):
    return {"x-syncml-hmac": request.mac} if request.mac else {}
