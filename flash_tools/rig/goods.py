"""What a board is made of when a scenario begins, and the updates for it: files by name, and nothing about who puts them where."""

import importlib
import tempfile

from flash_tools.errors import UsageError
from flash_tools.rig.wishes import WISHES, Wishes
from flash_tools.sim import sim_files
from flash_tools.sim.sim_files import FLASH, PROVISION

K = 1024
_KINDS = {  # of a board: where its goods are made
    "sim": ("flash_tools.rig.goods", "SimGoods"),
    "emulated": ("flash_tools.rig.linux_goods", "LinuxGoods"),
    "linux": ("flash_tools.rig.linux_goods", "LinuxGoods"),
}


class SimGoods:
    """A simulated device; each call of `files` makes another one, with its own key, and updates are for the last one."""

    old = "1.0"  # the version that it runs at first

    def __init__(self, device_id: str = "sim:1", size: int = 20 * K):
        self.device_id, self.size = device_id, size
        self._files = None

    def files(self, bundle: dict, wishes: Wishes, size: int | None = None) -> dict[str, bytes]:
        """Return the files of a board that has this account and does what a scenario wishes."""
        self.size = size or self.size
        with tempfile.TemporaryDirectory() as folder:
            made = sim_files.make(
                folder, bundle, size=self.size, chip_kib=1024, version=self.old, device_id=self.device_id
            )
            found = {FLASH: made.flash.read_bytes(), PROVISION: made.provision.read_bytes()}
        self._files = made
        return {**found, WISHES: wishes.pack()}

    def update(
        self, version: str, behaviour: str = "good", size: int | None = None, encoding="none", **options
    ) -> bytes:
        """Make an update; as a rule one that is not compressed, so that it has a size worth the name."""
        return self._files.update(version, behaviour, size or self.size, encoding=encoding, **options)


def make(kind: str, **options):
    """Return the goods for a kind of board."""
    if kind not in _KINDS:
        raise UsageError("a board is one of %s, not %s" % (", ".join(_KINDS), kind))
    module, name = _KINDS[kind]
    return getattr(importlib.import_module(module), name)(**options)
