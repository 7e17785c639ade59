"""What the servers of the session worlds know and do: their memory, which no power cut of the device can touch.

The campaign is a policy of a DmServer. It asks for the State in each session, says again what it cannot know to have been
heard, and goes on to the next order once it was told what became of the one before.
"""

from flash_tools.server.dm.codec import decode
from flash_tools.server.dm.commands import Alert, Exec, Get, Item, Replace
from flash_tools.server.dm.push import notification
from flash_tools.server.dm.server import Device as Account
from flash_tools.server.dm.server import DmServer
from tests.soak import goods

_ROOT = "./FUMO/"
_UPDATE = 1226
_PREFIX = "org.openmobilealliance.dm.firmwareupdate."
_PIECE = 2048
_SESSION = 0x4000
_MOST_REQUESTS = 200  # between two cuts; some ten are enough


class Books:
    """Plain values only; `state` and `set_state` make the snapshots of the harness."""

    def __init__(self):
        self.client_nonce, self.server_nonce = b"nonce-c", b"nonce-s"
        self.drawn = 0
        self.sent = ()  # orders whose Exec went out
        self.taken = ()  # orders whose 202 came
        self.left = ()  # orders whose 202 left the device, whether it came or not
        self.url_left = self.held_left = False  # the same of the 200 for PkgURL and PkgData
        self.held = False
        self.notified = False
        self.serials = ()  # (order, number that the device gave it), once its 202 has left
        self.alerts = ()  # (order, type, source, mark, format, data)
        self.posts = ()  # (body, how many alerts had come before it)
        self.issued = ()  # (session, nonce) that the device gave
        self.ended = ()  # orders that are over on flash

    def state(self):
        """Return everything."""
        return tuple(sorted(self.__dict__.items()))

    def set_state(self, state):
        """Go back to a state."""
        self.__dict__.update(state)


class Servers:
    """The management server and the web server of one run; `oracle` is asked to check, `books` outlive the device."""

    def __init__(self, world, books, oracle):
        self.world, self.books, self.oracle = world, books, oracle
        self.account = Account(
            goods.DEVICE_ID, "u", "s", "bench", "t", world.auth, world.auth,
            client_nonce=books.client_nonce, server_nonce=books.server_nonce,
        )  # fmt: skip
        self.dm = DmServer([self.account], self, self._random)
        self._pending = ""  # what the session under way has asked for
        self._requests = 0

    def _random(self, size):
        self.books.drawn += 1
        return (b"n%d" % self.books.drawn).ljust(size, b".")

    def notification(self):
        """Return a package 0 with a session of its own."""
        self.books.drawn += 1
        return notification(self.account, _SESSION + self.books.drawn)

    @property
    def unsure(self):
        """Tell whether a server knows of an Exec that went out, and not what became of it."""
        books = self.books
        return [name for name in books.sent if name not in books.taken + tuple(alert[0] for alert in books.alerts)]

    # -- the wire -----------------------------------------------------------------------------------------------------

    def request(self, path, fields, body):
        """A request is on the wire: what it says has left the device."""
        self._requests += 1
        self.oracle.check(self._requests < _MOST_REQUESTS, "the servers are asked for ever")
        if path == "/p.fup" and self.world.flow == "paused" and not self.books.notified:
            self.books.notified = True
            self.oracle.notify(self.notification())
        if path != "/dm":
            return
        message, books = decode(body, fields.get("content-type", "")), self.books
        session = message.value("SyncHdr", "SessionID")
        for status in message.find("SyncBody").find_all("Status"):
            nonce = status.data("Chal", "Meta", "NextNonce")
            if nonce is not None:
                books.issued += ((session, message.value("SyncHdr", "MsgID"), nonce),)
            self._note(status.value("Cmd"), status.value("Data"))

    def _note(self, command, code):
        books = self.books
        if command == "Exec" and code == "202" and self._pending and self._pending not in books.left:
            books.left += (self._pending,)
        books.url_left |= command == "Replace" and code == "200" and self.world.flow != "push"
        books.held_left |= command == "Replace" and code == "200" and self.world.flow == "push"

    def manage(self, fields, body):
        """Handle a message of the device."""
        reply = self.dm.handle(body, fields.get("content-type", ""), fields, tls=self.world.tls)
        self.books.client_nonce, self.books.server_nonce = self.account.client_nonce, self.account.server_nonce
        return reply.status, (("Content-Type", reply.content_type),) + tuple(reply.headers.items()), reply.body

    # -- the policy of the DmServer -----------------------------------------------------------------------------------

    def alert_status(self, session, alert):
        """Take a Generic Alert."""
        kind = alert.type[len(_PREFIX) :]
        if alert.code == _UPDATE and not kind.endswith("request"):
            facts = (alert.correlator, kind, alert.source, alert.mark, alert.format, alert.data)
            self.oracle.alerted(facts)
            self.books.alerts += (facts,)
        return 200

    def packages(self, session):
        """Yield the packages of one session."""
        books = self.books
        session.chunk_max = _PIECE
        told = {alert[0] for alert in books.alerts}
        get = Get(["./DevDetail/FwV", _ROOT + "State"])
        yield [get]
        values = {result.source: result.data for result in get.results}
        if len(values) == 2:
            self.oracle.asked(values["./DevDetail/FwV"].decode(), int(values[_ROOT + "State"]))
        for node, correlator, _ in self.world.orders:
            if correlator not in told and correlator not in books.taken:
                yield from self._order(node, correlator)
            if correlator not in told:
                return

    def _order(self, node, correlator):
        books = self.books
        if self.world.asks and correlator not in books.sent:
            question = Alert(1101, ["MINDT=10", "Install it?"])
            yield [question]
            self.oracle.check(question.status in (None, 200), "the user's answer is %s" % question.status)
        if correlator not in books.sent:
            yield from self._prepare(node)
        command = Exec([_ROOT + node], correlator)
        self._pending = correlator
        if correlator not in books.sent:
            books.sent += (correlator,)
        yield [command]
        if command.status is not None:
            self.oracle.check(command.status == 202, "Exec %s is answered %s" % (node, command.status))
            books.taken += (correlator,)
        self._pending = ""

    def _prepare(self, node):
        """Write the URL, or the package itself."""
        world, books = self.world, self.books
        command = None
        if world.flow == "push" and not books.held:
            command = Replace(Item(_ROOT + "Update/PkgData", world.package, format="bin"))
        elif node != "Update":
            command = Replace(Item("%s%s/PkgURL" % (_ROOT, node), world.url, format="chr"))
        if command:
            books.held_left = books.url_left = False
            yield [command]
            self.oracle.check(command.status in (None, 200), "Replace is answered %s" % command.status)
            books.held = command.status == 200
