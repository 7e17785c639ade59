"""State and results: each rule of docs/protocol.md on its own, the whole agent in virtual time."""

import pytest

from agent import job as jobs
from agent.job import DOWNLOAD, Job, Outbox
from agent.journal import Journal
from flash_tools.server.dm.commands import Item, Replace
from ports.sim import firmware
from tests.host.scripted import Bench, bad_gateway, both, nothing, order, package, read
from tests.soak import goods

DD = goods.descriptor("https://bench/p.fup", len(goods.package(goods.NEW)), "https://bench/notify")


def test_state_stays_after_the_alert_and_can_be_read_in_its_answer():
    bench = Bench(order("dau"), both(read("./FUMO/State"), read("./FUMO/State")))
    bench.run()
    assert bench.results == [("a", 200)] and bench.values == [["90"], ["90"]]
    assert bench.record.idle and bench.agent.update.state == 90


@pytest.mark.parametrize("first, state", [("download", 50), ("dau", 90)])
def test_a_new_url_sets_the_state_back(first, state):
    bench = Bench(
        order(first),
        both(
            read("./FUMO/State"),
            lambda *_: iter([[Replace(Item("./FUMO/Download/PkgURL", b"https://bench/x"))]]),
            read("./FUMO/State"),
        ),
    )
    bench.run()
    assert bench.values == [[str(state)], ["10"]] and bench.record.package.bank == jobs.NO_BANK


@pytest.mark.parametrize("kind, after", [("good", 100), ("crash", 80)])
def test_the_board_needs_the_bank(kind, after):
    bench = Bench(order("dau"), files=package(behaviour=kind))
    bench.run()
    assert bench.agent.update.state == {100: 90, 80: 70}[after]
    bench.agent.clean_up()
    assert bench.agent.update.state == after and Job.load(Journal(bench.region("journal"))).state == after


@pytest.mark.parametrize(
    "codes, sessions", [((200,), 1), ((202,), 1), ((212,), 1), ((408, 417, 500, 503, 200), 5), ((405, 415, 404), 3)]
)
def test_what_counts_as_delivered(codes, sessions):
    bench = Bench(order("dau"))
    bench.policies["bench"].alert_codes = list(codes)
    bench.run(40000)
    assert bench.results == [("a", 200)] * sessions and bench.record.idle
    assert any("dropped" in line for line in bench.said) == (codes[-1] == 404)


def test_an_alert_goes_out_again_behind_a_challenge():
    bench = Bench(order("dau"))
    nonce, seen = [], []

    def forget(host, body):
        if bench.record.job.phase == jobs.REPORT and not nonce:
            nonce.append(True)
            bench.accounts["bench"].client_nonce = b"lost"

    bench.on_dm = forget
    bench.run()
    assert nonce and not seen and bench.results == [("a", 200)] and len(bench.sessions) == 2


def test_without_tls_an_unproven_server_is_believed_the_third_time():
    bench = Bench(order("dau"), auth="MAC", tls=False)

    def spoil(host, body):
        if bench.record.job.phase == jobs.REPORT:
            bench.dms["bench"].faults.bad_digest = True

    bench.on_dm = spoil
    bench.run(20000)
    assert bench.record.idle and [code for _, code in bench.results] == [200] * len(bench.results)
    assert 1 <= len(bench.results) and any("cannot prove itself" in line for line in bench.said)


def test_once_the_result_is_put_nothing_is_tried_again():
    bench = Bench(order("dau"), files={("bench", "/p.fup"): lambda fields: (404, (), b"")})
    bench.policies["bench"].alert_codes = [500] * 30
    bench.run(50000)
    assert len(bench.gets) == 1 and set(bench.results) == {("a", 411)} and len(bench.results) > 5


def test_the_server_that_ordered_is_told():
    def ask(bench, agent):
        if not bench.told:
            bench.told = True
            bench.notify("other")

    bench = Bench(nothing, other=(order("dau"),), ask=ask)
    bench.told = False
    bench.run()
    assert bench.results == [("a", 200)] and [name for name, _ in bench.alerts] == ["other"]


@pytest.mark.parametrize(
    "kind, behaviour, posted, code",
    [
        ("dau", "good", "900 Success", 200),
        ("dau", "crash", "952 Device Aborted", 410),
        ("download", "good", "900 Success", 200),
    ],
)
def test_the_download_server_is_told_first(kind, behaviour, posted, code):
    data = goods.package(goods.NEW, behaviour)
    dd = goods.descriptor("https://bench/p.fup", len(data), "https://bench/notify")
    bench = Bench(order(kind, url="/d.dd"), files={("bench", "/d.dd"): dd, ("bench", "/p.fup"): data})
    bench.run()
    assert [text for _, _, text in bench.posts] == [posted] and bench.results == [("a", code)]
    assert bench.posts[0][0] < bench.sessions[-1][0]


def test_a_download_server_that_cannot_be_told():
    bench = Bench(order("dau", url="/d.dd"), files={("bench", "/d.dd"): DD, ("bench", "/notify"): bad_gateway})
    bench.run(3000)
    assert len(bench.posts) == 3 and bench.results == [("a", 200)]


def test_a_board_that_its_owner_flashed_says_nothing():
    bench = Bench(order("download"), files=package())
    bench.policies["bench"].alert_codes = [500] * 3
    bench.run(100)
    assert bench.record.outbox.code == 200
    from ports.sim.device import install_firmware

    install_firmware(
        bench.flash, goods.LAYOUT, 0, goods.package(goods.OWNERS, encoding="none"), goods.image(goods.OWNERS)
    )
    heard = len(bench.alerts)
    bench.run(3000)
    assert len(bench.alerts) == heard and bench.record.idle and bench.agent.update.state == 10


def test_a_factory_reset_says_nothing():
    bench = Bench(order("dau"), files={("bench", "/p.fup"): bad_gateway})
    bench.run(60)
    assert bench.record.job.phase == DOWNLOAD and bench.agent.factory_reset()
    bench.run(3000)
    assert not bench.alerts and bench.record.idle and Outbox.load(Journal(bench.region("journal"))).code == 0


@pytest.mark.parametrize("source, form", [("exec", "chr"), ("", "int")])
def test_an_account_says_how_alerts_look(source, form):
    bench = Bench(order("dau"))
    accounts = bench.device.identity.accounts
    from agent import account_nodes
    from agent.dm_store import Store

    store = Store(account_nodes._Nowhere(), 0, 3072, accounts)
    store.set("bench/Ext/AlertSource", 2, "", source.encode())
    store.set("bench/Ext/AlertFormat", 2, "", form.encode())
    bench.device.identity.accounts = store.blob
    try:
        bench.run()
    finally:
        bench.device.identity.accounts = accounts
    alert = bench.alerts[0][1]
    assert alert.source == ("./FUMO/DownloadAndUpdate" if source else "./FUMO")
    assert (alert.format, alert.mark, alert.data, alert.correlator) == (form, "informational", b"200", "a")
    assert alert.type == "org.openmobilealliance.dm.firmwareupdate.downloadandupdate"


def test_without_a_correlator_the_alert_has_none():
    bench = Bench(order("dau", correlator=None), files=package(behaviour=firmware.UNFIT))
    bench.run()
    assert bench.results == [(None, 410)] and bench.alerts[0][1].mark == "critical"
