"""`fumo doctor` on where a Linux board's agent writes: RAM disk, boot partition, state. The boards are folders."""

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from flash_tools.doctor import places
from flash_tools.doctor.check import Host
from tests.host.test_doctor_host import by_name, put


@pytest.fixture(name="host")
def make_host(tmp_path):
    roots = {name: tmp_path / name for name in ("sys", "proc", "dev", "run", "etc", "root")}
    for path in roots.values():
        path.mkdir()
    return Host(**roots, user=os.geteuid(), groups=tuple(os.getgroups()))


@pytest.mark.parametrize(("kib", "verdict"), [(1000, "fail"), (3000, "warn"), (6000, "ok")])
def test_a_ram_disk_that_is_full(host, kib, verdict):
    board = SimpleNamespace(LAYOUT=(("bank0", 0, 4 << 20),))
    check = by_name(places.checks(host, board, lambda path: SimpleNamespace(f_bavail=kib, f_frsize=1024)))["ram disk"]
    assert check.verdict == verdict and (verdict == "ok" or "remount,size=" in check.do)


def test_the_copy_that_runs_counts_as_room(host):
    put(host.run / "fumo-agent/bank0.zip", "x" * (2 << 20))
    board = SimpleNamespace(LAYOUT=())
    check = by_name(places.checks(host, board, lambda path: SimpleNamespace(f_bavail=1, f_frsize=1024)))["ram disk"]
    assert check.verdict == "ok"


SIZED = "/run/fumo-agent/firmware:size=4M,mode=1777"


@pytest.mark.parametrize(("pid", "bank", "kib", "verdict"), [
    ("7", 4 << 20, 1000, "fail"), ("7", 4 << 20, 3000, "warn"), ("7", 4 << 20, 6000, "ok"),
    ("0", 4 << 20, 6000, "warn"), ("8", 4 << 20, 6000, "warn"), ("0", 2 << 20, 0, "ok"),
])  # fmt: skip
def test_the_ram_disk_that_only_the_service_sees(host, pid, bank, kib, verdict):
    """Its process shows it; where none does the unit tells its size. /run has nothing to do with it."""
    seen = host.proc / "7/root/run/fumo-agent/firmware"
    seen.mkdir(parents=True)

    def room(path):
        os.stat(path)
        return SimpleNamespace(f_bavail=kib if path == seen else 1 << 20, f_frsize=1024)

    board = SimpleNamespace(LAYOUT=(("bank0", 0, bank),))
    unit = {"MainPID": pid, "TemporaryFileSystem": SIZED}
    check = by_name(places.checks(host, board, room, unit))["ram disk"]
    assert check.verdict == verdict and "/run/fumo-agent/firmware" in check.what
    assert (
        verdict == "ok"
        or "TemporaryFileSystem=/run/fumo-agent/firmware:size=" in check.do
        and "mount -o" not in check.do
    )


def test_a_ram_disk_without_a_size_in_the_unit(host):
    unit = {"MainPID": "0", "TemporaryFileSystem": SIZED.partition(":")[0]}
    assert by_name(places.checks(host, SimpleNamespace(), unit=unit))["ram disk"].verdict == "skip"


@pytest.mark.parametrize(("line", "verdict", "said"), [
    ("/dev/mmcblk0p1 /boot/select vfat rw,relatime 0 0", "ok", "can be written"),
    ("/dev/mmcblk0p1 /boot/select vfat ro,relatime 0 0", "fail", "only be read"),
    ("/dev/mmcblk0p2 / ext4 rw 0 0", "fail", "not mounted"),
    ("", "fail", "not mounted"),
    ("junk", "fail", "not mounted"),
])  # fmt: skip
def test_a_boot_partition_that_is_read_only(host, line, verdict, said):
    put(host.proc / "mounts", line + "\n")
    check = by_name(places.checks(host, SimpleNamespace(SELECT="/boot/select", NATIVE=True)))["boot partition"]
    assert check.verdict == verdict and said in check.what


def test_the_file_of_the_state(host):
    board = SimpleNamespace(STATE="/var/lib/fumo-agent/state.bin", STATE_SIZE=4096, NATIVE=True)

    def state():
        return by_name(places.checks(host, board))["state"]

    assert state().verdict == "fail" and "not there" in state().what
    path = put(host.root / "var/lib/fumo-agent/state.bin", "x" * 100)
    assert "100 bytes, 4096 are needed" in state().what
    path.write_bytes(bytes(4096))
    assert state().verdict == "ok"
    path.chmod(0o600)
    served = replace(host, user=os.geteuid() + 1, groups=(), who="fumo-agent")
    check = by_name(places.checks(served, board))["state"]
    assert check.verdict == "fail" and check.do.endswith("chown fumo-agent %s" % board.STATE)
    put(host.proc / "mounts", "/dev/root / ext4 ro 0 0\n")
    assert state().verdict == "fail"
