"""CBOR as SMP uses it: the examples of RFC 8949, views instead of copies, and nothing but ValueError for what is bad."""

from hal import cbor
from tests.portable.check import raises

# RFC 8949, appendix A, as far as it is in the subset
EXAMPLES = (
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("18ff", 255),
    ("190100", 256),
    ("1903e8", 1000),
    ("1a000f4240", 1000000),
    ("20", -1),
    ("29", -10),
    ("3863", -100),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("40", b""),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("6449455446", "IETF"),
    ("62c3bc", "\u00fc"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("a0", {}),
    ("826161a161626163", ["a", {"b": "c"}]),
)
ONLY_READ = (
    ("1b000000e8d4a51000", 1000000000000),
    ("1bffffffffffffffff", 18446744073709551615),
    ("3bffffffffffffffff", -18446744073709551616),
    ("1800", 0),
    ("9fff", []),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("83018202039f0405ff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("bfff", {}),
)
BAD = (
    "",
    "18",
    "1900",
    "1c",
    "1f",
    "5f42010243030405ff",  # bytes in pieces
    "7f657374726561646d696e67ff",
    "c11a514b67b0",  # a tag
    "f7",
    "f8ff",
    "f93c00",  # a float
    "ff",
    "41",
    "4a00",
    "5bffffffffffffffff00",
    "61ff",  # no UTF-8
    "9f01",
    "9bffffffffffffffff",
    "a1",
    "a101",
    "a10102",  # a key that is a number
    "a1410102",  # a key of bytes
    "a2616101616102",  # twice the same key
    "a180f4",
    "bf6161",
    "bf61ff",
    "bf6161ff",
    "0000",
    "a000",
    "818181818100",  # too deep
    "8181818181818181",
)


def _hex(text):
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])


def _room(size=256):
    return memoryview(bytearray(size))


def test_examples_are_read():
    for text, value in EXAMPLES + ONLY_READ:
        assert cbor.read(_hex(text)) == value, text


def test_examples_are_written():
    for text, value in EXAMPLES:
        into = _room()
        assert bytes(into[: cbor.write(value, into)]) == _hex(text), text


def test_numbers_where_their_length_changes():
    for number in (23, 24, 255, 256, 65535, 65536, 65537, 4294967295):
        for value in (number, -1 - number):
            into = _room()
            assert cbor.read(into[: cbor.write(value, into)]) == value


def test_true_is_no_number():
    assert cbor.read(b"\xf5") is True and cbor.read(b"\xf4") is False


def test_bytes_are_views():
    data = bytearray(_hex("a1646461746143010203"))
    value = cbor.read(data)["data"]
    data[-1] = 9
    assert bytes(value) == b"\x01\x02\x09"


def test_bad_input_is_a_value_error():
    for text in BAD:
        with raises(ValueError):
            print(text, cbor.read(_hex(text)))


def test_every_cut_is_noticed():
    for text, _ in EXAMPLES + ONLY_READ:
        data = _hex(text)
        for size in range(len(data)):
            with raises(ValueError):
                print(text, size, cbor.read(data[:size]))
        with raises(ValueError):
            cbor.read(data + b"\x00")


def test_every_byte_may_be_anything():
    for text, _ in EXAMPLES + ONLY_READ:
        for at in range(len(text) // 2):
            data = bytearray(_hex(text))
            for value in range(256):
                data[at] = value
                try:
                    cbor.read(data)
                except ValueError:
                    pass


def test_four_containers_may_stand_in_each_other():
    assert cbor.read(_hex("8181818100")) == [[[[0]]]]


def test_no_room_is_a_value_error():
    value = {"off": 70000, "match": True, "list": ["text", b"bytes", -300]}
    into = _room()
    size = cbor.write(value, into)
    assert cbor.read(into[:size]) == value
    for less in range(size):
        with raises(ValueError):
            cbor.write(value, _room(less))


def test_writing_begins_where_it_is_told():
    into = _room()
    assert cbor.write(1, into, 8) == 9 and into[8] == 1
