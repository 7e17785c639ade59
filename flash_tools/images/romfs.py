"""ROMFS images, which MicroPython mounts and runs in place: made with mpremote's writer, read here.

A record is a kind and a length, both in groups of seven bits with the high ones first, and that many bytes; a file or folder begins
with its name, and a file may point at bytes elsewhere in the image.
"""

import hashlib

from flash_tools.errors import ToolError
from flash_tools.images.tree import FILES_MAX, IMAGE_MAX

MAGIC = b"\xd2\xcd\x31"
_VERBATIM, _POINTER, _FOLDER, _FILE = 2, 3, 4, 5
_DEPTH = 16


def build(files: dict[str, bytes]) -> bytes:
    """Return the image of the files."""
    try:
        from mpremote.romfs import VfsRomWriter
    except ImportError:
        raise ToolError("romfs needs mpremote: install fumo-agent[tools]") from None
    writer, nested = VfsRomWriter(), {}
    for path, content in files.items():
        if not path.isascii():
            raise ToolError(f"{path}: names in ROMFS have ASCII letters only")
        *folders, name = path.split("/")
        inner = nested
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[name] = content
    _write(writer, nested)
    return writer.finalise()


def listing(data: bytes) -> dict:
    """Return {"files": {path: {"size", "sha256"}}, "version_module"}; ValueError where it is no ROMFS."""
    if data[:3] != MAGIC:
        raise ValueError("this is no ROMFS image")
    size, at = _number(data, 3, len(data))
    if at + size > len(data):
        raise ValueError("the ROMFS is cut off: %d of %d bytes" % (len(data) - at, size))
    found = {"files": {}, "version_module": None}
    _folder(data, at, at + size, "", found, [FILES_MAX, IMAGE_MAX])
    return found


def _write(writer, nested):
    for name, content in sorted(nested.items()):
        if isinstance(content, dict):
            writer.opendir(name)
            _write(writer, content)
            writer.closedir()
        else:
            writer.mkfile(name, content)


def _folder(data, at, end, prefix, found, left):
    if prefix.count("/") > _DEPTH:
        raise ValueError("the ROMFS is nested too deep")
    while at < end:
        kind, start, at = _record(data, at, end)
        left[0] -= 1
        if left[0] < 0:
            raise ValueError("the ROMFS has more than %d records" % FILES_MAX)
        if kind not in (_FOLDER, _FILE):
            continue
        size, begin = _number(data, start, at)
        if begin + size > at:
            raise ValueError("a name in the ROMFS is cut off")
        path = prefix + data[begin : begin + size].decode("utf-8", "replace")
        if kind == _FOLDER:
            _folder(data, begin + size, at, path + "/", found, left)
            continue
        content = _content(data, begin + size, at)
        left[1] -= len(content)
        if left[1] < 0:
            raise ValueError("the files of the ROMFS are larger than an image may be")
        found["files"][path] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if path == "version.py":
            found["version_module"] = content[:1000].decode("utf-8", "replace")


def _content(data, at, end):
    while at < end:
        kind, start, at = _record(data, at, end)
        if kind == _VERBATIM:
            return data[start:at]
        if kind == _POINTER:
            size, start = _number(data, start, at)
            where, _ = _number(data, start, at)
            if where + size > len(data):
                raise ValueError("a file of the ROMFS points out of it")
            return data[where : where + size]
    raise ValueError("a file of the ROMFS has no content")


def _record(data, at, end):
    kind, at = _number(data, at, end)
    size, at = _number(data, at, end)
    if at + size > end:
        raise ValueError("a record of the ROMFS is cut off")
    return kind, at, at + size


def _number(data, at, end):
    value = 0
    for i in range(at, min(end, at + 6)):
        value = value << 7 | data[i] & 0x7F
        if not data[i] & 0x80:
            return value, i + 1
    raise ValueError("a number in the ROMFS is cut off")
