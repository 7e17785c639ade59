"""Client initiated updates: by a user, by the timer, after other firmware came; and what each answer of the server means."""

import pytest

from flash_tools.server.bench import BenchServer
from tests.host.scenario_runs import CPYTHON, ENGINES, keep
from tests.host.scripted import Bench, nothing, order, read
from tests.scenarios import requests, result
from tests.scenarios.sim_rig import SimRig
from tests.scenarios.story import TO_SERVER, Message
from tests.soak import goods

HOUR_MS = 3600000


@pytest.fixture
def server():
    with BenchServer() as server:
        yield server


def all_requests(server):
    """Return (seconds, kind, SessionID) of every request for an update that the server got."""
    steps = [step for step in server.transcript.steps if step.kind == "dm" and step.direction == TO_SERVER]
    found = [(step.at, requests.request_in(Message(step)), Message(step).session_id) for step in steps]
    return [each for each in found if each[1]]


# --- over real sockets


@pytest.mark.parametrize("micropython", ENGINES)
def test_a_user_asks_at_the_console(tmp_path, server, micropython):
    words = ("--account", "request_data=v1 & v2")
    with SimRig(server, tmp_path, *words, micropython=micropython, user="yes", xml=True) as rig:
        rig.request_data = "v1 & v2"
        package = server.add_package(rig.update("2.0"))
        told = server.order(rig.device_id, package)
        rig.press()
        outcome = told.wait(30)
        story = requests.check_at_once(rig, told, "userrequest")
        result.finish(outcome, ["downloadandupdate"])
        rig.settle(2)
        assert len(all_requests(server)) == 1 and "button taken" in rig.heard
        keep(story, server, "user-request", rig, micropython, 5)


@pytest.mark.parametrize("micropython", ENGINES)
def test_a_user_asks_and_the_answer_comes_later(tmp_path, server, micropython):
    with SimRig(server, tmp_path, "--request-update", micropython=micropython, user="yes") as rig:
        rig.settle(1)
        told = rig.order(server.add_package(rig.update("2.0")), "download-and-update")
        outcome = told.wait(30)
        story = requests.check_later(rig, told, "userrequest")
        result.finish(outcome, ["downloadandupdate"])
        assert [kind for _, kind, _ in all_requests(server)] == ["userrequest"], "the wish was answered"
        keep(story, server, "user-request-later", rig, micropython, 5)


@pytest.mark.parametrize("micropython", ENGINES)
def test_polling_is_the_only_trigger(tmp_path, server, micropython):
    """No notification gets through: the timer asks, the server answers 200 and commands."""
    with SimRig(server, tmp_path, micropython=micropython, user="yes", poll_s=1) as rig:
        told = server.order(rig.device_id, server.add_package(rig.update("2.0")))
        outcome = told.wait(30)
        story = requests.check_at_once(rig, told, "devicerequest")
        result.finish(outcome, ["downloadandupdate"])
        assert server.transcript.count("notification") == 0
        keep(story, server, "device-request", rig, micropython, 5)


def test_any_other_answer_is_not_kept(tmp_path, server):
    """405, 500: the matter is closed until the next interval, which asks again."""
    server.desk.intake.request_answers += [405, 500]
    with SimRig(server, tmp_path, micropython=CPYTHON, user="yes", poll_s=2) as rig:
        rig.wait("listening")
        rig.press()
        told = None
        rig.settle(1)
        rig.settle(2)
        told = server.order(rig.device_id, server.add_package(rig.update("2.0")))
        assert told.wait(30).code == 200
    found = all_requests(server)
    assert [kind for _, kind, _ in found][:3] == ["userrequest", "devicerequest", "devicerequest"]
    gaps = [after[0] - before[0] for before, after in zip(found, found[1:3], strict=False)]
    assert all(gap > 0.9 for gap in gaps), "nothing is asked before the interval is over: %s" % gaps
    assert len({session for _, _, session in found}) == len(found)


# --- in virtual time


def watched(*scripts, **options):
    """Return a bench whose `asked` has (milliseconds, kind) of the requests."""
    bench = Bench(*scripts, **options)
    bench.asked, policy = [], bench.policies["bench"]
    status = policy.alert_status

    def look(session, alert):
        if alert.type.endswith("request"):
            bench.asked.append((bench.clock.ms(), alert.type.rpartition(".")[2]))
        return status(session, alert)

    policy.alert_status = look
    return bench


def run_on(bench, seconds, boots=1):
    """Run for so long, whether there is something to do or not."""
    look, end = bench.satisfied, bench.clock.ms() + seconds * 1000
    bench.satisfied = lambda agent: (look(agent), bench.clock.ms() > end)[1]
    bench.run(seconds * 2, boots)
    bench.satisfied = look


def test_the_interval_and_its_jitter():
    bench = watched()
    run_on(bench, 6 * 3600)
    at = bench.asked
    assert len(at) >= 6 and {kind for _, kind in at} == {"devicerequest"}
    gaps = [after[0] - before[0] for before, after in zip(at, at[1:], strict=False)]
    assert all(HOUR_MS * 7 // 8 <= gap <= HOUR_MS * 9 // 8 + 2000 for gap in gaps) and len(set(gaps)) > 1


def test_soon_after_other_firmware_came():
    from ports.sim.device import install_firmware

    bench = watched()
    run_on(bench, 700)
    first = bench.asked
    assert len(first) == 1 and 10000 <= first[0][0] <= 61000, "a new device asks soon"
    started = bench.clock.ms()
    run_on(bench, 700)
    again = bench.asked[1:]
    assert len(again) == 1 and 60000 <= again[0][0] - started <= 601000, "a start alone is no reason for haste"
    image = goods.image(goods.OWNERS)
    install_firmware(bench.flash, goods.LAYOUT, 0, goods.package(goods.OWNERS, encoding="none"), image)
    started = bench.clock.ms()
    run_on(bench, 300)
    last = bench.asked[2:]
    assert len(last) == 1 and 10000 <= last[0][0] - started <= 61000, "other firmware is one"


def test_the_result_of_an_update_says_what_runs():
    """The server that was told of it is not asked because of the new firmware, also after a restart."""
    bench = watched(order("dau"))
    run_on(bench, 1800, boots=2)
    assert bench.results == [("a", 200)] and bench.device.version == goods.NEW and len(bench.requests) == 1
    started = bench.clock.ms()
    run_on(bench, 700)
    assert len(bench.requests) == 2 and bench.asked[1][0] - started >= 60000


@pytest.mark.parametrize("code", [202, 403, 404, 405, 415, 500, 503])
def test_a_wish_is_over_with_the_answer(code):
    bench = watched(nothing, nothing, nothing, nothing)
    bench.policies["bench"].request_code = code
    pressed = []

    def press(bench, agent):
        if bench.clock.ms() > 5000 and not pressed:
            pressed.append(agent.request_update())

    bench.ask = press
    run_on(bench, 2 * 3600)
    at = bench.asked
    assert pressed == [True] and [kind for _, kind in at][:2] == ["userrequest", "devicerequest"]
    assert at[0][0] < 7000 and at[1][0] - at[0][0] >= HOUR_MS * 7 // 8, "not before the interval"


def test_a_wish_that_nobody_hears_is_kept():
    """Without an answer it goes out again, as what it is."""
    calm = []
    bench = watched(read("./FUMO/State"), script=lambda host, port, number: None if calm else ("refuse", 0, 0))

    def press(bench, agent):
        if bench.clock.ms() > 5000 and not hasattr(bench, "pressed"):
            bench.pressed = agent.request_update()
        if bench.clock.ms() > 90000:
            calm.append(True)

    bench.ask = press
    run_on(bench, 1000)
    assert bench.asked[0][1] == "userrequest" and bench.asked[0][0] > 90000


def test_a_user_waits_while_an_update_runs():
    bench = watched(order("dau"), files={("bench", "/p.fup"): lambda fields: (503, (), b"")})
    taken = []

    def press(bench, agent):
        if not agent.record.open and len(taken) < 3:
            taken.append(agent.request_update())

    bench.ask = press
    run_on(bench, 300)
    assert taken and not any(taken)


def test_a_user_asks_twice_in_a_minute():
    bench, taken = watched(), []

    def press(bench, agent):
        if bench.clock.ms() > 4000 + 25000 * len(taken):
            taken.append(agent.request_update())

    bench.ask = press
    run_on(bench, 90)
    assert taken[:4] == [True, False, False, True]
