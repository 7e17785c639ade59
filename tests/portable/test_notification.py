"""Package 0: what is authentic and wanted becomes a Trigger, everything else nothing at all."""

import binascii

from tests.portable.package0 import GOOD, NONCE, SERVER, UDH, USER, WSP, ZERO, Device, encode64, seal, trigger

MADE_BY_HAND = (
    (NONCE, 1, 1, b"d31a4d05a63d2882e28dfc0043f2f86d02d8000000123412636f6d2e6d676d747372762e6d616e616765"),
    (ZERO, 1, 0, b"4e94c58c36a8c50aabcdbe0c296b2ba702d0000000123412636f6d2e6d676d747372762e6d616e616765"),
)


def test_the_vectors():
    for nonce, ui_mode, initiator, text in MADE_BY_HAND:
        message = binascii.unhexlify(text)
        assert seal(message[16:], nonce) == message
        device = Device(nonce=nonce, known=nonce != ZERO)
        found = device.judge(message)
        assert (found.session_id, found.ui_mode, found.initiator) == (0x1234, ui_mode, initiator)
        assert found.account.name == "fw" and found.account.server_id == SERVER
        assert found.resync == (nonce == ZERO)


def test_every_field():
    for form in (bytes, bytearray, memoryview):
        assert Device().judge(form(GOOD)).session_id == 0x1234
    for ui_mode in range(4):
        for initiator in (0, 1):
            for session in (1, 0xA, 0xFF, 0x100, 0x8000, 0xFFFF):
                found = Device().judge(seal(trigger(session, ui_mode=ui_mode, initiator=initiator)))
                assert (found.session_id, found.ui_mode, found.initiator) == (session, ui_mode, initiator)
                assert not found.resync


def test_the_bits_for_the_future_are_overlooked():
    for bit in range(27):
        found = Device().judge(seal(trigger(ui_mode=0, initiator=0, future=1 << bit)))
        assert (found.session_id, found.ui_mode, found.initiator) == (0x1234, 0, 0), bit


def test_versions():
    lines = []
    for version in list(range(16)) + [1 << bit for bit in range(4, 10)] + [11 | 1 << 9, 1023]:
        device = Device(log=lambda text, *arguments: lines.append(text % arguments))
        assert bool(device.judge(seal(trigger(version=version)))) == (version in (10, 11, 12)), version
    assert lines == ["notification of version 10", "notification of version 12"]
    assert Device().judge(seal(trigger(version=12))), "without a log"


def test_the_session_id_zero():
    device = Device()
    for session in range(1, 9):
        assert device.judge(seal(trigger(0))) is None
        device.nonces.begin(session)


def test_every_flipped_bit():
    device = Device()
    for bit in range(len(GOOD) * 8):
        data = bytearray(GOOD)
        data[bit >> 3] ^= 0x80 >> (bit & 7)
        assert device.judge(data) is None, bit
    assert device.judge(GOOD)


def test_cut_at_every_length():
    device = Device()
    for message in (GOOD, WSP + GOOD, UDH + WSP + GOOD, seal(trigger(vendor=b"vendor"))):
        for size in range(len(message)):
            assert device.judge(message[:size]) is None, size


def test_a_server_id_longer_than_the_body():
    for more in (1, 2, 200):
        body = bytearray(trigger())
        body[7] += more
        assert Device().judge(seal(bytes(body))) is None


def test_vendor_bytes_belong_to_the_digest():
    for vendor in (b"\x00", b"\x01\x02vendor", bytes(256)):
        assert Device().judge(seal(trigger(vendor=vendor)))
        assert Device().judge(GOOD + vendor) is None
        assert Device().judge(seal(trigger(vendor=vendor)) + b"\x00") is None


def test_server_ids():
    for server in ("s", "x" * 255, "\u00fc" * 127, "a:b"):
        found = Device(server).judge(seal(trigger(server=server), user=server))
        assert found.account.server_id == server
    for server in ("", "t", SERVER[:-1], SERVER + "x", SERVER.upper(), b"\xff\xfe", "other server"):
        user = server if isinstance(server, str) else SERVER
        assert Device().judge(seal(trigger(server=server), user=user)) is None, server


def test_an_account_that_proves_nothing():
    assert Device(server="").judge(seal(trigger(server="", vendor=b"x"), user="")) is None
    assert Device(secret="").judge(seal(trigger(), secret="")) is None
    assert Device(nonce=b"").judge(seal(trigger(), b"")) is None
    assert Device(nonce=ZERO).judge(seal(trigger(), ZERO)) is None
    assert Device(nonce=b"\x00").judge(seal(trigger(), encode64(b"\x00"))) is None


def test_the_user_name_instead_of_the_server_id():
    assert Device().judge(seal(trigger(), user=USER))
    assert Device().judge(seal(trigger(), user="fw")) is None
    assert Device().judge(seal(trigger(), secret="Secret")) is None


def test_the_nonces_that_the_server_may_have():
    device = Device()
    for nonce in (NONCE, encode64(NONCE)):
        device.restart()
        assert device.judge(seal(trigger(), nonce))
    counter = device.nonces.counter
    for number in range(12):
        device.restart()
        found = device.judge(seal(trigger(), device.nonces.derive(counter << 8 | number)))
        assert bool(found) == (1 <= number <= 8), number
    device.nonces.proved(device.accounts.account("fw"), counter << 8 | 2)
    device.restart()
    assert device.judge(GOOD) is None, "the provisioned one has been used"
    assert device.judge(seal(trigger(), device.nonces.derive(counter << 8 | 1))) is None
    for number in (2, 3):  # the last one may be all that the server has: it was told no other since
        device.restart()
        assert device.judge(seal(trigger(), device.nonces.derive(counter << 8 | number)))


def test_nothing_is_stored_or_used_up():
    device = Device()
    values, writes = dict(device.journal.values), device.journal.writes
    for session in (1, 2, 3):
        assert device.judge(seal(trigger(session)))
        device.clock.sleep_ms(60000)
    assert device.journal.values == values and device.journal.writes == writes
    assert not device.nonces.had_session(1)


def test_replay():
    device = Device()
    assert device.judge(GOOD)
    device.nonces.begin(0x1234)
    for other in range(1, 8):
        device.clock.sleep_ms(100000)
        assert device.judge(GOOD) is None
        device.nonces.begin(other)
    device.restart()
    assert device.judge(GOOD) is None
    device.nonces.begin(8)
    assert device.judge(GOOD), "only the last eight are kept: then the nonce has to have changed"


def test_one_a_minute():
    device = Device()
    assert device.judge(seal(trigger(1)))
    for wait in (0, 1, 58999, 999):
        device.clock.sleep_ms(wait)
        assert device.judge(seal(trigger(2))) is None
    device.clock.sleep_ms(1)
    assert device.judge(seal(trigger(2)))
    assert device.judge(seal(trigger(3))) is None


def test_the_forged_do_not_count():
    device = Device()
    assert device.judge(seal(trigger(1), secret="guess")) is None
    assert device.judge(seal(trigger(2)))


class _Wrapping:
    """Wraps like ticks_ms and ticks_diff: what lies more than half a circle back is negative."""

    now = (1 << 30) - 10000

    def ms(self):
        return self.now & 0x3FFFFFFF

    def since(self, then):
        return (self.ms() - then + (1 << 29) & 0x3FFFFFFF) - (1 << 29)


def test_a_clock_that_wraps():
    device = Device()
    device.clock = _Wrapping()
    device.restart()
    start = device.clock.now
    assert device.judge(seal(trigger(1)))
    device.clock.now = start + 59999
    assert device.judge(seal(trigger(2))) is None
    device.clock.now = start + (1 << 29) + 5
    assert device.clock.since(start) < 0
    assert device.judge(seal(trigger(0xFFFF), secret="guess")) is None
    device.clock.now = start + (1 << 30) + 5
    assert device.judge(seal(trigger(2))), "it looks recent, but the minute was seen to be over"


def test_the_special_nonce_once():
    device = Device(known=False)
    assert device.judge(seal(trigger(1), ZERO, secret="guess")) is None
    assert device.judge(seal(trigger(1), ZERO)).resync
    device.clock.sleep_ms(100000)
    assert device.judge(seal(trigger(2), ZERO)) is None
    assert not device.judge(seal(trigger(3))).resync


def test_the_special_nonce_only_where_nothing_is_known():
    assert Device().judge(seal(trigger(), ZERO)) is None
    device = Device(known=False)
    device.nonces.begin(7)
    assert device.judge(seal(trigger(), ZERO)) is None
    device.restart()
    assert device.judge(seal(trigger(), ZERO)) is None
    assert device.judge(GOOD)


def test_framing():
    text = b"application/vnd.syncml.notification\x00"
    for frame in (
        b"",
        WSP,
        b"\xff" + WSP[1:],
        UDH + WSP,
        b"\x0b\x05\x04\x0b\x84\xc0\x02\x00\x03\x07\x01\x01" + WSP,  # the only part of one
        b"\x01\x06\x01\xc4",
        b"\x01\x06\x00",
        b"\x01\x06" + bytes([len(text) + 2]) + text + b"\xaf\x87",
        b"\x00" + WSP,  # an empty UDH
    ):
        assert Device().judge(frame + GOOD), frame
    for frame in (
        b"\x01\x07\x03\xc4\xaf\x87",
        b"\x01\x06\x04\xc4\xaf\x87",
        b"\x01\x06\x83\xc4\xaf\x87",
        UDH,
        WSP + WSP,
    ):
        assert Device().judge(frame + GOOD) is None, frame


def test_a_digest_that_looks_like_framing():
    found = 0
    for i in range(600):
        message = seal(trigger(vendor=bytes([i >> 8, i & 255])))
        if message[1] == 6 or message[message[0] + 2 : message[0] + 3] == b"\x06":
            assert Device().judge(message) and Device().judge(WSP + message)
            found += 1
    assert found


def test_noise():
    device = Device()
    state = 1
    for size in range(400):
        data = bytearray(size)
        for i in range(size):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            data[i] = state >> 16 & 255
        assert device.judge(data) is None
        for at, byte in ((1, 6), (2, size & 63), (23, max(0, size - 24) & 255)):
            if at < size:
                data[at] = byte
        assert device.judge(data) is None
