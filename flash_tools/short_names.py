"""Shortens the private names in device code before it is compiled for MicroPython.

MicroPython keeps every name that it ever met in the heap, for good, even if the module is gone: a thousand of them take
more than 20 KiB. What begins with an underscore is nobody else's matter, so each module can use the same few. Lines stay
where they are, so that a traceback from the field still leads to the source.
"""

import ast
import io
import string
import tokenize
from collections import Counter
from pathlib import Path


def _is_private(name):
    return name[:1] == "_" and name[:2] != "__" and len(name) > 1


class _Module:
    """What one source file says of its private names."""

    def __init__(self, name, source):
        self.name, self.source = name, source
        self.own, self.foreign, self.bases = Counter(), set(), set()
        imported = {}
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                imported.update({alias.asname or alias.name: node.module for alias in node.names})
                self.foreign.update(alias.name for alias in node.names)
        for node in ast.walk(tree):
            self._look_at(node, imported)

    def _look_at(self, node, imported):
        if isinstance(node, ast.ClassDef):
            self.bases.update(imported[base.id] for base in node.bases if getattr(base, "id", "") in imported)
        if isinstance(node, ast.Attribute):
            of_its_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            self._note(node.attr, of_its_own)
        elif isinstance(node, ast.Name):
            self._note(node.id, True)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self._note(node.name, True)
        elif isinstance(node, (ast.arg, ast.keyword)):
            self._note(node.arg or "", False)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._note(node.value, False)  # for getattr

    def _note(self, name, of_its_own):
        if of_its_own:
            self.own[name] += 1
        else:
            self.foreign.add(name)


def _families(modules):
    """Return {module: number}: modules whose classes inherit from each other share their objects' names."""
    family = {name: number for number, name in enumerate(modules)}
    for module in modules.values():
        for base in module.bases & modules.keys():
            old, new = family[base], family[module.name]
            family = {name: new if number == old else number for name, number in family.items()}
    return family


def _short():
    letters = string.ascii_letters + string.digits
    yield from ("_" + letter for letter in letters)
    yield from ("_" + first + second for first in letters for second in letters)


def shorten(folders):
    """Return {path: source} of all Python files below the folders, which are handed over together."""
    paths = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    names = {path: path.with_suffix("").as_posix().replace("/", ".") for path in paths}
    modules = {names[path]: _Module(names[path], path.read_text()) for path in paths}
    foreign = set().union(*(module.foreign for module in modules.values()))
    family = _families(modules)
    counts = {}
    for module in modules.values():
        counts.setdefault(family[module.name], Counter()).update(module.own)
    tables = {number: _table(count, foreign) for number, count in counts.items()}
    return {path: _replace(modules[name].source, tables[family[name]]) for path, name in names.items()}


def _table(count, foreign):
    """Return {long name: short name}, the shortest for those that are used most."""
    wanted = [name for name, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))]
    fresh = (name for name in _short() if name not in count and name not in foreign)
    return {name: next(fresh) for name in wanted if _is_private(name) and name not in foreign}


def _replace(source, table):
    pieces, lines = [], source.splitlines(keepends=True)
    row, column = 1, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.string in table:
            while row < token.start[0]:
                pieces.append(lines[row - 1][column:])
                row, column = row + 1, 0
            pieces += lines[row - 1][column : token.start[1]], table[token.string]
            column = token.end[1]
    pieces.append(lines[row - 1][column:] if lines else "")
    return "".join(pieces + lines[row:])
