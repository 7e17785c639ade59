"""What all drivers of boards share: goods of the board's kind, put where the driver can put them."""

from flash_tools.rig import goods

LOOPBACK = "127.0.0.1"


class BoardGoods:
    """Part of a driver that is bound to a FumoBoard as `board`, and has `put_files(files)`."""

    _goods = None

    @property
    def goods(self):
        """Return what makes files and updates for the board."""
        if self._goods is None:
            said = {"device_id": self.board.device_id, "board": self.board.board}
            who = {name: value for name, value in said.items() if value}
            self._goods = goods.make(self.board.kind, **who)
        return self._goods

    @property
    def device_id(self) -> str:
        """Return who the board says it is."""
        return self.goods.device_id

    @property
    def old(self) -> str:
        """Return the version that a renewed board runs."""
        return self.goods.old

    def make_files(self, bundle, wishes, size) -> dict[str, bytes]:
        """Return what the board is made of."""
        return self.goods.files(bundle, wishes, **({"size": size} if size else {}))

    def update(self, version, behaviour="good", **options) -> bytes:
        """Make an update."""
        return self.goods.update(version, behaviour, **options)

    def address(self, port) -> tuple[str, int]:
        """Return where notifications go: what the resource says, else this computer and the port that the board says."""
        host, _, fixed = self.board.notify.partition(":")
        return host or LOOPBACK, int(fixed) if fixed else port
