"""The Linux board that this machine is by /etc/fumo-agent: are settings and board file right, and is there what they name?

Works on the constants of the board file; nothing is built, nothing is written, and the agent that runs is not disturbed: a chip
is only asked for its id, and not where the board file says that it is another processor's.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

from agent.errors import AgentError
from flash_tools.doctor.check import Check, Host, fail, ok, skip
from flash_tools.doctor.devices import refusal
from hal.nor_chips import PARTS
from ports.cpython_linux import access

_LINES = ("LED", "BUTTON", "WRITE_PROTECT", "HOLD", "TARGET_RESET", "CONFIRMED_LINE")
_ADDRESS_BYTES = {"EEPROM": 2, "FRAM": 2}  # one too many would be taken for a byte to be written
_ID_TRIES = 20  # a chip that works for the agent answers with nothing
_SWITCH_SPI = "switch SPI on (raspi-config, or dtparam=spi=on in config.txt) and start again; ls /dev/spidev*"
_SWITCH_I2C = "switch I2C on (raspi-config, or dtparam=i2c_arm=on in config.txt; modprobe i2c-dev) and start again"
_SWITCH_UART = "switch the serial port on and the login on it off (raspi-config, or enable_uart=1), and start again"


def chosen(host: Host) -> tuple[ModuleType | None, list[Check]]:
    """Return the board file that the settings choose, and what is to be said of it; None where there is none to be had."""
    from ports.cpython_linux import settings

    folder = host.etc / "fumo-agent"
    try:
        found = settings.read(str(folder))
        if not found.board:
            return None, [skip("board", "no board is chosen in %s/config.toml" % folder)]
        board = settings.load_board(found.board)
        found.options(board)
    except AgentError as e:
        what, colon, do = str(e).partition(": ")
        return None, [fail("board", what, do if colon else "mend %s/config.toml: fumo config check" % folder)]
    except Exception as e:  # whatever a file of somebody's own does
        what = "the board file %s fails: %s: %s" % (found.board, type(e).__name__, " ".join(str(e).split()))
        return None, [fail("board", what, "mend the board file, or choose another one in %s/config.toml" % folder)]
    if not callable(getattr(board, "build", None)):
        return None, [fail("board", "%s has no build(port)" % found.board, "choose a board file, see docs/boards")]
    return board, [ok("board", found.board)]


def checks(host: Host, board: ModuleType, spi: Callable | None = None, i2c: Callable | None = None) -> Iterator[Check]:
    """Look for everything that the board file names; `spi(path, hz)` and `i2c(path, address, address_bytes)` open a link."""
    place = getattr(board, "SPI", None)
    if place:
        check = _device(host, "board spi", place, _SWITCH_SPI, "spi")
        yield check
        if check.verdict == "ok":
            yield _chip(host, board, spi or _spi)
    if getattr(board, "UART", None):
        yield _device(host, "board uart", board.UART, _SWITCH_UART, "dialout")
    yield from _lines(host, board)
    for name in ("EEPROM", "TEMPERATURE", "SUPERVISOR", "FRAM"):
        if getattr(board, name, None):
            yield _i2c_part(host, name, *getattr(board, name)[:2], i2c or _i2c)


def _device(host, name, place, remedy, group):
    path = host.at(place)
    if not path.exists():
        return fail(name, "%s is not there" % place, remedy)
    if not access.allows(path.stat(), host.user, host.groups):
        return fail(name, refusal(host, place), _join(host, path, group))
    return ok(name, place)


def _join(host, path, group):
    if host.who:
        return access.remedy(path.stat(), host.who)
    return "sudo usermod -aG %s $USER, then log in again" % group


def _chip(host, board, spi):
    """Compare the id of the chip with the one that the board file names."""
    name, wanted = "board chip", getattr(board, "CHIP", None)
    wanted = PARTS[wanted][0] if isinstance(wanted, str) and wanted in PARTS else wanted
    if hasattr(board, "TARGET_RESET"):
        return skip(name, "it is the target's while that runs; the agent looks at it before it writes")
    if not isinstance(wanted, bytes):
        return skip(name, "the board file names no chip")
    found = bytearray(len(wanted))
    try:
        link = spi(str(host.at(board.SPI)), getattr(board, "SPI_HZ", 1000000))
        try:
            for _ in range(_ID_TRIES):
                link.query(b"\x9f", found)
                if bytes(found) == wanted:
                    return ok(name, "id %s, as the board file names it" % wanted.hex())
        finally:
            link.close()
    except AgentError as e:
        what, colon, do = str(e).partition(": ")
        return fail(name, what, do if colon else "check the SPI driver")
    if set(found) in ({0}, {255}):
        return fail(name, "no chip answers (id %s)" % found.hex(), "check wiring, chip select and supply of the chip")
    do = "solder the part that the board file names, or name this one: CHIP in a board file of your own"
    return fail(name, "the chip has id %s, the board file names %s" % (found.hex(), wanted.hex()), do)


def _lines(host, board):
    named = {name: getattr(board, name) for name in _LINES if getattr(board, name, None) is not None}
    if not named:
        return
    there = sorted(path.name for path in host.dev.glob("gpiochip*"))
    wanted = {line.partition(":")[0] for line in named.values() if isinstance(line, str) and ":" in line}
    missing = sorted(wanted - set(there))
    if missing or not there:
        text = "%s: not there, and %s needs it" % (", ".join(missing) or "gpiochip0", ", ".join(sorted(named)))
        yield fail(
            "board gpio", text, "load its driver (see gpiodetect and dmesg), or name another line in the board file"
        )
        return
    closed = [name for name in there if not access.allows((host.dev / name).stat(), host.user, host.groups)]
    if closed:
        yield fail("board gpio", refusal(host, ", ".join(closed)), _join(host, host.dev / closed[0], "gpio"))
    else:
        yield ok(
            "board gpio", "%s; %s" % (", ".join(there), ", ".join("%s %s" % pair for pair in sorted(named.items())))
        )


def _i2c_part(host, part, bus, address, i2c):
    name = "board %s" % part.lower()
    check = _device(host, name, "/dev/i2c-%d" % bus, _SWITCH_I2C, "i2c")
    if check.verdict != "ok":
        return check
    try:
        link = i2c(str(host.at("/dev/i2c-%d" % bus)), address, _ADDRESS_BYTES.get(part, 1))
        try:
            link.read(0, bytearray(1))
        finally:
            link.close()
    except AgentError as e:
        what, colon, do = str(e).partition(": ")
        return fail(name, what, do if colon else "check its wiring and address")
    return ok(name, "answers at 0x%02x on bus %d" % (address, bus))


def _spi(path, hz):
    from ports.cpython_linux.spi import SpiLink

    return SpiLink(path, hz)


def _i2c(path, address, address_bytes):
    from ports.cpython_linux.i2c import I2cLink

    return I2cLink(path, address, address_bytes)
