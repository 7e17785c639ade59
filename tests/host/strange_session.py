"""Holds a session with the server as a peer of strange_clients does, and plays tricks.

Messages are trees, written in the peer's encoding; the formulas of the credentials are those of server_client, so that
nothing of the server judges itself.
"""

import base64
from dataclasses import replace

import pytest

from flash_tools.server.dm.codec import WBXML, Style, decode, encode
from flash_tools.server.dm.element import Element, leaf, location, meta, node
from flash_tools.server.dm.server import Device, DmServer
from tests.host.server_client import counter, mac_value, md5_data, serve
from tests.host.strange_clients import FUMO, Peer

USER, SECRET, SERVER, SERVER_SECRET = "dm", "päss", "srv", "s3"
OURS = Peer("plain", "none")
BINARY = Peer("plain-wbxml", "none", WBXML)
MAC = Peer("mac", "", auth="MAC")
BASIC = Peer("basic", "", auth="basic")
both = pytest.mark.parametrize("peer", [OURS, BINARY], ids=["xml", "wbxml"])


def account(auth="md5", **options):
    """Return the record of the device."""
    given = {"client_nonce": b"first", "server_auth": auth, "server_nonce": b"theirs", **options}
    return Device("dev", USER, SECRET, SERVER, SERVER_SECRET, auth, **given)


def meet(peer, *packages, **options):
    """Return (client, policy, server) of a peer that is known."""
    device = options.pop("device", None) or account(peer.auth)
    server, policy = serve(*packages, device=device, **options)
    return Strange(server, peer), policy, server


class Books:
    """A policy that counts what counts; `told` has every refusal."""

    def __init__(self, *packages):
        self.todo, self.reports, self.sessions, self.told = packages, [], [], []

    def packages(self, session):
        self.sessions.append(session)
        yield from self.todo

    def alert_status(self, session, alert):
        self.reports.append((session.device.device_id, alert.correlator, alert.data))
        return 200

    def refused(self, session, code):
        self.told.append((session.device.device_id, code, session.refusal))


def shop(*packages, **options):
    """Return (server, books) of a server that knows the devices "dev" and "other"."""
    one = account(**options)
    other = replace(one, device_id="other", client_name="user 2", client_secret="secret 2", server_secret="s4")
    books = Books(*packages)
    return DmServer([one, other], books, counter()), books


def records(server):
    return {name: replace(device) for name, device in server.devices.items()}


def alert(number, code, *items):
    """Make an Alert."""
    return node("Alert", leaf("CmdID", number), leaf("Data", code) if code else None, *items)


def alert_item(kind=FUMO + "update", data="200"):
    """Make the Item of a Generic Alert."""
    return node("Item", location("Source", "./x"), meta(Type=kind, Format="int"), leaf("Data", data))


class Strange:
    """A session of a peer with `server`; answers are trees."""

    def __init__(self, server, peer, device_id="dev", user=USER, secret=SECRET, nonce=b"first", session_id=None):
        self.server, self.peer, self.device_id = server, peer, device_id
        self.user, self.secret, self.nonce = user, secret, nonce
        self.session_id, self.number = session_id or peer.session_id, peer.first - 1
        self.wants_cred, self.reply, self.body, self.headers, self.answer = True, None, b"", {}, None
        self.wire = []  # (body, content type, headers) of everything sent

    def send(self, *elements, final=True, **header):
        """Send one message; return the answer's tree."""
        self.number += 1
        self.body = self._bytes(self.message(*elements, final=final, **header))
        self.headers = {"X-SyncML-HMAC": self._mac()} if self.peer.auth == "MAC" and self.wants_cred else {}
        return self.post()

    def post(self):
        """Send the last bytes again."""
        self.wire.append((self.body, self.peer.content_type, self.headers))
        self.reply = self.server.handle(self.body, self.peer.content_type, self.headers, tls=True)
        self.answer = decode(self.reply.body, self.reply.content_type) if self.reply.status == 200 else None
        self._take_challenge()
        return self.answer

    def message(self, *elements, final=True, dtd="1.2", protocol="DM/1.2", number=None):
        """Return the tree of a message."""
        most, largest = self.peer.limits
        header = node(
            "SyncHdr", leaf("VerDTD", dtd), leaf("VerProto", protocol), leaf("SessionID", self.session_id),
            leaf("MsgID", self.number if number is None else number), location("Target", "https://dm/"),
            location("Source", self.device_id, self.user), self._cred(), meta(MaxMsgSize=most, MaxObjSize=largest),
        )  # fmt: skip
        return node("SyncML", header, node("SyncBody", *elements, Element("Final") if final else None))

    def _bytes(self, root):
        if self.peer.shape:
            self.peer.shape(root)
        body = encode(root, self.peer.content_type, Style(**self.peer.style))
        return self.peer.wire(body) if self.peer.wire else body

    def _cred(self):
        if self.peer.auth == "MAC" or not self.wants_cred:
            return None
        kind = {"md5": "syncml:auth-md5", "basic": "syncml:auth-basic"}[self.peer.auth]
        data = md5_data(self.user, self.secret, self.nonce)
        if self.peer.auth == "basic":
            data = base64.b64encode(("%s:%s" % (self.user, self.secret)).encode()).decode()
        return node("Cred", meta(Format="b64", Type=kind), leaf("Data", data))

    def _mac(self):
        value = mac_value(self.user, self.secret, self.nonce, self.body)
        if self.peer.mac == "hex":
            text = base64.b64encode(base64.b64decode(value).hex().encode()).decode().rstrip("=")
            return "username=%s,mac=%s" % (self.user, text)
        if self.peer.mac == "%s":
            return "algorithm=MD5, mac=%s, username=%s" % (value, self.user)
        return self.peer.mac % (self.user, value)

    def _take_challenge(self):
        for status in self.statuses("SyncHdr"):
            self.wants_cred = status.value("Data") != "212"
            if (nonce := status.data("Chal", "Meta", "NextNonce")) is not None:
                self.nonce = base64.b64decode(nonce)

    def statuses(self, cmd=None):
        """Return the Statuses of the last answer."""
        found = self.answer.find("SyncBody").find_all("Status") if self.answer else []
        return [each for each in found if cmd is None or each.value("Cmd") == cmd]

    def codes(self):
        """Return [(Cmd, code)] of the last answer."""
        return [(each.value("Cmd"), each.size("Data")) for each in self.statuses()]

    def commands(self):
        """Return what the last answer commands."""
        return [each for each in self.answer.find("SyncBody").children if each.tag_name not in ("Status", "Final")]

    # -- what messages are made of -------------------------------------------------------------------------------------

    def start(self, *alerts, code=1201, **header):
        """Send package 1."""
        names = {"DevId": self.device_id, "Man": "Maker", "Mod": "Model", "DmV": "1.3", "Lang": "en"}
        items = [
            node("Item", location("Source", "./DevInfo/" + name), leaf("Data", text)) for name, text in names.items()
        ]
        first = node("Alert", leaf("CmdID", 1), leaf("Data", code))
        return self.send(first, node("Replace", leaf("CmdID", 2), *items), *alerts, **header)

    def report(self, correlator="c 1", code=1226):
        """Make the peer's Generic Alert."""
        peer = self.peer
        item = node(
            "Item", location("Source", peer.source) if peer.source else None, location("Target", "./any"),
            meta(Type=peer.type, Format=peer.format, Mark=peer.mark), leaf("Data", peer.data),
        )  # fmt: skip
        correlator = leaf("Correlator", correlator) if correlator is not None else None
        return node("Alert", leaf("CmdID", 3), leaf("Data", code), correlator, item)

    def header_status(self, code=200, nonce=None, kind="md5", message=None):
        """Make the Status of the server's SyncHdr; a nonce is for its next credentials."""
        text = None if nonce is None else self.peer.nonce(nonce)
        chal = (
            node("Chal", meta(Type="syncml:auth-" + kind, Format="b64", NextNonce=text)) if text is not None else None
        )
        return self.status("SyncHdr", "0", code, more=[chal] if chal else [], message=message)

    def status(self, cmd, ref, code, more=(), targets=(), message=None):
        """Make a Status."""
        message = self.answer.value("SyncHdr", "MsgID") if message is None else message
        refs = [leaf("TargetRef", uri) for uri in targets]
        head = leaf("CmdID", 1), leaf("MsgRef", message), leaf("CmdRef", ref), leaf("Cmd", cmd)
        return node("Status", *head, *refs, *more, leaf("Data", code))

    def answers(self, values, code=200):
        """Return Statuses and Results for everything that the last answer commands."""
        out = []
        for command in self.commands():
            ref = command.value("CmdID")
            uris = [item.value("Target", "LocURI") for item in command.find_all("Item")]
            done = 202 if command.tag_name == "Exec" else code
            out.append(self.status(command.tag_name, ref, done, targets=[uri for uri in uris if uri]))
            if command.tag_name == "Get":
                out += [self.result(ref, uri, values.get(uri, "")) for uri in uris]
        return out

    def result(self, ref, uri, value):
        """Make the Results of one node."""
        item = node("Item", location("Source", uri), meta(Format="chr", Type="text/plain"), leaf("Data", value))
        message = self.answer.value("SyncHdr", "MsgID")
        return node("Results", leaf("CmdID", 9), leaf("MsgRef", message), leaf("CmdRef", ref), item)
