"""Checks the files for MicroPython boards against the stubs of each port that they may run on.

A file whose name has a port's mark (`esp32_nor.py`) is checked for that port only, the files of ports/micropython without one for
all three. The three sets of stubs cannot share an environment: `make lint` puts each into a folder of its own below build/stubs.
What is strict: names, attributes, arguments, imports. Nothing is said of what an attribute may become: it begins as None where a
part is not there, and parts are known by their methods, whatever their class.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.stubs.gaps import GAPS, UNKNOWN_TO

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path("build", "stubs")
PORTS = {"rp2": ("pico", "rp2"), "esp32": ("esp32",), "stm32": ("stm32",)}  # marks in the names of files
_EVERYWHERE = "ports/micropython"
_MARKED = ("board", "hal")
_MADE = Path(__file__).parent / "made"  # modules that a board gets with the deploying
_NOTHING = "none/lib/python3.11/site-packages"
_TIMEOUT_S = 120
_IDIOMS = ("cannot be assigned to attribute",)  # parts are known by their methods, and None says that one is not there
_RULES = {
    "typeCheckingMode": "standard",
    "reportMissingModuleSource": "none",  # stubs are all that there is
    "reportOptionalMemberAccess": "none",
    "reportOptionalSubscript": "none",
    "reportOptionalIterable": "none",
    "reportOptionalCall": "none",
    "reportOptionalOperand": "none",
    "reportOptionalContextManager": "none",
    "reportIncompatibleMethodOverride": "none",  # what a method returns is known by its methods, too
}


class Missing(Exception):
    """What a check needs is not installed; the text says what to do."""


@dataclass(frozen=True)
class Finding:
    """One mistake."""

    port: str
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return "%s:%d: [%s] %s (%s)" % (self.path, self.line, self.port, self.text, self.rule)


def files_of(port: str, root: Path = ROOT) -> list[str]:
    """Return the files that are checked for a port."""
    others = {mark for other, marks in PORTS.items() if other != port for mark in marks}
    found = [path for path in sorted((root / _EVERYWHERE).glob("*.py")) if not _has(path, others)]
    for folder in _MARKED:
        found += [path for path in sorted((root / folder).glob("*.py")) if _has(path, PORTS[port])]
    names = [path.relative_to(root).as_posix() for path in found]
    return [name for name in names if name not in UNKNOWN_TO.get(port, ())]


def check(port: str, root: Path = ROOT, stubs: Path | None = None) -> tuple[list[Finding], set[str]]:
    """Return (what is wrong in the files of a port, which gaps of the stubs were met); Missing where there are no stubs."""
    stubs = stubs or ROOT / STUBS / port
    if not (stubs / "machine.pyi").is_file():
        raise Missing("there are no stubs of %s in %s: make lint installs them" % (port, stubs))
    config = root / STUBS / (port + ".json")
    (config.parent / _NOTHING).mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(_config(port, root, stubs), indent=1))
    found = [_finding(port, root, said) for said in _run(config) if said["severity"] == "error"]
    met = {gap: finding for finding in found for gap, _ in GAPS if gap in finding.text}
    known = (*met, *_IDIOMS)
    return [finding for finding in found if not any(part in finding.text for part in known)], set(met)


def _has(path, marks):
    return any(mark in path.stem for mark in marks)


def _config(port, root, stubs):
    """Return the settings: the port's stubs are all that is known besides the tree."""
    paths = {"include": [str(root / name) for name in files_of(port, root)], "extraPaths": [str(root), str(_MADE)]}
    nowhere = {"venvPath": str(root / STUBS), "venv": "none"}  # an empty one: nothing of this machine's Python is found
    return {**paths, **nowhere, "typeshedPath": str(stubs), "stubPath": str(stubs), "pythonVersion": "3.11", **_RULES}


def _run(config):
    command = Path(sys.executable).parent / "basedpyright"
    if not command.exists():
        raise Missing("there is no basedpyright: pip install basedpyright")
    words = [str(command), "--outputjson", "--project", str(config)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S)
    try:
        said = json.loads(done.stdout)
        looked_at = said["summary"]["filesAnalyzed"]
    except (ValueError, KeyError, TypeError):
        raise Missing("basedpyright fails: %s" % (done.stdout + done.stderr).strip()[-300:]) from None
    wanted = len(json.loads(config.read_text())["include"])
    if looked_at < wanted:
        raise Missing("basedpyright looked at %d files of %d: is its configuration right?" % (looked_at, wanted))
    return said["generalDiagnostics"]


def _finding(port, root, said):
    path = Path(said["file"])
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    text = " ".join(said["message"].split())
    return Finding(port, name, said["range"]["start"]["line"] + 1, said.get("rule", ""), text)
