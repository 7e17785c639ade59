"""The loop of the recovery: answers what comes in whole frames, feeds, and ends when it should."""

import struct

from hal import cbor, recovery
from hal.smp_frame import Receiver, send
from ports.sim.clock import Clock
from tests.portable.smp_bench import READ, WRITE, Target, Uart, message

ECHO = (WRITE, 0, 0, {"d": "hello"})
RESET = (WRITE, 0, 5, {})


def frames(*requests):
    """Return what a client sends; bytes stand for themselves."""
    lines = []
    for request in requests:
        if isinstance(request, bytes):
            lines.append(request)
        else:
            send(lines.append, message(*request))
    return b"".join(lines)


def run(incoming, until_ms=1000, clock=None, **more):
    """Run; return (reason, what was answered, virtual time)."""
    clock, uart, found = clock or Clock(), Uart(incoming), []
    reason = recovery.run(uart, clock, more.pop("feed", lambda: None), Target(), until_ms, **more)
    receiver = Receiver(
        2048, lambda answer: found.append((struct.unpack_from(">H", answer, 4)[0], cbor.read(bytes(answer[8:]))))
    )
    receiver.feed(uart.sent)
    return reason, found, clock.ms()


def test_answers_until_the_reset():
    reason, found, _ = run(frames(ECHO, (READ, 0, 6, {}), RESET))
    assert reason == recovery.RESET
    assert found == [(0, {"r": "hello"}), (0, {"buf_size": 1024, "buf_count": 1}), (0, {})]


def test_the_answer_has_time_to_leave():
    assert run(frames(RESET))[2] >= 50


def test_ends_when_nobody_speaks():
    reason, found, now = run(b"")
    assert reason == recovery.TIMEOUT and found == [] and 1000 <= now < 1050


def test_noise_is_not_speaking():
    """A line that never falls silent must not keep the board here."""
    clock = Clock()
    uart = Uart()

    def noise(into):
        clock.advance_us(10000)
        into[:4] = b"\x06\x09A\n"
        return 4

    uart.read_into = noise
    assert recovery.run(uart, clock, lambda: None, Target(), 1000) == recovery.TIMEOUT
    assert clock.ms() < 1100


def test_the_time_begins_again_with_each_message():
    clock, uart, last = Clock(), Uart(), []

    def late(into):
        if clock.ms() < 3000 and clock.ms() - (last[-1] if last else 0) > 800:
            last.append(clock.ms())
            data = frames(ECHO)
            into[: len(data)] = data
            return len(data)
        return 0

    uart.read_into = late
    assert recovery.run(uart, clock, lambda: None, Target(), 1000) == recovery.TIMEOUT
    assert len(last) == 3 and last[-1] + 1000 <= clock.ms() <= last[-1] + 1050


def test_what_is_no_request_does_not_count():
    clock, uart = Clock(), Uart()

    def answers(into):
        clock.advance_us(10000)
        data = frames((READ + 1, 0, 0, {}))
        into[: len(data)] = data
        return len(data)

    uart.read_into = answers
    assert recovery.run(uart, clock, lambda: None, Target(), 1000) == recovery.TIMEOUT
    assert uart.sent == b""


def test_noise_between_messages():
    noise = b"boot\r\n\x06\x09\n\x04\x14\x06\x06\x06 \xff\x00"
    reason, found, _ = run(frames(noise, ECHO, noise, ECHO, noise, RESET))
    assert reason == recovery.RESET and len(found) == 3


def test_feeds_and_blinks():
    fed, lit = [], []
    run(b"", 2000, feed=lambda: fed.append(1), led=lit.append)
    assert len(fed) > 100 and len(lit) > 100 and sum(lit) in range(len(lit) // 3, len(lit) * 2 // 3)
