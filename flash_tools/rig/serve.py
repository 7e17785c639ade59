"""`python -m flash_tools.rig.serve ENV`: start the boards of an environment that are programs, and offer them to a network.

What it offers is what hardware has, a power switch and a serial line each, so an exporter and its clients see no difference
(environments/exporter.yaml). Nobody is asked who he is: bind it to loopback or to a network that is the lab's own.
"""

import argparse
import os
import signal
import sys
import threading

from flash_tools.errors import ToolError
from flash_tools.rig import boards, environment
from flash_tools.rig.board_server import BoardServer

PORT, CONSOLES = 43100, 43110


def main(words: list[str] | None = None) -> int:
    """Return the exit code."""
    options = _parser().parse_args(words)
    try:
        with BoardServer(make_boards(options), options.host, options.port, options.consoles) as server:
            tell(server)
            _wait()
        return 0
    except ToolError as e:
        print(e, file=sys.stderr)
        return e.exit_code


def make_boards(options) -> list:
    """Return the boards: those of the environment, or as many as were asked for where it has one."""
    found = environment.boards(environment.find(options.env))
    if options.boards and len(found) == 1:
        found *= options.boards
    base = options.folder or "build/rig/served"
    return [
        boards.make(facts.get("kind", "sim"), "%s-%d" % (base, index), bool(facts.get("micropython")))
        for index, facts in enumerate(found)
    ]


def tell(server: BoardServer) -> None:
    """Say where everything is."""
    print("power", server.power_url, flush=True)
    for index, port in enumerate(server.console_ports):
        print(index, "console %s:%d" % (server.host, port), flush=True)
    print("ready", flush=True)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m flash_tools.rig.serve", description=__doc__.splitlines()[0])
    parser.add_argument("env", metavar="ENV", help="an environment: sim, emulated or a file")
    parser.add_argument("--boards", type=int, default=0, metavar="N", help="so many of its one board")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    port, consoles = os.environ.get("FUMO_RIG_PORT", PORT), os.environ.get("FUMO_RIG_CONSOLES", CONSOLES)
    parser.add_argument("--port", type=int, default=int(port), help="of the power switch, %d; 0 for any" % PORT)
    parser.add_argument(
        "--consoles", type=int, default=int(consoles), help="of the first console, %d; 0 for any" % CONSOLES
    )
    parser.add_argument("--folder", help="where the boards' files are, build/rig/served otherwise")
    return parser


def _wait():
    """Wait for SIGINT or SIGTERM."""
    ends = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.set())
    ends.wait()


if __name__ == "__main__":
    sys.exit(main())
