"""Makes statements simpler without a change to what they do: assignments one by one, nothing behind a return, no empty ones."""

import ast

from flash_tools.deploy.bundle_program import walk

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def tidy(program) -> None:
    """Do it, in place, in all modules."""
    for module in program.modules.values():
        module.tree = _Tidy().visit(module.tree)


class _Tidy(ast.NodeTransformer):
    """Works on blocks of statements."""

    def generic_visit(self, node):
        """Each block of a statement."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                found = _block(block)
                if not found and name == "body" and block:
                    found = [part for part in block if isinstance(part, ast.Pass)][:1]
                setattr(node, name, found)
        return node

    def visit_FunctionDef(self, node):
        """The last `return` of nothing is no statement."""
        self.generic_visit(node)
        while len(node.body) > 1 and isinstance(node.body[-1], ast.Return) and node.body[-1].value is None:
            node.body.pop()
        return node


def _block(block):
    found = []
    for part in block:
        found += [each for each in _split(part) if not isinstance(each, ast.Pass)]
        if isinstance(part, _ENDS):
            break
    return found


def _split(part):
    """Return `a = x` and `b = y` for `a, b = x, y`, where that is the same."""
    match part:
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            if len(targets) == len(values) and _are_apart(targets, values):
                return [_assign(part, target, value) for target, value in zip(targets, values, strict=True)]
    return [part]


def _assign(old, target, value):
    new = ast.copy_location(ast.Assign([target], value), old)
    new.origin = getattr(old, "origin", None)
    return new


def _are_apart(targets, values):
    """Tell whether no target is read by a value, nor changes what a value behind it is."""
    if any(isinstance(part, ast.Starred) for part in [*targets, *values]):
        return False
    plain = all(isinstance(part, ast.Name) or _is_own(part) for part in targets)
    if not plain:
        return False
    stored = {_key(part) for part in targets}
    later = values[1:]
    if all(
        isinstance(part, ast.Name) for part in targets
    ):  # variables: a call cannot see them, unless a closure has them
        return not any(_key(node) in stored for value in later for node in walk(value)) and not any(
            map(_has_scope, values)
        )
    return all(_is_calm(value, stored) for value in later)  # the first value is worked out first either way


def _is_own(part):
    return isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self"


def _key(node):
    if isinstance(node, ast.Name):
        return node.id
    return "." + node.attr if isinstance(node, ast.Attribute) else ""


def _has_scope(value):
    return any(isinstance(node, (ast.Lambda, ast.GeneratorExp)) for node in walk(value))


def _is_calm(value, stored):
    """Tell whether a value is a constant or a name that is not among those stored."""
    if isinstance(value, (ast.Tuple, ast.List)):
        return all(_is_calm(part, stored) for part in value.elts)
    if isinstance(value, ast.Attribute):
        return False if stored else isinstance(value.value, ast.Name)
    if isinstance(value, ast.UnaryOp):
        return isinstance(value.operand, ast.Constant)
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Name) and value.id not in stored)
