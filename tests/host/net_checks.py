"""What the network ports must do, against the servers of net_servers.py. Runs on both interpreters, so no pytest here.

`micropython net_checks.py NAME` runs one check; on CPython the test calls `run`. What comes by stdin, as JSON, holds
`folder`, where the certificates are, and the number of the port of each server.
"""

import binascii
import hashlib
import json
import sys
import time

MICRO = sys.implementation.name == "micropython"
if MICRO:
    sys.path.insert(0, "/".join(__file__.split("/")[:-3]) or ".")
    from ports.micropython.net import Network
else:
    from ports.cpython_linux.net import Network

from agent.errors import LinkError  # noqa: E402  the path comes first
from agent.web import Web  # noqa: E402

_MOST_MS = 8000
_HOSTS = (("device.test", "127.0.0.1"),)


class clock:
    """Real time."""

    ms = staticmethod(lambda: time.ticks_ms() if MICRO else int(time.monotonic() * 1000))
    since = staticmethod(lambda then: clock.ms() - then)


def make_net(config, ca="ca.der", **more):
    """Return the port's Network, which knows where device.test is."""
    more["hosts"] = more.get("hosts", _HOSTS)
    return Network(ca=tuple([config["folder"] + "/" + name for name in ca.split()]), **more)


def make_web(config, net=None):
    """Return a Web that loses patience sooner."""
    web = Web(net or make_net(config), clock, lambda below: 0x4321 % below)
    web.connect_ms, web.head_ms, web.silence_ms, web.send_ms, web.name_ms = 1500, 400, 400, 3000, 300
    return web


def wait(action):
    """Do it until it gives something."""
    start = clock.ms()
    while clock.since(start) < _MOST_MS:
        result = action()
        if result is not None and result is not False:
            return result
        time.sleep(0.001)
    raise AssertionError("no end")


def fetch(web, method, url, pieces=None, length=0, size=3000):
    """Return (exchange, body)."""
    exchange = web.open(method, url, (), pieces, length)
    wait(exchange.poll)
    buffer, data = bytearray(size), b""
    while True:
        count = wait(lambda: exchange.read_into(buffer))
        if not count:
            exchange.close()
            return exchange, data
        data += bytes(buffer[:count])


def get(config, server, path="/number", net=None):
    """Fetch from device.test over a connection of its own."""
    return fetch(make_web(config, net), "GET", url(config, server, path, "device.test"))


def fails(action, code, dlota, final=False, dates=False):
    """Make sure of the error; return it."""
    try:
        action()
    except LinkError as e:
        assert (e.code, e.dlota, e.final, e.dates) == (code, dlota, final, dates), (
            e,
            e.code,
            e.dlota,
            e.final,
            e.dates,
        )
        return e
    raise AssertionError("nothing was raised")


def url(config, server, path="", host="127.0.0.1"):
    """Return the URL at a server; those with tls in their name speak TLS."""
    return "%s://%s:%d%s" % ("https" if "tls" in server else "http", host, config[server], path)


def pattern(size):
    """Return the bytes that the server sends."""
    return bytes([(i * 7 + (i >> 8)) & 255 for i in range(size)])


def bodies(config, server, host):
    """All framings, both directions."""
    web = make_web(config)
    for path, size in (("/size/200000", 200000), ("/chunked", 100000), ("/to-the-end", 30000), ("/size/0", 0)):
        exchange, data = fetch(web, "GET", url(config, server, path, host))
        assert exchange.status == 200 and data == pattern(size), path
    for path in ("/echo", "/late"):  # late: more than what the system takes in advance
        pieces = [pattern(999)] * 3000
        digest = hashlib.sha256(b"".join(pieces)).digest()
        assert fetch(web, "POST", url(config, server, path, host), pieces, 2997000)[1] == binascii.hexlify(digest)
    web.close()


def check_plain(config):
    """HTTP over TCP."""
    bodies(config, "web", "127.0.0.1")


def check_tls(config):
    """HTTP over TLS, to a name and to an address that the certificate has."""
    bodies(config, "tls", "device.test")
    assert fetch(make_web(config), "GET", url(config, "tls", "/number"))[0].status == 200


def check_stream(config):
    """The contract of Stream, without HTTP."""
    for server in ("web", "tls"):
        stream = make_net(config).connect("device.test", "127.0.0.1", config[server], server == "tls")
        buffer = bytearray(100)
        assert stream.read_into(buffer) is None
        data = memoryview(b"GET /last HTTP/1.1\r\n\r\n")
        while len(data):
            data = data[wait(lambda: stream.write(data)) :]
        assert wait(lambda: stream.read_into(memoryview(buffer)[10:20])) == 10 and buffer[10:20] == b"HTTP/1.1 2"
        while wait(lambda: stream.read_into(buffer)):
            pass
        assert [stream.read_into(buffer) for _ in range(3)] == [0, 0, 0]
        stream.close()
        stream.close()
        fails(lambda: stream.write(b"x"), 503, 903)


def check_keep(config):
    """A connection is used again, and opened again where it is dead."""
    for server in ("web", "tls"):
        web = make_web(config)

        def number(path):
            return fetch(web, "GET", url(config, server, path, "device.test"))[1]

        first = int(number("/number"))
        assert int(number("/number")) == first and int(number("/last")) == first
        time.sleep(0.05)  # it is seen to be closed
        assert int(number("/once")) == first + 1
        assert int(number("/once")) == first + 2  # it dies of the request
        web.close()


def check_certificates(config):
    """Only a certificate that is trusted, valid and has the right name is good; the error says whether a clock would help."""
    for server, host, dates in (
        ("tls_other_name", "device.test", False),
        ("tls_other_name", "127.0.0.1", False),
        ("tls_untrusted", "device.test", False),
        ("tls_expired", "device.test", True),
        ("tls_early", "device.test", True),
        ("tls_expired_other", "device.test", False),
        ("tls", "wrong.test", False),
    ):
        net = make_net(config, hosts=((host, "127.0.0.1"),))
        asked = url(config, server, "/number", host)
        fails(lambda: fetch(make_web(config, net), "GET", asked), 503, 954, True, dates)


def check_trust(config):
    """Several CAs can be trusted, bytes will do, none trusts nobody, and a broken one is told."""
    folder = config["folder"] + "/"
    with open(folder + "ca.der", "rb") as file:
        data = file.read()
    for ca in ((folder + "stranger_ca.der", folder + "ca.der"), folder + "ca.der", data):
        get(config, "tls", "/number", Network(ca=ca, hosts=_HOSTS))
    for ca in (folder + "stranger_ca.der", folder + "nothing.der", b"", data[:-9], ()):
        fails(lambda: get(config, "tls", "/number", Network(ca=ca, hosts=_HOSTS)), 503, 954, True)


def check_no_bytes_without_trust(config):
    """What fails stays failed: nothing goes out in the clear when it is tried again."""
    for ca, server in (("nothing.der", "tls"), ("ca.der", "tls_untrusted"), ("ca.der", "garbage_tls")):
        stream = make_net(config, ca).connect("device.test", "127.0.0.1", config[server], True)
        error = None
        for action in (lambda: stream.write(b"secret"), lambda: stream.read_into(bytearray(9))) * 3:
            try:
                wait(action)
                raise AssertionError("it went through")
            except LinkError as e:
                assert error in (None, e)
                error = e
        stream.close()


def check_client_certificate(config):
    """A server that wants to see a certificate gets it."""
    names = ("client.der", "client.key.der") if MICRO else ("client.pem", "client.pem")
    own = tuple([config["folder"] + "/" + name for name in names])
    assert get(config, "tls_client", "/number", make_net(config, client=own))[0].status == 200
    fails(lambda: get(config, "tls_client", "/number"), 503, 903)


def check_versions(config):
    """TLS 1.2 works everywhere; 1.3 works, or is refused as a connection that breaks where mbedTLS is built without."""
    get(config, "tls_12", "/number")
    try:
        get(config, "tls_13", "/number")
    except LinkError as e:
        assert MICRO and (e.code, e.dlota, e.final) == (503, 903, False)


def check_refused(config):
    """Nobody listens, or there is no way: told at once."""
    start = clock.ms()
    for server in ("refused", "refused_tls"):
        fails(lambda: fetch(make_web(config), "GET", url(config, server)), 412, 954)
    for address in ("255.255.255.255", "no address"):
        stream = make_net(config).connect("h", address, 80, False)
        for action in (lambda: stream.read_into(bytearray(1)), lambda: stream.write(b"x")):
            fails(lambda: wait(action), 412, 954)
        stream.close()
    assert clock.since(start) < 1000


def check_broken(config):
    """What breaks in TLS or in the middle of an answer."""
    for server in ("reset", "reset_tls", "garbage_tls", "hang_up", "hang_up_tls"):
        fails(lambda: get(config, server, "/"), 503, 903)
    for server in ("web", "tls"):
        for path in ("/reset", "/short"):
            fails(lambda: get(config, server, path), 503, 903)


def check_slow(config):
    """Silence and dripping end by time."""
    fails(lambda: get(config, "silent_tls", "/"), 412, 954)
    for server in ("web", "tls"):
        for path in ("/half-head", "/half-body", "/drip", "/nothing"):
            start = clock.ms()
            fails(lambda: get(config, server, path), 407, 903)
            assert 350 < clock.since(start) < 3000


def check_udp(config):
    """There and back, cut to the buffer, and nothing when nothing is there."""
    port = make_net(config).udp()
    buffer = bytearray(8)
    assert port.receive(buffer) is None
    port.send(b"hello", "127.0.0.1", config["echo_udp"])
    assert wait(lambda: port.receive(buffer)) == (5, "127.0.0.1", config["echo_udp"]) and buffer == b"hello\0\0\0"
    port.send(memoryview(b"0123456789"), "127.0.0.1", config["echo_udp"])
    assert wait(lambda: port.receive(memoryview(buffer)))[0] == 8 and buffer == b"01234567"
    port.close(), port.close()
    fixed = make_net(config).udp(config["free_udp"])
    assert fixed.port == config["free_udp"]
    other = make_net(config).udp()
    other.send(b"ping", "127.0.0.1", fixed.port)
    size, address, number = wait(lambda: fixed.receive(buffer))
    fixed.send(b"pong", address, number)
    assert size == 4 and wait(lambda: other.receive(buffer))[1:] == ("127.0.0.1", fixed.port)
    fails(lambda: make_net(config).udp(fixed.port), 412, 954)
    fixed.close(), other.close()


def check_names(config):
    """A name is asked for; a silent server is passed over; a name that does not exist is told."""
    good, dead = ("127.0.0.1", config["names"]), ("127.0.0.1", config["silent_udp"])
    for servers in ((good,), (dead, good)):
        assert get(config, "tls", "/number", make_net(config, hosts=(), name_servers=servers))[0].status == 200
    for servers, host in (((good,), "nobody.test"), ((dead,), "device.test"), ((), "device.test")):
        web = make_web(config, make_net(config, hosts=(), name_servers=servers))
        fails(lambda: fetch(web, "GET", url(config, "tls", "/number", host)), 412, 954)


def check_known(config):
    """Numbers, localhost and the hosts that were given need no asking."""
    net = make_net(config)
    for name, address in (
        ("10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("localhost", "127.0.0.1"), ("device.test", "127.0.0.1"),
        ("1.2.3", None), ("1.2.3.256", None), ("1.2.3.4.5", None), ("other.test", None), ("1.2.3.x", None), ("", None),
    ):  # fmt: skip
        assert net.known(name) == address, name
    assert isinstance(net.name_servers, tuple) and not [s for s in net.name_servers if not net.known(s)]
    assert make_net(config, name_servers=("9.9.9.9",)).name_servers == ("9.9.9.9",)


def run(name, config):
    """Run one check."""
    globals()["check_" + name](config)


if MICRO:
    run(sys.argv[1], json.loads(sys.stdin.read()))
