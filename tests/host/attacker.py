"""A hand-made management client over a real socket: it says what an attacker likes, in XML. `known` attackers have a bundle."""

import base64
import hashlib
import http.client
import ssl
import time
from html import escape

from flash_tools.server.dm.codec import XML, decode


def server_folder(path, **options):
    """Make a server's folder with free ports; plain http unless `tls`."""
    from tests.host.server_process import make

    return make(path, **options)


class Client:
    """`bundle` None: a stranger who only knows the device's id."""

    def __init__(self, settings, device_id, bundle=None, session="5A"):
        self.settings, self.device_id, self.bundle, self.session = settings, device_id, bundle, session
        self.number, self.last, self._connection = 0, None, None
        self.nonce = base64.b64decode(bundle["nonce"]) if bundle else b""

    def connect(self):
        """Return the connection."""
        if self._connection is None:
            host, port = self.settings.listen
            if self.settings.tls:
                context = ssl.create_default_context(cadata=self.settings.ca_pem)
                self._connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=60)
        return self._connection

    def close(self):
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post(self, body, path="/dm", headers=None, kind=XML, method="POST"):
        """Send bytes; return (status, body)."""
        connection = self.connect()
        connection.request(method, path, body, {"content-type": kind, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def cred(self):
        """Return the Cred element of md5."""
        if self.bundle is None:
            return ""
        account = base64.b64encode(
            hashlib.md5(("%s:%s" % (self.bundle["user"], self.bundle["secret"])).encode()).digest()
        )
        digest = base64.b64encode(hashlib.md5(account + b":" + self.nonce).digest()).decode()
        return ("<Cred><Meta><Format>b64</Format><Type>syncml:auth-md5</Type></Meta><Data>%s</Data></Cred>") % digest

    def message(self, body="", *, proof=True, number=None, final=True, header=""):
        """Return the bytes of a message."""
        self.number = self.number + 1 if number is None else number
        text = (
            "<SyncML><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>%s</SessionID><MsgID>%d</MsgID>"
            "<Target><LocURI>x</LocURI></Target><Source><LocURI>%s</LocURI></Source>%s%s</SyncHdr><SyncBody>%s%s</SyncBody>"
            "</SyncML>"
        )
        cred = self.cred() if proof else ""
        return (
            text % (self.session, self.number, escape(self.device_id), cred, header, body, "<Final/>" if final else "")
        ).encode()

    def say(self, body="", **options):
        """Send a message; return (SyncHdr's Status, the tree)."""
        status, answer = self.post(self.message(body, **options))
        assert status == 200, (status, answer[:200])
        tree = decode(answer, XML)
        for each in tree.find("SyncBody").find_all("Status"):
            if each.value("CmdRef") == "0":
                nonce = each.find("Chal")
                if nonce is not None and nonce.value("Meta", "NextNonce"):
                    self.nonce = base64.b64decode(nonce.value("Meta", "NextNonce"))
                self.last = tree
                return each.size("Data"), tree
        raise AssertionError(answer)


def begin():
    """Return package 1's body."""
    return "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>"


def report(correlator, code=200):
    """Return an alert that an update ended."""
    return (
        "<Alert><CmdID>2</CmdID><Data>1226</Data><Correlator>%s</Correlator><Item><Source><LocURI>./FUMO</LocURI></Source>"
        "<Meta><Type>org.openmobilealliance.dm.firmwareupdate.downloadandupdate</Type><Format>int</Format></Meta>"
        "<Data>%d</Data></Item></Alert>" % (correlator, code)
    )


def took(function, *arguments):
    """Return (how long the processor worked, what the function gives): in units of a piece of work done just before and after.

    A unit is some hundredth of a second; machines differ, and a busy one is slow. The server runs in this process.
    """
    before, started = _unit(), time.process_time()
    value = function(*arguments)
    return (time.process_time() - started) / max(before, _unit()), value


def _unit():
    started = time.process_time()
    texts = ["%d" % number for number in range(40000)]
    assert len({text: len(text) for text in texts}) == 40000
    return time.process_time() - started
