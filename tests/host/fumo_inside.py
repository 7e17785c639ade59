"""The command `fumo` inside of the test's process: fast, and still through main(), which makes errors into one line."""

import sys

from flash_tools import cli


def inside(capsys, monkeypatch, *words, code=0):
    """Run `fumo words...`; return what stands on stdout and on stderr."""
    monkeypatch.setattr(sys, "argv", ["fumo", *map(str, words)])
    capsys.readouterr()
    try:
        cli.main()
        ended = 0
    except SystemExit as e:
        ended = e.code or 0
    out, err = capsys.readouterr()
    assert ended == code, (ended, out, err)
    assert "Traceback" not in err
    return out, err
