"""Which functions may be handed arguments whose names are texts: those that a call with `**` may reach. All others have arguments
with names of their own, unless somebody calls them by such a name.

A call reaches what it names, and if that is a variable, whatever is ever used as a value instead of being called.
"""

import ast

from flash_tools.deploy.bundle_families import Families
from flash_tools.deploy.bundle_program import walk


def mark_open(program) -> None:
    """Note at each function whether it is `open`."""
    reached = _reached(program)
    families = Families(program).of
    numbers = {families.get(name) for name in reached}
    for module in program.modules.values():
        for part in module.tree.body:
            name = getattr(part, "name", "")
            named = bool(reached & {None, name, "." + name.partition(":")[2]})
            if isinstance(part, ast.FunctionDef):
                part.open = named
            elif isinstance(part, ast.ClassDef):
                made = named or name not in families or families[name] in numbers
                for method in part.body:
                    if isinstance(method, ast.FunctionDef):
                        special = method.name[:2] == "__"
                        method.open = None in reached or "." + method.name in reached or (made and special)


def _reached(program):
    """Return global names, and those of attributes with a dot in front; None is among them where it may be anything."""
    found = set()
    for module in program.modules.values():
        nodes = list(walk(module.tree))
        plain = set()  # what is only called, without `**`
        for node in nodes:
            if isinstance(node, ast.Call) and not any(part.arg is None for part in node.keywords):
                plain.add(id(node.func))
            elif isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute)):
                found.add(None)
        for node in nodes:
            if id(node) in plain:
                continue
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add(None if node.attr == "__class__" else "." + node.attr)
    return found
