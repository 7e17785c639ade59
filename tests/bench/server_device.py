"""The least that is a management client: what a device says in sessions of four kinds, as messages in and out.

idle: package 1, and nothing to do; get: the server asks for DevDetail; order: it reads the version and commands a download;
report: the device says 200 with its new version, which is then read. md5 in both directions, with nonces that move. Built on
the server's own codec and formulas, which others test: here only the cost counts.
"""

import base64
import itertools

from flash_tools.server.dm import auth as dm_auth
from flash_tools.server.dm.codec import WBXML, XML, decode, encode
from flash_tools.server.dm.element import Element, leaf, location, meta, node

PLAN = ("idle", "get", "idle", "idle", "order", "report", "idle", "get", "idle", "idle", "get", "idle")
_ROOT = "./Vendor/Fw"
_REPORT = "org.openmobilealliance.dm.firmwareupdate.downloadandupdate"
_DEV_INFO = (("DevId", "%s"), ("Man", "Example"), ("Mod", "Board 7"), ("DmV", "1.2"), ("Lang", "en"))
_NODES = {"./DevDetail/SwV": "1.0", "./DevDetail/HwV": "B", "./DevDetail/LrgObj": "true", _ROOT + "/State": "10"}
_TYPES = {_ROOT: "urn:oma:mo:oma-fumo:1.0"}


class SmallDevice:
    """One account; `bundle` is what the server says of it."""

    def __init__(self, bundle: dict, wbxml: bool, at: int = 0):
        self.device_id, self.content_type = bundle["device_id"], WBXML if wbxml else XML
        self._bundle = bundle
        self._nonce, self._server_nonce = (base64.b64decode(bundle[name]) for name in ("nonce", "server_nonce"))
        self._sessions = itertools.count(at * 100 + 1)
        self._kinds = itertools.cycle(PLAN[at % len(PLAN) :] + PLAN[: at % len(PLAN)])
        self._version, self._correlator = 1, None

    def next_kind(self) -> str:
        """Return what kind of session comes next."""
        kind = next(self._kinds)
        return "idle" if kind == "report" and self._correlator is None else kind

    def session(self, kind: str):
        """Yield the bodies of one session, to be sent the answers."""
        self._session_id = "%X" % (next(self._sessions) & 0xFFFF)
        self._message_id, said = 1, self._opening(kind)
        while True:
            answer = decode((yield self._message(said)), self.content_type)
            commands = self._take(answer)
            if not commands:
                return
            self._message_id += 1
            said = self._answers(answer, commands)

    def _message(self, said):
        first = self._message_id == 1
        header = node(
            "SyncHdr",
            leaf("VerDTD", "1.2"),
            leaf("VerProto", "DM/1.2"),
            leaf("SessionID", self._session_id),
            leaf("MsgID", self._message_id),
            location("Target", self._bundle["url"]),
            location("Source", self.device_id, self._bundle["user"]),
            self._credentials() if first else None,
            meta(MaxMsgSize=4096, MaxObjSize=1 << 20) if first else None,
        )
        root = node("SyncML", header, node("SyncBody", *said, Element("Final")))
        return encode(root, self.content_type)

    def _credentials(self):
        return dm_auth.cred("md5", dm_auth.md5(self._bundle["user"], self._bundle["secret"], self._nonce))

    def _opening(self, kind):
        items = [
            node("Item", location("Source", "./DevInfo/" + name), leaf("Data", value.replace("%s", self.device_id)))
            for name, value in _DEV_INFO
        ]
        said = [node("Alert", leaf("CmdID", 1), leaf("Data", 1201)), node("Replace", leaf("CmdID", 2), *items)]
        if kind == "report":
            item = node(
                "Item", location("Source", _ROOT), meta(Format="int", Type=_REPORT, Mark="warning"), leaf("Data", 200)
            )
            correlator = leaf("Correlator", self._correlator)
            said.append(node("Alert", leaf("CmdID", 3), leaf("Data", 1226), correlator, item))
            self._correlator = None
        return said

    def _take(self, answer):
        """Check who the server is and that it takes us; return its commands."""
        body = answer.find("SyncBody").children
        if self._message_id == 1:
            digest = dm_auth.md5(self._bundle["server_user"], self._bundle["server_secret"], self._server_nonce)
            if body[0].value("Data") != "212" or answer.value("SyncHdr", "Cred", "Data") != digest:
                raise AssertionError("the server says %s" % answer)
            self._nonce = dm_auth.read_challenge(body[0].find("Chal"))[1]
        return [element for element in body if element.tag_name not in ("Status", "Final")]

    def _answers(self, answer, commands):
        ids, chal = itertools.count(1), None
        if self._message_id == 2:
            self._server_nonce = b"%016d" % (int.from_bytes(self._server_nonce, "big") % 10**15)
            chal = dm_auth.challenge("md5", self._server_nonce)
        said = [self._status(ids, "0", "SyncHdr", 212, chal)]
        for command in commands:
            said += self._do(ids, command)
        return said

    def _status(self, ids, about, name, code, chal=None):
        last = self._message_id - 1
        fields = (leaf("CmdID", next(ids)), leaf("MsgRef", last), leaf("CmdRef", about), leaf("Cmd", name))
        return node("Status", *fields, chal, leaf("Data", code))

    def _do(self, ids, command):
        name, about = command.tag_name, command.value("CmdID")
        if name == "Exec":
            self._correlator, self._version = command.value("Correlator"), self._version + 1
            return [self._status(ids, about, name, 202)]
        if name != "Get":
            return [self._status(ids, about, name, 200)]
        asked = [item.value("Target", "LocURI") for item in command.find_all("Item")]
        found = [item for uri in asked for item in self._read(uri)]
        fields = (leaf("CmdID", next(ids)), leaf("MsgRef", self._message_id - 1), leaf("CmdRef", about))
        return [self._status(ids, about, name, 200), node("Results", *fields, *found)]

    def _read(self, uri):
        """Return the Items of the Results; what is not known is empty."""
        if "list=" in uri:
            return [node("Item", location("Source", _ROOT), meta(Format="node", Type=_TYPES[_ROOT]))]
        path, _, wants_type = uri.partition("?prop=")
        if wants_type:
            value = _TYPES.get(path, "")
        else:
            value = "1.%d" % self._version if path.endswith("/FwV") else _NODES.get(path, "")
        return [node("Item", location("Source", uri), meta(Format="chr"), leaf("Data", value))]
