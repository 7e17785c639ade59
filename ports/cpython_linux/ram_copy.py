"""Copies of banks in the RAM disk. The copy is what is verified, and what runs: a flash may read differently a moment later.

Room for what may have to run is taken before anything is decided, so that no trial is used up for want of it. A copy has its
name only once it is verified.
"""

import errno
import hashlib
import os
import stat

from agent.errors import AgentError
from agent.verify import read_manifest

_PIECE = 65536
_TRIES = 2  # a read can be disturbed
_SPARE = 1 << 20  # for sockets, marks and what else lies there
_ROOM = "room"
_MORE = "clear it, or give it more memory: TemporaryFileSystem= of the service's unit, without one mount -o remount,size= /run"


class RamDiskFull(AgentError):
    """No bank's fault, and none may be given up for it."""


class RamCopies:
    """`folder` is on a RAM disk and nobody else's; `identity` says whom the device trusts."""

    def __init__(self, folder, banks, identity, feed):
        self._folder, self._banks, self._identity, self._feed = folder, banks, identity, feed
        self.manifests = {}

    def path(self, bank):
        """Return where the copy of a bank lies."""
        return os.path.join(self._folder, "bank%d.zip" % bank)

    def make_room(self, boot):
        """Forget older copies, take the room for what may run now; RamDiskFull where there is none. Nothing is decided yet."""
        _refuse_strangers(self._folder)
        for name in [self.path(number) for number in range(len(self._banks))] + [self._room]:
            _forget(name)
        wanted = {boot.confirmed(), boot.trial} if boot.trial_waits else {boot.confirmed()}
        found = [self._manifest(bank) for bank in wanted if bank < len(self._banks)]
        sizes = [manifest.size for manifest in found if manifest and not self._never_fits(manifest.size)]
        if sizes:
            self._take(max(sizes))

    def check(self, bank):
        """Copy a bank and tell whether the copy is what its signed manifest says: the first stage's test."""
        manifest = self._manifest(bank)
        if not manifest or self._never_fits(manifest.size):
            return False
        for _ in range(_TRIES):
            if self._copy(bank, manifest.size) == manifest.sha256:
                os.rename(self._room, self.path(bank))
                self.manifests[bank] = manifest
                return True
        return False

    def keep_only(self, bank):
        """Forget the copies of the other banks."""
        for number in range(len(self._banks)):
            if number != bank:
                _forget(self.path(number))

    @property
    def _room(self):
        return os.path.join(self._folder, _ROOM)

    def _manifest(self, bank):
        """Return the manifest of a bank that could be run, else None."""
        manifest = read_manifest(self._banks[bank], self._identity)
        fits = manifest and manifest.kind == "zip" and manifest.size <= self._banks[bank].image.size
        return manifest if fits else None

    def _never_fits(self, size):
        """Tell whether it would not fit even if nothing else were there: such an image is not for this board."""
        found = os.statvfs(self._folder)
        return 0 < found.f_blocks * found.f_frsize < size

    def _take(self, size):
        """Take the room for an image before it is needed."""
        found = os.statvfs(self._folder)
        left = found.f_bavail * found.f_frsize
        if found.f_blocks and left < size + _SPARE:  # a RAM disk without a limit counts no blocks
            text = "%s has %d KiB left, the firmware needs %d: %s"
            raise RamDiskFull(text % (self._folder, left // 1024, (size + _SPARE) // 1024, _MORE))
        os.close(self._open(size))

    def _copy(self, bank, size):
        """Copy into the room, and return the digest of what was read back."""
        fd = self._open(size)
        try:
            self._write(fd, self._banks[bank].image, size)
            return self._digest(fd, size)
        except OSError as e:
            raise self._translate(e) from None
        finally:
            os.close(fd)

    def _open(self, size):
        """Return the file that is the room, of that size, with memory for all of it."""
        try:
            fd = os.open(self._room, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                found = os.fstat(fd)
                if found.st_uid != os.geteuid() or found.st_nlink != 1:
                    raise AgentError("%s is somebody else's: remove it" % self._room)
                os.posix_fallocate(fd, 0, size)
            except BaseException:
                os.close(fd)
                raise
        except OSError as e:
            raise self._translate(e) from None
        return fd

    def _write(self, fd, image, size):
        buffer = bytearray(_PIECE)
        for at in range(0, size, _PIECE):
            view = memoryview(buffer)[: min(_PIECE, size - at)]
            image.read(at, view)
            if os.pwrite(fd, view, at) != len(view):
                raise OSError(errno.ENOSPC, "short")
            self._feed()
        os.ftruncate(fd, size)

    def _digest(self, fd, size):
        sha = hashlib.sha256()
        for at in range(0, size, _PIECE):
            sha.update(os.pread(fd, min(_PIECE, size - at), at))
            self._feed()
        return sha.digest()

    def _translate(self, error):
        if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT):
            return RamDiskFull("%s is full: %s" % (self._folder, _MORE))
        return AgentError("cannot copy the firmware to %s: %s" % (self._folder, error.strerror))


def _refuse_strangers(folder):
    """Who may write in there could put something else in the place of what was verified."""
    try:
        found = os.stat(folder, follow_symlinks=False)
    except OSError as e:
        raise AgentError("cannot use %s: %s" % (folder, e.strerror)) from None
    shared = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()) or shared:
        raise AgentError("others may write in %s: let it be a folder of the agent's user, mode 0700" % folder)


def _forget(path):
    try:
        os.unlink(path)
    except OSError:
        pass
