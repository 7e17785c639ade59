"""A folder from which a MicroPython is built that has our code frozen: no file system is needed, and none can replace it.

    make -C ports/rp2 BOARD=RPI_PICO_W FROZEN_MANIFEST=FOLDER/manifest.py

Frozen are the launcher as `main.py`, an empty `boot.py` (both are taken before files of these names), and the first stage with
serial recovery; on a board whose boot loader chooses, the whole firmware instead, in the folder `bank` where the launcher looks.
`_boot.py` takes the place of the port's own, which on rp2 and esp32 formats the file system whenever it cannot be mounted.
"""

from pathlib import Path

from flash_tools.deploy import mpy_files
from flash_tools.deploy.board_file import BoardFile
from flash_tools.errors import UsageError
from flash_tools.version import version

PORTS = ("rp2", "esp32", "stm32", "other")
_FOLDER = "modules"
_WITH_TLS = ("wifi", "wired")
_BOOT = b'"""Nothing is run before main.py."""\n'
_NO_FILES = (
    b'"""Mounts nothing: what runs comes out of banks, and a file system that somebody has filled must not matter."""\n'
)
_OF_PORT = {  # modules of the port's own that are wanted; its manifest as a whole would bring its _boot.py
    "rp2": 'freeze("$(PORT_DIR)/modules", ("rp2.py",))\n',
    "esp32": 'freeze("$(PORT_DIR)/modules", ("flashbdev.py",))\n',
}
_TLS = 'require("ssl")\n'  # of micropython-lib: the firmware alone has only what that is made of
_MANIFEST = '''"""Freezes %s into MicroPython for the board %s: FROZEN_MANIFEST of its build. Made by fumo deploy."""

metadata(description="fumo-agent for %s", version="%s")
%sfreeze("%s", opt=%d)
'''


def folder(
    root: Path, board: BoardFile, app: dict[str, bytes], port: str, lines: bool | None = None
) -> dict[str, bytes]:
    """Return {place: bytes} of the folder."""
    if port not in PORTS:
        raise UsageError("--freeze %s names no port: use %s" % (port, ", ".join(PORTS)))
    if app and not board.native:
        raise UsageError("the application goes into the bank, not into the firmware: leave out --app with --freeze")
    found = _firmware(root, board, app, lines) if board.native else _first_stage(root, board)
    found.update({"boot.py": _BOOT, "main.py": mpy_files.launcher(root)})
    if port in _OF_PORT:
        found["_boot.py"] = _own_boot(root, board, port)
    what = "the agent" if board.native else "the first stage"
    secure = port != "other" and board.constants.get("NETWORK") in _WITH_TLS
    needs = _OF_PORT.get(port, "") + _TLS * secure
    level = 1 if mpy_files.has_lines(board, lines) else 3
    words = (what, board.name, board.name, version(), needs, _FOLDER, level)
    return {
        "manifest.py": (_MANIFEST % words).encode(),
        **{"%s/%s" % (_FOLDER, name): data for name, data in found.items()},
    }


def _first_stage(root, board):
    return {name: text.encode() for name, text in mpy_files.first_stage_sources(root, board).items()}


def _firmware(root, board, app, lines):
    foreign = [name for name in app if not name.endswith(".py")]
    if foreign:
        raise UsageError("%s of the application cannot be frozen: only Python can" % foreign[0])
    image, code = mpy_files.program(root, board, app, lines)
    return {"bank/" + name: text.encode() for name, text in {**image.sources, **code}.items()}


def _own_boot(root, board, port):
    """Return what mounts the file system: the port's file of ours where banks or an application keep something in it."""
    wanted = board.native or "FILES" in board.defined
    return (root / "ports" / "micropython" / (port + "_boot.py")).read_bytes() if wanted else _NO_FILES
