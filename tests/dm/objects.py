"""Management objects, journals and a user for the test device: each does one thing that a real one does only at times.

Must run on both interpreters. Everything is deterministic: a session that is played again gives the same bytes.
"""

from agent.errors import FlashError, ProtocolError
from agent.mo_leaves import Leaves

NODE, CHR, INT, BOOL, BIN = 1 << 8, 2 << 8, 3 << 8, 4 << 8, 5 << 8
ADD, DELETE, EXEC, GET, REPLACE, DYNAMIC, STREAM, VOLATILE = 1, 4, 8, 16, 32, 64, 128, 4096
_LEAF = DYNAMIC | GET | ADD | DELETE | REPLACE
AREA = (
    ("", NODE | GET | ADD, "urn:test:area", 0),
    ("fixed", CHR | GET | REPLACE, "", 64),
    ("secret", CHR | DYNAMIC | ADD | DELETE | REPLACE, "", 64),
    ("note", CHR | _LEAF, "", 64),
    ("url", CHR | _LEAF, "", 1024),
    ("*", NODE | DYNAMIC | GET | ADD | DELETE, "", 0),
    ("*/chr", CHR | _LEAF, "", 64),
    ("*/int", INT | _LEAF, "", 11),
    ("*/bool", BOOL | _LEAF, "", 5),
    ("*/bin", BIN | _LEAF, "", 3000),
    ("*/text", CHR | _LEAF, "text/markdown", 4096),
    ("*/*", NODE | DYNAMIC | GET | ADD | DELETE, "", 0),
    ("*/*/chr", CHR | _LEAF, "", 64),
)


class DictJournal:
    """A journal that counts: `puts` has the keys of each put; from number `fails_at` on (0 is the first) a put fails."""

    def __init__(self):
        self.values, self.puts, self.fails_at = {}, [], None

    was_clean = True

    def get(self, key, into):
        if key not in self.values:
            return -1
        value = self.values[key]
        into[: len(value)] = value
        return len(value)

    def put(self, changes):
        self.puts.append([key for key, _ in changes])
        if self.fails_at is not None and len(self.puts) > self.fails_at:
            raise FlashError("the flash is broken")
        for key, value in changes:
            self.values[key] = bytes(value)

    def note(self, key, value):
        self.values[key] = bytes(value)


def nor_journal():
    """Return the real journal on a simulated chip."""
    from agent.journal import Journal
    from hal.region import Region
    from tests.portable.boards import make_flash

    return Journal(Region(make_flash(), 8192, 6 * 4096))


class Plain(Leaves):
    """What objects without memory say; subclasses answer `leaf(path)`: the kind of a leaf, 0 where there is none."""

    names = ()

    def __init__(self):
        super().__init__("", ())

    def leaf(self, path):
        return 0

    def kind(self, path):
        return self.leaf(path) if path else NODE | GET

    def type_of(self, path):
        return "text/plain" if path else ""

    def children(self, path):
        return () if path else self.names

    def size(self, path):
        return 0

    def read(self, path, offset, into):
        return 0

    def check(self, op, path, value):
        return 200

    def apply(self, op, path, value):
        return 200


class Bank(Plain):
    """Takes a package while it arrives. `slow`: busy every other time; `fails_at`: the offset at which flash breaks."""

    names = ("PkgData", "Run", "State")

    def __init__(self, slow=False, fails_at=None, most=0, check=200, code=200):
        self.got, self.log = bytearray(), []
        self._slow, self._fails_at, self._most, self._code = slow, fails_at, most, code
        self._check, self._busy = check, False

    def leaf(self, path):
        return {"PkgData": BIN | REPLACE | STREAM, "Run": NODE | GET | EXEC, "State": CHR | GET | VOLATILE}.get(path, 0)

    def _text(self):
        return b"%d" % len(self.got)

    def size(self, path):
        return len(self._text())

    def read(self, path, offset, into):
        part = self._text()[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)

    def check(self, op, path, value):
        return self._check if path == "PkgData" else 200

    def write(self, path, offset, data):
        self._busy = self._slow and not self._busy
        if self._busy:
            return 0
        if offset == 0:
            self.got = bytearray()
        if offset != len(self.got):
            raise ValueError("written at %d, not %d" % (offset, len(self.got)))
        if self._fails_at is not None and offset + len(data) > self._fails_at:
            raise ProtocolError("the flash is broken", 500)
        if self._most and offset + len(data) > self._most:
            raise ProtocolError("the bank is full", 420)
        count = min(len(data), 100)
        self.got += data[:count]
        return count

    def apply(self, op, path, value):
        if op == EXEC:
            self.log.append(("exec", bytes(value.data), value.correlator))
            return 202
        self.log.append(("package", len(self.got)))
        return self._code

    def abandon(self, path):
        self.log.append(("abandon", len(self.got)))
        self.got = bytearray()


class Stubborn(Plain):
    """A leaf that can be replaced and not be restored."""

    names = ("leaf",)

    def __init__(self):
        self._changes = 0

    def leaf(self, path):
        return CHR | GET | REPLACE if path == "leaf" else 0

    def apply(self, op, path, value):
        self._changes += 1
        return 200

    def snapshot(self):
        return self._changes

    def restore(self, snapshot):
        return snapshot == self._changes


class Codes(Plain):
    """Leaves 200 to 599: Replace, Exec and Add on one give the number as a status."""

    def leaf(self, path):
        return CHR | GET | REPLACE | EXEC if path.isdigit() else 0

    def check(self, op, path, value):
        return int(path)

    apply = check


class Clock(Plain):
    """Leaves that say something else at each reading; `liar` does not own up to it."""

    names = ("now",)

    def __init__(self):
        self.readings = 0

    def leaf(self, path):
        return {"now": CHR | GET | VOLATILE, "liar": CHR | GET}.get(path, 0)

    def size(self, path):
        return 8

    def read(self, path, offset, into):
        self.readings += 1
        text = b"%08d" % self.readings
        part = text[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)


class Big(Plain):
    """Leaves made up while they are read: `text-N` of N characters of one to four bytes, `bin-N` of N bytes."""

    names = ("text-300", "bin-300")
    characters = "a\u00e9\u20ac\U0001f600&<"

    def leaf(self, path):
        name, _, size = path.partition("-")
        return {"text": CHR | GET, "bin": BIN | GET}.get(name, 0) if size.isdigit() else 0

    def value(self, path):
        """Return the whole value."""
        name, _, size = path.partition("-")
        if name == "bin":
            return bytes([(i * 7) & 255 for i in range(int(size))])
        return "".join([self.characters[i % 6] for i in range(int(size))]).encode()

    def type_of(self, path):
        return ("text/plain" if path[:4] == "text" else "application/octet-stream") if path else ""

    def size(self, path):
        return len(self.value(path))

    def read(self, path, offset, into):
        part = self.value(path)[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)


class User:
    """Gives the answers of a list, one for each call: None while nothing was decided, else [status, texts]."""

    pause_ms = 50

    def __init__(self, answers):
        self._answers, self.asked = list(answers), []

    def answer(self, question):
        shown = (
            question.kind,
            sorted([(k, question.options[k]) for k in question.options]),
            question.text,
            list(question.choices),
        )
        if not self.asked or self.asked[-1] != shown:
            self.asked.append(shown)
        answer = self._answers.pop(0)
        return None if answer is None else (answer[0], answer[1])
