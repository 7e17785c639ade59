"""docs/simulator.md: its examples are run in order, and it names every option, event, command, effect and exit code."""

import json
import re

import pytest

from flash_tools.server.bench import BenchServer
from ports.sim import settings
from ports.sim.watcher import EFFECTS
from tests.host.doc_examples import ROOT, blocks, shell

TEXT = (ROOT / "docs" / "simulator.md").read_text()
_CHANGES = re.compile(r"(?<=listening )\d+|(?<=progress )\d+|(?<=127.0.0.1:)\d+|(?<=/dev/pts/)\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("simulator")


def test_the_examples(folder):
    examples = blocks(TEXT)
    assert len(examples) == 9
    with BenchServer() as server:
        (folder / "bundle.json").write_text(json.dumps(server.add_device("sim:1")))
        for number, (line, expected) in enumerate(examples):
            if "--request-update" in line:
                name = ("update.fup", "again.fup")["--cut-at" in line]
                if name == "again.fup":
                    assert shell("fumo sim package dev0 again.fup --version 3.0", folder).returncode == 0
                server.order("sim:1", server.add_package((folder / name).read_bytes(), name))
            done = shell(line, folder)
            assert done.returncode == 0, (line, done.stderr)
            if expected:
                said = _CHANGES.sub("#", done.stdout).splitlines()
                assert said == [_CHANGES.sub("#", text) for text in expected], number
        assert [order.outcome.code for order in server.desk.orders.values()] == [200, 200]


def test_the_python_example(folder):
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    done = shell("python3 -c '%s'" % code, folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("status {") and lines[1].startswith("boot 1 bank 0 confirmed version 3.0")


def test_everything_is_named():
    for name, *_ in settings.OPTIONS:
        assert "--" + name in TEXT, name
    for effect in EFFECTS:
        assert "`%s`" % effect in TEXT, effect
    sources = "".join(path.read_text() for path in (ROOT / "ports" / "sim").glob("*.py"))
    sources += (ROOT / "agent" / "narrator.py").read_text()
    events = set(re.findall(r'\b_?say\("([a-z]+)"', sources))
    events |= {"reported", "dropped"}
    assert len(events) >= 16
    for event in events:
        assert re.search(r"`%s[` ]" % event, TEXT), event
    known = re.search(r"known = \{.*?\n\s+if ", sources, re.DOTALL).group(0)
    commands = re.findall(r'"([a-z]+)":', known)
    assert len(commands) == 7 and all(re.search(r"`%s[` ]" % name, TEXT) for name in commands)
    for code in (0, 1, 2, 4, 7, 70, 75, 130):
        assert "| %d |" % code in TEXT
