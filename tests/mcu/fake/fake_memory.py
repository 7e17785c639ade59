"""What survives a reset of the fake board, and not its power: mem_backup, the clock chip's memory, registers."""

import fake_state as state

# (items, bytes of each); firmware before 1.29 has none: settings["backup"] = [0, 1]
_SIZES = {"rp2": (4, 4), "rp2350": (4, 4), "esp32": (2048, 1), "stm32": (32, 4), "mimxrt": (4, 4), "samd": (0, 1)}
_WATCHDOGS = (0x4005800C, 0x400D800C)
_FILE = "backup.json"


class Kept:
    """Numbers by their place, in a file beside the chip's."""

    def __init__(self, name):
        self._name = name
        self._numbers = state.read_json(name, {}) if state.cause != state.POWER else {}

    def get(self, at):
        """Return a number, 0 after power came."""
        return self._numbers.get(str(at), 0)

    def put(self, at, value):
        """Keep a number."""
        import json

        self._numbers[str(at)] = value
        state.put(self._name, json.dumps(self._numbers))


class Backup:
    """As a memoryview has it."""

    @staticmethod
    def items():
        """Return how many there are, 0 where the firmware has no mem_backup."""
        return _geometry()[0]

    def __init__(self):
        self._count, self.itemsize = _geometry()
        self._kept = Kept(_FILE)

    def __len__(self):
        return self._count

    def _at(self, at):
        at = at + self._count if at < 0 else at
        if not 0 <= at < self._count:
            raise IndexError("memoryview index out of range")
        return at

    def __getitem__(self, at):
        return self._kept.get(self._at(at))

    def __setitem__(self, at, value):
        if not 0 <= value < 1 << 8 * self.itemsize:
            raise OverflowError("value out of range")
        self._kept.put(self._at(at), value)


def _geometry():
    return state.settings["backup"] or _SIZES.get(state.settings["port"], (0, 1))


class RtcMemory:
    """The memory of an esp32's clock chip."""

    def __init__(self):
        self._kept = Kept("rtc_memory.json")

    def memory(self, data=None):
        """Set or tell all of it."""
        if data is None:
            import binascii

            return binascii.unhexlify(self._kept.get("all") or "")
        self._kept.put("all", "".join(["%02x" % byte for byte in bytes(data)]))
        return None


class _Mem32:
    """Registers: those of the watchdog that keep what they hold, and no others."""

    def __init__(self):
        self._kept = Kept("mem32.json")

    def _check(self, addr):
        if addr % 4:
            raise ValueError("address %08x is not aligned to 4 bytes" % addr)
        if not [base for base in _WATCHDOGS if base <= addr < base + 32]:
            raise RuntimeError("0x%x is nothing that this board has" % addr)

    def __getitem__(self, addr):
        self._check(addr)
        return self._kept.get(addr)

    def __setitem__(self, addr, value):
        self._check(addr)
        self._kept.put(addr, value & 0xFFFFFFFF)


mem32 = _Mem32()
