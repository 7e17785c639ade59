"""Makes one module of a group: statements in an order that works, imports between the groups, names of the globals."""

import ast
from collections import Counter

from flash_tools.deploy.bundle_groups import UNLOAD, globals_used, is_list, rows_of
from flash_tools.deploy.bundle_names import FREE, short_names
from flash_tools.deploy.bundle_program import CONST, own_nodes, walk
from flash_tools.deploy.bundle_shallow import before


class Plan:
    """Which group has which module, and what every global name is called in all of them."""

    def __init__(self, program, groups, names, keep: set[str]):
        self.program, self.groups, self.names = program, groups, names
        self.group_of = {name: group for group in groups for name in group.modules}
        self.used = {group.name: self._used_at_once(group) for group in groups}
        self._consts = _consts(program)
        self.called = self._choose(keep)

    def told(self, group) -> list[str]:
        """Return what the globals of a group were called, for the map: `name module:name`."""
        own = [(short, name) for name, short in self.called.items() if self.home(name) is group]
        return ["%s %s" % pair for pair in sorted(own)]

    def _used_at_once(self, group):
        """Return what a group needs of others when it is imported."""
        found = set()
        for name in group.modules:
            found |= globals_used(self.program.modules[name].tree.body)
        return {name for name in found if self.home(name) is not group}

    def home(self, name: str):
        """Return the group that has a global name."""
        return self.group_of.get(name.partition(":")[0])

    def _choose(self, keep):
        count, shared = {group.name: Counter() for group in self.groups}, Counter()
        for group in self.groups:
            for module in group.modules:
                for name in _mentions(self.program.modules[module].tree):
                    home = self.home(name)
                    if home is not group:
                        shared[name] += 1
                    if home:
                        count[home.name][name] += 1
        taken = set(self.names.plain) | {name.partition(":")[2] for name in keep if ":" in name}
        called = {}
        for name in sorted(set(shared) | {name for each in count.values() for name in each}):
            module, _, own = name.partition(":")
            if module in self.program.whole or name in keep:
                called[name] = self.names.of(own) if module in self.program.whole else own
        guarded = _in_class_bodies(self.program)
        fresh = _Fresh(FREE.split(), taken, self.names.bound)
        for name, _ in shared.most_common():
            if name not in called and self.home(name):
                called[name] = fresh.next(name in guarded)
        for group in self.groups:
            self._choose_own(group, count[group.name], called, taken, guarded)
        return called

    def _choose_own(self, group, count, called, taken, guarded):
        """Names that the file has anyway, those of attributes, cost nothing more; next come those that the interpreter has."""
        used = taken | {called[name] for name in {*count, *self.used[group.name]} if name in called}
        for module in group.modules:
            used |= {called[name] for name in _mentions(self.program.modules[module].tree) if name in called}
        there = [
            name for module in group.modules for name in self._attributes(module)
        ]  # but for those of methods: tracebacks
        methods = {self.names.of(name) for module in group.modules for name in self._methods(module)}
        there = [name for name in there if name not in methods]
        fresh = _Fresh([*dict.fromkeys(there), *FREE.split()], used, self.names.bound)
        for name, _ in sorted(count.items(), key=lambda item: (-item[1], item[0])):
            if name not in called:
                called[name] = "_" + fresh.next(True) if name in self._consts else fresh.next(name in guarded)

    def _methods(self, module):
        classes = [part for part in self.program.modules[module].tree.body if isinstance(part, ast.ClassDef)]
        return [each.name for part in classes for each in part.body if isinstance(each, ast.FunctionDef)]

    def _attributes(self, module):
        nodes = walk(self.program.modules[module].tree)
        return [self.names.of(node.attr) for node in nodes if isinstance(node, ast.Attribute)]


class _Fresh:
    """Names that nobody has yet: the cheap ones, and for what must not be the name of an attribute (`bound`) others."""

    def __init__(self, cheap, used, bound=frozenset()):
        self._cheap = [name for name in cheap if name not in used and name[:1] != "_"][::-1]
        self._short = (name for name in short_names() if name not in used and name not in bound)
        self._given = set()

    def next(self, guarded):
        """Return one."""
        if not guarded and self._cheap:
            name = self._cheap.pop()
        else:
            name = next(self._short)
        if name in self._given:
            return self.next(guarded)
        self._given.add(name)
        return name


def _in_class_bodies(program):
    """Return the global names that are read where attributes are bound: an attribute of that name would be taken instead."""
    found = set()
    for module in program.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.ClassDef):
                found.update(part.id for part in own_nodes(node.body) if isinstance(part, ast.Name))
    return found


def _consts(program):
    """Return the global names that mpy-cross puts in place: NAME = const(...)."""
    found = set()
    for module in program.modules.values():
        for part in module.tree.body:
            if isinstance(part, ast.Assign) and getattr(getattr(part.value, "func", None), "id", "") == CONST:
                found.update(each.id for each in part.targets if isinstance(each, ast.Name))
    return found


def _mentions(tree):
    for node in walk(tree):
        if isinstance(node, ast.Name) and ":" in node.id:
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ":" in node.name:
            yield node.name
        elif isinstance(node, (ast.ImportFrom, ast.Import)):
            for alias in node.names:
                for name in (alias.name, alias.asname):
                    if name and ":" in name:
                        yield name


def merge(plan: Plan, group) -> ast.Module:
    """Return the tree of a group's module; global names are still `module:name`."""
    outside, body, seen = {}, [], set()
    for name in sorted(plan.used[group.name]):
        outside.setdefault(plan.home(name).name, []).append(ast.alias(name))
    for module in group.modules:
        tree = plan.program.modules[module].tree
        for part in tree.body:
            if getattr(part, "ours", False):
                continue
            if isinstance(part, ast.Import):
                part.names = [alias for alias in part.names if alias.asname or alias.name not in seen]
                seen.update(alias.name for alias in part.names if not alias.asname)
                if not part.names:
                    continue
            body.append(part)
    tree = ast.Module([ast.ImportFrom(name, aliases, 0) for name, aliases in outside.items()] + body, [])
    tree = _Inside(plan, group).visit(tree)
    return tree


class _Inside(ast.NodeTransformer):
    """Imports in functions: from the group that has a name now, none at all where it is this one."""

    def __init__(self, plan, group):
        self._plan, self._group = plan, group

    def visit_ImportFrom(self, node):
        """Our own only."""
        if not getattr(node, "ours", False):
            return node
        made, parts = {}, []
        for alias in node.names:
            if ":" not in alias.name:  # a module as a value
                parts.append(ast.Import([ast.alias(self._plan.group_of[alias.name].name, alias.asname)]))
                continue
            home = self._plan.home(alias.name)
            if home is not self._group and alias.name not in self._plan.used[self._group.name]:
                made.setdefault(home.name, []).append(alias)
            elif alias.asname:
                parts.append(ast.Assign([ast.Name(alias.asname, ast.Store())], ast.Name(alias.name, ast.Load())))
        for name, aliases in made.items():
            parts += [*before(self._plan, self._group, name), ast.ImportFrom(name, aliases, 0)]
        for part in parts:
            part.origin = node.origin
            ast.copy_location(part, node)
            ast.fix_missing_locations(part)
        return parts or _pass(node)


def _pass(node):
    new = ast.copy_location(ast.Pass(), node)
    new.origin = node.origin
    return new


def rename_globals(tree, called: dict[str, str]) -> None:
    """Say what global names are called, in place; mpy-cross puts a constant in place of whatever has its name."""
    for part in tree.body:
        if isinstance(part, ast.Assign) and getattr(getattr(part.value, "func", None), "id", "") == CONST:
            if any(called.get(getattr(each, "id", ""), "")[:1] != "_" for each in part.targets):
                part.value = part.value.args[0]
    for node in walk(tree):
        if isinstance(node, ast.Name):
            node.id = called.get(node.id, node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.long = getattr(node, "long", node.name)
            node.name = called.get(node.name, node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = called.get(node.name, node.name)
        elif isinstance(node, (ast.ImportFrom, ast.Import)):
            for alias in node.names:
                alias.name = called.get(alias.name, alias.name)
                alias.asname = called.get(alias.asname, alias.asname)
                if alias.asname == alias.name:
                    alias.asname = None


def rename_modules(plan: Plan) -> None:
    """Let lists of modules that are to be forgotten name the groups instead, in place."""
    for module in plan.program.modules.values():
        for node in walk(module.tree):
            if module.name == "agent.phases" and is_list(node, plan.program):
                found = [(number, _groups(plan, words)) for number, words in rows_of(node.value)]
                node.value = " ".join(" ".join([number, *names]).strip() for number, names in found if names)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == UNLOAD:
                for each in node.args[:1]:
                    if isinstance(each, ast.Tuple) and all(isinstance(part, ast.Constant) for part in each.elts):
                        found = _groups(plan, [part.value for part in each.elts])
                        each.elts = [ast.Constant(name) for name in found]


def _groups(plan, words):
    """Return the short names of the groups that have these modules and no other, without the entry's."""
    modules = {word if "." in word else "agent." + word for word in words}
    found = [group for group in plan.groups[1:] if modules >= set(group.modules)]
    return [group.name for group in found]
