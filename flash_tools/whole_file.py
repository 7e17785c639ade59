"""Files that are there whole or not at all, whatever ends the command that writes them; each by one command at a time."""

import errno
import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from flash_tools.errors import BusyError, ToolError, UsageError

_TRIES = 3
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
_BUSY = "%s is being written by another command: wait for its end"


@contextmanager
def new_file(path: Path, mode: int = 0o644, anew: bool = False, room: int = 0):
    """Give a file to write: all of it is there in the end, or nothing.

    `anew` takes no other file's place. `room` bytes are there for sure before anything is done that cannot be done again.
    """
    refuse_dash(path)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe or a terminal is not replaced
            with open(path, "wb") as file:
                yield file
            return
        place = Path(os.path.realpath(path)) if path.is_symlink() else path
        with _part_of(place, mode, room) as file:
            yield file
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
            if anew and os.path.lexists(place):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.replace(file.name, place)
    except OSError as e:
        raise ToolError(f"cannot write {path}: {e.strerror}") from None


def write(path: Path, data: bytes, mode: int = 0o644, anew: bool = False) -> None:
    """Write all of it or nothing."""
    with new_file(path, mode, anew) as file:
        file.write(data)


def refuse_dash(path: Path) -> None:
    """Raise a UsageError where somebody means stdout: that has the result object."""
    if str(path) == "-":
        raise UsageError("- is not stdout here: name a file")


@contextmanager
def alone(folder: Path):
    """Have a folder for this command; a BusyError where another one has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        lock(handle, folder)
        yield
    finally:
        os.close(handle)


def lock(handle: int, name: Path) -> None:
    """Lock an open file for this program; what knows no locks is taken without one."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(_BUSY % name) from None
    except OSError as e:
        if e.errno not in _NO_LOCKS:
            raise


@contextmanager
def _part_of(path, mode, room):
    """Give the file that becomes the other one; what a cut has left of one is removed first."""
    part = path.with_name(path.name + ".part")
    with open(_take(part, path, mode), "r+b") as file:
        named = _Named(file, part)
        try:
            if room:
                os.posix_fallocate(file.fileno(), 0, room)
            yield named
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


class _Named:
    """A file and its name, which an open handle does not know."""

    def __init__(self, file, name):
        self._file, self.name = file, name

    def __getattr__(self, name):
        return getattr(self._file, name)


def _take(part, path, mode):
    """Return the handle of a new file, locked: whoever has the lock has the name."""
    for _ in range(_TRIES):
        try:
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            _clear(part, path)
            continue
        try:
            lock(handle, path)
            if is_at(handle, part):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    raise BusyError(_BUSY % path)


def _clear(part, path):
    """Remove what a command that was cut has left; one that still writes it has it locked."""
    try:
        handle = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        lock(handle, path)
        if is_at(handle, part):
            part.unlink()
    finally:
        os.close(handle)


def is_at(handle: int, path: Path) -> bool:
    """Tell whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
