"""Figures that several targets write into one file: each adds its own, and leaves those of the others alone."""

import json
from pathlib import Path


def merge(path: Path, figures: dict, own: tuple[str, ...] = ()) -> dict:
    """Add figures to a file and return all that it has; what was no object of JSON is replaced.

    Those whose name begins with one of `own` are only ours: the ones of an earlier run go.
    """
    try:
        there = json.loads(path.read_text())
    except (OSError, ValueError):
        there = {}
    there = there if isinstance(there, dict) else {}
    whole = {**{name: value for name, value in there.items() if not name.startswith(own)}, **figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(whole, indent=1) + "\n")
    part.replace(path)
    return whole
