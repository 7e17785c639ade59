"""What lies in the heap of an emulated microcontroller, read from its memory as QEMU writes it out: every block, and who holds it.

MicroPython itself is not asked, so that looking changes nothing; it may stand in the middle of an allocation that failed.
"""

import subprocess
from collections import Counter, deque
from pathlib import Path

from flash_tools.errors import ToolError
from flash_tools.rig.emulator import commands

RAM_SIZE = 4 << 20
BLOCK = 16
_HEAD, _TAIL = 1, 2
_POOL_WORDS = 6  # in front of the names of a pool
_FUNCTIONS = ("mp_type_fun_bc", "mp_type_gen_wrap")


def symbols(elf: Path) -> dict[str, int]:
    """Return {name: address} of a firmware."""
    words = [commands.find("arm-none-eabi-nm"), str(elf)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise ToolError("arm-none-eabi-nm does not read %s" % elf)
    parts = [line.split() for line in done.stdout.splitlines()]
    return {part[2]: int(part[0], 16) for part in parts if len(part) == 3}


class Ram:
    """The processor's memory, and what is known about MicroPython's own objects in it."""

    def __init__(self, data: bytes, known: dict[str, int]):
        self.data, self.known = data, known
        self._words = memoryview(data).cast("I")
        self.types = {at: name for name, at in known.items() if name.startswith("mp_type_")}
        self.state = known["mp_state_ctx"]
        self.state_words = self._find_state_words()
        self._pools = self._find_pools()

    def word(self, at: int) -> int:
        """Return the word at an address, 0 where there is no such memory."""
        return self._words[at >> 2] if 0 <= at < RAM_SIZE and not at & 3 else 0

    def name(self, number: int) -> str:
        """Return the interned name with that number."""
        for pool in self._pools:
            before = self.word(pool + 4) & 0x7FFFFFFF
            if number >= before:
                at = self.word(pool + 4 * _POOL_WORDS + 4 * (number - before))
                end = self.data.find(b"\0", at)
                return self.data[at:end].decode(errors="replace") if end >= 0 else "?"  # it may lie in a ROMFS
        return "?"

    def text(self, value: int) -> str:
        """Return a short text for an object that is used as a key."""
        if value & 3 == 2 and value & 7 == 2:
            return self.name(value >> 3)
        if value & 1:
            return str(value >> 1)
        if self.types.get(self.word(value), "") in ("mp_type_str", "mp_type_bytes"):
            at = self.word(value + 12)
            return self.data[at : at + min(self.word(value + 8), 24)].decode(errors="replace")
        return "0x%x" % value

    def _find_state_words(self):
        above = [at for at in self.known.values() if at > self.state]
        return range(self.state, min(above), 4)

    def _find_pools(self):
        """Return the addresses of the pools of names, the last one first."""
        for at in self.state_words:
            chain, pool = [], self.word(at)
            while pool and len(chain) < 12:
                chain.append(pool)
                if pool == self.known["mp_qstr_const_pool_static"]:
                    return chain
                pool = self.word(pool)
        raise ToolError("there are no interned names in that memory")


class Heap:
    """The heap: `blocks` is {address: bytes}, as the collector sees it."""

    def __init__(self, ram: Ram):
        self.ram = ram
        table = ram.known["gc_heap"]
        at = next((at for at in ram.state_words if ram.word(at) == table), None)
        if at is None:
            raise ToolError("there is no heap in that memory")
        self._bits, length = table, ram.word(at + 4)
        self.start, self.end = ram.word(at + 12), ram.word(at + 16)
        self.count = min(length * 4, (self.end - self.start) // BLOCK)
        self.blocks = self._read()

    def _kind(self, number):
        return self.ram.data[self._bits + number // 4] >> 2 * (number % 4) & 3

    def _read(self):
        found, head = {}, None
        for number in range(self.count):
            kind, at = self._kind(number), self.start + number * BLOCK
            if kind & _HEAD:
                head, found[at] = at, BLOCK
            elif kind == _TAIL and head is not None:
                found[head] += BLOCK
            else:
                head = None
        return found

    def free_runs(self) -> list[int]:
        """Return the bytes of each free stretch, the largest first."""
        runs, length = [], 0
        for number in range(self.count + 1):
            if number < self.count and self._kind(number) == 0:
                length += BLOCK
            elif length:
                runs.append(length)
                length = 0
        return sorted(runs, reverse=True)


class Owners:
    """Who holds each block that lives: `path` is {address: how it is reached}, `kind` is {address: what it is}."""

    def __init__(self, heap: Heap, stack: list[int] = ()):
        self.heap, self.ram = heap, heap.ram
        self.path, self.kind = {}, {}
        self._todo = deque()
        self._classes = {}
        self._roots()
        self._walk()
        for value in stack:
            self._reach(value, "stack", None)
        self._walk()

    @property
    def alive(self) -> int:
        """Return the bytes that live."""
        return sum(self.heap.blocks[at] for at in self.path)

    def by(self, label) -> list[tuple[str, int, int]]:
        """Return [(label, blocks, bytes)] of what lives, the largest first; `label(address)` names it."""
        count, size = Counter(), Counter()
        for at in self.path:
            name = label(at)
            count[name] += 1
            size[name] += self.heap.blocks[at]
        return [(name, count[name], total) for name, total in size.most_common()]

    # -- the walk: what can be named first, then whatever else the collector would find -------------------------------

    def _roots(self):
        ram = self.ram
        for at in ram.state_words:
            if ram.types.get(ram.word(at)) == "mp_type_dict":
                self._table(at, "modules" if ram.word(at + 8) > 2 else "state")
        self._walk()
        for at in ram.state_words:
            self._reach(ram.word(at), "state+%d" % (at - ram.state), None)

    def _reach(self, at, path, kind):
        if at in self.heap.blocks and at not in self.path:
            self.path[at] = path
            self.kind[at] = kind or self._kind_of(at)
            self._todo.append(at)

    def _walk(self):
        while self._todo:
            at = self._todo.popleft()
            self._named(at)
            for inside in range(at, at + self.heap.blocks[at], 4):
                self._reach(self.ram.word(inside), "%s>%d" % (self.path[at], inside - at), None)

    def _kind_of(self, at):
        first = self.ram.word(at)
        if first in self.ram.types:
            return self.ram.types[first][8:]
        if first in self.heap.blocks and self.ram.types.get(self.ram.word(first)) == "mp_type_type":
            return "a " + self._class_name(first)
        return "raw"

    def _class_name(self, at):
        return self.ram.name(self.ram.word(at + 4) >> 16)

    def _named(self, at):
        ram, path, kind = self.ram, self.path[at], self.kind[at]
        if kind in ("dict", "ordereddict"):
            self._table(at, path)
        elif kind == "module":
            self._reach(ram.word(at + 4), path, "globals")
        elif kind == "globals":
            self._table(at, path)
        elif kind.startswith("a "):
            self._table(at, path)
        elif kind == "type":
            self._class(at, path)
        elif kind in ("str", "bytes", "bytearray", "array", "memoryview"):
            self._reach(ram.word(at + 12), path, kind + " data")
        elif kind == "list":
            self._reach(ram.word(at + 12), path, "list items")

    def _class(self, at, path):
        self.kind[at] = "class"
        for slot in range(at, at + self.heap.blocks[at], 4):
            value = self.ram.word(slot)
            if value in self.heap.blocks and self.ram.types.get(self.ram.word(value)) == "mp_type_dict":
                self._reach(value, path, "class dict")
                self._table(value, path + ".")

    def _table(self, at, path):
        """Name what a dictionary at an address has, or the members of an object, which lie in the same place."""
        ram = self.ram
        table, slots = ram.word(at + 12), ram.word(at + 8)
        if table in self.heap.blocks:
            whose = self.kind.get(at, "dict")
            self._reach(table, path, "members" if whose.startswith("a ") else "table of " + whose)
        for slot in range(min(slots, 4096)):
            key, value = ram.word(table + 8 * slot), ram.word(table + 8 * slot + 4)
            if key not in (0, 4):
                self._reach(key, path + ".key", None)
                self._reach(value, "%s.%s" % (path, ram.text(key).replace(".", "/")), None)
