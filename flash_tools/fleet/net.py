"""The network of a device of a fleet: the host's, its sockets watched by the loop, all of them gone when the power goes."""

from contextlib import suppress

from agent.errors import LinkError
from flash_tools.fleet.loop import EITHER, READABLE
from ports.cpython_linux.net import Datagrams, Network, Stream

_DATAGRAM = 2048


class _Stream(Stream):
    def fileno(self):
        """Return the number of the socket; TLS begins on the same one."""
        return self._sock.fileno()


class _Datagrams(Datagrams):
    def fileno(self):
        """Return the number of the socket."""
        return self._sock.fileno()


class SharedNetwork(Network):
    """The network of the system; the TLS settings are made once for all devices that trust the same authority."""

    def connect(self, host, address, port, tls):
        """Return a Stream at once."""
        return _Stream(address, port, host, self._context if tls else None)

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        try:
            return _Datagrams(port)
        except OSError as e:
            raise LinkError("cannot listen on UDP port %d: %s" % (port, e)) from None


class _Thing:
    """What is open: closing it ends the watch."""

    def __init__(self, net, inner, events):
        self._net, self._inner = net, inner
        self._number = inner.fileno()
        net.open.add(self)
        net.loop.watch(self._number, events, net.wake)

    def close(self):
        """Let go of it."""
        if self in self._net.open:
            self._net.open.remove(self)
            self._net.loop.forget(self._number)
        self._inner.close()


class _Open(_Thing):
    def __init__(self, net, inner):
        super().__init__(net, inner, EITHER)
        self.read_into, self.write = inner.read_into, inner.write


class _OpenPort(_Thing):
    def __init__(self, net, inner):
        super().__init__(net, inner, READABLE)
        self.port, self.send, self.receive = inner.port, inner.send, inner.receive


class _Home:
    """The port that notifications come to: the same one for the life of the device, nobody else gets it while the power is off."""

    def __init__(self, inner):
        self.inner, self.port = inner, inner.port
        self.send, self.receive = inner.send, inner.receive

    def close(self):
        """Let go of it: it stays bound."""


class DeviceNet:
    """What one device is given; `wake` is called when something has come for it."""

    def __init__(self, loop, shared, wake, notify_port=0):
        self.loop, self.wake, self._shared = loop, wake, shared
        self.open = set()
        self._home = _Home(shared.udp(notify_port))
        self.port = self._home.port
        loop.watch(self._home.inner.fileno(), READABLE, wake)

    @property
    def busy(self):
        """Tell whether a connection or a port is open beside the one for notifications."""
        return bool(self.open)

    def connect(self, host, address, port, tls):
        """Return a Stream at once."""
        return _Open(self, self._shared.connect(host, address, port, tls))

    def udp(self, port=0):
        """Return Datagrams bound to the port, 0 for any."""
        return self._home if port == self.port else _OpenPort(self, self._shared.udp(port))

    def known(self, name):
        """Return the numeric address of a name that needs no asking."""
        return self._shared.known(name)

    @property
    def name_servers(self):
        """Return the addresses of the name servers."""
        return self._shared.name_servers

    def power_off(self):
        """Break everything that is open."""
        for thing in list(self.open):
            thing.close()

    def power_on(self):
        """Nobody has heard what came while there was no power."""
        into = bytearray(_DATAGRAM)
        with suppress(LinkError):
            while self._home.receive(into):
                pass

    def close(self):
        """End for good."""
        self.power_off()
        self.loop.forget(self._home.inner.fileno())
        self._home.inner.close()
