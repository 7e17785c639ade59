"""`python -m flash_tools.wiring`: write the tables and pictures of docs/boards anew, or say with --check what is old."""

import argparse
import importlib
import sys
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.wiring.parts import Wiring, problems
from flash_tools.wiring.picture import svg
from flash_tools.wiring.table import placed

BOARDS = (
    *("rpi_nor_hat", "rpi_mcuboot_target", "rig_imx6", "pico_w_nor", "pico_w_internal"),
    *("esp32_ota", "esp32_nor", "stm32_mcuboot"),
)
DOCS = Path(__file__).resolve().parents[2] / "docs/boards"


def wiring_of(board: str) -> Wiring:
    """Return the table of a board."""
    return importlib.import_module("flash_tools.wiring." + board).WIRING


def made(docs: Path, board: str) -> dict[Path, str]:
    """Return what the files of a board have to hold; a page that is not there is left out."""
    wiring = wiring_of(board)
    if faults := problems(wiring):
        raise ToolError(faults[0])
    found, page = {docs / (board + ".svg"): svg(wiring)}, docs / (board + ".md")
    if page.is_file():
        found[page] = placed(page.read_text(), wiring)
    return found


def main(words=None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m flash_tools.wiring", description="Tables and pictures of the boards' wiring."
    )
    parser.add_argument("--check", action="store_true", help="write nothing, name what would change")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the pages")
    given = parser.parse_args(words)
    try:
        files = {path: text for board in BOARDS for path, text in made(given.docs, board).items()}
        old = [path for path, text in files.items() if not path.is_file() or path.read_text() != text]
        for path in () if given.check else old:
            path.write_text(files[path])
    except (ToolError, OSError) as e:
        print("wiring: %s" % e, file=sys.stderr)
        return getattr(e, "exit_code", 1)
    for path in old:
        print("%s %s" % ("old:" if given.check else "written:", path))
    return 1 if given.check and old else 0


if __name__ == "__main__":
    sys.exit(main())
