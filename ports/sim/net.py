"""The simulated network: the Network contract in virtual time, every run the same.

Everything has a time on the clock. Whatever the device asks for, first everything happens that is due by then. A device's
loop that has nothing to do calls `doze_ms(most)` instead of the clock's `sleep_ms`: it ends when something has come for the
device, as the wait of a real port does. A harness that sleeps by itself sleeps `next_event_ms()` at most.

A connection costs a round trip, over TLS 1.3 a second one with a hello of 300 and certificates of 3,000 bytes. `hosts` maps
(name or address, port) to a peer, whose `accept(connection, tls)` returns a handler (see tcp.py) or None to refuse.
"""

from agent.compat import const
from agent.errors import LinkError
from ports.sim import name_server
from ports.sim.link import Events, Pipe
from ports.sim.tcp import HEADERS, Connection
from ports.sim.tcp_stream import Stream

_HELLO = const(300)
_CERTIFICATES = (1460, 1460, 80)
_UDP_HEADERS = const(28)
_DNS_PORT = const(53)
_FIRST_PORT = const(49152)
_NAME_SERVER = "192.0.2.53"

# What can be wrong with a connection from its beginning; "reset", "close" and "stall" are Connection.spoil's
_REFUSED = "refuse"
_SILENT = "unreachable"
_CERTIFICATE = {
    "untrusted": "the server's certificate is not trusted",
    "name": "the server's certificate is for another name",
    "dates": "the server's certificate is not valid at this time",
}
_BROKEN_TLS = "tls"


class Network:
    """One device's network.

    names      name -> address and what can be wrong with it, see name_server.py
    resolver   True: `known` knows literals only, names are asked for over UDP; False: `known` answers from `names`
    script     function (host, port, number of the connection from 0) -> None, or (kind, at, rate): kind "refuse",
               "unreachable", "tls", "untrusted", "name", "dates", else as Connection.spoil, counted from the first answer
    certificates   host -> "untrusted", "name", "dates" or "tls", for as long as it is there
    """

    name_servers = (_NAME_SERVER,)

    def __init__(self, clock, link, hosts, names=None, resolver=False, script=None):
        self.clock = clock
        self.link = link
        self.hosts = hosts
        self.names = {} if names is None else names
        self.script = script
        self.certificates = {}
        self.events = Events(clock)
        self.up = Pipe(self.events, link)
        self.down = Pipe(self.events, link)
        self.fresh = False  # something has come for the device since it looked last
        self.connections = 0
        self.lose = 0  # datagrams still to be lost, in either direction
        self.streams = []
        self._resolver = resolver
        self._sockets = {}  # port -> Datagrams

    # -- the contract -------------------------------------------------------------------------------------------------

    def connect(self, host, address, port, tls):
        """Begin a connection and return its stream at once."""
        self.events.catch_up()
        stream = Stream(self)
        self.streams.append(stream)
        fault = self.script(host, port, self.connections) if self.script else None
        self.connections += 1
        self.up.carry(HEADERS, self._asked, stream, host, address, port, tls, fault or ("", 0, 0))
        return stream

    def udp(self, port=0):
        """Return a socket for datagrams, on a free port where none is named."""
        if not port:
            port = _FIRST_PORT
            while port in self._sockets:
                port += 1
        if port in self._sockets:
            raise LinkError("port %d is in use" % port)
        self._sockets[port] = Datagrams(self, port)
        return self._sockets[port]

    def known(self, name):
        """Return the numeric address of a name, None where a name server must be asked."""
        if name_server.is_address(name):
            return name
        value = None if self._resolver else name_server.lookup(self.names, name)[1]
        return value if value and name_server.is_address(value) else None

    # -- for the device's loop and the harness ------------------------------------------------------------------------

    def doze_ms(self, most_ms):
        """Let the time pass until something has come for the device, `most_ms` at most."""
        clock, events = self.clock, self.events
        until = clock.us + most_ms * 1000
        events.catch_up()
        while not self.fresh and 0 <= events.next_us() <= until:
            clock.us = max(clock.us, events.next_us())
            events.step()
        if not self.fresh:
            clock.us = until
        self.fresh = False

    def next_event_ms(self):
        """Return the milliseconds until something happens in the network, rounded up, -1 where nothing will."""
        at = self.events.next_us()
        return -1 if at < 0 else max(0, (at - self.clock.us + 999) // 1000)

    def power_off(self):
        """Lose everything that the device had open; its peers are not told by it, only their handlers."""
        self.events.catch_up()
        for stream in list(self.streams):
            stream.vanish()
            if stream.connection:
                stream.connection.gone()
        self._sockets = {}
        self.fresh = False

    def datagram(self, data, source, port):
        """Send a datagram from `source`, an (address, port), to a port of the device."""
        self.events.catch_up()
        self.reply(bytes(data), source, port)

    # -- for the parts ------------------------------------------------------------------------------------------------

    def forget(self, stream):
        """The stream is closed."""
        if stream in self.streams:
            self.streams.remove(stream)

    def release(self, socket):
        """The socket is closed."""
        if self._sockets.get(socket.port) is socket:
            del self._sockets[socket.port]

    def send(self, data, address, port, source_port):
        """Carry a datagram of the device."""
        if not self._lost():
            self.up.carry(len(data) + _UDP_HEADERS, self._datagram, data, address, port, source_port)

    def reply(self, data, source, port):
        """Carry a datagram to the device; for peers, at the time of what happens now."""
        if not self._lost():
            self.down.carry(len(data) + _UDP_HEADERS, self._deliver, data, source, port)

    # -- pieces -------------------------------------------------------------------------------------------------------

    def _lost(self):
        if not self.lose:
            return False
        self.lose -= 1
        return True

    def _datagram(self, data, address, port, source_port):
        if port == _DNS_PORT and address in self.name_servers:
            data = name_server.answer(data, self.names)
            if data:
                self.reply(data, (address, port), source_port)
        elif (address, port) in self.hosts:
            self.hosts[(address, port)].datagram(self, data, source_port)

    def _deliver(self, data, source, port):
        if port in self._sockets:
            self._sockets[port].arrive(data, source)
            self.fresh = True

    def _asked(self, stream, host, address, port, tls, fault):
        """The server's side sees the first segment."""
        if fault[0] == _SILENT:
            return
        peer = self.hosts.get((host, port)) or self.hosts.get((address, port))
        connection = Connection(self, stream)
        if not peer or fault[0] == _REFUSED:
            handler = None
        else:
            handler = connection.handler = peer.accept(connection, tls)
        if not handler:
            self.down.carry(HEADERS, stream.fail, LinkError("the server refuses the connection", 412))
            return
        stream.connection = connection
        wrong = fault[0] if fault[0] in _CERTIFICATE or fault[0] == _BROKEN_TLS else ""
        if not wrong:
            connection.spoil(*fault)
        self.down.carry(HEADERS, self._answered, stream, wrong or self.certificates.get(host, ""), tls)

    def _answered(self, stream, wrong, tls):
        if stream.closed:
            stream.connection.gone()
        elif not tls:
            stream.establish()
        else:
            self.up.carry(_HELLO + HEADERS, self._certify, stream, wrong)

    def _certify(self, stream, wrong):
        for size in _CERTIFICATES[:-1]:
            self.down.carry(size + HEADERS, _nothing)
        self.down.carry(_CERTIFICATES[-1] + HEADERS, self._judge, stream, wrong)

    def _judge(self, stream, wrong):
        """The device has read the server's certificate."""
        if not wrong:
            stream.establish()
            return
        if wrong == _BROKEN_TLS:
            error = LinkError("the TLS handshake failed")
        else:
            error = LinkError(_CERTIFICATE[wrong], 503, 954, True)
            error.dates = wrong == "dates"
        stream.fail(error)
        self.up.carry(HEADERS, stream.connection.gone)


class Datagrams:
    """A UDP socket of the device."""

    def __init__(self, network, port):
        self._network = network
        self.port = port
        self._queue = []

    def send(self, data, address, port):
        """Send one datagram."""
        self._network.events.catch_up()
        self._network.send(bytes(data), address, port, self.port)

    def receive(self, into):
        """Return (size, address, port) of the next datagram, None where there is none; what is too long is cut."""
        self._network.events.catch_up()
        if not self._queue:
            return None
        data, (address, port) = self._queue.pop(0)
        count = min(len(into), len(data))
        into[:count] = data[:count]
        return count, address, port

    def arrive(self, data, source):
        """Take one from the network."""
        self._queue.append((data, source))

    def close(self):
        """Let go of the port; calling it twice is allowed."""
        self._network.release(self)


def _nothing():
    """A frame arrives that nobody waits for."""
