"""An emulated board on a bench: its power, its chip, its serial line, its temperature, its pins, and Python run on it."""

import atexit
import socket
import subprocess
import time
import weakref
from contextlib import suppress
from pathlib import Path

from flash_tools.errors import SilentError, ToolError, UsageError
from flash_tools.rig.emulator import board_files, build, commands, gpio_lines, launch, qemu_command
from flash_tools.rig.emulator.chip_server import ChipServer
from flash_tools.rig.emulator.control import Control
from flash_tools.rig.emulator.control import GuestError as GuestError
from flash_tools.rig.emulator.qemu_command import FLASH, Equipment
from flash_tools.rig.emulator.qmp import Qmp
from flash_tools.rig.emulator.serial_relay import SerialRelay

BOOT_S = 120  # a boot takes 4 s alone, many times that on a busy machine
_boards: weakref.WeakSet = weakref.WeakSet()


class EmulatedBoard:
    """A board in a folder of its own. `payload` are files by their path on the board; /etc/rig/start is what it runs.

    `layers` are optional parts of the base (build.CRYPTOGRAPHY); `ports` the board's ports to reach, as ("udp", 9876);
    `exact_cuts` lets cut_after() take the power inside of one operation of the chip. What else the board may have is in
    qemu_command.Equipment. What is in the folder stays: a later board there has the same chip.
    """

    def __init__(self, folder, base, payload=None, *, layers=(), ports=(), **equipment):
        self.folder, self.base = Path(folder).resolve(), Path(base).resolve()
        if not build.ready(self.base):
            raise UsageError("%s holds no emulated board of this version: call build() first" % self.base)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.payload, self.layers = dict(payload or {}), layers
        self.forward = {(kind, port): _free_port(kind) for kind, port in ports}
        rules = tuple((kind, free, port) for (kind, port), free in self.forward.items())
        self._equipment = Equipment(self.base / build.KERNEL, forward=rules, **equipment)
        self._process = self._control = self._qmp = self._lines = self._chip = None
        self._wires: dict[tuple[int, int], bool] = {}
        board_files.have_chips(self.folder)
        self._relays = {"serial": SerialRelay(), "second": SerialRelay()}
        _boards.add(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def serial(self) -> str:
        """Return the path of the agent's serial line (ttymxc2 on the board)."""
        return self._relays["serial"].path

    @property
    def second_serial(self) -> str:
        """Return the path of another serial line (ttymxc3 on the board)."""
        return self._relays["second"].path

    @property
    def alive(self) -> bool:
        """Tell whether the board has power."""
        return self._process is not None and self._process.poll() is None

    @property
    def boots(self) -> int:
        """Return how often the board came up since the power came, as far as somebody waited or ran something."""
        return self._control.boots if self._control else 0

    def on(self, wait: bool = True) -> None:
        """Give the board power; `wait` until it is up."""
        if self.alive:
            return
        self.off()
        program = commands.find("qemu-system-arm")
        board_files.write(self.folder, self.base, self.layers, self.payload)
        ours, theirs = _socket_pairs()
        try:
            fds = {name: channel.fileno() for name, channel in theirs.items()}
            self._start([program, *qemu_command.arguments(self._equipment, fds)], tuple(fds.values()))
        except OSError as e:
            for channel in ours.values():
                channel.close()
            raise ToolError("QEMU cannot be started: %s" % e.strerror) from None
        finally:
            for channel in theirs.values():
                channel.close()
        self._connect(ours)
        if wait:
            self.wait_boot(1)

    def off(self) -> None:
        """Cut the power: the board stops dead, its chip ends what it was told before, and QEMU gets SIGKILL."""
        if self._process is not None:
            if self.alive and self._qmp:
                self._qmp.stop()
            self._process.kill()
            self._process.wait()
        if self._chip:
            self._chip.finish()
        for relay in self._relays.values():
            relay.connect(None)
        for channel in (self._control, self._qmp, self._lines):
            if channel:
                channel.close()
        self._process = self._control = self._qmp = self._lines = self._chip = None

    def kill(self) -> None:
        """Cut the power by SIGKILL alone: nobody is told before."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.off()

    def cut_after(self, operations: int, seed: int = 0) -> None:
        """Take the power inside of an operation of the chip, 1 is the next one, and leave a torn page or a half-erased sector."""
        self._powered(self._chip).cut_after(operations, seed)

    def wait_off(self, timeout_s: float = BOOT_S) -> tuple[int, str] | None:
        """Wait until a cut has taken the power; return the address and "program" or "erase" of what it tore."""
        chip, process = self._powered(self._chip), self._process
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise SilentError(
                "the power is still on after %g s: %d operations of the chip" % (timeout_s, chip.operations)
            ) from None
        self.off()
        return chip.torn

    def wait_operations(self, least: int, timeout_s: float = 10) -> int:
        """Return how many programs and erases of the chip there were; the emulator hands them on with a delay."""
        chip, end = self._powered(self._chip), time.monotonic() + timeout_s
        while chip.operations < least and time.monotonic() < end:
            time.sleep(0.02)
        return chip.operations

    def close(self) -> None:
        """Cut the power and give everything back; the files stay."""
        self.off()
        for relay in self._relays.values():
            relay.close()
        _boards.discard(self)

    def run(self, source: str, timeout_s: float = 30) -> str:
        """Run Python on the board and return what it prints; it may wait for the board to come up first."""
        return self._powered(self._control).run(source, timeout_s)

    def wait_boot(self, count: int = 1, timeout_s: float = BOOT_S) -> None:
        """Wait until the board came up `count` times since the power came: 2 is the first reset by itself."""
        try:
            self._powered(self._control).wait_boot(count, timeout_s)
        except SilentError as e:
            raise SilentError("%s%s" % (e, self._complaint())) from None

    def qmp(self, command: str, **arguments):
        """Give QEMU a command and return what it returns; blanks in names are written as underscores."""
        return self._powered(self._qmp).command(command, **arguments)

    def events(self, event: str) -> int:
        """Return how often QEMU told of an event, RESET or WATCHDOG, since the power came."""
        return self._powered(self._qmp).seen(event)

    def wait_event(self, event: str, count: int = 1, timeout_s: float = BOOT_S) -> None:
        """Wait until QEMU told of an event `count` times since the power came."""
        self._powered(self._qmp).wait_event(event, count, timeout_s)

    def temperature(self, milli_celsius: int) -> None:
        """Set what the temperature sensor (tmp105, i2c-1, 0x49) feels."""
        self.qmp("qom-set", path="/machine/peripheral/temperature", property="temperature", value=milli_celsius)

    def line(self, chip: int, number: int, level: bool) -> None:
        """Put a level on a GPIO input from outside, as a button does; it stays there over resets and without power."""
        gpio_lines.check(chip, number)
        self._wires[chip, number] = level
        if self.alive:
            self._lines.drive(chip, number, level)

    def output(self, chip: int, number: int) -> bool | None:
        """Return the level that the board puts on a GPIO pin; None where the pin is an input."""
        return self._powered(self._lines).output(chip, number)

    def console(self) -> str:
        """Return what the kernel's console printed, over all boots in this folder."""
        path = self.folder / qemu_command.CONSOLE
        return path.read_text(errors="replace") if path.exists() else ""

    def _start(self, argv, fds):
        with open(self.folder / qemu_command.ERRORS, "wb") as log:
            options = {"stdin": launch.NOTHING, "stdout": log, "stderr": log, "pass_fds": fds, "cwd": self.folder}
            self._process = launch.start(argv, **options)

    def _connect(self, channels):
        self._relays["serial"].connect(channels["serial"])
        self._relays["second"].connect(channels["second"])
        self._control = Control(channels["control"])
        if self._equipment.exact_cuts:
            self._chip = ChipServer(self.folder / FLASH, channels["chip"], self._process.kill)
        else:
            channels["chip"].close()
        self._lines = gpio_lines.GpioLines(channels["qtest"])
        try:
            self._qmp = Qmp(channels["qmp"], self._hear)
        except ToolError:
            complaint = self._complaint()
            channels["qmp"].close()
            self.off()
            raise ToolError("QEMU did not start%s" % complaint) from None
        (self.folder / qemu_command.INITRD).unlink()  # QEMU has read its 40 MB
        self._hear("RESET")

    def _hear(self, event):
        """Put the levels from outside on the pins again: QEMU forgets them at every reset."""
        if event == "RESET":
            with suppress(ToolError, AttributeError):  # the power goes at the same time
                for (chip, number), level in list(self._wires.items()):
                    self._lines.drive(chip, number, level)

    def _powered(self, channel):
        if channel is None:
            raise SilentError("the emulated board has no power")
        return channel

    def _complaint(self):
        with suppress(OSError):
            text = (self.folder / qemu_command.ERRORS).read_text(errors="replace")
            return ": " + commands.complaint(text) if text.strip() else ""
        return ""


def _socket_pairs():
    pairs = {name: socket.socketpair() for name in qemu_command.CHANNELS}
    return {name: pair[0] for name, pair in pairs.items()}, {name: pair[1] for name, pair in pairs.items()}


def _free_port(kind):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@atexit.register
def _all_off():
    for board in list(_boards):
        board.close()
