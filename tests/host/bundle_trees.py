"""Small programs for the tests of the bundler."""

from tests.host.bundle_odd import ODD

COMPAT = """
def const(value):
    return value


def unload(names):
    for name in names:
        GONE.append(name)


GONE = []
"""
OTHER = '''"""Others."""

from agent.compat import const

NUMBER = const(12)
hidden = "local name of a global"


class Base:
    def __init__(self):
        self.based = NUMBER


def shown():
    return hidden


def shallow(x):
    return x + NUMBER


def unused_function():
    return never_there
'''
LAZY = '''"""Late."""

import struct

from agent.other import shallow

CONSTANT = 99
_TABLE = {"deep": 1, "kind": 2}


def deep(x):
    return shallow(x) + _TABLE["deep"] + struct.calcsize("<I")
'''
TREE = {"agent": "", "agent.compat": COMPAT, "agent.odd": ODD, "agent.other": OTHER, "agent.lazy": LAZY}
ARGUMENTS = """
class A:
    def __init__(self, far=1):
        self.far = far
        self.near = 2
        self.append = 3
        self.said = 4


def start(name):
    a = A(far=3)
    print(getattr(a, name), "near", a.append, a.said)
"""
COMMANDS = """
class A:
    def _factory_reset(self):
        return 7

    def unheard(self):
        return 8


def start(word="factory-reset"):
    return getattr(A(), "_" + word.replace("-", "_"))()
"""
OPTIONS = """
class Options:
    small = False
    other = 1

    def __init__(self, **changes):
        for name in changes:
            setattr(self, name, changes[name])


def start():
    o = Options(small=True, other=2)
    if o.small and o.other:
        print("few")
    elif not o.small:
        print("many")
    return 1 if not o.small else o.other
"""
PHASES = """
from agent.compat import unload

_OF = ("lazy other", "nothing_else")


def enter(number):
    unload(_OF[number].split())
"""
FORGETS = """
from agent.compat import unload
from agent.phases import enter


def start():
    from agent.lazy import deep
    from agent.more import more

    enter(0)
    unload(("more",))
    return deep(1), more()
"""
FORGETFUL = {**TREE, "agent.phases": PHASES, "agent.more": "def more():\n    return 3\n", "main": FORGETS}
CIRCLE = {
    "agent": "",
    "agent.a": """
from agent.b import B


class A(B):
    def go(self):
        from agent.c import C

        return C().name()
""",
    "agent.b": """
class B:
    def late(self):
        from agent.a import A

        return A().go()
""",
    "agent.c": """
from agent.a import A


class C(A):
    def name(self):
        return "c"
""",
    "main": "from agent.b import B\n\nprint(B().late())\n",
}
