"""Provisioning that is cut at each flash operation, with each effect: old or new, never neither, and the next run finishes."""

import json

import pytest

from agent import factory
from agent.verify import check_bank
from flash_tools.boards import factory_region, first_firmware
from flash_tools.boards import provision as work
from flash_tools.chips import Chip
from flash_tools.sim import sim_files
from flash_tools.target import parse
from hal.boot_record import BootRecord
from ports.sim.power import PowerCut
from tests.portable.boards import cut_everywhere, make_flash

FILE = parse("file:flash.img")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Give the facts of a device, and a package that it may begin with."""
    files = sim_files.make(tmp_path_factory.mktemp("cuts") / "dev", chip_kib=1024)
    facts = {**files.facts(), "more": "x" * 600}  # several pages
    return work.placed(facts, "sim_nor", files.layout), files.update("1.5", size=6000)


def chip_of(flash):
    return Chip(FILE, flash, "sim_nor")


def region_of(flash):
    return chip_of(flash).regions()["factory"]


def both_are(flash, facts):
    found = factory_region.look(region_of(flash))
    return found.first == found.second == factory_region.pack(facts)


def test_the_first_provisioning(bench):
    facts, _ = bench
    flash = make_flash()

    def check(number, effect):
        found = factory.read(region_of(flash))
        assert found in (None, facts), (number, effect)
        work.provision(chip_of(flash), facts)
        assert both_are(flash, facts), (number, effect)

    assert cut_everywhere(flash, lambda: work.provision(chip_of(flash), facts), check) > 60


def test_another_identity_over_the_first(bench):
    old, _ = bench
    new = {**old, "model": "other"}
    flash, seen = make_flash(), set()
    work.provision(chip_of(flash), old)

    def check(number, effect):
        found, said = factory.read(region_of(flash)), []
        assert found in (old, new), (number, effect, "neither the old nor the new one is there")
        short = factory_region.look(region_of(flash)).cut_short
        outcome = work.provision(chip_of(flash), new, force=True, say=said.append)
        assert outcome.finished == short and any("cut short" in text for text in said) == short
        assert both_are(flash, new), (number, effect)
        seen.add((found == new, short))

    run = lambda: work.provision(chip_of(flash), new, force=True)  # noqa: E731
    assert cut_everywhere(flash, run, check) > 60
    assert seen >= {(False, True), (True, True)}, "both ways to be cut short were seen"


def test_a_cut_while_the_cut_is_made_good(bench):
    """At the start only the second copy is whole: it must never be touched before the first one is."""
    facts, _ = bench
    flash = make_flash()
    work.provision(chip_of(flash), facts)
    region_of(flash).erase(0, 4096)
    assert factory_region.look(region_of(flash)).first is None

    def check(number, effect):
        assert factory.read(region_of(flash)) == facts, (number, effect)
        work.provision(chip_of(flash), facts)
        assert both_are(flash, facts)

    assert cut_everywhere(flash, lambda: work.provision(chip_of(flash), facts), check) > 20


def test_new_facts_over_a_first_copy_that_is_the_only_one(bench):
    old, _ = bench
    new = {**old, "model": "other"}
    flash = make_flash()
    work.provision(chip_of(flash), old)
    region_of(flash).erase(4096, 4096)

    def check(number, effect):
        assert factory.read(region_of(flash)) in (old, new), (number, effect)

    assert cut_everywhere(flash, lambda: work.provision(chip_of(flash), new, force=True), check) > 60


def test_a_finished_run_without_words_leaves_the_identity(bench):
    facts, _ = bench
    flash = make_flash()
    work.provision(chip_of(flash), facts)
    region_of(flash).erase(4096, 4096)
    said = []
    outcome = work.provision(chip_of(flash), None, say=said.append)
    assert (
        outcome.finished
        and not outcome.written
        and said == ["an earlier run was cut short: its second copy is written now"]
    )
    assert both_are(flash, facts)


def test_a_dry_run_mends_nothing(bench):
    facts, _ = bench
    flash = make_flash()
    work.provision(chip_of(flash), facts)
    region_of(flash).erase(4096, 4096)
    before = flash.snapshot()
    work.provision(chip_of(flash), {**facts, "model": "other"}, dry_run=True)
    assert flash.snapshot()[0] == before[0] and flash.ops


def test_the_first_firmware(bench):
    facts, package = bench
    flash = make_flash()
    flash.poll_us = 100000

    def check(number, effect):
        regions, chip = chip_of(flash).regions(), chip_of(flash)
        boot = BootRecord(regions["boot"])
        if boot.found:
            assert is_whole(regions, facts), (number, effect, "it would start what is not whole")
        work.provision(chip, facts, package)
        assert is_whole(regions, facts) and BootRecord(regions["boot"]).found and both_are(flash, facts)

    assert cut_everywhere(flash, lambda: work.provision(chip_of(flash), facts, package), check) > 300


def is_whole(regions, facts):
    bank = first_firmware.banks(regions)[0]
    return check_bank(bank, first_firmware.trust(facts), first_firmware.nothing) is not None


def test_what_does_not_fit_is_not_begun(bench):
    facts, _ = bench
    flash = make_flash()
    ops = flash.ops
    with pytest.raises(work.ToolError, match="leave something out"):
        factory_region.write(region_of(flash), {**facts, "more": "x" * 4096})
    assert flash.ops == ops


def test_what_is_no_provisioning_is_one_line(bench):
    facts, _ = bench
    for odd in ([], {"device": 3}, {"anchors": 7, "device": {}}, {"accounts": ["x"], "device": {"DevId": "a"}}):
        flash = make_flash()
        text = json.dumps(odd).encode()
        factory_region._write_copy(region_of(flash), 0, text)
        chip = chip_of(flash)
        with pytest.raises(work.ToolError):
            work.show(chip) if odd == [] or odd.get("anchors") == 7 or "accounts" in odd else work.provision(
                chip, facts
            )
        work.provision(chip, facts, force=True)
        assert both_are(flash, facts)


def test_power_cuts_are_no_tool_errors(bench):
    """The rig itself: a cut leaves `provision` as what it is."""
    flash = make_flash()
    flash.faults.plan(flash.ops + 1, "none", 1)
    with pytest.raises(PowerCut):
        work.provision(chip_of(flash), bench[0])
