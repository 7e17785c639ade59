"""A package is judged by its manifest, and the bank is made ready for it. See installer.py."""

from agent.bank_header import HeaderWriter
from agent.bank_writer import CHUNK
from agent.installer import MORE, SAME, SEEK, Installer
from agent.job import CLEAN, NO_BANK
from agent.manifest import Manifest, check
from agent.signature import open_jws


class Begin(Installer):
    """What an Installer does before the first byte of the image."""

    def _judge(self):
        trust = self._identity
        payload = open_jws(self._reader.manifest_text, self._anchors(), trust.verify)
        self.manifest = Manifest.parse(payload)
        check(self.manifest, trust, self._target.image.size, self._layout, self._running, self._kind.packed_max)
        if self._running and self.manifest.sha256 == self._running.sha256:
            return SAME
        if self.accepted:
            self.accepted()
        return self._begin()

    def _anchors(self):
        """Return the trusted keys without those that the running firmware's manifest revokes."""
        revoked = self._running.revoked if self._running else ()
        return tuple([anchor for anchor in self._identity.anchors if anchor[0] not in revoked])

    def _begin(self):
        manifest, progress = self.manifest, self._progress
        self.touched = progress.erase_end > 0 and self._package.dirty_from == CLEAN
        self._header = HeaderWriter(self._target.header, bytes(self._reader.manifest_text), self.touched)
        goes_on = progress.image == manifest.sha256[:8] and 0 < progress.package_at <= manifest.package_size
        self._writer = self._writer or self._kind(self._target.image, self._units, self._announce)
        at = min(progress.image_at, manifest.size) if goes_on else 0  # the tally counts whole sectors
        self._writer.begin(manifest.size, at, self._package.dirty_from)
        self.offset = progress.package_at if goes_on else self._reader.offset
        self._start_reader(self.offset if goes_on else 0, at)
        if not goes_on:
            progress.begin(self.offset, 0, 0, manifest.sha256)
        self._step = self._write
        return SEEK if goes_on and self.offset < manifest.package_size else MORE

    def _start_reader(self, offset, at):
        source = self._source if self.manifest.encoding == "delta" else None
        piece = None if self._target.writer else self._writer.scratch
        self._reader.start(self.manifest, source, offset, at, self._kind.packed_max, piece)

    def _touch(self):
        self.touched = True
        if self._package.bank != NO_BANK:
            self._record.forget_package()
        progress = self._progress
        progress.begin(progress.package_at, progress.image_at, CHUNK, self.manifest.sha256)
        self._header.erase()
        while self._target.writer and self._target.header.busy():
            pass  # it may be in another chip than the image, which would not wait
