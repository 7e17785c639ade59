"""What a microcontroller's board gets, in bytes of `.mpy`: its bank's firmware, its first stage, serial recovery."""

from pathlib import Path

from flash_tools.deploy import board_file, mpy_files
from flash_tools.deploy.compiled import compile_sources

BOARD = "pico_w_nor"
ROOT = Path(__file__).resolve().parents[2]


def measure() -> dict[str, float]:
    """Return the figures in KiB; `plain` is the same with a file for each module and private names short."""
    board = board_file.read(BOARD, ROOT / "board" / (BOARD + ".py"))
    lines = mpy_files.has_lines(board)
    image, _ = mpy_files.program(ROOT, board, {})
    made = compile_sources(image.sources, lines=lines, number=image.number)
    modules = {name.replace(".", "/") + ".mpy" for names in image.modules.values() for name in names}
    plain = mpy_files.each_module(ROOT, board, {}, None)
    stage = compile_sources(mpy_files.first_stage_sources(ROOT, board), lines=lines, number=image.number)
    same = [data for place, data in plain.items() if place in modules or place == "main.mpy"]
    return {
        "device_mpy_kib": _kib(made.values()),
        "device_mpy_files": len(made),
        "device_plain_mpy_kib": _kib(same),
        "first_stage_mpy_kib": _kib([stage["fumo_first_stage.mpy"]]),
        "recovery_mpy_kib": _kib([stage["fumo_recovery.mpy"]]),
        "device_attribute_names": len(set(image.names.values())),
    }


def _kib(parts):
    return round(sum(map(len, parts)) / 1024, 1)
