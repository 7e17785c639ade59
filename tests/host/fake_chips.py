"""Chips for the tests of `fumo flash`: a spidev with a model behind it, an MTD made of files, the command in this process."""

import errno
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from flash_tools import cli
from ports.cpython_linux import mtd

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAKE = ROOT / "tests" / "host" / "fake_spidev"
SECTOR = 4096


class Spidev:
    """A spidev in a folder; `board` names it, `run` is the command beside it."""

    def __init__(self, folder, **facts):
        self.folder = pathlib.Path(folder)
        self.device, self.cells, self._facts = self.folder / "spidev0.0", self.folder / "chip.cells", {}
        self.device.touch()
        self.change(**facts)

    @property
    def board(self):
        return "spi:%s" % self.device

    def change(self, **facts):
        self._facts.update(facts)
        (self.folder / "chip.json").write_text(json.dumps({"cells": str(self.cells), **self._facts}))

    def environ(self):
        path = "%s:%s" % (FAKE, ROOT)
        return {"FAKE_SPIDEV": str(self.folder / "chip.json"), "PYTHONPATH": path, **state(self.folder)}

    def fumo(self, *words, code=0):
        return fumo(*words, code=code, env=self.environ())


def state(folder):
    """Return where the command keeps its notes."""
    return {"XDG_STATE_HOME": str(folder / "state")}


def fumo(*words, code=0, env=None):
    """Run the command in this process; return (stdout, stderr)."""
    out, err, found = io.StringIO(), io.StringIO(), None
    paths = [str(FAKE)] if env and "FAKE_SPIDEV" in env else []
    sys.modules.pop("spidev", None)
    with mock.patch.dict(os.environ, env or {}), mock.patch.object(sys, "argv", ["fumo", *map(str, words)]):
        with mock.patch.object(sys, "path", paths + sys.path), redirect_stdout(out), redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as e:
                found = e.code or 0
    sys.modules.pop("spidev", None)
    return judged(found or 0, code, out.getvalue(), err.getvalue())


def process(*words, code=0, env=None):
    """Run the command in this process of its own; return (stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, "-m", "flash_tools", *map(str, words)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )  # fmt: skip
    return judged(done.returncode, code, done.stdout, done.stderr)


def judged(found, code, out, err):
    """Hold what a command said to what every command promises."""
    assert found == code, (found, out, err)
    assert "Traceback" not in err, err
    if code and code != 130:
        words = [line for line in err.splitlines() if line.strip()]
        assert len(words) == 1 and words[0].startswith("fumo: "), err
    return out, err


class FakeMtd:
    """Folders as the kernel shows MTDs, and the calls that a file does not know."""

    def __init__(self, folder):
        self.sys, self.dev = folder / "sys", folder / "dev"
        self.sys.mkdir()
        self.dev.mkdir()
        self.erased, self.unlocked, self.refuse, self.old_kernel = [], 0, {}, False

    def add(self, number, name, size=1 << 20, sector=SECTOR, kind="nor", flags=0xC00, jedec="ef4015"):
        folder = self.sys / ("mtd%d" % number)
        (folder / "device" / "spi-nor").mkdir(parents=True)
        facts = {"name": name, "type": kind, "size": size, "erasesize": sector, "writesize": 1, "flags": hex(flags)}
        for key, value in facts.items():
            (folder / key).write_text("%s\n" % value)
        (folder / "device" / "spi-nor" / "jedec_id").write_text(jedec + "\n")
        (folder / "device" / "spi-nor" / "partname").write_text("w25q16\n")
        (self.sys / ("mtd%dro" % number)).mkdir()
        (self.dev / ("mtd%d" % number)).write_bytes(b"\xff" * size)
        return self.dev / ("mtd%d" % number)

    def roots(self):
        return {"sys_root": str(self.sys), "dev_root": str(self.dev)}

    def ioctl(self, fd, request, data, mutate=False):
        path = pathlib.Path(os.readlink("/proc/self/fd/%d" % fd))
        if request in self.refuse:
            raise OSError(self.refuse[request], os.strerror(self.refuse[request]))
        if request == mtd.MEMGETINFO:
            folder = self.sys / path.name
            size, sector = (int((folder / name).read_text()) for name in ("size", "erasesize"))
            struct.pack_into("<B3xIIIIIQ", data, 0, 3, 0xC00, size & 0xFFFFFFFF, sector, 1, 0, 0)
        elif request == mtd.MEMUNLOCK:
            self.unlocked += 1
        elif request == mtd.MEMERASE64 and self.old_kernel:
            raise OSError(errno.ENOTTY, "not here")
        elif request in (mtd.MEMERASE64, mtd.MEMERASE):
            start, size = struct.unpack("=QQ" if request == mtd.MEMERASE64 else "=II", data)
            self.erased.append((start, size))
            os.pwrite(fd, b"\xff" * size, start)
        else:
            raise OSError(errno.ENOTTY, "not here")
        return 0
