"""ports/cpython_linux/gpio.py: gpiozero on its own mock pins, and on our factory over a model of the kernel's interface."""

import errno
import os
import struct
import sys

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from agent.errors import FlashError
from ports.cpython_linux import gpio, gpio_chip
from ports.cpython_linux.gpio import InputPin, OutputPin


@pytest.fixture
def mock(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


def test_an_output(mock):
    led = OutputPin(17)
    wire = mock.pin(17)
    assert (wire.function, wire.state, led()) == ("output", False, 0)
    assert led(1) == 1 and wire.state and led() == 1
    assert led(0) == 0 and not wire.state
    led.close()
    assert wire.function == "input"


def test_an_output_that_is_active_low_has_its_level_from_the_start(mock):
    mock.pin(4).clear_states()
    hold = OutputPin(4, 0, active_low=True)
    protect = OutputPin("GPIO5", 1, active_low=True)
    assert mock.pin(4).state and not mock.pin(5).state and (hold(), protect()) == (0, 1)
    hold(1)
    assert not mock.pin(4).state
    mock.pin(4).assert_states([False, True, False])


@pytest.mark.parametrize(("options", "idle", "active_level"), [
    ({}, True, False), ({"pull_up": False}, False, True),
    ({"pull_up": None}, False, True), ({"pull_up": None, "active_low": True}, False, False)])  # fmt: skip
def test_an_input(mock, options, idle, active_level):
    button = InputPin(22, **options)
    wire = mock.pin(22)
    assert wire.state == idle and button() == (idle == active_level)
    for level in (True, False, True):
        wire.drive_high() if level else wire.drive_low()
        assert button() == (level == active_level)
    with pytest.raises(FlashError, match="GPIO 22 is an input"):
        button(1)


def test_a_pin_has_one_owner(mock):
    led = OutputPin(17)
    with pytest.raises(FlashError, match="GPIO 17 is in use: another part of this program"):
        InputPin(17)
    led.close()
    with pytest.raises(FlashError, match="GPIO 17: .*closed"):
        led(1)
    InputPin(17).close()


def test_a_pin_that_does_not_exist(mock):
    with pytest.raises(FlashError, match="GPIO 99: "):
        OutputPin(99)


def test_a_machine_that_is_no_raspberry_pi(monkeypatch):
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nobody")
    with pytest.raises(FlashError, match="write gpiochip0:17 elsewhere") as caught:
        OutputPin(17)
    assert "\n" not in str(caught.value)


def test_without_the_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(FlashError, match="pip install gpiozero"):
        OutputPin(17)


def test_lgpio_gets_a_folder_that_it_may_write_to(monkeypatch, mock):
    monkeypatch.delenv("LG_WD", raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/fumo-agent:/run/other")
    OutputPin(17).close()
    assert os.environ["LG_WD"] == "/run/fumo-agent"
    monkeypatch.setenv("LG_WD", "/somewhere")
    OutputPin(17).close()
    assert os.environ["LG_WD"] == "/somewhere"


# -- lines of a chip ---------------------------------------------------------------------------------------------------

_PULLS = {0x100: 1, 0x200: 0}


class Chip:
    """A model of /dev/gpiochip1 with 32 lines, label "209c000.gpio", as Linux 6.1 answers."""

    def __init__(self, folder):
        self.folder, self.levels, self.flags, self.users = folder, [0] * 32, [0] * 32, {3: "wp-gpios"}
        for number in (0, 1):
            (folder / ("gpiochip%d" % number)).write_bytes(b"")
        self.lines, self.log, self.refuse = {}, [], 0

    def ioctl(self, fd, request, data):
        if self.refuse:
            raise OSError(self.refuse, os.strerror(self.refuse))
        if request == gpio_chip.GET_CHIP:
            second = os.fstat(fd).st_ino == os.stat(self.folder / "gpiochip1").st_ino
            data[32:64] = (b"209c000.gpio" if second else b"20a0000.gpio").ljust(32, b"\0")
        elif request == gpio_chip.GET_INFO:
            line = struct.unpack_from("=I", data, 64)[0]
            data[32:64] = self.users.get(line, "").encode().ljust(32, b"\0")
        elif request == gpio_chip.GET_LINE:
            self._request(data)
        else:
            self._line(self.lines[fd], request, data)

    def _request(self, data):
        line, count = struct.unpack_from("=I", data)[0], struct.unpack_from("=I", data, 560)[0]
        assert len(data) == 592 and count == 1 and data[256:288].rstrip(b"\0") == b"fumo-agent"
        if line >= 32 or line in self.users:
            number = errno.EBUSY if line in self.users else errno.EINVAL
            raise OSError(number, os.strerror(number))
        self._configure(line, data[288:560])
        fd = os.open(self.folder, os.O_RDONLY)
        self.lines[fd], self.users[line] = line, "fumo-agent"
        struct.pack_into("=i", data, 588, fd)

    def _configure(self, line, config):
        flags, attributes = struct.unpack_from("=QI", config)
        assert len(config) == 272 and flags & 0xC in (4, 8)
        self.flags[line] = flags
        self.levels[line] = _PULLS.get(flags & 0x300, self.levels[line])
        if flags & 8:
            assert attributes == 1 and struct.unpack_from("=I", config, 32)[0] == 2
            self._drive(line, *struct.unpack_from("=QQ", config, 40))

    def _drive(self, line, values, mask):
        assert mask == 1
        self.levels[line] = values & 1
        self.log.append((line, values & 1))

    def _line(self, line, request, data):
        if request == gpio_chip.SET_CONFIG:
            self._configure(line, data)
        elif request == gpio_chip.SET_VALUES:
            assert self.flags[line] & 8
            self._drive(line, *struct.unpack("=QQ", data))
        else:
            assert request == gpio_chip.GET_VALUES and struct.unpack_from("=Q", data, 8)[0] == 1
            struct.pack_into("=Q", data, 0, self.levels[line])

    def closed(self, line):
        """Note what the kernel sees when the last descriptor goes."""
        del self.users[line]


@pytest.fixture
def chip(tmp_path, monkeypatch):
    model = Chip(tmp_path)
    monkeypatch.setattr(gpio, "_CHIPS", [gpio_chip.ChipFactory(str(tmp_path), model.ioctl)])
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    return model


def test_an_output_of_a_chip(chip):
    led = OutputPin("gpiochip1:18", 1)
    assert chip.log == [(18, 1)] and led() == 1
    assert led(0) == 0 and chip.levels[18] == 0
    protect = OutputPin("209c000.gpio:7", 1, active_low=True)
    assert protect() == 1 and chip.log == [(18, 1), (18, 0), (7, 0)]


def test_an_input_of_a_chip(chip):
    button = InputPin("gpiochip1:17")
    assert chip.flags[17] == 0x104 and button() == 0
    chip.levels[17] = 0
    assert button() == 1
    ready = InputPin("gpiochip1:19", pull_up=None)
    assert chip.flags[19] == 4 and ready() == 0
    chip.levels[19] = 1
    assert ready() == 1
    assert InputPin("gpiochip1:20", pull_up=False)() == 0 and chip.flags[20] == 0x204


def test_gpiozeros_own_devices_work_on_it(chip):
    factory = gpio._CHIPS[0]
    with gpiozero.LED("gpiochip1:1", pin_factory=factory) as led:
        led.on()
        led.toggle()
        led.on()
        assert chip.log == [(1, 0), (1, 1), (1, 0), (1, 1)] and led.is_lit and led.pin.function == "output"
        fd = led.pin._fd
    with pytest.raises(OSError):
        os.fstat(fd)
    with gpiozero.OutputDevice("gpiochip1:2", initial_value=None, pin_factory=factory) as device:
        assert device.value == 0


def test_a_line_of_a_chip_has_one_owner(chip):
    led = OutputPin("gpiochip1:18")
    with pytest.raises(FlashError, match="another part of this program"):
        OutputPin("gpiochip1:18")
    led.close()
    chip.closed(18)
    OutputPin("gpiochip1:18").close()
    with pytest.raises(FlashError, match="GPIO gpiochip1:3 is in use: wp-gpios has it"):
        OutputPin("gpiochip1:3")


def test_what_is_no_line_of_a_chip(chip):
    with pytest.raises(FlashError, match="has no such line"):
        OutputPin("gpiochip1:32")
    with pytest.raises(FlashError, match="no such chip, there are: gpiochip0, gpiochip1"):
        OutputPin("gpiochip7:1")
    with pytest.raises(FlashError, match="write it as gpiochip1:17"):
        OutputPin("gpiochip1:x")


@pytest.mark.parametrize(("number", "said"), [(errno.EACCES, "group gpio"), (errno.ENOTTY, "older than 5.10"),
    (errno.EIO, "Input/output")])  # fmt: skip
def test_what_the_kernel_refuses(chip, number, said):
    led = OutputPin("gpiochip1:18")
    chip.refuse = number
    for failing in (lambda: OutputPin("gpiochip1:19"), led):
        with pytest.raises(FlashError, match=said) as caught:
            failing()
        assert "\n" not in str(caught.value)


def test_a_pin_is_not_driven_as_an_input_and_knows_few_words(chip):
    pin = gpio._CHIPS[0].pin("gpiochip1:5")
    pin.function = "input"
    assert repr(pin) == "gpiochip1:5" and pin.pull == "floating"
    with pytest.raises(gpiozero.PinSetInput):
        pin.state = 1
    with pytest.raises(gpiozero.PinInvalidFunction):
        pin.function = "alt0"
    with pytest.raises(gpiozero.PinInvalidPull):
        pin.pull = "sideways"
    chip.levels[5] = 1
    pin.function = "output"  # keeps the level that the line has
    assert chip.log == [(5, 1)]
    pin.close()
