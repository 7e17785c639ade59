"""Takes out the texts of errors that nobody is shown: where a package is judged, a server is told the code alone.

Only in modules that are named for that, and only from PackageError, whose other arguments stay. A text that was put into a variable
for that goes too.
"""

import ast

from flash_tools.deploy.bundle_program import walk

ERROR = "agent.errors:PackageError"
MODULES = tuple(
    "agent." + name
    for name in "manifest signature package delta installer installer_begin ranges descriptor offer download causes".split()
)


def hush(program, modules) -> None:
    """Do it, in place."""
    for name in modules:
        if name in program.modules:
            program.modules[name].tree = _Hush().visit(program.modules[name].tree)


class _Hush(ast.NodeTransformer):
    def visit_Call(self, node):
        """One that is made."""
        if isinstance(node.func, ast.Name) and node.func.id == ERROR and node.args and _is_text(node.args[0]):
            node.args[0] = ast.copy_location(ast.Constant(""), node.args[0])
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        """Variables that held a text."""
        texts = {each.id for each in walk(node) if isinstance(each, ast.Name)}
        node = self.generic_visit(node)
        left = {each.id for each in walk(node) if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Store)}
        return _Unused(texts - left).visit(node)


class _Unused(ast.NodeTransformer):
    def __init__(self, names):
        self._names = names

    def visit_Assign(self, node):
        """`text = "..."` by itself."""
        target = node.targets[0]
        if (
            len(node.targets) == 1
            and isinstance(target, ast.Name)
            and target.id in self._names
            and _is_plain(node.value)
        ):
            return _pass(node)
        return node


def _is_plain(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_text(node):
    """Tell whether working the text out does nothing else: a text, or one that is filled in with names."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _is_text(node.left) and all(
            map(_is_calm, node.right.elts if isinstance(node.right, ast.Tuple) else [node.right])
        )
    return isinstance(node, ast.Name) or _is_plain(node)


def _is_calm(node):
    return isinstance(node, (ast.Name, ast.Constant)) or (isinstance(node, ast.Attribute) and _is_calm(node.value))


def _pass(node):
    new = ast.copy_location(ast.Pass(), node)
    new.origin = getattr(node, "origin", None)
    return new
