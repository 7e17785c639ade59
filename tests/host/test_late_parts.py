"""Methods in a module of their own (agent/late.py): each that such a part calls of itself is found through the object.

A part is never made an object of, so a private method of its own that `__getattr__` sends elsewhere is none. In one piece the
bundler may put it in its place; a file for each module shows it.
"""

import ast
import importlib

import pytest

from tests.host.doc_examples import ROOT
from tests.portable.fakes import Fake

_FOLDERS = ("agent", "hal", "ports/micropython")


def _owners():
    """Return (module, class, its __getattr__) of all that has late methods."""
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    late = [each for each in node.body if getattr(each, "name", "") == "__getattr__"]
                    if late and "late(" in ast.unparse(late[0]):
                        yield "%s.%s" % (folder.replace("/", "."), path.stem), node.name, late[0]


def _parts(late):
    """Return (module, class) of the parts that it may bring in."""
    for node in ast.walk(late):
        if isinstance(node, ast.ImportFrom) and node.module != "agent.late":
            yield from ((node.module, alias.name) for alias in node.names if alias.name[0].isupper())


def _own_calls(module, name):
    """Return the methods of a class that it calls of itself."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    methods = {node.name for node in body.body if isinstance(node, ast.FunctionDef)}
    asked = {
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") == "self"
        and isinstance(node.ctx, ast.Load)
    }
    return sorted(methods & asked)


OWNERS = list(_owners())


@pytest.mark.parametrize(("module", "name", "late"), OWNERS, ids=["%s.%s" % owner[:2] for owner in OWNERS])
def test_a_part_finds_its_own_methods(module, name, late):
    with Fake():
        cls = getattr(importlib.import_module(module), name)
        for part in _parts(late):
            for method in _own_calls(*part):
                if not hasattr(cls, method):
                    assert cls.__getattr__(object.__new__(cls), method), (part, method)


def test_there_are_such_objects():
    assert len(OWNERS) > 20 and "_ask_for_update" in _own_calls("ports.micropython.service_commands", "Commands")
