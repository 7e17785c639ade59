"""A folder of small files in the board's own file system, which must be littlefs: FAT loses files when the power goes."""

import os

import vfs

from agent.errors import FlashError

_ENOENT = 2
_ENOSPC = 28


class Folder:
    """`path` is made where it is missing; its parent is there."""

    def __init__(self, path):
        self._path = path + "/"
        self._name = self._file = None  # what was read last: the next piece is often of the same
        _refuse_fat(path)
        try:
            os.stat(path)
        except OSError:
            try:
                os.mkdir(path)
            except OSError as e:
                raise self._error("", e)

    def read(self, name, offset, into):
        """Copy what the file has from `offset` on; return how much that is, 0 where there is no file."""
        try:
            if name != self._name:
                self._let_go()
                self._file, self._name = open(self._path + name, "rb"), name
            self._file.seek(offset)
            return self._file.readinto(into)
        except OSError as e:
            self._let_go()
            if e.errno == _ENOENT:
                return 0
            raise self._error(name, e)

    def write(self, name, data):
        """Put a whole file in the place of what is there; without data there is no file then."""
        self._let_go()
        try:
            if not len(data):
                self._remove(name)
                return
            file = open(self._path + name, "wb")
            file.write(data)
            file.close()  # this is what makes it count; littlefs keeps what was there where the write failed
        except OSError as e:
            if e.errno == _ENOSPC:
                raise FlashError("the file system is full: remove files")
            raise self._error(name, e)

    def free(self):
        """Return the bytes that files can still take."""
        facts = os.statvfs(self._path[:-1])
        return facts[0] * facts[3]

    def _remove(self, name):
        try:
            os.remove(self._path + name)
        except OSError as e:
            if e.errno != _ENOENT:
                raise

    def _error(self, name, error):
        return FlashError("%s%s: %s" % (self._path, name, error))

    def _let_go(self):
        file, self._file, self._name = self._file, None, None
        if file:
            file.close()


def _refuse_fat(path):
    """Find the file system of the path, where the firmware tells."""
    try:
        mounts = vfs.mount()
    except TypeError:  # older firmware does not tell
        return
    best, kind = -1, ""
    for fs, at in mounts:
        inside = path == at or path.startswith(at if at.endswith("/") else at + "/")
        if inside and len(at) > best:
            best, kind = len(at), type(fs).__name__
    if kind == "VfsFat":
        raise FlashError("%s is on FAT, which a power cut can destroy: format it as littlefs" % path)
