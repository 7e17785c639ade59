"""Pairs of real firmware, an older and a newer version of each: where they come from, and the images made of them.

What cannot be fetched (no network, a shallow clone) is left out, and the bench says so.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from flash_tools.deploy.compiled import compile_sources
from flash_tools.deploy.short_names import shorten
from flash_tools.images import lfs2

_AGENT = ("f4dd703", "19230d4")  # two revisions of this project
_APP = ("2.6.2", "2.7.0")  # microdot, a web framework for MicroPython
_LIBRARY = "libssl3"  # of Debian: what a security update changes
_FETCH_S = 60


def pairs() -> dict[str, tuple[bytes, bytes]]:
    """Return {name: (old image, new image)} of those that can be had."""
    found = {}
    for name, make in (("agent", _agents), ("app", _apps), ("elf", _libraries)):
        try:
            found[name] = make()
        except (OSError, subprocess.SubprocessError, LookupError) as e:
            print("the pair %s is left out: %s" % (name, e))
    return found


def _agents():
    return tuple(map(_agent, _AGENT))


def _agent(revision):
    """Return the bank image of a revision: the device folders, compiled."""
    packed = _run("git", "archive", revision, "agent", "hal", "board", "ports/micropython", "ports/__init__.py")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Debian 12's Python has none
            archive.extractall(folder)
        paths = sorted(Path(folder).rglob("*.py"))
        texts = shorten(paths)
        return _image({path.relative_to(folder).as_posix(): text for path, text in texts.items()})


def _apps():
    return tuple(map(_app, _APP))


def _app(version):
    with tempfile.TemporaryDirectory() as folder:
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps", "-d", folder)
        _run(*pip, "microdot==" + version)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".py")]
            return _image({name: archive.read(name).decode() for name in names})


def _libraries():
    """Return the library of the two newest versions that the package lists offer."""
    lines = _run("apt-cache", "madison", _LIBRARY).decode().splitlines()
    versions = list(dict.fromkeys(line.split("|")[1].strip() for line in lines))[:2]
    if len(versions) < 2:
        raise LookupError("the package lists offer one version of %s" % _LIBRARY)
    newer, older = map(_library, versions)
    return older, newer


def _library(version):
    with tempfile.TemporaryDirectory() as folder:
        _run("apt-get", "download", "-qq", "%s=%s" % (_LIBRARY, version), cwd=folder)
        (package,) = Path(folder).glob("*.deb")
        with tarfile.open(fileobj=io.BytesIO(_run("dpkg-deb", "--fsys-tarfile", str(package)))) as archive:
            (member,) = [each for each in archive.getmembers() if each.name.endswith("/libssl.so.3")]
            return archive.extractfile(member).read()


def _image(sources):
    return lfs2.build(compile_sources(sources))


def _run(*words, cwd=None):
    return subprocess.run(words, cwd=cwd, capture_output=True, check=True, timeout=_FETCH_S).stdout
