"""Name resolution: questions, answers whole and cut, what is no answer, and servers that do not help."""

import struct

from agent.dns import Resolver, answer, query
from agent.errors import LinkError
from ports.sim.clock import Clock
from tests.portable.check import raises
from tests.portable.scripted_net import Network

_NAME = "fw.example.com"
_ASKED = query(0x1234, _NAME)


def record(name, kind, data, group=1):
    """Return one record of an answer."""
    return name + struct.pack(">HHIH", kind, group, 60, len(data)) + data


_POINTER = b"\xc0\x0c"
_ADDRESS = record(_POINTER, 1, bytes((10, 0, 0, 7)))
_CNAME = record(_POINTER, 5, b"\3cdn\xc0\x0f") + record(b"\3cdn\xc0\x0f", 1, bytes((10, 9, 8, 7)))


def reply(asked, records=_ADDRESS, count=1, flags=0x8180):
    """Return the message that answers `asked`."""
    return asked[:2] + struct.pack(">5H", flags, 1, count, 0, 0) + asked[12:] + records


def read(message, asked=_ASKED):
    """Return what the reader makes of it, in a buffer with old bytes behind it."""
    return answer(bytearray(message) + _ADDRESS * 3, len(message), asked)


def test_question():
    assert _ASKED == b"\x12\x34\1\0\0\1\0\0\0\0\0\0\2fw\7example\3com\0\0\1\0\1"
    assert query(1, "a.") == query(1, "a")
    for name in ("", ".", "a..b", ".a", "a b", "a%b", "é", "x" * 64, ".".join(["abcdefg"] * 32)):
        with raises(LinkError) as caught:
            query(1, name)
        assert (caught.error.code, caught.error.dlota, caught.error.final) == (411, 954, True), name
    query(1, ".".join(["abcdefg"] * 31 + ["abcde"]))


def test_answers():
    assert read(reply(_ASKED)) == "10.0.0.7"
    assert read(reply(_ASKED, _CNAME, 2)) == "10.9.8.7"
    other = record(_POINTER, 1, bytes(4), 3) + record(_POINTER, 28, bytes(16)) + record(b"\0", 1, b"12345")
    assert read(reply(_ASKED, other + _ADDRESS, 4)) == "10.0.0.7"
    assert read(reply(_ASKED, _ADDRESS, 1, 0x8380)) == "10.0.0.7"  # cut, but what matters is there
    assert read(reply(_ASKED, _ADDRESS, 65535)) == "10.0.0.7"


def test_no_answer_to_this_question():
    good = reply(_ASKED)
    assert read(good, query(0x1235, _NAME)) is None
    assert read(good, query(0x1234, "fw.example.net")) is None
    assert read(good, query(0x1234, "fw.example.com.cn")) is None
    assert read(reply(_ASKED, flags=0x0100)) is None and read(reply(_ASKED, flags=0x9180)) is None
    assert read(good[:4] + b"\0\2" + good[6:]) is None
    for size in range(len(_ASKED)):
        assert read(good[:size]) is None


def test_servers_that_do_not_know():
    for flags in (0x8182, 0x8185, 0x8184):
        assert read(reply(_ASKED, flags=flags)) == ""
    assert read(reply(_ASKED, b"", 0)) == ""
    assert read(reply(_ASKED, _CNAME, 1)) == ""  # the server does not follow
    with raises(LinkError) as caught:
        read(reply(_ASKED, b"", 0, 0x8183))
    assert (caught.error.code, caught.error.dlota, caught.error.final) == (412, 954, False)


def test_hostile_records():
    whole = reply(_ASKED, _CNAME, 2)
    for size in range(len(_ASKED), len(whole)):
        assert read(whole[:size]) == "", size
    for records in (b"\xc0", b"\xc0\x0c", b"\x3f", b"\1a" * 200, b"\x80" * 300, b"\0" * 400, b"\xff" * 300):
        assert read(reply(_ASKED, records, 65535)) == ""
    assert read(reply(_ASKED, record(_POINTER, 5, b"x" * 30)[:-5] + _ADDRESS, 9)) == ""
    assert read(reply(_ASKED, record(b"\0", 5, b"") * 40 + _ADDRESS, 41)) == ""  # too many to look at


def resolve(answers, servers=("9.9.9.9",), wait_ms=3000):
    """Return (address, milliseconds that it took, sockets)."""
    net, clock, number = Network(answers=answers, name_servers=servers), Clock(), [0]

    def random(below):
        number[0] = (number[0] * 41 + 4711) % below
        return number[0]

    resolver = Resolver(net, clock, random, _NAME, wait_ms)
    for _ in range(1000):
        found = resolver.poll()
        if found:
            resolver.close()
            return found, clock.ms(), net.ports
        clock.sleep_ms(100)
    raise AssertionError("no end")


def test_resolver():
    assert resolve(lambda asked, address, port: [(reply(asked), address, port)])[0] == "10.0.0.7"


def test_next_server():
    servers = ("9.9.9.9", ("8.8.8.8", 5353), "7.7.7.7")
    asked_of, numbers = [], []

    def answers(asked, address, port):
        asked_of.append((address, port))
        numbers.append(asked[:2])
        if address == "9.9.9.9":
            return [(reply(asked, b"", 0, 0x8182), address, port)]
        return [(reply(asked), address, port)] if address == "7.7.7.7" else []

    found, took, ports = resolve(answers, servers)
    assert found == "10.0.0.7" and 3000 < took < 3500 and ports[0].closed
    assert asked_of == [("9.9.9.9", 53), ("8.8.8.8", 5353), ("7.7.7.7", 53)] and len(set(numbers)) == 3


def test_who_answers_matters():
    def forged(asked, address, port):
        wrong = bytes((asked[0], asked[1] ^ 1)) + asked[2:]
        return [(reply(asked), "6.6.6.6", port), (reply(asked), address, 54), (reply(wrong), address, port)] * 5 + [
            (reply(asked, record(_POINTER, 1, b"\1\2\3\4")), address, port)
        ]

    assert resolve(forged)[0] == "1.2.3.4"


def test_nobody_answers():
    clock = Clock()
    net = Network(answers=lambda *_: [])
    resolver = Resolver(net, clock, lambda below: 0, _NAME, 3000)
    with raises(LinkError) as caught:
        for _ in range(1000):
            resolver.poll()
            clock.sleep_ms(50)
    assert (caught.error.code, caught.error.dlota, caught.error.final) == (412, 954, False)
    assert 9000 <= clock.ms() < 10000 and net.ports[0].closed


def test_no_way_to_ask():
    with raises(LinkError) as caught:
        resolve(lambda *_: [], ())
    assert caught.error.code == 412

    def unreachable(asked, address, port):
        if address == "9.9.9.9":
            raise LinkError("unreachable", 412, 954)
        return [(reply(asked), address, port)]

    assert resolve(unreachable, ("9.9.9.9", "8.8.8.8"))[:2] == ("10.0.0.7", 0)
    with raises(LinkError) as caught:
        resolve(unreachable)
    assert caught.error.code == 412
