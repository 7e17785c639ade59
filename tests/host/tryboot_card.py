"""A card that loses power: partitions that keep writes back until they are synced, and a FAT folder as `os` shows it.

Every change ticks one counter of the whole card, so that a test can cut the power at each of them in turn. What was not synced
is then there, or not, or in parts. FAT as Linux does it: the entry of a renamed file is written with the file, the removal of
its old name with the folder.
"""

import errno
import os
import random
from types import SimpleNamespace

from agent import reset
from agent.errors import FlashError
from ports.sim.power import PowerCut, Reset, Violation

EFFECTS = ("none", "torn", "done", "reset")
SECTOR = 512
FOLDER = "/boot/select"


class Power:
    """Counts what is done to the card, and ends it at `cut_at` with `effect`."""

    def __init__(self):
        self.ops, self.cut_at, self.effect = 0, 0, "none"
        self.media, self.trace = [], []
        self.random = random.Random(1)

    def plan(self, cut_at, effect):
        """Cut at that operation, counted from now on."""
        self.cut_at, self.effect = self.ops + cut_at, effect
        self.random = random.Random(cut_at * 7 + EFFECTS.index(effect))

    def tick(self, what):
        """Count an operation; return the effect if this is where the power goes, which is at once for "none"."""
        self.ops += 1
        self.trace.append(what)
        if self.ops != self.cut_at:
            return ""
        if self.effect == "none":
            self.off()
        return self.effect

    def off(self):
        """Take the power away, or let a watchdog reset the board, which forgets as much."""
        for medium in self.media:
            medium.lose(self.random)
        raise Reset(reset.UNKNOWN) if self.effect == "reset" else PowerCut()


class Partition:
    """The Flash contract as ports/cpython_linux/block.py has it; `kept` says whether this one must not be written now."""

    erase_units, program_unit, blocking = ((4096, 1000),), 1, True

    def __init__(self, power, name, size):
        self.power, self.name, self.size = power, name, size
        self.page, self.sync_bytes, self.at_once = 4096, 16384, False
        self.disk, self.now = bytearray(b"\xee" * size), bytearray(b"\xee" * size)
        self.pending, self.kept, self.writes = [], None, 0
        self.broken = None  # errno of what fails
        power.media.append(self)

    def load(self, addr, data):
        """Put bytes there as a factory does."""
        for cells in (self.disk, self.now):
            cells[addr : addr + len(data)] = data

    def read(self, addr, into):
        self._inside(addr, len(into))
        into[:] = self.now[addr : addr + len(into)]

    def program(self, addr, data):
        if not len(data) or addr % self.page + len(data) > self.page:
            raise Violation("a program across a page of %s" % self.name)
        self._write(addr, bytes(data), "program")
        if sum(len(data) for _, data in self.pending) >= self.sync_bytes:
            self.sync()

    def erase(self, addr, size):
        if size != 4096 or addr % size:
            raise Violation("an erase of %d" % size)
        self._write(addr, b"\xff" * size, "erase")
        self.sync()

    def busy(self):
        return False

    def sync(self, addr=0, size=0):
        if not self.pending:
            return
        effect = self.power.tick("sync " + self.name)
        self._settle()
        if effect:
            self.power.off()

    def lose(self, rng):
        """The power goes."""
        how = rng.choice(("none", "all", "some"))
        for addr, data in self.pending:
            for start in range(0, len(data), SECTOR):
                if how == "all" or how == "some" and rng.random() < 0.5:
                    self.disk[addr + start : addr + start + len(data[start : start + SECTOR])] = data[
                        start : start + SECTOR
                    ]
        self.pending, self.now = [], bytearray(self.disk)

    def _settle(self):
        for addr, data in self.pending:
            self.disk[addr : addr + len(data)] = data
        self.pending = []

    def _write(self, addr, data, verb):
        self._inside(addr, len(data))
        if self.broken:
            raise FlashError("cannot write %s: %s" % (self.name, os.strerror(self.broken)))
        if self.kept and self.kept(self.name):
            raise Violation("%s is written, of the bank that runs or is confirmed" % self.name)
        effect = self.power.tick("%s %s" % (verb, self.name))
        self.writes += 1
        if effect == "torn":
            self._tear(addr, data)
        self.now[addr : addr + len(data)] = data
        self.pending.append((addr, data))
        if self.at_once:
            self._settle()
        if effect:
            self.power.off()

    def _tear(self, addr, data):
        """One sector is on the card in part, and what it had before is lost: as a card does it that was writing."""
        first = addr // SECTOR * SECTOR
        cut = self.power.random.randrange(SECTOR)
        self.disk[addr : addr + min(cut, len(data))] = data[:cut]
        if self.power.random.random() < 0.3:
            self.disk[first : first + SECTOR] = self.power.random.randbytes(SECTOR)
        self.power.off()

    def _inside(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d is outside of %s" % (addr, size, self.name))


class Fat:
    """The functions of `os` that boot_files uses, over one folder of a FAT file system."""

    def __init__(self, power):
        self.power = power
        self.names, self.data = {}, {}  # what programs see: name -> number, number -> bytes
        self.disk_names, self.disk_data = {}, {}
        self.pending, self.fds, self.last = [], {}, 0
        self.fault = {}  # name of a function -> errno
        power.media.append(self)

    def load(self, name, data):
        """Put a file there as a factory does."""
        self.last += 1
        for names, files in ((self.names, self.data), (self.disk_names, self.disk_data)):
            names[name], files[self.last] = self.last, data

    def on_disk(self, name):
        """Return what a boot ROM finds."""
        return self.disk_data.get(self.disk_names.get(name))

    def open(self, path, flags, mode=0):
        self._fail("open" if flags & os.O_CREAT else "")
        name, number = os.path.basename(path), 0
        if not flags & os.O_DIRECTORY:
            number = self._file(name, flags)
        self.fds[len(self.fds) + 3] = SimpleNamespace(number=number)
        return len(self.fds) + 2

    def _file(self, name, flags):
        if name not in self.names:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            effect = self.power.tick("create")
            self.last += 1
            self.names[name], self.data[self.last] = self.last, b""
            self.pending.append(("name", name, self.last))
            if effect:
                self.power.off()
        elif flags & os.O_TRUNC:
            self.power.tick("truncate") and self.power.off()
            self.data[self.names[name]] = b""
        return self.names[name]

    def write(self, fd, data):
        self._fail("write")
        effect = self.power.tick("write")
        self.data[self.fds[fd].number] += data
        if effect:
            self.power.off()
        return len(data)

    def read(self, fd, size):
        self._fail("read")
        return self.data[self.fds[fd].number][:size]

    def fsync(self, fd):
        self._fail("fsync")
        number = self.fds[fd].number
        effect = self.power.tick("fsync file" if number else "fsync folder")
        if effect == "torn":
            self.power.off()
        self._settle(number)
        if effect:
            self.power.off()

    def rename(self, old, new):
        self._fail("rename")
        old, new = os.path.basename(old), os.path.basename(new)
        effect = self.power.tick("rename")
        number = self.names[new] = self.names.pop(old)
        self.pending += [("name", new, number), ("gone", old, number)]
        if effect:
            self.power.off()

    def unlink(self, path):
        self._fail("unlink")
        name = os.path.basename(path)
        if name not in self.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        effect = self.power.tick("unlink")
        self.pending.append(("gone", name, self.names.pop(name)))
        if effect:
            self.power.off()

    def close(self, fd):
        assert self.fds[fd].number is not None, "closed twice"
        self.fds[fd].number = None

    def lose(self, rng):
        """The power goes: names and bytes that nobody synced are there, or not, or in parts."""
        for number, data in self.data.items():
            if self.disk_data.get(number) != data:
                self.disk_data[number] = rng.choice(
                    (b"", data, data[: len(data) // 2], b"\0" * len(data), b"\xee" * 600)
                )
        for kind, name, number in self.pending:
            if rng.random() < 0.5:
                self._do(kind, name, number)
        self.pending, self.names, self.data = [], dict(self.disk_names), dict(self.disk_data)

    def _settle(self, number):
        """A file is synced, or the folder where `number` is 0."""
        if number:
            self.disk_data[number] = self.data[number]
        rest = []
        for change in self.pending:
            mine = change[2] == number if change[0] == "name" else not number
            self._do(*change) if mine else rest.append(change)
        self.pending = rest

    def _do(self, kind, name, number):
        if kind == "name":
            self.disk_names[name] = number
        elif self.disk_names.get(name) == number:
            del self.disk_names[name]

    def _fail(self, name):
        if name in self.fault:
            raise OSError(self.fault[name], os.strerror(self.fault[name]))
