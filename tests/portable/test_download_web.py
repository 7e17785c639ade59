"""Downloads with the real HTTP client over the simulated network: both ends, and a link that fails in between."""

from agent.download import Source
from agent.errors import LinkError
from agent.install_notify import InstallNotify
from agent.web import Web
from ports.sim.clock import Clock
from ports.sim.link import Link
from ports.sim.net import Network
from ports.sim.web_server import Tamper, WebServer, serve_file
from tests.portable.web_script import DATA, START, TYPES, User, make_job, refused

_ADDRESS = "192.0.2.1"
_DD = "<media><type>%s</type><size>%d</size><objectURI>f</objectURI><installNotifyURI>n</installNotifyURI></media>"


class _World:
    def __init__(self, tamper=None):
        self.told = []
        self.server = WebServer(self._answer, tamper)
        self.net = Network(Clock(), Link(), {("bench", 80): self.server}, {"bench": _ADDRESS})
        self.web = Web(self.net, self.net.clock, lambda below: 0)
        self.source = Source(self.web, User(), self.net.clock, TYPES)
        self.job = make_job("http://bench/a.dd")
        self.into = memoryview(bytearray(4096))

    def _answer(self, method, path, fields, body):
        if method == "POST":
            self.told.append(body)
            return 204, (), b""
        if path == "/f":
            return serve_file(fields, DATA, tag='"1"')
        if path == "/chunks":
            return 200, (), (DATA[at : at + 5000] for at in range(0, len(DATA), 5000))
        return 200, (), (_DD % (TYPES[0], len(DATA))).encode()

    def read(self, offset, count):
        stream = self.source.open(self.job, offset, 200000)
        try:
            out = b""
            for _ in range(20000):
                told = stream.read_into(self.into[: min(4096, count - len(out))])
                if told == 0:
                    return out
                if told is None:
                    self.net.doze_ms(20)
                else:
                    out += bytes(self.into[:told])
                    if len(out) == count:
                        return out
        finally:
            stream.close()
        raise AssertionError("no end")

    def requests(self):
        return [path for _, path in self.server.requests]


def test_descriptor_package_notification_over_one_connection():
    world = _World()
    connects = []
    connect = world.net.connect
    world.net.connect = lambda *to: connects.append(to) or connect(*to)
    assert world.read(0, len(DATA)) == DATA
    notify = InstallNotify(world.web, world.net.clock)
    notify.post(world.job.notify, 900)
    while (told := notify.step()) is None:
        world.net.doze_ms(20)
    assert told and world.told == [b"900 Success"]
    assert world.server.requests == [("GET", "/a.dd"), ("GET", "/f"), ("POST", "/n")] and len(connects) == 1


def test_going_on():
    world = _World()
    assert world.read(0, START) == DATA[:START]
    assert world.read(70000, 20000) == DATA[70000:90000]
    assert world.read(95000, len(DATA)) == DATA[95000:]
    assert world.requests() == ["/a.dd", "/f", "/f"]


def test_a_session_in_between():
    world = _World()
    assert world.read(0, START) == DATA[:START]
    session = world.web.open("GET", "http://bench/a.dd")
    while not session.poll():
        world.net.doze_ms(20)
    session.close()
    assert world.read(5000, len(DATA)) == DATA[5000:]


def test_chunks():
    world = _World()
    world.job.url = "http://bench/chunks"
    assert world.read(0, len(DATA) + 9) == DATA
    assert world.read(70000, len(DATA)) == DATA[70000:]


def test_faults_of_the_link_and_going_on_after_them():
    for kind, numbers in (("reset", (503, 903)), ("close", (503, 903)), ("stall", (407, 903))):
        for at in (1, START, 40000, len(DATA) - 1):
            world = _World(lambda method, path, number: Tamper(kind, at) if number == 1 else None)
            error = refused(lambda: world.read(0, len(DATA)), numbers[0], numbers[1])
            assert isinstance(error, LinkError) and not error.final
            assert world.read(0, START) == DATA[:START] and world.read(40000, len(DATA)) == DATA[40000:]


def test_a_wrong_length():
    for length in (len(DATA) - 1, len(DATA) + 1):
        world = _World(lambda method, path, number: Tamper(length=length, keep=False) if number == 1 else None)
        refused(lambda: world.read(0, len(DATA)), 402, 905)


def test_slow_loris():
    for number in (0, 1):
        world = _World(lambda method, path, count: Tamper(rate=1) if count == number else None)
        before = world.net.clock.ms()
        refused(lambda: world.read(0, len(DATA)), 407, 903)
        assert world.net.clock.since(before) < 300000
