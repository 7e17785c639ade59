"""littlefs images, as MicroPython mounts them: blocks of 1 KiB, exactly as many as the files need, disk version 2.0.

Modules are small: with blocks of a sector, 4 KiB, an image takes twice the flash and the time. It is never written to.

The sizes of reads and programs are MicroPython's own, so small files stand in the metadata where its cache can hold them. Files are
written in the order of their names into an erased image, without times: the same files make the same bytes.
"""

import hashlib
import logging
from pathlib import PurePosixPath

from flash_tools.errors import ToolError, UsageError
from flash_tools.images.bounded import run
from flash_tools.images.tree import FILES_MAX, IMAGE_MAX

BLOCK = 1024
_SIZES = (512, 1024, 2048, 4096)  # that are read
_BLOCK_AT = 24  # in the image
_FORMAT = {
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "block_cycles": -1,
    "disk_version": 0x00020000,
}
_DEPTH = 16


def build(files: dict[str, bytes], image_size: int | None = None) -> bytes:
    """Return the image of the files; `image_size` makes it larger than it has to be."""
    if image_size is not None and (image_size % BLOCK or not 2 * BLOCK <= image_size <= IMAGE_MAX):
        raise UsageError(f"an image of {image_size} bytes: use a multiple of {BLOCK}, at most {IMAGE_MAX}")
    least = 2 + sum(len(data) // BLOCK for data in files.values())
    if image_size is not None:
        image = _try(files, image_size // BLOCK)
        if image is None:
            raise ToolError(f"the files do not fit an image of {image_size} bytes: say more with --image-size")
        return image
    most = least + 4 * len(files) + 16
    while (image := _try(files, most)) is None:
        if most * BLOCK > IMAGE_MAX:
            raise ToolError(f"the files do not fit an image of {IMAGE_MAX >> 20} MiB")
        most *= 2
    while least < most:
        middle = (least + most) // 2
        smaller = _try(files, middle)
        least, most, image = (least, middle, smaller) if smaller is not None else (middle + 1, most, image)
    return image


def listing(data: bytes) -> dict:
    """Return what an image holds, read in a process of its own; BoundedError where it cannot be read."""
    return run("lfs2", data)


def read_files(data: bytes) -> dict:
    """Read an image, here and now: {"blocks", "used_blocks", "disk_version", "files": {path: {"size", "sha256"}}, "version"}."""
    from littlefs import LittleFS, UserContext

    size = int.from_bytes(data[_BLOCK_AT : _BLOCK_AT + 4], "little")
    if size not in _SIZES or len(data) % size or len(data) < 2 * size:
        raise ValueError("a littlefs image has blocks of %s bytes" % ", ".join(map(str, _SIZES)))
    blocks, context = len(data) // size, UserContext(buffer=bytearray(data))
    fs = LittleFS(context=context, block_size=size, block_count=blocks, mount=False, **_FORMAT)
    fs.mount()
    status = fs.fs_stat()
    if status.block_count != blocks:
        raise ValueError("the file system has %d blocks, the image %d" % (status.block_count, blocks))
    files, version = {}, None
    for path, content in _files(fs, "", 0, [len(data), FILES_MAX]):
        files[path] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        version = content.decode("utf-8", "replace") if path == "version.py" and len(content) < 1000 else version
    major, minor = status.disk_version >> 16, status.disk_version & 0xFFFF
    return {
        "blocks": blocks, "used_blocks": fs.used_block_count, "disk_version": "%d.%d" % (major, minor), "files": files,
        "version_module": version,
    }  # fmt: skip


def _try(files, blocks):
    """Return the image with that many blocks, None where the files do not fit it."""
    from littlefs import LittleFS, LittleFSError, UserContext

    logging.getLogger("littlefs").setLevel(logging.WARNING)
    context = UserContext(blocks * BLOCK)
    fs = LittleFS(context=context, block_size=BLOCK, block_count=blocks, mount=False, **_FORMAT)
    try:
        fs.format()
        fs.mount()
        made = set()
        for path, content in sorted(files.items()):
            _make_parents(fs, path, made)
            with fs.open(path, "wb") as file:
                file.write(content)
        fs.unmount()
    except LittleFSError as e:
        if e.code == LittleFSError.Error.LFS_ERR_NOSPC:
            return None
        raise ToolError(f"littlefs does not take these files: {e}") from None
    return bytes(context.buffer)


def _make_parents(fs, path, made):
    for parent in [str(parent) for parent in PurePosixPath(path).parents][-2::-1]:
        if parent not in made:
            fs.mkdir(parent)
            made.add(parent)


def _files(fs, folder, depth, left):
    """Give (path, content); `left` are the bytes and the entries that a sound image can hold at most."""
    for entry in fs.scandir(folder or "/"):
        path = folder + "/" + entry.name if folder else entry.name
        left[1] -= 1
        if left[1] < 0 or depth > _DEPTH:
            raise ValueError("the file system goes round")
        if entry.type != 1:
            yield from _files(fs, path, depth + 1, left)
            continue
        left[0] -= entry.size
        if left[0] < 0:
            raise ValueError("the file system says that it holds more than its size")
        with fs.open(path, "rb") as file:
            yield path, file.read()
