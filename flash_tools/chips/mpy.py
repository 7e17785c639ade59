"""A SPI NOR on a MicroPython board that lends its bus: `mpy:/dev/ttyACM0?spi=0&cs=17&sck=18&mosi=19&miso=16&hz=4000000`.

The driver that devices have (hal/nor_spi.py) is sent along and runs on the board; bytes travel as base64 through the raw REPL,
and what the chip holds already is found by digests instead. A program that runs on the board is left alone unless
`interrupt` says so; then it is started again at the end by a soft reset.
"""

import base64
import io
import json
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from agent.errors import FlashError
from flash_tools import mpy_line
from flash_tools.chips import options
from flash_tools.errors import SilentError, UsageError

USUAL_HZ = 4_000_000
SECTOR = 4096
_PIECE = 1024
_LARGEST = 1 << 30  # number that a board may say of its chip
_SENSELESS = "%s gives an answer without sense: the line loses bytes, or it is no MicroPython board"
_ROOT = Path(__file__).resolve().parents[2]
_SENT = (
    "agent/compat.py", "agent/errors.py", "hal/nor_sfdp.py", "hal/nor_wake.py", "hal/nor_chips.py", "hal/nor_aai.py",
    "hal/nor_identify.py", "hal/nor_spi.py", "ports/micropython/spi.py", "ports/micropython/clock.py",
    "ports/micropython/programmer.py",
)  # fmt: skip
_WIRES = ("sck", "mosi", "miso")
_EXAMPLE = "mpy:/dev/ttyACM0?spi=0&cs=17&sck=18&mosi=19&miso=16"
# A file system in RAM, from which the board imports what was sent: nothing is written onto it.
_RAM = """
import io, sys
try:
    import vfs as _vfs
except ImportError:
    import os as _vfs
class _Ram:
    def __init__(self):
        self.files = {}
    def mount(self, readonly, mkfs):
        pass
    def umount(self):
        pass
    def stat(self, path):
        path = path.strip("/")
        if path in self.files:
            return (0x8000, 0, 0, 0, 0, 0, len(self.files[path]), 0, 0, 0)
        for name in self.files:
            if name.startswith(path + "/"):
                return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)
    def open(self, path, mode):
        return io.BytesIO(self.files[path.strip("/")])
def _forget():
    for name in list(sys.modules.keys()):
        if name.split(".")[0] in ("agent", "hal", "ports"):
            del sys.modules[name]
_forget()
try:
    _vfs.umount("/fumo")
except OSError:
    pass
while "/fumo" in sys.path:
    sys.path.remove("/fumo")
_ram = _Ram()
_vfs.mount(_ram, "/fumo")
sys.path.insert(0, "/fumo")
"""
_START = """
import hal.nor_aai, hal.nor_identify  # imported later, where nothing can be any more
from hal.nor_spi import NorSpi as _Nor
from ports.micropython.spi import SpiLink as _Link
from ports.micropython.clock import Clock as _Clock
from ports.micropython.programmer import Programmer as _Programmer
import gc, machine
sys.path.remove("/fumo")
_vfs.umount("/fumo")
_ram.files.clear()
_link = _Link(%s, machine.Pin(%s, machine.Pin.OUT, value=1))
"""
_CHIP = """
gc.collect()
_chip = _Programmer(_Nor(_link, _Clock(), lambda: None), _link)
"""


class MpyFlash:
    """The Flash contract over the raw REPL, and a few calls that spare the line."""

    program_unit, blocking = 1, True

    def __init__(self, line, place: str) -> None:
        self._line, self._place = line, place
        try:
            name, self.size, self.page, units = json.loads(self._lines("_chip.facts()", 3)[0])
            self._said = self._answer
            self.part_name, self.erase_units = str(name), tuple((size, max_ms) for size, max_ms in units)
            self.jedec_id, self._tables = (base64.b64decode(each) for each in self._said[1:])
        except (ValueError, TypeError, RecursionError):
            raise SilentError(_SENSELESS % self._place) from None
        numbers = [self.size, self.page, *(number for unit in self.erase_units for number in unit)]
        if not self.erase_units or any(type(number) is not int or not 0 < number <= _LARGEST for number in numbers):
            raise SilentError(_SENSELESS % self._place)

    def tables(self) -> bytes:
        """Return the chip's SFDP tables."""
        return self._tables

    def read(self, addr: int, into) -> None:
        """Fill `into` from `addr` on."""
        view = memoryview(into)
        for start in range(0, len(into), _PIECE):
            size = min(_PIECE, len(into) - start)
            data = b"".join(map(base64.b64decode, self._lines("_chip.read(%d, %d)" % (addr + start, size))))
            if len(data) != size:
                raise SilentError("%s sent %d bytes of %d: the line loses some" % (self._place, len(data), size))
            view[start : start + size] = data

    def program(self, addr: int, data) -> None:
        """Program within one page."""
        if addr % self.page + len(data) > self.page or not len(data):
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (len(data), addr))
        self.program_run(addr, data)

    def program_run(self, addr: int, data) -> None:
        """Program any number of pages."""
        for start in range(0, len(data), _PIECE):
            text = base64.b64encode(data[start : start + _PIECE])
            self._lines("_chip.program(%d, %r)" % (addr + start, text))

    def erase(self, addr: int, size: int) -> None:
        """Erase one unit."""
        self._lines("_chip.erase(%d, %d)" % (addr, size))

    def busy(self) -> bool:
        """The board has waited already."""
        return False

    def digests(self, addr: int, size: int, unit: int) -> list[bytes]:
        """Return the SHA-256 of each `unit` bytes."""
        return [base64.b64decode(each) for each in self._lines("_chip.digests(%d, %d, %d)" % (addr, size, unit))]

    def scan(self, magic: bytes) -> list[int]:
        """Return where these bytes begin a sector."""
        try:
            found = json.loads(self._lines("_chip.scan(%r)" % magic, 1)[0])
            if isinstance(found, list) and all(type(addr) is int and 0 <= addr < self.size for addr in found):
                return found
        except (ValueError, RecursionError):
            pass
        raise SilentError(_SENSELESS % self._place)

    def id_and_status(self, count: int) -> list[tuple[bytes, int]]:
        """Ask `count` times anew."""
        answers = map(base64.b64decode, self._lines("_chip.id_and_status(%d)" % count))
        return [(each[:3], each[3]) for each in answers]

    def _lines(self, command, least=0):
        self._answer = _run(self._line, command).decode("ascii", "replace").splitlines()
        if len(self._answer) < least:
            raise SilentError("%s gave half an answer: the line loses bytes" % self._place)
        return self._answer


@contextmanager
def open_mpy(place: str, interrupt: bool = False):
    """Give the MpyFlash on a board; its serial line is locked meanwhile."""
    port, given = options.split(place, "spi", "soft", "cs", "hz", *_WIRES)
    code = _START % (_bus(place, given), _pin(given["cs"]))
    out = sys.stdout
    with mpy_line.connect(port, interrupt) as line, redirect_stdout(out):  # connect hides what mpremote prints
        try:
            _send(line)
            _run(line, code)
            _run(line, _CHIP)
            yield MpyFlash(line, "mpy:" + port)
        finally:
            if interrupt and line.in_raw_repl:
                mpy_line.soft_reset(line)


def _bus(place, given):
    """Return the MicroPython expression that makes the bus."""
    if "cs" not in given or ("spi" not in given and not all(wire in given for wire in _WIRES)):
        raise UsageError("%s: say how the chip is wired, as in %s" % (place, _EXAMPLE))
    hz = options.number(given, "hz", USUAL_HZ, 10_000, 80_000_000)
    wires = "".join(", %s=machine.Pin(%s)" % (wire, _pin(given[wire])) for wire in _WIRES if wire in given)
    if "spi" not in given or given.get("soft") == "1":
        return "machine.SoftSPI(baudrate=%d, polarity=0, phase=0%s)" % (hz, wires)
    number = options.number(given, "spi", 0, 0, 15)
    return "machine.SPI(%d, baudrate=%d, polarity=0, phase=0%s)" % (number, hz, wires)


def _pin(text):
    return text if text.isdecimal() else repr(text)


def _send(line):
    _run(line, _RAM)
    for name in _SENT:
        _run(line, "_ram.files[%r] = %r" % (name, (_ROOT / name).read_bytes()))


def _run(line, command):
    """Execute on the board; what the driver refuses there is a FlashError here."""
    from mpremote.transport import TransportExecError

    try:
        with redirect_stdout(io.StringIO()):
            return line.exec(command)
    except TransportExecError as e:
        said = str(e.error_output).strip().splitlines()[-1:] or [""]
        name, _, text = said[0].partition(": ")
        if name in ("FlashError", "MemoryError", "ValueError", "OSError"):
            raise FlashError(text if name == "FlashError" else "the board answers %s" % said[0]) from None
        raise
