"""Leaves out what nothing uses that the entry can reach: functions, classes, methods, constants, attributes that nobody reads.

It is decided by names, so that it is never wrong: a method stays if any code that stays mentions its name, as an attribute, an
argument's name or a text (for getattr); as an attribute of `self` if that code is of the same family of classes. What happens when
a module is imported stays; definitions and plain values do not happen.
"""

import ast

from flash_tools.deploy.bundle_families import Families, is_of_self, is_self
from flash_tools.deploy.bundle_program import CONST, own_nodes, walk
from flash_tools.deploy.bundle_spoken import texts

_PURE_CALLS = {CONST, "bytes", "bytearray", "tuple", "range", "memoryview", "len", "object"}


def drop(program, keep: set[str]) -> None:
    """Do it, in place; `keep` has names of attributes, and `module:name` of globals, that others use."""
    for module in program.modules.values():
        module.tree.body = [part for part in module.tree.body if not _is_nothing(part)]
    while True:
        live = _Live(program, keep)
        if not sum([_leave_out(module, live) for module in program.modules.values()]):
            break


class _Live:
    """What is used: `globals` (module:name) and `names` (of attributes)."""

    def __init__(self, program, keep):
        self.families, self._family = Families(program).of, None
        self.own = set()  # (family, name) of attributes of `self`
        self.names = {name for name in keep if ":" not in name}
        self.globals, self._todo, self._units = set(), [], {}
        self._classes, self._seen = {}, set()  # waiting methods by name; statements that were read
        self._roots = {}
        for module in program.modules.values():
            for part in module.tree.body:
                bound = global_names(part)
                for name in bound:
                    self._units.setdefault(name, []).append(part)
                if not is_definition(part):
                    self._roots.setdefault(module.name, []).append(part)
        self._waiting = {name.partition(":")[2]: [] for name in self._units}
        for name in self._units:
            if name.partition(":")[0] in program.whole:
                self._waiting[name.partition(":")[2]].append(name)
        self._read_modules = set()
        for name in program.entries:
            self._module(name)
        for name in keep:
            if ":" in name:
                self.use(name)
        self._run()

    def use(self, name):
        """A global name is used."""
        if name not in self.globals:
            self.globals.add(name)
            self._module(name.partition(":")[0])
            self._todo += self._units.get(name, ())

    def mention(self, name):
        """The name of an attribute is used."""
        if name not in self.names:
            self.names.add(name)
            for family in list(self._classes.get(name, ())):
                self._todo += self._classes[name].pop(family)
            for each in self._waiting.get(name, ()):
                self.use(each)

    def is_used(self, name, family):
        """Tell whether an attribute of a family's objects is used."""
        return name in self.names or (family, name) in self.own

    def _mention_own(self, name):
        if self._family is None:
            self.mention(name)
        elif (self._family, name) not in self.own:
            self.own.add((self._family, name))
            self._todo += self._classes.get(name, {}).pop(self._family, ())

    def _module(self, name):
        if name not in self._read_modules:
            self._read_modules.add(name)
            self._todo += self._roots.get(name, ())

    def _run(self):
        while self._todo:
            part = self._todo.pop()
            if id(part) in self._seen:
                continue
            self._seen.add(id(part))
            self._family = getattr(part, "family", None) if is_of_self(part) else None
            self._read(part)

    def _read(self, part):
        if not isinstance(part, ast.ClassDef):
            return self._mentions(part)
        for node in part.bases + part.decorator_list:
            self._mentions(node)
        family = self.families.get(part.name)
        for inner in part.body:
            inner.family = family
            names = _members(inner)
            if names is None or any(self.is_used(name, family) or _is_special(name) for name in names):
                self._todo.append(inner)
            else:
                for name in names:
                    self._classes.setdefault(name, {}).setdefault(family, []).append(inner)
        return None

    def _mentions(self, part):
        for node in walk(part):
            if isinstance(node, ast.Name):
                if ":" in node.id:
                    self.use(node.id)
                elif getattr(node, "member", False) and isinstance(node.ctx, ast.Load):
                    self.mention(node.id)
            elif isinstance(node, ast.alias) and ":" in node.name and node.asname:
                self.use(node.name)
            elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
                (self._mention_own if is_self(node) else self.mention)(node.attr)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
                (self._mention_own if is_self(node.target) else self.mention)(node.target.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                self.mention(node.arg)
            else:
                for name in texts(node):
                    self.mention(name)


def global_names(part) -> list[str]:
    """Return the `module:name`s that a statement of a module binds."""
    found = []
    for node in own_nodes([part]):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.append(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "ours", False):
            found += [alias.asname for alias in node.names if alias.asname]
    return [name for name in found if ":" in name]


def is_definition(part) -> bool:
    """Tell whether a statement of a module does nothing but bind names to what is defined, or to plain values."""
    if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
        return not part.decorator_list
    if isinstance(part, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    if isinstance(part, ast.Assign):
        targets = [
            name for target in part.targets for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
        return all(isinstance(name, ast.Name) for name in targets) and is_pure(part.value)
    if isinstance(part, ast.Try):
        inner = part.body + part.orelse + part.finalbody + [each for handler in part.handlers for each in handler.body]
        return all(map(is_definition, inner))
    return False


def is_pure(node) -> bool:
    """Tell whether working a value out does nothing else, and cannot fail."""
    if isinstance(node, (ast.Constant, ast.Name, ast.Lambda)):
        return True
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(is_pure, node.elts))
    if isinstance(node, ast.Dict):
        return all(map(is_pure, [part for part in node.keys if part] + node.values))
    if isinstance(node, ast.BinOp):
        return is_pure(node.left) and is_pure(node.right)
    if isinstance(node, ast.UnaryOp):
        return is_pure(node.operand)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name)
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in _PURE_CALLS and all(map(is_pure, node.args))


def _members(part):
    """Return the attributes that a statement in a class body binds, None where it has to stay anyway."""
    if isinstance(part, ast.FunctionDef):
        plain = all(isinstance(each, ast.Name) or isinstance(each, ast.Attribute) for each in part.decorator_list)
        return [part.name] if plain else None
    if (
        isinstance(part, ast.Assign)
        and is_pure(part.value)
        and all(isinstance(each, ast.Name) for each in part.targets)
    ):
        return [each.id for each in part.targets]
    return [] if isinstance(part, ast.Pass) else None


def _is_special(name):
    return name[:2] == "__" and name[-2:] == "__"


def _is_nothing(part):
    return isinstance(part, ast.Pass) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))


def _leave_out(module, live):
    """Take out of a module what is not live; return how much that was."""
    before = len(module.tree.body)
    body = [part for part in module.tree.body if not is_definition(part) or _is_wanted(part, live)]
    module.tree.body = [part for part in body if not isinstance(part, ast.ImportFrom) or _narrow(part, live)]
    shaker = _Shaker(live)
    module.tree = shaker.visit(module.tree)
    return before - len(module.tree.body) + shaker.count


def _is_wanted(part, live):
    bound = global_names(part)
    plain = isinstance(part, (ast.Import, ast.ImportFrom)) and not bound
    return plain or any(name in live.globals for name in bound)


def _narrow(part, live):
    """Leave of an import from our own modules what is used; tell whether it is anything."""
    if getattr(part, "ours", False):
        part.names = [alias for alias in part.names if alias.asname or alias.name in live.globals]
    return bool(part.names)


class _Shaker(ast.NodeTransformer):
    """Leaves out what is dead inside classes and functions."""

    def __init__(self, live):
        self._live, self.count = live, 0
        self._family = self._inside = None  # of the class; of the function in it in which `self` is the object

    def _gone(self, node):
        self.count += 1

    def visit_ClassDef(self, node):
        """Methods and attributes."""
        body = []
        self._family = self._live.families.get(node.name)
        for part in node.body:
            names = _members(part)
            if _is_nothing(part) or (names is not None and not any(self._is_used(name) for name in names)):
                self._gone(part)
                continue
            if isinstance(part, ast.Assign) and len(part.targets) > 1:
                part.targets = [each for each in part.targets if self._is_used(each.id)] or part.targets
            body.append(part)
        if not body:
            self.count -= 1
        node.body = body or [ast.Pass()]
        node = self.generic_visit(node)
        self._family = None
        return node

    def visit_FunctionDef(self, node):
        """A method: its `self` is of the family."""
        before = self._inside
        if before is None:
            self._inside = self._family if is_of_self(node) else None
        node = self.generic_visit(node)
        self._inside = before
        return node

    def _is_used(self, name):
        return self._live.is_used(name, self._family) or _is_special(name)

    def visit_Assign(self, node):
        """`self.name = plain value` where nobody reads such a name."""
        kept = [part for part in node.targets if not self._is_dead(part)]
        if not kept and is_pure(node.value):
            self._gone(node)
            return _pass(node)
        if kept and len(kept) < len(node.targets):
            self._gone(node)
            node.targets = kept
        return self.generic_visit(node)

    def _is_dead(self, part):
        if not isinstance(part, ast.Attribute) or not is_self(part):
            return False
        if self._inside is None and any(name == part.attr for _, name in self._live.own):
            return False
        return not self._live.is_used(part.attr, self._inside)

    def visit_Expr(self, node):
        """A text or a number by itself."""
        if isinstance(node.value, ast.Constant):
            return _pass(node)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node):
        """In a function: what is not used need not be there."""
        return node if _narrow(node, self._live) else _pass(node)


def _pass(node):
    new = ast.copy_location(ast.Pass(), node)
    new.origin = getattr(node, "origin", None)
    return new
