"""`fumo flash` as a user runs it: over a spidev, a simulated device's file, an MTD; words, result objects, exit codes."""

import errno
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from flash_tools.chips import mtd, open_chip
from flash_tools.errors import BusyError, NotFoundError, ToolError
from flash_tools.sim import sim_files
from hal import nor_wake
from ports.cpython_linux import mtd as mtd_port
from tests.host.fake_chips import FakeMtd, Spidev, fumo, process, state

K = 1024
SIZE = 2048 * K
LAYOUT = [["boot", 0, 12 * K], ["bank0", 64 * K, 512 * K], ["bank1", 1024 * K, 512 * K], ["spare", 1536 * K, 64 * K]]


@pytest.fixture
def bus(tmp_path):
    (tmp_path / "layout.json").write_text(json.dumps(LAYOUT))
    (tmp_path / "image").write_bytes(random.Random(1).randbytes(100 * K))
    return Spidev(tmp_path)


def on(bus, *words, code=0):
    """Run a command of `fumo flash` on the bus, with its layout; return its result object, or its words."""
    layout = ["--layout", bus.folder / "layout.json"]
    out, err = bus.fumo("flash", *words, "-b", bus.board, *layout, code=code)
    return json.loads(out) if "--json" in words and out else err


def test_a_chip_from_first_look_to_verified(bus):
    said = on(bus, "info", "--json")
    chip = said["chip"]
    assert (said["version"], said["command"], said["ok"]) == (1, "flash info", True)
    assert (chip["name"], chip["jedec_id"], chip["size"]) == ("W25Q16", "ef 40 15", SIZE)
    assert chip["sfdp"]["size"] == SIZE and [unit["size"] for unit in chip["erase_units"]] == [4096, 32768, 65536]
    assert [part["holds"] for part in said["regions"]] == ["blank"] * 4
    image = bus.folder / "image"
    plan = on(bus, "write", "bank1", image, "--dry-run", "--json")
    assert plan["dry_run"] and plan["programmed"] == 100 * K and plan["seconds"] > 0
    assert bus.cells.read_bytes() == b"\xff" * SIZE
    assert on(bus, "write", "bank1", image, "--json")["programmed"] == 100 * K
    assert bus.cells.read_bytes()[1024 * K :][: 100 * K] == image.read_bytes()
    assert "nothing was written" in on(bus, "write", "bank1", image)
    assert "bank1 holds" in on(bus, "verify", "bank1", image)
    assert "differ" in on(bus, "verify", "spare", bus.device.parent / "layout.json", code=5)
    taken = on(bus, "read", "--range", "1M:100K", bus.folder / "back", "--json")
    assert (bus.folder / "back").read_bytes() == image.read_bytes() and len(taken["sha256"]) == 64
    assert on(bus, "erase", "bank1", "--json")["erases"] == {"65536": 2}  # half of a unit is worth one
    assert bus.cells.read_bytes() == b"\xff" * SIZE


def test_people_see_tables_and_scripts_one_object(bus):
    out, err = bus.fumo("flash", "info", "-b", bus.board, "--layout", bus.folder / "layout.json")
    assert "W25Q16" in out and "bank1" in out and "revision" in out and err == ""
    out, err = bus.fumo("flash", "info", "-b", bus.board)
    assert "W25Q16" in out and "--layout" in err
    out, _ = bus.fumo("flash", "read", "nothing", "x", "-b", bus.board, "--json", code=2)
    assert json.loads(out)["exit_code"] == 2


@pytest.mark.parametrize(
    ("facts", "code", "said"),
    [
        ({"fault": "ff"}, 3, "no flash answers"),
        ({"fault": "00"}, 3, "no flash answers"),
        ({"fault": "stuck"}, 7, "still busy"),
        ({"fault": "no-wel"}, 1, "write-protect"),
        ({"deny": errno.EACCES}, 1, "group spi"),
        ({"deny": errno.EBUSY}, 4, "in use"),
        ({"mode": 3}, 1, "mode 0"),
        ({"max_message": 100}, 1, "bufsiz"),
    ],
)
def test_what_goes_wrong_with_a_chip(bus, facts, code, said, monkeypatch):
    monkeypatch.setattr(nor_wake, "_LONGEST_ERASE_MS", 50)
    bus.change(**facts, speed=20000)
    assert said in on(bus, "write", "bank1", bus.folder / "image", code=code)


def test_what_goes_wrong_before_the_chip(bus):
    image = bus.folder / "image"
    for words, code in (
        (("info", "-b", "spi:/dev/spidev77.0"), 3),
        (("info", "-b", "spi:%s?speed=1" % bus.device), 2),
        (("info", "-b", "spi:%s?hz=x" % bus.device), 2),
        (("info", "-b", "usb:1"), 2),
        (("info", "-b", "ssh:me@there"), 2),
        (("info", "-b", "mtd:nothing"), 3),
        (("info", "-b", "mpy:/dev/pts/9999?spi=0&cs=1"), 3),
        (("info", "-b", "mpy:/dev/ttyACM0"), 2),
        (("info", "-b", "file:nothing.bin"), 3),
        (("write", "bank1", "nothing", "-b", bus.board), 1),
        (("write", "bank1", "-b", bus.board), 2),
        (("write", "bank1", image, "--range", "0:4K", "-b", bus.board), 2),
        (("erase", "spare", "--range", "0x180000:4K", "-b", bus.board), 2),
        (("erase", "-b", bus.board), 2),
        (("write", "bank1", image, "-b", bus.board, "--layout", "no_such_board"), 2),
    ):
        bus.fumo("flash", *words, code=code)


def test_what_is_no_file_is_not_replaced(bus, monkeypatch):
    """A pipe, a folder, or `-`, which people take for stdout."""
    monkeypatch.chdir(bus.folder)
    pipe = bus.folder / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, bus.folder):
        assert "it is no file" in on(bus, "read", "spare", path, code=1)
        assert path.exists() and not path.is_file()
    assert "name a file" in on(bus, "read", "spare", "-", code=2)
    assert not list(bus.folder.glob("*.part*")) and not (bus.folder / "-").exists()


def test_a_chip_that_does_not_fit_the_layout(bus):
    bus.change(part="MX25L4005A")
    assert "does not suit" in on(bus, "erase", "spare", code=1)


def test_one_command_at_a_time(bus):
    with open(bus.device, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "in use" in on(bus, "info", code=4)


def test_ctrl_c_is_130_and_the_next_run_finishes(bus):
    on(bus, "write", "bank1", bus.folder / "image")
    (bus.folder / "other").write_bytes(random.Random(2).randbytes(512 * K))
    bus.change(speed=1)
    words = ["flash", "write", "bank1", bus.folder / "other", "-b", bus.board, "--layout", bus.folder / "layout.json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "flash_tools", *map(str, words)], stderr=subprocess.PIPE, text=True,
        env={**os.environ, **bus.environ()},
    )  # fmt: skip
    end = time.monotonic() + 30
    while not list(bus.folder.glob("state/fumo/flash/*.json")) and time.monotonic() < end:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=30)[1]
    assert running.returncode == 130 and said.strip() == "fumo: stopped: run the same command again, it goes on"
    bus.change(speed=200)
    assert on(bus, "info", "--json")["unfinished"] == "write bank1"
    assert bus.cells.read_bytes()[1024 * K :][: 512 * K] != (bus.folder / "other").read_bytes()
    on(bus, "write", "bank1", bus.folder / "other")
    assert bus.cells.read_bytes()[1024 * K :][: 512 * K] == (bus.folder / "other").read_bytes()
    assert on(bus, "info", "--json")["unfinished"] is None


def test_a_command_that_is_killed_is_finished_too(bus):
    on(bus, "write", "bank1", bus.folder / "image")
    (bus.folder / "other").write_bytes(random.Random(2).randbytes(100 * K))
    bus.change(die_after=700)
    layout = ["--layout", bus.folder / "layout.json"]
    with pytest.raises(AssertionError, match="99"):
        process("flash", "write", "bank1", bus.folder / "other", "-b", bus.board, *layout, env=bus.environ())
    bus.change(die_after=0)
    assert on(bus, "info", "--json")["unfinished"] == "write bank1"
    on(bus, "write", "bank1", bus.folder / "other")
    assert bus.cells.read_bytes()[1024 * K :][: 100 * K] == (bus.folder / "other").read_bytes()


@pytest.fixture
def device(tmp_path):
    files = sim_files.make(tmp_path / "dev", version="1.0")
    (tmp_path / "up.fup").write_bytes(files.update("2.0"))
    return files


def test_a_package_into_a_bank(device, tmp_path):
    board, env = "sim:%s" % device.folder, state(tmp_path)
    for bank in ("bank0", "boot", "all"):
        assert "--force" in fumo("flash", "write", bank, tmp_path / "up.fup", "-b", board, code=2, env=env)[1]
    assert "2.0, its signature: good" in fumo("flash", "write", "bank1", tmp_path / "up.fup", "-b", board, env=env)[1]
    fumo("flash", "verify", "bank1", tmp_path / "up.fup", "-b", board, env=env)
    fumo("flash", "verify", "bank0", tmp_path / "up.fup", "-b", board, code=5, env=env)
    held = json.loads(fumo("flash", "info", "-b", board, "--json", env=env)[0])["regions"]
    assert [part["holds"] for part in held if part["name"].startswith("bank")] == ["1.0, confirmed", "2.0"]
    before = device.flash.read_bytes()
    (tmp_path / "bad.fup").write_bytes(b"\0" + device.update("3.0"))
    for verb in ("write", "verify"):
        assert "does not begin" in fumo("flash", verb, "bank1", tmp_path / "bad.fup", "-b", board, code=5, env=env)[1]
    assert device.flash.read_bytes() == before
    (tmp_path / "bad.fup").write_bytes(sim_files.make(tmp_path / "else").update("3.0"))
    assert "key" in fumo("flash", "write", "bank1", tmp_path / "bad.fup", "-b", board, code=6, env=env)[1]


def test_a_device_that_runs_is_left_alone(device, tmp_path):
    with open(device.flash, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        board = "sim:%s" % device.folder
        assert "in use" in fumo("flash", "erase", "bank1", "-b", board, code=4, env=state(tmp_path))[1]


# -- MTD, in this process: the kernel here has none -------------------------------------------------------------------


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    fake = FakeMtd(tmp_path)
    fake.add(2, "firmware", SIZE)
    monkeypatch.setattr(mtd, "ROOTS", fake.roots())
    monkeypatch.setattr(mtd, "IOCTL", fake.ioctl)
    return fake


def test_an_mtd_by_its_name(kernel):
    with open_chip("mtd:firmware", "sim_nor", write=True) as chip:
        assert (chip.name, chip.jedec_id, chip.sfdp) == ("w25q16", b"\xef\x40\x15", None)
        chip.regions()["bank1"].erase(0, 4096)
        with pytest.raises(BusyError), open_chip("mtd:firmware"):
            pass
    assert kernel.erased == [(0x110000, 4096)]
    with pytest.raises(NotFoundError, match="firmware"), open_chip("mtd:other"):
        pass
    kernel.refuse[mtd_port.MEMERASE64] = errno.EROFS
    with pytest.raises(ToolError, match="write-protected"), open_chip("mtd:firmware", "sim_nor", True) as chip:
        chip.flash.erase(0, 4096)
