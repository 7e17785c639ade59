"""A store that is a folder here: what goes into a bank image, or onto an SD card."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flash_tools import whole_file
from flash_tools.deploy.files import digest
from flash_tools.errors import ToolError


@contextmanager
def alone(root: Path) -> "Iterator[Store]":
    """Give the store of a folder that no other command fills meanwhile."""
    store = Store(root)
    root.mkdir(parents=True, exist_ok=True)
    with whole_file.alone(root):
        yield store


class Store:
    """`root` is made with the first file."""

    def __init__(self, root: Path):
        self._root = root
        if root.exists() and not root.is_dir():
            raise ToolError("%s is no folder" % root)

    def digests(self, places: list[str]) -> dict[str, str | None]:
        """Return the SHA-256 of each file that is there."""
        found = {place: self.read(place) for place in places}
        return {place: None if data is None else digest(data) for place, data in found.items()}

    def read(self, place: str) -> bytes | None:
        """Return the bytes of a file, None if it is not there."""
        path = self._root / place
        if path.is_dir():
            raise ToolError("%s is a folder: a file of that name should be there" % path)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, place: str, data: bytes) -> None:
        """Write all of a file or nothing."""
        path = self._root / place
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as e:
            raise ToolError("cannot write %s: %s" % (path, e.strerror)) from None

    def remove(self, place: str) -> None:
        """Remove a file, and folders that are empty then."""
        path = self._root / place
        path.unlink(missing_ok=True)
        with suppress(OSError):
            for parent in path.relative_to(self._root).parents:
                if parent != Path("."):
                    (self._root / parent).rmdir()
