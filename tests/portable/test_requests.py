"""When the device asks for an update: jitter keeps its bounds, users are not refused without need, nothing asks without end."""

from agent.requests import DEVICE, FIRMWARE, NO_ANSWER, USER, Requests
from tests.portable.test_wall_time import DAY, WrappingClock, make_journal

DIGEST = bytes(range(32))
LEAST, MOST = "least", "most"


class Account:
    alert_source, alert_format, request_data = "", "int", ""


class Device:
    """Requests with a clock that wraps; `chance` is the least or the most that random numbers give."""

    def __init__(self, chance=LEAST, known=True, journal=None, version="1.0", digest=DIGEST, interval_s=DAY):
        self.clock, self.chance = WrappingClock(), chance
        self.journal = journal or make_journal()
        if known:
            self.start(version, digest, interval_s).told()
        self.start(version, digest, interval_s)

    def start(self, version="1.0", digest=DIGEST, interval_s=DAY):
        self.requests = Requests(self.clock, self.random, self.journal, version, digest, interval_s * 1000)
        return self.requests

    def random(self, below):
        return 0 if self.chance == LEAST else below - 1

    def wait(self, most_s=90 * DAY):
        """Sleep as `next_ms` says until something is due; return (what, seconds waited)."""
        start = self.clock.true_ms
        while self.requests.due() is None:
            sleep_ms = self.requests.next_ms()
            assert 0 < sleep_ms <= 3600000
            self.clock.true_ms += sleep_ms
            assert self.clock.true_ms - start <= most_s * 1000, "nothing comes due"
        assert self.requests.next_ms() == 0
        return self.requests.due(), (self.clock.true_ms - start) // 1000

    def ask(self, kind, code=202):
        assert self.requests.due() == kind
        told = self.requests.answered(kind, code)
        self.requests.answered(kind, NO_ANSWER)  # as at the end of every session
        return told


def test_the_first_poll_and_those_after_it():
    for chance, first, interval in ((LEAST, 60, DAY - DAY // 8), (MOST, 600, DAY + DAY // 8)):
        device = Device(chance)
        assert device.wait() == (DEVICE, first)
        for _ in range(3):
            assert not device.ask(DEVICE)
            assert device.wait() == (DEVICE, interval)


def test_an_interval_longer_than_the_clock_counts():
    for chance, days in ((LEAST, 26.25), (MOST, 33.75)):
        device = Device(chance, interval_s=30 * DAY)
        device.wait()
        device.ask(DEVICE)
        assert device.wait() == (DEVICE, int(days * DAY))


def test_a_short_interval():
    device = Device(interval_s=8)
    assert device.wait() == (DEVICE, 8)
    device.ask(DEVICE)
    assert device.wait() == (DEVICE, 7)
    device = Device(interval_s=0)
    device.wait()
    device.ask(DEVICE)
    assert device.wait() == (DEVICE, 1), "never without a pause"


def test_it_stays_due_until_somebody_was_asked():
    device = Device()
    device.wait()
    device.clock.go(3 * DAY)
    assert device.requests.due() == DEVICE and device.requests.next_ms() == 0


def test_statuses():
    for code, follows in ((200, True), (202, False), (405, False), (500, False), (213, False)):
        device = Device()
        device.wait()
        assert device.ask(DEVICE, code) is follows, code
        assert device.wait() == (DEVICE, DAY - DAY // 8), code


def test_a_session_that_has_to_prove_itself_first():
    for code in (401, 407):
        device = Device()
        device.wait()
        assert not device.requests.answered(DEVICE, code)
        assert device.requests.due() == DEVICE
        assert device.requests.answered(DEVICE, 200)
        assert device.requests.due() is None


def test_no_answer():
    device = Device(MOST)
    device.wait()
    for wait_s in (30, 60, 120, 240, 480, 960, 1920, 3600):
        device.ask(DEVICE, NO_ANSWER)
        assert device.wait() == (DEVICE, wait_s)
    device.ask(DEVICE, NO_ANSWER)
    assert device.wait() == (DEVICE, DAY + DAY // 8), "enough was tried"
    device.ask(DEVICE, NO_ANSWER)
    assert device.wait() == (DEVICE, 30), "which does not make it wait longer the next time"
    device.ask(DEVICE)
    device.wait()
    device.ask(DEVICE, NO_ANSWER)
    assert device.wait() == (DEVICE, 30), "nor do failures before an answer"


def test_a_user():
    device = Device()
    assert device.requests.by_user(False)
    assert device.requests.due() == USER and device.requests.next_ms() == 0
    assert device.ask(USER, 200)
    assert device.wait() == (DEVICE, DAY - DAY // 8), "a server has been asked, the interval begins anew"


def test_a_user_who_cannot_wait():
    device = Device()
    assert device.requests.by_user(False)
    device.ask(USER)
    for _ in range(59):
        device.clock.go(1)
        assert not device.requests.by_user(False)
    assert device.requests.due() is None
    device.clock.go(1)
    assert device.requests.by_user(False) and device.requests.due() == USER


def test_a_user_while_an_update_runs():
    device = Device()
    assert not device.requests.by_user(True)
    assert device.requests.due() is None
    assert device.requests.by_user(False), "what was refused does not count against the next wish"


def test_a_user_and_no_answer():
    device = Device(MOST)
    device.requests.by_user(False)
    device.ask(USER, NO_ANSWER)
    assert device.requests.due() is None
    assert device.wait() == (USER, 30)
    device.ask(USER, NO_ANSWER)
    device.clock.go(31)
    assert device.requests.due() is None
    assert device.requests.by_user(False) and device.requests.due() == USER, "a new wish is for now"
    for wait_s in (120, 240, 480, 960, 1920, 3600):
        device.ask(USER, NO_ANSWER)
        assert device.wait() == (USER, wait_s)
    device.ask(USER, NO_ANSWER)
    assert device.wait() == (DEVICE, DAY + DAY // 8), "enough was tried"


def test_a_user_during_a_poll_is_not_forgotten():
    device = Device()
    device.wait()
    assert device.requests.by_user(False)
    device.requests.answered(DEVICE, 202)
    assert device.ask(USER) is False
    assert device.requests.due() is None


def test_firmware_that_nobody_knows_of():
    journal = make_journal()
    for version, digest in (("1.0", DIGEST), ("1.1", DIGEST), ("1.1", bytes(32)), ("1.1", b"")):
        for chance, soon in ((LEAST, 10), (MOST, 60), (MOST, 60)):
            device = Device(chance, False, journal, version, digest)
            assert device.wait() == (DEVICE, soon), "also after a restart, until a server was asked"
        device.ask(DEVICE, 405)
        assert Device(LEAST, False, journal, version, digest).wait() == (DEVICE, 60)


def test_an_answer_that_never_came_tells_nothing():
    device = Device(known=False)
    device.wait()
    device.ask(DEVICE, NO_ANSWER)
    device.requests.answered(DEVICE, 401)
    assert device.journal.get(FIRMWARE, bytearray(58)) == -1
    device.start().told()
    assert device.journal.get(FIRMWARE, bytearray(58)) == 17
    device.start()
    assert device.wait() == (DEVICE, 60)


def test_the_firmware_is_noted_once():
    device, noted = Device(known=False), []
    note = device.journal.note
    device.journal.note = lambda key, data: (noted.append(key), note(key, data))
    for _ in range(5):
        device.wait()
        device.ask(DEVICE)
    device.start()
    device.wait()
    device.ask(DEVICE)
    assert noted == [FIRMWARE]


def _parts(kind, uri="./FUMO", **profile):
    account = Account()
    for name in profile:
        setattr(account, name, profile[name])
    alert = Requests.alert(kind, account, uri)
    assert alert.code == "1226" and alert.correlator is None
    return alert.item


def test_the_alert():
    name = "org.openmobilealliance.dm.firmwareupdate."
    assert _parts(DEVICE) == ("./FUMO", "", name + "devicerequest", "chr", "", "")
    assert _parts(USER) == ("./FUMO", "", name + "userrequest", "chr", "", "")
    assert _parts(USER, "")[0] == "" and _parts(USER, "", alert_source="exec")[0] == ""
    exact = _parts(DEVICE, alert_source="exec", request_data="0", alert_format="chr")
    assert exact == ("./FUMO/DownloadAndUpdate", "", name + "devicerequest", "chr", "", "0")
    assert _parts(DEVICE, alert_source="x")[0] == "./FUMO"
    assert _parts(DEVICE, request_data="200")[3:] == ("int", "", "200")
    assert _parts(DEVICE, request_data="please")[3:] == ("chr", "", "please")


def test_the_alert_hands_on_its_status():
    told = []
    alert = Requests.alert(USER, Account(), "", lambda code, authentic: told.append((code, authentic)))
    alert.on_status(202, True)
    assert told == [(202, True)]
