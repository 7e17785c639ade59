"""Orders firmware versions as people do: 1.10 is above 1.9, 2.0-rc1 below 2.0. Versions come from devices: any text is one."""

import re

MAX_VERSION = 255
_TOKENS = re.compile(r"[0-9]+|[^\W\d_]+")


def version_key(text: str) -> tuple:
    """Return what sorts as the version does; 1.2 and 1.2.0 are the same."""
    text = re.sub(r"^[vV](?=[0-9])", "", text.strip()[:MAX_VERSION])
    text, _, build = text.partition("+")
    release, *pre = re.split(r"[-~](?=[A-Za-z])", text, maxsplit=1)
    numbers = _tokens(release)
    while numbers and numbers[-1] == (1, 0, ""):
        numbers.pop()
    return (tuple(numbers), not pre, tuple(_tokens("".join(pre))), tuple(_tokens(build)))


def _tokens(text):
    """Digits stay text, shorter below longer: int() of a hostile version is slow or refused."""
    found = []
    for token in _TOKENS.findall(text):
        digits = token.lstrip("0") if token.isascii() and token.isdigit() else None
        found.append((0, 0, token) if digits is None else (1, len(digits), digits))
    return found
