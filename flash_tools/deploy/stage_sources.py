"""The sources of a first stage, which has 12 KiB: small drivers in the place of whole ones, and no texts that nobody would see.

Why a bank is not started is not told by the first stage, the firmware in the other bank reports that: the texts of PackageError go.
"""

import ast

REPLACED = {"hal.nor_spi": "hal.nor_small", "hal.single_chip": "hal.single_small"}
KEPT = frozenset(("readblocks", "writeblocks", "ioctl"))  # what a file system calls
_SILENT = "PackageError"


class _Mute(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == _SILENT:
            node.args, node.keywords = [], []
        return node


def mute(sources: dict[str, str]) -> dict[str, str]:
    """Return the sources {module: text}, with PackageErrors that say nothing."""
    return {name: _muted(text) if _SILENT in text else text for name, text in sources.items()}


def _muted(text):
    return ast.unparse(_Mute().visit(ast.parse(text)))
