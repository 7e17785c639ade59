"""A bench whose emulated microcontroller has the agent frozen into its MicroPython; the bank holds only the image's own part."""

import random

from flash_tools.rig.mcu import frozen, goods
from tests.rig_mcu.bench import ROOMY_KIB, Bench

KIND = "frozen"
_DATA = 24576  # bytes of what an application has in its image


class FrozenGoods(goods.McuGoods):
    """Banks with a version and an application, no ROM."""

    def rom(self):
        """Return nothing: the first stage is frozen, too."""
        return b""

    def _files(self, behaviour):
        text = goods._APPS[behaviour]
        data = random.Random(_DATA).choices(range(64), k=_DATA)  # shrinks by a quarter, as bytecode does
        own = {"data": bytes(data)}
        return {**own, "app.py": text.encode()} if text else own


class FrozenBench(Bench):
    """One board; `kind` is the bank's."""

    def __init__(self, heap_kib=ROOMY_KIB, kind=frozen.KIND, folder=None, seed=1, say=None):
        super().__init__(heap_kib, frozen.KIND if kind == KIND else kind, folder, seed, say)
        self.goods = FrozenGoods(self.goods.kind, key=self.goods.key)
        self.board.firmware = frozen.build(say=say or (lambda text: None))
