"""What is in a package, for people and for scripts: the manifest, the blocks, and what the image holds by its kind."""

import time
from statistics import median

from flash_tools import images
from flash_tools.errors import VerifyError
from flash_tools.images.tree import IMAGE_MAX
from flash_tools.packages import package_read
from flash_tools.packages.package_read import Opened


def describe(data: bytes, old_image: bytes | None = None) -> dict:
    """Look through a package; the signature is not checked. What is wrong with the image inside is said, not raised."""
    opened = package_read.open_package(data, None, old_image, IMAGE_MAX)
    summary = opened.summary
    return {
        "manifest": summary.manifest, "package_bytes": summary.package_bytes, "blocks": summary.blocks,
        "signature": summary.signature, "image": summary.image, "block_sizes": block_sizes(opened), "contents": contents(opened),
    }  # fmt: skip


def check_contents(opened: Opened) -> None:
    """Raise VerifyError where the image is whole, but not what its kind says."""
    error = contents(opened).get("error")
    if opened.image is not None and error:
        raise VerifyError(f"the image is the one that was signed, but: {error}")


def contents(opened: Opened) -> dict:
    """Return what the image holds; {"error": why} where that cannot be told."""
    if opened.image is None:
        small = opened.manifest.size <= IMAGE_MAX
        return {"error": "a delta shows its image with --old" if small else "the image is larger than is looked into"}
    try:
        return images.contents(opened.manifest.kind, opened.image)
    except ValueError as e:
        return {"error": str(e)}


def block_sizes(opened: Opened) -> dict:
    """Return how the blocks are: their number, how many are packed, and their sizes in the package."""
    sizes = [block.packed for block in opened.blocks]
    return {
        "count": len(sizes), "packed": sum(block.deflated for block in opened.blocks), "bytes": sum(sizes),
        "smallest": min(sizes), "median": int(median(sizes)), "largest": max(sizes),
    }  # fmt: skip


def lines(found: dict) -> list[tuple[str, str]]:
    """Return names and values for people."""
    rows = [(name, words(name, value)) for name, value in found["manifest"].items()]
    sizes = found["block_sizes"]
    text = "%d, %d of them packed; %d to %d bytes, %d in the middle"
    rows.append(
        ("blocks", text % (sizes["count"], sizes["packed"], sizes["smallest"], sizes["largest"], sizes["median"]))
    )
    return rows + content_lines(found["contents"])


def words(name: str, value) -> str:
    """Return a field of a manifest for people."""
    if name == "built" and isinstance(value, int):
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(value))
    return ", ".join(value) if isinstance(value, list) else "nothing" if value is None else str(value)


def content_lines(found: dict) -> list[tuple[str, str]]:
    """Return what an image holds, for people."""
    if "error" in found:
        return [("contents", found["error"])]
    rows = []
    if "disk_version" in found:
        text = "%d blocks, %d used, disk version %s"
        rows.append(("littlefs", text % (found["blocks"], found["used_blocks"], found["disk_version"])))
    if "files" in found:
        rows.append(
            ("files", "%d of %d bytes" % (len(found["files"]), sum(file["size"] for file in found["files"].values())))
        )
        rows += [("", "%8d  %s" % (file["size"], path)) for path, file in found["files"].items()]
    if "entries" in found:
        rows += _mcuboot(found)
    if "segments" in found:
        rows += _esp(found)
    return rows


def _mcuboot(found):
    rows = [
        (
            "MCUboot",
            "version %s, header %d, payload %d bytes" % (found["version"], found["header_size"], found["payload_size"]),
        )
    ]
    rows.append(("flags", ", ".join(found["flags"]) or "none"))
    rows.append(("digest", found["digest"]))
    for entry in found["entries"]:
        area = " (protected)" if entry["protected"] else ""
        rows.append(("entry", "%s%s %s" % (entry["name"], area, entry["hex"])))
    return rows


def _esp(found):
    digest = "SHA-256 good" if found["sha256"] else "no SHA-256"
    rows = [("ESP image", "%s, entry %#x, checksum good, %s" % (found["chip"], found["entry"], digest))]
    for name in ("version", "project", "idf"):
        if found.get(name):
            rows.append((name, found[name]))
    rows += [("segment", "%#010x  %d bytes" % (part["address"], part["size"])) for part in found["segments"]]
    return rows + ([("behind", "%d bytes" % found["behind"])] if found["behind"] else [])
