"""Short messages: what a modem is told, what it may answer, and what happens then."""

import socket
import time

import pytest

from flash_tools.errors import BusyError, NotFoundError, SilentError, ToolError, UsageError
from flash_tools.serial_line import open_line
from flash_tools.target import parse
from flash_tools.waking import modem, notify, sms
from tests.host.fake_modem import FakeModem, decode_submit, gather

NUMBER = "+491701234567"
PACKAGE = notify.FromAccount(notify.Account("com.example.dm", "secret", bytes(range(16)))).make(session=0x1234)


def send(fake, package=PACKAGE, number=NUMBER):
    line = open_line(parse("serial:" + fake.path, "serial"), 0.05)
    return notify.send_sms(notify.messages(package, number), line)


def test_a_modem_is_given_what_a_device_reads():
    with FakeModem() as fake:
        assert send(fake) == [42]
    number, data = gather(fake.pdus)
    assert number == NUMBER and data == PACKAGE.framed() and data.endswith(PACKAGE.body)
    assert fake.commands[0] == "AT" and "AT+CMGF=0" in fake.commands and fake.commands[-1].startswith("AT+CMGS=")


def test_what_is_long_goes_in_parts():
    long = notify.FromAccount(notify.Account("s" * 250, "secret", b"nonce")).make()
    with FakeModem(echo=False) as fake:
        assert send(fake, long) == [42, 43, 44]
    assert gather(fake.pdus) == (NUMBER, long.framed())


@pytest.mark.parametrize("size", [1, 132, 133, 134, 255, 256, 257, 8 * 128])
def test_every_length_arrives_whole(size):
    data = bytes(at % 251 for at in range(size))
    made = sms.pdus(data, NUMBER, 7)
    assert gather([(pdu.size, pdu.text) for pdu in made]) == (NUMBER, data)
    assert len(made) == (1 if size <= 133 else -(-size // 128))


def test_what_would_be_a_book_is_refused():
    with pytest.raises(UsageError, match="at most 8"):
        sms.pdus(bytes(8 * 128 + 1), NUMBER, 7)


@pytest.mark.parametrize(
    "given, read", [("+49 170 / 123-45-67", "+491701234567"), ("110", "110"), ("0170123456", "0170123456")]
)
def test_numbers(given, read):
    pdu = sms.pdus(b"x", given, 7)[0]
    assert decode_submit(pdu.size, pdu.text)[0] == read


@pytest.mark.parametrize("number", ["", "+", "12", "+49x", "1" * 16, "49+123", "١٢٣٤", "+4917\n"])
def test_what_is_no_number(number):
    with pytest.raises(UsageError):
        sms.pdus(b"x", number, 7)


@pytest.mark.parametrize(
    "seconds, octet",
    [
        (1, 0),
        (300, 0),
        (301, 1),
        (43200, 143),
        (43201, 144),
        (86400, 167),
        (86401, 168),
        (30 * 86400, 196),
        (35 * 86400, 197),
        (10**9, 255),
    ],
)
def test_how_long_the_network_tries(seconds, octet):
    pdu = sms.pdus(b"x", NUMBER, 7, seconds)[0]
    assert decode_submit(pdu.size, pdu.text)[2] == [octet]


@pytest.mark.parametrize("prompt", [b"> ", b">", b"\r> ", b"\n> ", b"\r\n>"])
@pytest.mark.parametrize("echo", [True, False])
def test_modems_ask_for_the_message_in_many_ways(prompt, echo):
    with FakeModem(prompt=prompt, echo=echo) as fake:
        fake.answers["ATE0"] = b"\r\nERROR\r\n"
        assert send(fake) == [42]
    assert gather(fake.pdus) == (NUMBER, PACKAGE.framed())


def test_news_of_the_network_in_between_are_no_answers():
    with FakeModem(noise=b'\r\n+CREG: 1\r\n\r\n+CMTI: "SM",3\r\nRING\r\n') as fake:
        assert send(fake) == [42]
    assert gather(fake.pdus)[1] == PACKAGE.framed()


@pytest.mark.parametrize(
    "answers, kind, text",
    [
        ({"PDU": b"\r\n+CMS ERROR: 38\r\n"}, modem.ModemError, "out of order"),
        ({"PDU": b"\r\n+CMS ERROR: 9999\r\n"}, modem.ModemError, "9999"),
        ({"PDU": b"\r\n+CMS ERROR: network timeout\x1b[31m\r\n"}, modem.ModemError, "network timeout"),
        ({"PDU": b"\r\nERROR\r\n"}, modem.ModemError, "does not say why"),
        ({"PDU": b"\r\nOK\r\n"}, ToolError, "no reference"),
        ({"AT+CMGS": b"\r\n+CMS ERROR: 304\r\n"}, modem.ModemError, "does not take the PDU"),
        ({"AT+CMGS": b"\r\n+CMS ERROR: 311\r\n"}, BusyError, "PIN"),
        ({"AT+CMGF": b"\r\n+CME ERROR: 10\r\n"}, modem.ModemError, "no SIM"),
        ({"AT+CPIN?": b"\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"}, BusyError, "SIM PUK"),
        ({"AT+CPIN?": b"\r\n+CME ERROR: 12\r\n"}, BusyError, "PUK"),
        ({"PDU": b"x" * 5000}, ToolError, "no modem"),
    ],
)
def test_what_a_modem_refuses_is_one_line(answers, kind, text):
    with FakeModem(answers) as fake, pytest.raises(kind, match=text) as told:
        send(fake)
    assert "\n" not in str(told.value) and "\x1b" not in str(told.value)


def test_an_answer_that_came_late_is_not_the_next_ones():
    answers = {"AT": b"\r\nOK\r\n\r\nOK\r\n", "AT+CMGF": b"\r\n+CMS ERROR: 303\r\n"}
    with FakeModem(answers) as fake, pytest.raises(modem.ModemError, match=r"refuses AT\+CMGF"):
        send(fake)


def test_commands_that_a_modem_does_not_know_are_done_without():
    with FakeModem({"AT+CPIN?": b"\r\nERROR\r\n", "AT+CMEE": b"\r\nERROR\r\n", "ATE0": b"\r\nERROR\r\n"}) as fake:
        assert send(fake) == [42]


@pytest.fixture
def hasty(monkeypatch):
    for name in ("_COMMAND_S", "_PROMPT_S", "_SEND_S", "_HELLO_S", "_SETTLE_S"):
        monkeypatch.setattr(modem, name, 0.3)


@pytest.mark.parametrize(
    "name, text",
    [("AT", "no modem answers"), ("AT+CMGF", r"AT\+CMGF"), ("AT+CMGS", "did not ask"), ("PDU", "AT.CMGS in time")],
)
def test_silence_ends(hasty, name, text):
    started = time.monotonic()
    with FakeModem({name: None}) as fake, pytest.raises(SilentError, match=text):
        send(fake)
    assert time.monotonic() - started < 8


def test_a_modem_that_waits_for_a_dead_ones_message_is_freed(hasty):
    with FakeModem() as fake:
        line = open_line(parse("serial:" + fake.path), 0.05)
        line.write(b"AT+CMGS=20\r")
        until = time.monotonic() + 5
        while not fake.commands and time.monotonic() < until:
            line.read(1)
        line.close()
        assert send(fake) == [42]
    assert fake.aborts == 1 and len(fake.pdus) == 1


@pytest.mark.parametrize("after", range(6))
def test_a_line_that_drops_is_7(hasty, after):
    with FakeModem(cut_after=after) as fake, pytest.raises((SilentError, ToolError)) as told:
        send(fake)
    assert told.value.exit_code == 7 and "\n" not in str(told.value)


def test_the_second_part_may_fail_and_says_so():
    long = notify.FromAccount(notify.Account("s" * 250, "secret", b"nonce")).make()
    with FakeModem() as fake:
        line = open_line(parse("serial:" + fake.path), 0.05)
        real = line.write
        line.write = lambda data: (
            (fake.answers.update({"PDU": b"\r\n+CMS ERROR: 42\r\n"}) if fake.pdus else None) or real(data)
        )
        with pytest.raises(modem.ModemError, match="part 2 of 3 was not sent"):
            notify.send_sms(notify.messages(long, NUMBER), line)


def test_a_port_is_there_and_is_one_programs():
    with pytest.raises(NotFoundError):
        open_line(parse("serial:/dev/ttyNOWHERE"), 0.05)
    with FakeModem() as fake:
        line = open_line(parse("serial:" + fake.path), 0.05)
        with pytest.raises(BusyError):
            send(fake)
        line.close()


@pytest.mark.parametrize(
    "text, address",
    [("h", ("h", 2948)), ("127.0.0.1:9", ("127.0.0.1", 9)), ("[::1]:9", ("::1", 9)), ("[fe80::1]", ("fe80::1", 2948))],
)
def test_addresses(text, address):
    assert notify.udp_address(text) == address


@pytest.mark.parametrize("text", ["", ":9", "h:", "h:0", "h:99999", "h:x", "h/p", "u@h", "[::1", "h:9:9"])
def test_what_is_no_address(text):
    if text == "h:":
        assert notify.udp_address(text) == ("h", 2948)
        return
    with pytest.raises(UsageError):
        notify.udp_address(text)


def test_nobody_listening_is_noticed_where_the_host_says_so():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        place = "127.0.0.1:%d" % taken.getsockname()[1]
        notify.send_udp(b"hello", place)
        assert taken.recv(99) == b"hello"
    with pytest.raises(NotFoundError, match="nobody listens"):
        notify.send_udp(b"hello", place)
