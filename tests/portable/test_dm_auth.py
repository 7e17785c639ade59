"""The formulas of basic, md5 and MAC, the header that carries a MAC, and comparing without telling where it differs."""

import binascii

from agent import dm_auth
from agent.compat import md5
from agent.dm_guard import parse_header

CODE = dm_auth.from_b64(b"urdCeS3JUmjFgi8SX3webw==")
HEX = binascii.hexlify(CODE)


def test_basic():
    assert dm_auth.basic("Bruce2", "OhBehave") == b"QnJ1Y2UyOk9oQmVoYXZl"
    assert dm_auth.basic("", "") == b"Og=="
    assert dm_auth.from_b64(dm_auth.basic("dev-1", "p\u00e4ss")) == b"dev-1:p\xc3\xa4ss"


def test_digest():
    for user, secret, nonce, wanted in (
        ("Bruce2", "OhBehave", b"Nonce", b"Zz6EivR3yeaaENcRN6lpAQ=="),
        ("dev-1", "p\u00e4ss", b"\x00\x00\x00\x00", b"+FZW2AJ1Xa2ULgH9NS1Bvw=="),
        ("dev-1", "", b"", b"E31HX12EOGlPgBfYYs9tPA=="),
    ):
        assert dm_auth.b64(dm_auth.digest(user, secret, nonce)) == wanted


def test_mac():
    for user, secret, nonce, body, wanted in (
        ("Bruce2", "OhBehave", b"Nonce", b"<SyncML/>", b"urdCeS3JUmjFgi8SX3webw=="),
        ("dm", "dm", bytes(range(16)), b"\x02\x00\x00\x6a\x1d", b"+5oJHEQjFkGsvZ3Ta2miJg=="),
    ):
        assert dm_auth.b64(dm_auth.mac(user, secret, nonce, md5(body).digest())) == wanted


def test_every_argument_matters():
    codes = [CODE]
    for user, secret, nonce, body in (
        ("bruce2", "OhBehave", b"Nonce", b"<SyncML/>"),
        ("Bruce2", "OhBehave ", b"Nonce", b"<SyncML/>"),
        ("Bruce2", "OhBehave", b"nonce", b"<SyncML/>"),
        ("Bruce2", "OhBehave", b"Nonce\x00", b"<SyncML/>"),
        ("Bruce2", "OhBehave", b"Nonce", b"<SyncML />"),
        ("Bruce2:OhBehave", "", b"Nonce", b"<SyncML/>"),
    ):
        codes.append(dm_auth.mac(user, secret, nonce, md5(body).digest()))
    for i in range(len(codes)):
        assert codes[i] not in codes[:i]


def test_base64():
    for i in range(70):
        data = bytes(range(i))
        text = dm_auth.b64(data)
        assert b"\n" not in text
        assert dm_auth.from_b64(text) == data
        assert dm_auth.from_b64(memoryview(b" " + text + b"\r\n")) == data
        assert dm_auth.from_b64(text.rstrip(b"=")) == data
    for bad in (b"Q", b"Q===", b"QQ==QQ==", b"Q Q==", b"QR==", b"QQ-_", b"\xff", b"QUJD\x00", b"!"):
        assert dm_auth.from_b64(bad) is None, bad


def test_the_header_as_we_write_it():
    text = dm_auth.header("Bruce2", CODE)
    assert text == 'algorithm=MD5, username="Bruce2", mac=urdCeS3JUmjFgi8SX3webw=='
    assert parse_header(text) == ("Bruce2", CODE)
    assert parse_header(dm_auth.header("p\u00e4ss", CODE)) == ("p\u00e4ss", CODE)


def test_the_headers_of_others():
    mac = "urdCeS3JUmjFgi8SX3webw=="
    for text in (
        'algorithm=MD5, username="u", mac=%s',
        'algorithm=MD5,username="u",mac="%s"',
        "algorithm=MD5, mac=%s, username=u",
        'username="u", mac=%s',
        'mac=%s,username="u"',
        'MAC = %s , UserName = "u" , Algorithm = md5 ',
        '\talgorithm="MD5",\tusername="u",\tmac="%s"',
        'username="u", mac=%s, realm="a,b"',
        'username="u", mac=%s,',
    ):
        assert parse_header(text % mac) == ("u", CODE), text
        assert parse_header(text % mac[:-2]) == ("u", CODE), text


def test_names_with_signs_in_them():
    for user in ("a,b", "a=b", "a, mac=QQ==", "", "u@example.com", "a b", "\u00fc"):
        assert parse_header(dm_auth.header(user, CODE)) == (user, CODE)


def test_the_hexadecimal_form():
    for digits in (HEX, HEX.upper()):
        text = 'algorithm=MD5, username="u", mac=%s' % str(dm_auth.b64(digits), "utf-8")
        assert parse_header(text) == ("u", CODE)
        assert parse_header(text.rstrip("=")) == ("u", CODE)


def test_no_header():
    mac = "mac=urdCeS3JUmjFgi8SX3webw=="
    for text in (
        "",
        ",",
        "=",
        '"',
        mac,
        'username="u"',
        'username="u", mac=',
        'username="u", mac',
        'username="u", mac=""',
        'username="u", mac=urdC!S3JUmjFgi8SX3webw==',
        'username="u", mac=urdCeS3JUmjFgi8SX3we',  # fifteen bytes
        'username="u", mac=urdCeS3JUmjFgi8SX3webwAA',  # eighteen
        'username="u", mac=' + str(dm_auth.b64(b"z" * 32), "utf-8"),
        'algorithm=SHA1, username="u", ' + mac,
        'algorithm=, username="u", ' + mac,
        'username="u, ' + mac,
        "Basic QnJ1Y2UyOk9oQmVoYXZl",
    ):
        assert parse_header(text) == (None, b""), text


def test_a_header_cut_short_never_proves():
    text = dm_auth.header("Bruce2", CODE)
    for size in range(len(text) - 2):  # without the padding it is whole
        assert parse_header(text[:size]) == (None, b"")


def test_same():
    assert dm_auth.same(b"", b"") and dm_auth.same(CODE, bytes(CODE)) and dm_auth.same(CODE, memoryview(CODE))
    for i in range(128):
        other = bytearray(CODE)
        other[i >> 3] ^= 1 << (i & 7)
        assert not dm_auth.same(CODE, other) and not dm_auth.same(other, CODE)
    for size in range(16):
        assert not dm_auth.same(CODE, CODE[:size]) and not dm_auth.same(CODE[:size], CODE)
    assert not dm_auth.same(CODE, CODE + b"\x00")
