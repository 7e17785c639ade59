"""A modem on a pseudo-terminal, and a decoder of what it is given: written from 3GPP 23.040, shares nothing with flash_tools."""

import os
import select
import threading
import tty

GSM_DIGITS = "0123456789*#abc"


class FakeModem:
    """`answers` changes what it says to a command: {"AT+CMGS": b"\\r\\n+CMS ERROR: 38\\r\\n"}; None is silence.

    `pdus` are what it was given, as (announced size, hex). `cut_after` closes the line after so many commands.
    """

    def __init__(self, answers=None, echo=True, noise=b"", cut_after=None, prompt=b"\r\n> "):
        self.answers, self.echo, self.noise, self.cut_after, self.prompt = answers or {}, echo, noise, cut_after, prompt
        self.commands, self.pdus, self.aborts = [], [], 0
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._ends, self._end = os.pipe()
        self._reference = 41
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        os.write(self._end, b"x")
        self._thread.join(10)
        for handle in (self._ends, self._end, self._slave):
            os.close(handle)
        if self._master is not None:
            os.close(self._master)

    def _run(self):
        typed, wanted = b"", None
        while True:
            ready, _, _ = select.select([self._master, self._ends], [], [], 30)
            if self._ends in ready or not ready:
                return
            try:
                typed += os.read(self._master, 4096)
            except OSError:
                return
            while typed:
                if typed[:1] == b"\x1b":
                    self.aborts += wanted is not None
                    typed, wanted = typed[1:], None
                elif wanted is not None:
                    if not (set(typed) & {0x1A, 0x1B}):
                        break
                    end = min(at for at in (typed.find(b"\x1a"), typed.find(b"\x1b")) if at >= 0)
                    if typed[end] == 0x1B:
                        typed = typed[end:]
                        continue
                    self.pdus.append((wanted, typed[:end].decode()))
                    self._reference += 1
                    typed, wanted = typed[end + 1 :], None
                    self._say("PDU", b"\r\n+CMGS: %d\r\n\r\nOK\r\n" % self._reference)
                elif b"\r" in typed:
                    command, _, typed = typed.partition(b"\r")
                    wanted = self._obey(command.decode("ascii", "replace"))
                else:
                    break
            if self._master is None:
                return

    def _obey(self, command):
        self.commands.append(command)
        if self.cut_after is not None and len(self.commands) > self.cut_after:
            os.close(self._master)
            self._master = None
            return None
        if self.echo:
            os.write(self._master, command.encode() + b"\r")
        self.echo = self.echo and command != "ATE0"
        name = command.split("=")[0]
        usual = {"AT+CPIN?": b"\r\n+CPIN: READY\r\n\r\nOK\r\n", "AT+CMGS": self.prompt}.get(name, b"\r\nOK\r\n")
        said = self.answers.get(name, usual)
        self._say(None, said)
        return int(command.split("=")[1]) if name == "AT+CMGS" and said == usual else None

    def _say(self, name, said):
        said = self.answers.get(name, said) if name else said
        if said is not None and self._master is not None:
            os.write(self._master, self.noise + said)


def decode_submit(size, text):
    """Return (number, data coding, validity, user data header elements, user data) of an SMS-SUBMIT as AT+CMGS takes it."""
    octets = list(bytes.fromhex(text))
    centre = octets.pop(0)
    del octets[:centre]
    assert len(octets) == size, "AT+CMGS counts the octets behind the service centre's address"
    first = octets.pop(0)
    assert first & 0b11 == 0b01, "SMS-SUBMIT"
    assert first & 0b0100_0000, "a user data header is announced"
    octets.pop(0)  # the modem's own reference
    digits, kind = octets.pop(0), octets.pop(0)
    number = ""
    for _ in range((digits + 1) // 2):
        pair = octets.pop(0)
        number += GSM_DIGITS[pair & 15] + (GSM_DIGITS[pair >> 4] if pair >> 4 < 15 else "")
    assert len(number) == digits
    number = {1: "+", 0: ""}[kind >> 4 & 7] + number
    assert octets.pop(0) == 0, "no special protocol"
    coding = octets.pop(0)
    validity = {0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3]
    valid = octets[:validity]
    del octets[:validity]
    assert octets.pop(0) == len(octets) <= 140, "eight-bit data are counted in octets"
    header = octets[1 : octets[0] + 1]
    data = octets[octets[0] + 1 :]
    elements = {}
    while header:
        name, count = header.pop(0), header.pop(0)
        elements[name], header = bytes(header[:count]), header[count:]
    return number, coding, valid, elements, bytes(data)


def gather(pdus):
    """Return (number, data) of the messages together, as a telephone does it."""
    parts, numbers, references = {}, set(), set()
    for size, text in pdus:
        number, coding, _, elements, data = decode_submit(size, text)
        assert coding & 0b1100_1100 == 0b0000_0100, "eight-bit data"
        assert int.from_bytes(elements[5][:2], "big") == 2948, "the WAP push port"
        reference, total, index = elements.get(0, b"\0\1\1")
        assert index not in parts and 1 <= index <= total == len(pdus)
        numbers.add(number)
        references.add(reference)
        parts[index] = data
    assert len(numbers) == len(references) == 1
    return numbers.pop(), b"".join(parts[index] for index in sorted(parts))
