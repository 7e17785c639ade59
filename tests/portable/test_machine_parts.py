"""ports/micropython/i2c.py, uart.py, pin.py and how the port makes them, over the fake board."""

from agent.errors import FlashError, LinkError
from hal.eeprom_i2c import Eeprom
from ports.sim.clock import Clock
from tests.portable.check import raises
from tests.portable.fakes import Fake
from tests.portable.i2c_chips import EepromChip, ThermometerChip


class Line:
    """The other end of a serial line: takes `room` bytes at once, at most `most` in all."""

    def __init__(self, room=7, most=1 << 30):
        self.room, self.most = room, most
        self.sent, self.comes = bytearray(), bytearray()

    def take(self):
        """Give the next byte."""
        byte, self.comes = bytes(self.comes[:1]), self.comes[1:]
        return byte

    def give(self, data):
        """Take a few."""
        count = min(self.room, len(data), self.most - len(self.sent))
        self.sent.extend(data[:count])
        return count or None


def _devices(fake, **chips):
    import fake_bus

    fake_bus.devices.clear()
    for name in chips:
        fake_bus.devices[int(name[1:], 16)] = chips[name]


# -- I2C -------------------------------------------------------------------------------------------------------------------


def test_an_eeprom_with_two_address_bytes():
    with Fake() as fake:
        clock = Clock()
        chip = EepromChip(clock)
        chip.address_bits = 16
        _devices(fake, x50=chip)
        eeprom = Eeprom(fake.port().i2c(0, 0x50, 2, scl=5, sda=4), clock)
        eeprom.write(60, b"hello, this is more than a page of it")
        found = bytearray(37)
        eeprom.read(60, found)
        assert found == b"hello, this is more than a page of it"
        assert bytes(chip.cells[60:65]) == b"hello"


def test_a_sensor_with_one_address_byte():
    with Fake() as fake:
        chip = ThermometerChip(25000)
        chip.address_bits = 8
        _devices(fake, x49=chip)
        for bus in (1, -1):
            into = bytearray(2)
            chip.clock = None
            fake.port().i2c(bus, 0x49, scl=3, sda=2).read(0, into)
            assert into[0] == 25 and into[1] == 0


def test_an_address_of_the_wrong_length_and_nobody_there():
    for port, number in (("rp2", "5"), ("esp32", "19")):
        with Fake(port=port) as fake:
            chip = EepromChip(Clock())
            chip.address_bits = 16
            _devices(fake, x50=chip)
            for address, size in ((0x50, 1), (0x51, 2), (0x51, 0)):
                link = fake.port().i2c(1, address, size, scl=5, sda=4)
                for act in (
                    lambda: link.read(0, bytearray(1)),
                    lambda: link.write(0, b"x"),
                    lambda: link.write(0, b""),
                ):
                    with raises(FlashError) as caught:
                        act()
                    assert "0x%02x" % address in str(caught.error) and number in str(caught.error)


def test_a_part_that_goes_silent_is_a_flash_error():
    with Fake() as fake:
        chip = EepromChip(Clock())
        _devices(fake, x50=chip)
        link = fake.port().i2c(0, 0x50, 2, scl=5, sda=4)
        link.write(0, b"x")
        chip.silent = True
        with raises(FlashError):
            link.read(0, bytearray(1))


def test_without_an_address_only_bytes_go():
    class Expander:
        """Eight lines: what is written is what is read."""

        value = 0

        def write(self, reg, data):
            """Take a byte."""
            self.value = data[0]

        def read(self, reg, into):
            """Give a byte."""
            into[0] = self.value ^ 0xFF

    with Fake() as fake:
        _devices(fake, x20=Expander())
        link, into = fake.port().i2c(0, 0x20, 0), bytearray(1)
        link.write(0, b"\x0f")
        link.read(0, into)
        assert into[0] == 0xF0


# -- UART ------------------------------------------------------------------------------------------------------------------


def _uart(fake, line, platform="rp2"):
    import fake_bus

    fake_bus.UART.lines[0] = line
    return fake.port(platform=platform).uart(0, 115200, tx=0, rx=1)


def test_reading_never_waits_and_takes_what_is_there():
    with Fake() as fake:
        line = Line()
        uart, into = _uart(fake, line), bytearray(4)
        assert uart.read_into(into) == 0
        line.comes.extend(b"abcdef")
        assert uart.read_into(into) == 4 and into == b"abcd"
        assert uart.read_into(into) == 2 and into == b"efcd"
        assert uart.read_into(into) == 0 and fake.machine.UART.waited == 0


def test_all_of_it_is_sent_in_as_many_pieces_as_that_takes():
    with Fake() as fake:
        line = Line(room=7)
        _uart(fake, line).write(b"0123456789" * 10)
        assert line.sent == b"0123456789" * 10


def test_a_line_that_takes_nothing_is_a_link_error():
    with Fake() as fake:
        line = Line(most=3)
        uart = _uart(fake, line)

        def late(duration_ms):
            fake.time.late_ms += 500 * duration_ms

        fake.time.sleep_ms = late
        with raises(LinkError):
            uart.write(b"hello")
        assert line.sent == b"hel"


def test_a_console_that_cannot_be_had():
    with Fake() as fake:
        board = fake.port()
        assert board.console(5, tx=0, rx=1) is None and board.console(0, tx=99, rx=1) is None
        assert len(fake.said) == 2 and "UART 5" in fake.said[0]
        assert board.console(0, tx=0, rx=1)


# -- pins and SPI ----------------------------------------------------------------------------------------------------------


def test_an_output_has_its_level_from_the_first_moment():
    with Fake() as fake:
        import fake_pins

        moved = []
        fake_pins.edges.append(lambda line, level: moved.append((line, level)))
        board = fake.port()
        led, reset = board.pin_out(15), board.pin_out("RST", 0, active_low=True)
        assert moved == [(15, 0), ("RST", 1)]
        assert led(1) == 1 and reset(1) == 1 and reset() == 1
        assert moved[2:] == [(15, 1), ("RST", 0)]
        assert board.pin_out(16, 1)() == 1 and fake_pins.levels[16] == 1


def test_an_input_is_one_where_it_is_active():
    with Fake(pins={"3": 0, "4": 1}) as fake:
        board = fake.port()
        found = [board.pin_in(3)(), board.pin_in(4)(), board.pin_in(3, False)(), board.pin_in(4, False)()]
        found += [board.pin_in(4, None)(), board.pin_in(4, None, True)(), board.pin_in(9)(), board.pin_in(9, False)()]
        assert found == [1, 0, 0, 1, 1, 0, 0, 0]
        with raises(FlashError):
            board.pin_in(3)(1)


def test_what_the_board_does_not_have():
    with Fake() as fake:
        board = fake.port()
        for make in (
            lambda: board.pin_out(77),
            lambda: board.pin_in(-1),
            lambda: board.spi(3, 1000000, 5),
            lambda: board.spi(0, 1000000, 99),
            lambda: board.spi(0, -1, 5),
            lambda: board.spi(-1, 1000000, 5),
            lambda: board.i2c(7, 0x50),
            lambda: board.i2c(-1, 0x50),
        ):
            with raises(FlashError) as caught:
                make()
            assert "pinout" in str(caught.error)


def test_a_bus_that_nobody_drives_reads_ff():
    with Fake() as fake:
        for bus in (0, -1):
            link, into = fake.port().spi(bus, 1000000, 17, sck=18, mosi=19, miso=16), bytearray(3)
            link.query(b"\x9f", into)
            assert into == b"\xff\xff\xff"
