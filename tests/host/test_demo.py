"""What `make run` shows really happens."""

import pytest

from flash_tools import demo


@pytest.fixture(autouse=True)
def transcript(tmp_path, monkeypatch):
    path = tmp_path / "run.txt"
    monkeypatch.setattr(demo, "_TRANSCRIPT", path)
    return path


def test_the_demonstration(tmp_path, transcript, capsys):
    assert demo.run("good", tmp_path / "device") == 0
    said = capsys.readouterr().out
    assert "the power is cut inside a flash operation" in said and "firmware 2.0 runs from bank 1, on trial" in said
    steps = transcript.read_text()
    assert "DownloadAndUpdate" in steps and "1226" in steps and "(secret)" in steps


def test_it_fails_without_a_cut(tmp_path, monkeypatch):
    def only_notify(device, server, size):
        server.notify("demo:1", ("127.0.0.1", device.port()))
        return False

    monkeypatch.setattr(demo, "_cut_and_go_on", only_notify)
    assert demo.run("good", tmp_path / "device") == 1
