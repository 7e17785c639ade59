"""A supervisor on I2C as a watchdog, in virtual time: what it is told, when it bites, what it says afterwards."""

from agent import reset
from agent.errors import FlashError
from hal.lines import Watchdogs
from hal.watchdog import Feeder
from hal.watchdog_i2c import PCF2127, PCF2129, I2cWatchdog, Supervisor
from ports.sim.clock import Clock
from ports.sim.power import Reset
from ports.sim.watchdog import Watchdog
from tests.portable.check import raises
from tests.portable.i2c_chips import SupervisorChip

# What small companions of a processor have: a key to arm, a time-out in tenths of seconds, a register that feeds, a status
PLAIN = Supervisor(((0, 0x81, 0x81),), 1, 100, 5, 200, 0, (2, 0xA5), (3, 0x02), (3, 0x01))
KINDS = (PLAIN, PCF2127, PCF2129)


def make(kind=PLAIN, wanted_ms=8000, **more):
    clock = Clock()
    chip = SupervisorChip(clock, kind, **more)
    return clock, chip, I2cWatchdog(chip, kind, wanted_ms)


def test_the_timeout_is_what_the_chip_can_do():
    for kind, wanted_ms, found_ms in (
        (PLAIN, 8050, 8000),
        (PLAIN, 60000, 20000),
        (PLAIN, 1, 500),
        (PCF2127, 8388, 7000),
        (PCF2127, 1000000, 254000),
        (PCF2129, 100, 1000),
    ):
        assert make(kind, wanted_ms)[2].timeout_ms == found_ms, wanted_ms


def test_it_bites_when_nobody_feeds_and_not_before():
    for kind in KINDS:
        clock, chip, dog = make(kind)
        for _ in range(5):
            clock.sleep_ms(dog.timeout_ms - 2)
            dog.feed()
        clock.sleep_ms(dog.timeout_ms + kind.tick_ms + 1)
        with raises(Reset) as caught:
            dog.feed()
        assert caught.error.cause == reset.WATCHDOG


def test_other_bits_of_its_registers_are_left_alone():
    clock = Clock()
    chip = SupervisorChip(clock, PCF2127)
    chip.registers[0x10], chip.registers[0x01] = 0x21, 0x12
    dog = I2cWatchdog(chip, PCF2127, 5000)
    assert chip.registers[0x10] == 0xE2 and chip.registers[0x11] == 5
    assert dog.read_cause() == reset.UNKNOWN and chip.registers[0x01] == 0x12


def test_the_cause_is_said_once():
    for kind in KINDS:
        clock, chip, dog = make(kind)
        clock.sleep_ms(300000)
        with raises(Reset):
            chip.look()
        dog = I2cWatchdog(chip, kind, 8000)
        assert dog.read_cause() == reset.WATCHDOG and dog.read_cause() == reset.UNKNOWN
    clock, chip, dog = make()
    chip.registers[3] = 0x01
    assert dog.read_cause() == reset.POWER and dog.read_cause() == reset.UNKNOWN
    chip.registers[3] = 0x03  # a bit that was not looked at since power came
    assert dog.read_cause() == reset.WATCHDOG and chip.registers[3] == 0


def test_a_chip_that_is_not_there_or_another_one_is_refused():
    for kind in KINDS:
        chip = SupervisorChip(Clock(), kind)
        chip.silent = True
        with raises(FlashError) as caught:
            I2cWatchdog(chip, kind, 5000)
        assert "wiring" in str(caught.error)
        for register in (kind.setup[0][0], kind.timeout):
            with raises(FlashError) as caught:
                make(kind, stuck=(register,))
            assert "board file" in str(caught.error)


def test_a_feed_that_gets_lost_is_no_fault_of_the_firmware():
    clock, chip, dog = make()
    chip.silent = True
    dog.feed()
    assert "0x51" in dog.fault
    chip.silent = False
    clock.sleep_ms(4000)
    dog.feed()
    clock.sleep_ms(7000)
    dog.feed()
    chip.silent = True
    clock.sleep_ms(8001)
    with raises(Reset):
        dog.feed()


def test_both_are_fed_and_the_shorter_one_counts():
    clock = Clock()
    chip = SupervisorChip(clock, PLAIN)
    outer, inner = I2cWatchdog(chip, PLAIN, 5000), Watchdog(clock, 8388)
    both = Watchdogs(inner, outer)
    assert both.timeout_ms == 5000 == Watchdogs(outer, inner).timeout_ms
    feeder, before = Feeder(both, clock), chip.feeds
    for _ in range(60000):
        clock.sleep_ms(1)
        feeder.feed()
    assert 12 < chip.feeds - before < 1000 and 0 < inner.longest_ms < 4000
