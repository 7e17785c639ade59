"""Makes texts harmless that come from devices and strangers: for one line of a log or an error, for a cell of a table."""

_LINE_MAX = 500
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"  # the last four: the same characters in full width


def visible(text: str) -> str:
    """Write what would not be seen, or would move the rest, as escapes."""
    return text if text.isprintable() else "".join(each if each.isprintable() else _escape(each) for each in text)


def _escape(character):
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    return "\\x%02x" % code if code < 0x100 else "\\u%04x" % code if code < 0x10000 else "\\U%08x" % code


def one_line(text: object) -> str:
    """Return a text as one line of bounded length."""
    line = visible(str(text)[: _LINE_MAX + 1])
    return line if len(line) <= _LINE_MAX else line[: _LINE_MAX - 3] + "..."


def cell(value: object) -> object:
    """Return what goes into a CSV: never a formula, never more than one line; numbers stay numbers."""
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else value
    text = str(value)
    defused = "'" + text if text.lstrip().startswith(tuple(_FORMULA)) else text
    return visible(defused)
