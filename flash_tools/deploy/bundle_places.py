"""Where in a statement a call stands, and whether it is what happens first there, so that it may be done before the statement."""

import ast
from collections.abc import Callable, Set


def first_call(part: ast.stmt, is_wanted: Callable, methods: Set) -> ast.Call | None:
    """Return the call that is wanted and comes before all else that a statement does, None where there is none.

    `methods` are names of attributes that nobody stores: reading one before the call or behind it is the same.
    """
    for node in _begin(part):
        return _first(node, is_wanted, methods)
    return None


def replace(part, call, value):
    """Return the statement with an expression in the place of the call."""
    return _Replace(call, value).visit(part)


class _Replace(ast.NodeTransformer):
    def __init__(self, call, value):
        self._call, self._value = call, value

    def visit_Call(self, node):
        """The one that is meant."""
        return self._value if node is self._call else self.generic_visit(node)


def _begin(part):
    """Yield the expression with which a statement begins."""
    if isinstance(part, (ast.Expr, ast.Return)) and part.value is not None:
        yield part.value
    elif isinstance(part, ast.Assign) and all(_is_plain(each) for each in part.targets):
        yield part.value
    elif isinstance(part, ast.If):
        yield part.test
    elif isinstance(part, ast.For):
        yield part.iter
    elif isinstance(part, ast.Raise) and part.exc is not None:
        yield part.exc


def _is_plain(target):
    if isinstance(target, ast.Tuple):
        return all(map(_is_plain, target.elts))
    return isinstance(target, ast.Name) or (isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name))


def _first(node, is_wanted, methods):
    if isinstance(node, ast.Call):
        if is_wanted(node):
            return node
        return _in_call(node, is_wanted, methods)
    if isinstance(node, ast.BoolOp):
        return _first(node.values[0], is_wanted, methods)
    if isinstance(node, ast.Compare):
        return _one_after_other([node.left, node.comparators[0]], is_wanted, methods)
    if isinstance(node, ast.BinOp):
        return _one_after_other([node.left, node.right], is_wanted, methods)
    if isinstance(node, (ast.UnaryOp, ast.Attribute, ast.Subscript)):
        return _first(node.operand if isinstance(node, ast.UnaryOp) else node.value, is_wanted, methods)
    if isinstance(node, ast.IfExp):
        return _first(node.test, is_wanted, methods)
    if isinstance(node, (ast.Tuple, ast.List)):
        return _one_after_other(node.elts, is_wanted, methods)
    return None


def _in_call(node, is_wanted, methods):
    func = node.func
    if isinstance(func, ast.Attribute):
        if not (_is_fixed(func.value) and func.attr in methods):
            return _first(func.value, is_wanted, methods)
    elif not isinstance(func, ast.Name):
        return None
    return _one_after_other(node.args, is_wanted, methods)


def _one_after_other(parts, is_wanted, methods):
    for part in parts:
        if not _is_fixed(part):
            return _first(part, is_wanted, methods)
    return None


def _is_fixed(node):
    """Tell whether nothing that happens can change a value: a constant, `self`, a variable that only its own function sets."""
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id[0] != "~" and ":" not in node.id)
