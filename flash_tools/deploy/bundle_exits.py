"""A function's body as statements that can stand elsewhere: every `return` becomes something else, and none is left.

That works where nothing is left to do behind a `return` but what can be put into the other branch of an `if`.
"""

import ast
from collections.abc import Callable

from flash_tools.deploy.bundle_program import walk

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def has_return(node) -> bool:
    """Tell whether a statement holds a `return`."""
    return any(isinstance(each, ast.Return) for each in walk(node))


def leaves(block) -> bool:
    """Tell whether no statement behind this block is ever reached through it."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ast.If):
        return leaves(last.body) and leaves(last.orelse)
    if isinstance(last, ast.While):
        return isinstance(last.test, ast.Constant) and bool(last.test.value) and not _breaks(last.body)
    if isinstance(last, ast.Try):
        handled = all(leaves(each.body) for each in last.handlers)
        return leaves(last.finalbody) or (handled and leaves(last.orelse or last.body))
    if isinstance(last, ast.With):
        return leaves(last.body)
    return isinstance(last, _LEAVES)


def _breaks(block):
    todo = list(block)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Break):
            return True
        if not isinstance(node, (ast.For, ast.While)):
            todo += ast.iter_child_nodes(node)
    return False


def without_returns(block, put: Callable) -> list | None:
    """Return the block with `put(value, statement)` for every way out of it, None where that cannot be done.

    `put` gets the value that is returned, None at the end, and returns a list of statements.
    """
    found = []
    for number, part in enumerate(block):
        rest = block[number + 1 :]
        if isinstance(part, ast.Return):
            return found + put(part.value, part)
        if isinstance(part, ast.Raise):
            return [*found, part]
        if not has_return(part):
            found.append(part)
            continue
        made = _divide(part, rest, put)
        return None if made is None else found + made
    return found if leaves(found) else found + put(None, block[-1] if block else None)


def _divide(part, rest, put):
    """A statement with a `return` in it, and what follows."""
    if isinstance(part, ast.If):
        if not rest or leaves(part.body):
            one, other = without_returns(part.body, put), without_returns(part.orelse + rest, put)
        elif leaves(part.orelse):
            one, other = without_returns(part.body + rest, put), without_returns(part.orelse, put)
        else:
            return None
        if one is None or other is None:
            return None
        return _if(part, one, other)
    if isinstance(part, ast.With) and not rest:
        inner = without_returns(part.body, put)
        return None if inner is None else [_like(ast.With(part.items, inner or [_nothing(part)]), part)]
    if isinstance(part, ast.Try) and not rest and not part.orelse and not part.finalbody:
        return _try(part, put)
    return None


def _if(part, one, other):
    if not one and not other:
        return [_like(ast.Expr(part.test), part)]
    test = part.test
    if not one:
        test = (
            test.operand
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
            else ast.UnaryOp(ast.Not(), test)
        )
        one, other = other, []
    return [_like(ast.If(test, one, other), part)]


def _try(part, put):
    """What is put in place of a `return` must not raise anything itself: a value that is kept, or nothing."""
    body = without_returns(part.body, put)
    handlers = [(each, without_returns(each.body, put)) for each in part.handlers]
    if body is None or any(inner is None for _, inner in handlers):
        return None
    made = []
    for each, inner in handlers:
        new = _like(ast.ExceptHandler(each.type, each.name, inner or [_nothing(part)]), each)
        made.append(new)
    return [_like(ast.Try(body or [_nothing(part)], made, [], []), part)]


def _nothing(part):
    return _like(ast.Pass(), part)


def _like(new, old):
    new.origin = getattr(old, "origin", None)
    return ast.copy_location(new, old)
