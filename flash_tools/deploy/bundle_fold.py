"""Puts constants in place, and drops the branches that cannot be reached then.

Constants are `NAME = const(...)`, a module's name that is bound once to a number, and what a board's profile fixes: options
by the name of their attribute, {"small": True} makes True of every `anything.small`.
"""

import ast
import copy
from collections import Counter

from flash_tools.deploy.bundle_program import CONST, own_nodes
from flash_tools.errors import UsageError

_TOP = {"agent.compat:PACKAGE": ""}  # the modules of an image are in no package
_LARGE = 1 << 30  # from here on a number is an object: it is kept once


def fold(program, profile: dict) -> None:
    """Do it, in place, in all modules."""
    known: dict[str, object] = {}
    for module in program.modules.values():
        module.tree = _Folder(_TOP, {}).visit(module.tree)
    while True:  # a constant is made of others
        found = _constants(program, known)
        if found.keys() == known.keys():
            break
        known = found
    for module in program.modules.values():
        module.tree = _Folder(known, profile).visit(module.tree)


def literal(node):
    """Return the value of an expression of numbers, None where it is not one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp):
        value = literal(node.operand)
        if value is not None and isinstance(node.op, (ast.USub, ast.Invert)):
            return -value if isinstance(node.op, ast.USub) else ~value
    if isinstance(node, ast.BinOp):
        left, right = literal(node.left), literal(node.right)
        if left is not None and right is not None:
            return _calculate(node.op, left, right)
    return None


_OPERATIONS = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.BitOr: lambda a, b: a | b, ast.BitAnd: lambda a, b: a & b, ast.BitXor: lambda a, b: a ^ b,
    ast.LShift: lambda a, b: a << b, ast.RShift: lambda a, b: a >> b,
}  # fmt: skip


def _calculate(operator, left, right):
    known = _OPERATIONS.get(type(operator))
    fits = not isinstance(operator, (ast.LShift, ast.RShift)) or 0 <= right < 256
    return known(left, right) if known and fits else None


def number(value) -> ast.expr:
    """Return the expression of a constant."""
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _constants(program, known):
    """Return {module:name: number} of what is bound once, to a number."""
    found = {}
    for module in program.modules.values():
        bound = Counter(
            node.id
            for node in own_nodes(module.tree.body)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
        for statement in module.tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if bound[name] == 1:
                    items = [(name, value)]
                case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(
                    values
                ):
                    items = [
                        (n.id, v)
                        for n, v in zip(names, values, strict=True)
                        if isinstance(n, ast.Name) and bound[n.id] == 1
                    ]
                case _:
                    continue
            for name, value in items:
                if isinstance(value, ast.Call) and getattr(value.func, "id", "") == CONST and len(value.args) == 1:
                    value = value.args[0]
                result = literal(_Folder(known, {}).visit(copy.deepcopy(value)))
                if result is not None and abs(result) < _LARGE:
                    found[name] = result
    return found


class _Folder(ast.NodeTransformer):
    """Each expression becomes simpler or stays."""

    def __init__(self, known, profile):
        self._known, self._profile = known, profile

    def visit_Name(self, node):
        """A constant by its name."""
        if isinstance(node.ctx, ast.Load) and node.id in self._known:
            return ast.copy_location(number(self._known[node.id]), node)
        return node

    def visit_Attribute(self, node):
        """An option by its attribute."""
        self.generic_visit(node)
        if node.attr in self._profile and isinstance(node.ctx, ast.Load):
            return ast.copy_location(number(self._profile[node.attr]), node)
        return node

    def visit_Call(self, node):
        """Options need not be given."""
        self.generic_visit(node)
        node.keywords = [part for part in node.keywords if part.arg not in self._profile]
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if (
            name in ("getattr", "hasattr")
            and isinstance(node.args[1], ast.Constant)
            and node.args[1].value in self._profile
        ):
            return number(True if name == "hasattr" else self._profile[node.args[1].value])
        return node

    def visit_Assign(self, node):
        """Options need not be kept."""
        self.generic_visit(node)
        for part in node.targets:
            if isinstance(part, ast.Tuple) and any(map(self._is_option, part.elts)):
                return self._without_options(node)
        kept = [part for part in node.targets if not self._is_option(part)]
        if not kept and _is_simple(node.value):
            return _like(ast.Pass(), node)
        node.targets = kept or node.targets
        return node

    def _without_options(self, node):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                rest = [
                    pair
                    for pair in zip(names, values, strict=True)
                    if not (self._is_option(pair[0]) and _is_simple(pair[1]))
                ]
                if len(rest) == 1:
                    return _like(ast.Assign([rest[0][0]], rest[0][1]), node)
                names[:], values[:] = [pair[0] for pair in rest], [pair[1] for pair in rest]
                return node if rest else _like(ast.Pass(), node)
        raise UsageError("%s: set the option in a statement of its own" % ast.unparse(node))

    def _is_option(self, node):
        if isinstance(node, ast.Attribute):
            return node.attr in self._profile
        return isinstance(node, ast.Name) and node.id in self._profile and getattr(node, "member", False)

    def visit_ClassDef(self, node):
        """What is bound in its body are attributes."""
        for part in own_nodes(node.body):
            if isinstance(part, ast.Name) and ":" not in part.id:
                part.member = True
        return self.generic_visit(node)

    # -- what follows -------------------------------------------------------------------------------------------------

    def visit_UnaryOp(self, node):
        """`not` of a constant."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and _is_constant(node.operand):
            return ast.Constant(not node.operand.value)
        return node

    def visit_BoolOp(self, node):
        """Constants among the parts: those that decide nothing go, one that decides is the last one."""
        self.generic_visit(node)
        decides, values = isinstance(node.op, ast.Or), []
        for number_, part in enumerate(node.values):
            if _is_constant(part) and bool(part.value) != decides and number_ < len(node.values) - 1:
                continue
            values.append(part)
            if _is_constant(part) and bool(part.value) == decides:
                break
        if getattr(node, "truth", False) and len(values) > 1 and _is_constant(values[-1]):
            if bool(values[-1].value) != decides:
                values.pop()
            elif all(isinstance(part, (ast.Name, ast.Constant)) for part in values):
                values = values[-1:]
        node.values = values
        return values[0] if len(values) == 1 else node

    def visit_IfExp(self, node):
        """One of two."""
        _test(node.test)
        self.generic_visit(node)
        if _is_constant(node.test):
            return node.body if node.test.value else node.orelse
        return node

    def visit_If(self, node):
        """One of two blocks."""
        _test(node.test)
        self.generic_visit(node)
        if not _is_constant(node.test):
            node.body = node.body or [_like(ast.Pass(), node)]
            return node
        return (node.body if node.test.value else node.orelse) or _like(ast.Pass(), node)

    def visit_While(self, node):
        """A loop that is never entered goes."""
        _test(node.test)
        self.generic_visit(node)
        if _is_constant(node.test) and not node.test.value:
            return node.orelse or _like(ast.Pass(), node)
        return node


def _test(node):
    """Note that only the truth of an expression matters."""
    node.truth = True
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            _test(part)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _test(node.operand)


def _is_constant(node):
    return isinstance(node, ast.Constant)


def _is_simple(node):
    """Tell whether nothing happens where an expression is left out."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(map(_is_simple, node.elts))
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name)
    return isinstance(node, (ast.Constant, ast.Name))


def _like(new, old):
    new.origin = getattr(old, "origin", None)
    return ast.copy_location(new, old)
