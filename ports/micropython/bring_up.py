"""What a board file's NETWORK means: the interface that is brought up, and the Network over it."""

from binascii import a2b_base64

from agent.errors import FlashError

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def make_network(port, facts, kind, more):
    """Return the Network that the factory facts describe; `kind` is "wifi", "wired", "serial", None, or (kind, options)."""
    if kind is not None and not isinstance(kind, str):
        kind, more = kind
    ca = der_of(facts.get("ca_pem", ""))
    if kind == "serial":
        from ports.micropython import serial_net

        return serial_net.make(port, facts, **more)
    from ports.micropython.net import Network

    if kind == "wifi":
        from ports.micropython.wifi import Wifi

        networks = [(str(name), str(key)) for name, key in facts.get("wifi", ())]
        return Network(ca, link=Wifi(networks, port.clock, port.log, **more))
    if kind == "wired":
        from ports.micropython.wired import Lan, maker

        return Network(ca, link=Lan(maker(more), port.clock, port.log))
    if kind is None:
        return Network(ca)
    raise FlashError("the board file names a network of the kind %s: wifi, wired or serial" % kind)


def der_of(pem):
    """Return the certificates in a text, as bytes: most boards can read no other form."""
    found = []
    for part in pem.split(_BEGIN)[1:]:
        found.append(a2b_base64("".join(part.split(_END)[0].split())))
    return tuple(found)
