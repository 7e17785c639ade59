"""How small deltas of real firmware are, against detools' own LZMA patches and against whole images; and what one needs to run.

A device gets blocks that start fresh and unpack in 4 KiB; LZMA's patch is one stream that does neither. `delta_ratio_*` compares
what carries the difference, `delta_package_ratio_*` counts our signed manifest too, which a bare patch does not have.
"""

import io
import subprocess
import tempfile
import zlib
from pathlib import Path

import detools

from flash_tools.deploy.compiled import compile_folders
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import new_key
from tests.bench.delta_pairs import pairs
from tests.host.test_micropython import find_micropython

_LAYOUT = "0" * 16
_DEVICE = ("tests/mem/delta_device.py", "tests/mem/flash.py")
_MOST_KIB = 128
_APPLY_S = 60


def measure():
    """Return the figures."""
    figures, ratios, shares = {}, [], []
    found = pairs()
    for name, (old, new) in found.items():
        package = build_package(new, Target("p", ["m"], _LAYOUT, "2", 1), new_key(), encoding="delta", old_image=old)
        blocks = len(package) - 8 - int.from_bytes(package[4:8], "little")
        lzma, full = _lzma(old, new), _deflated(new)
        figures["delta_bytes_" + name] = blocks
        figures["delta_ratio_" + name] = round(blocks / lzma, 3)
        figures["delta_package_ratio_" + name] = round(len(package) / lzma, 3)
        figures["delta_share_" + name] = round(blocks / full, 3)
        ratios.append(blocks / lzma)
        shares.append(blocks / full)
    if found:
        figures["delta_ratio"] = round(max(ratios), 3)
        figures["delta_share"] = round(max(shares), 3)
        if find_micropython():
            figures["delta_apply_heap_kib"] = _heap(found)
    return figures


def _lzma(old, new):
    patch = io.BytesIO()
    pair = io.BytesIO(old), io.BytesIO(new)
    detools.create_patch(*pair, patch, compression="lzma", patch_type="sequential", algorithm="bsdiff", use_mmap=False)
    return len(patch.getvalue())


def _deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return len(packer.compress(data) + packer.flush())


def _heap(found):
    """Return the smallest heap in which all of them can be applied."""
    with tempfile.TemporaryDirectory() as folder:
        compile_folders(folder, ("agent", "hal"), _DEVICE)
        return max(_smallest(folder, old, new) for old, new in found.values())


def _smallest(folder, old, new):
    package, flash = Path(folder, "delta.fup"), Path(folder, "flash")
    target = Target("p", ["m"], _LAYOUT, "2", 1)
    package.write_bytes(build_package(new, target, new_key(), encoding="delta", old_image=old))
    size = -(-max(len(old), len(new)) // 65536) * 65536
    least, most = 8, _MOST_KIB
    while least < most:
        heap = (least + most) // 2
        flash.write_bytes(old.ljust(2 * size, b"\xff"))
        words = [find_micropython(), "-X", "heapsize=%dk" % heap, "-m", "delta_device", "delta.fup", "flash", str(size)]
        fits = subprocess.run(words, cwd=folder, capture_output=True, timeout=_APPLY_S).returncode == 0
        least, most = (least, heap) if fits else (heap + 1, most)
    return least
