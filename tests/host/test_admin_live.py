"""Events as they happen: told, resumed, bounded; and how quickly the server stops while somebody reads."""

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from flash_tools.server.admin import events
from flash_tools.server.admin.hub import Hub
from tests.host.admin_office import TOKEN, Admin, FakeOffice, event, wait_until

STREAM = "text/event-stream"


@pytest.fixture
def admin():
    with Admin() as made:
        yield made


class Reader:
    """Reads a stream line by line."""

    def __init__(self, admin, query="", small=False, **headers):
        self.sock = socket.socket()
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(10)
        self.sock.connect(("127.0.0.1", admin.port))
        lines = ["GET /api/events%s HTTP/1.1" % query, "Host: localhost", "Authorization: Bearer " + TOKEN]
        lines += ["Accept: " + STREAM, *("%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items())]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = dict(line.decode().strip().lower().split(": ", 1) for line in iter(self.file.readline, b"\r\n"))
        self.text = ""

    def block(self):
        """Return the next block of lines; None at the end."""
        while "\n\n" not in self.text:
            size = self.file.readline()
            if not size.strip() or not int(size, 16):
                return None
            self.text += self.file.read(int(size, 16)).decode()
            self.file.readline()
        block, _, self.text = self.text.partition("\n\n")
        return block

    def event(self):
        """Return (id, EVENT) of the next event, past comments."""
        while (block := self.block()) is not None:
            lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "data" in lines:
                return lines.get("id"), json.loads(lines["data"])
        return None


@contextmanager
def reading(admin, query="", **options):
    reader = Reader(admin, query, **options)
    try:
        if reader.status == 200:
            assert reader.block() == "retry: 2000\n: events follow"
        yield reader
    finally:
        reader.file.close()
        reader.sock.close()


def test_events_as_a_list(admin):
    admin.office.kept = [event(1), event(2, "result", device="d\n2"), event(3)]
    assert [each["id"] for each in admin.ask("GET", "/api/events").json] == [1, 2, 3]
    assert [each["id"] for each in admin.ask("GET", "/api/events?after=1&limit=1").json] == [2]
    assert [each["id"] for each in admin.ask("GET", "/api/events?kinds=result,x&device=d%0A2").json] == [2]


def test_events_as_they_happen(admin):
    admin.office.kept = [event(1)]
    with reading(admin) as reader:
        assert reader.headers["content-type"] == STREAM + "; charset=utf-8" or reader.headers["content-type"] == STREAM
        admin.office.tell(event(2, text="a\nb\r\n\nid: 9\u2028\ud800"))
        admin.office.tell(event(0, "progress"))
        assert reader.event() == ("2", event(2, text="a\nb\r\n\nid: 9\u2028?"))
        assert reader.event() == (None, event(0, "progress")), "what is not kept has no number to resume at"


def test_a_reader_resumes(admin):
    admin.office.kept = [event(number) for number in range(1, 1301)]
    with reading(admin, Last_Event_ID="7") as reader:
        assert [reader.event()[0] for _ in range(1293)] == [str(number) for number in range(8, 1301)]
        admin.office.tell(event(1301))
        assert reader.event()[0] == "1301"
    with reading(admin, "?after=1300", Last_Event_ID="") as reader:
        assert reader.event()[0] == "1301"
    with reading(admin, "?after=5", Last_Event_ID="1300") as reader:
        assert reader.event()[0] == "1301", "the header is newer than the address"


def test_nothing_is_lost_or_told_twice_between_resuming_and_living(admin):
    admin.office.kept = [event(number) for number in range(1, 400)]
    plain = admin.office.timeline

    def timeline(**chosen):
        found = plain(**chosen)
        admin.office.timeline = plain
        admin.office.tell(event(400))  # while the past is read
        admin.office.tell(event(401))
        return found

    admin.office.timeline = timeline
    with reading(admin, Last_Event_ID="390") as reader:
        time.sleep(0.1)
        admin.office.tell(event(402))
        assert [reader.event()[0] for _ in range(12)] == [str(number) for number in range(391, 403)]


def test_a_number_from_another_store_hides_nothing(admin):
    with reading(admin, Last_Event_ID="999999") as reader:
        admin.office.tell(event(1))
        assert reader.event()[0] == "1"


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "9" * 30, "\u00b2"])
def test_a_number_that_is_none(admin, number):
    with reading(admin, Last_Event_ID=number.encode().decode("latin-1")) as reader:
        assert reader.status == 400


def test_a_reader_gets_what_it_asked_for(admin):
    with reading(admin, "?device=d2&kinds=result,report") as reader:
        admin.office.tell(event(1, "result", device="d1"))
        admin.office.tell(event(2, "contact", device="d2"))
        admin.office.tell(event(3, "report", device="d2"))
        assert reader.event()[0] == "3"


def test_comments_keep_it_alive(admin, monkeypatch):
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.05)
    with reading(admin) as reader:
        assert [reader.block(), reader.block()] == [": still here", ": still here"]


def test_a_slow_reader_is_sent_away_and_may_resume(admin, monkeypatch):
    monkeypatch.setattr(events, "QUEUE_MAX", 50)
    with reading(admin, small=True) as reader:
        for number in range(1, 3001):
            admin.office.tell(event(number, text="x" * 5000))
            if number % 100 == 0:
                time.sleep(0.005)
        seen, last = [], None
        while (block := reader.block()) is not None:
            last = block
            if block.startswith("id: "):
                seen.append(int(block.split("\n")[0][4:]))
    assert last.startswith(": you are too slow")
    assert seen == list(range(1, len(seen) + 1)) and len(seen) < 3000
    with reading(admin, Last_Event_ID=str(seen[-1])) as reader:
        assert reader.event()[0] == str(seen[-1] + 1)


def test_progress_goes_first(admin, monkeypatch):
    monkeypatch.setattr(events, "QUEUE_MAX", 100)
    answer = admin_stream(admin)
    for _ in range(500):
        answer._take(event(0, "progress"))
    for number in range(1, 41):
        answer._take(event(number))
    assert not answer._lost and len(answer._queue) == 91
    for number in range(41, 51):
        answer._take(event(number))
    assert answer._lost and len(answer._queue) == 100


def admin_stream(admin):
    class Everything:
        @staticmethod
        def matches(_):
            return True

    return events.EventStream(None, Everything, None)


def test_who_reads_nothing_is_dropped(admin, monkeypatch):
    monkeypatch.setattr(events, "SEND_S", 0.2)
    streams = admin.live.streams
    with reading(admin, small=True):
        for number in range(1, 2000):
            admin.office.tell(event(number, text="x" * 50_000))
        wait_until(lambda: streams.bound.used == 0)
        wait_until(lambda: not admin.listener._state.connections)  # nor is anything kept for it
    assert admin.ask("GET", "/health").status == 200


def test_who_leaves_is_forgotten(admin):
    streams = admin.live.streams
    for _ in range(3):
        with reading(admin):
            assert (streams.bound.used, streams.hub.count) == (1, 1)
        wait_until(lambda: (streams.bound.used, streams.hub.count) == (0, 0))
    assert len(admin.office.listeners) == 1, "one subscription for all"


def test_too_many_readers(admin):
    streams = admin.live.streams
    streams.bound.limit = 2
    with reading(admin), reading(admin), reading(admin) as third:
        assert third.status == 503 and third.headers["retry-after"]


def test_the_head_of_a_stream_does_not_stay(admin):
    assert admin.ask("HEAD", "/api/events", Accept=STREAM).status == 200


def test_an_event_after_the_end_harms_nobody():
    async def listen(hub):
        await hub.listen(print)

    office = FakeOffice()
    asyncio.run(listen(Hub(office)))
    office.tell(event(1))


# -- the end of the server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [False, True])
def test_the_server_stops_at_once(caplog, small):
    admin = Admin()
    admin.listener.start()
    admin.office.states["o1"] = {}
    waiters = [threading.Thread(target=quietly, args=(admin,)) for _ in range(3)]
    with reading(admin, small=small), reading(admin):
        for waiter in waiters:
            waiter.start()
        wait_until(lambda: admin.live.streams.hub.count == 5)
        if small:
            for number in range(1, 500):
                admin.office.tell(event(number, text="x" * 5000))
        began = time.monotonic()
        admin.listener.stop()
        assert time.monotonic() - began < 1
        admin.office.tell(event(1000))  # nobody is there, and nothing breaks
    for waiter in waiters:
        waiter.join(5)
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")], caplog.text


def quietly(admin):
    try:
        admin.ask("GET", "/api/orders/o1?wait=60")
    except OSError:
        pass
    except Exception as error:
        assert "RemoteDisconnected" in repr(error) or "IncompleteRead" in repr(error)
