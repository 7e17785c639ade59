"""The source of a bundled module, and the map that leads from its lines back to the files it was made from.

Simple statements that follow each other share a line: MicroPython spends a byte or two on each line of a function.
"""

import ast
from collections import Counter

from flash_tools.deploy.bundle_program import walk

_HOT = 127  # names whose number in a module's table is below take one byte where they are used, others two
_COMPOUND = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.FunctionDef, ast.ClassDef)


def write(tree: ast.Module) -> tuple[str, list[str]]:
    """Return the source, and a line of the map for each of its lines that came from somewhere.

    The names that are used most are mentioned first, where nothing is executed. A function's line is `def b agent/url.py:3 follow`.
    """
    ast.fix_missing_locations(tree)
    count = _names(tree)
    hot = [name for name, times in count.most_common(_HOT) if times > 2]
    writer = _Writer()
    if len(count) > _HOT:
        writer.line(0, "while 1:")
        writer.line(1, "break;%s" % ".".join(["_", *hot]))
    writer.block(tree.body, 0)
    return "\n".join(writer.lines) + "\n", writer.origins


class _Writer:
    """Lines, and where they came from: `12 agent/update.py:30-33`."""

    def __init__(self):
        self.lines, self.origins, self._owners = [], [], []

    def line(self, depth, text, parts=()):
        """Add a line that holds these statements."""
        self.lines.append(" " * depth + text)
        found: dict[str, list[int]] = {}
        for part in parts:
            origin = getattr(part, "origin", None)
            if origin:
                found.setdefault(origin[0], []).append(origin[1])
        if found:
            places = ["%s:%s" % (path, _span(numbers)) for path, numbers in found.items()]
            self.origins.append("%d %s" % (len(self.lines), " ".join(places)))

    def block(self, block, depth):
        """Add statements."""
        run = []
        for part in block:
            if isinstance(part, _COMPOUND):
                self._flush(run, depth)
                getattr(self, "_" + type(part).__name__)(part, depth)
            else:
                run.append(part)
        self._flush(run, depth)

    def _flush(self, run, depth):
        if run:
            self.line(depth, ";".join(map(_unparse, run)), run)
            run.clear()

    def _head(self, text, owner, block, depth):
        """Add the head of a block; simple statements of a block stand in the same line."""
        if any(isinstance(part, _COMPOUND) for part in block):
            self.line(depth, text, [owner])
            self.block(block, depth + 1)
        else:
            self.line(depth, text + ";".join(map(_unparse, block)), [owner, *block])

    def _If(self, node, depth, word="if"):
        self._head("%s %s:" % (word, ast.unparse(node.test)), node, node.body, depth)
        if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            self._If(node.orelse[0], depth, "elif")
        elif node.orelse:
            self._head("else:", None, node.orelse, depth)

    def _For(self, node, depth):
        self._loop("for %s in %s:" % (ast.unparse(node.target), ast.unparse(node.iter)), node, depth)

    def _While(self, node, depth):
        self._loop("while %s:" % ast.unparse(node.test), node, depth)

    def _loop(self, text, node, depth):
        self._head(text, node, node.body, depth)
        if node.orelse:
            self._head("else:", None, node.orelse, depth)

    def _Try(self, node, depth):
        self._head("try:", node, node.body, depth)
        for handler in node.handlers:
            name = " as " + handler.name if handler.name else ""
            kind = " " + ast.unparse(handler.type) if handler.type else ""
            self._head("except%s%s:" % (kind, name), handler, handler.body, depth)
        for word, block in (("else:", node.orelse), ("finally:", node.finalbody)):
            if block:
                self._head(word, None, block, depth)

    def _With(self, node, depth):
        self._head("with %s:" % ",".join(map(ast.unparse, node.items)), node, node.body, depth)

    def _FunctionDef(self, node, depth):
        self._decorators(node, depth)
        path, number = node.origin
        long = getattr(node, "long", node.name).rpartition(":")[2]
        self.origins.append("def %s %s:%d %s" % (node.name, path, number, ".".join([*self._owners, long])))
        self._head("def %s(%s):" % (node.name, ast.unparse(node.args)), node, node.body, depth)

    def _ClassDef(self, node, depth):
        self._decorators(node, depth)
        bases = "(%s)" % ",".join(map(ast.unparse, node.bases)) if node.bases else ""
        self._owners.append(getattr(node, "long", node.name).rpartition(":")[2])
        self._head("class %s%s:" % (node.name, bases), node, node.body, depth)
        self._owners.pop()

    def _decorators(self, node, depth):
        for each in node.decorator_list:
            self.line(depth, "@" + ast.unparse(each), [node])


def _unparse(part):
    """Return a statement; several values for as many targets without brackets: MicroPython then makes no tuple of them."""
    if isinstance(part, ast.Assign) and isinstance(part.targets[-1], ast.Tuple) and isinstance(part.value, ast.Tuple):
        starred = any(isinstance(each, ast.Starred) for each in part.targets[-1].elts + part.value.elts)
        if len(part.targets) == 1 and not starred and len(part.value.elts) > 1:
            return "%s=%s" % (_listed(part.targets[0].elts), _listed(part.value.elts))
    return ast.unparse(part)


def _listed(parts):
    return ",".join(map(ast.unparse, parts))


def _span(numbers):
    return "%d" % numbers[0] if min(numbers) == max(numbers) else "%d-%d" % (min(numbers), max(numbers))


def _names(tree):
    """Count the names that MicroPython looks up by number."""
    count = Counter()
    for node in walk(tree):
        if isinstance(node, ast.Attribute):
            count[node.attr] += 1
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            count[node.name] += 2
        elif isinstance(node, ast.arg):
            count[node.arg] += 1
        elif isinstance(node, ast.keyword) and node.arg:
            count[node.arg] += 1
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.isidentifier()
            and len(node.value) < 11
        ):
            count[node.value] += 1
    for node in _global_names(tree):
        count[node] += 1
    return count


def _global_names(tree):
    """Yield the names that are not variables of a function, as often as they are used."""
    todo = [(part, frozenset()) for part in tree.body]
    while todo:
        node, local = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inner = node.body if isinstance(node.body, list) else [node.body]
            nodes = [each for part in inner for each in walk(part)]
            stored = {each.id for each in nodes if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}
            stored |= {each.arg for each in walk(node) if isinstance(each, ast.arg)}
            local = local | stored
        if isinstance(node, ast.Name) and node.id not in local:
            yield node.id
        todo += [(child, local) for child in ast.iter_child_nodes(node)]
