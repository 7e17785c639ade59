"""The hand-over with real modules, on both interpreters: what runs after it is the bank's code, nothing of the first stage's."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_STAGE = """
import sys
sys.path.insert(0, {root!r})
from hal import first_stage
import agent.version
assert agent.version.VERSION == "stage"
{clear}
sys.path.insert(0, {bank!r})
import agent.version
import agent.extra
print(agent.version.VERSION, agent.extra.VERSION)
"""


@pytest.fixture
def folders(tmp_path):
    for name, version in (("stage", "stage"), ("bank", "new")):
        (tmp_path / name / "agent").mkdir(parents=True)
        (tmp_path / name / "agent" / "version.py").write_text(f'VERSION = "{version}"\n')
    for file in ("__init__.py", "compat.py", "errors.py", "reset.py"):
        for name in ("stage", "bank"):
            shutil.copy(_ROOT / "agent" / file, tmp_path / name / "agent" / file)
    shutil.copytree(_ROOT / "hal", tmp_path / "stage" / "hal", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bank" / "agent" / "extra.py").write_text("from agent.version import VERSION\n")
    return tmp_path


def _run(interpreter, folders, clear):
    script = folders / "main.py"
    script.write_text(_STAGE.format(root=str(folders / "stage"), bank=str(folders / "bank"), clear=clear))
    return subprocess.run([interpreter, str(script)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["python", "micropython"])
def test_the_bank_s_modules_run(folders, name):
    interpreter = sys.executable if name == "python" else shutil.which(name, path=str(Path(sys.executable).parent))
    if not interpreter:
        pytest.skip("there is no micropython beside this python: install the lock")
    done = _run(interpreter, folders, "first_stage.clear_modules(sys.modules)")
    assert done.stdout.split() == ["new", "new"], done.stderr
    left = _run(interpreter, folders, "pass")
    assert left.stdout.split() != ["new", "new"]  # without the clearing the old ones shadow the bank's
