"""A Linux board as a whole: what its settings and board file name, where it writes, its service, the way to its first server."""

from collections.abc import Callable, Iterator
from types import ModuleType
from urllib.parse import urlsplit

from agent.errors import AgentError
from flash_tools.doctor import board_file, name_servers, network, places, service
from flash_tools.doctor.check import Check, Host, fail, skip
from flash_tools.dump import factory
from hal.region import Region

_READ_SPEED = 1000000
_WIDE = 1 << 24  # bytes that three bytes of address reach


def checks(host: Host, ask_service: Callable | None = None, spi: Callable | None = None, i2c=None) -> Iterator[Check]:
    """Look at the board that /etc/fumo-agent chooses; one line where it chooses none."""
    board, found = board_file.chosen(host)
    yield from found
    if not board:
        return
    yield from board_file.checks(host, board, spi, i2c)
    if (
        hasattr(board, "WATCHDOG_MS")
        and not (host.dev / "watchdog").exists()
        and not any(host.dev.glob("watchdog[0-9]"))
    ):
        do = "load its driver: dtparam=watchdog=on in a Raspberry Pi's config.txt, modprobe imx2_wdt or softdog elsewhere"
        yield fail("board watchdog", "there is no %s/watchdog0, and no agent without one" % host.dev, do)
    yield from places.checks(host, board, unit=service.facts(ask_service))
    yield from service.checks(ask_service)
    yield from _account(host, board, spi or board_file._spi)


def _account(host, board, spi):
    """Look at the way to the server that provisioning named, as the board trusts it."""
    try:
        facts = factory.facts_of(_factory_region(host, board, spi))
    except (AgentError, OSError, LookupError, AttributeError):
        facts = None
    accounts = (facts or {}).get("accounts")
    first = accounts[0] if isinstance(accounts, list) and accounts and isinstance(accounts[0], dict) else None
    if not first or not isinstance(first.get("url"), str):
        yield skip(
            "account",
            "no factory region can be read from here that names a server; `fumo doctor -b BOARD` looks closer",
        )
        return
    name = _name_of(first["url"])
    if name and not network.is_literal(name):
        yield from name_servers.checks(host, name)
    yield from network.checks(first["url"], facts.get("ca_pem"), prefix="account ")


def _name_of(url):
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _factory_region(host, board: ModuleType, spi):
    """Return what holds the factory region, read without a driver that would reset a chip which the agent is using."""
    layout = getattr(board, "LAYOUT", None) or board.layout_of(board.STATE_SIZE)
    start, size = {name: (at, size) for name, at, size in layout}["factory"]
    state = places.state_of(board)
    if state:
        cells = _File(host.at(state))
    elif hasattr(board, "TARGET_RESET") or not getattr(board, "SPI", None):
        raise LookupError
    else:
        cells = _Chip(spi(str(host.at(board.SPI)), getattr(board, "SPI_HZ", _READ_SPEED)), board.FLASH_SIZE)
    return Region(cells, start, size)


class _Cells:
    """As much of a flash as reading needs."""

    page, program_unit, erase_units, blocking = 256, 1, ((4096, 1000),), True


class _File(_Cells):
    def __init__(self, path):
        self._path = path

    def read(self, addr, into):
        with open(self._path, "rb") as file:
            file.seek(addr)
            data = file.read(len(into))
        into[: len(data)] = data
        into[len(data) :] = b"\xff" * (len(into) - len(data))


class _Chip(_Cells):
    """Only the read command, which a busy chip passes over: what comes then fails its check sum."""

    def __init__(self, link, size):
        self._link = link
        self._opcode, self._bytes = (0x13, 4) if size > _WIDE else (0x03, 3)

    def read(self, addr, into):
        view, step = memoryview(into), self._link.max_query
        for at in range(0, len(into), step):
            head = bytes((self._opcode,)) + (addr + at).to_bytes(self._bytes, "big")
            self._link.query(head, view[at : at + step])
