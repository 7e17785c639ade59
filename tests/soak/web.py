"""The HTTP side of a world's servers: management, descriptors, packages, install notifications, and the faults on the way."""

from ports.sim.web_server import Tamper, WebServer, serve_file
from tests.soak import goods

_FILE, _DD = "application/vnd.fumo-agent.package", "application/vnd.oma.dd+xml"


class Web:
    """One for a world; `notifications` are (order, body) as they came."""

    def __init__(self, world):
        self._world, self._plan = world, world.plan
        self.notifications = []
        self.requests = []  # (host, method, path)
        self._counts = {}  # wire -> how many connections or requests it has seen
        self._wire = None  # that concerns the request which is answered now

    def server(self, host):
        """Return the peer that stands for a host."""
        return WebServer(
            lambda method, path, fields, body: self._answer(host, method, path, fields, body),
            lambda method, path, number: self._tamper(host, method, path),
        )

    def connecting(self, host, port, number):
        """Return what is wrong with a connection: the network's script."""
        self._world.message("the device connects to %s" % host)
        self._world.judge.connecting()
        wire = self._match(host, "")
        return (wire.kind, 0, 0) if wire else None

    # -- faults -------------------------------------------------------------------------------------------------------

    def _match(self, host, path):
        """Count for every wire that is meant; return the first one that acts."""
        acts = None
        for wire in self._plan.wires:
            if wire.host != host or bool(wire.path) != bool(path) or not path.startswith(wire.path):
                continue
            number = self._counts.get(wire, 0)
            self._counts[wire] = number + 1
            if number >= wire.first and (wire.count < 0 or number < wire.first + wire.count):
                acts = acts or wire
        return acts

    def _tamper(self, host, method, path):
        self.requests.append((host, method, path))
        self._world.message("%s %s%s" % (method, host, path))
        self._world.judge.asked(host, method, path)
        wire = self._wire = self._match(host, path)
        if not wire:
            return None
        self._world.note("wire: %s %s", wire.kind, wire.args)
        args = wire.args
        if wire.kind in ("reset", "close", "stall"):
            return Tamper(wire.kind, args[0], head="head" in args)
        if wire.kind == "rate":
            return Tamper(rate=args[0])
        if wire.kind == "raw":
            return Tamper(raw=args[0])
        if wire.kind == "lost":
            return Tamper("reset", 0, head=True)
        return Tamper(length=self._length(host, path) + args[0]) if wire.kind == "length" else None

    def _length(self, host, path):
        return len(self._file(path)[0])

    # -- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, host, method, path, fields, body):
        answer = self._answer_of(host, method, path, fields, body)
        self._world.message("answer %d of %s%s" % (answer[0], host, path))
        return answer

    def _answer_of(self, host, method, path, fields, body):
        wire = self._wire
        if wire and wire.kind == "status":
            retry = (("Retry-After", str(wire.args[1])),) if len(wire.args) > 1 else ()
            return wire.args[0], retry, b""
        if wire and wire.kind == "redirect":
            return 302, (("Location", wire.args[0]),), b""
        if wire and wire.kind == "lost":
            return 500, (), b""
        if path == "/dm":
            return self._manage(host, fields, body)
        if path.startswith("/notify"):
            self.notifications.append((int(path[7:]), body.decode()))
            self._world.judge.told(int(path[7:]), body.decode())
            return 200, (), b""
        return self._serve(fields, path, wire.kind if wire else "")

    def _manage(self, host, fields, body):
        dm = self._world.dms[host]
        reply = dm.handle(body, fields.get("content-type", ""), fields, tls=self._plan.tls)
        head = (("Content-Type", reply.content_type),) + tuple(reply.headers.items())
        return reply.status, head, reply.body

    def _serve(self, fields, path, fault):
        data, kind = self._file(path)
        if data is None:
            return 404, (), b""
        tag = '"%s"' % path
        if fault == "changed":
            tag, data = '"other"', data[:-1] + bytes([data[-1] ^ 1])
        if fault == "whole":
            fields = {}
        return serve_file(fields, data, kind, tag)

    def _file(self, path):
        """Return (bytes, content type) of "/<order>.fup", "/<order>.dd"."""
        number, _, kind = path[1:].partition(".")
        orders = self._plan.orders
        if not number.isdigit() or int(number) >= len(orders):
            return None, ""
        order = orders[int(number)]
        data = goods.package(order.version, order.behaviour, order.encoding, order.flaw, order.size)
        if kind != "dd":
            return data, _FILE
        scheme = self._world.scheme
        notify = "%s://files/notify%s" % (scheme, number) if order.notify else ""
        url = "%s://cdn/%s.fup" % (scheme, number)
        return goods.descriptor(url, len(data), notify, order.dflaw), _DD
