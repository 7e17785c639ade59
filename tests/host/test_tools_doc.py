"""docs/tools.md and the pages below docs/tools/: their examples are typed in order, each page in a folder of its own."""

import os

import pytest

from tests.host.doc_examples import ROOT, Background, blocks, matches, shell

PAGES = ["docs/tools.md", *sorted("docs/tools/" + path.name for path in (ROOT / "docs" / "tools").glob("*.md"))]


def _mend(line):
    """`fumo doctor` may find something wrong with this machine; that is no fault of the example."""
    return line + " || test $? = 1" if line.startswith("fumo doctor") else line


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page(page, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("FUMO_")]:
        monkeypatch.delenv(name)
    folder, running = tmp_path / "work", []
    folder.mkdir()
    try:
        for line, expected in blocks((ROOT / page).read_text()):
            if line.endswith("&"):
                running.append(Background(line, folder))
                running[-1].wait_for(folder / line.split()[3] / "serial")
                continue
            done = shell(_mend(line), folder)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            assert matches(expected, done.stderr + done.stdout), (line, done.stderr + done.stdout)
    finally:
        for process in running:
            process.end()


def test_every_page_has_examples():
    for page in PAGES:
        assert blocks((ROOT / page).read_text()), page
