"""What differs between two packages or images: fields of the manifests, files or ranges of bytes, and what a delta would take."""

import hashlib
from pathlib import Path

from flash_tools import images
from flash_tools.errors import ToolError
from flash_tools.images.bounded import BoundedError, run
from flash_tools.images.tree import IMAGE_MAX
from flash_tools.packages import package_build, package_read, package_show

_DELTA_MAX = 16 << 20
_RANGES_MAX = 1000
_GAP = 16  # equal bytes between two differences that are too few to end a range
_PART = 1 << 16


class Side:
    """A package or an image: `manifest` and `sizes` are None for an image."""

    def __init__(self, path: Path, before: "Side | None" = None):
        data = package_read.read_file(path)
        self.manifest = self.sizes = None
        if not package_read.is_package(data):
            self.image, self.kind = data, images.guess(data)[0]
            if not data:
                raise ToolError(f"{path} is empty")
            return
        opened = package_read.open_package(data, None, None, IMAGE_MAX)
        if opened.manifest.encoding == "delta" and before and before.is_source(opened.manifest):
            opened = package_read.open_package(data, None, before.image, IMAGE_MAX)
        self.image, self.kind = opened.image, opened.manifest.kind
        self.manifest, self.sizes = opened.summary.manifest, package_show.block_sizes(opened)

    def is_source(self, manifest) -> bool:
        """Tell whether a delta starts from this image."""
        return self.image is not None and hashlib.sha256(self.image).digest() == manifest.source_sha256

    def files(self) -> dict | None:
        """Return the files by their path, None for an image without files, or one that cannot be read."""
        try:
            return images.contents(self.kind, self.image).get("files")
        except ValueError:
            return None


def diff(old_path: Path, new_path: Path, with_delta: bool = True) -> dict:
    """Compare; what cannot be told (the image of a delta whose source is not OLD) is None."""
    old = Side(old_path)
    new = Side(new_path, old)
    found = {"fields": _fields(old, new), "files": None, "ranges": None, "same_image": None, "delta_bytes": None}
    found |= {"blocks": [old.sizes, new.sizes], "image_bytes": [_length(old), _length(new)]}
    if old.image is None or new.image is None:
        return found
    found["same_image"] = old.image == new.image
    mine, theirs = (old.files(), new.files()) if old.kind == new.kind else (None, None)
    if mine is not None and theirs is not None:
        found["files"] = _files(mine, theirs)
    else:
        found["ranges"] = ranges(old.image, new.image)
    if with_delta:
        found["delta_bytes"] = estimate_delta(old.image, new.image)
    return found


def ranges(old: bytes, new: bytes) -> list[list[int]]:
    """Return [start, size] of what differs, at most a thousand; differences that are close are one."""
    found, both = [], min(len(old), len(new))
    for start in range(0, both, _PART):
        a, b = old[start : start + _PART], new[start : start + _PART]
        if a != b:
            _add_ranges(found, start, a[: both - start], b[: both - start])
    if len(old) != len(new):
        found.append([both, max(len(old), len(new)) - both])
    return found[:_RANGES_MAX]


def estimate_delta(old: bytes, new: bytes) -> int | None:
    """Return how many bytes the blocks of a delta would take, None where finding that out takes too long."""
    if max(len(old), len(new)) > _DELTA_MAX:
        return None
    try:
        return run("delta", old, new)
    except BoundedError:
        return None


def delta_size(old: bytes, new: bytes) -> int:
    """Return the same, here and now."""
    return package_build.blocks_size(new, "delta", old)


def _length(side):
    return None if side.image is None else len(side.image)


def _fields(old, new):
    if old.manifest is None or new.manifest is None:
        return None
    names = [*old.manifest, *(name for name in new.manifest if name not in old.manifest)]
    found = {name: [old.manifest.get(name), new.manifest.get(name)] for name in names}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _files(old, new):
    found = {}
    for path in sorted({*old, *new}):
        mine, theirs = old.get(path), new.get(path)
        if mine != theirs:
            what = "added" if mine is None else "removed" if theirs is None else "changed"
            found[path] = {"what": what, "sizes": [mine and mine["size"], theirs and theirs["size"]]}
    return found


def _add_ranges(found, start, old, new):
    at, size = 0, len(new)
    while at < size and len(found) <= _RANGES_MAX:
        if old[at] == new[at]:
            at += 1
            continue
        if found and start + at - sum(found[-1]) < _GAP:
            found[-1][1] = start + at + 1 - found[-1][0]
        else:
            found.append([start + at, 1])
        at += 1


# -- for people -------------------------------------------------------------------------------------------------------


def lines(found: dict) -> list[str]:
    """Return the differences, one a line."""
    out = []
    for name, pair in (found["fields"] or {}).items():
        out.append("%-14s %s -> %s" % (name, *(package_show.words(name, each) for each in pair)))
    for path, file in (found["files"] or {}).items():
        out.append(
            "%-8s %s  %s" % (file["what"], path, " -> ".join(str(size) for size in file["sizes"] if size is not None))
        )
    if found["ranges"]:
        out += ["%#010x  %d bytes" % (start, size) for start, size in found["ranges"][:20]]
        more = len(found["ranges"]) - 20
        out += ["%d ranges more" % more] if more > 0 else []
    for name, sizes in zip(("old", "new"), found["blocks"], strict=True):
        if sizes:
            out.append(
                "%-14s %d blocks, %d bytes, the largest %d" % (name, sizes["count"], sizes["bytes"], sizes["largest"])
            )
    if found["same_image"] is None:
        out.append("the image of a delta is compared where OLD is what it starts from")
    elif found["same_image"]:
        out.append("the images are the same")
    if found["delta_bytes"] is not None and not found["same_image"]:
        out.append("a delta would take about %d bytes" % found["delta_bytes"])
    return out
