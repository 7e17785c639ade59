"""Which files an import brings one by one beforehand: imports inside of imports are more than a small stack holds.

Each level costs more than a KiB of C stack, and an RP2040 has 8 in all. What is there anyway is not brought again.
"""

import ast

_UNUSED = "~brought"  # the variable that such an import binds
_LEVELS = 1  # of imports that are left: none inside of another


def before(plan, group, name: str) -> list[ast.stmt]:
    """Return the imports to stand before that of the file `name` in a function of `group`."""
    there, found = {plan.groups[0].name}, []
    _reach(plan, group.name, there)
    _bring(plan, name, there, found)
    return [ast.Import([ast.alias(each, _UNUSED)]) for each in found]


def _bring(plan, name, there, found):
    """Note what has to come before a file; return how many levels are left for its own import."""
    levels = 0
    for each in _needs(plan, name):
        if each not in there:
            below = _bring(plan, each, there, found)
            if below >= _LEVELS:
                found.append(each)
                there.add(each)
            else:
                levels = max(levels, below)
    return levels + 1


def _reach(plan, name, there):
    for each in _needs(plan, name):
        if each not in there:
            there.add(each)
            _reach(plan, each, there)


def _needs(plan, name):
    return sorted({plan.home(each).name for each in plan.used[name]})
