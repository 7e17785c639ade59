"""What is wrong with a MicroPython board as its prompt shows it: interpreter, first stage, bytecode. Nothing is written.

`wiring` is the other half: where a board file says how its chip is wired, nobody has to type that.
"""

import importlib
import json
from collections.abc import Iterator

from flash_tools import mpy_line
from flash_tools.chips import options
from flash_tools.deploy import compiled, micropython
from flash_tools.deploy.files import MADE_BY, MANIFEST
from flash_tools.deploy.mpy_files import LAUNCHER
from flash_tools.doctor.check import Check, fail, ok, skip, warn
from flash_tools.errors import ToolError

_WIRES = {  # option of mpy: and name in a board file
    "spi": "SPI",
    "cs": "CS",
    "sck": "SCK",
    "mosi": "MOSI",
    "miso": "MISO",
}
_FIRST_STAGE = "fumo_first_stage"
_DEPLOY = "fumo deploy --first-stage"
_ASK = """
import sys
def _fumo_has(name):
    if name in sys.modules:return True
    try:__import__(name)
    except ImportError:return False
    del sys.modules[name]
    return True
"""


def checks(place: str, interrupt: bool) -> Iterator[Check]:
    """Ask the board."""
    port = options.split(place, *_WIRES, "soft", "hz")[0]
    with mpy_line.connect(port, interrupt) as line:
        try:
            yield from _asked(line)
        finally:
            if interrupt and line.in_raw_repl:
                mpy_line.soft_reset(line)


def _asked(line):
    line.exec(_ASK)
    name, release, mpy = line.eval("(lambda i:(i[0],i[1][:3],getattr(i,'_mpy',0)&255))(sys.implementation)")
    text = "%s %s, bytecode %d" % (name, ".".join(map(str, release)), mpy)
    yield (
        ok("interpreter", text)
        if mpy
        else warn("interpreter", text, "use firmware that takes .mpy files: 1.20 or newer")
    )
    store = micropython.Store(line)
    said = _manifest(store)
    yield _ours_made(mpy)
    yield from _first_stage(line, store, said, mpy)


def _ours_made(mpy):
    """Compare what the compiler here makes with what the board takes."""
    try:
        made = compiled.mpy_version(compiled.compile_sources({"a.py": "pass\n"}))
    except ToolError as e:
        return skip("bytecode", str(e))
    if mpy and made != mpy:
        do = "give --mpy-version to fumo deploy, or put newer firmware onto the board"
        return fail("bytecode", "the board takes version %d, mpy-cross makes %d" % (mpy, made), do)
    return ok("bytecode", "version %d is what mpy-cross makes, too" % made)


def _manifest(store):
    """Return what a deploy has noted on the board, {} where it never did."""
    try:
        said = json.loads(store.read(MANIFEST) or b"{}")
        if isinstance(said, dict) and said.get("made_by") == MADE_BY and isinstance(said.get("files"), dict):
            return said
    except (ValueError, RecursionError):
        pass
    return {}


def _first_stage(line, store, said, mpy):
    files = said.get("files", {})
    if _FIRST_STAGE + ".mpy" not in files:
        if line.eval("_fumo_has(%r)" % _FIRST_STAGE):
            yield ok("first stage", "it is frozen into the firmware")
        elif store.digests([LAUNCHER])[LAUNCHER]:
            yield fail(
                "first stage",
                "there is none: the board starts a %s that is not ours" % LAUNCHER,
                _DEPLOY + " --overwrite",
            )
        else:
            yield fail("first stage", "there is none: the board ends at its prompt", _DEPLOY)
        return
    if mpy and said.get("mpy") not in (None, mpy):
        text = "its bytecode is version %s, the board takes %d" % (said.get("mpy"), mpy)
        yield fail("first stage", text, _DEPLOY + " for this firmware")
        return
    found = store.digests([name for name in files if isinstance(name, str)])
    wrong = sorted(name for name, digest in found.items() if digest != _wanted(files, name))
    if wrong:
        what = "missing" if found[wrong[0]] is None else "not as it was deployed"
        more = " (and %d more)" % (len(wrong) - 1) if len(wrong) > 1 else ""
        yield fail("first stage", "%s is %s%s" % (wrong[0], what, more), _DEPLOY)
    else:
        yield ok("first stage", "of %s, for the board %s" % (said.get("agent"), said.get("board")))


def _wanted(files, name):
    facts = files[name]
    return facts.get("sha256") if isinstance(facts, dict) else None


# -- how the chip is wired ------------------------------------------------------------------------------------------------


def wiring(place: str, layout: str | None) -> str | None:
    """Return the place with the wires that it says, or those of the board file `layout`; None where nobody says them."""
    if "?" in place:
        return place
    board = _board(layout)
    if not isinstance(getattr(board, "SPI", None), int) or not hasattr(board, "CS"):
        return None
    words = ["%s=%s" % (option, getattr(board, name)) for option, name in _WIRES.items() if hasattr(board, name)]
    return "%s?%s" % (place, "&".join(words))


def chip(found, layout: str | None) -> list[Check]:
    """Compare the chip with the one that the board file is for; nothing where there is none."""
    board = _board(layout)
    size, wanted = found.flash.size, getattr(board, "FLASH_SIZE", None)
    if not isinstance(wanted, int):
        return []
    do = "solder the part that it names, or use a board file of your own for this one (FLASH_SIZE, CHIP)"
    if wanted != size:
        return [fail("board chip", "the chip has %d bytes, the board file %s is for %d" % (size, layout, wanted), do)]
    named = getattr(board, "CHIP", None)
    if isinstance(named, bytes) and found.jedec_id not in (None, named):
        text = "the chip has id %s, the board file %s names %s"
        return [fail("board chip", text % (found.jedec_id.hex(), layout, named.hex()), do)]
    return [ok("board chip", "%s, as the board file %s has it" % (found.name or "%d bytes" % size, layout))]


def _board(name):
    """Return the module of a board file of ours, None where the name means none."""
    try:
        return importlib.import_module("board." + name) if name and not name.endswith(".json") else None
    except ImportError:
        return None
