"""The Flash contract over a regular file, a partition or a block device: what a Linux board has that keeps a bank on a disk.

A disk needs no erase: what is to be overwritten is overwritten, and what a cut has torn is written again. `erase` is there
for headers, journals and records, which must read as blank before they are used, and is on the disk when it returns. What
was programmed is on the disk once `sync_bytes` of it came together (0: when each call returns), and before anything of it
is read: what was written is read from the disk, never from the kernel's memory of it (but for a note, which has a CRC and
may be lost). `busy` waits for the disk too.
"""

import errno
import mmap
import os
import stat

from agent.errors import FlashError

SECTOR = 4096
_SMALL = 65536
_NOTE = 256  # what is smaller is taken for written once it is synced
_ERASE_MS = 1000  # a slow card, and what it has to do before
_DIRECT = 1 << 20
_HUGE = 2 << 20  # a large page of memory
_PROBE = 1 << 20  # how far apart the kernel is asked whether it has let go of what was written
_BLANK = b"\xff" * SECTOR
_UNKNOWN = -2
_NO_WRITE = (errno.EROFS, errno.EBUSY)


def aligned(size):
    """Return memory that a disk takes and fills as it is; of large pages where the kernel has them, which takes half the time."""
    # Mapped in multiples of a large page: otherwise the kernel does not let it begin where one can.
    memory = mmap.mmap(-1, -(-size // _HUGE) * _HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if size >= _HUGE:
        try:
            memory.madvise(mmap.MADV_HUGEPAGE, 0, size // _HUGE * _HUGE)
        except (OSError, AttributeError):
            pass  # a kernel without
    return memoryview(memory)[:size]


class BlockFlash:
    """`start` and `size` are multiples of 4,096, `page` is a power of two; a path that cannot be written can still be read."""

    program_unit, blocking = 1, True
    erase_units = ((SECTOR, _ERASE_MS),)

    def __init__(self, path, start=0, size=None, page=2 << 20, sync_bytes=4 << 20):
        self.path, self.page, self._start, self._sync_bytes = path, page, start, sync_bytes
        self._fd, self._direct = -1, _UNKNOWN
        self._why_not = None  # why nothing can be written
        self._unsynced = 0
        self._low = self._high = 0  # what was written and may still be read from the kernel's memory
        self._past = True  # nothing of that has to be let go of by the kernel first
        self._aligned = None  # what direct reads go through
        self._fd = self._open()
        try:
            self.size = self._room(size)
        except BaseException:
            self.close()
            raise

    def read(self, addr, into):
        """Fill `into` from `addr` on; what was written here comes from the disk."""
        self._inside(addr, len(into))
        if self._high and addr < self._high and self._low < addr + len(into):
            self.sync()
        if len(into) >= _SMALL and self._read_past(addr, into):
            return
        if self._high and addr < self._high and self._low < addr + len(into) and self._open_direct():
            self._read_direct(addr, into)
            return
        try:
            count = os.preadv(self._fd, [into], self._start + addr)
        except OSError as e:
            raise self._error("read", addr, e) from e
        if count != len(into):
            raise FlashError("%s gave %d bytes of %d at 0x%x" % (self.path, count, len(into), addr))

    def program(self, addr, data):
        """Write within one page."""
        size = len(data)
        self._inside(addr, size)
        if not size or addr % self.page + size > self.page:
            raise FlashError("%d bytes at 0x%x do not lie within one page" % (size, addr))
        self._unsynced += size  # even if it fails: a part may have been written
        self._write(addr, data, size >= _SMALL)
        if self._unsynced > self._sync_bytes:
            self._flush()

    def erase(self, addr, size):
        """Make one sector blank."""
        self._inside(addr, size)
        if size != SECTOR or addr % SECTOR:
            raise FlashError("a sector of %s has %d bytes, not %d at 0x%x" % (self.path, SECTOR, size, addr))
        self._unsynced += SECTOR
        self._write(addr, _BLANK)
        self._flush()

    def busy(self):
        """Wait until all is on the disk, as a caller does that must not begin with something else before."""
        self._flush()
        return False

    def sync(self, addr=0, size=0):
        """See that all is on the disk, and that what is read from now on, of this range and of what was written, is from there.

        A range is synced even if nothing was written to it here: a process that was killed may have.
        """
        if size:
            self._written(addr, addr + size)
            self._unsynced += size
            self._past = False
        self._flush()
        low, high = self._low, self._high
        if not high or (not self._past and not self._let_go(low, high)):
            return
        self._low = self._high = 0
        self._past = True

    def close(self):
        """Let go of it; calling it twice is allowed."""
        fds, self._fd, self._direct = (self._fd, self._direct), -1, -1
        for fd in fds:
            if fd >= 0:
                os.close(fd)

    # -- opening ------------------------------------------------------------------------------------------------------

    def _open(self):
        try:
            kind = os.stat(self.path).st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):
                raise FlashError("%s is no file, partition or block device" % self.path)
            return self._open_to_write(stat.S_ISBLK(kind))
        except OSError as e:
            if e.errno not in _NO_WRITE:
                raise self._error("open", 0, e) from e
            self._why_not = self._error("write", 0, e)
        try:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as e:
            raise self._error("open", 0, e) from e

    def _open_to_write(self, device):
        if device:  # the kernel refuses this one where the device is mounted
            os.close(os.open(self.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)

    def _room(self, size):
        there = os.lseek(self._fd, 0, os.SEEK_END)
        if self._start % SECTOR or (size or 0) % SECTOR or self._start < 0:
            raise FlashError("a part of %s is to begin and end at a multiple of %d bytes" % (self.path, SECTOR))
        room = (there - self._start) // SECTOR * SECTOR if size is None else size
        if room <= 0 or self._start + room > there:
            text = "%s has %d bytes, %d are needed: make it larger"
            raise FlashError(text % (self.path, there, self._start + max(room, SECTOR)))
        return room

    def _open_direct(self):
        """Tell whether one can go past the kernel's memory; where one cannot (a RAM disk) there is no disk either."""
        if self._direct == _UNKNOWN:
            flags = os.O_RDONLY if self._why_not else os.O_RDWR
            try:
                self._direct = os.open(self.path, flags | os.O_CLOEXEC | os.O_DIRECT)
            except OSError as e:
                if e.errno != errno.EINVAL:
                    raise self._error("open", 0, e) from e
                self._direct = -1
        return self._direct >= 0

    # -- inside -------------------------------------------------------------------------------------------------------

    def _let_go(self, low, high):
        """Make the kernel forget; tell whether it has. It does not where somebody else uses the same part of the file."""
        # The whole flash: a part that the kernel keeps in one piece with its neighbour goes together with it only.
        os.posix_fadvise(self._fd, self._start, self.size, os.POSIX_FADV_DONTNEED)
        return not any(self._is_kept(at) for at in (*range(low, high, _PROBE), high - 1))

    def _is_kept(self, addr):
        """Ask whether the kernel has the byte in memory. Where it cannot tell: yes."""
        try:
            return os.preadv(self._fd, [bytearray(1)], self._start + addr, os.RWF_NOWAIT) > 0
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _read_past(self, addr, into):
        """Read past the kernel's memory, without a copy; tell whether place and memory of it allow that."""
        if addr % SECTOR or len(into) % SECTOR or not self._open_direct():
            return False
        try:
            return os.preadv(self._direct, [into], self._start + addr) == len(into)
        except OSError as e:
            if e.errno == errno.EINVAL:
                return False
            raise self._error("read", addr, e) from e

    def _read_direct(self, addr, into):
        if not self._aligned:
            self._aligned = aligned(_DIRECT)
        view, done = memoryview(into), 0
        while done < len(into):
            skip = (addr + done) % SECTOR
            first = self._start + addr + done - skip
            wanted = min(_DIRECT, (skip + len(into) - done + SECTOR - 1) // SECTOR * SECTOR)
            try:
                count = os.preadv(self._direct, [self._aligned[:wanted]], first)
            except OSError as e:
                raise self._error("read", addr, e) from e
            count = min(count - skip, len(into) - done)
            if count <= 0:
                raise FlashError("%s gave %d bytes of %d at 0x%x" % (self.path, done, len(into), addr))
            view[done : done + count] = self._aligned[skip : skip + count]
            done += count

    def _write(self, addr, data, large=False):
        if self._why_not:
            raise self._why_not
        self._written(addr, addr + len(data))
        view, done = memoryview(data), 0
        try:
            if large and self._open_direct():
                done = self._write_direct(addr, view[: len(data) // SECTOR * SECTOR])
            self._past = self._past and (done == len(data) or len(data) < _NOTE)
            while done < len(data):
                done += os.pwrite(self._fd, view[done:], self._start + addr + done)
        except OSError as e:
            raise self._error("write", addr, e) from e

    def _write_direct(self, addr, data):
        """Write past the kernel's memory, which spares a copy; return how much went that way."""
        try:
            return os.pwrite(self._direct, data, self._start + addr) // SECTOR * SECTOR
        except OSError as e:
            if e.errno == errno.EINVAL:  # the caller's buffer is not aligned
                return 0
            raise

    def _written(self, start, end):
        self._low, self._high = (min(start, self._low), max(end, self._high)) if self._high else (start, end)

    def _flush(self):
        if not self._unsynced:
            return
        try:
            os.fdatasync(self._fd)
        except OSError as e:
            raise self._error("write", 0, e) from e
        self._unsynced = 0

    def _inside(self, addr, size):
        if addr < 0 or addr + size > self.size:
            raise FlashError("0x%x + %d lies outside %s of %d bytes" % (addr, size, self.path, self.size))

    def _error(self, verb, addr, error):
        code = error.errno
        if code == errno.ENOENT:
            return FlashError("%s is not there: has udev made it, is its file system mounted?" % self.path)
        if code in (errno.EACCES, errno.EPERM):
            return FlashError("%s may not be opened: run it as root, or give your user the right" % self.path)
        if code == errno.EBUSY:
            return FlashError("%s is mounted or in use: only a bank that does not run can be written" % self.path)
        if code == errno.EROFS:
            return FlashError("%s cannot be written: it is read-only, or its file system is" % self.path)
        if code in (errno.ENOSPC, errno.EDQUOT):
            return FlashError("cannot write %s: its file system is full, make room first" % self.path)
        if code == errno.EIO:
            return FlashError("cannot %s %s at 0x%x: the disk reports an error, replace it" % (verb, self.path, addr))
        return FlashError("cannot %s %s at 0x%x: %s" % (verb, self.path, addr, error.strerror))
