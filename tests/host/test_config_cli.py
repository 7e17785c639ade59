"""`fumo config`, and how the settings reach the other commands."""

import json
import os
import sys
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from flash_tools import config, target
from flash_tools.cli import app, main
from flash_tools.cli import config as cli_config
from flash_tools.config_schema import SETTINGS
from flash_tools.sim import sim_files

COMMAND = typer.main.get_command(app)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    for name in ("dev0", "dev1", "dev2"):
        sim_files.make(folder / name, chip_kib=1024, device_id=name)
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run a command as the command line does, without the time that a process takes to start."""

    def run(*words, code=0, toml="", **environment):
        (folder / "fumo.toml").write_text(toml)
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("HOME", str(folder / "home"))
            patch.setattr(sys, "argv", ["fumo", *map(str, words)])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main()
        done = capsys.readouterr()
        assert (end.value.code or 0) == code, done.err
        return SimpleNamespace(stdout=done.out, stderr=done.err)

    return run


def test_the_board_falls_back_to_the_settings(run):
    toml = '[board]\ntarget = "sim:dev0"\n'
    said = [
        run("dump", "--json", toml=toml),
        run("dump", "--json", toml=toml, FUMO_BOARD__TARGET="sim:dev1"),
        run("dump", "--json", toml=toml, FUMO_BOARD__TARGET="sim:dev1", FUMO_BOARD="sim:dev2"),
        run("dump", "--json", "-b", "sim:dev0", toml=toml, FUMO_BOARD="sim:dev2"),
    ]
    assert [json.loads(each.stdout)["board"] for each in said] == ["sim:dev0", "sim:dev1", "sim:dev2", "sim:dev0"]
    assert "--board" in run("dump", code=2).stderr


def test_broken_settings_stop_commands_but_not_help(run):
    done = run("dump", "-b", "sim:dev0", code=1, toml="[board]\nlayuot = 1\n")
    assert done.stderr == "fumo: fumo.toml:2: there is no setting board.layuot: did you mean board.layout?\n"
    assert "Usage" in run("dump", "--help", toml="[board").stdout


def test_config_check(run, folder):
    done = run("config", "check", code=1, toml="[board]\nlayuot = 1\n[serial]\nbaud = 1\n")
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == ["fumo.toml:2", "fumo.toml:4"]
    said = json.loads(run("config", "check", "--json", code=1, toml="[x]\ny = 1\n").stdout)
    assert said["ok"] is False and said["files"] == ["fumo.toml"] and len(said["problems"]) == 1
    assert run("config", "check", toml="[serial]\nbaud = 9600\n").stdout == ""
    (folder / "other.toml").write_text("[serial]\nbaud = 1\n")
    assert "other.toml:2" in run("config", "check", "other.toml", code=1).stdout
    assert run("config", "check", "none.toml", code=3).stderr == "fumo: there is no file none.toml\n"


def test_config_show(run):
    out = run("config", "show", "--origin", toml="[serial]\nbaud = 9600\n", FUMO_SPI__HZ="20000").stdout
    assert "serial.baud               9600  (fumo.toml:2)\n" in out and "(FUMO_SPI__HZ)" in out
    assert "agent.trial_min_ms        60000  (default)\n" in out
    assert run("config", "show", "serial.baud", toml="[serial]\nbaud = 9600\n").stdout.split() == [
        "serial.baud",
        "9600",
    ]
    assert "no setting nix" in run("config", "show", "nix", code=2).stderr
    said = json.loads(run("config", "show", "--json").stdout)
    assert [row["name"] for row in said["settings"]] == [setting.name for setting in SETTINGS]


def test_the_servers_token_comes_from_its_file_and_is_never_shown(run, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("geheim\n")
    toml = '[server]\nurl = "http://127.0.0.1:1"\ntoken_file = "%s"\n' % (tmp_path / "token")
    (tmp_path / ".config/fumo").mkdir(parents=True)
    (tmp_path / ".config/fumo/config.toml").write_text(toml)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FUMO_SERVER", raising=False)
    found = cli_config.defaults(COMMAND, config.load())
    assert found["package"]["list"] == {"url": "http://127.0.0.1:1", "token": "geheim"}
    assert "geheim" not in CliRunner().invoke(app, ["config", "show", "--origin"]).output
    assert found["order"]["token"] == "geheim" and "dump" not in found


def test_a_folder_that_is_named_outweighs_the_url_of_the_settings(run, folder):
    variables = {"FUMO_SERVER__URL": "http://127.0.0.1:1", "FUMO_SERVER__TOKEN_FILE": "token"}
    (folder / "token").write_text("t")
    done = run("package", "list", "--dir", "nowhere", code=1, **variables)
    assert "127.0.0.1" not in done.stderr and "nowhere" in done.stderr
    assert "127.0.0.1" in run("package", "list", code=1, **variables).stderr


def test_lists_reach_options_that_repeat(tmp_path, monkeypatch):
    (tmp_path / "fumo.toml").write_text('[package]\nproduct = "p"\nmodel = ["a", "b"]\n')
    monkeypatch.chdir(tmp_path)
    found = cli_config.defaults(COMMAND, config.load())
    assert found["package"]["build"] == {"product": "p", "model": ["a", "b"]}


# -- what the place of a board does not say -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("serial:/dev/ttyUSB0", "/dev/ttyUSB0@9600"),
        ("serial:/dev/ttyUSB0@115200", "/dev/ttyUSB0@115200"),
        ("spi:/dev/spidev0.0", "/dev/spidev0.0?hz=5000000"),
        ("spi:/dev/spidev0.0?mode=3", "/dev/spidev0.0?mode=3&hz=5000000"),
        ("spi:/dev/spidev0.0?hz=1000000", "/dev/spidev0.0?hz=1000000"),
        ("sim:dev0", "dev0"),
        ("mpy:/dev/ttyACM0", "/dev/ttyACM0"),
    ],
)
def test_the_usual_speed(monkeypatch, tmp_path, text, place):
    monkeypatch.chdir(tmp_path)
    assert target.parse(text).place == text.partition(":")[2]
    monkeypatch.setenv("FUMO_SERIAL__BAUD", "9600")
    monkeypatch.setenv("FUMO_SPI__HZ", "5000000")
    assert target.parse(text).place == place


def test_a_serial_board_in_the_settings_does_not_go_round(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FUMO_BOARD__TARGET", "serial:/dev/ttyUSB0")
    assert target.parse("serial:/dev/ttyUSB1").place == "/dev/ttyUSB1"
    assert CliRunner().invoke(app, ["config", "show", "board.target"]).stdout.split() == [
        "board.target",
        "serial:/dev/ttyUSB0",
    ]
    assert os.environ["FUMO_BOARD__TARGET"]
