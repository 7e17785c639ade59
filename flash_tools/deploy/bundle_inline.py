"""Puts the body of a function that is called from one place only into that place: a function costs its head and its call.

Only where that is the same, and can be known from the sources: the one mention of a function's name, or of a method's, which
no other class of its family has, is this call, with plain arguments, in a module of the same group; a method is called on `self`.
A name that is asked of anything but `self` must be the method's alone.
"""

import ast
from collections import Counter

from flash_tools.deploy.bundle_body import bind, brings_what_is_there, place, with_origin
from flash_tools.deploy.bundle_families import Families, is_of_self, is_self
from flash_tools.deploy.bundle_names import members, runtime_names
from flash_tools.deploy.bundle_places import first_call
from flash_tools.deploy.bundle_program import walk
from flash_tools.deploy.bundle_spoken import texts

_SCOPES = (ast.Lambda, ast.FunctionDef, ast.ClassDef, ast.Yield, ast.YieldFrom, ast.Nonlocal, ast.GeneratorExp)


def inline(program, groups, keep: set[str]) -> int:
    """Do it, in place; return how many were put in place."""
    known, done = _Known(program), 0
    for group in groups:
        modules = [program.modules[name] for name in group.modules if name not in program.whole]
        done += _Inliner(known, modules, keep).run()
    return done


class _Known:
    """What the whole program says: how often each name is mentioned, attributes with a dot in front; how many definitions
    each method has; which attributes are stored."""

    def __init__(self, program):
        self.families = Families(program).of
        self.mentions, self.defined, self.own = _count(program, self.families)
        trees = [module.tree for module in program.modules.values()]
        nodes = [node for tree in trees for node in walk(tree) if isinstance(node, ast.Attribute)]
        self.stored = {node.attr for node in nodes if not isinstance(node.ctx, ast.Load)}
        self.methods = {name for name in self.defined if name not in self.stored}

    def is_single(self, name, owner):
        """Tell whether a method is mentioned once, and no other is meant by that."""
        if self.mentions["." + name] == 1 and self.defined[name] == 1:
            return True
        family = self.families.get(owner.name)
        if family is None or name in self.stored:
            return False
        alone = sum(self.own[each, name] for each in {*self.families.values()}) == self.mentions["." + name]
        return alone and self.own[family, name] == 1 and self.defined[family, name] == 1


class _Once:
    """A function or method that may be put in place."""

    def __init__(self, node, owner):
        self.node, self.owner, self.ready = node, owner, False


class _Inliner:
    """For the modules of one group."""

    def __init__(self, known, modules, keep):
        mentions = known.mentions
        self._methods, self._classes = known.methods, {}
        self._once, self._all = {}, []
        for module in modules:
            for node in module.tree.body:
                if isinstance(node, ast.FunctionDef):
                    self._all.append((node, None))
                    if mentions[node.name] == 1 and node.name not in keep:
                        self._add(node.name, node, None)
                elif isinstance(node, ast.ClassDef):
                    self._classes[node.name] = node
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef):
                            self._all.append((part, node))
                            if (
                                known.is_single(part.name, node)
                                and part.name not in keep
                                and part.name not in runtime_names()
                            ):
                                self._add("." + part.name, part, node)
        self.count = 0

    def _add(self, name, node, owner):
        args = node.args
        plain = not (
            node.decorator_list or args.vararg or args.kwarg or args.kwonlyargs or args.posonlyargs or args.defaults
        )
        inner = [each for part in node.body for each in walk(part)]
        uses_super = any(isinstance(each, ast.Name) and each.id == "super" for each in inner)
        if plain and not uses_super and not any(isinstance(each, _SCOPES) for each in inner) and node.name[:2] != "__":
            self._once[name, owner and owner.name] = _Once(node, owner)

    def run(self):
        """Work on every function; return how many calls became bodies."""
        for node, owner in self._all:
            self._into(node, owner, ())
        return self.count

    def _into(self, node, owner, above):
        """Put into a function whatever it alone calls, from the inside out."""
        if getattr(node, "inlined", False):
            return
        node.inlined = True
        node.body = self._block(node.body, node, owner, (*above, node), True)

    def _block(self, block, caller, owner, above, last):
        """Return the statements; `last` tells that the function ends behind this block."""
        found, todo = [], list(block)
        while todo:
            part = todo.pop(0)
            made = self._statement(part, caller, owner, above, last and not todo)
            if made is not None:
                again = made.pop() if made and made[-1] is part else None
                found += made
                todo = [again] * (again is not None) + todo  # there may be another call in it
                continue
            self._inside(part, caller, owner, above, last and not todo)
            found.append(part)
        return found

    def _inside(self, part, caller, owner, above, last):
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)):
            return
        loop = isinstance(part, (ast.For, ast.While))
        quiet = last and isinstance(part, (ast.If, ast.With))
        for name in ("body", "orelse", "finalbody"):
            block = getattr(part, name, None)
            if block:
                setattr(part, name, self._block(block, caller, owner, above, quiet and not loop))
        for handler in getattr(part, "handlers", ()):
            handler.body = self._block(handler.body, caller, owner, above, False)

    def _statement(self, part, caller, owner, above, last):
        """Return the statements for one with a call that can be put in place, else None."""
        call = first_call(part, self._is_wanted(owner, above), self._methods)
        if not call:
            return None
        once = self._find(call, owner, above)
        self._into(once.node, once.owner, above)
        if brings_what_is_there(once.node, caller):
            return None
        head, body = bind(once.node, once.owner is not None, call)
        if body is None:
            return None
        made = place(part, call, body, last)
        if made is None:
            return None
        self.count += 1
        return [with_origin(each, part) for each in head] + made

    def _is_wanted(self, owner, above):
        return lambda call: self._find(call, owner, above) is not None

    def _find(self, call, owner, above):
        if isinstance(call.func, ast.Name):
            once = self._once.get((call.func.id, None))
        elif (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "self"
        ):
            once = self._inherited("." + call.func.attr, owner)
        else:
            return None
        if (
            once is None
            or once.node in above
            or call.keywords
            or any(isinstance(part, ast.Starred) for part in call.args)
        ):
            return None
        wanted = len(once.node.args.args) - (once.owner is not None)
        return once if len(call.args) == wanted else None

    def _inherited(self, name, node):
        """Return what a class, or one that it inherits from, has by that name."""
        while node is not None:
            if (name, node.name) in self._once:
                return self._once[name, node.name]
            base = node.bases[0] if len(node.bases) == 1 else None
            node = self._classes.get(base.id) if isinstance(base, ast.Name) else None
        return None


def _count(program, families):
    """Return (how often each name is mentioned, attributes with a dot in front; how many definitions each method has).

    The third are attributes of `self`: {(family, name): how often}; `defined` has the methods of families likewise.
    """
    mentions, defined, own = Counter(), Counter(), Counter()
    for module in program.modules.values():
        for part in module.tree.body:
            if isinstance(part, ast.ClassDef) and part.name in families:
                family = families[part.name]
                defined.update((family, name) for name in members(part))
                for method in filter(is_of_self, part.body):
                    nodes = [node for node in walk(method) if isinstance(node, ast.Attribute) and is_self(node)]
                    own.update((family, node.attr) for node in nodes)
        for node in walk(module.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                mentions[node.id] += 1
                mentions["." + node.id] += getattr(node, "member", False)  # in a class body
            elif isinstance(node, ast.Attribute):
                mentions["." + node.attr] += 1
            elif isinstance(node, ast.alias) and node.asname:
                mentions[node.name] += 1
            elif isinstance(node, ast.keyword):
                mentions["." + (node.arg or "")] += 1
            elif isinstance(node, ast.ClassDef):
                defined.update(members(node))
            for name in texts(node):
                mentions["." + name] += 1
    return mentions, defined, own
