"""The chip in a file does what the chip in memory does, and each operation is in the file when it ends."""

import os

from agent.errors import FlashError
from ports.sim.clock import Clock
from ports.sim.faults import ERASE_EFFECTS, PROGRAM_EFFECTS
from ports.sim.flash_file import FileNor, bank_size, make_file, make_geometry
from ports.sim.nor import Nor
from ports.sim.power import PowerCut, Reset
from ports.sim.real_clock import RealClock
from tests.portable.check import raises

MIB = 1 << 20
NAME = "test_flash_file_%s.tmp"
UNITS = (4096, 32768, 65536)


class Chip:
    """A flash file for one test, and the same chip in memory."""

    def __init__(self):
        token = "".join(["%02x" % byte for byte in os.urandom(6)])
        self.path = folder() + "/" + NAME % token
        make_file(self.path, MIB)
        self.memory = Nor(make_geometry(MIB), Clock())
        self.file = None
        self.open()

    def open(self):
        if self.file:
            self.file.file.close()
        self.file = FileNor(self.path, RealClock())

    def both(self, action):
        """Do it on both; return how it ended, the same on both."""
        ends = []
        for nor in (self.file, self.memory):
            try:
                action(nor)
                ends.append("")
            except (PowerCut, Reset) as e:
                ends.append(repr(type(e)))
        assert ends[0] == ends[1]
        return ends[0]

    def same(self):
        """Tell whether the file holds what the memory does."""
        with open(self.path, "rb") as file:
            for page in range(MIB // 256):
                if file.read(256) != (self.memory.pages.get(page) or b"\xff" * 256):
                    return False
        return True

    def kept(self):
        """Tell whether the file of the weak cells is there."""
        try:
            os.stat(self.path + ".faults")
            return True
        except OSError:
            return False

    def close(self):
        self.file.file.close()
        os.remove(self.path)
        if self.kept():
            os.remove(self.path + ".faults")


def folder():
    """Return a folder for files; nothing else is known on both interpreters."""
    return os.getenv("TMPDIR") or "/tmp"


def with_chip(test):
    def run():
        chip = Chip()
        try:
            test(chip)
        finally:
            chip.close()

    return run


def nobody():
    """Feed no watchdog."""


class Dice:
    def __init__(self, seed):
        self.state = seed

    def below(self, most):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % most


def step(dice):
    """Return a random operation on the first 128 KiB."""
    if dice.below(5) == 0:
        size = UNITS[dice.below(3)]
        at = dice.below(2 * 65536 // size) * size
        return lambda nor: nor.erase(at, size)
    page, offset = dice.below(512), dice.below(200)
    data = bytes([dice.below(256) for _ in range(1 + dice.below(56))]) if dice.below(2) else bytes(256)
    offset = 0 if len(data) == 256 else offset

    def program(nor):
        old = bytearray(len(data))
        nor.copy(page * 256 + offset, old)
        nor.program(page * 256 + offset, bytes([a & b for a, b in zip(old, data)]))

    return program


@with_chip
def test_the_same_operations_give_the_same_bytes(chip):
    dice = Dice(7)
    for _ in range(150):
        chip.both(step(dice))
    assert chip.same() and chip.file.ops == chip.memory.ops == 150
    a, b = bytearray(70000), bytearray(70000)
    chip.file.read(100, a)
    chip.memory.read(100, b)
    assert a == b


@with_chip
def test_an_operation_is_in_the_file_when_it_ends(chip):
    with open(chip.path, "rb") as other:
        chip.file.program(4096, b"abc")
        other.seek(4096)
        assert other.read(4) == b"abc\xff"
    with open(chip.path, "rb") as other:
        chip.file.erase(4096, 4096)
        other.seek(4096)
        assert other.read(4) == b"\xff" * 4


@with_chip
def test_cuts_do_the_same(chip):
    dice, ends = Dice(3), []
    for effect in PROGRAM_EFFECTS + ERASE_EFFECTS:
        for number in range(1, 5):
            for nor in (chip.file, chip.memory):
                nor.faults.plan(nor.ops + number, effect, number)
            for _ in range(5):
                ends.append(chip.both(step(dice)))
            assert chip.kept() == bool(chip.memory.faults.weak or chip.memory.faults.unstable)
            chip.open()  # what is weak is known after a restart of the process too
            chip.file.ops = chip.memory.ops
            assert chip.file.faults.weak == chip.memory.faults.weak
            assert chip.file.faults.unstable == chip.memory.faults.unstable
            for nor in (chip.file, chip.memory):
                nor.faults.cut_at = 0
                nor.power_on(nobody)
            assert chip.same(), effect
    assert ends.count("") > 200 and len([end for end in ends if end]) > 50


@with_chip
def test_weak_cells_are_forgotten_once_they_have_gone(chip):
    chip.file.faults.plan(1, "weak", 1)
    with raises(PowerCut):
        chip.file.program(0, bytes(256))
    seen = []
    for _ in range(3):
        chip.open()
        chip.file.power_on(nobody)
        data = bytearray(256)
        chip.file.read(0, data)
        seen.append((chip.kept(), data == bytes(256)))
    assert seen == [(True, True), (False, False), (False, False)]


@with_chip
def test_files_that_are_none(chip):
    with open(chip.path + ".faults", "w") as file:
        file.write("{")
    with raises(FlashError) as caught:
        FileNor(chip.path, RealClock())
    assert "damaged" in str(caught.error)
    with raises(FlashError):
        FileNor("/nonexistent", RealClock())
    with raises(FlashError):
        make_file(chip.path, 1000)
    with open(chip.path + ".faults", "wb") as file:
        file.write(bytes(1000))
    with raises(FlashError) as caught:
        FileNor(chip.path + ".faults", RealClock())
    assert "no flash file" in str(caught.error)


@with_chip
def test_flash_takes_the_time_of_the_chip(chip):
    clock = RealClock()
    nor = FileNor(chip.path, clock, 0.5)
    before = clock.us
    nor.erase(0, 4096)
    nor.program(0, bytes(256))
    nor.read(0, bytearray(1))
    took_us = clock.us - before
    nor.file.close()
    assert 32000 + 352 <= took_us < 2000000
    assert chip.file.erase_units == nor.erase_units == chip.memory.erase_units


def test_banks_fit():
    assert bank_size(MIB) == 448 * 1024
