"""The bytes of a Raspberry Pi's autoboot.txt: read as its boot ROM reads them, written so that no cut can mix them.

At most one sector of 512 bytes, only the filters [all], [none] and [tryboot], only numbers. Everything else is refused: what
the ROM makes of it is nobody's promise.
"""

from agent.compat import const
from agent.errors import FlashError

MOST = const(512)
_DIGITS = const(9)
_FILTERS = (b"[all]", b"[none]", b"[tryboot]")
_AB = "tryboot_a_b"
_PARTITION = "boot_partition"


def evaluate(data, trial):
    """Return {name: number} of what holds in a normal boot, or in a trial; raise FlashError for what is no such file."""
    if len(data) > MOST:
        raise FlashError("it has %d bytes or more, the boot ROM takes %d" % (len(data), MOST))
    found, holds = {}, True
    for number, line in enumerate(bytes(data).split(b"\n")):
        line = line.strip(b" \t\r")
        if not line or line[:1] == b"#":
            continue
        if line[:1] == b"[":
            if line not in _FILTERS:
                raise FlashError("line %d is no filter that may be there" % (number + 1))
            holds = line == b"[all]" or (line == b"[tryboot]" and trial)
        else:
            name, value = _setting(line, number + 1)
            if holds:
                found[name] = value
    return found


def partitions(data):
    """Return (partition of a normal boot, partition of a trial); 0 for a trial that would not be one of another partition."""
    plain, trial = evaluate(data, False), evaluate(data, True)
    normal = plain.get(_PARTITION, 0)
    if not normal:
        raise FlashError("it names no boot_partition")
    return normal, trial.get(_PARTITION, 0) if trial.get(_AB) == 1 and trial.get(_PARTITION) != normal else 0


def render(normal, trial, before=b""):
    """Return the file for these two partitions; what else `before` says is kept."""
    plain, tried = evaluate(before, False), evaluate(before, True)
    for settings in (plain, tried):
        for name in (_AB, _PARTITION):
            settings.pop(name, None)
    lines = ["[all]", "%s=1" % _AB, "%s=%d" % (_PARTITION, normal)]
    lines.extend(["%s=%d" % (name, plain[name]) for name in sorted(plain)])
    lines.extend(["[tryboot]", "%s=%d" % (_PARTITION, trial)])
    lines.extend(["%s=%d" % (name, tried[name]) for name in sorted(tried) if tried[name] != plain.get(name)])
    data = ("\n".join(lines) + "\n").encode()
    if len(data) > MOST:
        raise FlashError(
            "autoboot.txt would have %d bytes, the boot ROM takes %d: take settings out" % (len(data), MOST)
        )
    return data


def _setting(line, number):
    """Return (name, value) of a line."""
    name, _, value = line.partition(b"=")
    name, value = name.strip(b" \t"), value.strip(b" \t")
    for char in name:
        if not (48 <= char <= 57 or 97 <= char <= 122 or char == 95):
            name = b""
    if not name or not value or len(value) > _DIGITS or value.strip(b"0123456789"):
        raise FlashError("line %d is no setting with a number" % number)
    return str(name, "ascii"), int(value)
