"""Blank chips in files, and what is provisioned into them, for tests of `fumo provision`."""

import json
from types import SimpleNamespace

from agent import factory
from flash_tools.chips import open_chip
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from tests.host.fumo_inside import inside

BLANK = b"\xff" * 1024 * 1024
BUNDLE = {
    "device_id": "sim:7", "server_id": "srv", "url": "https://srv.example/dm", "user": "u", "secret": "hush", "auth": "MAC",
    "server_user": "s", "server_secret": "psst", "nonce": "bm9uY2U=", "server_nonce": "c25vbmNl", "server_auth": "MAC",
}  # fmt: skip


def make_bench(folder, chip_kib=1024, size=65536):
    """Return a folder with keys, an account and packages, made for the layout of a simulated board."""
    files = sim_files.make(folder / "dev", chip_kib=chip_kib)
    for name, key in (("now", files.key), ("next", keys.new_key())):
        (folder / (name + ".pub.pem")).write_bytes(keys.public_pem(key))
    (folder / "bundle.json").write_text(json.dumps(BUNDLE))
    (folder / "first.fup").write_bytes(files.update("1.5", size=size))
    (folder / "other.fup").write_bytes(files.update("1.6"))
    foreign = sim_files.make(folder / "foreign", chip_kib=chip_kib)
    (folder / "foreign.fup").write_bytes(foreign.update("1.5"))
    wrong = sim_files.SimFiles(folder, "lamp", "sim", chip_kib, files.key)
    (folder / "lamp.fup").write_bytes(wrong.update("1.5"))
    old = files.image("1.0")
    (folder / "delta.fup").write_bytes(files.update("1.5", encoding="delta", old=old))
    return folder


class Image:
    """A chip in a file, and `fumo provision` at it."""

    def __init__(self, path, fumo):
        self.path, self._fumo, self.parent = path, fumo, path.parent
        path.write_bytes(BLANK)

    def run(self, *options, code=0):
        """Run the command."""
        return self.run_at(self.path, *options, code=code)

    def run_at(self, path, *options, code=0):
        """Run the command at another chip."""
        out, err = self._fumo("provision", "-b", "file:%s" % path, *options, code=code)
        return SimpleNamespace(stdout=out, stderr=err)

    def blank(self, *options, code=0):
        """Run the command at a chip that does not know its layout."""
        return self.run("--layout", "sim_nor", *options, code=code)

    def read_bytes(self):
        """Return what the chip holds."""
        return self.path.read_bytes()

    def __str__(self):
        return str(self.path)


def make_image(folder, capsys, monkeypatch):
    """Return a blank chip."""
    return Image(folder / "flash.img", lambda *words, code: inside(capsys, monkeypatch, *words, code=code))


def who(bench, *more):
    return (
        "--product",
        "bench",
        "--model",
        "sim",
        "--anchor",
        bench / "now.pub.pem",
        "--bundle",
        bench / "bundle.json",
        *more,
    )


def facts_of(image):
    """Return what the agent reads."""
    with open_chip("file:%s" % image) as chip:
        return factory.read(chip.regions()["factory"])
