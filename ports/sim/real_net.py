"""The host's network for the simulated device: a power-off breaks what is open, waiting ends soon where something may come."""

import sys

from agent.errors import LinkError

_BUSY_MS = 2  # between two looks while a connection is open
_QUIET_MS = 50
_PEM = b"-----BEGIN "


def make_network(ca, client, name_servers, hosts):
    """Return the Network of the interpreter's port; `ca` is a path, PEM as bytes, or None, `client` two paths or None."""
    trusted = certificates(ca) if ca else ()
    if sys.implementation.name == "micropython":
        from ports.micropython.net import Network

        if client:
            client = certificates(client[0])[0], certificates(client[1])[0]
    else:
        from ports.cpython_linux.net import Network

        trusted = trusted or None
    return Network(trusted, client, name_servers, hosts)


def certificates(source):
    """Return what is in a PEM or DER file, or in bytes, each as DER."""
    import binascii

    data = source
    if isinstance(source, str):
        with open(source, "rb") as file:
            data = file.read()
    if _PEM not in data:
        return (data,)
    found = []
    for part in data.split(_PEM)[1:]:
        body = part.split(b"-----")[1]  # between the end of the first line and the last one
        found.append(binascii.a2b_base64(b"".join(body.split())))
    return tuple(found)


class RealNet:
    """Wraps a port's Network; `wait(ms)` waits on behalf of whoever can interrupt."""

    def __init__(self, inner, wait):
        self._inner, self._wait = inner, wait
        self.open = []
        self.connections = 0

    def connect(self, host, address, port, tls):
        """Return a Stream at once."""
        stream = _Open(self, self._inner.connect(host, address, port, tls))
        self.connections += 1
        return stream

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        return _OpenPort(self, self._inner.udp(port), port == 0)

    def known(self, name):
        """Return the numeric address of a name that needs no asking."""
        return self._inner.known(name)

    @property
    def name_servers(self):
        """Return the addresses of the name servers."""
        return self._inner.name_servers

    def doze_ms(self, most_ms):
        """Wait for at most that long; less while something may come."""
        busy = [thing for thing in self.open if thing.hurry]
        self._wait(min(most_ms, _BUSY_MS if busy else _QUIET_MS))

    def power_off(self):
        """Break everything that is open."""
        for thing in list(self.open):
            thing.close()


class _Thing:
    def __init__(self, net, inner, hurry):
        self._net, self._inner, self.hurry = net, inner, hurry
        net.open.append(self)

    def close(self):
        """Let go of it."""
        if self in self._net.open:
            self._net.open.remove(self)
        self._inner.close()


class _Open(_Thing):
    def __init__(self, net, inner):
        super().__init__(net, inner, True)
        self.read_into, self.write = inner.read_into, inner.write


class _OpenPort(_Thing):
    def __init__(self, net, inner, hurry):
        super().__init__(net, inner, hurry)
        self.port = inner.port
        self.send, self.receive = inner.send, inner.receive


def free_port(inner, random):
    """Return a UDP port that nobody uses: MicroPython cannot say which one the system chose."""
    for _ in range(100):
        try:
            datagrams = inner.udp(20000 + random(30000))
        except LinkError:
            continue
        datagrams.close()
        return datagrams.port
    raise LinkError("no UDP port is free")


def check_port(inner, port):
    """Return the UDP port if it can be had."""
    try:
        inner.udp(port).close()
    except LinkError:
        raise LinkError("UDP port %d is in use: choose another --notify-port" % port)
    return port
