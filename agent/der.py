"""ECDSA signatures as other tools write them (DER) turned into the 64 bytes that the agent checks; strict, or refused."""

from agent.errors import PackageError


def to_raw(signature):
    """Return r and s, 32 bytes each; raise PackageError for anything but the one right form of it."""
    if len(signature) < 2 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        raise _wrong()
    r, at = _integer(signature, 2)
    s, at = _integer(signature, at)
    if at != len(signature):
        raise _wrong()
    return r + s


def _integer(data, at):
    """Return (32 bytes, offset behind) of a positive integer in its shortest form."""
    if at + 2 > len(data) or data[at] != 0x02:
        raise _wrong()
    size, at = data[at + 1], at + 2
    value = bytes(data[at : at + size])
    if not 0 < size <= 33 or len(value) != size or value[0] & 0x80:
        raise _wrong()
    if value[0] == 0 and (size == 1 or not value[1] & 0x80):
        raise _wrong()
    number = int.from_bytes(value, "big")
    if number >> 256:
        raise _wrong()
    return number.to_bytes(32, "big"), at + size


def _wrong():
    return PackageError("the signature is not an ECDSA signature in DER", 404)
