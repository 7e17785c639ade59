"""Makes device code smaller before it is compiled for MicroPython, without a change to what it does.

MicroPython keeps every name that it ever met in the heap, for good, even if the module is gone: a thousand of them take
more than 20 KiB. What begins with an underscore is nobody else's matter, so each module can use the same few short names;
a number that is a constant stands where it is used. Lines stay where they are, so that a traceback from the field still
leads to the source. What uses a module must be handed over together with it: a board's own files too.
"""

import ast
import io
import string
import tokenize
from collections import Counter
from pathlib import Path


class _Module:
    """What one source file says of its names."""

    def __init__(self, name, source):
        self.name, self.source, self.tree = name, source, ast.parse(source)
        self.own, self.foreign, self.bases = Counter(), set(), set()
        self.imports = [node for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom)]
        self.origin = {alias.asname or alias.name: node.module for node in self.imports for alias in node.names}
        self.numbers = dict(filter(None, map(_number, self.tree.body)))
        for node in ast.walk(self.tree):
            self._look_at(node)

    def _look_at(self, node):
        if isinstance(node, ast.ClassDef):
            self.bases.update(self.origin[base.id] for base in node.bases if getattr(base, "id", "") in self.origin)
        if isinstance(node, ast.Attribute):
            self._note(node.attr, isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        elif isinstance(node, ast.Name):
            self._note(node.id, True)
            if isinstance(node.ctx, ast.Store) and node.id in self.numbers and node.col_offset:
                self.foreign.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self._note(node.name, True)
        elif isinstance(node, (ast.arg, ast.keyword)):
            self._note(node.arg or "", False)
        elif isinstance(node, ast.alias) and (node.asname or node.name[:1] == "_"):
            self.foreign.update((node.name, node.asname))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._note(node.value, False)  # for getattr

    def _note(self, name, of_its_own):
        if of_its_own:
            self.own[name] += 1
        else:
            self.foreign.add(name)


def _number(statement):
    """Return (name, number) of NAME = const(number), None for anything else."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"), args=[value])):
            if name[0] != "_":
                return (name, value.value) if isinstance(value, ast.Constant) and isinstance(value.value, int) else None
    return None


def _families(modules):
    """Return {module: number}: modules whose classes inherit from each other share their objects' names."""
    family = {name: number for number, name in enumerate(modules)}
    for module in modules.values():
        for base in module.bases & modules.keys():
            old, new = family[base], family[module.name]
            family = {name: new if number == old else number for name, number in family.items()}
    return family


def shorten(paths):
    """Return {path: source} for all these files."""
    return shorten_sources({path: Path(path).read_text() for path in paths})


def shorten_sources(sources, others=()):
    """Return {path: source} for these sources; `others` use them and stay as they are: sources of somebody else."""
    names = {path: Path(path).with_suffix("").as_posix().replace("/", ".") for path in sources}
    modules = {names[path]: _Module(names[path], text) for path, text in sources.items()}
    foreign = set().union(*(module.foreign for module in modules.values()))
    for source in others:
        other = _Module("", source)
        foreign |= other.foreign | set(other.own) | set(other.origin)
    defined = {(module.name, name): value for module in modules.values() for name, value in module.numbers.items()}
    numbers = {key: value for key, value in defined.items() if key[1] not in foreign}
    _add_handed_on(numbers, modules)
    family, counts = _families(modules), {}
    for module in modules.values():
        counts.setdefault(family[module.name], Counter()).update(module.own)
    inlined = {name for _, name in numbers}
    tables = {number: _table(count, foreign, inlined) for number, count in counts.items()}
    return {path: _rewrite(modules[name], tables[family[name]], numbers) for path, name in names.items()}


def _add_handed_on(numbers, modules):
    """Add what a module has from another one and a third one imports from it."""
    asked = [
        (node.module, alias.name) for module in modules.values() for node in module.imports for alias in node.names
    ]
    for where, name in asked:
        chain, source = [], where
        while (source, name) not in numbers and source in modules and name in modules[source].origin:
            chain, source = chain + [(source, name)], modules[source].origin[name]
            if (source, name) in chain:
                break
        if (source, name) in numbers:
            numbers.update(dict.fromkeys(chain, numbers[source, name]))


def _table(count, foreign, inlined):
    """Return {long name: short name}, the shortest for those that are used most."""
    wanted = [name for name, _ in sorted(count.items(), key=lambda item: (-item[1], item[0]))]
    fresh = (name for name in _short() if name not in count and name not in foreign)
    return {name: next(fresh) for name in wanted if name not in foreign and (_is_private(name) or name in inlined)}


def _is_private(name):
    return name[:1] == "_" and name[:2] != "__" and len(name) > 1


def _short():
    letters = string.ascii_letters + string.digits
    yield from ("_" + letter for letter in letters)
    yield from ("_" + first + second for first in letters for second in letters)


def _rewrite(module, table, numbers):
    """Return the source with numbers in the place of imported constants, and with short names."""
    lines = module.source.splitlines(keepends=True)
    found = {}
    for node in module.imports:
        kept = [alias.name + (" as " + alias.asname if alias.asname else "") for alias in node.names]
        for alias in node.names:
            if (node.module, alias.name) in numbers:
                found[alias.name] = numbers[node.module, alias.name]
                kept.remove(alias.name)
        if len(kept) < len(node.names):
            _replace_import(lines, node, "from %s import %s" % (node.module, ", ".join(kept)) if kept else "pass")
    own = {name for where, name in numbers if where == module.name}
    table = {name: short for name, short in table.items() if name[0] == "_" or name in found or name in own}
    end = module.tree.body[0].end_lineno - 1  # of the docstring
    lines[end] = "; ".join([lines[end].rstrip("\n")] + ["%s = const(%d)" % item for item in found.items()]) + "\n"
    return _rename("".join(lines), table)


def _replace_import(lines, node, text):
    first, last = node.lineno - 1, node.end_lineno - 1
    lines[first] = lines[first][: node.col_offset] + text + lines[last][node.end_col_offset :]
    for number in range(first + 1, last + 1):
        lines[number] = "\n"


def _rename(source, table):
    pieces, lines = [], source.splitlines(keepends=True)
    row, column = 1, 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.string in table:
            while row < token.start[0]:
                pieces.append(lines[row - 1][column:])
                row, column = row + 1, 0
            pieces += lines[row - 1][column : token.start[1]], table[token.string]
            column = token.end[1]
    return "".join(pieces + [lines[row - 1][column:]] + lines[row:])
