"""`fumo-agent`, the agent as a service of a Linux board.

fumo-agent run        what the service starts: first stage, then the firmware in the bank that it chose
fumo-agent status     how the running agent is; also confirm, rollback, request-update, factory-reset, recovery
"""

import argparse
import json
import os
import socket
import sys

from agent.errors import AgentError
from agent.options import Options

COMMANDS = ("status", "confirm", "rollback", "request-update", "factory-reset", "recovery")
NO_AGENT = 3
REFUSED = 6
_TIMEOUT_S = 10


def main(words=None):
    """Do what is asked; return the exit code."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["install"]:
        from ports.cpython_linux.install import main as install

        return install(words[1:])
    parser = argparse.ArgumentParser("fumo-agent", description="The update agent of a Linux board.")
    parser.add_argument("--version", action="version", version="fumo-agent " + Options.agent_version)
    parser.add_argument("--etc", default="/etc/fumo-agent", help="folder of config.toml (%(default)s)")
    parser.add_argument(
        "command",
        choices=("run", "check", "install", *COMMANDS),
        help="run: what the service starts; install --help tells its own options",
    )
    given = parser.parse_args(words)
    if given.command == "run":
        return _run(given.etc)
    try:
        return _check(given.etc) if given.command == "check" else _ask(given.command)
    except AgentError as e:
        print("fumo-agent: %s" % e, file=sys.stderr)
        return 1


def _run(etc):
    from ports.cpython_linux import settings

    try:
        board = settings.load_board(settings.read(etc).board)
    except AgentError:
        board = None  # the first stage says why
    if getattr(board, "NATIVE", False):  # something else chooses the bank, a boot ROM for one
        from ports.cpython_linux.main import main as service

        return service([json.dumps({"etc": etc})])
    from ports.cpython_linux.first_stage import main as first_stage

    return first_stage(etc)


def _check(etc):
    """Say whether settings and board file are right, and whether the hardware answers; nothing is written."""
    from ports.cpython_linux import settings

    found = settings.read(etc)
    board = settings.load_board(found.board)
    options = found.options(board)
    print("board %s, name %s, watchdog %d ms" % (found.board, options.name, board.WATCHDOG_MS))
    return 0


def _ask(command):
    from ports.cpython_linux.first_stage import RUN
    from ports.cpython_linux.main import SOCKET

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_TIMEOUT_S)
        try:
            line.connect(os.path.join(RUN, SOCKET))
            line.sendall(command.encode() + b"\n")
            answer = _answer(line, command)
        except OSError as e:
            text = "the agent does not answer (%s): is the service running, and are you root?"
            print("fumo-agent: " + text % (e.strerror or e), file=sys.stderr)
            return NO_AGENT
    print(answer)
    return REFUSED if answer.startswith("refused") else 0


def _answer(line, command):
    """Return the line that answers; events may come before it."""
    for text in line.makefile(errors="replace"):
        if text.split()[:1] in (["status"], ["error"]) or text.split()[:2] in (
            ["done", command],
            ["refused", command + ":"],
        ):
            return text.strip()
    raise OSError("it has ended")


if __name__ == "__main__":
    sys.exit(main())
