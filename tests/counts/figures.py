"""Figures that several targets write into one file: each adds its own, and leaves those of the others alone."""

import json
from pathlib import Path


def merge(path: Path, figures: dict) -> dict:
    """Add figures to a file and return all that it has; what was no object of JSON is replaced."""
    try:
        there = json.loads(path.read_text())
    except (OSError, ValueError):
        there = {}
    whole = {**(there if isinstance(there, dict) else {}), **figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(whole, indent=1) + "\n")
    part.replace(path)
    return whole
