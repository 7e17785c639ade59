"""One program for a board out of many modules: few files, only what is used, short names. What it does stays the same.

    image = bundle(read_tree("pico_w_nor"), "ports.micropython.main", {"small": True})
    image.sources   {"main.py": ..., "a.py": ...}, for mpy-cross
    image.map       text: which line of a file was which line of the tree, and what names were

`bundle_one` makes a single module of everything. The board file is what `from board import chosen` imports.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from flash_tools.deploy import bundle_groups, bundle_merge, bundle_names, bundle_spoken, bundle_text
from flash_tools.deploy.bundle_drop import drop
from flash_tools.deploy.bundle_fold import fold
from flash_tools.deploy.bundle_hush import hush
from flash_tools.deploy.bundle_inline import inline
from flash_tools.deploy.bundle_program import Program, read_folders
from flash_tools.deploy.bundle_resolve import resolve
from flash_tools.deploy.bundle_tidy import tidy
from flash_tools.errors import UsageError

FOLDERS = ("agent", "hal", "ports", "board")
CHOSEN = "board.chosen"


@dataclass
class Image:
    """What was made; `modules` says which modules of the tree are in which file, `names` what attributes are called."""

    sources: dict[str, str]
    map: str
    modules: dict[str, list[str]]
    names: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """Return six digits by which the image is known: tracebacks have them."""
        return hashlib.sha256(repr(sorted(self.sources.items())).encode()).hexdigest()[:6]


def read_tree(root: Path, board: str, board_text: str | None = None) -> dict[str, str]:
    """Return {module: source} of a tree for a board; `board_text` where its file is not of the tree."""
    sources = read_folders(root, FOLDERS)
    text = board_text if board_text is not None else sources["board." + board]
    return {**sources, CHOSEN: text}


def bundle(
    sources: dict[str, str],
    entry: str,
    profile: dict | None = None,
    keep: set[str] = frozenset(),
    replace: dict[str, str] | None = None,
    name: str = "main",
    one: bool = False,
    hushed: tuple[str, ...] = (),
) -> Image:
    """Return the image of a program that begins with the module `entry`, which becomes `name`.

    `profile` fixes options by the names of their attributes; `keep` has names of attributes that others use, and
    `module:name` of globals; what the entry itself defines is kept. `one` puts everything into a single module.
    `hushed` are modules whose errors' texts go (bundle_hush.py).
    """
    program = Program(sources, [entry], replace)
    kept = set(keep) | {"%s:%s" % (entry, own) for own in program.modules[entry].bound if own[0] != "_"}
    resolve(program)
    hush(program, hushed)
    bundle_spoken.mark(program)
    tidy(program)
    fold(program, profile or {})
    tidy(program)
    drop(program, kept)
    tidy(program)
    drop(program, kept)
    if one and program.whole:
        raise UsageError("%s is handed about as a value: that cannot be put into one module" % sorted(program.whole)[0])
    groups = _groups(program, name, one, keep)
    if inline(program, groups, kept):
        tidy(program)
        drop(program, kept)
        groups = bundle_groups.without_empty(program, groups)
    return _write(program, groups, kept, one)


def bundle_one(sources: dict[str, str], entry: str, name: str, profile: dict | None = None, **more) -> Image:
    """Return an image of one module."""
    return bundle(sources, entry, profile, name=name, one=True, **more)


def _groups(program, name, one, keep):
    if one:
        return bundle_groups.single(program, name)
    return bundle_groups.group(program, bundle_groups.rows(program), name, keep)


def _write(program, groups, kept, one):
    names = bundle_names.Names(program, {each for each in kept if ":" not in each})
    plan = bundle_merge.Plan(program, groups, names, kept)
    bundle_merge.rename_modules(plan)
    found, maps = {}, []
    for group in groups:
        tree = bundle_merge.merge(plan, group)
        bundle_names.rename_variables(tree, names, plan.called)
        bundle_names.rename_attributes(tree, names)
        bundle_merge.rename_globals(tree, plan.called)
        found[group.place], lines = bundle_text.write(tree)
        maps += ["%s: %s" % (group.place, " ".join(group.modules)), *lines, *plan.told(group)]
    maps += ["names"] + ["%s %s" % (short, long) for long, short in sorted(names.short.items())]
    return Image(found, "\n".join(maps) + "\n", {group.place: group.modules for group in groups}, names.short)
