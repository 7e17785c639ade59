"""The settings: which place counts, what is complained of and where, and that every reader really reads."""

from pathlib import Path

import pytest
import typer

from agent.options import Options
from flash_tools import config
from flash_tools.cli import app
from flash_tools.cli import config as cli_config
from flash_tools.config import Places
from flash_tools.config_schema import BY_NAME, SETTINGS
from flash_tools.doctor import tools
from flash_tools.errors import ToolError

COMMAND = typer.main.get_command(app)


@pytest.fixture
def places(tmp_path):
    found = Places(tmp_path / "etc", tmp_path / "home", tmp_path / "here", {})
    for path in (found.etc / "conf.d", found.home / ".config/fumo", found.here):
        path.mkdir(parents=True)
    return found


FILES = (
    "etc/config.toml",
    "etc/conf.d/10.toml",
    "etc/conf.d/20.toml",
    "home/.config/fumo/config.toml",
    "here/fumo.toml",
)


def test_each_place_outweighs_those_before_it(places, tmp_path):
    assert config.value("serial.baud", places) is None and config.examine(places).origin("serial.baud") == "default"
    for number, name in enumerate(FILES):
        (tmp_path / name).write_text("[serial]\nbaud = %d\n" % (1000 + number))
        found = config.load(places)
        assert found.get("serial.baud") == 1000 + number
        assert found.origin("serial.baud") == "%s:2" % (tmp_path / name)
    places.environment["FUMO_SERIAL__BAUD"] = "9600"
    found = config.load(places)
    assert (found.get("serial.baud"), found.origin("serial.baud")) == (9600, "FUMO_SERIAL__BAUD")


def test_what_one_file_does_not_say_another_may(places, tmp_path):
    (tmp_path / FILES[0]).write_text('[package]\nproduct = "p"\nmodel = ["a", "b"]\n')
    (tmp_path / FILES[4]).write_text('package.product = "q"\n')
    found = config.load(places)
    assert (found.get("package.product"), found.get("package.model")) == ("q", ["a", "b"])
    assert found.origin("package.product").endswith("here/fumo.toml:1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[boardd]\n", ""),
        ("[board]\ntarget = 7", ":2: board.target is a text"),
        ("[board]\n# layout\nlayuot = 'x'", ":3: there is no setting board.layuot: did you mean board.layout?"),
        ("[serial]\nbuad = 9600", ":2: there is no setting serial.buad: did you mean serial.baud?"),
        ("[tools]\nbaud = 9600", ":2: there is no setting tools.baud: did you mean serial.baud?"),
        ("[tools]\nxyzzy = 9600", ":2: there is no setting tools.xyzzy"),
        ("baud = 9600", ":1: baud stands outside of a section: did you mean serial.baud?"),
        ("[board]\ntarget = 'nowhere'", ":2: board.target is KIND:PLACE, e.g. sim:dev0 or spi:/dev/spidev0.0"),
        ("[serial]\n\n\nbaud = 1", ":4: serial.baud is a number from 50 to 9999999, not 1"),
        ("[serial]\nbaud = 99999999", ":2: serial.baud is a number from 50"),
        ("[spi]\nhz = 10000\n[serial]\nhz = 1", ":4: there is no setting serial.hz: did you mean spi.hz?"),
        ("[serial]\nbaud = true", ":2: serial.baud is a number"),
        ("[agent]\nnotify_port = true", ":2: agent.notify_port is a number"),
        ("[serial]\nbaud = 9600.0", ":2: serial.baud is a number"),
        ("[package]\nmodel = 'a'", ":2: package.model is a list of texts"),
        ("[package]\nmodel = [1]", ":2: package.model is a list of texts"),
        ("[package]\nproduct = ''", ":2: package.product is not empty"),
        ("[agent]\nwbxml = 1", ":2: agent.wbxml is true or false"),
        ("[agent]\nroot = 'FUMO'", ":2: agent.root is a path that begins with ./"),
        ("[agent]\ntime_server = 'pool.ntp.org:123'", ":2: agent.time_server is numeric ADDRESS:PORT"),
        ("[server]\nurl = 'https://me:geheim@h/'", ":2: server.url is not taken from a folder's fumo.toml"),
        ("[server]\ntoken_file = '/root/.ssh/id'", ":2: server.token_file is not taken from a folder's fumo.toml"),
        ("[package]\nkey = 'pkcs11:object=a?module-path=/tmp/x.so'", ":2: package.key is not taken from a folder's"),
        ("[server]\nfolder = 7", ":2: server.folder is a text"),
        ("[spi]\nhz = '1'", ":2: spi.hz is a number"),
        ("[board\n", ":1: "),
        ("[board]\nlayout = 'a'\nlayout = 'b'\n", ":3: Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_what_is_complained_of(places, tmp_path, text, complaint):
    path = tmp_path / FILES[4]
    path.write_text(text)
    problems = config.examine(places).problems
    if not complaint:
        assert problems == []  # a section without settings is no setting
        return
    assert len(problems) == 1 and problems[0].startswith(str(path) + complaint)
    assert "geheim" not in problems[0] and "\n" not in problems[0]
    with pytest.raises(ToolError) as error:
        config.load(places)
    assert str(error.value) == problems[0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("FUMO_AGENT__WBXML", "false", False),
        ("FUMO_AGENT__NEEDS_SERVER", "1", True),
        ("FUMO_PACKAGE__MODEL", "a, b,", ["a", "b"]),
        ("FUMO_SPI__HZ", "0x10000", 65536),
        ("FUMO_AGENT__TIME_SERVER", "[fe80::1]:123", "[fe80::1]:123"),
    ],
)
def test_variables(places, name, text, value):
    places.environment[name] = text
    assert config.value(name[5:].replace("__", ".").lower(), places) == value


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("FUMO_AGENT__WBXML", "maybe", "FUMO_AGENT__WBXML: agent.wbxml is true or false"),
        ("FUMO_SPI__HZ", "fast", "FUMO_SPI__HZ: spi.hz is a number"),
        ("FUMO_BOARD__LAYUOT", "x", "FUMO_BOARD__LAYUOT: there is no setting board.layuot: did you mean board.layout?"),
    ],
)
def test_variables_that_are_wrong(places, name, text, complaint):
    places.environment[name] = text
    assert config.examine(places).problems == [complaint]


def test_other_variables_of_ours_are_no_settings(places):
    places.environment.update({"FUMO_BOARD": "sim:x", "FUMO_TOKEN": "secret", "FUMO_SERVER": "s", "OTHER__X": "1"})
    assert config.examine(places).problems == []


def test_settings_against_each_other(places, tmp_path):
    (tmp_path / FILES[0]).write_text("[agent]\ntrial_min_ms = 700000\n")
    (problem,) = config.examine(places).problems
    assert problem.endswith("config.toml:2: agent.trial_min_ms is above agent.trial_max_ms")
    (tmp_path / FILES[0]).write_text('[server]\ntoken_file = "t"\n')
    assert config.examine(places).problems[0].endswith("server.token_file needs server.url")


def test_a_url_without_a_password(places, tmp_path):
    (tmp_path / FILES[3]).write_text("[server]\nurl = 'https://me:geheim@h/'")
    (problem,) = config.examine(places).problems
    assert problem.endswith(":2: server.url is http(s)://HOST[:PORT], without a password")
    (tmp_path / FILES[3]).write_text("[server]\nurl = 'https://h:8420'\n[package]\nkey = 'pkcs11:a?module-path=x.so'")
    assert config.examine(places).problems == []


def test_a_file_that_cannot_be_read(places, tmp_path):
    (tmp_path / FILES[0]).write_bytes(b"\xff\xfe")
    assert config.examine(places).problems == ["%s: is no UTF-8 text" % (tmp_path / FILES[0])]
    check = tools.settings(places)
    assert (check.verdict, check.what) == ("fail", "%s: is no UTF-8 text" % (tmp_path / FILES[0]))
    (tmp_path / FILES[0]).unlink()
    assert tools.settings(places).verdict == "ok"


def test_a_folder_that_may_not_be_looked_into_is_not_meant_for_us(places, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert places.files() == [] and config.examine(places).problems == []


# -- the schema ---------------------------------------------------------------------------------------------------------------


def test_the_agents_options_are_the_agents():
    for setting in SETTINGS:
        if setting.name.startswith("agent."):
            assert getattr(Options, setting.name[6:]) == setting.default
        assert setting.default is None or type(setting.default) is setting.kind
        assert setting.doc and setting.readers


def test_a_board_file_can_take_the_options(places, tmp_path):
    (tmp_path / FILES[0]).write_text('[agent]\ntime_server = "[fe80::1]:123"\npoll_interval_ms = 5000\nsmall = true\n')
    options = Options(**config.agent_options(config.load(places)))
    assert options.time_server == ("fe80::1", 123) and options.poll_interval_ms == 5000 and options.small is True
    assert options.trial_min_ms == Options.trial_min_ms


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_reader_is_there(setting):
    for path, option in cli_config.targets(COMMAND, setting):
        assert cli_config._parameter(COMMAND, path, option), (path, option)
    for reader in setting.readers:
        if reader.endswith(".py"):
            text = (Path(__file__).parents[2] / reader).read_text()
            name = setting.name.partition(".")[2]
            assert '"%s"' % setting.name in text or name + " = " in text or '"%s": ' % name in text


def test_every_board_option_reads_the_board():
    found = cli_config.targets(COMMAND, BY_NAME["board.target"])
    assert {("dump",), ("doctor",), ("flash", "read")} <= {path for path, _ in found}
