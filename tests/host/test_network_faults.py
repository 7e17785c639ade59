"""The network goes wrong at every step of an update: each fault ends in its code, or in success after resuming.

In virtual time: every message, every connection, every KiB. test_network_faults_live.py has a selection over real sockets.
"""

import pytest

from agent.errors import LinkError
from ports.sim.web_server import Tamper, serve_file
from tests.host.faulty import DD, PACKAGE, SIZE, K, healed, once, spoilt, until_accepted, world
from tests.host.scripted import order

# --- every message

BREAKS = {
    "lost": Tamper("reset", 0, head=True),
    "reset in the head": Tamper("reset", 20, head=True),
    "reset in the body": Tamper("reset", 30),
    "closed in the body": Tamper("close", 40),
    "closed without an answer": Tamper("close", 0, head=True),
    "stalls": Tamper("stall", 25),
    "says nothing": Tamper("stall", 0, head=True),
    "late": Tamper(delay_ms=40000),
    "too late": Tamper(delay_ms=70000),
    "nonsense": Tamper(raw=b"HTTP/1.1 OK\r\n\r\n"),
    "no HTTP": Tamper(raw=b"\x16\x03\x01 SSH-2.0 \r\n\r\n"),
    "closes behind each": Tamper(keep=False),
    "slow": Tamper(rate=400),
}


def clean_requests():
    """Return how many requests a clean update makes at each host."""
    bench = world()
    healed(bench)
    return {host: len(server.requests) for host, server in bench.servers.items()}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("host", ["bench", "other"])
def test_every_message(host, name):
    count = clean_requests()[host]
    assert count >= 3
    for number in range(count):
        bench = spoilt(world(), once(host, number, BREAKS[name]))
        bench.net.lose = 0
        healed(bench)


@pytest.mark.parametrize("kind", ["refuse", "unreachable", "tls", "reset", "close", "stall"])
def test_every_connection(kind):
    bench = world()
    healed(bench)
    for number in range(bench.net.connections):
        healed(world(script=lambda host, port, n, number=number: (kind, 0, 0) if n == number else None))


class Breaking:
    """Wraps a network: the connections that come break when the device has written so many bytes, one number for each."""

    def __init__(self, net, limits):
        self._connect, self._limits = net.connect, list(limits)
        self.written, net.connect = [], self.connect

    def connect(self, *where):
        stream, number = self._connect(*where), len(self.written)
        self.written.append(0)
        write = stream.write

        def limited(data):
            count = write(data[:100])
            self.written[number] += count or 0
            if self._limits[number : number + 1] and self.written[number] > self._limits[number]:
                stream.connection.reset()
            return count

        stream.write = limited
        return stream


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("wbxml", [True, False])
def test_the_link_breaks_while_the_device_sends(wbxml, first):
    """A message that was sent in part goes out again, the same from its first byte on: twice broken, the third one is whole."""
    clean = world(wbxml=wbxml)
    line = Breaking(clean.net, ())
    healed(clean)
    for at in range(0, line.written[0], 61):
        bench = world(wbxml=wbxml)
        line = Breaking(bench.net, (at + 31, at) if first else (at, at))
        healed(bench)
        assert bench.said.count("the link failed: the server does not answer") == 0, at


@pytest.mark.parametrize("kind", ["refuse", "reset", "stall"])
def test_away_for_a_while(kind):
    """Three connections in a row fail, whichever is the first."""
    for first in range(6):
        healed(world(script=lambda host, port, n, first=first: (kind, 0, 0) if first <= n < first + 3 else None))


def told(bench):
    """Return what the log has of the link."""
    return [text for text in bench.said if "the link failed" in text]


def test_sessions_that_fail_alike_are_logged_once():
    """Whoever diagnoses is told of the last one all the same."""
    away, seen = [9], set()

    def script(host, port, number):
        away[0] -= host == "bench"
        return ("refuse", 0, 0) if host == "bench" and away[0] >= 0 else None

    bench = world(script=script, ask=lambda bench, agent: seen.add(agent.facts.last_link_error))
    healed(bench)
    assert len(seen - {None}) == 3 and len(told(bench)) == 1


def test_another_failure_and_one_after_a_session_that_worked_are_logged():
    bench = world()
    healed(bench)
    agent, counts = bench.agent, []
    for text in ("away", "away", "no way", "away", "away", None, "away", "away"):
        agent.note_failure(LinkError(text)) if text else agent.heard()
        counts.append(len(told(bench)))
        assert not text or agent.facts.last_link_error[1] == text
    assert counts == [1, 1, 2, 3, 3, 3, 4, 4]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_the_management_server_answers_with_an_http_status(status):
    for number in range(clean_requests()["bench"]):
        bench, seen = world(*until_accepted(order("dau", "https://other/d.dd"))), []
        handle = bench.servers["bench"].handler

        def handler(method, path, fields, body, handle=handle, number=number, seen=seen):
            seen.append(path)
            return (status, (), b"") if len(seen) == number + 1 else handle(method, path, fields, body)

        bench.servers["bench"].handler = handler
        healed(bench)


# --- every KiB of a download


@pytest.mark.parametrize("kind", ["reset", "close", "stall"])
def test_every_kib(kind):
    for at in range(0, len(PACKAGE), K):
        asked = []

        def serve(fields, asked=asked):
            asked.append((fields.get("range"), fields.get("if-range")))
            return serve_file(fields, PACKAGE, "application/octet-stream", '"one"')

        bench = spoilt(world(package=serve), once("other", 1, Tamper(kind, at)))
        healed(bench)
        ranges = [each for each in asked if each[0]]
        assert all(etag == '"one"' for _, etag in ranges), "a range only of the same file"
        assert len(ranges) == (at >= 33 * K), "less than 32 KiB is read again instead"
        served = bench.servers["other"].bytes_out
        assert served < len(PACKAGE) + at + 40 * K, "what is in flash is not fetched for nothing"


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_again_and_again(kind):
    """Each connection carries 13 KiB more than the last one: blocks that were noted count."""
    cuts = iter(range(13 * K, 10 * SIZE, 13 * K))
    bench = spoilt(world(), {"other": lambda m, path, n: Tamper(kind, next(cuts)) if path == "/p.fup" else None})
    healed(bench)
    assert len(bench.gets) > 3


@pytest.mark.parametrize("kind", ["reset", "close", "stall"])
def test_the_descriptor_at_every_byte(kind):
    for at in range(0, len(DD), 23):
        healed(spoilt(world(), once("other", 0, Tamper(kind, at))))


def test_a_slow_link():
    bench = world()
    bench.net.link.bits_per_s = 9600
    healed(bench)
