"""Commands of `fumo` that write, for tests that kill them: what must be whole at any moment, and when it is done."""

import json
import pathlib
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass

from flash_tools.boards import factory_region
from flash_tools.chips import open_chip
from flash_tools.packages import package_read
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.boot_record import BootRecord
from tests.host.owned_boards import two_banks

KIB = 1024


def make_base(folder):
    """Make everything that the cases begin with."""
    keys.write_pair(keys.new_key(), folder / "r.pem")
    files = two_banks(folder / "dev", key=keys.read_key(folder / "r.pem"))
    keys.write_pair(files.key, folder / "dev" / "key.pem")
    (folder / "up.fup").write_bytes(files.update("3.0", size=8192, counter=9))
    (folder / "old.bin").write_bytes(files.image("1.0", size=8192))
    (folder / "new.bin").write_bytes(files.image("1.1", size=8192))
    (folder / "raw.bin").write_bytes(bytes(range(256)) * 32)
    (folder / "blank.img").write_bytes(b"\xff" * 1024 * KIB)
    (folder / "who.json").write_text(json.dumps({**files.facts(), "product": "other"}))
    shutil.copytree(folder / "dev", folder / "trial")
    with open_chip("sim:%s" % (folder / "trial"), write=True) as chip:
        from flash_tools.boards.board_offline import Offline

        Offline(chip).rollback()
        BootRecord(chip.regions()["boot"]).begin_trial()
    app = folder / "app"
    app.mkdir()
    for number in range(4):
        (app / ("part%d.txt" % number)).write_text("x" * 3000)


@dataclass(frozen=True)
class Case:
    """`whole(folder)` holds at any moment, `done(folder)` in the end; `twice` is what the command says where all is done."""

    words: tuple
    done: Callable
    whole: Callable = lambda folder: None
    twice: tuple = (0,)
    leaves: tuple = ()  # names that a kill may leave and the next run need not take away
    locked: bool = True  # against a second instance
    busy: tuple = (4,)  # what a second instance at the same time may end with, besides of `twice`


def all_or_nothing(name, check):
    """Return a check: the file is not there, or it is good."""
    return lambda folder: check(folder) if (folder / name).exists() else None


def _key(name):
    def check(folder):
        path = folder / name
        key = keys.read_key(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        public = keys.public_path(path)
        if public.exists():
            assert keys.read_public_key(public) == keys.public_bytes(key)

    return check


def _pair(name):
    def check(folder):
        _key(name)(folder)
        assert keys.public_path(folder / name).exists()

    return check


def _package(name):
    def check(folder):
        package_read.open_package(
            (folder / name).read_bytes(), keys.read_public_key(folder / "r.pub.pem"), _old(folder)
        )

    return check


def _old(folder):
    return (folder / "old.bin").read_bytes()


def _identity(board, product, layout=None, modes=()):
    def check(folder):
        kind, _, place = board.partition(":")
        with open_chip("%s:%s" % (kind, folder / place), layout) as chip:
            found = factory_region.look(chip.regions()["factory"])
        facts = found.facts
        assert facts and facts["product"] == product and not found.cut_short
        if kind == "sim":
            path = folder / place / "provision.json"
            kept = json.loads(path.read_text())
            assert kept["product"] == product and kept["device_key"] == facts["device_key"]
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    return check


def _provision_json(folder):
    facts = json.loads((folder / "dev" / "provision.json").read_text())
    assert facts["product"] in ("bench", "other"), "it is read by the device: old or new"


def _someone(board):
    def check(folder):
        with open_chip("file:%s" % (folder / board), "sim_nor") as chip:
            assert factory_region.look(chip.regions()["factory"]).facts, "who it is may not be lost"

    return check


def _first_firmware(folder):
    _identity("file:blank.img", "bench", "sim_nor")(folder)
    with open_chip("file:%s" % (folder / "blank.img")) as chip:
        assert BootRecord(chip.regions()["boot"]).found


def _holds(bank, file):
    def check(folder):
        with open_chip("sim:%s" % (folder / "dev")) as chip:
            wanted = (folder / file).read_bytes() if file else b"\xff" * chip.regions()[bank].size
            cells = bytearray(len(wanted))
            chip.regions()[bank].read(0, cells)
            assert cells == wanted

    return check


def _same_file(name, like):
    def check(folder):
        assert (folder / name).read_bytes() == (folder / like).read_bytes()

    return check


def _tree(folder):
    manifest = json.loads((folder / "bank" / "manifest.json").read_text())
    for name, about in manifest["files"].items():
        assert len((folder / "bank" / name).read_bytes()) == about["size"]
    strays = [path.name for path in (folder / "bank").rglob("*.part")]
    assert not strays and "part0.txt" in manifest["files"]


def _device(folder):
    files = sim_files.read(folder / "made")
    assert files.key and files.facts()["anchors"][0][1] == keys.public_bytes(files.key).hex()
    for name, mode in (("provision.json", 0o600), ("key.pem", 0o600)):
        assert stat.S_IMODE((folder / "made" / name).stat().st_mode) == mode
    _identity("sim:made", "bench")(folder)


def _status(text):
    def check(folder):
        from flash_tools.boards.board_offline import Offline

        with open_chip("sim:%s" % (folder / text[0])) as chip:
            found = Offline(chip).status(verify=True)
        assert (found["phase"], found["confirmed"]) == text[1:], found

    return check


def _good(folder):
    """Nothing to hold but that the device is understood."""


WHO = ("--product", "bench", "--model", "sim", "--id", "SN-1", "--anchor", "r.pub.pem")
MADE_FOR = ("--key", "r.pem", "--for", "sim:dev", "--kind", "raw", "--version", "1.1")
DEV = ("-b", "sim:dev")

CASES = {
    "keys new": Case(("keys", "new", "k.pem"), _pair("k.pem"), all_or_nothing("k.pem", _key("k.pem")), (1,), locked=False),
    "keys rotate": Case(
        ("keys", "rotate", "r.pub.pem", "n.pem"), _pair("n.pem"), all_or_nothing("n.pem", _key("n.pem")), busy=(1, 4), locked=False
    ),
    "package build": Case(
        ("package", "build", "new.bin", "out.fup", *MADE_FOR), _package("out.fup"), all_or_nothing("out.fup", _package("out.fup"))
    ),
    "package delta": Case(
        ("package", "delta", "old.bin", "new.bin", "out.fup", *MADE_FOR),
        _package("out.fup"), all_or_nothing("out.fup", _package("out.fup")),
    ),
    "sim package": Case(
        ("sim", "package", "dev", "out.fup", "--version", "4", "--size", "8"),
        _package("out.fup"), all_or_nothing("out.fup", _package("out.fup")),
    ),
    "sim new": Case(("sim", "new", "made", "--chip-kib", "1024", "--size", "8"), _device, _good, (1,)),
    "sim new --key": Case(
        ("sim", "new", "made", "--chip-kib", "1024", "--size", "8", "--key", "r.pem"),
        lambda folder: _identity("sim:made", "bench")(folder), _good, (1,),
    ),
    "dump": Case(("dump", *DEV, "-o", "out.img"), _same_file("out.img", "dev/flash.bin"),
                 all_or_nothing("out.img", _same_file("out.img", "dev/flash.bin"))),
    "flash read": Case(("flash", "read", "all", "out.img", *DEV), _same_file("out.img", "dev/flash.bin"),
                       all_or_nothing("out.img", _same_file("out.img", "dev/flash.bin"))),
    "flash write": Case(("flash", "write", "bank1", "raw.bin", *DEV), _holds("bank1", "raw.bin")),
    "flash write fup": Case(("flash", "write", "bank1", "up.fup", *DEV), _status(("dev", "idle", 0)), _status(("dev", "idle", 0))),
    "flash erase": Case(("flash", "erase", "bank1", *DEV), _holds("bank1", None)),
    "provision": Case(
        ("provision", "-b", "file:blank.img", "--layout", "sim_nor", *WHO), _identity("file:blank.img", "bench", "sim_nor"),
        twice=(0, 1),
    ),
    "provision --firmware": Case(
        ("provision", "-b", "file:blank.img", "--layout", "sim_nor", *WHO, "--firmware", "up.fup"), _first_firmware,
        twice=(0, 1),
    ),
    "provision --force": Case(
        ("provision", *DEV, "--facts", "who.json", "--force"), _identity("sim:dev", "other"), _provision_json
    ),
    "deploy": Case(
        ("deploy", "-b", "dir:bank", "--board-file", "sim_nor", "--runtime", "cpython_linux", "--app", "app"), _tree
    ),
    "rollback": Case(("rollback", *DEV), _status(("dev", "arm", 0)), _good, (6,)),
    "factory-reset": Case(("factory-reset", *DEV, "--yes"), _status(("dev", "idle", 0)), _status(("dev", "idle", 0))),
    "confirm": Case(("confirm", "-b", "sim:trial"), _status(("trial", "arm", 1)), _good, (6,)),
}  # fmt: skip


def names(folder):
    """Return what is in the folder, below it, too."""
    return {path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob("*") if path.is_file()}
