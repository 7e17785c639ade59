"""A temperature sensor of the LM75 class, and the gate that keeps flash from being written where it is too cold or too hot."""

from agent.errors import FlashError
from hal.temperature import Gate, Sensor
from ports.sim.clock import Clock
from tests.portable.check import raises
from tests.portable.i2c_chips import ThermometerChip


def test_temperatures_on_both_sides_of_zero():
    for milli_c in (0, 25000, 41500, 125000, -500, -1000, -25500, -55000):
        assert Sensor(ThermometerChip(milli_c)).milli_c() == milli_c
    assert Sensor(ThermometerChip(-62)).milli_c() == -63  # the smallest step below zero
    assert Sensor(ThermometerChip(85000, 0x0F)).milli_c() == 85000


def test_a_part_with_nine_bits_is_read_to_half_a_degree():
    assert Sensor(ThermometerChip(41750), 9).milli_c() == 41500
    assert Sensor(ThermometerChip(-250, 0x0F), 9).milli_c() == -500


def test_what_it_cannot_measure_is_a_fault():
    for milli_c in (-56000, -128000):
        with raises(FlashError):
            Sensor(ThermometerChip(milli_c)).milli_c()


def make(milli_c=25000, log=None):
    chip, clock = ThermometerChip(milli_c), Clock()
    return chip, clock, Gate(chip, -20, 85, clock, log)


def _asked(gate, chip, clock, milli_c):
    clock.sleep_ms(1000)
    chip.milli_c = milli_c
    return gate.ask()


def test_the_edges_and_the_way_back_in():
    chip, clock, gate = make()
    for milli_c, forbidden in (
        (85000, False),
        (85100, True),
        (84500, True),
        (84000, False),
        (-20000, False),
        (-20500, True),
        (-19500, True),
        (-19000, False),
        (-40000, True),
        (90000, True),
        (20000, False),
    ):
        assert bool(_asked(gate, chip, clock, milli_c)) == forbidden, milli_c
    assert _asked(gate, chip, clock, 90900) == "at 90 C flash is not written, only from -20 to 85"


def test_the_sensor_is_not_asked_at_every_question():
    chip, clock, gate = make()
    for _ in range(100):
        gate.ask()
        clock.sleep_ms(10)
    assert 1 <= chip.reads <= 2
    chip.milli_c = 90000
    clock.sleep_ms(1000)
    assert gate.ask() and gate.ask() and chip.reads <= 3


def test_a_silent_sensor_is_told_once_and_holds_nothing_up():
    told = []
    chip, clock, gate = make(90000, lambda text, *more: told.append(text % more))
    assert gate.ask()
    chip.silent = True
    for _ in range(5):
        assert _asked(gate, chip, clock, 90000) == ""
    assert len(told) == 1 and "0x49" in told[0] and gate.fault
    chip.silent = False
    assert _asked(gate, chip, clock, 90000) and not gate.fault
    chip.silent = True
    assert _asked(gate, chip, clock, 90000) == "" and len(told) == 2
    quiet = ThermometerChip()
    quiet.silent = True
    assert Gate(quiet, 0, 1, clock).ask() == ""
