"""`fumo-agent`, the agent as a service of a Linux board.

fumo-agent run        what the service starts: first stage, then the firmware in the bank that it chose
fumo-agent status     how the running agent is; also confirm, rollback, request-update, factory-reset, recovery
fumo-agent check      what is wrong with settings, board file and devices, and what to do
fumo-agent monitor    what it says, as long as one listens; lines that are typed go to it
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
        choices=("run", "check", "install", "monitor", *COMMANDS),
        help="run: what the service starts; install --help tells its own options",
    )
    parser.add_argument("--with-input", action="store_true", help="monitor: end when what is typed ends")
    given = parser.parse_args(words)
    if given.command == "run":
        return _run(given.etc)
    if given.command == "monitor":
        return _monitor(given.with_input)
    if given.command == "check":
        from ports.cpython_linux.check import main as check

        return check(given.etc)
    return _ask(given.command)


def _run(etc):
    from ports.cpython_linux import settings

    try:
        board = settings.read(etc).load_board()
    except AgentError:
        board = None  # the first stage says why
    if getattr(board, "NATIVE", False):  # something else chooses the bank, a boot ROM for one
        from ports.cpython_linux.main import main as service

        return service([json.dumps({"etc": etc})])
    from ports.cpython_linux.first_stage import main as first_stage

    return first_stage(etc)


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
            return _no_agent(e)
    print(answer)
    return REFUSED if answer.startswith("refused") else 0


def _monitor(with_input):
    from ports.cpython_linux.first_stage import RUN
    from ports.cpython_linux.main import SOCKET
    from ports.cpython_linux.monitor import monitor

    try:
        return monitor(os.path.join(RUN, SOCKET), with_input)
    except OSError as e:
        return _no_agent(e)


def _no_agent(error):
    text = "the agent does not answer (%s): is the service running, and are you root?"
    print("fumo-agent: " + text % (error.strerror or error), file=sys.stderr)
    return NO_AGENT


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
