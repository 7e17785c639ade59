"""A name server for the simulated network: one function from a query to its answer.

`names` maps a name to an address, to another name (an alias), or to what is wrong: None there is no such name, "silent" no
answer comes, "fail" the server has failed, "empty" the name has no address. A name that is not in it does not exist.
"""

import struct

_HEAD = ">HHHHHH"
_ANSWER = 0x8180  # an answer, recursion wished and done
_NO_SUCH_NAME = 3
_FAILED = 2
_A = 1
_ALIAS = 5
_MOST_ALIASES = 8


def is_address(text):
    """Tell whether it is a numeric IPv4 address."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts)


def lookup(names, name):
    """Return (names on the way, last of them what `names` says of it)."""
    way = [name]
    value = names.get(name)
    while value in names and len(way) < _MOST_ALIASES:
        way.append(value)
        value = names.get(value)
    return way, value


def answer(query, names):
    """Return the answer to one query, None where none comes."""
    number, _, questions, _, _, _ = struct.unpack_from(_HEAD, query, 0)
    if questions != 1:
        return None
    name, end = _name(query, 12)
    kind = struct.unpack_from(">H", query, end)[0]
    way, value = lookup(names, name.lower())
    if value == "silent":
        return None
    code = _NO_SUCH_NAME if value is None else _FAILED if value == "fail" else 0
    records = b"" if code else _aliases(way)
    count = 0 if code else len(way) - 1
    if not code and kind == _A and is_address(value):
        number_4 = bytes([int(part) for part in value.split(".")])
        records += _record(way[-1], _A, number_4)
        count += 1
    head = struct.pack(_HEAD, number, _ANSWER | code, 1, count, 0, 0)
    return head + bytes(query[12 : end + 4]) + records


def _aliases(way):
    return b"".join([_record(way[i], _ALIAS, _labels(way[i + 1])) for i in range(len(way) - 1)])


def _record(name, kind, data):
    return _labels(name) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def _labels(name):
    return b"".join([bytes([len(label)]) + label.encode() for label in name.split(".")]) + b"\x00"


def _name(query, at):
    """Return (name, position behind it)."""
    labels = []
    while query[at]:
        labels.append(str(query[at + 1 : at + 1 + query[at]], "ascii"))
        at += 1 + query[at]
    return ".".join(labels), at + 1
