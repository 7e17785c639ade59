"""Does the console of a board answer on its serial line?"""

import time
from collections.abc import Iterator

from flash_tools import serial_line
from flash_tools.doctor.check import Check, fail, ok, warn
from flash_tools.errors import ToolError
from flash_tools.target import Target

_WAIT_S = 3.0
_MOST = 65536


def checks(target: Target, wait_s: float = _WAIT_S) -> Iterator[Check]:
    """Ask for the status; nothing on the board changes."""
    try:
        with serial_line.open_line(target, 0.2) as line:
            said = _ask(line, wait_s)
    except ToolError as e:
        yield fail("serial line", str(e), "check the port and its cable")
        return
    except OSError as e:
        yield fail("serial line", "it dropped: %s" % (e.strerror or e), "check the cable")
        return
    if any(line.startswith(b"status ") for line in said.splitlines()):
        yield ok("serial line", "the agent answers")
    elif said:
        text = "%d bytes came, none of them an answer" % len(said)
        yield warn("serial line", text, "check the baud rate, and whether it is in recovery: fumo recover status")
    else:
        yield fail(
            "serial line", "nothing comes", "check power, the cable, and that no other program has the board's console"
        )


def _ask(line, wait_s):
    """Return what came until the answer was there or the time was over."""
    line.reset_input_buffer()
    line.write(b"\nstatus\n")
    said, end = b"", time.monotonic() + wait_s
    while time.monotonic() < end and len(said) < _MOST:
        said += line.read(4096 if line.in_waiting > 1 else 1)
        if b"\nstatus {" in b"\n" + said and said.endswith(b"\n"):
            break
    return said
