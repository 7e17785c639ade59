"""ports/cpython_linux/i2c.py: smbus2's own messages, on a bus that behaves as the kernel's does."""

import errno
import os
import sys
import types

import pytest
import smbus2

from agent.errors import FlashError
from hal.eeprom_i2c import Eeprom
from ports.cpython_linux.clock import Clock
from ports.cpython_linux.i2c import I2cLink


class Bus:
    """A bus with a 24C32 at 0x50, which wraps within 32-byte pages, and a sensor with one address byte at 0x49."""

    def __init__(self):
        self.cells, self.registers = bytearray(b"\xff" * 4096), {0: b"\x29\x80"}
        self.transactions, self.fails, self.opened = [], [], []

    def module(self):
        """Return what stands in for smbus2: its messages are the real ones."""
        bus = self

        class SMBus:
            def __init__(self, path):
                bus.opened.append(path)
                if bus.fails:
                    raise OSError(bus.fails[0], os.strerror(bus.fails[0]))

            def i2c_rdwr(self, *messages):
                bus.transfer(messages)

            def close(self):
                bus.opened.append("closed")

        return types.SimpleNamespace(SMBus=SMBus, i2c_msg=smbus2.i2c_msg)

    def transfer(self, messages):
        self.transactions.append([(m.addr, m.flags & 1, m.len) for m in messages])
        if self.fails:
            raise OSError(self.fails[0], os.strerror(self.fails[0]))
        if {m.addr for m in messages} - {0x49, 0x50}:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        at = 0
        for message in messages:
            data = bytes(message)
            if message.addr == 0x49:
                at = self._sensor(message, data, at)
            elif message.flags & 1:
                _fill(message, bytes(self.cells[(at + i) % 4096] for i in range(message.len)))
            else:
                at = int.from_bytes(data[:2], "big")
                for i, byte in enumerate(data[2:]):
                    self.cells[at & ~31 | (at + i) & 31] = byte

    def _sensor(self, message, data, at):
        if message.flags & 1:
            _fill(message, self.registers[at][: message.len])
            return at
        if len(data) > 1:
            self.registers[data[0]] = data[1:]
        return data[0]


def _fill(message, data):
    for i, byte in enumerate(data):
        message.buf[i] = bytes((byte,))


@pytest.fixture
def bus():
    return Bus()


def test_a_read_is_one_transaction_with_a_repeated_start(bus):
    bus.cells[0x123:0x126] = b"abc"
    link = I2cLink(0, 0x50, 2, bus.module())
    into = bytearray(3)
    link.read(0x123, into)
    assert into == b"abc" and bus.transactions == [[(0x50, 0, 2), (0x50, 1, 3)]]


def test_a_write_is_one_transaction(bus):
    link = I2cLink(0, 0x50, 2, bus.module())
    link.write(0x0FE0, memoryview(b"hello"))
    assert bus.cells[0x0FE0:0x0FE5] == b"hello" and bus.transactions == [[(0x50, 0, 7)]]


def test_a_read_is_longer_than_smbus_could(bus):
    bus.cells[:] = bytes(range(256)) * 16
    into = bytearray(4000)
    I2cLink(0, 0x50, 2, bus.module()).read(50, memoryview(into)[100:2100])
    assert into[:100] == bytes(100) and into[100:2100] == bus.cells[50:2050] and into[2100:] == bytes(1900)


def test_one_address_byte_and_a_path(bus):
    link = I2cLink("/dev/i2c-sensors", 0x49, module=bus.module())
    into = bytearray(2)
    link.read(0, into)
    link.write(1, b"\x60")
    assert into == b"\x29\x80" and bus.registers[1] == b"\x60" and bus.opened == ["/dev/i2c-sensors"]


def test_an_empty_write_asks_whether_somebody_is_there(bus):
    I2cLink(0, 0x50, 2, bus.module()).write(7, b"")
    assert bus.transactions == [[(0x50, 0, 2)]] and bus.cells == b"\xff" * 4096


def test_the_eeprom_works_through_it(bus):
    eeprom = Eeprom(I2cLink(0, 0x50, 2, bus.module()), Clock(), 4096, 32)
    data = bytes(range(200))
    eeprom.write(77, data)
    found = bytearray(200)
    eeprom.read(77, found)
    assert found == data and bus.cells[:77] == b"\xff" * 77 and bus.cells[277:] == b"\xff" * (4096 - 277)


def test_more_than_a_message_takes(bus):
    link = I2cLink(0, 0x50, 2, bus.module())
    with pytest.raises(FlashError, match="8192"):
        link.read(0, bytearray(8193))
    with pytest.raises(FlashError, match="8192"):
        link.write(0, bytes(8191))
    assert not bus.transactions


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.ENXIO, errno.EIO, errno.ETIMEDOUT])
def test_a_device_that_does_not_answer(bus, number):
    link = I2cLink(1, 0x49, 1, bus.module())
    bus.fails.append(number)
    with pytest.raises(FlashError, match=r"nothing answers at 0x49 on /dev/i2c-1: .* \(i2cdetect -y 1\)") as caught:
        link.read(0, bytearray(2))
    assert caught.value.__cause__.errno == number


def test_nobody_at_that_address(bus):
    with pytest.raises(FlashError, match="0x51"):
        I2cLink(0, 0x51, 2, bus.module()).write(0, b"x")


@pytest.mark.parametrize(("number", "said"), [(errno.EAGAIN, "another master"),
    (errno.EOPNOTSUPP, "SMBus only"), (errno.ENOSPC, "/dev/i2c-1: No space")])  # fmt: skip
def test_a_bus_that_does_not_work(bus, number, said):
    link = I2cLink(1, 0x49, 1, bus.module())
    bus.fails.append(number)
    with pytest.raises(FlashError, match=said) as caught:
        link.write(0, b"x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.ENOENT, "dtparam=i2c_arm=on"), (errno.EACCES, "group i2c"), (errno.ENXIO, "no bus")]
)
def test_a_bus_that_cannot_be_opened(bus, number, said):
    bus.fails.append(number)
    with pytest.raises(FlashError, match="/dev/i2c-1 .*" + said):
        I2cLink(1, 0x49, 1, bus.module())


def test_the_real_module_on_a_machine_without_that_bus(tmp_path):
    with pytest.raises(FlashError, match="is not there"):
        I2cLink(str(tmp_path / "i2c-9"), 0x50)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FlashError, match="is no I2C bus"):
        I2cLink(str(tmp_path / "file"), 0x50)


def test_without_the_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "smbus2", None)
    with pytest.raises(FlashError, match="pip install smbus2"):
        I2cLink(0, 0x50)


def test_closing(bus):
    link = I2cLink(0, 0x50, 2, bus.module())
    link.close()
    assert bus.opened[-1] == "closed"
