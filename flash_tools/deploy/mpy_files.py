"""What goes onto a MicroPython board: the firmware of a bank, and the first stage that starts it.

A firmware is one program: the agent, the drivers that the board file uses, the port, and what the application needs of them, in
few files with short names (bundle.py). Its entry is `main.mpy` at the top, which the first stage imports. `plain` leaves every
module a file of its own, for a look into a board; so is a board of the simulator.
"""

import ast
from collections.abc import Callable
from pathlib import Path

from flash_tools.deploy import bundle, bundle_hush, stage_sources
from flash_tools.deploy.board_file import BoardFile
from flash_tools.deploy.bundle_profile import profile_of
from flash_tools.deploy.compiled import compile_sources
from flash_tools.deploy.short_names import shorten_sources
from flash_tools.errors import UsageError

LAUNCHER = "main.py"  # on the board, where it is what MicroPython starts; its source is ports/micropython/boot.py
BENCH = "bench"  # an empty file: Ctrl-C may stop the firmware
_MAIN = "ports/micropython/main.py"
_APART = ("boot", "first_stage", "recovery", "programmer", "rp2_boot", "esp32_boot")  # no part of a bank
Keep = Callable[[str, str], None] | None
_FIRST_STAGE, _RECOVERY = "fumo_first_stage", "fumo_recovery"


def firmware(
    root: Path,
    board: BoardFile,
    app: dict[str, bytes],
    bytecode: str | None,
    lines: bool | None = None,
    keep: Keep = None,
) -> dict[str, bytes]:
    """Return {place: bytes} of the firmware of a bank; what a board's program would not find in it is refused.

    `keep(number, map)` hears what leads tracebacks back. The application has line numbers, whatever the rest has.
    """
    image, code = program(root, board, app, lines)
    rest = {name: data for name, data in app.items() if name not in code}
    made = _compiled(image, bytecode, has_lines(board, lines), keep)
    return {**made, **compile_sources(code, bytecode), **rest}


def has_lines(board: BoardFile, lines: bool | None = None) -> bool:
    """Tell whether a firmware has line numbers: `lines`, and if nothing is said, not on a board with little memory."""
    return board.options.get("small") is not True if lines is None else lines


def _compiled(image, bytecode, lines, keep):
    if keep:
        keep(image.number, image.map)
    return compile_sources(image.sources, bytecode, lines, image.number)


def program(
    root: Path, board: BoardFile, app: dict[str, bytes], lines: bool | None = None
) -> tuple[bundle.Image, dict[str, str]]:
    """Return (the firmware in one piece, the sources of the application): none of the two is compiled yet."""
    board.check()
    code = {name: text.decode() for name, text in app.items() if name.endswith(".py")}
    keep = _names_used(code, board) | stage_sources.KEPT
    hushed = () if has_lines(board, lines) else bundle_hush.MODULES
    return bundle.bundle(
        _tree(root, board), "ports.micropython.main", profile_of(board.options), keep, hushed=hushed
    ), code


def each_module(root: Path, board: BoardFile, app: dict[str, bytes], bytecode: str | None) -> dict[str, bytes]:
    """Return the same with a file for each module; private names are short."""
    simulated = board.name.startswith("sim")
    ours = _modules(root, simulated)
    ours["board/%s.py" % board.name if simulated else "board/chosen.py"] = board.text
    code = {name: text.decode() for name, text in app.items() if name.endswith(".py")}
    short = shorten_sources(ours, code.values())
    if _MAIN in short:
        short["main.py"] = short.pop(_MAIN)
    rest = {name: data for name, data in app.items() if not name.endswith(".py")}
    return {**compile_sources({**short, **code}, bytecode), **rest}


def first_stage(
    root: Path, board: BoardFile, bytecode: str | None, lines: bool | None = None, keep: Keep = None
) -> dict[str, bytes]:
    """Return what a bench's board has in its own file system: the launcher as a source, the rest compiled."""
    images = first_stage_images(root, board)
    made = [_compiled(image, bytecode, has_lines(board, lines), keep) for image in images]
    return {**{place: data for each in made for place, data in each.items()}, LAUNCHER: launcher(root), BENCH: b""}


def first_stage_sources(root: Path, board: BoardFile) -> dict[str, str]:
    """Return the sources of the first stage and of serial recovery, a module each; none where a boot loader chooses."""
    return {place: text for image in first_stage_images(root, board) for place, text in image.sources.items()}


def first_stage_images(root: Path, board: BoardFile) -> list[bundle.Image]:
    """Return the same as images."""
    if board.native:
        return []
    board.check()
    tree, known = _tree(root, board), profile_of(board.options)
    entry, quiet = "ports.micropython.first_stage", stage_sources.mute(tree)
    stage = bundle.bundle_one(
        quiet, entry, _FIRST_STAGE, known, replace=stage_sources.REPLACED, keep=stage_sources.KEPT
    )
    recovery = bundle.bundle_one(tree, "ports.micropython.recovery", _RECOVERY, known)
    return [stage, recovery]


def launcher(root: Path) -> bytes:
    """Return the source of what MicroPython starts by itself."""
    return (root / "ports" / "micropython" / "boot.py").read_bytes()


def _tree(root, board):
    return bundle.read_tree(root, board.name, board.text)


def _modules(root, simulated):
    folders = ["agent", "hal", "ports/micropython"] + ["ports/sim"] * simulated
    paths = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    paths += [root / "ports" / "__init__.py", root / "board" / "__init__.py"]
    wanted = [path for path in paths if path.parent.name != "micropython" or path.stem not in _APART]
    return {path.relative_to(root).as_posix(): path.read_text() for path in wanted}


def _names_used(code, board):
    """Return every name by which an application may use a part of ours: those must stay what they are."""
    found = set()
    for place, text in code.items():
        found.add(place.split("/")[0].removesuffix(".py"))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                _refuse_ours(place, node, board)
                found.update(name.split(".")[0] for name in _imported(node))
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                found.add(node.value)
    return found


def _imported(node):
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _refuse_ours(place, node, board):
    for name in _imported(node):
        if name.split(".")[0] in bundle.FOLDERS:
            text = "%s of the application imports %s, which has no name of its own in the firmware of %s: use --plain"
            raise UsageError(text % (place, name, board.name))
