"""What a Raspberry Pi's boot control sees of Linux: autoboot.txt, replaced so that no cut can mix it, and the device tree.

FAT has no journal. What a cut can leave is the old file or the new one, because every step is on the card before the next
one begins: the new bytes under another name, then the name. The folders of the kernel and the functions of `os` are
arguments, so that tests can put their own in their place.
"""

import errno
import os
import struct

from agent.errors import FlashError

NAME = "autoboot.txt"
_NEW = "autoboot.new"  # 8.3, as the other one: no second directory entry for a long name
_MOST = 513  # one byte more than the boot ROM takes
_BY = ("PARTUUID", "PARTLABEL", "UUID", "LABEL")
_STAMP = "tryboot"


class BootFiles:
    """`folder` is where the first FAT partition is mounted, `run` is gone after a reset."""

    def __init__(self, folder, run="/run/fumo-agent", proc="/proc", dev="/dev", sys_root="/sys", system=os):
        self._folder, self._run, self._proc = folder, run, proc
        self._dev, self._sys, self._os = dev, sys_root, system

    # -- autoboot.txt -------------------------------------------------------------------------------------------------

    def read(self):
        """Return its bytes, cut behind what would be too many; None where there is none."""
        try:
            return self._read_back(NAME)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._error("read", e) from None

    def replace(self, data):
        """Put other bytes in its place; they are on the card when this returns."""
        system, path = self._os, self._path(NAME)
        fd = -1
        try:
            fd = self._write_new(data)
            system.rename(self._path(_NEW), path)
            system.fsync(fd)  # on FAT the directory entry that was renamed is written with its file
            self._sync_folder()
            found = self._read_back(NAME)
        except OSError as e:
            raise self._error("write", e) from None
        finally:
            if fd >= 0:
                system.close(fd)
        if found != data:
            raise FlashError("%s does not read back as it was written: replace the card" % path)

    def probe(self, data):
        """Find out that `replace` would work, without touching the file; raise FlashError where it would not."""
        try:
            self._os.close(self._write_new(data or b"\n"))
            self._os.unlink(self._path(_NEW))
        except OSError as e:
            raise self._error("write", e) from None

    # -- what the boot ROM and the kernel tell ------------------------------------------------------------------------

    def number(self, name):
        """Return a value that the bootloader left in the device tree, None where it did not."""
        data = self._tree("chosen/bootloader/" + name)
        return struct.unpack(">I", data)[0] if data and len(data) == 4 else None

    def compatible(self):
        """Return what the board says that it is."""
        return tuple((self._tree("compatible") or b"").decode("ascii", "replace").rstrip("\0").split("\0"))

    def root(self):
        """Return the name of the partition that holds the root file system, "" where that cannot be told."""
        words = (_text(os.path.join(self._proc, "cmdline")) or "").split()
        found = [word[5:] for word in words if word.startswith("root=")]
        if not found:
            return ""
        kind, _, value = found[-1].partition("=")
        if value and kind in _BY:
            path = os.path.join(self._dev, "disk", "by-" + kind.lower(), value.strip('"'))
        else:
            path = found[-1]
        return self._below(os.path.basename(os.path.realpath(path))) if path.startswith(self._dev + "/") else ""

    def mounted(self, name):
        """Return where a partition is mounted, "" where it is not."""
        for line in (_text(os.path.join(self._proc, "self", "mounts")) or "").splitlines():
            source, _, rest = line.partition(" ")
            if source.startswith("/") and os.path.basename(os.path.realpath(source)) == name:
                return rest.partition(" ")[0]
        return ""

    # -- a text that no reset survives --------------------------------------------------------------------------------

    def arm(self, text):
        """Remember until the next reset that a trial was armed in this boot."""
        path = os.path.join(self._run, _STAMP)
        try:
            os.makedirs(self._run, exist_ok=True)
            with open(path + ".new", "w") as file:
                file.write(text)
            os.replace(path + ".new", path)
        except OSError as e:
            raise FlashError("cannot write %s: %s" % (path, e.strerror)) from None

    def armed(self):
        """Return that text, "" where there is none."""
        return _text(os.path.join(self._run, _STAMP)) or ""

    # -- inside -------------------------------------------------------------------------------------------------------

    def _path(self, name):
        return os.path.join(self._folder, name)

    def _write_new(self, data):
        """Return the open file with the new bytes, which are on the card."""
        system, path = self._os, self._path(_NEW)
        fd = system.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            if system.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            system.fsync(fd)
        except BaseException:
            system.close(fd)
            self._drop_new()
            raise
        return fd

    def _drop_new(self):
        try:
            self._os.unlink(self._path(_NEW))
        except OSError:
            pass  # the next write begins it anew

    def _sync_folder(self):
        fd = self._os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._os.fsync(fd)
        finally:
            self._os.close(fd)

    def _read_back(self, name):
        fd = self._os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._os.read(fd, _MOST)
        finally:
            self._os.close(fd)

    def _tree(self, name):
        try:
            with open(os.path.join(self._proc, "device-tree", name), "rb") as file:
                return file.read(4096)
        except OSError:
            return None

    def _below(self, name):
        """Return the partition below a mapped device (dm-verity for one) that has only one; else the name itself."""
        try:
            below = os.listdir(os.path.join(self._sys, "class", "block", name, "slaves"))
        except OSError:
            return name
        return below[0] if len(below) == 1 else name

    def _error(self, verb, error):
        path = self._path(NAME)
        if error.errno == errno.EROFS:
            return FlashError(
                "%s is on a file system that is mounted read-only: mount %s writeable" % (path, self._folder)
            )
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FlashError("%s has no room for another autoboot.txt: remove something there" % self._folder)
        if error.errno in (errno.EACCES, errno.EPERM):
            return FlashError("%s may not be written: the service has to run as root for that" % path)
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return FlashError("%s is not there: mount the first partition on it" % self._folder)
        return FlashError("cannot %s %s: %s" % (verb, path, os.strerror(error.errno) if error.errno else error))


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None
