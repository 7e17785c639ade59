"""The command `fumo` and the emulated board: over its serial line while it runs, and on the board itself, through spidev or MTD."""

import json
import shutil

import pytest

from flash_tools.rig.emulator import build
from flash_tools.rig.emulator.machine import EmulatedBoard
from flash_tools.rig.linux_goods import LinuxGoods
from tests.rig import on_board
from tests.rig.on_board import CALL, FIRST
from tests.rig.test_board_parts import fumo, machine_of, small_update
from tests.rig.test_linux_drivers import BASE

pytestmark = [
    pytest.mark.lg_feature("emulated"),
    pytest.mark.skipif(not build.ready(BASE), reason="no emulated board is built here: `make rig-base` makes it"),
]
SPI = "spi:/dev/spidev0.0?part=sst25vf016b-qemu"
ON_TRIAL = 11  # exit code of `fumo status`


@pytest.fixture(scope="module")
def tools():
    """Give the files of the tools for the board."""
    if not on_board.fetch():
        pytest.skip("the board's wheel of pydantic_core is not here: `make rig` downloads it while there is a network")
    return on_board.tools()


# -- over the serial line ----------------------------------------------------------------------------------------------


def test_the_tools_against_a_board_that_runs(make_rig, tools, tmp_path):
    """Watched, asked, confirmed and rolled back over its line; its chip read on the board, and from its file."""
    rig = make_rig(user="yes", trial_s=300, trial_max_s=600, start=False)
    program, machine = rig.strategy.power.program, machine_of(rig)
    program.more, machine.layers = tools, (build.CRYPTOGRAPHY,)
    package = rig.server.add_package(small_update(rig, "2.0"), "fw-2.0.fup")
    try:
        rig.power(True)
        with program.lent_line() as line:
            board = "serial:" + line
            assert "1.0 in bank 0" in fumo("status", "-b", board)
            order = rig.order(package, "download-and-update")
            told = fumo("monitor", "-b", board, "--until", "trial version 2.0", "--timeout", "200")
            assert "progress" in told and "reset commanded" in told and "state 60" in told
            assert "on trial" in fumo("status", "-b", board, "--timeout", "60", code=ON_TRIAL)
            assert "is kept" in fumo("confirm", "-b", board)
            outcome = order.wait(rig.update_s)
            assert (outcome.result, outcome.code) == ("done", 200)
            _same_answers(machine, tmp_path)
            assert "restarts" in fumo("rollback", "-b", board)
            fumo("monitor", "-b", board, "--until", "trial version 1.0", "--timeout", "120")
        rig.tally.heard("boot 1")
    finally:
        machine.layers = ()


def _same_answers(machine, folder):
    """The chip through spidev on the board, beside the agent, and its file on this computer: the same is said of both."""
    machine.run(FIRST + CALL)
    here, image = {}, folder / "chip.img"
    shutil.copy(machine.folder / "flash.img", image)
    for words in (("flash", "info"), ("dump",)):
        there = json.loads(on_board.fumo(machine, *words, "-b", SPI, "--json", timeout_s=120))
        here = json.loads(fumo(*words, "-b", "file:%s" % image, "--json"))
        for answer in (there, here):
            _forget(answer)
        assert there == here and len(there) > 2
    on_board.fumo(machine, "flash", "read", "-b", SPI, "bank1", "/tmp/bank1.bin", timeout_s=120)
    assert "holds" in on_board.fumo(machine, "flash", "verify", "-b", SPI, "bank1", "/tmp/bank1.bin", timeout_s=120)
    there = machine.run(
        "import hashlib\nprint(hashlib.sha256(open('/tmp/bank1.bin', 'rb').read()).hexdigest())"
    ).strip()
    assert there in fumo("flash", "read", "-b", "file:%s" % image, "bank1", str(folder / "bank1.bin"))
    checks = _doctor(machine)
    assert checks["board chip"][0] == checks["board eeprom"][0] == checks["board temperature"][0] == "ok"
    assert checks["watchdog0 owner"][0] == "ok", "the agent has it"


def _forget(answer):
    """Take out what tells who looked, and how: names of places, the chip as an id names it and a file does not."""
    for name in ("board", "chip", "unfinished", "journal", "settings", "timeline"):  # the agent goes on writing
        answer.pop(name, None)
    for name in ("name", "jedec_id", "file", "board", "source"):
        answer.get("flash", {}).pop(name, None)


def _doctor(machine, code=None, *words):
    """Run the doctor on the board; return {check: (verdict, what, do)}."""
    source = "import json\nprint(json.dumps(fumo('doctor', '--json', *%r)))" % (words,)
    found, out, err = json.loads(machine.run(source, 120))
    assert found in ((0, 1) if code is None else (code,)) and not err, err
    return {each["name"]: (each["verdict"], each["what"], each["do"]) for each in json.loads(out)["checks"]}


# -- planted faults ----------------------------------------------------------------------------------------------------

WRONG_CHIP = b'from board.rig_imx6 import *\nCHIP, SELECT = b"\\xef\\x40\\x18", "/mnt"\n'
PLANT = """
import os, subprocess
dog = open("/dev/watchdog0", "wb", 0)
subprocess.run("mount -o remount,size=1M /run; mount -t tmpfs -o ro none /mnt; date -s 1970-01-02", shell=True, check=True)
open("/etc/resolv.conf", "w").write("nameserver 10.0.2.99\\n")
"""
MEND = """
dog.write(b"V")
dog.close()
subprocess.run("mount -o remount,size=64M /run; umount /mnt", shell=True, check=True)
"""


@pytest.fixture
def goods(dm, tmp_path):
    """Give the files of a board whose server is known by a name."""
    bundle = dm.open().add_device("rig:1")
    text = json.dumps(bundle).replace("10.0.2.2", "dm.example.com")
    assert "dm.example.com" in text
    goods = LinuxGoods()
    return goods, goods.files(json.loads(text))


def _board(folder, tools, files, **options):
    folder.mkdir(exist_ok=True)
    (folder / "flash.img").write_bytes(files["flash.img"])
    payload = {**tools, "etc/fumo-agent/config.toml": files["config.toml"], "root/wrong_chip.py": WRONG_CHIP}
    return EmulatedBoard(folder, BASE, payload, layers=(build.CRYPTOGRAPHY,), watchdog_s=60, **options)


def test_the_doctor_names_planted_faults(tools, goods, tmp_path):
    config = goods[1]["config.toml"].replace(b'"rig_imx6"', b'"/root/wrong_chip.py"')
    files = {**goods[1], "config.toml": config}
    with _board(tmp_path / "board", tools, files, kernel_words="spidev.bufsiz=512") as machine:
        machine.on()
        machine.run(FIRST + CALL + PLANT)
        found = _doctor(machine, 1)
        machine.run(MEND)
    wanted = {
        "watchdog0 owner": ("warn", "python3", "one program at a time"),
        "board chip": ("fail", "id bf2541, the board file names ef4018", "name this one"),
        "spidev buffer": ("warn", "512 bytes", "spidev.bufsiz"),
        "ram disk": ("fail", "no firmware can be copied", "give it more"),
        "boot partition": ("fail", "can only be read", "remount,rw"),
        "clock": ("fail", "1970-01-02", "date -s"),
        "name server 10.0.2.99": ("fail", "", "name another one"),
    }
    for name, (verdict, what, do) in wanted.items():
        assert found[name][0] == verdict and what in found[name][1] and do in found[name][2], (name, found.get(name))


# -- the kernel's own driver -------------------------------------------------------------------------------------------

MTD = """
from ports.cpython_linux.mtd import Mtd, names
name, data = next(iter(names().values())), bytes(range(256))
mtd = Mtd(name, write=True)
mtd.erase(0x1FF000, 4096)
blank, found = bytearray(4096), bytearray(4096)
mtd.read(0x1FF000, blank)
for at in range(0, 4096, 256):
    mtd.program(0x1FF000 + at, data)
mtd.read(0x1FF000, found)
print(mtd.path, mtd.size, mtd.page, mtd.erase_units[0][0], blank == b"\\xff" * 4096, found == data * 16)
mtd.erase(0x1FF000, 4096)
mtd.close()
"""


def test_the_kernels_driver_has_the_chip(tools, goods, tmp_path):
    """The chip as MTD: read, erased, programmed, an update written into the spare bank; and the doctor misses spidev."""
    maker, files = goods
    data = _small(maker)
    with _board(tmp_path / "board", tools, files, spi="mtd") as machine:
        machine.payload["root/fw.fup"] = data
        machine.on()
        machine.run(FIRST + CALL)
        assert machine.run(MTD) == "/dev/mtd0 2097152 256 4096 True True\n"
        found = _doctor(machine, 1)
        assert found["board spi"][0] == "fail" and "switch SPI on" in found["board spi"][2]
        board = "mtd:" + machine.run("print(name)").strip()
        assert "2 MiB" in on_board.fumo(machine, "flash", "info", "-b", board)
        told = on_board.fumo(machine, "flash", "write", "-b", board, "bank1", "/root/fw.fup", timeout_s=240)
        assert "bank1 holds 2.0, its signature: good" in told, told
        machine.off()
        image = tmp_path / "board" / "flash.img"
        assert "holds" in fumo("flash", "verify", "-b", "file:%s" % image, "bank1", _kept(tmp_path, data))


def _small(maker) -> bytes:
    class Rig:
        class strategy:
            class board:
                goods = maker

    return small_update(Rig, "2.0")


def _kept(folder, data):
    (folder / "fw-2.0.fup").write_bytes(data)
    return str(folder / "fw-2.0.fup")
