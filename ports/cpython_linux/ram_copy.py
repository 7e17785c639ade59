"""Copies of banks in the RAM disk. The copy is what is verified, and what runs: a flash may read differently a moment later."""

import errno
import hashlib
import os

from agent.errors import AgentError
from agent.verify import read_manifest

_PIECE = 65536
_TRIES = 2  # a read can be disturbed
_SPARE = 1 << 20  # for sockets, marks and what else lies there


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

    def make_room(self):
        """Forget older copies; RamDiskFull where the larger bank's image would not fit. Nothing is decided before that."""
        sizes = [0]
        for number, bank in enumerate(self._banks):
            self._forget(number)
            manifest = read_manifest(bank, self._identity)
            if manifest and manifest.size <= bank.image.size:
                sizes.append(manifest.size)
        found = os.statvfs(self._folder)
        if found.f_bavail * found.f_frsize < max(sizes) + _SPARE:
            text = "%s has %d KiB left, the firmware needs %d: clear it, or give /run more memory"
            raise RamDiskFull(text % (self._folder, found.f_bavail * found.f_frsize // 1024, max(sizes) // 1024))

    def check(self, bank):
        """Copy a bank and tell whether the copy is what its signed manifest says: the first stage's test."""
        manifest = read_manifest(self._banks[bank], self._identity)
        if not manifest or manifest.kind != "zip" or manifest.size > self._banks[bank].image.size:
            return False
        for _ in range(_TRIES):
            if self._copy(bank, manifest.size) == manifest.sha256:
                self.manifests[bank] = manifest
                return True
        self._forget(bank)
        return False

    def keep_only(self, bank):
        """Forget the copies of the other banks."""
        for number in range(len(self._banks)):
            if number != bank:
                self._forget(number)

    def _copy(self, bank, size):
        """Copy, and return the digest of what was read back."""
        image, buffer = self._banks[bank].image, bytearray(_PIECE)
        self._forget(bank)
        try:
            with open(self.path(bank), "xb") as file:
                os.chmod(file.fileno(), 0o600)
                for at in range(0, size, _PIECE):
                    view = memoryview(buffer)[: min(_PIECE, size - at)]
                    image.read(at, view)
                    file.write(view)
                    self._feed()
            with open(self.path(bank), "rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError as e:
            if e.errno in (errno.ENOSPC, errno.ENOMEM):
                raise RamDiskFull("%s is full: clear it, or give /run more memory" % self._folder) from None
            raise AgentError("cannot copy the firmware to %s: %s" % (self._folder, e.strerror)) from None

    def _forget(self, bank):
        try:
            os.unlink(self.path(bank))
        except OSError:
            pass
