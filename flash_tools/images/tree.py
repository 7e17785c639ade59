"""A folder of Python modules on its way into an image: what is taken, what is left out, and the module that says the version.

The same files give the same image: names are sorted, times and owners are not looked at.
"""

import ast
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from flash_tools.errors import ToolError, UsageError

IMAGE_MAX = 64 << 20  # bytes; no NOR flash of ours is larger
FILES_MAX = 10000
_NAME_MAX = 255  # bytes of a name, of littlefs and ROMFS
MODULE, COMPILED = "version.py", "version.mpy"
_LEFT_OUT = ("__pycache__",)


@dataclass
class Tree:
    """Files by their path with slashes, sorted; `left_out` are the names that were passed over."""

    files: dict[str, bytes]
    left_out: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(map(len, self.files.values()))


def read_tree(folder: Path) -> Tree:
    """Read a folder; hidden files, __pycache__ and .pyc are left out, a link may not lead out of it."""
    tree, root = Tree({}), folder.resolve()
    try:
        _walk(tree, root, root, "")
    except OSError as e:
        raise ToolError(f"cannot read {e.filename or folder}: {e.strerror}") from None
    if not tree.files:
        raise ToolError(f"{folder} holds no file for an image")
    tree.files = dict(sorted(tree.files.items()))
    return tree


def with_version(tree: Tree, version: str | None) -> tuple[Tree, str]:
    """Return the tree with its module version.py, and the version; what the module says and what is asked must agree."""
    if COMPILED in tree.files and MODULE not in tree.files:
        if version is None:
            raise UsageError(f"{COMPILED} is compiled and cannot be read: say the version with --version")
        if version.encode() not in tree.files[COMPILED]:
            raise UsageError(
                f"{COMPILED} does not hold the version {version}: compile it again, or say the one it holds"
            )
        return tree, version
    said = version_of(tree.files[MODULE]) if MODULE in tree.files else None
    if MODULE in tree.files and said is None:
        raise UsageError(f'{MODULE} has no line VERSION = "...": the device compares it with the package')
    if said is None and version is None:
        raise UsageError("which version is it? say it with --version, or give the folder a version.py")
    if said is not None and version not in (None, said):
        raise UsageError(f"{MODULE} says {said!r}, --version {version!r}: make them agree")
    if said is not None:
        return tree, said
    files = dict(sorted({**tree.files, MODULE: f"VERSION = {json.dumps(version)}\n".encode()}.items()))
    return Tree(files, tree.left_out), version


def version_of(source: bytes) -> str | None:
    """Return what `VERSION = "..."` in a module says; the module is not run."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in body:
        names = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
        if names == ["VERSION"] and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return node.value.value
    return None


def _walk(tree, root, folder, prefix):
    for name in sorted(os.listdir(folder)):
        path, inside = folder / name, prefix + name
        if name.startswith(".") or name in _LEFT_OUT or name.endswith(".pyc"):
            tree.left_out.append(inside)
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ToolError(f"{path} leads out of the folder: an image holds what is in it")
        if len(os.fsencode(name)) > _NAME_MAX or not name.isprintable():
            raise ToolError(f"{inside!r} is no name for a file on a device")
        _take(tree, root, path, inside)


def _take(tree, root, path, inside):
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        if inside.count("/") > 15:
            raise ToolError(f"{inside} is too deep: folders go round, or 16 of them are not enough")
        _walk(tree, root, path, inside + "/")
    elif not stat.S_ISREG(status.st_mode):
        raise ToolError(f"{path} is neither a file nor a folder")
    elif len(tree.files) >= FILES_MAX or tree.size + status.st_size > IMAGE_MAX:
        raise ToolError(f"the folder is larger than an image may be: {FILES_MAX} files, {IMAGE_MAX >> 20} MiB")
    else:
        tree.files[inside] = path.read_bytes()
