"""What a user may add to a chip's place: `/dev/spidev0.0?hz=20000000&mode=0`."""

from urllib.parse import parse_qsl

from flash_tools.errors import UsageError


def split(place: str, *known: str) -> tuple[str, dict[str, str]]:
    """Return the place without its options, and those; one that is not `known` is refused."""
    path, _, text = place.partition("?")
    try:
        options = dict(parse_qsl(text, strict_parsing=True, keep_blank_values=True)) if text else {}
    except ValueError:
        raise UsageError("%s: options are written ?name=value&name=value" % place) from None
    for name in options:
        if name not in known:
            raise UsageError("%s: there is no option %s, only %s" % (place, name, ", ".join(known)))
    return path, options


def number(options: dict[str, str], name: str, usual: int, least: int, most: int) -> int:
    """Return a number among the options."""
    text = options.get(name)
    if text is None:
        return usual
    try:
        value = int(text, 0)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise UsageError("%s is a number from %d to %d, not %s" % (name, least, most, text))
    return value
