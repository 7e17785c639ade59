"""What must not stop the whole agent: a clock that wraps, users who are away, servers that never end, a busy port, old results."""

import struct

import pytest

from agent.job import DOWNLOAD, TRIAL
from flash_tools.server.dm.commands import Alert
from flash_tools.server.dm.push import notification
from ports.sim.clock import Clock
from ports.sim.web_server import Tamper
from tests.host import scripted
from tests.host.scripted import HOSTS, Bench, nothing, order, read
from tests.soak import goods

DAY_MS = 86400000
MONTHS = 60 * DAY_MS
SIZE = len(goods.package(goods.NEW))


class WrappingClock(Clock):
    """Milliseconds that wrap as MicroPython's do; `ahead` is what the test has let pass beside the virtual time."""

    ahead = 0

    def ms(self):
        return (self.us // 1000 + self.ahead) & 0x3FFFFFFF

    def since(self, then):
        gone_ms = (self.ms() - then) & 0x3FFFFFFF
        return gone_ms - 0x40000000 if gone_ms >= 0x20000000 else gone_ms


class Away:
    """A user who never answers."""

    pause_ms = 500

    asked = 0

    def answer(self, question):
        self.asked += 1


@pytest.fixture
def wrapping(monkeypatch):
    """Give the benches of a test a clock that wraps."""
    monkeypatch.setattr(scripted, "Clock", WrappingClock)


def gone(fields):
    """Answer that there is no such file."""
    return 404, (), b""


def once(condition, act):
    """Return an `ask` that acts once, at the first step outside of a session where the condition holds."""
    done = []

    def ask(bench, agent):
        if not done and not agent.in_session and condition(bench, agent):
            done.append(True)
            act(bench, agent)

    return ask


def pass_days(days):
    """Return what lets days pass, in each of which the agent runs."""

    def act(bench, agent):
        for _ in range(days):
            bench.clock.ahead += DAY_MS
            bench._ends_at += DAY_MS
            agent.step()
        bench.notify()

    return act


def in_trial(bench):
    return bench.record.job.phase == TRIAL


def test_a_clock_that_has_run_for_long_when_the_agent_starts(wrapping, monkeypatch):
    monkeypatch.setattr(WrappingClock, "ahead", 7 * DAY_MS)
    bench = Bench(order("dau"))
    bench.run()
    assert bench.results == [("a", 200)]


def test_a_notification_after_a_week_without_one(wrapping):
    ask = once(lambda bench, agent: len(bench.sessions) == 1 and bench.clock.us > 100000000, pass_days(7))
    bench = Bench(nothing, order("dau"), ask=ask, poll_interval_ms=MONTHS)
    bench.run()
    assert bench.results == [("a", 200)]


def test_an_order_a_week_after_the_one_before(wrapping):
    ask = once(lambda bench, agent: bench.results == [("a", 411)], pass_days(7))
    bench = Bench(order("dau", url="/no"), nothing, order("dau", correlator="b"), ask=ask, poll_interval_ms=MONTHS)
    bench.run()
    assert bench.results == [("a", 411), ("b", 200)]


def test_what_was_refused_of_one_result_does_not_count_for_the_next():
    again = order("dau", url="/q.fup", correlator="b")
    bench = Bench(order("dau", url="/no"), nothing, nothing, again, files={("bench", "/q.fup"): gone})
    bench.policies["bench"].alert_codes = [404, 404, 500, 404, 200]
    bench.run(20000)
    assert bench.results == [("a", 411)] * 3 + [("b", 411)] * 2


def test_the_pause_of_one_result_does_not_delay_the_next():
    ask = once(lambda bench, agent: len(bench.results) == 6, lambda bench, agent: bench.notify())
    last = order("dau", url="/q.fup", correlator="b")
    bench = Bench(order("dau", url="/no"), *[nothing] * 6, last, ask=ask, files={("bench", "/q.fup"): gone})
    bench.policies["bench"].alert_codes = [500] * 7
    bench.run(20000)
    assert bench.results == [("a", 411)] * 7 + [("b", 411)]
    assert bench.sessions[-1][0] - bench.sessions[-2][0] < 10000


def test_tries_to_tell_the_download_server_that_are_interrupted_count():
    posts = []

    def tamper(method, path, number):
        if path == "/notify":
            posts.append(number)
            return Tamper("stall", head=True)

    def ask(bench, agent):
        if agent.record.outbox.dlota and not agent.in_session and bench.clock.ms() - bench.at > 61000:
            bench.at = bench.clock.ms()
            bench.notify()

    dd = goods.descriptor("https://bench/p.fup", SIZE, "https://bench/notify")
    bench = Bench(order("dau", url="/d.dd"), files={("bench", "/d.dd"): dd}, tamper=tamper, ask=ask)
    bench.at = 0
    bench.run(3000)
    assert len(posts) == 3 and bench.results == [("a", 200)]


def test_a_notification_that_comes_in_a_session_is_remembered():
    def ask(bench, agent):
        if agent.in_session and not bench.told:
            bench.told = True
            bench.notify("other")

    bench = Bench(read("./FUMO/State"), other=(order("dau"),), ask=ask, poll_interval_ms=MONTHS)
    bench.told = False
    bench.run()
    assert bench.results == [("a", 200)] and [name for name, _ in bench.alerts] == ["other"]


def test_a_session_that_a_user_must_allow_keeps_nothing_else_back():
    def ask_first(bench, agent):
        data = notification(bench.accounts["bench"], 999, ui_mode=3)
        bench.net.datagram(data, (HOSTS["bench"], 9), 2948)

    ask = once(lambda bench, agent: agent.record.job.phase == DOWNLOAD, ask_first)
    bench, user = Bench(order("download"), ask=ask), Away()
    bench.device.options.ui = user
    bench.run(300)
    assert user.asked and bench.results == [("a", 200)]


def test_a_question_of_a_server_that_nobody_answers():
    def script(session, bench):
        yield [Alert(1101, ["MINDT=10", "Well?"])]

    bench, user = Bench(script, order("dau")), Away()
    bench.device.options.ui = user
    bench.run(10000)
    assert user.asked and bench.results == [("a", 200)] and bench.sessions[1][0] < 4200000


@pytest.mark.parametrize("rate", [0, 5])
def test_a_server_whose_message_never_ends(rate):
    def endless(data):
        yield data[:-4]
        while True:
            yield bytes(1000)

    bench = Bench(read("./FUMO/State"), order("dau"))
    manage = bench._manage

    def manage_badly(host, fields, body):
        status, more, data = manage(host, fields, body)
        return status, more, data if len(bench.servers["bench"].requests) > 1 else endless(data)

    bench._manage = manage_badly
    bench.servers["bench"].tamper = lambda method, path, number: None if number else Tamper(rate=rate)
    bench.run(6000)
    assert bench.results == [("a", 200)] and bench.net.down.bytes < 300000


def test_a_kept_connection_does_not_outlive_what_it_was_for():
    bench, open_ones = Bench(read("./FUMO/State")), []
    bench.ask = lambda bench, agent: open_ones.append(len(bench.net.streams))
    bench.run()
    assert 1 in open_ones and open_ones[-1] == 0


def test_a_port_for_notifications_that_is_taken():
    bench = Bench(order("dau"))
    udp = bench.net.udp
    bench.net.udp = lambda port=0: udp(udp(0).port if port else 0)  # what is named is in use
    assert bench.run() == ["reset", "idle"] and bench.results == [("a", 200)]
    assert any("no notification can come" in line for line in bench.said)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("kind", ["refuse", "unreachable", "drip"])
def test_a_trial_ends_in_time_whatever_the_server_does(tls, kind):
    def script(host, port, number):
        return (kind, 0, 0) if kind != "drip" and in_trial(bench) else None

    def tamper(method, path, number):
        return Tamper(rate=1) if kind == "drip" and in_trial(bench) else None

    times = []

    def ask(bench, agent):
        if in_trial(bench):
            times.append(bench.clock.ms())

    bench = Bench(order("dau"), tls=tls, auth="md5" if tls else "MAC", script=script, tamper=tamper, ask=ask)
    bench.device.options.needs_server, bench.device.options.trial_max_ms = True, 60000
    bench.run(3000)
    assert bench.results == [("a", 410)] and 59000 < times[-1] - times[0] < 65000


class TimeServer:
    """Says what time it is; from then on the certificate of the management server is good again."""

    def __init__(self, bench):
        self.bench, self.asked = bench, 0

    def datagram(self, network, data, port):
        self.asked += 1
        self.bench.net.certificates.clear()
        reply = bytearray(struct.pack(">BB22x8s8xII", 0x24, 1, data[40:48], 2208988800 + 1900000000 & 0xFFFFFFFF, 0))
        network.reply(bytes(reply), ("192.0.2.9", 123), port)


def test_a_certificate_refused_for_its_dates_in_a_trial():
    def ask(bench, agent):
        if in_trial(bench) and not server.asked:
            bench.net.certificates["bench"] = "dates"

    bench = Bench(order("dau"), ask=ask, time_server=("192.0.2.9", 123))
    server = bench.net.hosts[("192.0.2.9", 123)] = TimeServer(bench)
    bench.device.options.needs_server, bench.device.options.trial_max_ms = True, 100000
    bench.run(3000)
    assert server.asked and bench.results == [("a", 200)]


def test_nobody_agrees_to_a_download(wrapping):
    dd, user = goods.descriptor("https://bench/p.fup", SIZE, "https://bench/notify"), Away()
    ask = once(lambda bench, agent: user.asked > 5, pass_days(2))
    bench = Bench(order("dau", url="/d.dd"), files={("bench", "/d.dd"): dd}, ask=ask, poll_interval_ms=MONTHS)
    bench.device.options.ui = user
    bench.run(300)
    assert bench.results == [("a", 405)] and [post[2] for post in bench.posts] == ["952 Device Aborted"]


def test_a_download_that_goes_on_for_more_than_a_day(wrapping):
    ask = once(lambda bench, agent: agent.record.progress.package_at > 4000, pass_days(2))
    files = {("bench", "/p.fup"): goods.package(goods.NEW, encoding="none")}
    bench = Bench(order("dau"), files=files, ask=ask, poll_interval_ms=MONTHS)
    bench.run(300)
    assert bench.results == [("a", 407)]


def test_a_factory_reset_in_a_download_lets_go_of_the_link():
    ask = once(lambda bench, agent: agent.record.progress.package_at > 4000, lambda bench, agent: agent.factory_reset())
    bench = Bench(order("dau"), files={("bench", "/p.fup"): goods.package(goods.NEW, encoding="none")}, ask=ask)
    bench.run(200)
    assert bench.record.idle and not bench.net.streams and not bench.agent.update.fetch and not bench.results


def test_the_bank_is_taken_once_and_never_in_a_session():
    bench, erased, freed = Bench(order("dau"), read("./FUMO/State")), [], []
    bench.ask = lambda bench, agent: freed.append(agent.clean_up()) if agent.in_session else None
    bench.run()
    assert freed and not any(freed)
    erase = bench.flash.erase
    bench.flash.erase = lambda addr, size: erased.append(addr) or erase(addr, size)
    assert [bench.agent.clean_up() for _ in range(5)] == [True] * 5 and len(erased) == 2


def test_no_address_of_a_download_server_is_logged():
    dd = goods.descriptor("https://bench/p.fup", SIZE, "https://bench/notify?token=secret")
    bench = Bench(order("dau", url="/d.dd"), files={("bench", "/d.dd"): dd, ("bench", "/notify?token=secret"): gone})
    bench.run(3000)
    assert len(bench.posts) == 3 and not any("secret" in line for line in bench.said)
