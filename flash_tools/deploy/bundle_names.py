"""Short names for a whole program: attributes have one name everywhere, globals in their bundle, variables in their function.

What an attribute is called is changed only where the program itself defines that name, and neither MicroPython, nor a text, nor
an argument given by name, nor whoever uses the program knows it. The most used names become the shortest ones.
Attributes that nobody asks of anything but `self` share names with those of other families of classes.
"""

import ast
import builtins
import itertools
import keyword
import string
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flash_tools.deploy.bundle_families import families_of, share
from flash_tools.deploy.bundle_open import mark_open
from flash_tools.deploy.bundle_program import own_nodes, walk
from flash_tools.deploy.bundle_spoken import any_texts, texts

_FIRST = string.ascii_letters
_ARGUMENTS = 20  # names of attributes that arguments may share
_SHORT = 2  # a name that is no longer stays
FREE = (  # every MicroPython has these names in its ROM, and a .mpy names them by number: as attributes, they cost least
    "abs all any chr dir int key len map ord pop pow sep set str sum zip bool copy dict eval exec find hash insert "
    "index items iter join keys list main next open repr self send sort type clear bytes count divmod end extend "
    "format lower object print range remove round rfind split strip super throw tuple upper values append bytearray "
    "builtins bytecode callable endswith from_bytes getattr globals hasattr id isalpha isdigit isinstance islower "
    "isspace issubclass isupper little locals lstrip micropython popitem replace reverse rindex rsplit rstrip setattr "
    "setdefault sorted to_bytes Ellipsis EOFError KeyError NameError NoneType OSError TypeError Exception IndexError "
    "ValueError ImportError LookupError MemoryError SyntaxError SystemExit RuntimeError BaseException GeneratorExit "
    "StopIteration OverflowError AssertionError AttributeError ArithmeticError IndentationError"
)
_BUILTINS = {name for name in dir(builtins) if len(name) < 4} | {"const"}


@cache
def runtime_names() -> frozenset[str]:
    """Return the names that MicroPython's own objects may have."""
    text = Path(__file__).with_name("runtime_names.txt").read_text()
    return frozenset(text.partition("---\n")[2].split())


def short_names() -> Iterator[str]:
    """Yield short identifiers, the shortest first."""
    yield from _FIRST
    for first in _FIRST:
        for second in _FIRST + string.digits:
            if not keyword.iskeyword(first + second) and first + second not in _BUILTINS:
                yield first + second


class Names:
    """What the attributes of a program are called; `short` is {long: short}."""

    def __init__(self, program, keep: set[str]):
        self.used, self.defined, fixed = Counter(), set(), set(keep) | runtime_names()
        self.keywords, self.plain, self.texts = set(keep), set(), set()
        self.said = set()  # in any text: it may be a key of what is handed over as arguments
        self._in_classes = set()  # what is read where attributes are defined
        for module in program.modules.values():
            self._look(module, program, fixed)
        fixed |= self.keywords | self.texts
        wanted = {name for name in self.defined - fixed if name[:2] != "__" and len(name) > _SHORT}
        taken = {name for name in self.used if name not in wanted} | fixed
        free = [
            name
            for name in FREE.split()
            if name not in self.used and name not in self.texts | self.keywords | self._in_classes
        ]
        fresh = itertools.chain(free, (name for name in short_names() if name not in taken))
        order = sorted(wanted, key=lambda name: (-self.used[name], name))
        mark_open(program)
        self.short = share(order, families_of(program), fresh)
        self.bound = {self.of(name) for name in self.defined}  # what attributes are called

    def _look(self, module, program, fixed):
        if module.name in program.whole:
            self.defined.update(name for name in module.bound)
        for node in walk(module.tree):
            if isinstance(node, ast.Attribute):
                self.used[node.attr] += 1
                if not isinstance(node.ctx, ast.Load):
                    self.defined.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                for name in members(node):
                    self.defined.add(name)
                    self.used[name] += 1
                self._in_classes.update(part.id for part in own_nodes(node.body) if isinstance(part, ast.Name))
            elif isinstance(node, ast.Call):
                self.keywords.update(part.arg for part in node.keywords if part.arg)
            elif isinstance(node, ast.Name) and ":" not in node.id:
                self.plain.add(node.id)
            self.texts.update(texts(node))
            self.said.update(any_texts(node))

    def of(self, name: str) -> str:
        """Return what an attribute is called."""
        return self.short.get(name, name)


def members(node) -> set[str]:
    """Return the names that a class body binds."""
    found = set()
    for part in own_nodes(node.body):
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            found.add(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
    return found


def rename_attributes(tree, names: Names) -> None:
    """Give the attributes of a tree their short names, in place."""
    for node in walk(tree):
        if isinstance(node, ast.Attribute):
            node.attr = names.of(node.attr)
        elif isinstance(node, ast.ClassDef):
            _rename_members(node, names)


def _rename_members(node, names):
    bound = members(node)
    for part in own_nodes(node.body):
        if isinstance(part, ast.FunctionDef):
            part.long, part.name = part.name, names.of(part.name)
        elif isinstance(part, ast.Name) and part.id in bound:
            part.id = names.of(part.id)


def rename_variables(tree, names: Names, globals_: dict[str, str]) -> None:
    """Give the variables of every function short names; `globals_` is {module:name: what it is called here}.

    Those of arguments stand in the file's table, so they get names that attributes have there anyway.
    """
    used = Counter(names.of(node.attr) for node in walk(tree) if isinstance(node, ast.Attribute))
    there = [name for name, _ in used.most_common(_ARGUMENTS) if name[:1] != "_"]
    for function in _outermost(tree):
        _Variables(function, names, globals_, there).run()


def _outermost(tree):
    todo = list(ast.iter_child_nodes(tree))
    while todo:
        node = todo.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            yield node
            for part in node.args.defaults + node.args.kw_defaults + getattr(node, "decorator_list", []):
                todo += [part] if part else []
        else:
            todo += ast.iter_child_nodes(node)


class _Variables:
    """One function, with those inside of it: a name stands for the same in all of them."""

    def __init__(self, function, names, globals_, there):
        self._function, self._names, self._globals, self._there = function, names, globals_, there

    def run(self):
        """Find the variables, choose, rename."""
        function, taken = self._function, set()
        inner = function.body if isinstance(function.body, list) else [function.body]
        nodes = [node for part in [function.args, *inner] for node in walk(part)]
        if any(isinstance(node, ast.ClassDef) for node in nodes):
            return
        if any(isinstance(node, (ast.FunctionDef, ast.Lambda)) for node in nodes):
            function.open = True  # who calls what is inside is not known
        bound = self._bound(nodes)
        for node in nodes:
            if isinstance(node, ast.Name):
                if ":" in node.id:
                    taken.add(self._globals.get(node.id, node.id))
                elif node.id not in bound:
                    taken.add(node.id)
            elif isinstance(node, ast.alias) and ":" in node.name:
                taken.add(self._globals.get(node.name, node.name))
        fixed = {name for name in bound if not self._is_free(name)}
        taken |= fixed
        arguments = dict.fromkeys(node.arg for node in nodes if isinstance(node, ast.arg) and node.arg not in fixed)
        cheap = (
            name for name in itertools.chain(self._there, short_names()) if name not in taken and self._is_free(name)
        )
        table = dict(zip(arguments, cheap, strict=False))
        taken.update(table.values())
        fresh = (name for name in short_names() if name not in taken)
        table |= {name: next(fresh) for name in bound if name not in fixed and name not in table}
        _apply(nodes, table)

    def _bound(self, nodes):
        found = {}
        for node in nodes:
            if isinstance(node, ast.arg):
                found[node.arg] = None
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and ":" not in node.id:
                found[node.id] = None
            elif isinstance(node, ast.ExceptHandler) and node.name:
                found[node.name] = None
            elif isinstance(node, ast.FunctionDef):
                found[node.name] = None
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                found.update(dict.fromkeys(filter(None, map(_local, node.names))))
        return found

    def _is_free(self, name):
        said = name in self._names.said and getattr(self._function, "open", True)
        return name not in self._names.keywords and not said and name[:2] != "__"


def _apply(nodes, table):
    for node in nodes:
        if isinstance(node, ast.arg):
            node.arg = table.get(node.arg, node.arg)
        elif isinstance(node, ast.Name):
            node.id = table.get(node.id, node.id)
        elif isinstance(node, (ast.ExceptHandler, ast.FunctionDef)):
            node.long, node.name = node.name, table.get(node.name, node.name)
        elif isinstance(node, ast.Nonlocal):
            node.names = [table.get(name, name) for name in node.names]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                if _local(alias) in table:
                    alias.asname = table[_local(alias)]


def _local(alias):
    """Return the variable that an import binds, None where it binds a global name."""
    name = alias.asname or alias.name
    return None if ":" in name else name.partition(".")[0]
