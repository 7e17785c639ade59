"""As much CBOR (RFC 8949) as SMP needs: integers, bytes, text, arrays, maps with text keys, true, false, null.

Whatever comes from outside and is anything else raises ValueError. Byte strings are given back as views into the message.
"""

import struct

from agent.compat import const

_MAX_DEPTH = const(4)
_UNSIGNED = const(0)
_NEGATIVE = const(1)
_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_SIMPLE = const(7)
_INDEFINITE = const(31)
_BREAK = const(255)
_SIMPLE_VALUES = {20: False, 21: True, 22: None}


def read(data):
    """Return the one value that `data` is; maps become dicts."""
    reader = _Reader(memoryview(data))
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError("more than CBOR")
    return value


def write(value, into, at=0):
    """Write a value into the memoryview `into`; return where it ends, ValueError where there is no room."""
    if value is None or value is True or value is False:
        return _put(into, at, b"\xf6" if value is None else b"\xf5" if value else b"\xf4")
    if isinstance(value, int):
        return _head(into, at, _NEGATIVE, -1 - value) if value < 0 else _head(into, at, _UNSIGNED, value)
    if isinstance(value, str):
        value = value.encode()
        return _put(into, _head(into, at, _TEXT, len(value)), value)
    if isinstance(value, dict):
        at = _head(into, at, _MAP, len(value))
        for key in value:
            at = write(value[key], into, write(key, into, at))
        return at
    if isinstance(value, (list, tuple)):
        at = _head(into, at, _ARRAY, len(value))
        for item in value:
            at = write(item, into, at)
        return at
    return _put(into, _head(into, at, _BYTES, len(value)), value)


def _head(into, at, kind, number):
    kind <<= 5
    if number < 24:
        return _put(into, at, bytes((kind | number,)))
    if number < 256:
        return _put(into, at, bytes((kind | 24, number)))
    if number < 65536:
        return _put(into, at, struct.pack(">BH", kind | 25, number))
    return _put(into, at, struct.pack(">BI", kind | 26, number))


def _put(into, at, data):
    end = at + len(data)
    if end > len(into):
        raise ValueError("no room for the CBOR")
    into[at:end] = data
    return end


class _Reader:
    def __init__(self, data):
        self._data = data
        self.at = 0

    def value(self, depth):
        """Return the next value; containers count the depth."""
        head = self._take(1)[0]
        kind, info = head >> 5, head & 31
        if kind == _SIMPLE and info in _SIMPLE_VALUES:
            return _SIMPLE_VALUES[info]
        if kind in (_ARRAY, _MAP) and depth < _MAX_DEPTH:
            count = -1 if info == _INDEFINITE else self._number(info)
            return self._map(count, depth + 1) if kind == _MAP else self._array(count, depth + 1)
        number = self._number(info)
        if kind == _UNSIGNED:
            return number
        if kind == _NEGATIVE:
            return -1 - number
        if kind == _BYTES:
            return self._take(number)
        if kind == _TEXT:
            return str(self._take(number), "utf-8")
        raise ValueError("CBOR of a strange kind")

    def _take(self, size):
        start = self.at
        if size > len(self._data) - start:
            raise ValueError("the CBOR is cut off")
        self.at = start + size
        return self._data[start : self.at]

    def _number(self, info):
        if info < 24:
            return info
        if info > 27:
            raise ValueError("CBOR of a strange length")
        return int.from_bytes(bytes(self._take(1 << info - 24)), "big")

    def _more(self, count):
        """Tell whether another item comes; count below 0: up to the break."""
        if count >= 0:
            return count > 0
        if self._take(1)[0] == _BREAK:
            return False
        self.at -= 1
        return True

    def _array(self, count, depth):
        items = []
        while self._more(count):
            items.append(self.value(depth))
            count -= 1 if count > 0 else 0
        return items

    def _map(self, count, depth):
        items = {}
        while self._more(count):
            key = self.value(_MAX_DEPTH)
            if not isinstance(key, str) or key in items:
                raise ValueError("no text, or twice, as a key")
            items[key] = self.value(depth)
            count -= 1 if count > 0 else 0
        return items
