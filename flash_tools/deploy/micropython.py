"""A store that is the file system of a MicroPython board, reached by mpremote's raw REPL."""

from flash_tools.deploy.files import digest
from flash_tools.errors import RefusedError, VerifyError

_PART = 256  # bytes of a file in one command; it becomes up to four times as long
_AT_ONCE = 8  # files that are hashed in one command: each answer has to come within seconds
_HELP = """
import os,hashlib,binascii
def _fumo(p):
 h=hashlib.sha256()
 b=bytearray(512)
 m=memoryview(b)
 try:
  with open(p,'rb') as f:
   while 1:
    n=f.readinto(b)
    if not n:break
    h.update(m[:n])
 except OSError:return None
 return binascii.hexlify(h.digest()).decode()
"""
_MOVE = """
try:os.rename(%r,%r)
except OSError:
 os.remove(%r)
 os.rename(%r,%r)
"""  # FAT does not rename over a file


class Store:
    """`line` is a transport of mpremote in raw REPL, `top` the folder on the board."""

    def __init__(self, line, top: str = "/"):
        self._line, self._top = line, top.rstrip("/") + "/"
        self._folders = {""}
        line.exec(_HELP)

    def check_format(self, files: dict[str, bytes]) -> None:
        """Refuse bytecode that the board's interpreter does not take."""
        theirs = self._line.eval("getattr(__import__('sys').implementation,'_mpy',0)&255")
        wrong = [data[1] for place, data in files.items() if place.endswith(".mpy") and theirs and data[1] != theirs]
        if wrong:
            text = "the board takes bytecode of version %d, this is %d: use --mpy-version" % (theirs, wrong[0])
            raise RefusedError(text)

    def digests(self, places: list[str]) -> dict[str, str | None]:
        """Return the SHA-256 of each file that is there."""
        found = {}
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            answer = self._line.exec("for p in %r:print(_fumo(p))" % ([self._top + place for place in some],))
            lines = [line.strip() for line in answer.decode("ascii", "replace").splitlines()]
            if len(lines) != len(some):
                raise VerifyError("the board's answers are not what was asked for: is its console used by others?")
            found.update((place, None if line == "None" else line) for place, line in zip(some, lines, strict=True))
        return found

    def read(self, place: str) -> bytes | None:
        """Return the bytes of a file, None if it is not there."""
        if self.digests([place])[place] is None:
            return None
        return bytes(self._line.fs_readfile(self._top + place, chunk_size=_PART))

    def write(self, place: str, data: bytes) -> None:
        """Write to another name, compare, and rename: a line that drops leaves no half file."""
        self._make_folders(place)
        part, path = self._top + place + ".part", self._top + place
        self._line.fs_writefile(part, data, chunk_size=_PART)
        if self.digests([place + ".part"])[place + ".part"] != digest(data):
            raise VerifyError("%s did not arrive as it was sent: is the board's file system full?" % place)
        self._line.exec(_MOVE % (part, path, path, part, path))

    def remove(self, place: str) -> None:
        """Remove a file, and folders that are empty then."""
        paths = [self._top + place]
        while "/" in place:
            place = place.rpartition("/")[0]
            paths.append(self._top + place)
            self._folders.discard(place)
        self._line.exec("os.remove(%r)\ntry:\n for p in %r:os.rmdir(p)\nexcept OSError:pass" % (paths[0], paths[1:]))

    def _make_folders(self, place):
        parent = place.rpartition("/")[0]
        if parent in self._folders:
            return
        self._make_folders(parent)
        self._line.exec("try:os.mkdir(%r)\nexcept OSError:pass" % (self._top + parent))
        self._folders.add(parent)
