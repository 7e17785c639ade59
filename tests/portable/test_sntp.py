"""SNTP: only the answer to our own question counts, and a server without the time is not believed."""

import struct

from agent.errors import LinkError
from agent.sntp import Query, answer, request
from ports.sim.clock import Clock
from tests.portable.check import raises

STAMP = b"\x01\x02\x03\x04\xfe\xfd\xfc\xfb"
UNIX = 1750000000
SINCE_1900 = UNIX + 2208988800


def reply(stamp=STAMP, seconds=SINCE_1900, first=0x24, stratum=2):
    head = bytes([first, stratum, 6, 0xEC]) + bytes(20)
    return head + stamp + struct.pack(">IIII", seconds, 0, seconds, 77)


def test_the_request():
    found = request(STAMP)
    assert len(found) == 48 and found[0] == 0x23 and found[40:] == STAMP and not any(found[1:40])


def test_the_answer():
    for form in (bytes, bytearray, memoryview):
        assert answer(form(reply()), STAMP) == UNIX
    assert answer(reply() + bytes(20), STAMP) == UNIX, "a key id and a digest may follow"
    for first in (0x1C, 0x24, 0x64, 0xA4):  # version 3; leap seconds to come
        assert answer(reply(first=first), STAMP) == UNIX
    for stratum in (1, 15):
        assert answer(reply(stratum=stratum), STAMP) == UNIX


def test_eras():
    for seconds, unix in (
        (0x80000000, -61505152),  # 1968
        (0xFFFFFFFF, 2085978495),  # 7 February 2036
        (1, 2085978497),
        (0x7FFFFFFF, 4233462143),  # 2104
    ):
        assert answer(reply(seconds=seconds), STAMP) == unix


def test_what_is_no_answer_to_us():
    for size in range(48):
        assert answer(reply()[:size], STAMP) is None
    for bit in range(64):
        data = bytearray(reply())
        data[24 + bit // 8] ^= 1 << bit % 8
        assert answer(data, STAMP) is None, bit
    for mode in (0, 1, 2, 3, 5, 6, 7):
        assert answer(reply(first=0x20 | mode), STAMP) is None
    assert answer(reply(bytes(8), stratum=0), STAMP) is None, "whoever does not know the stamp cannot refuse either"


def test_a_server_that_has_no_time():
    for bad in (reply(first=0xE4), reply(stratum=0), reply(stratum=16), reply(stratum=255), reply(seconds=0)):
        with raises(LinkError):
            answer(bad, STAMP)


class Server:
    """Network, socket and time server in one; `answers` makes datagrams of each request."""

    def __init__(self, answers=lambda data: ()):
        self.answers, self.asked, self.waiting, self.sockets = answers, [], [], 0
        self.broken = False

    def udp(self, port=0):
        self.sockets += 1
        return self

    def close(self):
        self.sockets -= 1

    def send(self, data, address, port):
        if self.broken:
            raise LinkError("network is unreachable")
        assert (address, port) == ("192.0.2.1", 123)
        self.asked.append(bytes(data))
        self.waiting.extend(self.answers(data))

    def receive(self, into):
        if self.broken:
            raise LinkError("connection refused")
        if not self.waiting:
            return None
        data = self.waiting.pop(0)[: len(into)]
        into[: len(data)] = data
        return len(data), "192.0.2.1", 123


class Case:
    def __init__(self, answers=lambda data: ()):
        self.server, self.clock, self._number = Server(answers), Clock(), 0
        self.query = Query(self.server, "192.0.2.1", self.clock, self.random)

    def random(self, below):
        self._number += 73
        return self._number % below

    def run(self):
        for _ in range(1000):
            found = self.query.step()
            if found is not None:
                return found
            self.clock.sleep_ms(100)
        raise AssertionError("it goes on for ever")


def test_a_query():
    case = Case(lambda data: [b"short", reply(), reply(data[40:]) + bytes(20)])
    assert case.run() == UNIX and case.clock.ms() == 300 and len(case.server.asked) == 1
    assert case.server.sockets == 0
    case.query.close()
    assert case.server.sockets == 0


def test_three_tries_then_no_more():
    case = Case()
    with raises(LinkError):
        case.run()
    assert case.clock.ms() == 9000 and len(case.server.asked) == 3 and case.server.sockets == 0
    assert len(set(case.server.asked)) == 3, "each has a stamp of its own"


def test_the_answer_to_a_try_that_was_given_up():
    case = Case()
    for _ in range(32):
        case.query.step()
        case.clock.sleep_ms(100)
    first, second = case.server.asked
    case.server.waiting = [reply(first[40:], SINCE_1900 - 5), reply(second[40:])]
    assert case.run() == UNIX


def test_a_flood_of_rubbish_ends_too():
    case = Case(lambda data: [reply()] * 1000)
    with raises(LinkError):
        case.run()
    assert case.clock.ms() == 9000


def test_a_short_datagram_is_not_filled_up_with_the_one_before():
    case = Case(lambda data: [reply(data[40:], first=0x23), b"\x24\x02", reply(data[40:], SINCE_1900 + 1)])
    assert case.run() == UNIX + 1


def test_a_refusal_ends_it_at_once():
    case = Case(lambda data: [reply(data[40:], stratum=0)])
    with raises(LinkError):
        case.run()
    assert case.clock.ms() == 100 and case.server.sockets == 0


def test_a_network_that_is_not_there():
    case = Case()
    case.server.broken = True
    with raises(LinkError):
        case.run()
    assert case.clock.ms() == 9000 and case.server.sockets == 0
    case = Case(lambda data: [reply(data[40:])])
    case.server.broken = True
    case.query.step()
    case.server.broken = False
    assert case.run() == UNIX and case.clock.ms() > 2900, "the second try gets through"


def test_a_step_that_comes_after_the_clock_has_wrapped():
    case = Case()
    case.query.step()
    case.clock.since = lambda then: -5
    case.query.step()
    assert len(case.server.asked) == 2
