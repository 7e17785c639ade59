"""`fumo list` on a machine that is a folder, and here: names that --board takes, the lasting one first, nothing opened."""

import json
import os
from types import SimpleNamespace

from flash_tools import nearby
from flash_tools.doctor.check import Host
from flash_tools.sim import sim_files
from flash_tools.target import parse
from tests.host.fumo_inside import inside


def machine(tmp_path, user=1000, groups=(20,)):
    """Return a Host with a USB board, an SPI bus and an MTD, and pyserial's list of ports."""
    dev, mtd = tmp_path / "dev", tmp_path / "sys/class/mtd/mtd0"
    (dev / "serial/by-id").mkdir(parents=True)
    mtd.mkdir(parents=True)
    for name in ("ttyACM0", "ttyS0", "spidev0.1", "mtd0"):
        os.mkfifo(dev / name)  # who opened one would hang
    (dev / "serial/by-id/usb-Pico_E66-if00").symlink_to(dev / "ttyACM0")
    for name, text in (("name", "firmware\n"), ("size", "2097152\n"), ("type", "nor\n")):
        (mtd / name).write_text(text)
    (tmp_path / "sys/class/mtd/mtd0ro").mkdir()
    ports = [SimpleNamespace(device=str(dev / "ttyS0"), serial_number=None, description="n/a"),
             SimpleNamespace(device=str(dev / "ttyACM0"), serial_number="E66", description="Board in FS mode")]  # fmt: skip
    return Host(tmp_path / "sys", tmp_path, dev, tmp_path, user, groups), lambda: ports


def test_names_that_last_come_first(tmp_path):
    host, ports = machine(tmp_path)
    found = nearby.look(host, tmp_path, ports)
    assert [each.boards for each in found] == [
        ("serial:%s/serial/by-id/usb-Pico_E66-if00" % host.dev, "serial:%s/ttyACM0" % host.dev, "mpy:id:E66"),
        ("serial:%s/ttyS0" % host.dev,),
        ("spi:%s/spidev0.1" % host.dev,),
        ("mtd:firmware",),
    ]
    assert [each.what for each in found] == [
        "Board in FS mode", "serial port", "SPI bus, chip select 1", "MTD of 2097152 bytes, nor",
    ]  # fmt: skip
    for name in (name for each in found for name in each.boards):
        parse(name)


def test_who_may_open_it(tmp_path):
    host, ports = machine(tmp_path, user=os.geteuid() + 4711)
    assert not any(each.open_to_you for each in nearby.look(host, tmp_path, ports))
    (host.dev / "ttyS0").chmod(0o666)
    assert [each.open_to_you for each in nearby.look(host, tmp_path, ports)] == [False, True, False, False]


def test_a_machine_with_nothing(tmp_path, capsys, monkeypatch):
    host = Host(tmp_path, tmp_path, tmp_path, tmp_path)
    assert nearby.look(host, tmp_path, list) == []
    monkeypatch.setattr(nearby, "look", lambda folder: [])
    out, said = inside(capsys, monkeypatch, "list", tmp_path)
    assert out == "" and "nothing is within reach" in said


def test_simulated_devices_of_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sim_files.make(tmp_path / "dev0", size=8192)
    sim_files.make(tmp_path / "dev1", size=8192)
    (tmp_path / "dev1" / "serial").symlink_to("/dev/pts/99")
    (tmp_path / "other").mkdir()
    out, _ = inside(capsys, monkeypatch, "list", "--json")
    found = {each["boards"][0]: each["what"] for each in json.loads(out)["found"]}
    assert found["sim:dev0"] == "simulated device" and found["sim:dev1"] == "simulated device, runs with a serial line"
    assert "sim:other" not in found
    inside(capsys, monkeypatch, "status", "-b", "sim:dev0")
    assert "sim:dev0" in inside(capsys, monkeypatch, "list")[0]
