"""Which texts of a program are names of attributes: every other one may say the same as a name that becomes a shorter one.

A text names an attribute where it stands in `getattr` and its like, in a method `__getattr__`, or is handed to agent/late.py.
Where a name is worked out, it comes of the texts of the modules in `ORIGINS`. A module that is not known to do that makes every
text a name.
"""

import ast
from collections.abc import Iterator

from flash_tools.deploy.bundle_program import walk

_ASKING = ("getattr", "setattr", "hasattr", "delattr")
_WHOLE = ("vars", "dir", "eval", "exec", "globals", "locals")
_BY_NAME = "__getattr__"
_LATE = "agent.late"
_KEYS = "keys"  # of every dictionary that is written down
ORIGINS: dict[str, tuple[str, ...]] = {  # where names are worked out: what they are made of
    _LATE: (),  # names that Python itself asks for
    "agent.compat": (),  # modules
    "agent.job_bytes": ("agent.job", "agent.job_bytes"),
    "agent.control": ("agent.control",),
    "agent.options": (_KEYS, "board.chosen"),
}


def mark(program) -> None:
    """Note at every text whether it may name an attribute (`speaks`); to be done once all global names are known."""
    origins = _origins(program)
    for module in program.modules.values():
        everything = origins is None or module.name in origins
        _Marker(everything, origins is None or _KEYS in origins).visit(module.tree)


def _origins(program):
    """Return the modules whose texts may be names, None where any may."""
    found = set()
    for name in working_out(program):
        if name not in ORIGINS:
            return None
        found.update(ORIGINS[name])
    return found


def working_out(program) -> list[str]:
    """Return the modules that work names out, but for those of MicroPython's own modules."""
    found = []
    for module in program.modules.values():
        nodes = list(walk(module.tree))
        foreign = {name for node in nodes for name in _imported(node)}
        known = {id(node.func) for node in nodes if _is_known(node, foreign)}
        if any(_is_worked_out(node) for node in nodes if id(node) not in known):
            found.append(module.name)
    return found


def _imported(node):
    """Return the modules of somebody else that a statement brings, by their names here."""
    return [alias.asname or alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _is_known(node, foreign):
    """Tell whether it is asked for a name that stands there, or for one of a module of somebody else."""
    if not isinstance(node, ast.Call) or _name(node) not in _ASKING or len(node.args) < 2:
        return False
    of = node.args[0]
    while isinstance(of, ast.Attribute):
        of = of.value
    return isinstance(node.args[1], ast.Constant) or (isinstance(of, ast.Name) and of.id in foreign)


def _is_by_name(node):
    return isinstance(node, ast.FunctionDef) and node.name == _BY_NAME


def _is_worked_out(node):
    if isinstance(node, ast.Attribute):
        return node.attr == "__dict__"
    return isinstance(node, ast.Name) and node.id in _ASKING + _WHOLE


def _name(call):
    return call.func.id if isinstance(call.func, ast.Name) else ""


class _Marker(ast.NodeVisitor):
    def __init__(self, speaks, keys):
        self._speaks, self._keys = speaks, keys

    def visit_Constant(self, node):
        """A text, where nothing around it makes a name of it."""
        node.speaks = getattr(node, "speaks", False) or self._speaks

    def visit_FunctionDef(self, node):
        """All that stands in a `__getattr__`."""
        before, self._speaks = self._speaks, self._speaks or _is_by_name(node)
        self.generic_visit(node)
        self._speaks = before

    def visit_Call(self, node):
        """What is asked for, or made to be asked for later."""
        if _name(node) in _ASKING or _name(node).startswith(_LATE + ":"):
            for each in node.args[1:]:
                _speak(each)
        self.generic_visit(node)

    def visit_Dict(self, node):
        """Keys, where they may be handed on as names."""
        for each in node.keys if self._keys else ():
            _speak(each)
        self.generic_visit(node)


def _speak(node):
    if isinstance(node, ast.Constant):
        node.speaks = True


def texts(node) -> Iterator[str]:
    """Yield the same of a text that may be the name of an attribute (bundle_spoken.py)."""
    value = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else node
    if getattr(value, "speaks", True):
        yield from any_texts(node)


def any_texts(node) -> Iterator[str]:
    """Yield the names that a text may stand for: itself, with the underscores of a command, its words if it is split."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value.replace("-", "_")
        if name.isidentifier():
            yield node.value
            yield name
            yield "_" + name
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
        value = node.func.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield from value.value.split()
