"""The sources of a first stage, which has 12 KiB: small drivers in the place of whole ones, and no texts that nobody would see.

Why a bank is not started is not told by the first stage, the firmware in the other bank reports that: the texts of PackageError go.
"""

import ast
import re

REPLACED = {"hal.nor_spi": "hal.nor_small", "hal.single_chip": "hal.single_small"}
KEPT = frozenset(("readblocks", "writeblocks", "ioctl"))  # what a file system calls
_SILENT = "PackageError"


def mute(sources: dict[str, str]) -> dict[str, str]:
    """Return the sources {module: text}, with PackageErrors that say nothing."""
    return {name: _muted(text) if _SILENT in text else text for name, text in sources.items()}


def _muted(text):
    """Take the arguments out; the lines stay where they are, for tracebacks."""
    data = text.encode()  # what ast counts in
    starts = [0, *(found.end() for found in re.finditer(b"\n", data))]
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda node: (-node.lineno, -node.col_offset)):
        if isinstance(node.func, ast.Name) and node.func.id == _SILENT:
            begin = starts[node.func.end_lineno - 1] + node.func.end_col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            data = data[:begin] + b"(" + b"\n" * data.count(b"\n", begin, end) + b")" + data[end:]
    return data.decode()
