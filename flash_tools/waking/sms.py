"""A notification as short messages: SMS-SUBMIT PDUs (3GPP 23.040) of eight-bit data to the WAP push port."""

import re
from dataclasses import dataclass

from flash_tools.errors import UsageError

PORT, FROM_PORT = 2948, 49154
MOST = 140  # octets of user data, its header among them
_MOST_PARTS = 8  # a device cannot be asked to gather more for a wake-up
_SUBMIT = 0x51  # with a header in front of the data, and one octet for how long it is worth keeping
_EIGHT_BIT = 0x04
_INTERNATIONAL, _NATIONAL = 0x91, 0x81
_PORTS, _CONCATENATED = 0x05, 0x00  # elements of the header
_HOUR_S = 3600
_NUMBER = re.compile(r"\+?[0-9]{3,15}")


@dataclass(frozen=True)
class Pdu:
    """One message as a modem wants it: the hex, and the octets that AT+CMGS counts."""

    text: str
    size: int


def pdus(data: bytes, number: str, reference: int, valid_s: int = 86400) -> list[Pdu]:
    """Return the messages that carry `data`; `reference` tells the parts of one from those of another."""
    address = _address(number)
    ports = bytes((_PORTS, 4)) + PORT.to_bytes(2, "big") + FROM_PORT.to_bytes(2, "big")
    parts = _parts(data, len(ports))
    made = []
    for index, part in enumerate(parts, 1):
        many = bytes((_CONCATENATED, 3, reference & 0xFF, len(parts), index)) if len(parts) > 1 else b""
        header = ports + many
        user_data = bytes((len(header),)) + header + part
        head = bytes((_SUBMIT, 0)) + address + bytes((0, _EIGHT_BIT, _validity(valid_s), len(user_data)))
        tpdu = head + user_data
        made.append(Pdu((b"\x00" + tpdu).hex().upper(), len(tpdu)))  # 00: the service centre that the SIM has
    return made


def check_number(number: str) -> str:
    """Return a telephone number that can be dialled."""
    plain = re.sub(r"[ ./()-]", "", number)
    if not _NUMBER.fullmatch(plain):
        raise UsageError("%r is no telephone number: 3 to 15 digits, with a + in front of the country" % number[:40])
    return plain


def _parts(data, ports):
    room = MOST - 1 - ports
    if len(data) <= room:
        return [data]
    room -= 5
    parts = [data[at : at + room] for at in range(0, len(data), room)]
    if len(parts) > _MOST_PARTS:
        raise UsageError("%d bytes would be %d messages: at most %d are sent" % (len(data), len(parts), _MOST_PARTS))
    return parts


def _address(number):
    digits = check_number(number)
    kind = _INTERNATIONAL if digits.startswith("+") else _NATIONAL
    digits = digits.lstrip("+")
    even = digits + "F" * (len(digits) % 2)
    return bytes((len(digits), kind)) + bytes(int(even[at + 1] + even[at], 16) for at in range(0, len(even), 2))


def _validity(seconds):
    """Return the octet that says for how long the network keeps trying: at least as long as asked for."""
    if seconds <= 12 * _HOUR_S:
        return max(-(-seconds // 300) - 1, 0)
    if seconds <= 24 * _HOUR_S:
        return 143 - ((12 * _HOUR_S - seconds) // 1800)
    if seconds <= 30 * 24 * _HOUR_S:
        return 166 - (-seconds // (24 * _HOUR_S))
    return min(192 - (-seconds // (7 * 24 * _HOUR_S)), 255)
