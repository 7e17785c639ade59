"""What `make run` shows really happens."""

from flash_tools import demo


def test_the_demonstration(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "_TRANSCRIPT", tmp_path / "run.txt")
    assert demo.run("good", tmp_path / "device") == 0
    said = capsys.readouterr().out
    assert "the power is cut inside a flash operation" in said and "firmware 2.0 runs from bank 1, on trial" in said
    steps = (tmp_path / "run.txt").read_text()
    assert "DownloadAndUpdate" in steps and "1226" in steps and "(secret)" in steps


def test_it_can_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(
        demo, "_cut_and_go_on", lambda device, server, size: server.notify("demo:1", ("127.0.0.1", device.port()))
    )
    monkeypatch.setattr(demo, "_TRANSCRIPT", tmp_path / "run.txt")
    assert demo.run("good", tmp_path / "device") == 1
