"""A flash image as the files that hal/flash_files.py keeps, and back with --join.

`python -m flash_tools.chips.unit_files chip.img FOLDER` makes them; `mpremote cp -r FOLDER/. :/fumo/` brings them onto the board.
"""

import argparse
import sys
from pathlib import Path

from flash_tools import whole_file
from flash_tools.errors import ToolError
from hal.flash_files import UNIT

_PAGE = 256
_BLANK = b"\xff" * _PAGE


def split(image: bytes) -> dict[str, bytes]:
    """Return the files; ToolError for an image that has no whole units."""
    if not image or len(image) % UNIT:
        raise ToolError("an image of %d bytes: it has a multiple of %d" % (len(image), UNIT))
    files = {}
    for start in range(0, len(image), UNIT):
        content = image[start : start + UNIT]
        while content and content[-_PAGE:] == _BLANK:
            content = content[:-_PAGE]
        if content:
            files["%x" % (start // UNIT)] = content
    return files


def join(files: dict[str, bytes], size: int) -> bytes:
    """Return the image of that size; ToolError for what no flash of that size keeps in files."""
    image = bytearray(b"\xff" * size)
    for name, content in files.items():
        number = int(name, 16) if name and set(name) <= set("0123456789abcdef") else size
        if (number + 1) * UNIT > size or len(content) > UNIT or name != "%x" % number:
            raise ToolError("%r is no unit of a flash of %d bytes" % (name, size))
        image[number * UNIT : number * UNIT + len(content)] = content
    return bytes(image)


def write(image: bytes, folder: Path) -> int:
    """Write the files, remove others; return how many there are."""
    files = split(image)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return len(files)


def main(words=None) -> int:
    """Do one or the other; return the exit code."""
    parser = argparse.ArgumentParser("python -m flash_tools.chips.unit_files", description="A flash image as files.")
    parser.add_argument("image", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--join", type=lambda text: int(text, 0), metavar="SIZE", help="make the image of the files")
    given = parser.parse_args(words)
    try:
        if given.join is None:
            print("%d files in %s" % (write(given.image.read_bytes(), given.folder), given.folder))
        else:
            files = {path.name: path.read_bytes() for path in given.folder.iterdir()}
            whole_file.write(given.image, join(files, given.join))
    except (ToolError, OSError) as e:
        print("unit_files: %s" % e, file=sys.stderr)
        return getattr(e, "exit_code", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
