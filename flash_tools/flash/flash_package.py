"""An update package put straight into a bank: checked as the device on that flash would check it, unpacked, header last.

Who the device is and whom it trusts stands in its factory region. Where there is none yet, only the layout is compared.
"""

import binascii
import hashlib
import struct
from dataclasses import dataclass, replace

from agent import factory
from agent.errors import PackageError
from agent.manifest import Manifest
from agent.manifest import check as check_manifest
from agent.signature import open_jws
from agent.verify import read_manifest
from flash_tools.chips import Chip
from flash_tools.errors import RefusedError, UsageError, VerifyError
from flash_tools.flash import flash_job, flash_place
from flash_tools.flash.flash_job import Progress, Written, nobody
from flash_tools.flash.flash_place import Place
from flash_tools.packages import package_read
from hal.hardware import Bank
from ports.cpython_linux.signature import verify as verify_signature

_REFUSED = (403, 404, 405)


@dataclass(frozen=True)
class Content:
    """What is in a package, unpacked."""

    image: bytes
    header: bytes
    version: str
    signature: str  # "good", or "not checked"


class Trust:
    """What the device on a flash is and trusts."""

    def __init__(self, facts: dict) -> None:
        self.product, self.model, self.verify = facts["product"], facts["model"], verify_signature
        self.anchors = tuple((str(name), bytes.fromhex(key)) for name, key in facts["anchors"])


def trust(chip: Chip) -> Trust | None:
    """Return what the factory region says, None where there is none or nothing in it."""
    region = chip.regions().get("factory")
    return _trust(factory.read(region) if region else None)


def _trust(facts):
    try:
        return Trust(facts) if facts else None
    except (KeyError, TypeError, ValueError):
        return None


def counter(chip: Chip, facts: dict) -> int | None:
    """Return the security counter of the confirmed firmware, None where a board of such facts trusts none."""
    found = _confirmed(chip, _trust(facts))
    return found.counter if found else None


def unpack(chip: Chip, place: Place, data: bytes) -> Content:
    """Return what a package puts into a bank of this flash; raise RefusedError where its device would not take it."""
    image, header = bank_of(chip, place)
    known, text = trust(chip), package_read.manifest_text(data)
    try:
        manifest = _manifest(text, known)
        _check(chip, manifest, known, image, _confirmed(chip, known, place.name))
    except PackageError as e:
        raise (RefusedError if e.code in _REFUSED else VerifyError)(str(e)) from None
    opened = package_read.open_package(data, None, _source(chip, manifest, place))
    return Content(opened.image, _sector(text, header.size), manifest.version, "good" if known else "not checked")


def bank_of(chip: Chip, place: Place) -> tuple[Place, Place]:
    """Return the places of a bank's image and header."""
    parts = {name: Place(name, start, size) for name, start, size in chip.layout}
    number = place.name[4:]
    if place.name[:4] != "bank" or "header" + number not in parts:
        raise UsageError("a package goes into a bank (bank0, bank1), not into %s" % place.name)
    return parts[place.name], parts["header" + number]


def write(chip: Chip, place: Place, content: Content, progress: Progress = nobody, **options) -> Written:
    """Write a bank: the header goes first and comes last, so that a cut leaves a bank that nothing boots."""
    image, header = bank_of(chip, place)
    todo = plan(chip, place, content)
    blank = Place(header.name, header.start, header.size)
    if todo.erases or todo.programmed:
        flash_job.write(chip, blank, b"\xff" * header.size)
    done = flash_job.write(chip, image, content.image, progress=progress, **options)
    head = flash_job.write(chip, header, content.header, **options)
    return replace(
        done,
        skipped=done.skipped + head.skipped,
        size=done.size + head.size,
        programmed=done.programmed + head.programmed,
        erases=_sum(todo.erases),
    )


def plan(chip: Chip, place: Place, content: Content, progress: Progress = nobody) -> Written:
    """Return what `write` would do."""
    image, header = bank_of(chip, place)
    plans = [
        flash_job.summary(chip, part, flash_job.plan(chip, part, data, progress), False)
        for part, data in ((image, content.image), (header, content.header))
    ]
    return replace(
        plans[0],
        size=sum(each.size for each in plans),
        skipped=sum(each.skipped for each in plans),
        erases=_sum(*(each.erases for each in plans)),
        programmed=sum(each.programmed for each in plans),
        seconds=sum(each.seconds for each in plans),
    )


def verify(chip: Chip, place: Place, content: Content, progress: Progress = nobody, name: str = "the package") -> None:
    """Raise VerifyError unless the bank holds what is in the package, header included."""
    image, header = bank_of(chip, place)
    flash_job.verify(chip, image, content.image, progress, name)
    flash_job.verify(chip, header, content.header, name="the header of " + name)


# -- what a device would check ----------------------------------------------------------------------------------------


def _manifest(text, known):
    return Manifest.parse(open_jws(text, known.anchors, known.verify)) if known else package_read.unsigned(text)


def _check(chip, manifest, known, image, running):
    if known:
        check_manifest(manifest, known, image.size, chip.layout_hash, running)
    elif manifest.layout != chip.layout_hash:
        raise RefusedError("the package is for layout %s, this flash has %s" % (manifest.layout, chip.layout_hash))
    elif manifest.size > image.size:
        raise RefusedError("the image of %d bytes does not fit %s of %d" % (manifest.size, image.name, image.size))


def _confirmed(chip, known, other_than=""):
    """Return the manifest of the confirmed bank if that is another one."""
    found = flash_place.boot(chip)
    regions = chip.regions()
    names = ("bank%d" % found.confirmed, "header%d" % found.confirmed) if found and known else ()
    if not names or names[0] == other_than or not all(name in regions for name in names):
        return None
    return read_manifest(Bank(*(regions[name] for name in names)), known)


def _source(chip, manifest, place):
    """Return the image that a delta starts from: the confirmed bank's, if it is that one."""
    if manifest.encoding != "delta":
        return None
    found, regions = flash_place.boot(chip), chip.regions()
    name = "bank%d" % found.confirmed if found else ""
    if name in regions and name != place.name and manifest.source_size <= regions[name].size:
        cells = bytearray(manifest.source_size)
        regions[name].read(0, cells)
        if hashlib.sha256(cells).digest() == manifest.source_sha256:
            return bytes(cells)
    raise RefusedError("the delta is for another firmware than the confirmed one: take the full package")


def _sector(text, size):
    """Return the header as the device writes it (agent/bank_header.py), blank to the end of its region."""
    head = b"FUH1" + struct.pack("<II", len(text), binascii.crc32(text))
    return (head + text).ljust(size, b"\xff")


def _sum(*parts):
    units = sorted({unit for part in parts for unit in part})
    return {unit: sum(part.get(unit, 0) for part in parts) for unit in units}
