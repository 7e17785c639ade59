"""Which version this is: of the installed distribution, or of the tree where nothing is installed."""

import tomllib
from importlib import metadata
from pathlib import Path

_NAME = "fumo-agent"
_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def version() -> str:
    """Return the version; the tree's own word wins, an old installation may lie beside it."""
    if _PROJECT.is_file():
        project = tomllib.loads(_PROJECT.read_text()).get("project", {})
        if project.get("name") == _NAME:
            return project["version"]
    try:
        return metadata.version(_NAME)
    except metadata.PackageNotFoundError:  # copied to where it runs, without its tree
        return "of unknown version"
