"""No import of a bundled program brings another one that is not there yet: a small stack does not hold a second level."""

import ast
import subprocess
import sys

import pytest

from flash_tools.deploy.bundle import bundle, read_tree
from tests.host.test_micropython import ROOT

TREE = {
    "agent": "",
    "agent.start": "def go(which):\n    if which == 1:\n        from agent.a import a\n        return a()\n"
    "    if which == 2:\n        from agent.b import b\n        return b()\n    if which == 3:\n        from agent.c import c\n"
    "        return c()\n    from agent.d import d\n    return d()\nprint(go(1), go(2), go(3), go(4))\n",
    "agent.a": "from agent.b import b\ndef a():\n    return b() + b()\n",
    "agent.b": "from agent.c import c\ndef b():\n    return c() + c()\n",
    "agent.c": "from agent.d import d\ndef c():\n    return d() + d()\n",
    "agent.d": "def d():\n    return len([1])\n",
}


def needs(tree, sources):
    """Return what statements import of the program, not looking into functions."""
    found = []
    for part in tree:
        names = [part.module] if isinstance(part, ast.ImportFrom) else []
        names += [alias.name for alias in part.names] if isinstance(part, ast.Import) else []
        found += [name for name in names if name in sources]
    return found


def levels(name, sources, there):
    """Import it, and return how deep the imports are: 1 where it needs nothing that is not there."""
    if name in there:
        return 0
    there.add(name)
    return 1 + max([levels(each, sources, there) for each in needs(sources[name].body, sources)], default=0)


def deepest(texts, main):
    """Return the most levels of any import in any function, where only the main file is there."""
    sources, most = {place.removesuffix(".py"): ast.parse(text) for place, text in texts.items()}, 0
    for name, tree in sources.items():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                there: set[str] = set()
                levels(main, sources, there)
                levels(name, sources, there)
                for part in ast.walk(function):
                    if isinstance(part, ast.stmt):
                        most = max([most] + [levels(each, sources, there) for each in needs([part], sources)])
    return most


def test_what_lies_deep_is_imported_first(tmp_path):
    image = bundle(TREE, "agent.start", name="start")
    assert len(image.sources) == 5, "a file each: every one is imported by itself, too"
    assert deepest(image.sources, "start") == 1
    for place, text in image.sources.items():
        (tmp_path / place).write_text(text)
    done = subprocess.run([sys.executable, "start.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("8 4 2 1\n", "")


@pytest.mark.parametrize("board", ["pico_w_nor", "esp32_nor"])
def test_so_it_is_on_boards(board):
    image = bundle(read_tree(ROOT, board), "ports.micropython.main", {"small": True})
    assert len(image.sources) > 50 and deepest(image.sources, "main") == 1
