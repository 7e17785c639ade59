"""What happens to management sessions of an update, in virtual time: wrong certificates, lost answers, stale nonces, new orders."""

import pytest

from tests.host.faulty import FILE, PACKAGE, failed, healed, world
from tests.host.scripted import Bench, both, nothing, order, read
from tests.soak import goods

AUTHS = [("md5", True), ("MAC", False)]


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


def test_a_message_goes_out_again_after_a_pause():
    """Three tries in no time would be one: what broke the link has to have passed."""
    at = []

    def connecting(host, port, number):
        at.append(bench.clock.ms())
        return ("refuse", 0, 0) if len(at) < 3 else None

    bench = world(script=connecting)
    healed(bench)
    assert at[1] - at[0] >= 2000 and at[2] - at[1] >= 4000 and at[2] - at[0] < 10000, at[:4]


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


def spoiled_at(number, auth, tls, spoil):
    """Run orders with `spoil(bench)` before that management message is looked at; return the bench."""
    bench, came = Bench(order("dau"), nothing, auth=auth, tls=tls), []

    def count(host, body):
        came.append(host)
        if len(came) == number:
            spoil(bench)

    bench.on_dm = count
    bench.policies["bench"]._scripts += [order("dau"), order("dau")]
    bench.run(20000)
    return bench


@pytest.mark.parametrize("what", ["client_nonce", "server_nonce"])
@pytest.mark.parametrize("auth, tls", AUTHS)
def test_a_stale_nonce_at_the_server(auth, tls, what):
    for number in range(1, 6):
        bench = spoiled_at(number, auth, tls, lambda bench: setattr(bench.accounts["bench"], what, b"of another time!"))
        assert bench.results and set(bench.results) == {("a", 200)}, (number, bench.results, bench.said[-3:])


@pytest.mark.parametrize("fault", ["duplicate", "stale_nonce", "bad_digest", "no_final"])
@pytest.mark.parametrize("auth, tls", AUTHS)
def test_every_answer_is_wrong_once(auth, tls, fault):
    for number in range(1, 6):
        bench = spoiled_at(number, auth, tls, lambda bench: setattr(bench.dms["bench"].faults, fault, 1))
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
