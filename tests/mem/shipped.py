"""Puts the device of a measurement into a folder as a board gets it: one program, bundled and compiled (flash_tools/deploy)."""

from pathlib import Path

from flash_tools.deploy import stage_sources
from flash_tools.deploy.bundle import bundle
from flash_tools.deploy.bundle_program import read_folders
from flash_tools.deploy.compiled import compile_sources

_ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("agent", "hal", "ports")
SMALL = {"small": True}


def ship(folder, entry, scripts, profile=SMALL):
    """Bundle the program that begins with the script `entry`, one of the paths `scripts`; return {module: size in bytes}.

    `profile` says which options are constants; all others are left in.
    """
    sources = read_folders(_ROOT, _FOLDERS)
    sources.update({Path(path).stem: (_ROOT / path).read_text() for path in scripts})
    image = bundle(sources, entry, profile, stage_sources.KEPT, name=entry)
    made = compile_sources(image.sources, lines=profile.get("small") is not True)
    for place, data in made.items():
        path = Path(folder, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {place.removesuffix(".mpy").replace("/", "."): len(data) for place, data in made.items()}
