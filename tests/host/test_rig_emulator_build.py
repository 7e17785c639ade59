"""How the emulated board is made: Debian's packages by a list of our own, one build at a time, errors in one line."""

import shutil
import threading

import pytest

from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.rig.emulator import apt, build, commands, machine, packages

# -- packages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        (
            "sources.list",
            "# deb http://no/debian x main\ndeb http://mirror.example/debian/ bookworm main\n",
            "http://mirror.example/debian",
        ),
        (
            "sources.list",
            "deb [arch=amd64 signed-by=/k] https://m.example/debian trixie main\n",
            "https://m.example/debian",
        ),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://m.example/debian\nSuites: x\n",
            "http://m.example/debian",
        ),
        ("sources.list.d/security.sources", "URIs: http://m.example/debian-security\n", "http://deb.debian.org/debian"),
        (
            "sources.list.d/node.list",
            "deb https://deb.nodesource.com/node_20.x nodistro main\n",
            "http://deb.debian.org/debian",
        ),
    ],
)
def test_the_machines_own_mirror_is_used(tmp_path, name, text, mirror):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    assert apt.mirror(tmp_path) == mirror


def test_packages_that_are_there_are_not_asked_for_again(tmp_path, monkeypatch):
    (tmp_path / "debs").mkdir()
    for name in ("linux-image-6.1.0-9-armmp_1_armhf.deb", "a_1_all.deb", "b_2_armhf.deb"):
        (tmp_path / "debs" / name).write_bytes(b"")
    monkeypatch.setattr(packages, "call", lambda *a, **k: pytest.fail("apt was asked"))
    found = packages.fetch(tmp_path, ("a", "b"))
    assert found["kernel"].name.startswith("linux-image-") and found["a"].name == "a_1_all.deb"


def test_a_download_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "debs").mkdir()
    (tmp_path / "debs/a_1_all.deb").write_bytes(b"old")

    def no_network(*arguments, **options):
        raise ToolError("apt-get failed: E: no network")

    monkeypatch.setattr(packages, "call", no_network)
    with pytest.raises(ToolError, match="no network"):
        packages.fetch(tmp_path, ("a", "b"))
    assert (tmp_path / "debs/a_1_all.deb").read_bytes() == b"old"


# -- building ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick_build(monkeypatch):
    """Replace the work of a build by a note of it, and look for no programs."""
    made = []

    def make(folder, say):
        made.append(threading.get_ident())
        assert not (folder / "busy").exists(), "two builds at once"
        (folder / "busy").write_text("")
        threading.Event().wait(0.05)
        (folder / "busy").unlink()

    monkeypatch.setattr(build, "_make", make)
    monkeypatch.setattr(commands, "find", lambda program: program)
    return made


def test_it_is_made_once_and_again_when_its_inputs_change(tmp_path, quick_build, monkeypatch):
    for _ in range(3):
        build.build(tmp_path / "base")
    assert len(quick_build) == 1 and build.ready(tmp_path / "base")
    monkeypatch.setattr(build, "inputs", lambda: "others")
    assert not build.ready(tmp_path / "base")
    build.build(tmp_path / "base")
    assert len(quick_build) == 2


def test_builds_at_the_same_time_wait_for_each_other(tmp_path, quick_build):
    threads = [threading.Thread(target=build.build, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(quick_build) == 1


def test_a_build_that_broke_off_is_made_anew(tmp_path, quick_build, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(build, "_make", lambda folder, say: (_ for _ in ()).throw(ToolError("no network")))
        with pytest.raises(ToolError, match="no network"):
            build.build(tmp_path)
    assert not build.ready(tmp_path)
    build.build(tmp_path)
    assert len(quick_build) == 1


def test_without_a_program_the_error_names_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None)
    with pytest.raises(NotFoundError, match="there is no qemu-system-arm: install the Debian package qemu-system-arm"):
        commands.find("qemu-system-arm")
    with pytest.raises(NotFoundError, match="^there is no dtc: install the Debian package device-tree-compiler$"):
        commands.find("dtc")


def test_a_program_that_fails_is_quoted_in_one_line():
    with pytest.raises(ToolError, match="^sh failed: E: this is why$"):
        commands.call(
            "sh", "-c", "echo Reading...; echo 'W: first' >&2; echo 'E: this is why' >&2; echo 'W: more' >&2; exit 1"
        )


def test_a_board_without_its_base_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="call build\\(\\) first"):
        machine.EmulatedBoard(tmp_path / "board", tmp_path / "nothing")
