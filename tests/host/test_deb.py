"""The Debian package as a file: the same bytes each time, the right files with the right modes, and a program that runs."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest

from flash_tools.config_schema import BY_NAME
from flash_tools.deb import __main__ as command
from flash_tools.deb import build as building
from flash_tools.deb import contents
from flash_tools.deb.build import build
from flash_tools.errors import NotFoundError, ToolError
from flash_tools.version import version

_TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb: packages are built on Debian")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Build the package once for the tests that only look at it."""
    return build(tmp_path_factory.mktemp("deb"))


def _dpkg(*words):
    return subprocess.run(["dpkg-deb", *map(str, words)], capture_output=True, check=True, timeout=_TIMEOUT_S).stdout


def _tar(package, what):
    archive = tarfile.open(fileobj=io.BytesIO(_dpkg(what, package)))
    return {member.name.removeprefix("./"): member for member in archive}, archive


def _field(package, name):
    return _dpkg("-f", package, name).decode().strip()


def _script(package, name):
    members, archive = _tar(package, "--ctrl-tarfile")
    return archive.extractfile(members[name]).read().decode()


def test_the_same_tree_gives_the_same_bytes(package, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = os.umask(0o077)
    try:
        again = build(tmp_path / "again")
    finally:
        os.umask(before)
    assert again.name == package.name and again.read_bytes() == package.read_bytes()
    assert list(tmp_path.iterdir()) == [tmp_path / "again"]


@pytest.mark.parametrize("date", [1700000000, 4000000000])  # 2023 and 2096: dpkg-deb itself only makes dates older
def test_another_date_is_taken_from_the_environment(date, package, tmp_path):
    other = build(tmp_path, environ={"SOURCE_DATE_EPOCH": str(date)})
    members, _ = _tar(other, "--fsys-tarfile")
    assert {member.mtime for member in members.values()} == {date}
    assert other.read_bytes() != package.read_bytes()


def test_whoever_builds_it_owns_nothing_in_it(package, tmp_path, monkeypatch):
    if os.geteuid():
        pytest.skip("only root can give the files to somebody else")
    usual = building.lay_out

    def lay_out(tree, *more):
        usual(tree, *more)
        os.chown(tree / contents.PYZ, 1234, 1234)

    monkeypatch.setattr(building, "lay_out", lay_out)
    assert build(tmp_path).read_bytes() == package.read_bytes()


def test_every_file_is_roots_and_not_for_others_to_write(package):
    members, _ = _tar(package, "--fsys-tarfile")
    for name, member in members.items():
        assert (member.uid, member.gid) == (0, 0), name
        runs = member.isdir() or name == "usr/bin/fumo-agent"
        assert member.mode & 0o7777 == (0o755 if runs else 0o644), name
    assert all(
        member.mode & 0o111
        for n, member in _tar(package, "--ctrl-tarfile")[0].items()
        if n in ("postinst", "prerm", "postrm")
    )


def test_the_files_are_where_debian_looks_for_them(package):
    members, _ = _tar(package, "--fsys-tarfile")
    wanted = {
        "etc/fumo-agent/config.toml", "etc/fumo-agent/conf.d", "etc/needrestart/conf.d/fumo-agent.conf", "usr/bin/fumo-agent",
        "lib/systemd/system/fumo-agent.service", "lib/udev/rules.d/60-fumo-agent.rules", "usr/lib/sysusers.d/fumo-agent.conf",
        "usr/share/doc/fumo-agent/copyright", "usr/share/doc/fumo-agent/changelog.gz", "usr/share/man/man1/fumo-agent.1.gz",
        "usr/lib/fumo-agent/fumo-agent.pyz",
    }  # fmt: skip
    assert wanted <= set(members)
    assert _script(package, "conffiles").split() == [
        "/etc/fumo-agent/config.toml",
        "/etc/needrestart/conf.d/fumo-agent.conf",
    ]


def test_the_sums_are_those_of_the_files(package):
    members, archive = _tar(package, "--fsys-tarfile")
    told = dict(reversed(line.split("  ")) for line in _script(package, "md5sums").splitlines())
    plain = [name for name, member in members.items() if member.isfile() and not name.startswith("etc/")]
    assert told == {name: hashlib.md5(archive.extractfile(members[name]).read()).hexdigest() for name in plain}


def test_it_asks_for_what_the_drivers_import(package):
    depends = _field(package, "Depends")
    for name in (
        "python3 (>= 3.11)",
        "python3-spidev",
        "python3-smbus2",
        "python3-gpiozero",
        "python3-serial",
    ):
        assert name in depends
    assert _field(package, "Recommends") == "udev"
    assert _field(package, "Architecture") == "all" and _field(package, "Version") == contents.debian_version(version())
    assert int(_field(package, "Installed-Size")) >= sum(map(len, (f.data for f in contents.files("1", 0)))) >> 10


def test_the_zip_holds_the_device_and_nothing_else(package):
    members, archive = _tar(package, "--fsys-tarfile")
    held = zipfile.ZipFile(archive.extractfile(members[contents.PYZ])).namelist()
    names = [name for name in held if not name.endswith("/")]
    assert all(name.endswith(".py") for name in names)
    assert {name.split("/")[0] for name in names} == {"__main__.py", "agent", "hal", "board", "ports"}
    assert {name.split("/")[1] for name in names if name.startswith("ports/")} == {"__init__.py", "cpython_linux"}
    for folder in ("agent", "hal", "board", "ports/cpython_linux"):
        wanted = {path.relative_to(contents.ROOT).as_posix() for path in (contents.ROOT / folder).rglob("*.py")}
        assert wanted <= set(names)


def test_the_zip_runs_alone(package, tmp_path):
    _dpkg("-x", package, tmp_path)
    (tmp_path / "agent.py").write_text("raise SystemExit('a module of the folder was imported')")
    words = [sys.executable, "-I", "-B", str(tmp_path / contents.PYZ), "--version"]
    done = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=_TIMEOUT_S
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("fumo-agent ")


def test_it_unpacks_into_a_folder(package, tmp_path):
    admin = tmp_path / "var/lib/dpkg"
    for folder in ("info", "updates", "triggers"):
        (admin / folder).mkdir(parents=True)
    (admin / "status").touch()
    words = [
        "dpkg",
        "--root=%s" % tmp_path,
        "--admindir=%s" % admin,
        "--force-depends",
        "--force-not-root",
        "--force-bad-path",
    ]
    words += ["--log=/dev/null", "--unpack", str(package)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode and os.geteuid():
        pytest.skip("dpkg unpacks as root only here: %s" % done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert "Status: install ok unpacked" in (admin / "status").read_text()
    assert (tmp_path / contents.PYZ).is_file() and (tmp_path / "usr/bin/fumo-agent").is_file()


def test_no_script_restarts_or_touches_a_flash(package):
    for name in ("postinst", "prerm", "postrm"):
        script = _script(package, name)
        code = [line for line in script.splitlines() if not line.strip().startswith(("#", "echo"))]
        text = "\n".join(line for line in code if "echo" not in line)
        assert "restart" not in text and "/dev/mtd" not in text and "/dev/spi" not in text
        subprocess.run(["sh", "-n"], input=script, text=True, check=True, timeout=_TIMEOUT_S)
    assert '[ "$1" = remove ]' in _script(package, "prerm")


def _examples():
    section, found = "", []
    for line in (contents.DATA / "config.toml").read_text().splitlines():
        section = line if line.startswith("[") else section
        if line.startswith("#") and not line.startswith("# "):
            found.append((section, line[1:]))
    return found


def test_the_example_settings_are_settings():
    assert tomllib.loads((contents.DATA / "config.toml").read_text()) == {"linux": {}, "agent": {}}
    examples = _examples()
    assert len(examples) >= 5
    for section, line in examples:
        for table, values in tomllib.loads("%s\n%s" % (section, line)).items():
            for name, value in values.items():
                setting = BY_NAME.get("%s.%s" % (table, name))
                assert setting is not None, "%s.%s is no setting" % (table, name)
                assert type(value) is setting.kind
                assert table != "agent" or value == setting.default, line


@pytest.mark.parametrize(
    ("given", "debian"), [("0.1.0", "0.1.0"), ("1.0rc1", "1.0~rc1"), ("1.0a2", "1.0~a2"), ("2.0.dev3", "2.0~dev3")]
)
def test_versions_sort_as_debian_sorts(given, debian):
    assert contents.debian_version(given) == debian


@pytest.mark.parametrize("given", ["", "v1", "1 2", "1.0/../x", "1.0\n"])
def test_a_version_that_is_none(given, tmp_path):
    with pytest.raises(ToolError, match="no version of a package"):
        contents.debian_version(given)
    assert given == "" or command.main(["--output", str(tmp_path), "--version", given]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["soon", "-1", "9" * 30, ""])
def test_a_date_that_is_none(text, tmp_path):
    with pytest.raises(ToolError, match="SOURCE_DATE_EPOCH"):
        build(tmp_path, environ={"SOURCE_DATE_EPOCH": text})


def test_without_dpkg_deb(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError):
        build(tmp_path)
    assert command.main(["--output", str(tmp_path)]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert command.main(["--output", str(tmp_path / "file/sub")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_lintian_has_nothing_to_say(package):
    if shutil.which("lintian") is None:
        pytest.skip("no lintian: apt-get install lintian")
    words = ["lintian", *(["--allow-root"] if os.geteuid() == 0 else []), "--fail-on", "error,warning", str(package)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stdout
