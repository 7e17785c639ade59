"""What the tests of packages share: a key, two versions of an application, and the command in this process."""

import json
import sys
from types import SimpleNamespace

from flash_tools.cli import main
from flash_tools.images import Wish
from flash_tools.packages import package_make, package_read
from flash_tools.packages.package_target import Whom
from flash_tools.signing.keys import new_key, public_bytes
from tests.host.images import MODULES, make_tree

KEY = new_key()
WHOM = Whom("p", ("m",), "0" * 16)


def make_pair(folder):
    """Write two versions of an application into the folder: as folders, images and packages."""
    changed = {**MODULES, "lib/answer.py": b"VALUE = 43\n", "lib/new.py": b"NEW = 1\n"}
    del changed["data/tiny.txt"]
    for name, files, version, counter in (("old", MODULES, "1.0", 3), ("new", changed, "1.1", 4)):
        tree = make_tree(folder / name, files)
        built = package_make.build(tree, Wish("lfs2", version), WHOM, KEY, counter=counter)
        (folder / (name + ".fup")).write_bytes(built.package)
        (folder / (name + ".img")).write_bytes(built.image.data)
    return folder


def opened(built, old=None):
    """Return what is in a package that was built."""
    return package_read.open_package(built.package, public_bytes(KEY), old)


def run(capsys, monkeypatch, *arguments, code=0):
    """Run `fumo` in this process, which is quicker; return stdout, stderr and the result object."""
    monkeypatch.setattr(sys, "argv", ["fumo", *map(str, arguments)])
    ended = 0
    try:
        main()
    except SystemExit as e:
        ended = e.code or 0
    done = capsys.readouterr()
    assert ended == code, done.err
    said = json.loads(done.out) if "--json" in arguments else None
    return SimpleNamespace(stdout=done.out, stderr=done.err, said=said)
