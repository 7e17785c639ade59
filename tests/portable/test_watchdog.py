"""How long the flash may keep the watchdog waiting, and what a port may ask of the hardware."""

from hal.watchdog import Feeder, clamp, fitting_units
from ports.sim.clock import Clock
from ports.sim.power import Reset
from ports.sim.watchdog import Watchdog
from tests.portable.check import raises

UNITS = ((4096, 384), (32768, 1920), (65536, 3840))


def test_units_leave_the_watchdog_half_its_time():
    assert fitting_units(UNITS, 8388) == UNITS
    assert fitting_units(UNITS, 7679) == UNITS[:2]
    assert fitting_units(UNITS, 500) == UNITS[:1]


def test_timeouts_are_clamped_to_what_the_hardware_can_do():
    assert clamp(60000, 1, 8388) == 8388
    assert clamp(100, 500, 128000, 500) == 500
    assert clamp(1700, 500, 128000, 500) == 1500


def test_the_feeder_feeds_in_time_and_not_at_every_poll():
    clock = Clock()
    dog, count = Watchdog(clock, 8388), [0]
    plain = dog.feed

    def feed():
        count[0] += 1
        plain()

    dog.feed = feed
    feeder = Feeder(dog, clock)
    for _ in range(20000):
        clock.sleep_ms(1)
        feeder.feed()
    assert 20000 // 8388 < count[0] < 400 and dog.longest_ms * 2 < 8388


def test_the_simulated_dog_bites():
    clock = Clock()
    dog = Watchdog(clock, 1000)
    clock.sleep_ms(1001)
    with raises(Reset):
        dog.feed()
