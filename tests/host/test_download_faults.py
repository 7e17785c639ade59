"""Wrong answers and wrong certificates of download servers, in virtual time: each ends in its code, or passes."""

import pytest

from ports.sim.web_server import Tamper, serve_file
from tests.host.faulty import FILE, NOTIFY, PACKAGE, SIZE, K, failed, healed, once, spoilt, world
from tests.host.scripted import order
from tests.soak import goods

# --- wrong answers of the download server

ANSWERS = {401: (406, 2), 403: (406, 2), 404: (411, 2), 410: (411, 2), 412: (411, 2), 400: (409, 1), 418: (409, 1)}
ANSWERS.update({416: (402, 2), 500: (500, 9), 502: (500, 9), 503: (412, 9), 429: (412, 9)})


@pytest.mark.parametrize("status", ANSWERS)
def test_a_status_for_the_package(status):
    code, gets = ANSWERS[status]
    bench = world(package=lambda fields: (status, (), b"no"))
    failed(bench, code, 905 if status == 416 else 954)
    assert [path for _, _, path, _ in bench.gets].count("/p.fup") == gets
    assert [path for _, _, path, _ in bench.gets].count("/d.dd") == (2 if code in (402, 406, 411) else 1)


@pytest.mark.parametrize("status", ANSWERS)
def test_a_status_for_the_descriptor(status):
    """Nobody is known who could be told but the management server."""
    code, gets = ANSWERS[status]
    bench = world(descriptor=lambda fields: (status, (), b"no"))
    failed(bench, code, 0)
    assert len(bench.gets) == (1 if code in (406, 411) else gets)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503])
def test_a_status_that_passes(status):
    left = [status]

    def serve(fields):
        return (left.pop(), (), b"") if left else serve_file(fields, PACKAGE, "application/octet-stream", '"one"')

    healed(world(package=serve))


def test_retry_after_is_heeded():
    at = []

    def busy(fields):
        at.append(bench.clock.ms())
        late = (503, (("Retry-After", "700"),), b"")
        return late if len(at) < 3 else serve_file(fields, PACKAGE, "application/octet-stream", '"one"')

    bench = world(package=busy)
    healed(bench)
    assert all(700000 <= after - before < 760000 for before, after in zip(at[:3], at[1:3], strict=False))


@pytest.mark.parametrize("by", [40, -40, -len(PACKAGE) + 10, 100000])
def test_a_wrong_length_of_the_package(by):
    tamper = Tamper(length=len(PACKAGE) + by)
    failed(spoilt(world(), {"other": lambda m, path, n: tamper if path == "/p.fup" else None}), 402, 905)


@pytest.mark.parametrize("by", [40, -40, -len(PACKAGE) + 10, 100000])
def test_a_wrong_length_of_the_package_without_a_descriptor(by):
    """What is announced and never comes does no harm where all of the package is there."""
    tamper = Tamper(length=len(PACKAGE) + by)
    bench = spoilt(world(order("dau", FILE)), {"other": lambda m, path, n: tamper})
    if by == 40:
        healed(bench, posted=False)
    else:
        failed(bench, 501 if by > 0 else 402, 0)


@pytest.mark.parametrize("by", [7, -7])
def test_a_wrong_size_in_the_descriptor(by):
    failed(world(descriptor=goods.descriptor(FILE, len(PACKAGE) + by, NOTIFY)), 402, 905)


@pytest.mark.parametrize("length", [-1, None])
def test_a_package_without_a_length(length):
    chunked = lambda fields: (200, (("ETag", '"one"'),), iter([PACKAGE[:9000], PACKAGE[9000:]]))  # noqa: E731
    if length is None:
        healed(world(package=chunked))
    else:
        tamper = Tamper(length=-1, keep=False)
        healed(spoilt(world(), {"other": lambda m, path, n: tamper if path == "/p.fup" else None}))


def test_more_than_announced_in_chunks():
    """The descriptor is the only one that says a size, and it is not true."""
    chunked = lambda fields: (200, (("ETag", '"one"'),), iter([PACKAGE[:9000], PACKAGE[9000:]]))  # noqa: E731
    failed(world(package=chunked, descriptor=goods.descriptor(FILE, len(PACKAGE) - 40, NOTIFY)), 402, 905)


def broken_once(then, at=42 * K):
    """Return a package's server that breaks off once, and goes on as `then(fields)` says."""
    count = []

    def serve(fields):
        count.append(fields.get("range"))
        if len(count) == 1:
            return serve_file(fields, PACKAGE, "application/octet-stream", '"one"')
        return then(fields)

    return spoilt(world(package=serve), once("other", 1, Tamper("reset", at))), count


def whole(fields, tag='"one"', data=PACKAGE):
    """Answer 200 with everything, whatever was asked for."""
    return serve_file({}, data, "application/octet-stream", tag)


@pytest.mark.parametrize("at", [3 * K, 20 * K, 42 * K])
def test_200_for_206(at):
    bench, asked = broken_once(whole, at)
    healed(bench)


@pytest.mark.parametrize("tag", ["", 'W/"one"', '"x' + "y" * 300 + '"'])
def test_etags_that_cannot_be_used(tag):
    def serve(fields):
        assert "if-range" not in fields
        return serve_file(fields, PACKAGE, "application/octet-stream", tag)

    def tamper(method, path, number):
        return Tamper("reset", 42 * K) if number == 1 else None

    healed(spoilt(world(package=serve), {"other": tamper}))


@pytest.mark.parametrize("where", ["range", "whole"])
def test_the_file_changed_meanwhile(where):
    """It is fetched from its beginning, once; what is in flash of the other one counts for nothing."""
    other = goods.package(goods.OTHER, encoding="none", size=SIZE)

    def changed(fields):
        return serve_file({} if where == "whole" else fields, other, "application/octet-stream", '"two"')

    bench, asked = broken_once(changed)
    bench.run(20000)
    assert bench.results == [("a", 200)] and bench.device.version == goods.OTHER and bench.record.job.restarts == 1
    assert bench.posts[0][2] == "900 Success" and len(bench.posts) == 1


def test_the_file_changes_all_the_time():
    files = [goods.package(goods.OTHER, encoding="none", size=SIZE), goods.package("9.0", encoding="none", size=SIZE)]
    count = []

    def serve(fields):
        count.append(fields.get("range"))
        data = ([PACKAGE] + files * 5)[len(count) - 1]
        return serve_file(fields, data, "application/octet-stream", '"%d"' % len(count))

    bench = spoilt(
        world(package=serve), {"other": lambda m, path, n: Tamper("reset", 42 * K) if path == "/p.fup" else None}
    )
    failed(bench, 402, 905)


@pytest.mark.parametrize("text", ["bytes 0-9/10", "bytes 7-8/*", "nonsense", "bytes 99999999999999999999-1/2", ""])
def test_a_wrong_content_range(text):
    def part(fields):
        if not fields.get("range"):
            return whole(fields)
        return 206, (("Content-Range", text), ("ETag", '"one"')), b"x" * 50

    bench, asked = broken_once(part)
    healed(bench)
    assert bench.record.job.restarts == 1 and len([each for each in asked if each]) == 1


def test_416_once():
    left = [416]

    def gone(fields):
        if fields.get("range") and left:
            return left.pop(), (), b""
        return serve_file(fields, PACKAGE, "application/octet-stream", '"one"')

    bench, asked = broken_once(gone)
    healed(bench)
