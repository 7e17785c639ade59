"""A device in virtual time among servers that mean harm: what it may cost, and that it works again when they are gone."""

import itertools

from tests.host.scripted import Bench, order
from tests.soak import goods

K = goods.K
PACKAGE = goods.package(goods.NEW, encoding="none")
FILE, NOTIFY = "https://other/p.fup", "https://other/notify"
DD = goods.descriptor(FILE, len(PACKAGE), NOTIFY)
SIZE = len(PACKAGE)
DAY_MS = 86400000
SLACK = 24 * K  # of TLS handshakes, heads and bytes on their way, for each connection


def world(package=PACKAGE, descriptor=DD, script=None, **options):
    """Return a bench whose download server is `other`."""
    files = {("other", "/d.dd"): descriptor, ("other", "/p.fup"): package}
    return Bench(script or order("dau", "https://other/d.dd"), files=files, **options)


def endures(bench, codes, tries=2, announced=SIZE, hours=24):
    """Run; the update must fail in time and at that cost, and the firmware that ran must run."""
    bench.run(2 * 86400)
    assert bench.results and bench.results[0][1] in codes and len(set(bench.results)) == 1, (
        bench.results,
        bench.said[-3:],
    )
    assert bench.device.version == goods.OLD and bench.record.idle and bench.device.boots == 1
    done_ms = bench.sessions[-1][0] - bench.sessions[0][0]
    assert done_ms < hours * 3600000, done_ms
    cost = bench.net.down.bytes
    assert cost < announced * tries + SLACK * bench.net.connections, (cost, bench.net.connections)
    return bench


def works_again(bench):
    """The server is another one: the same device takes an update."""
    bench.files[("bench", "/good.fup")] = PACKAGE
    bench.policies["bench"]._scripts[:] = [order("dau", "/good.fup", "later")] * 3
    bench.run(20000)
    assert ("later", 200) in bench.results and bench.device.version == goods.NEW, (bench.results, bench.said[-5:])


def forever(piece):
    """Return a body without an end, in chunks."""
    return itertools.repeat(piece)
