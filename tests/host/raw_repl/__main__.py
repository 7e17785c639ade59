"""Start a board by hand: `python -m tests.host.raw_repl FOLDER [MAIN.py]` says where it is, and runs until Enter."""

import pathlib
import sys

from tests.host.raw_repl.rig import Board

program = pathlib.Path(sys.argv[2]).read_text() if len(sys.argv) > 2 else None
with Board(sys.argv[1], program) as board:
    print(board.port, flush=True)
    sys.stdin.readline()
