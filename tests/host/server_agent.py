"""A device for the tests of the server: the agent's management client over real sockets, with an object that takes orders."""

import http.client
import ssl

from flash_tools.server.dm.codec import WBXML, XML
from tests.dm import device as portable
from tests.dm.device import run
from tests.dm.objects import BIN, CHR, EXEC, GET, NODE, REPLACE, STREAM, VOLATILE, Plain

FAMILY = "org.openmobilealliance.dm.firmwareupdate."
ROOT = "./Vendor/Fw"
IMAGE = bytes(range(256)) * 30
ACCOUNT = {
    "client_name": portable.USER,
    "client_secret": portable.SECRET,
    "server_secret": portable.SERVER_SECRET,
    "client_nonce": portable.CLIENT_NONCE,
    "server_nonce": portable.SERVER_NONCE,
}
TIMEOUT_S = 5


class Fumo(Plain):
    """A firmware update object that takes orders and does nothing."""

    nodes = {
        "Download": NODE | GET | EXEC,
        "Download/PkgURL": CHR | GET | REPLACE,
        "DownloadAndUpdate": NODE | GET | EXEC,
        "DownloadAndUpdate/PkgURL": CHR | GET | REPLACE,
        "Update": NODE | GET | EXEC,
        "Update/PkgData": BIN | REPLACE | STREAM,
        "State": CHR | GET | VOLATILE,
    }

    def __init__(self):
        super().__init__()
        self.orders, self.urls, self.data, self.state, self.code = [], {}, bytearray(), b"10", 202

    def leaf(self, path):
        return self.nodes.get(path, 0)

    def type_of(self, path):
        return "" if path else "urn:oma:mo:oma-fumo:1.0"

    def children(self, path):
        top = path + "/" if path else ""
        return [name[len(top) :] for name in self.nodes if name.startswith(top) and "/" not in name[len(top) :]]

    def size(self, path):
        return len(self.state) if path == "State" else 0

    def read(self, path, offset, into):
        part = self.state[offset : offset + len(into)] if path == "State" else b""
        into[: len(part)] = part
        return len(part)

    def write(self, path, offset, data):
        self.data[offset:] = data
        return len(data)

    def apply(self, op, path, value):
        if op == EXEC:
            self.orders.append((path, value.correlator))
            return self.code
        if path.endswith("PkgURL"):
            self.urls[path] = str(value.data, "utf-8")
        return 200


class Word(Plain):
    """A leaf that says one thing."""

    def __init__(self, text):
        super().__init__()
        self._text = text.encode()

    def kind(self, path):
        return CHR | GET

    def size(self, path):
        return len(self._text)

    def read(self, path, offset, into):
        part = self._text[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)


class Agent:
    """The agent's client with that object; `session(alert, ...)` connects, reports and obeys."""

    def __init__(self, server, device_id=portable.ID, kind="xml", auth="md5", user=None):
        server.server_id = portable.SERVER
        self.server = server
        bundle = server.add_device(device_id, auth, auth, **ACCOUNT)
        acl = ("Vendor", "Get=*&Replace=srv&Exec=srv")
        config = {"wbxml": kind == "wbxml", "auth": auth, "secure": server.tls, "url": bundle["url"], "acls": [acl]}
        self.device = portable.Device({**config, "ui": user})
        self.fumo = Fumo()
        self.device.client.tree.objects[4] = ("Vendor/Fw", self.fumo)
        self.type = WBXML if kind == "wbxml" else XML
        self._link = None

    def session(self, *alerts, post=None, session_id=0):
        self.device.config.update(opening=[{"code": "1201"}, *alerts], session_id=session_id)
        self.device.answered.clear()
        session = self.device.session()
        run(session, post or self.post)
        return session

    def post(self, request, body):
        headers = {"Content-Type": request.content_type}
        if request.mac:
            headers["x-syncml-hmac"] = request.mac
        try:
            self._link = self._link or connect(self.server)
            self._link.request("POST", "/dm", body, headers)
            answer = self._link.getresponse()
            assert answer.status == 200 and answer.getheader("content-type") == self.type
            return answer.read(), answer.getheader("x-syncml-hmac"), None
        except (OSError, http.client.HTTPException):
            self.close()
            return None

    def close(self):
        if self._link:
            self._link.close()
        self._link = None

    @property
    def said(self):
        """Return the Statuses that the alerts of the last session got."""
        return [code for number, code, _ in self.device.answered if number]


def connect(server):
    port = server.relay.port if server.relay else server.port
    if not server.tls:
        return http.client.HTTPConnection("localhost", port, timeout=TIMEOUT_S)
    context = ssl.create_default_context(cadata=server.ca_pem)
    return http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_S, context=context)


def report(kind, code, correlator, **more):
    alert = {"code": "1226", "source": ROOT, "kind": FAMILY + kind, "form": "int", "data": str(code)}
    return {**alert, "correlator": correlator, **more}


def get(server, path, method="GET", body=None, **fields):
    """Return (status, fields, body, what broke it off or None)."""
    link = connect(server)
    try:
        link.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        answer = link.getresponse()
        got, broken = bytearray(), None
        try:
            while part := answer.read1(4096):
                got += part
        except (OSError, http.client.HTTPException) as error:
            broken = error
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, bytes(got), broken
    finally:
        link.close()


def path_of(package):
    return package.url.partition("/packages")[1] + package.url.partition("/packages")[2]
