"""The body of a function, ready to stand where its call was: variables of its own, arguments given, returns turned into values."""

import ast
import copy

from flash_tools.deploy.bundle_drop import is_pure
from flash_tools.deploy.bundle_exits import leaves, without_returns
from flash_tools.deploy.bundle_places import replace
from flash_tools.deploy.bundle_program import walk

_SLOT = "~%d"  # variables of bodies that were put in place: bodies one after the other share them


def brings_what_is_there(node, caller):
    """Tell whether a body imports what its caller uses by itself, or the other way round."""

    def brought(function):
        parts = [part for part in walk(function) if getattr(part, "ours", False)]
        return {alias.name for part in parts for alias in part.names}

    def used(function):
        return {each.id for each in walk(function) if isinstance(each, ast.Name) and ":" in each.id}

    return bool(brought(node) & used(caller) or brought(caller) & used(node))


def bind(function, of_self, call):
    """Return (statements that give the variables their values, the body with its variables renamed)."""
    body = copy.deepcopy(function.body)
    names = [arg.arg for arg in function.args.args]
    values = ([call.func.value] if of_self else []) + call.args
    nodes = [node for part in body for node in walk(part)]
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    local = [name for name in dict.fromkeys([*names, *_variables(nodes)]) if ":" not in name]
    table, head, number = {}, [], 0
    for name, value in zip(names, values, strict=True):
        if name not in stored and (isinstance(value, ast.Constant) or _is_variable(value)):
            table[name] = value
    if any(isinstance(value, ast.Name) and value.id[0] == "~" for value in table.values()):
        return None, None
    for name in local:
        if name not in table:
            table[name] = ast.Name(_SLOT % number, ast.Load())
            number += 1
    for name, value in zip(names, values, strict=True):
        if isinstance(table[name], ast.Name) and table[name].id[0] == "~":
            if any(isinstance(node, ast.Name) and node.id[0] == "~" for node in walk(value)):
                return None, None
            head.append(ast.copy_location(ast.Assign([ast.Name(table[name].id, ast.Store())], value), call))
    return head, [_Rename(table).visit(part) for part in body]


def _is_variable(value):
    return isinstance(value, ast.Name) and ":" not in value.id


def _variables(nodes):
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name
                if ":" not in name:
                    yield name.partition(".")[0]


class _Rename(ast.NodeTransformer):
    """Other variables, or plain values in their place."""

    def __init__(self, table):
        self._table = table

    def visit_Name(self, node):
        """A variable."""
        value = self._table.get(node.id)
        if value is None:
            return node
        if isinstance(value, ast.Name):
            return ast.copy_location(ast.Name(value.id, node.ctx), node)
        return ast.copy_location(copy.copy(value), node)

    def visit_ExceptHandler(self, node):
        """What was caught."""
        if node.name:
            node.name = self._table[node.name].id
        return self.generic_visit(node)

    def _visit_import(self, node):
        for alias in node.names:
            name = alias.asname or alias.name
            if ":" not in name:
                alias.asname = self._table[name.partition(".")[0]].id
        return node

    visit_Import = visit_ImportFrom = _visit_import


def place(part, call, body, last):
    """Return the statements that do what `part` does, with the body in the place of the call; None where that cannot be."""
    if isinstance(part, ast.Return) and part.value is call:
        return body if leaves(body) else [*body, with_origin(ast.Return(None), part)]
    if isinstance(part, ast.Expr) and part.value is call:
        made = without_returns(
            body, lambda value, at: [] if value is None or is_pure(value) else [_at(ast.Expr(value), at)]
        )
        if made is None and last:
            return _only_leave(body)
        return made if made != [] else [with_origin(ast.Pass(), part)]
    tail = body[-1] if body else None
    returns = [node for each in body for node in walk(each) if isinstance(node, ast.Return)]
    if isinstance(tail, ast.Return) and len(returns) == 1:
        return [*body[:-1], replace(part, call, tail.value or ast.Constant(None))]
    target = _target(part, call)
    if target is not None:
        return without_returns(
            body, lambda value, at: [_at(ast.Assign([copy.deepcopy(target)], value or ast.Constant(None)), at)]
        )
    result = ast.Name("~r", ast.Store())
    made = without_returns(
        body, lambda value, at: [_at(ast.Assign([copy.copy(result)], value or ast.Constant(None)), at)]
    )
    return None if made is None else [*made, replace(part, call, ast.Name("~r", ast.Load()))]


def _target(part, call):
    """Return the variable that is given the value of a call, None where it is anything else."""
    if (
        isinstance(part, ast.Assign)
        and part.value is call
        and len(part.targets) == 1
        and isinstance(part.targets[0], ast.Name)
    ):
        return part.targets[0]
    return None


def _only_leave(body):
    """At the end of a function that returns nothing: a body's own `return`s, without values."""
    for each in body:
        for node in walk(each):
            if isinstance(node, ast.Return):
                if node.value is not None and not is_pure(node.value):
                    return None
                node.value = None
    return body


def _at(new, old):
    return with_origin(new, old) if old is not None else new


def with_origin(new, old):
    if not hasattr(new, "origin"):
        new.origin = getattr(old, "origin", None)
    ast.copy_location(new, old)
    return ast.fix_missing_locations(new)
