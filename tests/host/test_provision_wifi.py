"""`fumo provision --wifi`: where keys come from, what is refused, and that nobody ever sees one again."""

import json
import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import pytest

from agent.journal import Journal
from flash_tools.boards import wifi
from flash_tools.chips import open_chip
from flash_tools.errors import UsageError
from tests.host import blank_chips
from tests.host.blank_chips import facts_of, who
from tests.host.fumo_inside import inside

_KEY, _OTHER = "correct horse", "battery staple"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return blank_chips.make_bench(tmp_path_factory.mktemp("wifi"))


@pytest.fixture
def image(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(wifi.KEY, raising=False)
    return blank_chips.make_image(tmp_path, capsys, monkeypatch)


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("%s\n\n%s\n" % (_KEY, "0" * 64))
    return path


def test_keys_from_a_file_a_line_each(bench, image, keys):
    names = ("--wifi", "home", "--wifi", "café", "--wifi", "office", "--wifi-key", keys)
    image.blank(*who(bench, *names))
    assert facts_of(image)["wifi"] == [["home", _KEY], ["café", ""], ["office", "0" * 64]]
    assert "already" in image.run(*who(bench, *names)).stderr


def test_a_key_from_the_environment(bench, image, monkeypatch):
    monkeypatch.setenv(wifi.KEY, _KEY)
    image.blank(*who(bench, "--wifi", "home"))
    assert facts_of(image)["wifi"] == [["home", _KEY]]


def test_without_a_terminal_it_says_where_keys_come_from(bench, image):
    done = image.blank(*who(bench, "--wifi", "home"), code=2)
    assert "--wifi-key" in done.stderr and wifi.KEY in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_terminal_is_asked_and_shows_nothing(bench, image):
    image.blank(*who(bench))
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "flash_tools", "provision", "-b", "file:%s" % image, "--wifi", "home"]
    environ = {name: value for name, value in os.environ.items() if name != wifi.KEY}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True)
    os.close(slave)
    try:
        seen = _read_until(master, b"): ")
        assert b"key of the WLAN home" in seen
        os.write(master, _KEY.encode() + b"\n")
        seen += _read_until(master, b"is provisioned")
        assert process.wait(20) == 0 and _KEY.encode() not in seen
    finally:
        process.kill()
        os.close(master)
    assert facts_of(image)["wifi"] == [["home", _KEY]]


def _read_until(fd, text):
    found = b""
    while text not in found:
        try:
            piece = os.read(fd, 4096)
        except OSError:
            piece = b""
        assert piece, found
        found += piece
    return found


def test_the_networks_of_a_board_change_without_force_and_nothing_else_does(bench, image, keys, monkeypatch):
    image.blank(*who(bench))
    before = facts_of(image)
    with open_chip("file:%s" % image, write=True) as chip:
        Journal(chip.regions()["settings"]).put(((1, b"accounts"),))
    monkeypatch.setenv(wifi.KEY, _OTHER)
    image.run("--wifi", "new")
    assert facts_of(image) == {**before, "wifi": [["new", _OTHER]]}
    with open_chip("file:%s" % image) as chip:
        assert Journal(chip.regions()["settings"]).keys() == [1], "what servers changed stays"
    assert "--force" in image.run(*who(bench, "--wifi", "other", "--man", "ACME"), code=1).stderr
    image.run("--wifi", "")
    assert facts_of(image) == {**before, "wifi": []}


def test_the_same_device_keeps_its_networks_and_another_does_not(bench, image, monkeypatch):
    monkeypatch.setenv(wifi.KEY, _KEY)
    image.blank(*who(bench, "--wifi", "home"))
    image.run(*who(bench, "--man", "ACME", "--force"))
    assert facts_of(image)["wifi"] == [["home", _KEY]] and facts_of(image)["device"]["Man"] == "ACME"
    image.run(*who(bench, "--id", "sim:9", "--force"))
    assert "wifi" not in facts_of(image)


def test_a_blank_board_is_not_told_of_networks_alone(image, monkeypatch):
    monkeypatch.setenv(wifi.KEY, _KEY)
    assert "never provisioned" in image.blank("--wifi", "home", code=2).stderr


def test_nobody_sees_a_key_again(bench, image, keys, capsys, monkeypatch):
    names = ("--wifi", "home", "--wifi", "open", "--wifi", "office", "--wifi-key", keys)
    seen = [image.blank(*who(bench, *names, "--dry-run", "--json")), image.blank(*who(bench, *names))]
    seen += [image.run("--show"), image.run("--show", "--json")]
    for *words, code in (
        ("dump", 0),
        ("dump", "--json", 0),
        ("flash", "info", "--json", 0),
        ("status", 0),
        ("doctor", 1),
    ):
        out, err = inside(capsys, monkeypatch, *words, "-b", "file:%s" % image, code=code)
        seen.append(SimpleNamespace(stdout=out, stderr=err))
    for done in seen:
        text = done.stdout + done.stderr
        assert _KEY not in text and "0" * 64 not in text
    assert "home, open, office" in seen[2].stdout
    assert json.loads(seen[3].stdout)["facts"]["wifi"] == ["home", "open", "office"]
    assert "home" in seen[4].stdout and "office" in seen[5].stdout


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([["", _KEY]], "1 to 32"),
        ([["x" * 33, _KEY]], "33"),
        ([["é" * 17, _KEY]], "34"),
        ([["home", "short"]], "5 characters"),
        ([["home", "x" * 64]], "64"),
        ([["home", _KEY], ["home", _OTHER]], "twice"),
        ([["home"]], "NAME"),
        ([["home", 5]], "NAME"),
        ({"home": _KEY}, "NAME"),
    ],
)
def test_what_no_radio_takes(found, said):
    with pytest.raises(UsageError, match=said) as caught:
        wifi.check(found)
    assert _KEY not in str(caught.value) and "\n" not in str(caught.value)


def test_what_a_radio_takes():
    wifi.check([])
    wifi.check([["x" * 32, "12345678"], ["y", "z" * 63], ["é", "0123456789abcdefABCDEF" + "0" * 42], ["open", ""]])


@pytest.mark.parametrize("text", ["", _KEY + "\n" + _OTHER + "\n", "\n\n"])
def test_a_file_has_a_line_for_each_network(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text)
    if text:
        with pytest.raises(UsageError, match="2 lines for 1"):
            wifi.networks(["home"], file)
    else:
        assert wifi.networks(["home"], file) == [["home", ""]]


def test_files_that_cannot_be_read(bench, image, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, said in (("nowhere", "No such file"), ("binary", "no text")):
        done = image.blank(*who(bench, "--wifi", "home", "--wifi-key", tmp_path / name), code=1)
        assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_facts_from_a_file_are_looked_at_too(bench, image, tmp_path):
    image.blank(*who(bench))
    facts = {**facts_of(image), "wifi": [["home", "short"]]}
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    assert "5 characters" in image.run("--facts", tmp_path / "facts.json", code=2).stderr
