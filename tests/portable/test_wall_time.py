"""The time never falls below what is certain, is noted once a day, and goes on where the milliseconds wrap."""

import struct

from agent.journal import Journal
from agent.wall_time import TIME, Seconds, WallTime
from hal.region import Region
from tests.portable.boards import make_flash

BUILT = 1750000000
DAY = 86400
ROUND = 1 << 30  # MicroPython's milliseconds


class WrappingClock:
    """A clock whose milliseconds wrap as MicroPython's do, just after the start."""

    def __init__(self, own=None):
        self.true_ms, self.own = ROUND - 5000, own

    def ms(self):
        return self.true_ms % ROUND

    def since(self, then):
        return (self.ms() - then + ROUND // 2) % ROUND - ROUND // 2

    def unix(self):
        return self.own

    def go(self, seconds):
        self.true_ms += seconds * 1000


def make_journal():
    return Journal(Region(make_flash(), 8192, 3 * 4096))


def noted(journal):
    data = bytearray(58)
    return struct.unpack("<BQ", bytes(data[: journal.get(TIME, data)])) if journal.get(TIME, data) == 9 else None


def test_seconds_go_on_over_many_rounds():
    clock = WrappingClock()
    seconds = Seconds(clock)
    for gone in range(5 * DAY, 60 * DAY, 5 * DAY):
        clock.go(5 * DAY)
        assert seconds.now() == gone, gone
    for _ in range(200):  # fractions are not lost
        clock.true_ms += 999
        seconds.now()
    assert seconds.now() == 55 * DAY + 199


def test_asked_too_late_it_never_goes_back():
    clock = WrappingClock()
    seconds = Seconds(clock)
    clock.go(100)
    assert seconds.now() == 100
    clock.go(8 * DAY)
    assert seconds.now() == 100
    clock.go(7)
    assert seconds.now() == 107


def test_nobody_has_said_the_time():
    for built in (0, BUILT):
        clock, journal = WrappingClock(), make_journal()
        time = WallTime(clock, built, journal)
        assert time.unix() == built and not time.known
        for days in range(1, 10):
            clock.go(DAY)
            assert time.unix() == built + days * DAY and not time.known
        time.keep()
        assert noted(journal) is None, "nothing is known that would be worth a note"


def test_the_clock_of_the_board():
    clock = WrappingClock(BUILT + 1000)
    time = WallTime(clock, BUILT, make_journal())
    assert time.known and time.unix() == BUILT + 1000
    clock.own = BUILT - 1  # its battery is empty
    clock.go(5)
    assert not time.known and time.unix() == BUILT + 5
    clock.own = 0
    assert not time.known
    assert WallTime(clock, 0, make_journal()).known, "0 is a time where nothing speaks against it"


def test_the_network_sets_it_and_never_below_what_is_certain():
    clock, journal = WrappingClock(), make_journal()
    time = WallTime(clock, BUILT, journal)
    clock.go(10)
    assert not time.set_by_network(BUILT - 1)
    assert not time.known and time.unix() == BUILT + 10
    assert time.set_by_network(BUILT + 5000)
    clock.go(3)
    assert time.known and time.unix() == BUILT + 5003
    assert time.set_by_network(BUILT + 100), "an earlier word of the network's was not certain"
    assert time.unix() == BUILT + 100
    assert not time.set_by_network(0) and time.known and time.unix() == BUILT + 100
    clock.own = BUILT + 200
    assert time.unix() == BUILT + 200, "the board's own clock is a bound as well"


def test_it_is_noted_once_a_day():
    clock, journal = WrappingClock(), make_journal()
    time = WallTime(clock, BUILT, journal)
    time.set_by_network(BUILT + 500)
    count, note = [0], journal.note

    def counted(key, data):
        count[0] += 1
        note(key, data)

    journal.note = counted
    for _ in range(3 * 24 + 1):  # three days and the first moment
        time.keep()
        clock.go(3600)
    assert count[0] == 4 and noted(journal) == (1, BUILT + 500 + 3 * DAY)
    again = WallTime(clock, BUILT, journal)
    assert again.unix() == BUILT + 500 + 3 * DAY and not again.known
    assert not again.set_by_network(BUILT + 500) and again.set_by_network(BUILT + 500 + 3 * DAY)
    again.keep()
    assert count[0] == 4, "a restart is no reason"
    assert WallTime(clock, BUILT + 9 * DAY, journal).unix() == BUILT + 9 * DAY, "firmware built since counts more"


def test_what_was_noted_is_a_bound_at_once():
    time = WallTime(WrappingClock(), BUILT, make_journal())
    time.set_by_network(BUILT + DAY)
    time.keep()
    assert not time.set_by_network(BUILT + DAY - 1)


def test_a_note_that_cannot_be_read_is_none():
    for data in (b"", b"\x01", b"\x01" + bytes([255] * 7), b"\x02" + bytes([255] * 8)):
        journal = make_journal()
        journal.note(TIME, data)
        assert WallTime(WrappingClock(), BUILT, journal).unix() == BUILT


def test_after_2038():
    clock, journal = WrappingClock(), make_journal()
    time = WallTime(clock, BUILT, journal)
    time.set_by_network(5000000000)
    time.keep()
    assert WallTime(clock, BUILT, journal).unix() == 5000000000
