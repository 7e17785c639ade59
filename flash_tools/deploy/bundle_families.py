"""Which classes inherit from each other: what a method says of `self` is said of objects of its own family only."""

import ast
from collections.abc import Iterator

from flash_tools.deploy.bundle_program import own_nodes, walk

_ROOTS = ("Exception", "object", "ValueError", "OSError")  # of Python: these ask for no method by a plain name


class Families:
    """`of[class]` is the number of its family; classes of a family that has a base of somebody else's are in none."""

    def __init__(self, program):
        self.of: dict[str, int] = {}
        foreign, nodes = set(), []
        for module in program.modules.values():
            nodes += [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
        for number, node in enumerate(nodes):
            if node.name in self.of:
                foreign.add(node.name)  # defined twice: either may be meant
            self.of.setdefault(node.name, number)
        for node in nodes:
            for base in node.bases:
                name = base.id if isinstance(base, ast.Name) else ""
                if name in self.of:
                    self._join(self.of[node.name], self.of[name])
                elif name not in _ROOTS:
                    foreign.add(node.name)
        numbers = {self.of[name] for name in foreign}
        self.of = {name: number for name, number in self.of.items() if number not in numbers}

    def _join(self, one, other):
        self.of = {name: one if number == other else number for name, number in self.of.items()}


def families_of(program) -> dict[str, set[int]]:
    """Return {attribute: families} of those that nobody asks of anything but `self`, and nobody else has."""
    found: dict[str, set[int]] = {}
    others, of = set(), Families(program).of
    for module in program.modules.values():
        for part in module.tree.body:
            inside = set()
            if isinstance(part, ast.ClassDef) and part.name in of:
                names = {name for each in part.body for name in _bound(each)}
                for method in filter(is_of_self, part.body):
                    own = [node for node in walk(method) if isinstance(node, ast.Attribute) and is_self(node)]
                    names.update(node.attr for node in own)
                    inside.update(map(id, own))
                for name in names:
                    found.setdefault(name, set()).add(of[part.name])
            for node in walk(part):
                if isinstance(node, ast.Attribute) and id(node) not in inside:
                    others.add(node.attr)
                elif isinstance(node, ast.ClassDef) and node.name not in of:
                    others.update(name for each in node.body for name in _bound(each))
                elif isinstance(node, ast.Name) and getattr(node, "member", False):
                    others.add(node.id)
    return {name: where for name, where in found.items() if name not in others}


def share(order: list[str], families: dict[str, set[int]], fresh: Iterator[str]) -> dict[str, str]:
    """Return {name: short name}; those of `families` that have no family in common may get the same one."""
    made, shared = {}, []  # (short name, families that have it)
    for name in order:
        where = families.get(name)
        free = next((each for each in shared if not each[1] & where), None) if where else None
        if free is None:
            free = next(fresh), set()
            if where:
                shared.append(free)
        made[name] = free[0]
        free[1].update(where or ())
    return made


def _bound(part):
    """Return the names that a statement in a class body binds."""
    if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
        return [part.name]
    nodes = own_nodes([part])
    return [node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]


def is_of_self(function) -> bool:
    """Tell whether `self` in a part of a class body is the object all over."""
    if not isinstance(function, ast.FunctionDef) or not function.args.args or function.args.args[0].arg != "self":
        return False
    if any(getattr(each, "id", "") in ("staticmethod", "classmethod") for each in function.decorator_list):
        return False
    nodes = list(walk(function))
    stored = any(
        isinstance(node, ast.Name) and node.id == "self" and not isinstance(node.ctx, ast.Load) for node in nodes
    )
    return not stored and sum(isinstance(node, ast.arg) and node.arg == "self" for node in nodes) == 1


def is_self(node) -> bool:
    """Tell whether an attribute is one of `self`."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"
