"""From what a user has to a signed package, in one call: the image, for whom, the blocks, and what it will cost a device.

    built = build(Path("app"), Wish(kind="lfs2", version="1.2"), whom, key, counter=3)
    built.package, built.image, built.estimate

Nothing is written here. What is built is read again, as a device reads it, before it is given back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flash_tools import images
from flash_tools.errors import RefusedError, ToolError, UsageError
from flash_tools.images import Made, Wish
from flash_tools.packages import package_build, package_estimate, package_read
from flash_tools.packages.package_target import Whom
from flash_tools.signing import keys
from flash_tools.signing.key_rotation import check_revoked

COUNTER_MAX = 0x3FFFFFFF  # what a manifest can hold


@dataclass
class Built:
    """A package and what there is to say about it."""

    package: bytes = field(repr=False)
    image: Made
    estimate: package_estimate.Estimate
    notes: list[str]

    def result(self) -> dict:
        """Return it for scripts."""
        found = self.estimate
        fields = {
            "kind": self.image.kind, "firmware": self.image.version, "image_bytes": found.image_bytes,
            "package_bytes": found.package_bytes, "chip": found.chip, "flash_typical_s": found.flash_typical_s,
            "flash_worst_s": found.flash_worst_s, "air_bytes": found.air_bytes, "notes": self.notes,
        }  # fmt: skip
        full = found.full_package_bytes
        return fields if full is None else {**fields, "full_package_bytes": full}


def build(
    source: Path,
    wish: Wish,
    whom: Whom,
    key,
    *,
    counter: int | None = None,
    encoding: str = "deflate",
    old: Path | None = None,
    revoked: Sequence[str] = (),
    built: int | None = None,
    large: bool = False,
) -> Built:
    """Make the image of a folder or a file, and its package; `old` is the running image of a delta, or its package.

    Without a counter it is the one that the board's firmware has: what is built for a board, that board does not refuse.
    `large` blocks are for banks that are files or partitions.
    """
    if encoding == "delta" and old is None:
        raise ToolError("a delta needs the image that runs: say it with --old")
    if encoding != "delta" and old is not None:
        raise UsageError("--old is for --encoding delta only")
    old_image = package_read.load_image(old)[0] if old else None
    made = images.make(source, replace(wish, usual_key=key, bank_size=whom.bank_size))
    return _package(made, whom, key, _counter(counter, whom), encoding, old_image, revoked, built, large)


def delta(
    old: Path,
    new: Path,
    key,
    *,
    whom: Whom | None = None,
    wish: Wish | None = None,
    counter: int | None = None,
    revoked: Sequence[str] = (),
) -> Built:
    """Make the delta from one image to another; where NEW is a package, what it says of itself counts."""
    old_image, old_package = package_read.load_image(old)
    opened = None if new.is_dir() else package_read.load_image(new)[1]
    if opened is None:
        if whom is None:
            raise UsageError(f"{new} is an image: say for whom it is, or give its package")
        made = images.make(new, replace(wish or Wish(), usual_key=key, bank_size=whom.bank_size))
        return _package(made, whom, key, _counter(counter, whom), "delta", old_image, revoked, None)
    said = opened.manifest
    counter = said.counter if counter is None else counter
    _check_said(said, whom, wish)
    if old_package is not None:
        _check_pair(old_package.manifest, said, counter)
    made = Made(said.kind, opened.image, said.version)
    known = (whom.bank_size, whom.speed) if whom else ()
    whom = Whom(said.product, tuple(said.models), said.layout, *known)
    return _package(made, whom, key, counter, "delta", old_image, revoked or said.revoked, said.built)


def _check_said(said, whom, wish):
    """What NEW's package says of itself counts; who says it once more must say the same."""
    pairs = [(whom.product, said.product), (whom.layout, said.layout)] if whom else []
    for asked, found in pairs:
        if asked != found:
            raise RefusedError(f"the new package is for {found}, not for {asked}: build it for that one")
    pairs = [(wish.version, said.version), (wish.kind, said.kind)] if wish else []
    for asked, found in pairs:
        if asked not in (None, found):
            raise UsageError(f"the new package says {found!r}, not {asked!r}: leave it out, or build the package anew")


def _counter(said, whom):
    return (whom.counter or 0) if said is None else said


def _check_pair(old, new, counter):
    for name in ("product", "layout", "kind"):
        mine, theirs = getattr(old, name), getattr(new, name)
        if mine != theirs:
            raise RefusedError(
                f"the old package is for {name} {mine}, the new one for {theirs}: no device has the one and takes the other"
            )
    if counter < old.counter:
        raise RefusedError(f"the new package's security counter {counter} is below the old one's {old.counter}")


def _package(made, whom, key, counter, encoding, old_image, revoked, built, large=False):
    if whom.bank_size is not None and len(made.data) > whom.bank_size:
        raise RefusedError(f"the image of {len(made.data)} bytes does not fit the bank of {whom.bank_size}")
    if not 0 < len(made.version) <= 64:
        raise UsageError(f"a version of {len(made.version)} characters: use 1 to 64")
    if not 0 <= counter <= COUNTER_MAX:
        raise UsageError(f"the security counter {counter}: use 0 to {COUNTER_MAX}")
    target = package_build.Target(whom.product, whom.models, whom.layout, made.version, counter, made.kind)
    revoked = check_revoked(keys.key_id(keys.public_bytes(key)), list(revoked))
    package = package_build.build_package(
        made.data,
        target,
        key,
        encoding=encoding,
        old_image=old_image,
        packed_max=package_build.LARGE_BLOCK if large else package_build.SECTOR,
        revoked=revoked,
        built=built,
    )
    opened = package_read.open_package(package, keys.public_bytes(key), old_image, image_max=0)
    full = None
    if encoding == "delta":
        full = _full_size(made.data, opened)
    found = package_estimate.estimate(len(made.data), len(package), whom.speed, full)
    notes = list(made.notes)
    if full is not None and len(package) >= full:
        notes.append(
            "this delta is not smaller than the full package: offer the full one, it needs no certain firmware to run"
        )
    if full is not None and made.data == old_image:
        notes.append("old and new are the same image: there is nothing to update")
    return Built(package, made, found, notes)


def _full_size(image, delta):
    """Return the size of the package without a source, deflated; signing it to know would take a token's PIN or time."""
    blocks = package_build.blocks_size(image) - sum(block.packed for block in delta.blocks)
    source = '"source_size":%d,"source_sha256":"",' % delta.manifest.source_size
    return delta.summary.package_bytes + blocks - (len(source) + 64 - 2) * 4 // 3
