"""ports/micropython/watchdog.py: whatever the port makes of a wish, `timeout_ms` is never longer than what bites."""

from agent.errors import FlashError
from tests.portable.check import raises
from tests.portable.fakes import Ended, Fake

# (fake port, sys.platform)
_PORTS = (
    ("rp2", "rp2"), ("rp2350", "rp2"), ("esp32", "esp32"), ("stm32", "pyboard"), ("mimxrt", "mimxrt"), ("samd", "samd"),
    ("rp2", "linux"), ("stm32", "unheard"),
)  # fmt: skip
_WISHES = (1, 300, 499, 512, 999, 1000, 5001, 8388, 8389, 12000, 16777, 16778, 20000, 32767, 32768, 60000, 200000)


def _make(wanted_ms, platform):
    from ports.micropython.watchdog import Watchdog

    return Watchdog(wanted_ms, platform=platform)


def test_it_never_promises_more_than_the_hardware_keeps():
    for port, platform in _PORTS:
        with Fake(port=port):
            for wanted in _WISHES:
                watchdog = _make(wanted, platform)
                real_ms = watchdog.wdt.real_ms
                assert 0 < watchdog.timeout_ms <= real_ms, (port, wanted, watchdog.timeout_ms, real_ms)
                if wanted >= 1000:
                    assert real_ms <= wanted and watchdog.timeout_ms * 4 > min(wanted, 8000), (port, wanted)


def test_the_limits_of_each_port():
    found = []
    for port, platform in _PORTS:
        with Fake(port=port):
            found.append(_make(1000000, platform).timeout_ms)
    assert found == [8388, 16777, 1000000, 32767 * 66 // 100, 128000, 14745, 8388, 16777]


def test_a_drifting_oscillator_is_reckoned_with():
    with Fake(port="stm32"):
        watchdog = _make(15000, "pyboard")
        assert watchdog.wdt.real_ms == 15000 and watchdog.timeout_ms <= 15000 * 32 // 47


def test_whole_seconds_for_firmware_that_counts_those():
    with Fake(port="esp32"):
        assert _make(5999, "esp32").wdt.real_ms == 5000 and _make(3, "esp32").wdt.real_ms == 1000


def test_a_program_that_only_sleeps_is_bitten():
    with Fake() as fake:
        watchdog = _make(60, "rp2")
        with raises(Ended) as ended:
            for _ in range(20):
                fake.time.sleep_ms(10)
        assert ended.error.cause == "watchdog" and watchdog.timeout_ms == 60


def test_fed_it_lets_it_live_and_a_late_feed_is_too_late():
    with Fake() as fake:
        watchdog = _make(8000, "rp2")
        for _ in range(3):
            fake.time.late_ms += 5000
            watchdog.feed()
        fake.time.late_ms += 8001
        with raises(Ended):
            watchdog.feed()


def test_one_that_runs_already_is_taken_over():
    with Fake(port="rp2") as fake:
        from ports.micropython.watchdog import Watchdog

        first = _make(16777, "rp2")
        count = len(fake.kept["watchdog"].split())
        second = Watchdog(16777, first.wdt, first.timeout_ms, platform="rp2")
        assert count == 2 and second.wdt is first.wdt and second.timeout_ms == 8388
        second.feed()
        assert first.wdt is second.wdt


def test_a_firmware_that_takes_nothing_says_so():
    with Fake() as fake:

        def refuse(timeout):
            raise ValueError("never")

        fake.machine.WDT = refuse
        with raises(FlashError) as caught:
            _make(5000, "rp2")
        assert "never" in str(caught.error)
        del fake.machine.WDT
        with raises(FlashError):
            _make(5000, "rp2")
