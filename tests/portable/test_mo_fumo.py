"""The FUMO object: every node under every verb, what a new URL does to what was held, and what an order becomes."""

from agent.dm_commit import commit, roll_back, snapshot
from agent.dm_edit import execute, replace
from agent.dm_edit_nodes import add, delete, rename
from agent.dm_queries import readable
from agent.dm_value import Value
from agent.errors import FlashError
from agent.job import ACCEPTED, CLEAN, DOWNLOAD, IDLE, NO_BANK, REPORT, TRIAL
from tests.dm.firmware import broken
from tests.portable.check import raises
from tests.portable.dm_trees import BIN, CHR, EXEC, GET, INT, NODE, REPLACE, status
from tests.portable.fumo_bench import EXT, HELD, SERVER, URL, Bench

ROWS = (  # path, format, the verbs of the table
    ("", NODE, GET),
    ("PkgName", CHR, GET),
    ("PkgVersion", CHR, GET),
    ("Download", NODE, GET | EXEC),
    ("Download/PkgURL", CHR, GET | REPLACE),
    ("Update", NODE, GET | EXEC),
    ("Update/PkgData", BIN, REPLACE),
    ("DownloadAndUpdate", NODE, GET | EXEC),
    ("DownloadAndUpdate/PkgURL", CHR, GET | REPLACE),
    ("State", INT, GET),
    ("Ext", NODE, GET),
)


def test_the_tree_is_that_of_the_table():
    for root in ("./FUMO", "./Vendor/Device/FwUpdate"):
        bench = Bench(root=root)
        found = [bench.path(path) for path, _, verbs in ROWS if verbs & GET] + [
            bench.path("Ext/" + name) for name in EXT
        ]
        assert sorted(readable(bench.tree, bench.top, None)) == sorted(found)
        assert bench.tree.type_of(bench.top) == "urn:oma:mo:oma-fumo:1.0"
        assert bench.tree.children(bench.top) == [path for path, _, _ in ROWS if path and "/" not in path]
        for path, form, verbs in ROWS:
            kind = bench.tree.kind(bench.path(path))
            assert kind >> 8 & 15 == form and kind & 127 == verbs, path


def test_every_node_under_every_verb():
    acls = [["FUMO", "Add=*&Copy=*&Delete=*&Exec=*&Get=*&Replace=*"]]
    rows = ROWS + tuple([("Ext/" + name, CHR, GET) for name in EXT])
    for path, form, verbs in rows:
        bench = Bench({"acls": acls})
        where, tree = bench.path(path), bench.tree
        value = Value(b"x" if form != NODE else b"", 0, "", SERVER)
        assert status(add, tree, where, value) == 418, path
        assert status(delete, tree, where, value) == 405, path
        assert status(rename, tree, where, "other") == 405, path
        assert (status(tree.may, GET, where, SERVER) == 405) != bool(verbs & GET), path
        code = status(execute, tree, where, value)
        assert code == 405, path  # of the orders too: no URL, nothing held
        code = status(replace, tree, where, Value(b"x", 0, "", SERVER))
        assert code == (200 if path[-6:] == "PkgURL" else 405), path
        assert status(add, tree, bench.path(path + "/New" if path else "New"), value) == 405, path
    assert status(replace, tree, bench.path("Nothing"), value) == 404
    assert status(execute, tree, bench.path("Update/Nothing"), value) == 404


def test_rights():
    bench = Bench()
    for name in ("Download", "Update", "DownloadAndUpdate"):
        assert bench.order(name, server="stranger") == 425
    value = Value(b"x", 0, "", "stranger")
    assert status(replace, bench.tree, bench.path("Download/PkgURL"), value) == 425
    assert status(bench.tree.may, GET, bench.path("State"), "stranger") & GET


def test_a_url_and_its_limits():
    bench = Bench()
    for path in ("Download", "DownloadAndUpdate"):
        leaf = path + "/PkgURL"
        assert bench.get(leaf) == b""
        assert bench.replace(leaf, b"u" * 1025) == 413 and bench.replace(leaf, b"u" * 1024) == 200
        assert bench.replace(leaf, b"\xff") == 415 and bench.replace(leaf, b"7", INT) == 415
        bench.set_url(path, URL + path)
    assert bench.get("Download/PkgURL") == (URL + "Download").encode()
    assert bench.get("DownloadAndUpdate/PkgURL") == (URL + "DownloadAndUpdate").encode()
    assert bench.tree.properties.load("FUMO/Download/PkgURL")[0] == 2
    small = Bench(quota=1100)
    small.set_url("Download", "u" * 1000)
    assert small.replace("DownloadAndUpdate/PkgURL", b"u" * 500) == 420


def test_the_urls_are_kept():
    bench = Bench()
    bench.set_url()
    assert bench.device.settings.values[4] == bench.fumo.store.blob
    puts = len(bench.device.settings.puts)
    commit(bench.tree)
    assert len(bench.device.settings.puts) == puts
    bench.replace("Download/PkgURL", b"another")
    bench.fumo.reload()
    assert bench.get("Download/PkgURL") == URL.encode()


def test_an_order_becomes_a_job():
    kinds = {"Download": 1, "DownloadAndUpdate": 3}
    for root in ("./FUMO", "./Vendor/FW"):
        for name in kinds:
            for correlator in (None, "", "job 77"):
                bench = Bench({"acls": [["Vendor", "Get=*&Replace=srv&Exec=srv"]]}, root=root)
                bench.set_url(name)
                assert bench.order(name, correlator) == 202
                job = bench.record.job
                assert (job.kind, job.server, job.node) == (kinds[name], SERVER, root + "/" + name)
                assert job.correlator == correlator and (job.correlator is None) == (correlator is None)
                assert job.url == URL and bench.get("State") == b"30" and bench.fw.kept[:2] == (DOWNLOAD, 30)


def test_an_order_without_a_url_or_a_package():
    bench = Bench()
    for name in ("Download", "Update", "DownloadAndUpdate"):
        assert bench.order(name) == 405 and bench.record.idle
    bench.set_url("Download")
    assert bench.order("DownloadAndUpdate") == 405 and bench.order("Update") == 405
    assert bench.order("Download") == 202


def test_a_url_that_is_none_is_the_downloads_matter():
    bench = Bench()
    bench.set_url("Download", "no url \u20ac")
    assert bench.order("Download") == 202 and bench.record.job.url == "no url \u20ac"


def test_an_order_of_what_is_held():
    bench = Bench(job=HELD, held=1)
    assert bench.order("Update", "c") == 202 and bench.fw.kept[0] == ACCEPTED
    assert (bench.record.job.kind, bench.record.job.node, bench.record.job.url) == (2, "./FUMO/Update", "")
    assert bench.order("Update", "c") == 202 and bench.order("Update", "c", None) == 403


def test_an_order_that_cannot_be_kept():
    bench = Bench()
    bench.set_url()
    bench.record.order = broken
    assert bench.order("Download") == 500


def test_a_new_url_drops_what_was_held():
    for phase, state in ((IDLE, 50), (IDLE, 20), (IDLE, 100), (REPORT, 90), (REPORT, 70)):
        bench = Bench(job={"phase": phase, "state": state, "code": 200, "server": SERVER}, held=1)
        assert bench.replace("Download/PkgURL", URL.encode()) == 200
        assert bench.fw.kept == (phase, state, 1, CLEAN) and bench.get("State") == b"%d" % state
        commit(bench.tree)
        assert bench.fw.kept == (phase, 10, NO_BANK, CLEAN) and bench.get("State") == b"10"
        assert bench.record.job.code == 200 and bench.record.outbox.code == (200 if phase == REPORT else 0)
        assert bench.order("Update") == 405
    for phase in range(ACCEPTED, TRIAL + 1):
        if phase != 3:
            bench = Bench(job={"phase": phase, "state": 60}, held=1)
            bench.set_url()
            assert bench.fw.kept[0] == phase and bench.fw.kept[2] == 1, phase


def test_the_same_url_again_is_a_new_one():
    bench = Bench(job={"state": 20}, held=1)
    bench.set_url()
    bench.record.job.state = 20
    bench.set_url()
    assert bench.get("State") == b"10"


def test_a_url_that_does_not_last_changes_nothing():
    bench = Bench(job=HELD, held=1)
    keep = snapshot(bench.tree)
    assert bench.replace("Download/PkgURL", URL.encode()) == 200
    assert roll_back(bench.tree, keep)
    _change_something(bench)
    assert bench.fw.kept == (IDLE, 50, 1, CLEAN)
    bench.replace("DownloadAndUpdate/PkgURL", URL.encode())
    bench.fumo.reload()
    bench.fumo.saved()
    assert bench.fw.kept == (IDLE, 50, 1, CLEAN) and bench.get("Download/PkgURL") == b""
    bench.device.settings.fails_at = 0
    bench.replace("Download/PkgURL", URL.encode())
    with raises(FlashError):
        commit(bench.tree)
    assert bench.fw.kept == (IDLE, 50, 1, CLEAN)


def _change_something(bench):
    """Let another object have something to put."""
    value = Value(b"x", 0, "", SERVER)
    assert status(replace, bench.tree, "Area/fixed", value) == 200
    commit(bench.tree)


def test_a_url_counts_once():
    bench = Bench()
    bench.set_url()
    bench.record.job.state, bench.record.package.bank = 50, 1
    _change_something(bench)
    assert bench.get("State") == b"50" and bench.record.package.bank == 1


def test_an_order_behind_a_url_in_one_message():
    bench = Bench(job=HELD, held=1)
    bench.replace("Download/PkgURL", URL.encode())
    assert bench.order("Update") == 405 and bench.get("State") == b"10"
    bench.replace("DownloadAndUpdate/PkgURL", URL.encode())
    assert bench.order("DownloadAndUpdate", "c") == 202
    commit(bench.tree)
    assert bench.fw.kept[:3] == (DOWNLOAD, 30, NO_BANK)
    for state, bank in ((30, NO_BANK), (50, 1)):  # its 202 was lost: nothing starts again, nothing is dropped
        job, bench.record.package.bank = bench.record.job, bank
        job.phase, job.state = DOWNLOAD if state == 30 else REPORT, state
        bench.replace("DownloadAndUpdate/PkgURL", URL.encode())
        assert bench.order("DownloadAndUpdate", "c") == 202
        commit(bench.tree)
        assert bench.record.job is job and bench.get("State") == b"%d" % state and bench.record.package.bank == bank
