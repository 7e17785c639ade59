"""How near a download comes to what the link and the chip alone would need, over the simulated network of ports/sim.

The time from the first bit of the answer to the verified bank, divided by the larger of two bounds:

link time    all bytes of the answer (head, package) and 40 bytes of TCP/IP headers for each full segment of them, at the
             link's rate; nothing for acknowledgements, which go the other way
flash bound  flash_time.bound_us: 64 KiB erases, page programs, the bus, one read-back, all at the chip's typical times

The whole path is real: Update, Installer, Source, Web with its window of 1,152 bytes. The bytes that the application holds
are one packed block and one chunk, 4 KiB each.
"""

from agent.download import Source
from agent.job import DOWNLOAD_ONLY, NO_BANK
from agent.web import Web
from ports.sim import firmware
from ports.sim.device import IDLE
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.server import Server
from ports.sim.tcp import HEADERS
from ports.sim.web_server import WebServer, serve_file
from tests.bench.device import make_device
from tests.bench.flash_time import MIB, bound_us

_URL = "http://bench/firmware.fup"
_HOST, _ADDRESS = "bench", "192.0.2.1"
_CASES = (
    ("download_efficiency", {}),
    ("download_efficiency_rtt0", {"rtt_ms": 0}),
    ("download_efficiency_rtt50", {"rtt_ms": 50}),
    ("download_efficiency_rtt100", {"rtt_ms": 100}),
    ("download_efficiency_window6400", {"window": 6400}),
    ("download_efficiency_mss800", {"window": 6400, "mss": 800}),  # lwIP as a stock Pico W has it
)


class Bench(Server):
    """Serves the package over the network and stops the time at the verified bank."""

    def __init__(self, packages, orders, flash):
        super().__init__(packages, orders)
        self._flash = flash
        self.network = self.stopped_us = self.stream = None

    def attach(self, link):
        """Make the network."""
        web_server = WebServer(self._answer)
        self.network = Network(self._flash.clock, link, {(_HOST, 80): web_server}, {_HOST: _ADDRESS})
        self.web_server = web_server

    def _answer(self, method, path, fields, body):
        return serve_file(fields, self.packages[_URL], tag='"1"')

    def mounted(self, device):
        """Make what downloads, and stop where a verified bank is noted, before anything is put."""
        connect, record = self.network.connect, device.update.record
        clear = record.progress.clear

        def note_stream(*args):
            self.stream = connect(*args)
            return self.stream

        def stop():
            if record.package.bank != NO_BANK and not self.stopped_us:
                self.stopped_us = self._flash.clock.us
            clear()

        self.network.connect, record.progress.clear = note_stream, stop
        self._source = Source(Web(self.network, device.clock, device.random), None, device.clock, ("application/x",))

    def open(self, job, offset, capacity):
        """Return a stream over the network."""
        return self._source.open(job, offset, capacity)

    @property
    def taken_us(self):
        """Return the time from the first bit to the verified bank."""
        return self.stopped_us - self.stream.first_us


def run(encoding="none", **link):
    """Download 1 MiB; return the server afterwards."""
    device = make_device(firmware.GOOD, MIB, encoding, Bench)
    bench = device.server
    bench.orders = ((DOWNLOAD_ONLY, _URL, "bench", 0),)
    device.flash.load({name: at for name, at, _ in device.layout}["bank1"], b"\x5a" * MIB)
    bench.attach(Link(**link))
    device._sleep = lambda wait_ms: (device.watchdog.feed(), bench.network.doze_ms(min(wait_ms, 1000)))
    assert device.boot() == IDLE
    assert bench.stopped_us, "the download has not come to its end"
    return bench


def link_us(size, link):
    """Return how long an answer of so many bytes occupies the link."""
    segments = (size + link.mss - 1) // link.mss
    return (size + segments * HEADERS) * 8000000 // link.bits_per_s


def efficiency(bench):
    """Return the time taken over the larger bound."""
    least = max(link_us(bench.web_server.bytes_out, bench.network.link), bound_us(MIB))
    return round(bench.taken_us / least, 4)


def measure():
    """Return the figures."""
    return {name: efficiency(run(**link)) for name, link in _CASES}
