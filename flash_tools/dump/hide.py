"""What a dump never shows: secrets, nonces, and what a URL may carry of them. Their sizes are shown instead."""

from urllib.parse import urlsplit, urlunsplit


def hidden(data) -> str:
    """Return what stands for a secret."""
    return "hidden, %d %s" % (len(data), "characters" if isinstance(data, str) else "bytes")


def text(data) -> str:
    """Return bytes as text, whatever they are."""
    return bytes(data).decode("utf-8", "replace")


def url(value: str) -> str:
    """Return a URL without user, query and fragment."""
    try:
        parts = urlsplit(value)
        host = parts.netloc.rpartition("@")[2]
        shown = urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        return "hidden, no URL"
    rest = [name for name, part in (("user", "@" in parts.netloc), ("query", parts.query)) if part]
    return shown + (" (%s hidden)" % ", ".join(rest) if rest else "")
