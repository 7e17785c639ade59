"""docs/protocol.md names a test for each of its lines: all of them exist, and no line is without one unless it says why."""

import ast
import re

from tests.host.test_micropython import ROOT

DOC = (ROOT / "docs" / "protocol.md").read_text()
LINES = re.findall(r"^- \*\*(\w+)\*\* (.*?)(?=^- |^## |\Z)", DOC, re.M | re.S)


def _tests():
    names = set()
    for path in (*(ROOT / "tests" / "host").glob("test_*.py"), *(ROOT / "tests" / "portable").glob("test_*.py")):
        names |= {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    return names


def test_every_line_names_tests_that_exist():
    known = _tests()
    assert len(LINES) > 30
    for label, text in LINES:
        named = re.findall(r"`(\w+)`", text.split("—")[-1]) if "—" in text else []
        assert named or "not there yet" in text, label
        assert not [name for name in named if "test_" + name not in known], label


def test_no_label_twice():
    labels = [label for label, _ in LINES]
    assert len(labels) == len(set(labels))
