"""Datagrams of the simulated network, and its name server."""

import struct

from agent.errors import LinkError
from ports.sim.clock import Clock
from ports.sim.link import Link
from ports.sim.name_server import answer
from ports.sim.net import Network
from tests.portable.check import raises

HOST, ADDRESS = "bench.test", "192.0.2.1"
NAMES = {HOST: ADDRESS, "alias.test": HOST, "gone.test": None, "quiet.test": "silent", "ill.test": "fail"}


def _network(resolver=False):
    return Network(Clock(), Link(), {}, NAMES, resolver)


def test_datagrams():
    net = _network()
    socket = net.udp(2948)
    into = bytearray(4)
    net.datagram(b"package0", ("192.0.2.7", 4000), 2948)
    net.datagram(b"x", ("192.0.2.7", 4000), 2949)
    assert socket.receive(into) is None
    net.doze_ms(1000)
    assert net.clock.us == 10000 + 36 * 8 and socket.receive(into) == (4, "192.0.2.7", 4000) and into == b"pack"
    net.lose = 1
    net.datagram(b"a", ("192.0.2.7", 1), 2948)
    net.datagram(b"b", ("192.0.2.7", 2), 2948)
    net.clock.sleep_ms(100)
    assert socket.receive(into) == (1, "192.0.2.7", 2) and socket.receive(into) is None
    with raises(LinkError):
        net.udp(2948)
    socket.close()
    assert net.udp(2948).port == 2948 and net.udp().port != net.udp().port


def _ask(net, name):
    """Ask for the address of a name by hand; return (code, number of answers, last four bytes)."""
    socket = net.udp()
    question = b"".join([bytes([len(label)]) + label.encode() for label in name.split(".")]) + b"\x00\x00\x01\x00\x01"
    socket.send(struct.pack(">HHHHHH", 77, 0x100, 1, 0, 0, 0) + question, net.name_servers[0], 53)
    net.doze_ms(5000)
    into = bytearray(512)
    got = socket.receive(into)
    if not got:
        return None
    number, flags, _, answers, _, _ = struct.unpack_from(">HHHHHH", into, 0)
    assert number == 77 and into[12 : 12 + len(question)] == question and got[1:] == (net.name_servers[0], 53)
    return flags & 15, answers, bytes(into[got[0] - 4 : got[0]])


def test_names():
    net = _network()
    assert net.known(HOST) == net.known("alias.test") == net.known(ADDRESS) == ADDRESS
    assert net.known("gone.test") is None and net.known("quiet.test") is None and net.known("other.test") is None
    net = _network(True)
    assert net.known(HOST) is None and net.known(ADDRESS) == ADDRESS
    assert _ask(net, HOST) == (0, 1, bytes([192, 0, 2, 1]))
    assert _ask(net, "alias.test") == (0, 2, bytes([192, 0, 2, 1]))
    assert _ask(net, "gone.test")[:2] == (3, 0) and _ask(net, "other.test")[:2] == (3, 0)
    assert _ask(net, "ill.test")[:2] == (2, 0)
    assert _ask(net, "quiet.test") is None and net.clock.ms() >= 5000
    assert answer(struct.pack(">HHHHHH", 1, 0, 0, 0, 0, 0), NAMES) is None
