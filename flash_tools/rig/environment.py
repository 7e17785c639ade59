"""Environment files by their names, and what they say of boards; read without labgrid."""

from pathlib import Path

from flash_tools.errors import NotFoundError, UsageError

FOLDER = Path(__file__).resolve().parent / "environments"


def find(name: str) -> Path:
    """Return the path of an environment: one that comes with the tools, by its name, or a file."""
    own = FOLDER / (name + ".yaml")
    path = own if own.exists() and "/" not in name else Path(name)
    if not path.is_file():
        there = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
        raise NotFoundError("there is no environment %s: name a file, or one of %s" % (name, there))
    return path


def read(path: Path) -> dict:
    """Return what an environment says."""
    import yaml  # comes with labgrid; the bench's other tools do without

    try:
        found = yaml.load(path.read_text(), _loader(yaml))
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise UsageError("%s is no environment: %s" % (path, " ".join(str(e).split()))) from None
    if not isinstance(found, dict) or not isinstance(found.get("targets"), dict) or not found["targets"]:
        raise UsageError("%s is no environment: it has no targets" % path)
    return found


def _loader(yaml):
    """Return a loader that takes labgrid's templates as the texts that they are."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!template", lambda loader, node: loader.construct_scalar(node))
    return loader


def resources(target: dict) -> dict[str, dict]:
    """Return a target's resources by class."""
    return _named(target, "resources")


def drivers(target: dict) -> dict[str, dict]:
    """Return a target's drivers by class."""
    return _named(target, "drivers")


def _named(target, what):
    found = target.get(what) or {}
    pairs = found.items() if isinstance(found, dict) else [pair for each in found for pair in each.items()]
    return {name: dict(arguments or {}) for name, arguments in pairs}


def boards(path: Path) -> list[dict]:
    """Return what the FumoBoard of each target says."""
    found = [resources(target).get("FumoBoard") for target in read(path)["targets"].values()]
    return [board for board in found if board is not None]
