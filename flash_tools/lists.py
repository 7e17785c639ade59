"""Writes the lists of device files that installers read, from the tree: `python -m flash_tools.lists`; a test runs `--check`.

package.json      mip install: the agent, the hardware layer, MicroPython's port, the board files
package-min.json  the portable core alone, for a program that brings its own network and flash
manifest.py       the same files as the first one, to be frozen into a firmware
"""

import json
import sys
from pathlib import Path

from flash_tools.version import version

ROOT = Path(__file__).resolve().parents[1]
_FULL = ("agent/*.py", "hal/*.py", "ports/__init__.py", "ports/micropython/*.py", "board/*.py")
_MIN = ("agent/*.py",)
_SIMULATED = "board/sim"  # wants ports/sim, and is no product
_MANIFEST = '''"""Freezes the agent into MicroPython, by include() of this file; made by python -m flash_tools.lists."""

metadata(description="Power-cut-proof firmware updates over OMA DM (FUMO)", version="%s")
%s
'''


_INDEX = '''"""Which commands `fumo` has: name, file, whether it is a group, help; made by python -m flash_tools.lists."""

COMMANDS: dict[str, tuple[str, bool, str]] = {
%s}
'''


def files(patterns: tuple[str, ...], root: Path = ROOT) -> list[str]:
    """Return the device files, sorted."""
    found = {path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)}
    return sorted(name for name in found if not name.startswith(_SIMULATED))


def texts(root: Path = ROOT) -> dict[str, str]:
    """Return {name: text} of all lists."""
    full = files(_FULL, root)
    return {
        "package.json": _package(full),
        "package-min.json": _package(files(_MIN, root)),
        "manifest.py": _MANIFEST % (version(), "\n".join(_frozen(full))),
        "flash_tools/cli/index.py": index(),
    }


def index() -> str:
    """Return the text of the index of commands."""
    import typer

    from flash_tools import cli

    rows = []
    for module in (*cli.SINGLE, *cli.GROUPS.values()):
        for name, command in typer.main.get_command(cli.build(module)).commands.items():
            text = (command.help or "").strip().split("\n\n")[0].replace("\n", " ")
            facts = json.dumps(name), json.dumps(module), hasattr(command, "commands"), json.dumps(text)
            rows.append("    %s: (%s, %s,\n        %s),\n" % facts)
    return _INDEX % "".join(rows)


def stale(root: Path = ROOT) -> list[str]:
    """Return the names of the lists that are not what the tree says."""
    return [
        name for name, text in texts(root).items() if not (root / name).is_file() or (root / name).read_text() != text
    ]


def main(words: list[str]) -> int:
    """Write the lists, or with --check say which ones are not current; return the exit code."""
    old = stale()
    for name in [] if "--check" in words else old:
        (ROOT / name).write_text(texts()[name])
    for name in old:
        print("%s %s" % ("not current:" if "--check" in words else "wrote", name))
    return 1 if old and "--check" in words else 0


def _package(names):
    lines = ",\n".join("  %s" % json.dumps([name, name]) for name in names)
    return '{\n "urls": [\n%s\n ],\n "deps": [],\n "version": "%s"\n}\n' % (lines, version())


def _frozen(names):
    """Freeze with -O1, as `fumo deploy` compiles: line numbers stay."""
    for package in sorted({name.split("/")[0] for name in names}):
        inside = [name.partition("/")[2] for name in names if name.startswith(package + "/")]
        yield "package(\n    %s,\n    (\n%s\n    ),\n    opt=1,\n)" % (
            json.dumps(package), "\n".join("        %s," % json.dumps(name) for name in inside),
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
