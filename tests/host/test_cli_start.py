"""How `fumo` starts: quickly, with nothing loaded that is not needed; completion for shells, and no colours on request."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys

import pytest

from flash_tools.cli.index import COMMANDS
from tests.host.test_micropython import ROOT

HEAVY = ("cryptography", "starlette", "uvicorn", "jinja2", "smpclient", "serial", "mpremote", "detools", "littlefs", "imgtool",
         "pkcs11", "agent", "hal", "ports", "flash_tools.server", "sqlite3", "asyncio", "http")  # fmt: skip
CODE = """
import sys
sys.argv = ["fumo", *sys.argv[1:]]
from flash_tools import cli
try:
    cli.main()
except SystemExit as e:
    code = e.code
sys.stderr.write(str(code) + " " + " ".join(sys.modules))
"""
SHELLS = ("bash", "zsh", "fish")


def fumo(*words, env=None, code=CODE):
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )  # fmt: skip


def loaded(*words):
    """Return the exit code and the names of the modules that a command line loads."""
    code, *modules = fumo(*words).stderr.split()
    return code, set(modules)


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("-h",)])
def test_little_is_loaded(words):
    code, modules = loaded(*words)
    assert code == "0" and "typer" in modules
    assert sorted(set(HEAVY) & modules) == []


FORKS = """
import json, os, sys
from flash_tools import cli
HEAVY = "jinja2", "starlette", "uvicorn", "smpclient", "detools"
for file in sys.argv[1:]:
    sys.stdout.flush()
    if not os.fork():
        cli.build(file)
        found = [name for name in sys.modules if name.startswith("flash_tools.cli.") or name in HEAVY]
        print(json.dumps([file, found]), flush=True)
        os._exit(0)
    os.wait()
"""


def test_a_command_does_not_load_the_others():
    files = sorted({file for file, _, _ in COMMANDS.values()})
    lines = fumo(*files, code=FORKS).stdout.splitlines()
    assert len(lines) == len(files) > 12
    for line in lines:
        file, names = json.loads(line)
        heavy = [name for name in names if not name.startswith("flash_tools.")]
        assert not heavy, "%s loads %s, which it may do when it needs it" % (file, heavy)
        mine = {name.split(".")[2] for name in names}
        also = {"package": {"order"}}.get(file, set())  # packages of a server are packages, too
        assert file in mine and not mine & (set(files) - {file, "config"} - also), file


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script(shell):
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "_FUMO_COMPLETE": "source_" + shell}
    text = fumo(env=env).stdout
    assert "_FUMO_COMPLETE" in text and "fumo" in text and "complete_" + shell in text
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("fumo f", {"flash", "factory-reset"}), ("fumo flash wr", {"write"}), ("fumo deploy --dr", {"--dry-run"})],
)
def test_bash_completes(line, wanted):
    env = {"_FUMO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    assert set(fumo(env=env).stdout.split()) == wanted


def on_a_terminal(*words, **env):
    """Return what `fumo` says to a terminal."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flash_tools", *words], cwd=ROOT, stdin=other, stdout=other, stderr=other,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env},
    )  # fmt: skip
    os.close(other)
    said = b""
    try:
        while part := os.read(main, 4096):
            said += part
    except OSError:  # the other end is closed
        pass
    process.wait(30)
    os.close(main)
    return said.decode()


COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|38|4[0-7]|48|9[0-7]|10[0-7])[0-9;]*m")


@pytest.mark.parametrize("words", [("--help",), ("deploy", "--help"), ("flsh",)])
def test_no_color(words):
    assert COLOUR.search(on_a_terminal("--help")), "or this test could not fail"
    assert not COLOUR.search(on_a_terminal(*words, NO_COLOR="1"))


def test_no_escapes_at_all_where_there_is_no_terminal():
    for words in (("--help",), ("flash", "--help"), ("config", "show")):
        done = fumo(*words)
        assert "\x1b" not in done.stdout + done.stderr


def test_the_reader_may_go():
    """`fumo ... | head -1` ends without a traceback."""
    line = "%s -m flash_tools config show --origin | head -c 1 >/dev/null" % sys.executable
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_json_of_a_bad_command_line_is_one_object():
    done = fumo("flash", "info", "--baord", "x", "--json")
    assert json.loads(done.stdout)["exit_code"] == 2
