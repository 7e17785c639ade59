"""Puts the agent's own code onto a board: into a folder, onto a MicroPython board, or onto a Linux board by ssh.

    deploy("dir:bank", Wish("micropython", "sim_nor"))

What is there already is not written again; what an earlier run put there and is not wanted any more is removed, and
nothing else is. A run that was cut short is finished by the next one: the manifest is written last.
"""

from collections.abc import Callable
from pathlib import Path

from flash_tools import mpy_line, target
from flash_tools.deploy import crash_map, folder, micropython, ssh, sync
from flash_tools.deploy.files import Wish, build
from flash_tools.errors import UsageError

KINDS = ("dir", "mpy", "ssh")
_RUNTIMES = {"mpy": "micropython", "ssh": "cpython_linux"}

__all__ = ["KINDS", "Wish", "deploy", "runtime_of", "rehearse"]


def runtime_of(board: str, runtime: str | None = None) -> str:
    """Return the runtime that a board has: what is said, or what follows from how it is reached."""
    kind = target.parse(board, *KINDS).kind
    usual = _RUNTIMES.get(kind, "micropython")
    if kind in _RUNTIMES and runtime not in (None, usual):
        raise UsageError("what is reached by %s: runs %s, not %s" % (kind, usual, runtime))
    return runtime or usual


def rehearse(board: str, wish: Wish) -> sync.Plan:
    """Return what would be done; only a folder is looked at, no board is asked."""
    where = target.parse(board, *KINDS)
    files = build(wish)
    if where.kind == "dir":
        return sync.compare(folder.Store(Path(where.place)), files)
    return sync.Plan(write=files)


def deploy(
    board: str,
    wish: Wish,
    overwrite: bool = False,
    interrupt: bool = False,
    reset: bool = False,
    to: str = "/",
    ssh_command: str = "ssh",
    tell: Callable[[str, int, int], None] | None = None,
) -> sync.Plan:
    """Put the code there and return what was done; `tell` hears path, number and count of each file that is written."""
    where = target.parse(board, *KINDS)
    if wish.freeze and where.kind != "dir":
        raise UsageError("--freeze makes a folder to build a firmware from: use -b dir:FOLDER")
    if where.kind != "mpy" and (interrupt or reset):
        raise UsageError("--interrupt and --reset are for mpy: only, there is no program to disturb with %s" % where)
    if where.kind == "dir":
        files = build(wish, crash_map.keep)
        with folder.alone(Path(where.place)) as store:
            return sync.run(store, sync.compare(store, files), files, overwrite, tell)
    if where.kind == "ssh":
        host, path = ssh.parse(where.place)
        return ssh.send(host, path, build(wish), ssh_command)
    mpy_line.find(where.place)
    return _onto_micropython(where.place, build(wish, crash_map.keep), overwrite, interrupt, reset, to, tell)


def _onto_micropython(place, files, overwrite, interrupt, reset, to, tell):
    with mpy_line.connect(place, interrupt=interrupt) as line:
        store = micropython.Store(line, to)
        store.check_format(files)
        plan = sync.compare(store, files)
        done = sync.run(store, plan, files, overwrite, tell)
        if reset:
            mpy_line.soft_reset(line)
    return done
