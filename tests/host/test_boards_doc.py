"""The pages of the boards: adding a board is done here as its page says, links lead somewhere, words are those of the code."""

import contextlib
import importlib
import re
import types

import pytest

from agent import factory
from agent.identity import make_identity
from flash_tools.wiring.__main__ import DOCS
from hal.boot_record import BootRecord
from hal.hardware import Hardware
from hal.region import carve, layout_hash
from ports.cpython_linux import settings
from ports.cpython_linux.port import LinuxPort
from ports.cpython_linux.signature import verify
from tests.host.doc_examples import ROOT, follow
from tests.host.fake_chips import FAKE, Spidev, fumo

PAGE = DOCS / "add-your-board.md"
_CODE = re.compile(r"`([\w.]+)`[^`]*\n```\w+\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#]+)\)")
_INDENTED = re.compile(r"^ {4,}(fumo(?:-agent)? .*)$", re.MULTILINE)


class Clock:
    """Time that goes on by itself: a test has no patience."""

    def __init__(self):
        self._ms = 0

    def ms(self):
        self._ms += 1
        return self._ms

    def since(self, then):
        return self.ms() - then

    def sleep_ms(self, duration_ms):
        self._ms += duration_ms


class Watchdog:
    """Counts how often it is fed."""

    timeout_ms, fed = 15000, 0

    def feed(self):
        self.fed += 1


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Do what the page says in a folder; return the folder and the name of the board file."""
    folder, text = tmp_path_factory.mktemp("board"), PAGE.read_text()
    found = dict(_CODE.findall(text))
    for name, content in found.items():
        (folder / name).write_text(content)
    follow(text, folder)
    return folder, next(name for name in found if name.endswith(".py"))


@contextlib.contextmanager
def _port(folder, board, patch, chip="W25Q64"):
    """Give a port whose SPI has the chip that the page made, and whose lines are gpiozero's mock."""
    fake = Spidev(folder, part=chip, speed=100000)
    patch.setattr(board, "SPI", str(fake.device))
    fake.cells.write_bytes((folder / "chip.img").read_bytes())
    for name, value in fake.environ().items():
        patch.setenv(name, value)
    patch.syspath_prepend(str(FAKE))
    patch.delitem(importlib.sys.modules, "spidev", raising=False)
    port = LinuxPort(Clock(), Watchdog(), lambda *words: None)
    pins = []
    port.pin_in = lambda line, **more: pins.append((line, more)) or (lambda: False)
    yield port, pins
    importlib.sys.modules.pop("spidev", None)


def test_the_board_file_of_the_page_works(followed, monkeypatch):
    folder, name = followed
    board = settings.load_board(str(folder / name))
    with _port(folder, board, monkeypatch) as (port, pins):
        hardware = board.build(port)
        assert isinstance(hardware, Hardware) and hardware.layout == layout_hash(board.LAYOUT)
        assert pins == [(board.BUTTON, {"pull_up": True})] and not hardware.button()
        identity = make_identity(factory.read(hardware.factory), verify)
        assert identity.model == "kitchen"
        assert hardware.boot.confirmed() == 0 and len(hardware.banks) == 2
        assert port.watchdog.fed > 0 or hardware.erase_units


def test_another_chip_is_refused(followed, monkeypatch):
    folder, name = followed
    board = settings.load_board(str(folder / name))
    with _port(folder, board, monkeypatch, "W25Q128") as (port, _):
        with pytest.raises(Exception, match=r"(?i)chip|flash|ef"):
            board.build(port)


def test_the_chip_of_the_page_is_whole(followed):
    folder, name = followed
    layout = settings.load_board(str(folder / name)).LAYOUT
    image = (folder / "chip.img").read_bytes()
    ends = [start + size for _, start, size in layout]
    assert len(image) == max(ends) and len(layout) == 8
    assert carve(_Bytes(image), layout)["bank0"].size == layout[6][2]
    assert BootRecord(carve(_Bytes(image), layout)["boot"]).confirmed() == 0
    firmware = image[layout[6][1] :]
    assert firmware.startswith(b"PK\x03\x04")


class _Bytes:
    """A flash that is only read."""

    page, erase_units, program_unit, blocking = 256, ((4096, 400),), 1, True

    def __init__(self, data):
        self._data, self.size = data, len(data)

    def read(self, addr, into):
        into[:] = self._data[addr : addr + len(into)]

    def busy(self):
        return False


def test_the_page_tells_every_call_of_the_port():
    told = set(re.findall(r"`port\.(\w+)", PAGE.read_text()))
    public = {name for name in vars(LinuxPort) if not name.startswith("_")}
    drivers = {"spi", "mtd", "block", "i2c", "pin_out", "pin_in", "uart"}
    assert drivers <= told and drivers <= public
    assert told <= public | {"clock", "watchdog", "log"}


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_lead_somewhere(page):
    for link in _LINK.findall((DOCS / page).read_text()):
        if "://" in link:
            continue
        target = (DOCS / link).resolve()
        if link == "../rig.md" and not target.exists():
            pytest.skip("%s is not written yet" % link)
        assert target.exists() and target.is_relative_to(ROOT), link


def test_every_board_has_a_row_in_the_index():
    index = (DOCS / "index.md").read_text()
    for path in (ROOT / "board").glob("r*.py"):
        assert "[%s](%s.md)" % (path.stem, path.stem) in index
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or "](%s)" % page.name in index, page.name


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md") if _INDENTED.search(path.read_text())))
def test_the_commands_of_a_page_are_commands(page, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    lines = _INDENTED.findall((DOCS / page).read_text())
    assert lines
    for line in lines:
        words = line.split(" #")[0].split()
        options = [word for word in words if word.startswith("--")]
        if words[0] == "fumo-agent":
            assert words[1] in ("run", "check", "status", "install") and not options
            continue
        groups = ("keys", "package", "flash", "server", "device")
        said, _ = fumo(*words[1 : 3 if words[1] in groups else 2], "--help")
        assert all(option in said for option in options), line


def test_the_application_of_the_page_works():
    """It says what the page says that it does, by what a service has."""
    text = (DOCS / "service.md").read_text()
    names, said = {}, []
    exec(dict(_CODE.findall(text))["app.py"], names)
    port = types.SimpleNamespace(clock=types.SimpleNamespace(ms=lambda: 61000))
    service = types.SimpleNamespace(port=port, log=lambda form, *values: said.append(form % values))
    app = names["start"](service)
    assert [app.step(), app.step()] == [1000, 1000] and said == ["this is minute 1"]
    assert [test() for test in names["self_tests"]] == [True]
    told = set(re.findall(r"`service` has (.*?) \|", text)[0].replace("`", "").replace(",", "").split())
    made = (ROOT / "ports" / "cpython_linux" / "main.py").read_text()
    assert {"agent", "hardware", "port"} <= told and all(
        "self." + name in made for name in ("agent", "hardware", "port")
    )


def test_the_pages_constants_are_those_of_the_board_file():
    board = importlib.import_module("board.rpi_nor_hat")
    page = (DOCS / "rpi_nor_hat.md").read_text()
    for gpio, name in re.findall(r"\| GPIO(\d+) \| `(\w+)` \|", page):
        assert getattr(board, name) == int(gpio)
    assert "`%s`" % board.CHIP.hex() in page and board.FLASH_SIZE == 16 << 20
    assert "%.1f MiB each" % ({name: size for name, _, size in board.LAYOUT}["bank0"] / (1 << 20)) in page
