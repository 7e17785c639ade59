"""The simulated network: times by hand, windows, doze, and every fault."""

from agent.errors import LinkError
from ports.sim.clock import Clock
from ports.sim.link import Events, Link
from ports.sim.net import Network
from tests.portable.check import raises

HOST, ADDRESS = "bench.test", "192.0.2.1"


class Echo:
    """A peer that answers everything with what it was made with; its own handler."""

    def __init__(self, body=None):
        self.body = body
        self.heard = b""
        self.ended = 0

    def accept(self, connection, tls):
        self.connection = connection
        return self

    def received(self, data):
        self.heard += data
        self.connection.send(data if self.body is None else self.body)

    def closed(self):
        self.ended += 1


def _network(peer, link=None, **options):
    return Network(Clock(), link or Link(), {(HOST, 80): peer, (HOST, 443): peer}, {HOST: ADDRESS}, **options)


def _open(net, tls=False):
    stream = net.connect(HOST, ADDRESS, 443 if tls else 80, tls)
    while stream.write(b"?") is None:
        net.doze_ms(60000)
    return stream


def _read(net, stream, most=1 << 20, piece=4096, limit_ms=600000):
    """Return everything up to the end, the error, or `limit_ms` of silence."""
    into, out = bytearray(piece), b""
    while len(out) < most:
        count = stream.read_into(into)
        if count is None:
            before = net.clock.ms()
            net.doze_ms(limit_ms)
            if net.clock.ms() - before >= limit_ms:
                return out
        elif not count:
            return out
        else:
            out += into[:count]
    return out


def test_what_happens_at_the_same_time_keeps_its_order():
    clock, seen = Clock(), []
    events = Events(clock)
    for us, name in ((7, "c"), (5, "a"), (9, "d"), (5, "b")):
        events.at(us, seen.append, name)
    clock.us = 8
    events.catch_up()
    assert seen == ["a", "b", "c"] and events.next_us() == 9 and events.now == 8


def test_a_round_trip_and_the_bytes_on_the_wire_make_the_time():
    net = _network(Echo(b"x"))
    stream = net.connect(HOST, ADDRESS, 80, False)
    into = bytearray(10)
    assert stream.write(b"GET") is None and stream.read_into(into) is None
    net.clock.us = 20639  # two segments of 40 bytes: 320 us each, and 20 ms
    assert stream.write(b"GET") is None
    net.clock.us = 20640
    assert stream.write(b"GET") == 3
    net.clock.us += 20000 + 43 * 8 + 41 * 8 - 1
    assert stream.read_into(into) is None
    net.clock.us += 1
    assert stream.read_into(into) == 1


def test_tls_costs_one_round_trip_more():
    times = []
    for tls in (False, True):
        net = _network(Echo(b"x"))
        stream = _open(net, tls)
        _read(net, stream, 1)
        times.append(net.clock.us)
    assert times[1] - times[0] == 20000 + 8 * (340 + 3120)


def test_a_long_answer_comes_at_the_rate_of_the_link():
    net = _network(Echo(bytes(146000)))
    stream = _open(net)
    assert len(_read(net, stream, 146000)) == 146000
    assert net.clock.us - stream.first_us == 100 * 1500 * 8


def test_slow_start_doubles():
    net = _network(Echo(bytes(1460 * 80)), Link(bits_per_s=1000000000, rtt_ms=100, window=1 << 20))
    stream = _open(net)
    begun, arrived, into = net.clock.us, [], bytearray(1460 * 80)
    for trip in range(1, 5):
        net.clock.us = begun + 100000 * trip + 50000
        stream.read_into(into)
        arrived.append(stream.received // 1460)
    assert arrived == [10, 30, 70, 80]


def test_the_window_stops_the_server_until_the_application_reads():
    net = _network(Echo(bytes(100000)))
    stream = _open(net)
    net.clock.sleep_ms(10000)
    into = bytearray(1000)
    assert stream.read_into(into) == 1000
    assert 16384 - 1460 < stream.received <= 16384
    before = stream.received
    for _ in range(3):
        net.clock.sleep_ms(1000)
        stream.read_into(into)
        assert stream.received == before  # not told before a quarter of the window is free
    stream.read_into(into)
    net.clock.sleep_ms(1000)
    stream.read_into(into)
    assert before + 2 * 1460 <= stream.received <= before + 5000
    assert stream.connection.full_us > 9000000


def test_the_window_never_runs_dry_for_ever():
    for window in (536, 1460, 2000, 2920, 6400, 16384):
        net = _network(Echo(bytes(30000)), Link(window=window))
        assert len(_read(net, _open(net), 30000, 100)) == 30000, window


def test_an_iterator_is_asked_no_earlier_than_there_is_room():
    asked = []

    def source():
        for i in range(100):
            asked.append(i)
            yield bytes(1000)

    net = _network(Echo(source()))
    stream = _open(net)
    net.clock.sleep_ms(10000)
    stream.read_into(bytearray(1))
    assert len(asked) < 20
    assert len(_read(net, stream, 99999)) == 99999


def test_what_the_device_writes_arrives_whole_and_is_bounded():
    peer = Echo(b"")
    net = _network(peer)
    stream = _open(net)
    data, sent = bytes([i % 251 for i in range(30000)]), 0
    while sent < len(data):
        count = stream.write(data[sent:])
        assert count is None or count <= 11680
        sent += count or 0
        net.doze_ms(1000)
    net.doze_ms(1000)
    net.clock.sleep_ms(1000)
    assert stream.read_into(bytearray(1)) is None and peer.heard == b"?" + data


def test_doze_ends_when_something_comes_and_not_before():
    net = _network(Echo(b"x"))
    stream = _open(net)
    assert stream.read_into(bytearray(1)) is None
    before = net.clock.us
    net.doze_ms(60000)
    assert 20000 < net.clock.us - before < 21000 and stream.read_into(bytearray(1)) == 1
    assert stream.read_into(bytearray(1)) is None
    before = net.clock.us
    net.doze_ms(5000)
    assert net.clock.us - before == 5000000 and net.next_event_ms() == -1


def test_next_event_ms_is_enough_for_a_loop_of_its_own():
    net = _network(Echo(b"x"))
    stream = _open(net)
    while stream.read_into(bytearray(1)) is None:
        assert net.next_event_ms() > 0
        net.clock.sleep_ms(net.next_event_ms())
    assert net.clock.ms() < 45


def _error(net, tls=False):
    stream = net.connect(HOST, ADDRESS, 443 if tls else 80, tls)
    with raises(LinkError) as caught:
        for _ in range(10):
            stream.read_into(bytearray(1))
            net.doze_ms(60000)
    return caught.error


def test_connections_that_fail_at_the_beginning():
    for kind, tls, code, dlota, final, dates in (
        ("refuse", False, 412, 0, False, False),
        ("tls", True, 503, 0, False, False),
        ("untrusted", True, 503, 954, True, False),
        ("name", True, 503, 954, True, False),
        ("dates", True, 503, 954, True, True),
    ):
        peer = Echo()
        net = _network(peer, script=lambda host, port, number: (kind, 0, 0))
        e = _error(net, tls)
        assert (e.code, e.dlota, e.final, e.dates) == (code, dlota, final, dates), kind
        net.clock.sleep_ms(100)
        net.events.catch_up()
        assert peer.ended == (1 if tls else 0)


def test_nobody_listens_or_nobody_answers():
    net = _network(Echo())
    stream = net.connect("other.test", "192.0.2.9", 80, False)
    with raises(LinkError):
        _read(net, stream)
    net.script = lambda host, port, number: ("unreachable", 0, 0)
    stream = net.connect(HOST, ADDRESS, 80, False)
    assert _read(net, stream) == b"" and stream.write(b"?") is None
    net.script = None
    net.certificates[HOST] = "untrusted"
    assert _error(net, True).final and _read(net, _open(net), 1) == b"?"


def test_faults_at_a_byte():
    for at in (0, 1, 1460, 5000, 9999):
        for kind in ("reset", "close", "stall"):
            net = _network(Echo(bytes(10000)), script=lambda host, port, number: (kind, at, 0))
            stream, got, failed = _open(net), b"", False
            try:
                got = _read(net, stream, 1 << 20, 1 << 20)
            except LinkError:
                failed = True
            assert failed == (kind == "reset") and stream.received == at, (kind, at)
            assert failed or len(got) == at


def test_a_slow_server():
    for rate in (1, 100, 3000):
        net = _network(Echo(bytes(rate * 20)), script=lambda host, port, number: ("", 0, rate))
        stream = _open(net)
        _read(net, stream, rate * 20)
        assert 18 <= net.clock.ms() / 1000 <= 20.2, rate


def test_an_outage_is_silence():
    net = _network(Echo(bytes(100000)))
    stream = _open(net)
    _read(net, stream, 5000)
    net.link.up = False
    assert len(_read(net, stream)) < 30000 and net.clock.ms() > 600000


def test_a_server_that_has_closed_resets_what_comes_later():
    peer = Echo(b"x")
    net = _network(peer)
    stream = _open(net)
    assert _read(net, stream, 1) == b"x"
    peer.connection.close()
    assert stream.write(b"again") == 5
    net.doze_ms(1000)
    assert stream.read_into(bytearray(1)) == 0
    net.doze_ms(1000)
    with raises(LinkError):
        stream.read_into(bytearray(1))


def test_the_peer_learns_of_the_end():
    peer = Echo(bytes(50000))
    net = _network(peer)
    stream = _open(net)
    _read(net, stream, 3000)
    stream.close()
    stream.close()
    net.clock.sleep_ms(1000)
    net.doze_ms(0)
    assert peer.ended == 1 and not net.streams and stream.read_into(bytearray(1)) == 0
    _open(net)
    net.power_off()
    assert peer.ended == 2 and not net.streams
