"""One maker at a time: a second one waits for the first, and then finds everything there."""

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

from flash_tools.errors import ToolError


@contextmanager
def alone(folder: Path, what: str):
    """Wait for another one that makes `what` in the same folder to end; what the system refuses is said in one line."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    except OSError as e:
        raise ToolError("cannot make %s in %s: %s" % (what, folder, e.strerror)) from None
    finally:
        os.close(handle)
