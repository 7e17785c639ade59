"""An update in virtual time with a management server and a download server of its own, for tests of what goes wrong."""

from flash_tools.server.dm.commands import Get
from tests.host.scripted import Bench, order
from tests.soak import goods

K = goods.K
SIZE = 44 * K
PACKAGE = goods.package(goods.NEW, encoding="none", size=SIZE)
FILE, NOTIFY, WHERE = "https://other/p.fup", "https://other/notify", ("other", "/p.fup")
DD = goods.descriptor(FILE, len(PACKAGE), NOTIFY)


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
