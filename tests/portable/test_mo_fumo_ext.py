"""What lies below Ext: values for a fleet, and a diagnosis that tells no secrets and does not change while it is sent."""

from agent.dm_properties import Properties
from agent.dm_store import Store
from agent.dm_tree import Tree
from agent.job import REPORT
from agent.mo_fumo import Fumo
from agent.mo_leaves import Leaves
from tests.dm.objects import DictJournal
from tests.portable.dm_trees import GET, NODE
from tests.portable.fumo_bench import EXT, Bench

JOB = {
    "phase": REPORT,
    "state": 80,
    "code": 410,
    "arms": 3,
    "url": "http://u/secret",
    "server": "who",
    "correlator": "cc",
}


def test_what_a_fleet_wants_to_know():
    bench = Bench(job=JOB)
    expected = (b"1.2.3", b"sim_nor", b"0", b"0", b"3", b"7", b"410", b"86400")
    assert tuple([bench.get("Ext/" + name) for name in EXT[:-1]]) == expected
    assert Bench().get("Ext/LastResult") == b""
    bare = Bench()
    bare.fw.facts.manifest = lambda: None
    assert bare.get("Ext/SecurityCounter") == b"" and not bare.tree.kind("FUMO/Ext/Nothing")


def test_the_diagnosis():
    bench = Bench(job=JOB, held=1)
    bench.fw.flash.clock.sleep_ms(5000)
    bench.fw.fail_link("the server\nis \u20ac away", 412)
    bench.fw.flash.clock.sleep_ms(7000)
    text = str(bench.get("Ext/Diag"), "utf-8")
    for part in (
        "reset power, up 12 s, clock unknown, crashes 0",
        "boot running 0, confirmed 0, before -1",
        "job 0 report, state 80, code 410, arms 3, boots 0, restarts 0, outbox 410",
        "package in bank 1, suspect from none, at 0, image at 0, erasing to 0",
        "link 412, 7 s ago: the server?is ? away",
        "of 63 slots, interrupted, last key:size 1:",
    ):
        assert part in text, (part, text)
    for secret in ("secret", "who", "cc", "pw", "spw"):
        assert secret not in text


def test_the_diagnosis_stays_within_its_limits():
    bench = Bench(held=1)
    bench.fw.fail_link("x" * 3000, 503)
    for _ in range(40):
        bench.fw.journal.note(99, bytes(58))
    text = bench.get("Ext/Diag")
    assert 300 < len(text) <= 1024 and b"journal revision" in text and text[-6:] == b" 99:58"
    assert bench.tree.size("FUMO/Ext/Diag") == len(text)
    for char in text:
        assert char == 10 or 32 <= char < 127


def test_the_diagnosis_stays_the_same_for_a_session():
    bench = Bench()
    first = bench.get("Ext/Diag")
    bench.fw.flash.clock.sleep_ms(60000)
    part = bytearray(100)
    assert bench.tree.read("FUMO/Ext/Diag", 150, memoryview(part)) == 100 and part == first[150:250]
    assert bench.get("Ext/Diag") == first
    bench.tree.samples.clear()
    assert bench.get("Ext/Diag") != first


def test_details_come_when_they_are_wanted():
    asked = []

    def make_ext():
        asked.append(1)
        return Leaves("", (("A/B", "1"), ("C", lambda: "2")))

    journal = DictJournal()
    fumo = Fumo("./X", Store(journal, 1, 100), None, None)
    tree = Tree((("X", fumo), ("X/Ext", make_ext)), Properties(Store(journal, 2, 100)), journal)
    assert tree.children("X")[-2:] == ["State", "Ext"] and not asked
    assert tree.children("X/Ext") == ["A", "C"] and tree.children("X/Ext/A") == ["B"] and asked == [1]
    assert not tree.kind("X/Ext/D") and tree.kind("X/Ext/A") == NODE << 8 | GET and tree.size("X/Ext/C") == 1
    assert tree.type_of("X/Ext/C") == "text/plain" and not fumo.kind("Ext")
