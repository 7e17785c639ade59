"""ports/micropython/clock.py: a counter that wraps, a date that somebody has told, and both epochs."""

from tests.portable.check import raises
from tests.portable.fakes import Fake

_TOLD = 1790000000
_EARLIER = 1767225599  # the last second of 2025


def test_the_counter_wraps():
    with Fake() as fake:
        from ports.micropython.clock import Clock

        clock = Clock()
        fake.time.late_ms = (1 << 30) - 3 - fake.time.ticks_ms()
        before = clock.ms()
        assert before > 1 << 29
        fake.time.late_ms += 60000
        assert clock.ms() < 1 << 29 and 60000 <= clock.since(before) < 90000


def test_a_board_that_nobody_told_knows_no_date():
    for port, epoch in (("rp2", 1970), ("esp32", 2000), ("stm32", 2000)):
        with Fake(port=port, epoch=epoch):
            from ports.micropython.clock import Clock

            assert Clock().unix() is None, port


def test_years_before_this_software_are_none():
    for date, known in ((_EARLIER - 100, False), (_EARLIER + 2, True), (_TOLD, True)):
        for epoch in (1970, 2000):
            with Fake(date=date, epoch=epoch):
                from ports.micropython.clock import Clock

                unix = Clock().unix()
                assert (unix is not None) == known, (date, epoch)
                assert not known or 0 <= unix - date < 60


def test_told_the_time_the_clock_chip_is_set():
    for port, platform, epoch in (("rp2", "rp2", 1970), ("esp32", "esp32", 2000), ("stm32", "pyboard", 2000)):
        with Fake(port=port, epoch=epoch) as fake:
            board = fake.port(platform=platform)
            for unix in (_TOLD, 1798761599, 1835395200 + 59 * 86400):  # the end of a year, a leap day
                board.set_unix(unix)
                assert 0 <= board.clock.unix() - unix < 60, (port, unix)


def test_a_small_error_is_left_alone():
    with Fake(date=_TOLD) as fake:
        board = fake.port()
        before = dict(fake.kept)
        board.set_unix(_TOLD + 30)
        assert fake.kept == before
        board.set_unix(_TOLD - 100)
        assert fake.kept != before and board.clock.unix() < _TOLD


def test_a_wrong_day_of_the_week_would_be_refused():
    with Fake(port="stm32", epoch=2000):
        from ports.micropython.clock_chip import set_clock

        set_clock(1790553600, "pyboard")  # a Monday, which is 1 there
        with raises(ValueError):
            set_clock(1790553600, "rp2")


def test_the_date_survives_a_reset_and_no_power_cut():
    with Fake() as fake:
        fake.port().set_unix(_TOLD)
        kept = fake.kept
    for cause, known in (("reset", True), ("power", False)):
        with Fake(cause=cause, kept=kept) as fake:
            assert (fake.port().clock.unix() is not None) == known


def test_sleeping_takes_its_time():
    with Fake() as fake:
        clock = fake.port().clock
        then = clock.ms()
        clock.sleep_ms(20)
        assert 20 <= clock.since(then) < 2000
