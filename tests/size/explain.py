"""Which file, module and function of a board's firmware costs how many bytes of `.mpy`, and when it is in memory.

.venv/bin/python -m tests.size --explain pico_w_nor
"""

import re
from pathlib import Path

from agent import phases
from flash_tools.deploy import board_file, mpy_files
from flash_tools.deploy.bundle_groups import rows_of
from flash_tools.deploy.bundle_names import FREE, runtime_names
from flash_tools.deploy.compiled import compile_sources
from tests.size.mpy_parts import take_apart

_ROOT = Path(__file__).resolve().parents[2]
_PHASES = (
    (1, "start"), (2, "update"), (4, "session"), (8, "sending"), (16, "reading"), (32, "acting"), (64, "object"), (128, "between"),
    (256, "judging"),
)  # fmt: skip
_SPECIAL = "__init__ __getattr__ __getitem__ __setitem__ __len__ __call__ __enter__ __exit__ __iter__ __next__ __repr__ __str__"
_GLOBAL = re.compile(r"[\w]+ [\w.]+:\w+")


def explain(board_name: str) -> str:
    """Return the table as text: what always stays first, then by phase."""
    board = board_file.read(board_name, _ROOT / "board" / (board_name + ".py"))
    image, _ = mpy_files.program(_ROOT, board, {})
    made = compile_sources(image.sources, lines=mpy_files.has_lines(board), number=image.number)
    rom, called = in_rom(), _called(image.map)
    sums, blocks = {}, []
    for place, modules in image.modules.items():
        data = made[place.removesuffix(".py") + ".mpy"]
        when = "always" if place == "main.py" else when_loaded(modules)
        sums[when] = sums.get(when, 0) + len(data)
        blocks.append((when, len(data), _block(place, modules, data, when, _Names(rom, called.get(place, {})))))
    blocks.sort(key=lambda block: (block[0] != "always", block[0], -block[1]))
    head = ["%7d %s" % (size, when) for when, size in sorted(sums.items(), key=lambda item: -item[1])]
    head.append("%7d in all, %d files" % (sum(sums.values()), len(made)))
    return "\n".join(head + [line for block in blocks for line in block[2]])


def in_rom() -> dict[str, str]:
    """Return {"#number": name} of the names that a `.mpy` calls by their number."""
    names = sorted(runtime_names().union(FREE.split(), _SPECIAL.split()))
    source = "\n".join("a." + name for name in names)
    table = take_apart(compile_sources({"a.py": source})["a.mpy"]).table
    return {number: name for number, name in zip(table[-len(names) :], names, strict=True) if number[0] == "#"}


def when_loaded(modules: list[str]) -> str:
    """Return the phases of a group of modules; `once used` is what nobody forgets."""
    words = {name.removeprefix("agent.") for name in modules if name.startswith("agent.")}
    if words & set(phases._RARE.split()):
        return "rare"
    sums = [int(phase) for phase, listed in rows_of(phases._OF) if words & set(listed)]
    if not sums:
        return "once used"
    return "+".join(dict.fromkeys(name for phase in sums for bit, name in _PHASES if phase & bit))


def _called(text):
    """Return {place: {short name: module:name, (class, short name): method}} of a map."""
    found: dict = {}
    own: dict = {}
    for line in text.splitlines():
        head = re.match(r"([\w/]+\.py): ", line)
        if head:
            own = found.setdefault(head[1], {})
        elif line.startswith("def "):
            _, short, _, long = line.split(" ", 3)
            owner, _, name = long.rpartition(".")
            own[owner, short] = name
        elif _GLOBAL.fullmatch(line):
            short, long = line.split()
            own[short] = long
    return found


class _Names:
    """What the parts of a file were called."""

    def __init__(self, rom, called):
        self._rom, self._called = rom, called

    def of(self, part, owner=""):
        """Return the name of a part, `owner` is that of what it is in."""
        name = self._rom.get(part.name, part.name)
        if not owner:
            return self._called.get(name, name)
        return "%s.%s" % (owner, self._called.get((owner.partition(":")[2], name), name))


def _block(place, modules, data, when, names):
    parts = take_apart(data)
    text = "\n%s %s, %d: %s" % (when, place, len(data), " ".join(modules))
    rows = [(parts.names, "(table of names)"), (parts.objects, "(texts and other objects)")]
    rows.append((parts.top.size, "(statements of the module)"))
    for part in parts.top.inner:
        _rows(rows, part, names, "")
    rows[3:] = sorted(rows[3:], key=lambda row: -row[0])
    return [text] + ["%7d %s" % row for row in rows]


def _rows(rows, part, names, owner):
    name = names.of(part, owner)
    rows.append((part.size, name))
    for inner in part.inner:
        _rows(rows, inner, names, name)
