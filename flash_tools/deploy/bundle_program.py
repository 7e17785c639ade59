"""A whole program for a board, read: which modules the entry can reach, and what each global name means.

A name of a module is known as `module:name` wherever it is used (bundle_resolve.py puts that in). What cannot be known from
the sources is refused: `import *`, relative imports, a module of ours imported by its dotted name.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from flash_tools.errors import UsageError

BINDERS = (ast.FunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CONST = "const"  # mpy-cross knows it by that name
_CONST_IS = "agent.compat:const"


class Reference(str):
    """The name of a module that is used as a namespace."""


@dataclass(frozen=True)
class Pending:
    """`name` of another module, not looked up yet; `by` is who imports it."""

    module: str
    name: str
    by: str


@dataclass
class Module:
    """One source file: what its global names mean, and which modules it imports, at once (`needs`) or in functions."""

    name: str
    path: str
    tree: ast.Module
    names: dict = field(default_factory=dict)
    needs: set = field(default_factory=set)
    later: set = field(default_factory=set)
    bound: set = field(default_factory=set)  # global names that are its own


class Program:
    """All modules that the entries can reach; `replace` puts one module in the place of another."""

    def __init__(self, sources: dict[str, str], entries: list[str], replace: dict[str, str] | None = None):
        self.sources, self.replace, self.entries = sources, replace or {}, entries
        self.modules: dict[str, Module] = {}
        self.whole: set[str] = set()  # modules that are handed about as values
        for name in entries:
            if name not in sources:
                raise UsageError("there is no module %s to begin with" % name)
            self._read(name)
        for module in self.modules.values():
            _bind(self, module)

    def is_ours(self, name: str) -> bool:
        """Tell whether a dotted name is a module or a package of the program."""
        return name in self.sources or any(other.startswith(name + ".") for other in self.sources)

    def target(self, name: str, by: str) -> str:
        """Return the module that is really taken where this one is imported; what replaces it may use it."""
        other = self.replace.get(name, name)
        return name if other == by else other

    def meaning(self, module: str, name: str, by: str, seen: tuple = ()) -> str:
        """Return where a name that `by` imports from a module comes from: `module:name`, or the Reference of a module."""
        inner = self.target(module + "." + name, by)
        module = self.target(module, by)
        found = self.modules[module].names.get(name) if module in self.modules else None
        if isinstance(found, Pending):
            if (module, name) in seen:
                raise UsageError("%s is imported in a circle, by %s and others" % (name, module))
            return self.meaning(found.module, found.name, found.by, (*seen, (module, name)))
        if found is None and inner in self.modules:
            return Reference(inner)
        if found is None:
            raise UsageError("%s has no %s, which %s imports from it" % (module, name, by))
        return CONST if found == _CONST_IS else found

    def _read(self, name):
        if name in self.modules or name not in self.sources:
            return
        path = name.replace(".", "/") + ".py"
        tree = ast.parse(self.sources[name], path)
        for node in walk(tree):
            if isinstance(node, (ast.stmt, ast.ExceptHandler)):
                node.origin = path, node.lineno
        module = self.modules[name] = Module(name, path, tree)
        for node, inside in _imports(tree):
            for other in _wanted(self, node, module):
                (module.later if inside else module.needs).add(other)
                self._read(other)


def read_folders(root: Path, folders) -> dict[str, str]:
    """Return {module name: source} of these folders."""
    found = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            found[name.removesuffix(".__init__")] = path.read_text()
    return found


def names_bound(body) -> list[str]:
    """Return what statements bind in their own scope, as often as they do."""
    return [name for node in own_nodes(body) for name in _bound_by(node)]


def walk(node):
    """Yield what ast.walk does, in a third of its time."""
    todo = [node]
    for each in todo:  # which grows meanwhile
        for name in each._fields:
            value = getattr(each, name, None)
            if value.__class__ is list:
                todo += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                todo.append(value)
        yield each


def own_nodes(body):
    """Yield the nodes of one scope: not those inside of functions, classes and comprehensions, which have their own."""
    todo = list(body)
    while todo:
        node = todo.pop(0)
        yield node
        if isinstance(node, ast.ClassDef):
            todo += node.decorator_list + node.bases
        elif isinstance(node, ast.FunctionDef):
            todo += node.decorator_list + node.args.defaults + [part for part in node.args.kw_defaults if part]
        elif isinstance(node, ast.Lambda):
            todo += node.args.defaults
        elif isinstance(node, COMPREHENSIONS):
            todo += [name.target for name in walk(node) if isinstance(name, ast.NamedExpr)]
            todo.append(node.generators[0].iter)
        else:
            todo += ast.iter_child_nodes(node)


def _bound_by(node):
    if isinstance(node, BINDERS):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    return [node.name] if isinstance(node, ast.ExceptHandler) and node.name else []


def _imports(tree):
    """Yield (import, whether it is inside of a function)."""
    todo = [(node, False) for node in tree.body]
    while todo:
        node, inside = todo.pop(0)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, inside
        inner = inside or isinstance(node, ast.FunctionDef)
        todo += [(child, inner) for child in ast.iter_child_nodes(node)]


def _wanted(program, node, module):
    """Return the modules of the program that an import names."""
    if isinstance(node, ast.Import):
        ours = [alias.name for alias in node.names if program.is_ours(alias.name)]
        if ours:
            raise UsageError("%s:%d: write `from ... import ...` for %s" % (module.path, node.lineno, ours[0]))
        return []
    if node.level or node.names[0].name == "*":
        raise UsageError("%s:%d: `%s` cannot be bundled" % (module.path, node.lineno, ast.unparse(node)))
    if not program.is_ours(node.module):
        return []
    inner = [program.target(node.module + "." + alias.name, module.name) for alias in node.names]
    return [name if name in program.sources else program.target(node.module, module.name) for name in inner]


def _bind(program, module):
    """Note what the global names of a module mean."""
    plain, own = {}, set()
    for node in own_nodes(module.tree.body):
        if isinstance(node, ast.ImportFrom) and program.is_ours(node.module):
            for alias in node.names:
                module.names[alias.asname or alias.name] = Pending(node.module, alias.name, module.name)
        elif isinstance(node, ast.Import) and node in module.tree.body and not any(a.asname for a in node.names):
            plain.update({alias.name.partition(".")[0]: alias.name.partition(".")[0] for alias in node.names})
        else:
            own.update(_bound_by(node))
    own.update(name for name in plain if name in own)
    module.names.update(plain)
    module.names.update({name: module.name + ":" + name for name in own})
    module.bound = own
