"""The device tree of the emulated board: Debian's own for the i.MX6 SABRE Lite, without the hardware that QEMU does not have."""

import os
import re
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.rig.emulator.commands import call

NAME = "imx6q-sabrelite.dtb"
SEED_SIZE = 64
_SEED = bytes(range(0xC0, 0xC0 + SEED_SIZE // 2)) * 2  # stands where a boot loader puts entropy; see with_seed
_BUS = "/soc/bus@2100000"
# Three UARTs for us beside the console, which is serial@21e8000; the first one is on already.
# The second watchdog is for restarts: QEMU's first one, once it runs, drops the bit by which the kernel resets the board.
_ON = (_BUS + "/serial@21ec000", _BUS + "/serial@21f0000", "/soc/bus@2000000/watchdog@20c0000")
# No SATA, PCIe, DMA engine: their drivers wait for hardware that never answers.
_OFF = (
    "/soc/sata@2200000",
    "/soc/pcie@1ffc000",
    "/soc/dma-controller@110000",
    "/soc/bus@2000000/dma-controller@20ec000",
)


def make(source: Path, target: Path) -> None:
    """Write the device tree for QEMU."""
    text = target.with_suffix(".dts")
    call("dtc", "-q", "-I", "dtb", "-O", "dts", "-o", text, source)
    text.write_text(without_dma(text.read_text()))
    call("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", target, text)
    for node in _ON:
        call("fdtput", "-t", "s", target, node, "status", "okay")
    for node in _OFF:
        call("fdtput", "-t", "s", target, node, "status", "disabled")
    call("fdtput", "-t", "bx", target, "/chosen", "rng-seed", *("%x" % value for value in _SEED))
    text.unlink()


def without_dma(text: str) -> str:
    """Take the DMA channels from all nodes: with them, a second UART of QEMU's i.MX6 never sends anything."""
    return re.sub(r"^\s*(?:dmas|dma-names) = [^;]*;\n", "", text, flags=re.MULTILINE)


def with_seed(tree: bytes, seed: bytes | None = None) -> bytes:
    """Put fresh entropy into a device tree; without it the kernel collects its own for seconds."""
    if tree.count(_SEED) != 1:
        raise ToolError("the device tree has no place for entropy: build the emulated board again")
    return tree.replace(_SEED, os.urandom(SEED_SIZE) if seed is None else seed)
