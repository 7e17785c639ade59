"""Reads a campaign's filter and tells which devices fit: `model == 'pico2w' and tag == 'field' and firmware < '1.10'`.

A language of its own that looks like Python; nothing is ever handed to Python. Text, depth and answer to anything else are bounded.
"""

import fnmatch
import operator
import re

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.versions import version_key

NAMES = ("id", "name", "model", "manufacturer", "hw", "firmware", "group", "tag", "tags", "state")
MAX_TEXT, MAX_DEPTH = 8000, 20
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WORDS = ("and", "or", "not", "in", "like")
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'[^'\n]*'|"[^"\n]*")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>==|!=|<=|>=|[<>()\[\],]))"""
)


class Filter:
    """Call it with a device's row."""

    def __init__(self, text: str, test):
        self.text, self._test = text, test

    def __call__(self, row: dict) -> bool:
        return self._test(row)


def compile(text: str) -> Filter:
    """Read a filter; an empty one fits every device."""
    if len(text) > MAX_TEXT:
        raise ToolError("the filter has %d characters, at most %d are read" % (len(text), MAX_TEXT))
    if not text.strip():
        return Filter(text, lambda row: True)
    return Filter(text, _Parser(_tokens(text)).whole())


def _tokens(text):
    """Return [(kind, value, position)], ended by ("end", "", position)."""
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise _wrong(
                at,
                "%s is not understood; a filter is made of names, 'text', == != < <= in and or not" % _show(text[at:]),
            )
        kind = token.lastgroup
        value = token[kind][1:-1] if kind == "text" else token[kind]
        found.append((value if kind == "word" and value in _WORDS else kind, value, token.start(kind)))
        at = token.end()
    return [*found, ("end", "", end)]


def _show(text):
    return ascii(text if len(text) <= 20 else text[:20] + "...")


def _wrong(position, text):
    return ToolError("character %d of the filter: %s" % (position + 1, text))


class _Parser:
    """Makes a test, that is a function of a row, of each part."""

    def __init__(self, tokens):
        self._tokens, self._at, self._depth = tokens, 0, 0

    def whole(self):
        test = self._either()
        if self._kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return test

    @property
    def _kind(self):
        kind, value, _ = self._tokens[self._at]
        return value if kind == "sign" else kind

    def _take(self):
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, kind, words):
        if self._kind != kind:
            raise self._unexpected(words)
        return self._take()[1]

    def _unexpected(self, words):
        kind, value, position = self._tokens[self._at]
        return _wrong(position, "%s is expected, not %s" % (words, "the end" if kind == "end" else _show(value)))

    def _either(self):
        return self._joined("or", lambda: self._joined("and", self._denied, all), any)

    def _joined(self, word, part, combine):
        tests = [part()]
        while self._kind == word:
            self._take()
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda row: combine(test(row) for test in tests)

    def _denied(self):
        denied = False
        while self._kind == "not":
            self._take()
            denied = not denied
        test = self._part()
        return (lambda row: not test(row)) if denied else test

    def _part(self):
        if self._kind == "(":
            return self._inner()
        if self._kind == "like":
            return self._like()
        if self._kind == "text":
            return self._text_first()
        name = self._name()
        if self._kind in _COMPARE:
            return _compare(name, self._take()[1], self._text(), self._position)
        denied = self._kind == "not" and bool(self._take())
        if self._kind != "in":
            raise self._unexpected("== != < <= > >= or in")
        self._take()
        return _one_of(name, self._list(), denied)

    def _inner(self):
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _wrong(self._position, "more than %d brackets inside each other" % MAX_DEPTH)
        self._take()
        test = self._either()
        self._expect(")", "`)`")
        self._depth -= 1
        return test

    def _like(self):
        self._take()
        self._expect("(", "`(`")
        name = self._name()
        self._expect(",", "`,`")
        pattern = re.compile(fnmatch.translate(self._text()))
        self._expect(")", "`)`")
        return lambda row: any(pattern.match(value) for value in _values(row, name))

    def _text_first(self):
        text = self._text()
        if self._kind in _MIRROR:
            sign = _MIRROR[self._take()[1]]
            return _compare(self._name(), sign, text, self._position)
        denied = self._kind == "not" and bool(self._take())
        if self._kind != "in":
            raise self._unexpected("== != < <= > >= or in")
        self._take()
        position, name = self._position, self._name()
        if name not in ("tag", "tags"):
            raise _wrong(position, "`in` looks into tags only; write like(%s, '*...*')" % name)
        return _one_of(name, [text], denied)

    @property
    def _position(self):
        return self._tokens[self._at][2]

    def _name(self):
        position, name = self._position, self._expect("word", "a name (%s)" % ", ".join(NAMES))
        if name not in NAMES:
            raise _wrong(position, "there is no %s; the names are %s" % (_show(name), ", ".join(NAMES)))
        return name

    def _text(self):
        return self._expect("text", "'text' between quotes")

    def _list(self):
        closing = {"[": "]", "(": ")"}.get(self._kind)
        if closing is None:
            raise self._unexpected("a list as ['a', 'b']")
        self._take()
        texts = [self._text()]
        while self._kind == ",":
            self._take()
            if self._kind != closing:
                texts.append(self._text())
        self._expect(closing, "`%s`" % closing)
        return texts


def _values(row, name):
    """Return what a row has under a name: a list, as tags are several."""
    if name in ("tag", "tags"):
        return [str(tag) for tag in row.get("tags") or ()]
    value = row.get(name)
    return ["" if value is None else str(value)]


def _compare(name, sign, text, position):
    compare = _COMPARE[sign]
    if name in ("tag", "tags"):
        if sign not in ("==", "!="):
            raise _wrong(position, "tags have no order: only == != in like")
        return _one_of(name, [text], sign == "!=")
    if name != "firmware":
        return lambda row: compare(_values(row, name)[0], text)
    if sign in ("==", "!="):
        return _one_of(name, [text], sign == "!=")
    wanted = version_key(text)
    return lambda row: bool(row.get(name)) and compare(version_key(str(row[name])), wanted)


def _one_of(name, texts, denied):
    key = version_key if name == "firmware" else str
    wanted = {(key(text), bool(text)) for text in texts}  # an unknown version is no 0
    return lambda row: any((key(value), bool(value)) in wanted for value in _values(row, name)) != denied
