"""TCP, TLS and UDP on MicroPython, never blocking. Whatever socket and ssl raise leaves as LinkError.

Only numeric addresses come here, since the runtime's own name resolution can block for longer than the watchdog waits.
What must be known of mbedTLS: it speaks up to TLS 1.2 in most builds; reading and writing drive the handshake and give None
until it is done; a refused certificate is a ValueError that only has a text; the end of a connection is told once.
"""

import errno
import gc
import select
import socket

from agent.compat import const
from agent.errors import LinkError

_IDLE_MS = const(60000)
_STARTED = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)  # what a connect says that goes on by itself


def _resolved(address, port, kind):
    """Return what connect and sendto want: the unix port takes nothing else, and boards take it too."""
    return socket.getaddrinfo(address, port, 0, kind)[0]


def _unreachable(error):
    return LinkError("cannot connect: %s" % error, 412, 954)


class Stream:
    """One connection: TCP, then TLS where `context` (a function that gives one) is given, then bytes."""

    def __init__(self, address, port, host, context):
        self._host, self._context = host, context
        self._error = self._sock = self._tcp = None
        self._stands = self._ended = False
        self._poll = select.poll()
        try:
            info = _resolved(address, port, socket.SOCK_STREAM)
            self._sock = self._tcp = socket.socket(info[0], socket.SOCK_STREAM)
            self._sock.setblocking(False)
            self._poll.register(self._sock, select.POLLOUT)
            self._sock.connect(info[-1])
        except OSError as e:
            if not self._sock or e.errno not in _STARTED:
                self._error = _unreachable(e)

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""
        if self._ended:
            return 0
        count = self._try(True, into)
        self._ended = count == 0
        return count

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now; then the same bytes must be offered again."""
        return self._try(False, data)

    def close(self):
        """Let go of the connection."""
        self._error = self._error or LinkError("the connection is closed", 503, 903)
        for sock in (self._sock, self._tcp):
            try:
                if sock:
                    sock.close()
            except OSError:
                pass  # it is broken already
        self._sock = self._tcp = None

    @property
    def is_open(self):
        """Tell whether nobody has closed it."""
        return self._sock is not None

    def _try(self, reading, data):
        if self._error:
            raise self._error
        try:
            if self._poll and not self._connected():
                return None
            count = self._sock.readinto(data) if reading else self._sock.write(data)
        except LinkError as e:  # of the TLS settings
            self._error = e
            raise
        except (OSError, ValueError) as e:
            if isinstance(e, OSError) and e.errno == errno.EAGAIN:
                return None
            error = self._translate(e)
            if not self._stands:
                self._error = error  # else what has been read before it broke may still be there
            raise error
        if count:
            self._stands = True
        return count

    def _connected(self):
        """Tell whether TCP stands; begin TLS then."""
        events = self._poll.poll(0)
        if not events:
            return False
        if events[0][1] & (select.POLLERR | select.POLLHUP):
            self._sock.recv(1)  # says why
            raise OSError(0, "refused")
        self._poll = None
        if self._context:
            context = self._context()
            gc.collect()  # a handshake needs several large pieces
            self._sock = context.wrap_socket(self._tcp, server_hostname=self._host, do_handshake_on_connect=False)
        return True

    def _translate(self, error):
        if self._poll:
            return _unreachable(error)
        if isinstance(error, ValueError):
            from ports.micropython.tls import not_trusted

            return not_trusted(str(error))
        return LinkError("connection broken: %s" % error, 503, 903)


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
            self._sock.bind(_resolved("0.0.0.0", self.port, socket.SOCK_DGRAM)[-1])
        except OSError as e:
            self.close()
            raise _unreachable(e)

    def send(self, data, address, port):
        """Send one datagram to a numeric address; it may get lost."""
        if self._net:
            self._net.check()
        if not self._sock:
            if not self._net:
                raise LinkError("the port is closed", 412, 954)
            self._open()
        try:
            self._sock.sendto(data, _resolved(address, port, socket.SOCK_DGRAM)[-1])
        except OSError as e:
            if e.errno != errno.EAGAIN:
                raise _unreachable(e)

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
            raise _unreachable(e)
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
            return _system_servers()
        server = self.link.nic.ifconfig()[3] if self.link.up else "0.0.0.0"
        return (server,) if server not in ("0.0.0.0", "") else ()

    def known(self, name):
        """Return the numeric address of a literal, of localhost or of one of `hosts`, else None."""
        for host, address in self._hosts:
            if host == name:
                return address
        if ":" in name or _is_numeric(name):
            return name
        return "127.0.0.1" if name == "localhost" else None

    def _context(self):
        """Return the TLS settings, made when they are needed first: certificates take heap."""
        if not self._made:
            from ports.micropython.tls import make_context

            self._made = make_context(self._ca, self._client)
        return self._made


def _is_numeric(name):
    parts = name.split(".")
    return len(parts) == 4 and not [part for part in parts if not part.isdigit() or len(part) > 3 or int(part) > 255]


def _system_servers():
    try:
        with open("/etc/resolv.conf") as file:
            words = [line.split() for line in file]
    except OSError:
        return ()
    return tuple([line[1] for line in words if len(line) > 1 and line[0] == "nameserver" and ":" not in line[1]])
