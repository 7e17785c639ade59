"""PkgData: when a pushed package is taken, how the object knows its name, and what begins a new one."""

from agent.dm_edit_nodes import copy
from agent.dm_value import Value
from agent.job import ACCEPTED, CLEAN, DOWNLOAD, IDLE, TRIAL
from tests.data import vectors
from tests.portable.dm_trees import BIN, CHR, INT, NODE, REPLACE, status
from tests.portable.fumo_bench import HELD, SERVER, Bench


def test_a_pushed_package_is_known_by_its_name():
    bench = Bench(job={"state": 20})
    proofs, held = [], bench.fumo._held
    bench.fumo._held = lambda bank: proofs.append(bank) or held(bank)
    assert bench.get("PkgName") == bench.get("PkgVersion") == b"" and not proofs
    assert bench.push(vectors.PACKAGES["deflate"]) == 200
    assert bench.get("State") == b"50" and bench.fw.whole() == "2"
    assert (bench.get("PkgName"), bench.get("PkgVersion"), bench.get("PkgVersion")) == (b"bench", b"2", b"2")
    assert proofs == [1]
    assert bench.push(vectors.CRASH_PACKAGE) == 200 and bench.get("PkgVersion") == b"2" and proofs == [1, 1]
    assert bench.push(vectors.OLD_PACKAGE) == 200 and bench.get("PkgVersion") == b"1" and proofs == [1, 1, 0]
    bench.record.forget_package()
    assert bench.get("PkgVersion") == b""
    assert bench.push(vectors.OLD_PACKAGE) == 200 and bench.get("PkgVersion") == b"1"
    bench.set_url()
    assert bench.get("PkgName") == b"" and bench.get("State") == b"10"


def test_a_package_whose_manifest_is_gone_has_no_name():
    bench = Bench(job=HELD, held=1)
    assert bench.get("PkgName") == bench.get("PkgVersion") == b""
    bench.fumo._held = None
    assert bench.get("PkgName") == b""


def test_pushes_that_begin_anew():
    bench = Bench()
    data = memoryview(vectors.PACKAGES["none"])
    write = bench.fumo.write
    assert write("Update/PkgData", 0, data[:100]) == 8
    assert write("Update/PkgData", 8, data[8:100]) == 92 and bench.fw.pushes == 1
    assert write("Update/PkgData", 0, data[:5]) == 5 and bench.fw.pushes == 2
    bench.fumo.abandon("Update/PkgData")
    at = 0
    while at < 8000:
        at += write("Update/PkgData", at, data[at:8000])
    assert bench.record.progress.erase_end and bench.fw.pushes == 3
    assert write("Update/PkgData", 0, data[:5]) == 5 and bench.record.package.dirty_from == CLEAN
    assert not bench.record.progress.erase_end and bench.fw.pushes == 4
    bench.fumo.abandon("Update/PkgData")
    bench.fumo.abandon("Update/PkgData")
    assert bench.push(data) == 200 and bench.fw.pushes == 5
    assert status(bench.fumo.apply, REPLACE, "Update/PkgData", Value(None)) == 415


def test_a_write_that_was_busy_does_not_begin_anew():
    bench = Bench()
    push = bench.fw.make_push()
    write, busy = push.write, [1, 1]
    push.write = lambda offset, data: 0 if busy and busy.pop() else write(offset, data)
    made = []
    bench.fumo._make_push = lambda: made.append(1) or push
    assert bench.push(vectors.PACKAGES["deflate"]) == 200 and not busy and made == [1]


def test_what_is_no_package():
    bench = Bench(job=HELD, held=1)
    assert bench.push(b"") == 415 and bench.push(b"something else") == 415
    for form in (NODE, CHR, INT):
        assert bench.fumo.check(REPLACE, "Update/PkgData", Value(b"", form)) == 415
    for form in (0, BIN, 6):
        assert bench.fumo.check(REPLACE, "Update/PkgData", Value(b"", form)) == 200
    for source, code in (("DevInfo/Man", 415), ("Big/bin-300", 405)):
        value = Value(b"", 0, "", SERVER)
        assert status(copy, bench.tree, source, bench.path("Update/PkgData"), value) == code
    assert bench.fw.kept == (IDLE, 50, 1, CLEAN) and bench.fw.pushes == 1


def test_no_push_while_an_update_runs():
    for phase in (ACCEPTED, DOWNLOAD, TRIAL):
        bench = Bench(job={"phase": phase, "state": 60}, held=1)
        assert bench.push(vectors.PACKAGES["deflate"]) == 403 and not bench.fw.pushes
        assert bench.fw.kept[:3] == (phase, 60 if phase != DOWNLOAD else 30, 1)
    assert Bench(trying=True).push(vectors.PACKAGES["deflate"]) == 403
