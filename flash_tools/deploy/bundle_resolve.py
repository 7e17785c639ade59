"""Puts `module:name` in the place of every use of a global name, in all modules of a program.

An import of a module of ours says, when this is done, what has to be there at that moment: the names that are used, as
`module:name`. A module that is used as a namespace (`from agent import url`, `url.follow`) is looked through. One that a
function hands on as a value stays a module of its own (`program.whole`). `global` is refused.
"""

import ast

from flash_tools.deploy.bundle_program import CONST, Pending, Reference, names_bound, own_nodes, walk
from flash_tools.errors import UsageError


def resolve(program) -> None:
    """Do it, in place."""
    for module in program.modules.values():
        resolver = _Resolver(program, module)
        module.tree = resolver.visit(module.tree)


class _Resolver(ast.NodeTransformer):
    """For one module. A scope is (is it a class, {name: what it means, None where it is a variable of that scope})."""

    def __init__(self, program, module):
        self._program, self._module, self._scopes = program, module, []
        self._used = [_uses(module.tree.body)]  # of each function: what is read of which name, {name: attributes}

    def _refuse(self, node, why):
        raise UsageError("%s:%d: %s" % (self._module.path, node.lineno, why))

    def _meaning(self, name):
        for number, (is_class, scope) in enumerate(reversed(self._scopes)):
            if name in scope and not (is_class and number):
                return scope[name]
        found = self._module.names.get(name)
        found = self._program.meaning(found.module, found.name, found.by) if isinstance(found, Pending) else found
        return CONST if name == CONST else found

    def _binding(self, name):
        """Return the name to bind instead."""
        return self._meaning(name) or name

    # -- names --------------------------------------------------------------------------------------------------------

    def visit_Name(self, node):
        """Say what it means."""
        found = self._meaning(node.id)
        if isinstance(found, Reference):
            self._refuse(node, "the module %s is used as a value: read its names only" % found)
        node.id = found or node.id
        return node

    def visit_Attribute(self, node):
        """Look through a module that is a namespace."""
        found = self._meaning(node.value.id) if isinstance(node.value, ast.Name) else None
        if not isinstance(found, Reference):
            return self.generic_visit(node)
        meaning = self._program.meaning(found, node.attr, self._module.name)
        if isinstance(meaning, Reference) or not isinstance(node.ctx, ast.Load):
            self._refuse(node, "%s cannot be followed" % ast.unparse(node))
        return ast.copy_location(ast.Name(meaning, node.ctx), node)

    def visit_ExceptHandler(self, node):
        """A name for what was caught is a name of its scope."""
        if node.name and not self._scopes:
            node.name = self._binding(node.name)
        return self.generic_visit(node)

    def visit_Global(self, node):
        """Nobody needs it here."""
        self._refuse(node, "`global` cannot be bundled")

    # -- imports ------------------------------------------------------------------------------------------------------

    def visit_Import(self, node):
        """Somebody else's modules keep their names."""
        if not self._scopes:
            for alias in node.names:
                meaning = self._meaning((alias.asname or alias.name).partition(".")[0])
                alias.asname = meaning if ":" in meaning else None
        return node

    def visit_ImportFrom(self, node):
        """Say what has to be there; `asname` stays where a local name may be one of several things."""
        if not self._program.is_ours(node.module):
            if not self._scopes:
                for alias in node.names:
                    alias.asname = self._meaning(alias.asname or alias.name)
            return node
        aliases = []
        for alias in node.names:
            local = alias.asname or alias.name
            meaning = self._program.meaning(node.module, alias.name, self._module.name)
            if isinstance(meaning, Reference) and self._scopes and self._scopes[-1][1].get(local) is None:
                self._program.whole.add(str(meaning))
                aliases.append(ast.alias(meaning, local))
            elif isinstance(meaning, Reference):
                aliases += [ast.alias(name) for name in self._of_module(meaning, local)]
            elif meaning != CONST:
                unclear = self._scopes and self._scopes[-1][1].get(local) is None
                aliases.append(ast.alias(meaning, local if unclear else None))
        node.names, node.ours = aliases, True
        return node if aliases else ast.copy_location(_with_origin(ast.Pass(), node), node)

    def _of_module(self, module, local):
        """Return what is used of another module by this name."""
        known = self._program.modules[module].names
        used = [name for name in self._used[-1].get(local, ()) if name in known]
        return sorted({self._program.meaning(module, name, self._module.name) for name in used} - {CONST})

    # -- scopes -------------------------------------------------------------------------------------------------------

    def visit_ClassDef(self, node):
        """Its names are attributes; functions inside of it do not see them as names."""
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        node.bases = [self.visit(part) for part in node.bases]
        if not self._scopes:
            node.name = self._binding(node.name)
        self._scopes.append((True, dict.fromkeys(names_bound(node.body))))
        node.body = [self.visit(part) for part in node.body]
        self._scopes.pop()
        return node

    def visit_FunctionDef(self, node):
        """Its imports are read before anything in it is changed."""
        node.decorator_list = [self.visit(part) for part in node.decorator_list]
        self._visit_outside(node.args)
        node.returns = None
        if not self._scopes:
            node.name = self._binding(node.name)
        self._used.append(_uses(node.body))
        self._scopes.append((False, self._locals(node)))
        node.body = [self.visit(part) for part in node.body]
        self._scopes.pop()
        self._used.pop()
        return node

    def visit_Lambda(self, node):
        """As a function, without imports."""
        self._visit_outside(node.args)
        self._scopes.append((False, dict.fromkeys(arguments(node.args))))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def _visit_comprehension(self, node):
        """The first iterable belongs to the scope outside."""
        first = node.generators[0].iter = self.visit(node.generators[0].iter)
        targets = [name for part in node.generators for name in names_bound([part.target])]
        self._scopes.append((False, dict.fromkeys(targets)))
        for part in node.generators:
            part.target = self.visit(part.target)
            part.iter = part.iter if part.iter is first else self.visit(part.iter)
            part.ifs = [self.visit(each) for each in part.ifs]
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                setattr(node, name, self.visit(getattr(node, name)))
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _visit_outside(self, args):
        args.defaults = [self.visit(part) for part in args.defaults]
        args.kw_defaults = [self.visit(part) if part else None for part in args.kw_defaults]
        for arg in all_arguments(args):
            arg.annotation = None

    def _locals(self, node):
        """Return the names of a function: what an import makes of them where nothing else does, else None."""
        found = {}
        for part in own_nodes(node.body):
            if isinstance(part, ast.ImportFrom) and self._program.is_ours(part.module):
                for alias in part.names:
                    meaning = self._program.meaning(part.module, alias.name, self._module.name)
                    found.setdefault(alias.asname or alias.name, []).append(meaning)
        names = dict.fromkeys(arguments(node.args) + names_bound(node.body))
        bound = names_bound(node.body) + arguments(node.args)
        values = {name for name, used in self._used[-1].items() if "" in used}
        clear = {}
        for name, means in found.items():
            handed_on = isinstance(means[0], Reference) and name in values
            if len(set(means)) == 1 and bound.count(name) == len(means) and not handed_on:
                clear[name] = means[0]
        return names | clear


def all_arguments(args) -> list[ast.arg]:
    """Return the arguments of a function, those with stars too."""
    return [*args.posonlyargs, *args.args, *args.kwonlyargs] + [part for part in (args.vararg, args.kwarg) if part]


def arguments(args) -> list[str]:
    """Return their names."""
    return [arg.arg for arg in all_arguments(args)]


def _uses(body):
    """Return {name: attributes that are read of it, "" where it is a value by itself} anywhere in these statements."""
    found = {}
    for part in body:
        nodes = list(walk(part))
        of = {id(node.value): node.attr for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            if isinstance(node, ast.Name):
                found.setdefault(node.id, set()).add(of.get(id(node), ""))
    return found


def _with_origin(new, old):
    new.origin = getattr(old, "origin", None)
    return new
