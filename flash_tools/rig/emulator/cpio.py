"""Root file systems for the emulated board: archives in the form that the kernel unpacks into RAM (cpio, newc)."""

import stat
from collections.abc import Iterator
from pathlib import Path

_MAGIC, _END = "070701", "TRAILER!!!"


class Archive:
    """Files, folders, links and devices by their paths; folders on the way to something are made by themselves."""

    def __init__(self):
        self._entries = {}

    def __contains__(self, path):
        return _name(path) in self._entries

    def folder(self, path: str) -> None:
        """Make a folder and those above it."""
        parts = _name(path).split("/")
        for count in range(1, len(parts) + 1):
            self._entries.setdefault("/".join(parts[:count]), (stat.S_IFDIR | 0o755, b"", (0, 0)))

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """Put a file."""
        self._put(path, stat.S_IFREG | mode, data)

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link."""
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path: str, major: int, minor: int) -> None:
        """Put a character device."""
        self._put(path, stat.S_IFCHR | 0o600, b"", (major, minor))

    def tree(self, folder: Path, skip=lambda path: False) -> None:
        """Put what is below a folder of the host, except where `skip` says so of its path below that folder."""
        self._below(folder, folder, skip)

    def pack(self) -> bytes:
        """Return the archive; another one may follow it."""
        return b"".join(self._pieces())

    def _put(self, path, mode, data, device=(0, 0)):
        name = _name(path)
        if "/" in name:
            self.folder(name.rpartition("/")[0])
        self._entries[name] = (mode, data, device)

    def _walk(self, path, root, skip):
        name = path.relative_to(root).as_posix()
        if skip(name):
            return
        if path.is_symlink():
            self.link(name, str(path.readlink()))
        elif path.is_dir():
            self.folder(name)
            self._below(path, root, skip)
        else:
            self.file(name, path.read_bytes(), path.stat().st_mode & 0o777)

    def _below(self, folder, root, skip):
        for path in sorted(folder.iterdir()):
            self._walk(path, root, skip)

    def _pieces(self) -> Iterator[bytes]:
        for number, (name, entry) in enumerate(sorted(self._entries.items()), 1):  # a folder sorts before what is in it
            yield from _entry(number, name, *entry)
        yield from _entry(0, _END, 0, b"", (0, 0))


def _name(path):
    name = path.strip("/")
    if not name or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError("%r is no path from the root" % path)
    return name


def _entry(number, name, mode, data, device):
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = _MAGIC.encode() + b"".join(b"%08X" % field for field in fields) + encoded
    yield head + bytes(-len(head) % 4)
    yield data + bytes(-len(data) % 4)
