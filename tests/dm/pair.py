"""A device and a server that know each other for several sessions, with a network between them that a test may spoil.

For what one session of `hold` cannot show: nothing is judged and nothing played again here. `log` has what happened, in
order: ("put", key), ("note", key) of the nonces' journal, ("sent", MsgID).
"""

from dataclasses import replace

from agent.dm_nonces import Nonces
from flash_tools.server.dm import codec as dm_codec
from flash_tools.server.dm.device import Device as Record
from flash_tools.server.dm.server import Device as Account
from tests.dm import device as portable
from tests.dm.device import Device, run
from tests.dm.hold import Packages, make_server
from tests.dm.objects import DictJournal

TYPES = {"xml": dm_codec.XML, "wbxml": dm_codec.WBXML}
HEADER = "x-syncml-hmac"


def known(auth="MAC", **options):
    """Return {device id: the server's record of the test device}, for `server={"devices": known(...)}`."""
    record = Account(
        portable.ID, portable.USER, portable.SECRET, portable.SERVER, portable.SERVER_SECRET, auth, auth,
        client_nonce=portable.CLIENT_NONCE, server_nonce=portable.SERVER_NONCE,
    )  # fmt: skip
    return {portable.ID: replace(record, **options)}


class Cut(Exception):
    """The power is gone."""


class _Journal(DictJournal):
    def __init__(self, log):
        super().__init__()
        self._log = log

    def put(self, changes):
        self._log.extend(("put", key) for key, _ in changes)
        super().put(changes)

    def note(self, key, value):
        self._log.append(("note", key))
        super().note(key, value)


class Pair:
    """`spoil(number, body, mac)` may give another answer (body, mac), None for none; `sent` has (tree, bytes, mac) of requests."""

    def __init__(self, kind="xml", auth="MAC", secure=None, server=None, **config):
        self.kind, self.secure = kind, auth != "MAC" if secure is None else secure
        self.device = Device({"wbxml": kind == "wbxml", "auth": auth, "secure": self.secure, **config})
        self.log = []
        self.journal = _Journal(self.log)
        self.device.client.nonces = Nonces(self.journal, b"k" * 16)
        self.server = make_server(Packages(), auth, **(server or {}))
        self.sent, self.came = [], []

    @property
    def record(self) -> Record:
        """Return what the server knows of the device."""
        return self.server.devices[portable.ID]

    def hold(self, *packages, spoil=None, cut=None):
        """Hold a session; `cut` ends it before that message is sent (1.0 on) or before its answer comes (1.5 on)."""
        self.server.policy = Packages(*packages)
        session, number = self.device.session(), 0

        def post(request, body):
            nonlocal number
            number += 1
            self._cut(cut, number)
            self.log.append(("sent", number))
            self.sent.append((dm_codec.decode(body, request.content_type), body, request.mac))
            headers = {HEADER: request.mac} if request.mac else {}
            reply = self.server.handle(body, request.content_type, headers, tls=self.secure)
            self._cut(cut, number + 0.5)
            answer = reply.body, reply.headers.get(HEADER)
            self.came.append(answer)
            answer = spoil(number, *answer) if spoil else answer
            return answer and (*answer, None)

        try:
            run(session, post)
        except Cut:
            pass
        return session

    def _cut(self, cut, at):
        if cut == at:
            raise Cut


def values(message, *path):
    """Return the texts of all elements that stand below each other like this, anywhere in the message."""
    found = [each for each in message.walk() if each.tag_name == path[0]]
    return [text for text in (each.data(*path[1:]) for each in found) if text is not None]


def next_nonces(sent):
    """Return the nonces that the client's messages gave to the server, as they were written."""
    return [text for tree, _, _ in sent for text in values(tree.find("SyncBody"), "NextNonce")]


def set_text(name, text, under="SyncML"):
    """Return a change of a tree: the text of all elements of that name."""

    def change(root):
        for top in [each for each in root.walk() if each.tag_name == under]:
            for each in top.walk():
                if each.tag_name == name:
                    each.text, each.children = text, []

    return change
