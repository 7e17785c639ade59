"""Build the Debian package: the files into a folder, then `dpkg-deb`; the same tree gives the same bytes.

debhelper is not used: dozens of packages for what is one zip, a few files and three scripts, and reproducibility is dpkg-deb's
matter anyway. What it would write into the scripts stands there by hand, with the upgrade as this agent needs it: no restart.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from flash_tools.deb.contents import CONFIG, NEEDRESTART, File, debian_version, files, filled
from flash_tools.errors import NotFoundError, ToolError
from flash_tools.version import version as tree_version

EPOCH = 1767225600  # 2026-01-01: a date that every build shares; SOURCE_DATE_EPOCH outweighs it
_SCRIPTS = ("postinst", "prerm", "postrm")
_FOLDER, _TIMEOUT_S = 0o755, 120


def build(output: Path, version: str | None = None, environ=os.environ) -> Path:
    """Write fumo-agent_VERSION_all.deb into the folder `output`; return its path."""
    if shutil.which("dpkg-deb") is None:
        raise NotFoundError(
            "there is no dpkg-deb: a package is built on Debian, or where its package dpkg is installed"
        )
    said = debian_version(version or tree_version())
    epoch = _epoch(environ)
    output.mkdir(parents=True, exist_ok=True)
    path = output / ("fumo-agent_%s_all.deb" % said)
    with tempfile.TemporaryDirectory(prefix="fumo-deb.") as folder:
        tree = Path(folder) / "tree"
        lay_out(tree, said, epoch)
        _run_dpkg_deb(tree, path, epoch)
    return path


def lay_out(tree: Path, version: str, epoch: int) -> None:
    """Write the package's files and its control files below `tree`, whatever the umask is, all of one date."""
    content = files(version, epoch)
    for file in (*content, *_control(content, version)):
        _write(tree / file.path, file)
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(_FOLDER)
        os.utime(path, (epoch, epoch))


def _epoch(environ):
    text = environ.get("SOURCE_DATE_EPOCH", str(EPOCH))
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 33):
        raise ToolError("SOURCE_DATE_EPOCH is %r: say it as seconds since 1970, or leave it out" % text)
    return int(text)


def _control(content, version):
    sums = "".join(
        "%s  %s\n" % (hashlib.md5(f.data).hexdigest(), f.path) for f in content if not f.path.startswith("etc/")
    )
    kib = sum(len(file.data) // 1024 + 1 for file in content) + len({Path(file.path).parent for file in content})
    yield File("DEBIAN/control", filled("control", {"VERSION": version, "KIB": str(kib)}))
    yield File("DEBIAN/md5sums", sums.encode())
    yield File("DEBIAN/conffiles", "".join("/%s\n" % path for path in (CONFIG, NEEDRESTART)).encode())
    for name in _SCRIPTS:
        yield File("DEBIAN/" + name, filled(name + ".sh", {}), 0o755)


def _write(path, file):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name == ".keep":  # a folder that is empty
        return
    path.write_bytes(file.data)
    path.chmod(file.mode)


def _run_dpkg_deb(tree, path, epoch):
    words = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(path)]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C"}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ToolError("dpkg-deb did not build the package: %s" % last)
