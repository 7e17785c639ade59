"""`fumo-agent`, the agent as a service of a Linux board: `python3 -m ports.cpython_linux` is the same.

No board file for a Linux board exists yet, and there is nothing that it could start: it says so instead of waiting for ever.
"""

import argparse
import sys

from agent.options import Options

NO_BOARD = 3  # the exit code for a device that is not there, as of `fumo`
_TEXT = "fumo-agent: this version has no board file for Linux, so nothing is started; `fumo sim` runs simulated devices"


def main(words=None):
    """Start the agent of this board; return the exit code."""
    parser = argparse.ArgumentParser("fumo-agent", description="The update agent of a Linux board.")
    parser.add_argument("--version", action="version", version="fumo-agent " + Options.agent_version)
    parser.parse_args(words)
    print(_TEXT, file=sys.stderr)
    return NO_BOARD


if __name__ == "__main__":
    sys.exit(main())
