"""The network goes wrong at every step of an update: each fault ends in its code, or in success after resuming.

In virtual time: every message, every KiB. test_network_faults_live.py has a selection of it over real sockets.
"""

import pytest

from flash_tools.server.dm_commands import Get
from ports.sim.web_server import Tamper, serve_file
from tests.host.scripted import Bench, both, nothing, order, read
from tests.soak import goods

K = goods.K
SIZE = 44 * K
PACKAGE = goods.package(goods.NEW, encoding="none", size=SIZE)
FILE, NOTIFY, WHERE = "https://other/p.fup", "https://other/notify", ("other", "/p.fup")
DD = goods.descriptor(FILE, len(PACKAGE), NOTIFY)
SOON_MS = 120000
AUTHS = [("md5", True), ("MAC", False)]


def world(*scripts, descriptor=DD, package=PACKAGE, **options):
    """Return a bench whose management server is `bench`, and whose download server is `other`."""
    files = {("other", "/d.dd"): descriptor, WHERE: package}
    scripts = scripts or (order("dau", "https://other/d.dd", then=([Get(["./FUMO/State"])],)),)
    return Bench(*scripts, files=files, **options)


def until_accepted(script):
    """Return scripts that order again as long as the server has not seen a 202."""

    def again(session, bench):
        if not any(command.status == 202 for command in bench.execs):
            yield from script(session, bench)

    return (again,) * 4


def healed(bench, posted=True, seconds=20000, boots=2):
    """Run; the update must succeed, and all that both servers hear must be the same thing."""
    bench.run(seconds)
    assert bench.results and set(bench.results) == {("a", 200)}, (bench.results, bench.said[-5:])
    assert {text for _, _, text in bench.posts} == ({"900 Success"} if posted else set())
    assert bench.record.idle and bench.device.version == goods.NEW and bench.device.boots == boots


def failed(bench, code, dlota, seconds=20000):
    """Run; the update must end with that code, and the old firmware goes on."""
    bench.run(seconds)
    assert bench.results and set(bench.results) == {("a", code)}, (bench.results, bench.said[-5:])
    assert {int(text[:3]) for _, _, text in bench.posts} == ({dlota} if dlota else set())
    assert bench.record.idle and bench.device.version == goods.OLD and bench.device.boots == 1
    assert bench.agent.update.state == 20


def once(host, number, tamper):
    """Return a function for `tamper`: the answer to request `number` at a host is spoilt, and no other."""

    def spoil(method, path, count):
        return tamper if count == number else None

    return {host: spoil}


def spoilt(bench, by_host):
    """Let faults befall a bench, host by host."""
    for host, tamper in by_host.items():
        bench.servers[host].tamper = tamper
    return bench


# --- every message

BREAKS = {
    "lost": Tamper("reset", 0, head=True),
    "reset in the head": Tamper("reset", 20, head=True),
    "reset in the body": Tamper("reset", 30),
    "closed in the body": Tamper("close", 40),
    "closed without an answer": Tamper("close", 0, head=True),
    "stalls": Tamper("stall", 25),
    "says nothing": Tamper("stall", 0, head=True),
    "late": Tamper(delay_ms=40000),
    "too late": Tamper(delay_ms=70000),
    "nonsense": Tamper(raw=b"HTTP/1.1 OK\r\n\r\n"),
    "no HTTP": Tamper(raw=b"\x16\x03\x01 SSH-2.0 \r\n\r\n"),
    "closes behind each": Tamper(keep=False),
    "slow": Tamper(rate=400),
}


def clean_requests():
    """Return how many requests a clean update makes at each host."""
    bench = world()
    healed(bench)
    return {host: len(server.requests) for host, server in bench.servers.items()}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("host", ["bench", "other"])
def test_every_message(host, name):
    count = clean_requests()[host]
    assert count >= 3
    for number in range(count):
        bench = spoilt(world(), once(host, number, BREAKS[name]))
        bench.net.lose = 0
        healed(bench)


@pytest.mark.parametrize("kind", ["refuse", "unreachable", "tls", "reset", "close", "stall"])
def test_every_connection(kind):
    bench = world()
    healed(bench)
    for number in range(bench.net.connections):
        healed(world(script=lambda host, port, n, number=number: (kind, 0, 0) if n == number else None))


@pytest.mark.parametrize("kind", ["refuse", "reset", "stall"])
def test_away_for_a_while(kind):
    """Three connections in a row fail, whichever is the first."""
    for first in range(6):
        healed(world(script=lambda host, port, n, first=first: (kind, 0, 0) if first <= n < first + 3 else None))


@pytest.mark.parametrize("status", [404, 500, 503])
def test_the_management_server_answers_with_an_http_status(status):
    for number in range(clean_requests()["bench"]):
        bench, seen = world(*until_accepted(order("dau", "https://other/d.dd"))), []
        handle = bench.servers["bench"].handler

        def handler(method, path, fields, body, handle=handle, number=number, seen=seen):
            seen.append(path)
            return (status, (), b"") if len(seen) == number + 1 else handle(method, path, fields, body)

        bench.servers["bench"].handler = handler
        healed(bench)


# --- every KiB of a download


@pytest.mark.parametrize("kind", ["reset", "close", "stall"])
def test_every_kib(kind):
    for at in range(0, len(PACKAGE), K):
        asked = []

        def serve(fields, asked=asked):
            asked.append((fields.get("range"), fields.get("if-range")))
            return serve_file(fields, PACKAGE, "application/octet-stream", '"one"')

        bench = spoilt(world(package=serve), once("other", 1, Tamper(kind, at)))
        healed(bench)
        ranges = [each for each in asked if each[0]]
        assert all(etag == '"one"' for _, etag in ranges), "a range only of the same file"
        assert len(ranges) == (at >= 33 * K), "less than 32 KiB is read again instead"
        served = bench.servers["other"].bytes_out
        assert served < len(PACKAGE) + at + 40 * K, "what is in flash is not fetched for nothing"


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_again_and_again(kind):
    """Each connection carries 13 KiB more than the last one: blocks that were noted count."""
    cuts = iter(range(13 * K, 10 * SIZE, 13 * K))
    bench = spoilt(world(), {"other": lambda m, path, n: Tamper(kind, next(cuts)) if path == "/p.fup" else None})
    healed(bench)
    assert len(bench.gets) > 3


@pytest.mark.parametrize("kind", ["reset", "close", "stall"])
def test_the_descriptor_at_every_byte(kind):
    for at in range(0, len(DD), 23):
        healed(spoilt(world(), once("other", 0, Tamper(kind, at))))


def test_a_slow_link():
    bench = world()
    bench.net.link.bits_per_s = 9600
    healed(bench)


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


# --- certificates and clocks


@pytest.mark.parametrize("kind", ["untrusted", "name", "dates"])
def test_a_wrong_certificate_of_the_download_server(kind):
    """The descriptor and the notification are elsewhere: the POST is possible."""
    bench = world(descriptor=goods.descriptor(FILE, len(PACKAGE), "https://bench/notify"))
    bench.files[("bench", "/d.dd")] = bench.files[("other", "/d.dd")]
    bench.policies["bench"]._scripts[:] = [order("dau", "/d.dd")]
    bench.net.certificates["other"] = kind
    failed(bench, 503, 954)
    assert not [get for get in bench.gets if get[2] == "/p.fup"] and len(bench.gets) == 1


@pytest.mark.parametrize("kind", ["untrusted", "name", "dates"])
def test_a_wrong_certificate_of_the_management_server(kind):
    bench = world()
    bench.net.certificates["bench"] = kind
    bench.run(3000)
    assert not bench.sessions and not bench.servers["bench"].requests, "nothing is said to somebody else"
    del bench.net.certificates["bench"]
    healed(bench, boots=3)


# --- management sessions


def test_the_202_is_lost():
    """The link goes when the Exec has been acted upon: the server hears of the result and of nothing before."""
    away = []
    bench = world(
        order("dau", "https://other/d.dd"), script=lambda host, port, n: away and host == "bench" and ("refuse", 0, 0)
    )

    def ask(bench, agent):
        if bench.execs and bench.execs[0].sent and not away:
            away.append(True)
            for stream in list(bench.net.streams):
                stream.connection and stream.connection.reset()
        if bench.posts and away == [True]:
            bench.net.script = None

    bench.ask = ask
    healed(bench)
    assert away and bench.execs[0].status is None and len(bench.results) == 1


@pytest.mark.parametrize("auth, tls", AUTHS)
def test_the_server_forgets_the_session(auth, tls):
    for number in range(5):
        bench = Bench(order("dau"), read("./FUMO/State"), auth=auth, tls=tls)
        came = []

        def forget(host, body, bench=bench, came=came, number=number):
            came.append(host)
            if len(came) == number + 1:
                bench.dms["bench"].forget()

        bench.policies["bench"]._scripts += [order("dau"), nothing]
        bench.on_dm = forget
        bench.run(20000)
        assert len(came) > number and bench.results and set(bench.results) == {("a", 200)}, (number, bench.results)


@pytest.mark.parametrize("what", ["client_nonce", "server_nonce"])
@pytest.mark.parametrize("auth, tls", AUTHS)
def test_a_stale_nonce_at_the_server(auth, tls, what):
    for number in range(1, 6):
        bench = Bench(order("dau"), nothing, auth=auth, tls=tls)
        came = []

        def spoil(host, body, bench=bench, came=came, number=number):
            came.append(host)
            if len(came) == number:
                setattr(bench.accounts["bench"], what, b"of another time!")

        bench.on_dm = spoil
        bench.policies["bench"]._scripts += [order("dau"), order("dau")]
        bench.run(20000)
        assert bench.results and set(bench.results) == {("a", 200)}, (number, bench.results, bench.said[-3:])


@pytest.mark.parametrize("fault", ["duplicate", "stale_nonce", "bad_digest", "no_final"])
@pytest.mark.parametrize("auth, tls", AUTHS)
def test_every_answer_is_wrong_once(auth, tls, fault):
    for number in range(1, 6):
        bench = Bench(order("dau"), nothing, auth=auth, tls=tls)
        came = []

        def spoil(host, body, bench=bench, came=came, number=number):
            came.append(host)
            if len(came) == number:
                setattr(bench.dms["bench"].faults, fault, 1)

        bench.on_dm = spoil
        bench.policies["bench"]._scripts += [order("dau"), order("dau")]
        bench.run(40000)
        assert bench.results and set(bench.results) == {("a", 200)}, (number, bench.results, bench.said[-3:])


@pytest.mark.parametrize("auth, tls", AUTHS)
def test_a_notification_after_a_session_that_ended_with_the_servers_word(auth, tls):
    """The server was told no new nonce then: the last one still opens a session."""
    bench = Bench(order("dau"), nothing, order("dau", "/3.fup", "b"), auth=auth, tls=tls)
    bench.files[("bench", "/3.fup")] = goods.package(goods.OTHER)
    told = []

    def ask(bench, agent):
        if bench.results and agent.quiet and not told and bench.clock.ms() > bench.sessions[-1][0] + 61000:
            told.append(bench.clock.ms())
            bench.notify()

    bench.ask = ask
    bench.run(1000)
    at, _, codes = bench.sessions[2]
    assert told and at - told[0] < 5000 and bench.results == [("a", 200), ("b", 200)]


# --- supersede


@pytest.mark.parametrize("how", ["notification", "poll"])
def test_supersede_in_the_middle_of_a_download(how):
    second = order("dau", "https://other/3.fup", "b")
    bench = world(order("dau", FILE), second, poll_interval_ms=60000 if how == "poll" else 3600000)
    bench.files[("other", "/3.fup")] = goods.package(goods.OTHER)
    bench.net.link.bits_per_s = 5000 if how == "poll" else 64000
    told = []

    def ask(bench, agent):
        if how == "notification" and agent.record.progress.package_at > 9000 and not told:
            told.append(True)
            bench.notify()

    bench.ask = ask
    bench.run(3000)
    assert bench.results == [("b", 200)] and bench.device.version == goods.OTHER
    assert [command.status for command in bench.execs] == [202, 202]
    assert bench.gets[0][2] == "/p.fup" and bench.gets[-1][2] == "/3.fup"
    assert len(bench.requests) >= (how == "poll")


def test_an_order_in_two_sessions_is_one():
    """The server did not see the 202 and says it again in the next session."""
    bench = world(order("dau", FILE), both(order("dau", FILE), read("./FUMO/State")))
    bench.net.link.bits_per_s, told = 64000, []

    def ask(bench, agent):
        if agent.record.progress.package_at > 9000 and not told:
            told.append(True)
            bench.notify()

    bench.ask = ask
    bench.run(3000)
    assert bench.results == [("a", 200)] and bench.values == [["30"]] and len(bench.execs) == 2
    assert [command.status for command in bench.execs] == [202, 202] and bench.device.boots == 2
