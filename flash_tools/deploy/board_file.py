"""A board file as the host sees it: its name, its source, and what its constants say, without running it.

`NAME = VALUE` at its top where the value is plain; what is computed (a layout) is only known to be there.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from flash_tools.errors import UsageError

_WANTED = ("WATCHDOG_MS", "NETWORK", "OPTIONS", "build")
_WANTED_BY_FIRST_STAGE = ("IMAGE_KIND", "LED")


@dataclass(frozen=True)
class BoardFile:
    """`constants` has None for what is not plain; `defined` are all names at the top."""

    name: str
    path: Path
    text: str
    constants: dict
    defined: frozenset

    @property
    def native(self) -> bool:
        """Tell whether a boot loader that is not ours chooses the bank: such a board has no first stage of ours."""
        return self.constants.get("NATIVE") is True

    @property
    def options(self) -> dict:
        """Return its options, as far as they are plain."""
        found = self.constants.get("OPTIONS")
        return found if isinstance(found, dict) else {}

    def check(self) -> None:
        """Refuse a board file that the programs of a MicroPython board cannot use."""
        wanted = _WANTED if self.native else _WANTED + _WANTED_BY_FIRST_STAGE
        missing = [name for name in wanted if name not in self.defined]
        if missing:
            text = "the board file %s has no %s: a MicroPython board has to say that, see docs/boards"
            raise UsageError(text % (self.name, " and no ".join(missing)))
        if self.constants["OPTIONS"] is not None and not self.options.get("name"):
            raise UsageError("OPTIONS of the board file %s has no name: the board is known by it" % self.name)


def read(name: str, path: Path) -> BoardFile:
    """Return what a file says."""
    try:
        text = path.read_text()
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError) as e:
        raise UsageError("the board file %s is no Python: %s" % (path, e)) from None
    constants: dict = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                _note(constants, target, statement.value)
    functions = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return BoardFile(name, path, text, constants, frozenset({*constants, *functions}))


def _note(constants, target, value):
    if isinstance(target, ast.Name):
        constants[target.id] = _plain(value)
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [None] * len(target.elts)
        for one, inner in zip(target.elts, values, strict=False):
            _note(constants, one, inner)


def _plain(value):
    try:
        return ast.literal_eval(value) if value is not None else None
    except ValueError:
        return None
