"""Makes the interface of a board with a wired network: in memory only then."""


def make_nic(more):
    """Return the interface of the board: a WIZnet chip where the board file names its chip select, else the chip's own."""
    import network

    kind = "WIZNET5K" if "cs" in more else "LAN"
    if not hasattr(network, kind):
        raise OSError(19, "this firmware has no network.%s" % kind)
    if kind == "LAN":
        return network.LAN(**more)
    from machine import SPI, Pin

    wires: dict = {name: Pin(more[name]) for name in ("sck", "mosi", "miso") if name in more}
    spi = SPI(more.get("bus", 0), baudrate=more.get("hz", 10000000), **wires)
    return network.WIZNET5K(spi, Pin(more["cs"]), Pin(more["reset"]))
