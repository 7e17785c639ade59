"""Small text files that people wrote, or put back from a backup: what is wrong with one is said in a line."""

from pathlib import Path

from flash_tools.errors import ToolError


def read(path: Path, advice: str = "") -> str:
    """Return the whole file; `advice` is what to do about one that is no text."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        raise ToolError("%s is no text%s" % (path, advice)) from None
    except OSError as e:
        raise ToolError("cannot read %s: %s" % (path, e.strerror)) from None
