"""Files that hold a device's secrets are their owner's alone, and what others have put in their place is not written to."""

import os
import stat

import pytest
from typer.testing import CliRunner

from flash_tools.cli import app
from flash_tools.sim import sim_files


def fumo(*words):
    """Run `fumo` here; return its exit code."""
    return CliRunner().invoke(app, [str(word) for word in words]).exit_code


def mode(path):
    """Return who may do what with a file."""
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def device(tmp_path):
    """Give the files of a simulated device, made by somebody who lets others read."""
    before = os.umask(0o022)
    sim_files.make(tmp_path / "dev0")
    yield tmp_path / "dev0"
    os.umask(before)


def test_a_simulated_chip_is_as_secret_as_its_provisioning(device):
    """Both hold the device's key and the passwords of its accounts."""
    key = sim_files.SimFiles(device).facts()["device_key"].encode()
    assert key in (device / "flash.bin").read_bytes() and key in (device / "provision.json").read_bytes()
    assert mode(device / "flash.bin") == mode(device / "provision.json") == 0o600


@pytest.mark.parametrize("what", ["all", "factory", "settings"])
def test_what_is_read_from_a_chip_is_for_its_owner(device, tmp_path, what):
    out = tmp_path / "out.bin"
    assert fumo("flash", "read", what, out, "-b", "sim:%s" % device) == 0
    assert mode(out) == 0o600


def test_a_part_that_was_left_readable_is_not_filled_with_secrets(device, tmp_path):
    part, out = tmp_path / "out.bin.part", tmp_path / "out.bin"
    part.write_bytes(b"")
    part.chmod(0o666)
    assert fumo("flash", "read", "factory", out, "-b", "sim:%s" % device) == 0
    assert mode(out) == 0o600


def test_a_link_in_the_place_of_a_part_is_not_followed(device, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "out.bin.part").symlink_to(victim)
    assert fumo("flash", "read", "factory", tmp_path / "out.bin", "-b", "sim:%s" % device) != 0
    assert victim.read_bytes() == b"precious"
