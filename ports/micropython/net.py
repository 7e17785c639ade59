"""TCP, TLS and UDP on MicroPython, never blocking. Whatever socket and ssl raise leaves as LinkError.

Only numeric addresses come here, since the runtime's own name resolution can block for longer than the watchdog waits.
Connections are in net_stream.py, which is in memory only while one is open.
"""

import errno
import socket

from agent.compat import const, unload
from agent.errors import LinkError

_IDLE_MS = const(60000)


def resolved(address, port, kind):
    """Return what connect and sendto want: the unix port takes nothing else, and boards take it too."""
    return socket.getaddrinfo(address, port, 0, kind)[0]


def unreachable(error):
    """Return the LinkError for it."""
    return LinkError("cannot connect: %s" % error, 412, 954)


class Datagrams:
    """An open UDP port; with a `net` that is down it opens once that is up, because who listens asks for it only once."""

    def __init__(self, port, net=None):
        self.port, self._net, self._sock = port, net, None
        if net is None or net.up:
            self._open()

    def _open(self):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind(resolved("0.0.0.0", self.port, socket.SOCK_DGRAM)[-1])
        except OSError as e:
            self.close()
            raise unreachable(e)

    def send(self, data, address, port):
        """Send one datagram to a numeric address; it may get lost."""
        if self._net:
            self._net.check()
        if not self._sock:
            if not self._net:
                raise LinkError("the port is closed", 412, 954)
            self._open()
        try:
            self._sock.sendto(data, resolved(address, port, socket.SOCK_DGRAM)[-1])
        except OSError as e:
            if e.errno != errno.EAGAIN:
                raise unreachable(e)

    def receive(self, into):
        """Return (size, address, port) of one datagram, cut to `into`, or None when nothing is there."""
        if not self._sock:
            if not self._net or not self._net.up:
                return None
            self._open()
        try:
            data, peer = self._sock.recvfrom(len(into))
        except OSError as e:
            if e.errno == errno.EAGAIN:
                return None
            raise unreachable(e)
        into[: len(data)] = data
        if not isinstance(peer, tuple):  # the unix port gives the bytes of the system's structure
            _, raw, port = socket.sockaddr(peer)
            peer = "%d.%d.%d.%d" % tuple(raw), port
        return len(data), peer[0], peer[1]

    def close(self):
        """Let go of the port."""
        sock, self._sock, self._net = self._sock, None, None
        if sock:
            sock.close()


class Network:
    """The network of the board.

    `ca`: whom to trust, as a path or bytes of one certificate in DER, or a tuple of those; without it no server is trusted.
    `client`: our own certificate and key, as paths or bytes in DER. `name_servers` and `hosts`, a tuple of (name, address),
    come before what the network interface says. `link` brings the interface up (wifi.py, wired.py); None: a system below does.
    """

    def __init__(self, ca=(), client=None, name_servers=None, hosts=(), link=None):
        self._ca = ca if isinstance(ca, tuple) else (ca,)
        self._client, self._servers, self._hosts = client, name_servers, hosts
        self._made = self._stream = None
        self.link = link

    def step(self):
        """Look after the interface, never waiting; return the milliseconds until that is wanted again."""
        if self._stream and not self._stream.is_open:
            self._stream = None
            unload(("ports.micropython.net_stream",))
        return self.link.step() if self.link else _IDLE_MS

    @property
    def up(self):
        """Tell whether there is a network at all."""
        return self.link is None or self.link.up

    @property
    def busy(self):
        """Tell whether a connection is open, on which something may come at any time."""
        return self._stream is not None and self._stream.is_open

    def connect(self, host, address, port, tls):
        """Return a Stream at once; until it stands, TLS verified against `host` included, reading and writing give None."""
        self.check()
        from ports.micropython.net_stream import Stream

        self._stream = Stream(address, port, host, self._context if tls else None)
        return self._stream

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        return Datagrams(port, self)

    def check(self):
        """Raise LinkError while the interface is down: its sockets say all kinds of things, or nothing for minutes."""
        if not self.up:
            raise LinkError("there is no network: %s %s" % (self.link.kind, self.link.text), 412, 954)

    @property
    def name_servers(self):
        """Return what the interface was told by DHCP, or what resolv.conf says where there is a system below."""
        if self._servers is not None:
            return self._servers
        if self.link is None:
            from ports.micropython.net_names import system_servers

            return system_servers()
        server = self.link.nic.ifconfig()[3] if self.link.up else "0.0.0.0"
        return (server,) if server not in ("0.0.0.0", "") else ()

    def known(self, name):
        """Return the numeric address of a literal, of localhost or of one of `hosts`, else None."""
        for host, address in self._hosts:
            if host == name:
                return address
        from ports.micropython.net_names import numeric

        return numeric(name)

    def _context(self):
        """Return the TLS settings, made when they are needed first: certificates take heap."""
        if not self._made:
            from ports.micropython.tls import make_context

            self._made = make_context(self._ca, self._client)
        return self._made
