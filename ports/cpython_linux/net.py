"""TCP, TLS and UDP on Linux, never blocking. Whatever the socket and ssl modules raise leaves as LinkError."""

import select
import socket
import ssl

from agent.errors import LinkError

_DATES = (9, 10)  # OpenSSL's verify codes: not yet valid, expired
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Stream:
    """One connection: TCP, then TLS where `context` (a function that gives one) is given, then bytes."""

    hurry = True  # there may be something to send, or a handshake to go on with

    def __init__(self, address, port, host, context, gone=None):
        self._host, self._context, self._gone = host, context, gone
        self._error = self._poll = None
        self._stands = False
        self._sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self._sock.setblocking(False)
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.connect((address, port))
        except BlockingIOError:
            pass
        except OSError as e:
            self._error = _unreachable(e)
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLOUT)

    def read_into(self, into):
        """Return the number of bytes read, 0 when the peer has closed, None when nothing is there yet."""
        return self._try(lambda: self._sock.recv_into(into))

    def write(self, data):
        """Return the number of bytes taken, None when none can be taken now; then the same bytes must be offered again."""
        return self._try(lambda: self._sock.send(data))

    def close(self):
        """Let go of the connection."""
        if self._gone:
            self._gone(self)
        self._sock.close()
        self._error = self._error or LinkError("the connection is closed", 503, 903)

    def fileno(self):
        """Return what can be waited for."""
        return self._sock.fileno()

    @property
    def pending(self):
        """Tell whether something has been read from the system and not by us: waiting would miss it."""
        return bool(self._error) or (self._stands and bool(self._context) and self._sock.pending() > 0)

    def _try(self, action):
        if self._error:
            raise self._error
        try:
            return action() if self._stands or self._go_on() else None
        except _LATER:
            return None
        except LinkError as e:  # of the TLS settings
            error = e
        except (OSError, ValueError) as e:  # ValueError: a name that no certificate can have
            error = self._translate(e)
        if not self._stands:
            self._error = error  # what has been read before it broke may still be there later
        raise error

    def _go_on(self):
        """Connect, shake hands; tell whether the connection stands."""
        if self._poll:
            if not self._poll.poll(0):
                return False
            number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, "not connected")
            self._poll = None
            if self._context:
                self._sock = self._context().wrap_socket(
                    self._sock, server_hostname=self._host, do_handshake_on_connect=False
                )
        if self._context:
            self._sock.do_handshake()
        self._stands = True
        return True

    def _translate(self, error):
        if isinstance(error, ssl.SSLCertVerificationError):
            refused = _not_trusted(error.verify_message or error)
            refused.dates = error.verify_code in _DATES
            return refused
        if isinstance(error, ValueError):
            return _not_trusted(error)
        return _unreachable(error) if self._poll else LinkError("connection broken: %s" % error, 503, 903)


def _not_trusted(reason):
    return LinkError("certificate refused: %s" % reason, 503, 954, True)


def _unreachable(error):
    return LinkError("cannot connect: %s" % error, 412, 954)


class Datagrams:
    """An open UDP port."""

    hurry = pending = False

    def __init__(self, port, gone=None):
        self._gone = gone
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind(("", port))
        except OSError:
            self._sock.close()
            raise
        self.port = self._sock.getsockname()[1]

    def send(self, data, address, port):
        """Send one datagram to a numeric address; it may get lost."""
        try:
            self._sock.sendto(data, (address, port))
        except BlockingIOError:
            pass
        except OSError as e:
            raise _unreachable(e)

    def receive(self, into):
        """Return (size, address, port) of one datagram, cut to `into`, or None when nothing is there."""
        try:
            size, peer = self._sock.recvfrom_into(into)
        except BlockingIOError:
            return None
        except OSError as e:
            raise _unreachable(e)
        return size, peer[0], peer[1]

    def fileno(self):
        """Return what can be waited for."""
        return self._sock.fileno()

    def close(self):
        """Let go of the port."""
        if self._gone:
            self._gone(self)
        self._sock.close()


class Network:
    """The network of the system.

    `ca`: whom to trust, as a path or bytes (PEM or DER) or a tuple of those; None trusts whom the system trusts. `client`: paths
    of our own certificate and key in PEM. `name_servers` and `hosts`, a tuple of (name, address), come before the system's.
    """

    def __init__(self, ca=None, client=None, name_servers=None, hosts=(), etc="/etc"):
        self._ca = ca if isinstance(ca, tuple) or ca is None else (ca,)
        self._client, self._servers, self._hosts, self._etc = client, name_servers, hosts, etc
        self._made = None
        self.open = []  # what can be waited for

    def connect(self, host, address, port, tls):
        """Return a Stream at once; until it stands, TLS verified against `host` included, reading and writing give None."""
        return self._opened(Stream(address, port, host, self._context if tls else None, self._gone))

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        try:
            return self._opened(Datagrams(port, self._gone))
        except OSError as e:
            raise _unreachable(e)

    def _opened(self, thing):
        self.open.append(thing)
        return thing

    def _gone(self, thing):
        if thing in self.open:
            self.open.remove(thing)

    @property
    def name_servers(self):
        """Return the addresses in resolv.conf; those of version 6 are left out."""
        if self._servers is not None:
            return self._servers
        lines = self._lines("/resolv.conf")
        return tuple(line[1] for line in lines if line[0] == "nameserver" and len(line) > 1 and ":" not in line[1])

    def known(self, name):
        """Return the numeric address of a literal, of localhost or of a name in the hosts file, else None."""
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.inet_pton(family, name)
                return name
            except (OSError, ValueError):
                pass
        for host, address in self._hosts:
            if host == name:
                return address
        for line in self._lines("/hosts"):
            if name in [other.lower() for other in line[1:]]:
                return line[0]
        return "127.0.0.1" if name == "localhost" else None

    def _lines(self, path):
        """Return the lines of a system file, each as its words, without comments and empty lines."""
        try:
            with open(self._etc + path, encoding="utf-8", errors="replace") as file:
                words = [line.partition("#")[0].split() for line in file]
        except OSError:
            return []
        return [line for line in words if line]

    def _context(self):
        """Return the TLS settings, made when they are needed first."""
        if not self._made:
            try:
                self._made = self._make_context()
            except (OSError, ValueError) as e:
                raise LinkError("TLS cannot be set up: %s" % e, 503, 954, True)
        return self._made

    def _make_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificates and names
        if self._ca is None:
            context.load_default_certs()
        for trusted in self._ca or ():
            data = trusted
            if isinstance(trusted, str):
                with open(trusted, "rb") as file:
                    data = file.read()
            context.load_verify_locations(cadata=data.decode() if b"-----BEGIN" in data else data)
        if self._client:
            context.load_cert_chain(*self._client)
        return context
