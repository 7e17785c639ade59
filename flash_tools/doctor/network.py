"""Can a server be reached, and does it prove who it is: its name, its certificate's chain, dates and name."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from flash_tools.doctor.check import Check, fail, ok, skip, warn

_TIMEOUT_S = 5
_RESOLVE_S = 8  # the system's resolver may go on for a minute where no name server answers
_SOON_S = 14 * 86400
_DAY_S = 86400


def checks(url: str, ca_pem: str | None = None, now: float | None = None, prefix: str = "") -> Iterator[Check]:
    """Look at the way to a server; `ca_pem` is trusted instead of this machine's authorities."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        yield fail(prefix + "url", "this is no http or https URL", "give it like https://host:8443")
        return
    addresses = _resolve(host, port)
    if addresses is None:
        do = "see /etc/resolv.conf, and whether the servers there can be reached"
        yield fail(prefix + "name", "no name server has told within %d s what %s is" % (_RESOLVE_S, host), do)
        return
    if not addresses:
        yield fail(prefix + "name", "%s is not known" % host, "check the name, and the name server of this machine")
        return
    yield ok(prefix + "name", "%s is %s" % (host, ", ".join(addresses)))
    if parts.scheme == "http":
        yield _reach(host, port, prefix)
        yield warn(prefix + "tls", "%s is plain http" % host, "use https, or an account with MAC in both directions")
    else:
        yield from _tls(host, port, ca_pem, now, prefix)


def is_literal(host: str) -> bool:
    """Tell whether that is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _resolve(host, port):
    """Return the addresses, none where there is no such name, None where nobody has told in time."""
    found = []

    def ask():
        try:
            found.append(sorted({info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}))
        except (OSError, UnicodeError):
            found.append([])

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_RESOLVE_S)
    return found[0] if found else None


def _reach(host, port, prefix):
    try:
        with socket.create_connection((host, port), _TIMEOUT_S):
            return ok(prefix + "reach", "%s:%d answers" % (host, port))
    except OSError as e:
        return _unreachable(host, port, e, prefix)


def _unreachable(host, port, error, prefix):
    why = error.strerror or str(error) or "no answer"
    return fail(
        prefix + "reach", "%s:%d does not answer: %s" % (host, port, why), "start the server, or open the way to it"
    )


def _tls(host, port, ca_pem, now, prefix):
    name = prefix + "tls"
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError):
        yield fail(name, "what should be trusted is no certificate", "give the PEM of the authority with --ca")
        return
    try:
        plain = socket.create_connection((host, port), _TIMEOUT_S)
    except OSError as e:
        yield _unreachable(host, port, e, prefix)
        return
    with contextlib.closing(plain):
        yield ok(prefix + "reach", "%s:%d answers" % (host, port))
        try:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                yield _certificate(tls, time.time() if now is None else now, name)
        except ssl.SSLCertVerificationError as e:
            yield fail(name, "the certificate is not accepted: %s" % e.verify_message, _remedy(e))
        except TimeoutError:
            text = "the handshake is not over after %d s: it crawls, or nobody there speaks TLS" % _TIMEOUT_S
            yield fail(
                name, text, "look at the link (losses, MTU: ping -M do -s 1400), the port, and the server's load"
            )
        except OSError as e:
            yield fail(
                name, "TLS fails: %s" % (getattr(e, "reason", None) or e), "check that the port speaks TLS 1.2 or newer"
            )


def _certificate(tls, now, name):
    left = ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"]) - now
    text = "%s, the certificate is good for %d days" % (tls.version(), left // _DAY_S)
    if left < _SOON_S:
        return warn(name, text, "renew the server's certificate")
    return ok(name, text)


def _remedy(error):
    text = error.verify_message
    if "expired" in text or "not yet valid" in text:
        return "renew the certificate, or set the clock of this machine"
    if "mismatch" in text or "valid for" in text:
        return "use the name that the certificate has, or make one for this name"
    return "trust the server's authority: --ca FILE here, ca_pem in a board's provisioning"


def nothing() -> Iterator[Check]:
    """Say that no server was named."""
    yield skip("server", "no server is named: --url")
