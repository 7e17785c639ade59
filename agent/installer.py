"""From the first byte of a package to a verified bank, one bounded step at a time.

Is given a stream and says how far it is; knows nothing of servers, phases or retries. Errors leave as exceptions; whatever
was written stays noted, and a new installer goes on from there.
"""

from agent import package as package_format
from agent.bank_writer import BankWriter
from agent.compat import const
from agent.errors import LinkError, PackageError
from agent.job import CLEAN
from agent.late import late

# What a step tells
MORE = const(0)  # call again
WAIT = const(1)  # nothing to do until the stream has something
SEEK = const(2)  # the stream must go on at `offset` of the package
SAME = const(3)  # the running bank is this image already
DONE = const(4)  # the bank is written and verified


class Installer:
    """One run over one package."""

    def __init__(self, target, identity, running, record):
        self._target = target  # Bank
        self._kind = target.writer or BankWriter
        self._identity = identity
        self._running = running  # manifest of the running, confirmed bank
        self._record = record
        self._package = record.package
        self._progress = record.progress
        self._reader = package_format.PackageReader()
        self._step = self._read_manifest
        self._header = None
        self._digest = None
        self._decoded = 0  # image bytes of the block that is held
        self._packed = self._size = 0  # of the blocks that the writer has whole, until they are in flash
        self._link_lags = False  # the chip had time to erase ahead
        self._error = None  # of the next block, told once this one is in flash
        self.accepted = None  # function: called once the package may be taken, before anything of it is noted
        self.manifest = None
        self.offset = 0
        self.verifying = False
        self.touched = False  # the header has been erased since power came, the bank may be changed

    def __getattr__(self, name):  # what is done with the manifest, before anything is touched
        from agent.installer_begin import Begin

        return late(Begin, self, name)

    def start(self, units, layout, source):
        """Give what the board adds: allowed erase units, its layout's hash, the running image as a delta's source."""
        self._units = units
        # its buffer first: what reads the manifest leaves no such large piece of the heap
        self._writer = None if self._target.writer else self._kind(self._target.image, units, self._announce)
        self._layout = layout
        self._source = source

    @property
    def received(self):
        """Return how many bytes have come in all."""
        return self._reader.received

    def step(self, stream):
        """Do one thing; return one of the constants above."""
        return self._step(stream)

    def _read_manifest(self, stream):
        if self._reader.state != package_format.HAVE_MANIFEST:
            return WAIT if self._reader.fill(stream) is None else MORE
        return self._judge()

    # -- the image ----------------------------------------------------------------------------------------------------

    def _announce(self, start, end):
        """Before an erase: no header, no package, and a note from where on the bank is in flux."""
        if not self.touched:
            self._touch()
        self._progress.begin(self._progress.package_at, self._progress.image_at, end, self.manifest.sha256)

    def _write(self, stream):
        writer, reader = self._writer, self._reader
        if writer.busy:
            if not self._read_on(stream) or not writer.erasing():
                writer.step()
            return MORE
        if self._packed and writer.position == self._progress.image_at + self._size:
            self._progress.block_done(self._packed, self._size)
            self._packed = self._size = 0
        if self._error:
            raise self._error
        if reader.state == package_format.HAVE_BLOCK:
            self._decode()
        elif reader.state == package_format.END:
            self.verifying = True
            self._step = self._verify
        elif reader.fill(stream) is None:
            if not writer.erase_ahead():
                return WAIT
            self._link_lags = True
            writer.at_once = 1  # it is read between two pages
        return MORE

    def _read_on(self, stream):
        """Take bytes of the next block while the chip works; tell whether there is room for more.

        Only where the link is what takes time: it must not stand still. A cut then costs up to two packed blocks that have
        to come again, instead of one.
        """
        if not self._link_lags or self._error or self._reader.state != package_format.BLOCK:
            return False
        try:
            self._reader.fill(stream)
        except (LinkError, PackageError) as e:
            self._error = e
        return True

    def _decode(self):
        reader, writer = self._reader, self._writer
        packed, size = reader.block_packed, reader.block_size
        count = reader.read_into(writer.room())
        writer.take(count)
        self._decoded += count
        if self._decoded == size:
            reader.read_into(writer.room())  # the block's end
            self._packed += packed
            self._size += size
            self._decoded = 0

    # -- the proof ----------------------------------------------------------------------------------------------------

    def _verify(self, stream):
        digest = self._writer.digest()
        if digest is None:
            if not self._digest:
                from agent.verify import Digest

                self._digest = Digest(self._target.image, self.manifest.size)
            digest = self._digest.step()
        if digest is not None:
            if digest != self.manifest.sha256:
                raise PackageError("the image is not the one that was signed: build the package again", 402)
            self._step = self._finish
        return MORE

    def _finish(self, stream):
        suspect = self.touched or self._package.dirty_from != CLEAN
        if not suspect and self._header.same():
            return DONE
        if not self.touched:
            self._touch()
        return DONE if self._header.step() else MORE
