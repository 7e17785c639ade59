"""A client of a few lines for the tests of the server: its XML is written by hand and read by the standard library.

The formulas of the credentials are spelled out again; nothing of the agent or of the server's own formulas takes part.
"""

import base64
import hashlib
import xml.etree.ElementTree as ElementTree

from flash_tools.server.dm.codec import XML
from flash_tools.server.dm.server import Device, DmServer

START = "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>"
DEVINFO = (
    "<Replace><CmdID>2</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>dev</Data></Item>"
    "<Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data>Us</Data></Item></Replace>"
)
FINAL = "<Final/>"
NEXT = "<Alert><CmdID>90</CmdID><Data>1222</Data></Alert>"


class Policy:
    """Commands the given packages, and keeps the session."""

    def __init__(self, *packages, alert=200):
        self.todo = packages
        self.alert = alert
        self.session = None
        self.asked = 0  # how many packages were fetched

    def packages(self, session):
        self.session = session
        for package in self.todo:
            self.asked += 1
            yield package

    def alert_status(self, session, alert):
        return self.alert


class Client:
    """Sends bodies, gives the server's answer as an element tree without namespaces."""

    def __init__(self, server, session_id="3A", limits=""):
        self.server, self.session_id, self.limits = server, session_id, limits
        self.msg_id, self.reply, self.body = 0, None, b""

    def send(self, *commands, cred="", version="1.2", mac=None, device="dev"):
        """Do one exchange; `mac(body)` makes the header."""
        self.msg_id += 1
        self.body = (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>%s</VerDTD><VerProto>DM/1.2</VerProto>'
            "<SessionID>%s</SessionID><MsgID>%d</MsgID><Target><LocURI>http://dm/</LocURI></Target>"
            "<Source><LocURI>%s</LocURI></Source>%s<Meta>%s</Meta></SyncHdr><SyncBody>%s</SyncBody></SyncML>"
            % (version, self.session_id, self.msg_id, device, cred, self.limits, "".join(commands))
        ).encode()
        return self.post({"X-SyncML-HMAC": mac(self.body)} if mac else {})

    def post(self, headers):
        """Send the last body again."""
        self.reply = self.server.handle(self.body, XML + "; charset=utf-8", headers)
        assert self.reply.status == 200, self.reply.body
        root = ElementTree.fromstring(self.reply.body)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return root

    def start(self, **options):
        return self.send(START, DEVINFO, FINAL, **options)


def status(msgref, cmdref, cmd, code, more=""):
    return "<Status><CmdID>1</CmdID><MsgRef>%s</MsgRef><CmdRef>%s</CmdRef><Cmd>%s</Cmd>%s<Data>%s</Data></Status>" % (
        msgref,
        cmdref,
        cmd,
        more,
        code,
    )


def header_status(msgref, code=200, chal=""):
    return status(msgref, 0, "SyncHdr", code, chal)


def chal(kind, nonce):
    text = base64.b64encode(nonce).decode()
    return (
        "<Chal><Meta><Type xmlns='syncml:metinf'>syncml:auth-%s</Type><Format>b64</Format>"
        "<NextNonce>%s</NextNonce></Meta></Chal>" % (kind, text)
    )


def md5_data(user, secret, nonce):
    inner = base64.b64encode(hashlib.md5(("%s:%s" % (user, secret)).encode()).digest())
    return base64.b64encode(hashlib.md5(inner + b":" + nonce).digest()).decode()


def cred(kind, data):
    return "<Cred><Meta><Type>syncml:auth-%s</Type><Format>b64</Format></Meta><Data>%s</Data></Cred>" % (kind, data)


def mac_value(user, secret, nonce, body):
    inner = base64.b64encode(hashlib.md5(("%s:%s" % (user, secret)).encode()).digest())
    text = inner + b":" + nonce + b":" + base64.b64encode(hashlib.md5(body).digest())
    return base64.b64encode(hashlib.md5(text).digest()).decode()


def codes(root):
    """Return (Cmd, CmdRef, Data) of all Statuses."""
    return [(each.findtext("Cmd"), each.findtext("CmdRef"), each.findtext("Data")) for each in root.iter("Status")]


def names(root):
    return [child.tag for child in root.find("SyncBody")]


def next_nonce(root):
    return base64.b64decode(root.findtext(".//Chal/Meta/NextNonce"))


def counter():
    """Return a source of nonces that never gives the same."""
    drawn = [0]

    def draw(size):
        drawn[0] += 1
        return b"nonce".ljust(size - 1, b".") + bytes([drawn[0]])

    return draw


def serve(*packages, device=None, **options):
    policy = Policy(*packages)
    return DmServer([device or Device("dev", server_id="srv")], policy, counter(), **options), policy


def account(**options):
    given = {"client_name": "dm", "client_secret": "päss", "server_id": "srv", "server_secret": "s3", **options}
    return Device("dev", **given)
