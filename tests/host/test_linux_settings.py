"""/etc/fumo-agent: every wrong kind of file is one line that says what to do, and the ranges are those that `fumo config` knows."""

import os

import pytest

from agent.errors import AgentError
from agent.options import Options
from board import rig_imx6
from flash_tools.config_schema import SETTINGS
from ports.cpython_linux import settings
from ports.cpython_linux.settings import NoBoard, SettingsError, blame, load_board, read


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "conf.d").mkdir()
    return tmp_path


def put(etc, text, name="config.toml"):
    data = text if isinstance(text, bytes) else text.encode()
    (etc / name).write_bytes(data)
    return str(etc)


def options(etc):
    found = read(str(etc))
    return found.options(found.load_board())


GOOD = '[linux]\nboard = "rig_imx6"\n'


def test_what_is_there_and_what_is_not(etc):
    assert read(str(etc / "nowhere")).board is None
    put(etc, GOOD + '[agent]\nname = "mine"\nwbxml = false\nunheard_of = 5\n[linux2]\nx = 1\n')
    found = options(etc)
    assert (found.name, found.wbxml, found.nap_ms) == ("mine", False, Options.nap_ms)
    assert not hasattr(found, "unheard_of"), "older firmware starts with newer files"


def test_later_files_win_in_the_order_of_their_names(etc):
    put(etc, GOOD + "[agent]\nnap_ms = 1\n")
    put(etc, "[agent]\nnap_ms = 3\n", "conf.d/20.toml")
    put(etc, "[agent]\nnap_ms = 2\ntrial_min_ms = 7\n", "conf.d/10.toml")
    put(etc, "[agent]\nnap_ms = 4\n", "conf.d/30.toml.dpkg-old")
    assert (options(etc).nap_ms, options(etc).trial_min_ms) == (3, 7)


def test_the_boards_own_options_come_first(etc):
    put(etc, GOOD)
    assert options(etc).name == rig_imx6.OPTIONS["name"] == "rig_imx6"


@pytest.mark.parametrize(
    "text, said",
    [
        (b"\xff\xfe[linux]", "is no TOML"),
        (b"[linux\n", "is no TOML"),
        (b"[linux]\nboard = \n", "is no TOML"),
        (b"[linux]\nboard = 'a'\nboard = 'b'\n", "is no TOML"),
        (b"x = " + b"[" * 5000, "is no TOML"),
        (b"\x00" * 100, "is no TOML"),
        ("linux = 5\n", "linux in"),
        ("[[linux]]\nboard = 'x'\n", "is to be a section"),
        ("agent = 'x'\n", "agent in"),
        ("[linux]\nboard = 5\n", "linux.board in"),
        ("[linux]\nboard = ['rig_imx6']\n", "is to be a text"),
        ("[linux]\nboard = '../../tmp/x'\n", "linux.board is"),
        ("[linux]\nboard = 'no-such'\n", "linux.board is"),
        ("[linux]\nboard = 'nosuch'\n", "there is no board file nosuch"),
        ("[linux]\nboard = '__init__'\n", "no build(port)"),
        ("[linux]\nboard = 'sim_nor'\n", "no WATCHDOG_MS"),
        ("[linux]\nboard = '/nowhere/x.py'\n", "cannot read the board file"),
        ('[linux]\nboard = "a\\u0000.py"\n', "fails"),
        ("[linux]\nuser = 'maybe'\n", "yes, no or ask"),
        ("[linux]\nrecovery_s = '5'\n", "is to be a number"),
        ("[linux]\nrecovery_s = true\n", "is to be a number"),
        ("[linux]\nrecovery_s = 0\n", "from 1 to 86400"),
        (GOOD + "[agent]\nnap_ms = '5'\n", "agent.nap_ms in"),
        (GOOD + "[agent]\nnap_ms = 5.0\n", "is to be like 500"),
        (GOOD + "[agent]\nnap_ms = true\n", "is to be like 500"),
        (GOOD + "[agent]\nnap_ms = -5\n", "from 1 to 60000"),
        (GOOD + "[agent]\nnotify_port = 70000\n", "from -1 to 65535"),
        (GOOD + "[agent]\npoll_interval_ms = 0\n", "from 1000"),
        (GOOD + "[agent]\nneeds_server = 1\n", "is to be like True"),
        (GOOD + "[agent]\nname = 5\n", "is to be like ''"),
        (GOOD + "[agent]\naccepts = ['x']\n", "agent.accepts"),
        (GOOD + "[agent]\nbootstrap_key = 'x'\n", "agent.bootstrap_key"),
        (GOOD + "[agent]\n__init__ = 5\n", "agent.__init__"),
        (GOOD + "[agent]\ntime_server = 'pool.ntp.org'\n", "ADDRESS:PORT"),
        (GOOD + "[agent]\ntime_server = ':123'\n", "ADDRESS:PORT"),
        (GOOD + "[agent]\ntime_server = 5\n", "ADDRESS:PORT"),
        (GOOD + "[agent]\ntime_server = 'pool.ntp.org:123'\n", "numeric ADDRESS:PORT"),
        (GOOD + "[agent]\ntime_server = '192.0.2.1:\u00b2'\n", "ADDRESS:PORT"),
        (GOOD + "[agent]\ntime_server = '192.0.2.1:99999'\n", "ADDRESS:PORT"),
    ],
)
def test_what_is_wrong_is_one_line(etc, text, said):
    put(etc, text)
    with pytest.raises(SettingsError) as caught:
        options(etc)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_it_names_the_folder_that_was_read(etc):
    put(etc, "[linux]\nuser = 'maybe'\n")
    with pytest.raises(SettingsError, match=str(etc)):
        read(str(etc))
    put(etc, "")
    with pytest.raises(NoBoard, match="%s/config.toml" % etc):
        read(str(etc)).load_board()


@pytest.mark.parametrize("what", ["folder", "link"])
def test_files_that_are_none(etc, what):
    path = etc / "config.toml"
    path.mkdir() if what == "folder" else path.symlink_to(path)
    with pytest.raises(SettingsError, match="cannot read"):
        read(str(etc))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(etc):
    put(etc, GOOD)
    (etc / "config.toml").chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        read(str(etc))


def test_addresses_of_time_servers(etc):
    for text, wanted in (("192.0.2.1:123", ("192.0.2.1", 123)), ("[2001:db8::1]:1", ("2001:db8::1", 1))):
        put(etc, GOOD + '[agent]\ntime_server = "%s"\n' % text)
        assert options(etc).time_server == wanted


def test_the_ranges_are_those_of_the_tools():
    wanted = {each.name: (each.least, each.most) for each in SETTINGS if each.least is not None}
    found = {name: limits for name, limits in wanted.items() if name.startswith(("linux.", "agent."))}
    assert found == settings._RANGES
    assert {each.name[6:] for each in SETTINGS if each.name.startswith("linux.")} == set(settings._KEYS)


def test_a_board_file_that_imports_what_is_not_there(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import nosuch_thing\n")
    with pytest.raises(AgentError, match=r"mine.py fails: ModuleNotFoundError: .*nosuch_thing.* \(mine.py, line 1\)"):
        load_board(str(path))


def test_the_blame_is_one_line():
    try:
        raise ValueError("two\nlines")
    except ValueError as e:
        assert blame("it fails", e).startswith("it fails: ValueError: two lines (test_linux_settings.py, line ")
