"""What goes into a bank, made from what people have: a folder, a signed or a bare binary, an ESP image, any other file.

    made = make(Path("build"), Wish(kind="lfs2", version="1.2"))
    made.data, made.kind, made.version

One file a kind. `contents` looks into an image again, whoever made it.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from flash_tools.errors import RefusedError, ToolError, UsageError, VerifyError
from flash_tools.images import esp, lfs2, mcuboot, romfs, tree, zip_image
from flash_tools.images.bounded import BoundedError

KINDS = ("lfs2", "romfs", "zip", "mcuboot", "raw")
SYSTEM_MAX = (1 << 30) - 1  # bytes of a raw image, the system of a Linux board for one: what a manifest can say
_FOLDERS = ("lfs2", "romfs", "zip")
_HINT = ("; more with --kind raw", "")


@dataclass(frozen=True)
class Wish:
    """What the image should be; None where the source tells."""

    kind: str | None = None
    version: str | None = None
    image_size: int | None = None  # lfs2: larger than it has to be
    deflated: bool = False  # zip
    key: object = None  # mcuboot: who signs a bare binary, and whose signature an image has to have
    header_size: int = 0x200
    slot_size: int = 0
    align: int = 8
    counter: int | None = None
    bank_size: int | None = None  # mcuboot: the slot, where nobody says another size
    usual_key: object = None  # mcuboot: the same where no key was named; an image may be by another one
    compiled: bool = False  # zip: with the bytecode of this Python


@dataclass
class Made:
    """An image; `notes` are what its maker ought to know."""

    kind: str
    data: bytes
    version: str
    notes: list[str] = field(default_factory=list)


def make(source: Path, wish: Wish) -> Made:
    """Make the image of a folder or a file."""
    if wish.kind not in (None, *KINDS):
        raise UsageError(f"there is no kind {wish.kind}: use one of {', '.join(KINDS)}")
    if wish.deflated and wish.kind != "zip":
        raise UsageError("--deflated is for --kind zip")
    if wish.compiled and not (wish.kind == "zip" and source.is_dir()):
        raise UsageError("--compiled is for a folder with --kind zip")
    if wish.image_size is not None and not (wish.kind == "lfs2" and source.is_dir()):
        raise UsageError("--image-size is for a folder with --kind lfs2")
    if source.is_dir():
        return _of_folder(source, wish)
    try:
        size = source.stat().st_size
        most = SYSTEM_MAX if wish.kind == "raw" else tree.IMAGE_MAX
        if size > most:
            raise ToolError(f"{source} has {size} bytes, an image at most {most >> 20} MiB{_HINT[wish.kind == 'raw']}")
        data = source.read_bytes()
    except OSError as e:
        raise ToolError(f"cannot read {source}: {e.strerror}") from None
    if not data:
        raise ToolError("the image is empty")
    return _of_file(source, data, wish)


def guess(data: bytes) -> tuple[str, str]:
    """Return the kind of an image, and by what."""
    if data[:4] == mcuboot.MAGIC:
        return "mcuboot", "it begins as an MCUboot image does"
    if data[:4] == b"PK\x03\x04":
        return "zip", "it begins as a zip does"
    if data[:3] == romfs.MAGIC:
        return "romfs", "it begins as a ROMFS does"
    if data[8:16] == b"littlefs":
        return "lfs2", "it begins as a littlefs does"
    if data[:1] == bytes((esp.MAGIC,)):
        return "raw", "it begins as an ESP image does"
    return "raw", "it begins as nothing that is known"


def contents(kind: str, data: bytes) -> dict:
    """Return what an image holds, {} where its kind does not tell; ValueError where it is damaged."""
    try:
        if kind == "lfs2":
            return lfs2.listing(data)
        if kind == "raw":
            return esp.parse(data) if data[:1] == bytes((esp.MAGIC,)) else {}
        return {"zip": zip_image.listing, "romfs": romfs.listing, "mcuboot": mcuboot.parse}[kind](data)
    except BoundedError as e:
        raise ValueError("the littlefs cannot be read: %s" % e) from None


def _of_folder(source, wish):
    if wish.kind not in _FOLDERS:
        raise UsageError(
            f"{source} is a folder: say --kind lfs2 (MicroPython), zip (CPython) or romfs (MicroPython's ROM)"
        )
    found, version = tree.with_version(tree.read_tree(source), wish.version)
    if wish.kind == "lfs2":
        data = lfs2.build(found.files, wish.image_size)
    else:
        data = _zip(found.files, wish) if wish.kind == "zip" else romfs.build(found.files)
    notes = [f"{len(found.files)} files of {found.size} bytes"]
    if wish.compiled:
        notes.append("bytecode of Python %d.%d: another version passes it over" % sys.version_info[:2])
    if found.left_out:
        more = ", ..." if len(found.left_out) > 5 else ""
        notes.append(f"left out: {', '.join(found.left_out[:5])}{more}")
    return Made(wish.kind, data, version, notes)


def _zip(files, wish):
    try:
        return zip_image.build(files, wish.deflated, wish.compiled)
    except ValueError as e:
        raise UsageError(str(e)) from None


def _of_file(source, data, wish):
    kind, why = (wish.kind, "") if wish.kind else guess(data)
    notes = [f"kind {kind}: {why}"] if why else []
    if kind == "mcuboot":
        return _of_mcuboot(data, wish, notes)
    if wish.slot_size:
        raise UsageError(
            f"--slot-size is for MCUboot images, and {source} is {kind}: say --kind mcuboot to have it signed"
        )
    try:
        found = contents(kind, data) if not (kind == "raw" and wish.kind) else _quiet_esp(data)
    except ValueError as e:
        hint = "; say --kind raw to take it as it is" if kind == "raw" else ""
        raise VerifyError(f"{source}: {e}{hint}") from None
    if kind == "raw" and found:
        notes.append(f"ESP image for {found['chip']}, {len(found['segments'])} segments, its sums are good")
    return Made(kind, data, _version(found, wish.version, notes), notes)


def _quiet_esp(data):
    """Who says raw takes the bytes as they are, an ESP image's version with them where it is whole."""
    try:
        return contents("raw", data)
    except ValueError:
        return {}


def _of_mcuboot(data, wish, notes):
    slot_size = wish.slot_size or wish.bank_size or 0
    if data[:4] != mcuboot.MAGIC:
        if wish.version is None:
            raise UsageError("which version is it? say it with --version")
        key = wish.key or wish.usual_key
        how = mcuboot.Signing(key, wish.version, wish.header_size, slot_size, wish.align, wish.counter)
        data = mcuboot.sign(data, how)
        notes.append("signed as MCUboot image")
    try:
        found = mcuboot.parse(data, slot_size, wish.align)
    except ValueError as e:
        raise VerifyError(str(e)) from None
    notes.append(_signer(data, wish))
    if wish.version is not None and mcuboot.same_version(wish.version, found["version"]):
        return Made("mcuboot", data, wish.version, notes)
    return Made("mcuboot", data, _version(found, wish.version, notes), notes)


def _signer(data, wish):
    key = wish.key or wish.usual_key
    try:
        if key is not None and mcuboot.check_signature(data, key.public_key()):
            return "its signature is good"
    except ValueError as e:
        raise RefusedError(str(e)) from None
    if wish.key is not None:
        raise RefusedError("the MCUboot image is not signed by the key that --image-key names")
    return "its signature is of another key and was not checked: --image-key PEM checks it"


def _version(found, asked, notes):
    """Return the version: what the image says of itself and what is asked must agree."""
    module = found.get("version_module")
    said = tree.version_of(module.encode()) if module else found.get("version")
    if not said and "files" in found:
        notes.append("the image has no version.py that says its version: the device cannot compare it with the package")
    if not (said or asked):
        raise UsageError("which version is it? say it with --version")
    if said and asked not in (None, said) and "segments" in found:
        notes.append(f"the ESP image calls itself version {said!r}")
    elif said and asked not in (None, said):
        raise UsageError(f"the image says it is version {said!r}, --version {asked!r}: make them agree")
    return asked or said
