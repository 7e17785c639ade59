"""A download descriptor (DLOTA 1.0): what is offered, how large it is, where it is, and who wants to hear of it.

Bytes in, values out; at most 4 KiB, read as a whole. `notify` is there as soon as it can be: a descriptor that is refused is
reported too. Needed for a moment only, so nothing else of the agent may import it at its top.
"""

from agent import url
from agent.compat import const
from agent.errors import PackageError, ProtocolError
from agent.window import character

_MOST = const(4096)
_MAX_NOTIFY = const(255)  # what the job keeps
_MAX_SIZE = const(0x3FFFFFFF)
_MAX_DEPTH = const(16)
_CONFIRM = const(1101)
_INVALID = const(906)
_NAMES = (
    b" type size objectURI installNotifyURI nextURL DDVersion name description vendor infoURL iconURI installParam "
)
_BLANKS = const(b" \t\r\n")
_ENTITIES = const(b"lt<gt>quot\"apos'amp&")


class Question:
    """What the user is asked, as agent/ui.py has it, which would bring more with it."""

    kind = _CONFIRM
    options = {}
    choices = ()

    def __init__(self, text):
        self.text = text


class Descriptor:
    """Put the bytes into `room`, say `filled`, then `read`."""

    def __init__(self, base, length):
        self._base = base  # the descriptor's own URL
        self._data = bytearray((length if 0 <= length < _MOST else _MOST) + 1)
        self._end = 0
        self._values = {}
        self._names = []  # of the open elements
        self._field = None  # the value element that is open
        self._rooted = False
        self.types = []
        self.size = 0
        self.object = self.notify = ""

    def room(self):
        """Return where the next bytes go."""
        return memoryview(self._data)[self._end :]

    def filled(self, count):
        """Say that so many bytes of `room` are there now."""
        self._end += count
        _check(self._end <= _MOST, "length")

    def read(self, capacity, accepts):
        """Read it; raise PackageError where the device cannot take what it offers."""
        flaw = self._flaw()
        wanted = self._values.get("installNotifyURI")
        if wanted:
            notify = self._resolve(wanted)
            self.notify = notify if len(notify) <= _MAX_NOTIFY else ""
        self._check_version()
        if flaw:
            raise flaw
        self._take_mandatory()
        self._judge(capacity, accepts)
        self.object = self._resolve(self._values["objectURI"])
        if not self.object or wanted and not self.notify:
            raise PackageError("the download descriptor leads to a URL that is not followed", 411, 954)

    def question(self):
        """Return what to ask the user."""
        lines = []
        for name, most in (("name", 96), ("vendor", 96), ("description", 256)):
            text = " ".join(self._values.get(name, "").split())[:most]
            if text:
                lines.append(text)
        lines.append("%d KiB" % ((self.size + 1023) >> 10))
        return Question("\n".join(lines))

    # -- what it means ------------------------------------------------------------------------------------------------

    def _flaw(self):
        """Read the XML; return what is wrong with it, so that what was read before can still be used."""
        try:
            self._parse()
        except PackageError as e:
            return e
        except ProtocolError:
            return _invalid("character")
        return None

    def _check_version(self):
        """Another version is told before what its elements would be in this one."""
        major = self._values.get("DDVersion", "").partition(".")[0].encode()
        if major and not (major.isdigit() and int(major) == 1):
            raise PackageError("the download descriptor has another version than 1", 405, 951)

    def _take_mandatory(self):
        values = self._values
        size = values.get("size", "").replace(",", "").encode()
        _check(size.isdigit() and len(size) < 11 and 0 < int(size) <= _MAX_SIZE, "size")
        self.size = int(size)
        _check(values.get("objectURI"), "objectURI")
        _check(self.types, "type")

    def _judge(self, capacity, accepts):
        if self.size > capacity:
            raise PackageError("the package of %d bytes does not fit, %d would" % (self.size, capacity), 501, 901)
        for kind in self.types:
            if kind.partition(";")[0].strip().lower() in accepts:
                return
        raise PackageError("the download descriptor offers %s, which is no package" % self.types[0][:64], 405, 953)

    def _resolve(self, uri):
        """Return the URL that is meant, "" where it must not be followed: never from https to http."""
        try:
            target = url.resolve(self._base, uri)
            secure = url.split(target)[0]
            return "" if url.split(self._base)[0] and not secure else target
        except ProtocolError:
            return ""

    # -- XML ----------------------------------------------------------------------------------------------------------

    def _parse(self):
        data, end = self._data, self._end
        for byte in memoryview(data)[:end]:
            _check(byte > 31 or byte in _BLANKS, "character")
        at = 3 if data[:3] == b"\xef\xbb\xbf" else 0
        while at < end:
            at = self._markup(at) if data[at] == 0x3C else self._characters(at)
        _check(not self._names, "end")

    def _characters(self, at):
        stop = self._data.find(b"<", at, self._end)
        if stop < 0:
            stop = self._end
        text = bytes(self._data[at:stop])
        _check(self._names or not text.strip(_BLANKS), "text")
        self._text(_expand(text) if b"&" in text else text)
        return stop

    def _text(self, text):
        if self._field:
            self._value += text

    def _markup(self, at):
        head = bytes(self._data[at : at + 9])
        if head[:4] == b"<!--":
            return self._find(b"-->", at + 4) + 3
        if head[:2] == b"<?":
            return self._find(b"?>", at + 2) + 2
        if head == b"<![CDATA[":
            stop = self._find(b"]]>", at + 9)
            _check(self._names, "text")
            self._text(bytes(self._data[at + 9 : stop]))
            return stop + 3
        stop = self._tag_end(at + 1)
        tag = bytes(self._data[at + 1 : stop])
        if head[:2] == b"<!":
            _check(head == b"<!DOCTYPE" and not self._rooted and b"[" not in tag, "<!")
        elif head[:2] == b"</":
            self._close(tag[1:].rstrip(_BLANKS))
        else:
            self._open(tag)
        return stop + 1

    def _find(self, mark, at):
        stop = self._data.find(mark, at, self._end)
        _check(stop >= 0, "end")
        return stop

    def _tag_end(self, at):
        """Return where the > of a tag is, none of those in quotes."""
        quote = 0
        for i in range(at, self._end):
            byte = self._data[i]
            if quote:
                if byte == quote:
                    quote = 0
            elif byte in b"\"'":
                quote = byte
            elif byte == 0x3E:
                return i
            else:
                _check(byte != 0x3C, "tag")
        _check(False, "end")

    def _open(self, tag):
        empty = tag[-1:] == b"/"
        if empty:
            tag = tag[:-1]
        _check(tag and tag[0] not in _BLANKS, "tag")
        name = tag.split(None, 1)[0]
        depth = len(self._names)
        _check(depth < _MAX_DEPTH and not self._field, "nesting")
        local = name.rpartition(b":")[2]
        if not depth:
            _check(local == b"media" and not self._rooted, "root")
            self._rooted = True
        elif depth == 1 and b" " + local + b" " in _NAMES:
            self._field, self._value = str(local, "utf-8"), b""
        self._names.append(name)
        if empty:
            self._close(name)

    def _close(self, name):
        _check(self._names and self._names.pop() == name, "end tag")
        field = self._field
        if not field:
            return
        self._field = None
        try:
            text = str(self._value, "utf-8").strip()
        except UnicodeError:
            raise _invalid("UTF-8")
        if field == "type":
            self.types.append(text)
        else:
            _check(field not in self._values, "twice")
            self._values[field] = text


def _check(ok, text):
    """Refuse it where it is not as it should be; `text` is the one word that says where."""
    if not ok:
        raise _invalid(text)


def _invalid(text):
    return PackageError("the download descriptor is ill-formed: " + text, 405, _INVALID)


def _expand(text):
    """Return the text with its entities replaced."""
    parts = text.split(b"&")
    out = parts[0]
    for part in parts[1:]:
        name, mark, rest = part.partition(b";")
        i = _ENTITIES.find(name)
        if name[:1] == b"#":
            code = _number(name[1:].lower())
        else:
            _check(name in (b"lt", b"gt", b"quot", b"apos", b"amp"), "&")
            code = _ENTITIES[i + len(name)]
        _check(mark, "&")
        out += bytes(character(code)) + rest
    return out


def _number(digits):
    radix = 10
    if digits[:1] == b"x":
        digits, radix = digits[1:], 16
    _check(0 < len(digits) < 9 and not digits.strip(b"0123456789abcdef"[:radix]), "&")
    return int(digits, radix)
