"""URLs as far as a device follows them: http and https, no user, printable characters only. Pure functions."""

from agent.compat import const
from agent.errors import ProtocolError

MAX_URL = const(1024)


def split(url):
    """Return (secure, host with port, the rest from the slash on); ProtocolError where it is no URL that we follow."""
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in ("http", "https") or len(url) > MAX_URL:
        raise ProtocolError("not a URL of http or https", 411)
    for byte in url.encode():  # not the characters: each would stay in memory as a name
        if not 0x21 <= byte <= 0x7E:
            raise ProtocolError("the URL has a character that it cannot have", 411)
    i = _host_end(rest.encode())
    host, path = rest[:i], rest[i:]
    if not host or "@" in host:
        raise ProtocolError("the URL has no host, or a user", 411)
    return scheme == "https", host.lower(), path if path[:1] == "/" else "/" + path


def _host_end(rest):
    for i in range(len(rest)):
        if rest[i] in b"/?#":
            return i
    return len(rest)


def resolve(base, uri):
    """Return the URL that `uri` means when it stands in an answer from `base`."""
    if ":" in uri.partition("/")[0].partition("?")[0]:
        return uri  # it has a scheme of its own
    secure, host, path = split(base)
    top = ("https://" if secure else "http://") + host
    if uri[:2] == "//":
        return ("https:" if secure else "http:") + uri
    if uri[:1] == "/":
        return top + uri
    path = path.partition("?")[0].partition("#")[0]
    if uri[:1] == "?":
        return top + path + uri
    return top + _flat(path.rpartition("/")[0] + "/" + uri)


def _flat(path):
    """Return the path without its steps in place and upwards."""
    path, mark, query = path.partition("?")
    kept = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == ".." and kept:
            kept.pop()
        elif part not in (".", ".."):
            kept.append(part)
    if parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept) + mark + query


def follow(base, uri):
    """Return where a redirect or a RespURI leads, None where it must not be followed.

    Never from https to http; to another host only over TLS; nowhere where nothing is said.
    """
    if not uri:
        return None
    try:
        secure, host, _ = split(base)
        target = resolve(base, uri)
        new_secure, new_host, _ = split(target)
    except ProtocolError:
        return None
    if secure and not new_secure or host != new_host and not new_secure:
        return None
    return target
