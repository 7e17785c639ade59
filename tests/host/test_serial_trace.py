"""`fumo --trace FILE`: the bytes of a serial line, as they went and came."""

import re

import pytest

from flash_tools import serial_line
from flash_tools.errors import NotFoundError, ToolError
from flash_tools.serial_trace import TRACE
from flash_tools.target import Target
from tests.host.fumo_inside import inside
from tests.host.recovery_rig import Rig


def noted(path, way):
    """Return the bytes that went one way."""
    rows = [
        re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} ([<>]) ((?:[0-9a-f]{2} )+) +.{1,16}", text)
        for text in path.read_text().splitlines()
    ]
    assert rows and all(rows)
    return b"".join(bytes.fromhex(row[2]) for row in rows if row[1] == way)


def test_a_conversation_is_noted(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv(TRACE, "")  # so that it is put back
    trace = tmp_path / "trace.txt"
    with Rig() as rig:
        words = ("--trace", trace, "recover", "status", "-b", "serial:%s" % rig.path)
        inside(capsys, monkeypatch, *words)
        once = trace.stat().st_size
        assert noted(trace, ">").startswith(b"\x06\x09") and noted(trace, "<").startswith(b"\x06\x09")
        inside(capsys, monkeypatch, *words)
    assert trace.stat().st_size > once and trace.stat().st_mode & 0o077 == 0


def test_without_it_nothing_is_noted(tmp_path, monkeypatch):
    monkeypatch.delenv(TRACE, raising=False)
    with Rig() as rig, serial_line.open_line(Target("serial", rig.path)) as line:
        assert type(line).__name__ == "Serial"


def test_it_fails_as_the_line_itself_does(tmp_path, monkeypatch):
    monkeypatch.setenv(TRACE, str(tmp_path / "trace.txt"))
    with pytest.raises(NotFoundError, match="is not there"):
        serial_line.open_line(Target("serial", "/dev/ttyUSB99"))
    monkeypatch.setenv(TRACE, str(tmp_path / "nowhere" / "trace.txt"))
    with Rig() as rig, pytest.raises(ToolError, match="cannot write the trace"):
        serial_line.open_line(Target("serial", rig.path))
