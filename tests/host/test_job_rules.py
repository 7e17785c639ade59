"""Orders and downloads: each rule of docs/protocol.md on its own, the whole agent in virtual time."""

import pytest

from agent import job as jobs
from agent.job import DOWNLOAD, TRIAL, Job, Package
from agent.journal import Journal
from flash_tools.server.dm.commands import Exec, Get
from ports.sim import firmware
from tests.host.scripted import Bench, bad_gateway, both, nothing, order, package, read
from tests.soak import goods


def test_an_order_is_kept_before_its_202_leaves():
    bench, seen = Bench(order("dau")), []

    def look(host, body):
        if bench.execs and bench.execs[0].sent and not seen:
            job = Job.load(Journal(bench.region("journal")))
            seen.append((job.phase, job.correlator, job.server, job.node, job.url))

    bench.on_dm = look
    bench.run()
    assert seen == [(DOWNLOAD, "a", "bench", "./FUMO/DownloadAndUpdate", "https://bench/p.fup")]
    assert bench.execs[0].status == 202 and bench.results == [("a", 200)]


def test_an_exec_update_is_kept_as_accepted():
    files, seen = package(), []
    bench = Bench(order("download"), order("update", correlator="b"), files=files)

    def look(host, body):
        if len(bench.execs) == 2 and bench.execs[1].sent and not seen:
            seen.append(Job.load(Journal(bench.region("journal"))).phase)

    bench.on_dm = look
    bench.run()
    assert seen == [jobs.ACCEPTED] and bench.results == [("a", 200), ("b", 200)]


def test_no_package_is_known_once_the_bank_is_touched():
    bench = Bench(
        order("download"),
        order("dau", url="/3.fup", correlator="b"),
        files={("bench", "/3.fup"): goods.package(goods.OTHER)},
    )
    held, erase, bank = [], bench.flash.erase, bench.region("bank1")

    def watch(addr, size):
        if bank.start <= addr < bank.start + bank.size:
            held.append(Package.load(Journal(bench.region("journal"))).bank)
        erase(addr, size)

    bench.flash.erase = watch
    bench.run()
    assert held and set(held) == {jobs.NO_BANK} and bench.results == [("a", 200), ("b", 200)]


def test_eight_resumes_without_a_new_block():
    bench = Bench(order("dau"), files={("bench", "/p.fup"): bad_gateway})
    bench.run(20000)
    assert len(bench.gets) == 9 and bench.results == [("a", 412)]
    pauses = [(after[0] - before[0]) // 1000 for before, after in zip(bench.gets, bench.gets[1:], strict=False)]
    assert all(22 << n <= pause <= min(31 << n, 3601) for n, pause in enumerate(pauses[:7])), pauses


def test_a_download_takes_a_day_at_most():
    at = []

    def busy(fields):
        at.append(bench.clock.ms())
        return 503, (("Retry-After", "3600"),), b""

    bench = Bench(order("dau"), files={("bench", "/p.fup"): busy})
    bench.run(200000)
    assert bench.results == [("a", 412)] and at[-1] - at[0] <= 86400000


@pytest.mark.parametrize("readable, arms", [(True, 1), (False, 3)])
def test_how_often_a_trial_is_armed(readable, arms):
    bench = Bench(order("dau"), files=package(behaviour=firmware.CRASH))
    bench.device._causes_readable = readable
    bench.run()
    assert bench.results == [("a", 410)] and bench.record.job.arms == arms


def test_the_same_exec_again():
    again = both(order("dau"), order("dau"))
    bench = Bench(again)
    bench.run()
    assert [command.status for command in bench.execs] == [202, 202] and bench.results == [("a", 200)]
    assert len([get for get in bench.gets if get[2] == "/p.fup"]) == 1


def test_another_exec_of_the_same_server_supersedes():
    bench = Bench(
        both(order("dau"), order("dau", url="/3.fup", correlator="b")),
        files={("bench", "/3.fup"): goods.package(goods.OTHER)},
    )
    bench.run()
    assert [command.status for command in bench.execs] == [202, 202] and bench.results == [("b", 200)]


def test_supersede_in_the_middle_of_a_download():
    def ask(bench, agent):
        if agent.record.progress.package_at > 4000 and not bench.told:
            bench.told = True
            bench.notify()

    bench = Bench(
        order("dau"), order("dau", url="/3.fup", correlator="b"), ask=ask,
        files={("bench", "/p.fup"): goods.package(goods.NEW, encoding="none"), ("bench", "/3.fup"): goods.package(goods.OTHER)},
    )  # fmt: skip
    bench.told = False
    bench.run()
    assert bench.told and bench.results == [("b", 200)] and bench.device.version == goods.OTHER


def test_a_session_in_the_middle_of_a_download_costs_a_block_at_most():
    def ask(bench, agent):
        if agent.record.progress.package_at > 36000 and not bench.told:
            bench.told = True
            bench.notify()

    size = 44 * goods.K
    bench = Bench(order("dau"), read("./FUMO/State"), ask=ask, files=package(encoding="none", size=size))
    bench.told = False
    bench.run()
    assert bench.values == [["30"]] and bench.results == [("a", 200)]
    ranges = [int(get[3][6:-1]) for get in bench.gets if get[3]]
    assert ranges and ranges[0] > 36000, "it goes on by a range"


def test_another_server_is_refused():
    def ask(bench, agent):
        if agent.record.job.phase == DOWNLOAD and agent.record.progress.package_at > 4000 and not bench.told:
            bench.told = True
            bench.notify("other")

    bench = Bench(order("dau"), other=(order("dau", correlator="b"),), ask=ask, files=package(encoding="none"))
    bench.told = False
    bench.run()
    assert [command.status for command in bench.execs] == [202, 403] and bench.results == [("a", 200)]
    assert {name for name, _ in bench.alerts} == {"bench"}


def test_the_image_that_runs_already():
    bench = Bench(order("dau"), files={("bench", "/p.fup"): goods.package(goods.OLD, encoding="none")})
    start = bench.region("bank1").start
    bench.run()
    assert bench.results == [("a", 200)] and bench.device.boots == 1
    assert not any(start // 256 <= page for page in bench.flash.pages), "the bank was not touched"


@pytest.mark.parametrize("script", [order("update"), order("dau", url="")])
def test_nothing_to_do(script):
    bench = Bench(script)
    bench.run()
    assert bench.execs[0].status == 405 and not bench.results and bench.agent.update.state == 10


def test_no_session_between_arming_and_the_end_of_the_trial():
    def ask(bench, agent):
        if agent.record.job.phase == TRIAL and not bench.told:
            bench.told = bench.clock.ms()
            bench.notify()

    bench = Bench(order("dau"), nothing, read("./DevDetail/FwV"), ask=ask)
    bench.told = 0
    bench.run()
    assert bench.told and all(at > bench.told + 4000 for at, _, _ in bench.sessions[1:])
    assert any(1200 in codes for _, _, codes in bench.sessions[1:]), "the notification is remembered"
    assert bench.results == [("a", 200)]


def test_an_order_begins_when_its_session_has_ended():
    bench = Bench(order("dau", then=([Get(["./DevDetail/FwV"])], [Get(["./FUMO/State"])])))
    ended = []
    bench.ask = lambda bench, agent: ended.append(bool(bench.gets)) if agent._meetings.active else None
    bench.run()
    assert ended and not any(ended[: ended.index(True)] if True in ended else ended) and bench.results == [("a", 200)]


def test_ten_boots_without_progress():
    bench = Bench(order("dau"), files={("bench", "/p.fup"): bad_gateway})
    bench.run(60, boots=1)
    for _ in range(12):
        bench.device.reset_to_come = 3
        bench.run(20, boots=1)
    bench.run(2000)
    assert bench.results == [("a", 409)]


def test_fwv_is_that_of_the_running_bank():
    bench = Bench(both(read("./DevDetail/FwV"), order("dau")), read("./DevDetail/FwV", "./FUMO/State"))
    bench.run()
    assert bench.values == [[goods.OLD], [goods.NEW, "90"]]


def test_exec_is_not_carried_out_for_a_server_without_rights():
    command = Exec("./FUMO/Update")
    bench = Bench(lambda *_: iter([[command]]))
    bench.device.identity.servers = ["somebody"]
    try:
        bench.run()
    finally:
        bench.device.identity.servers = ["bench", "other"]
    assert command.status == 425
