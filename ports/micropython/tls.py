"""What TLS needs beside a connection: its settings, and what a refused certificate means. In memory only where TLS is used."""

import ssl

from agent.errors import LinkError

_DATES = ("validity has expired", "validity starts in the future")


def make_context(ca, client):
    """Return the settings: `ca` and `client` as `Network` is given them. LinkError where they are of no use."""
    try:
        return _make_context(ca, client)
    except (OSError, ValueError) as e:
        raise LinkError("TLS cannot be set up: %s" % e, 503, 954, True)


def _make_context(ca, client):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    if not ca:
        raise ValueError("no certificate to trust")
    for trusted in ca:
        if isinstance(trusted, str):
            with open(trusted, "rb") as file:
                trusted = file.read()
        context.load_verify_locations(cadata=trusted)
    if client:
        context.load_cert_chain(*client)
    return context


def not_trusted(text):
    """Return the error for a certificate; mbedTLS says what is wrong with it, a line for each reason."""
    error = LinkError("certificate refused: " + " ".join(text.split()), 503, 954, True)
    reasons = [line for line in text.split("\n") if line]
    others = [line for line in reasons if not line.endswith(_DATES[0]) and not line.endswith(_DATES[1])]
    error.dates = bool(reasons) and not others
    return error
