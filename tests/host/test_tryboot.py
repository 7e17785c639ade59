"""Whole updates of a Raspberry Pi that boots A/B by itself: good ones, bad ones, boards and cards that will not do."""

import errno

import pytest

from agent.errors import AgentError, FlashError
from agent.options import Options
from ports.cpython_linux.stretch_writer import StretchWriter
from ports.sim import firmware
from ports.sim.device import IDLE
from tests.host.scripted import Bench, order
from tests.host.tryboot_pi import BOARD, CANONICAL, IMAGES, LAYOUT, PI3, PI5, Dead, PiBench
from tests.soak import goods

SWAPPED = CANONICAL.replace(b"=2", b"=9").replace(b"=3", b"=2").replace(b"=9", b"=3")


def refused(bench, word, boots=1):
    """Check an update that fails before anything was written, and that the log says why."""
    bench.run()
    assert bench.results == [("a", 410)], bench.said
    assert [line for line in bench.said if word in line], bench.said
    assert not any(bench.card.parts[name].writes for name in ("mmcblk0p3", "mmcblk0p6", "mmcblk0p2", "mmcblk0p5"))
    assert bench.device.arguments == [] and len(bench.device.started) == boots
    return bench


@pytest.mark.parametrize("encoding", ["none", "deflate", "delta"])
def test_an_update_is_tried_and_kept(tmp_path, encoding):
    bench = PiBench(tmp_path, order("dau"), encoding=encoding)
    assert bench.run() == ["reset", IDLE] and bench.results == [("a", 200)]
    assert bench.device.started == [(2, False), (3, True)] and bench.device.arguments == ["0 tryboot"]
    assert bench.card.fat.on_disk("autoboot.txt") == SWAPPED and list(bench.card.fat.disk_names) == ["autoboot.txt"]
    assert bench.card.bank(1).startswith(IMAGES[goods.NEW]) and bench.card.bank(0).startswith(IMAGES[goods.OLD])
    assert [bank.writer for bank in bench.device.hardware.banks] == [StretchWriter] * 2
    assert bench.states[-1] == 90 and bench.device.hardware.layout == goods.layout_hash(LAYOUT)
    writes = bench.card.fat.power.trace.count("rename")
    assert bench.run() == [IDLE] and bench.device.started[-1] == (3, False)
    assert bench.card.power.trace.count("rename") == writes


def test_it_goes_there_and_back(tmp_path):
    bench = PiBench(tmp_path, order("dau"))
    bench.run()
    back = []
    bench.ask = lambda bench, agent: back or back.append(bench.device.make_control(dict).obey(["rollback"]))
    assert bench.run() == ["reset", IDLE] and back == ["done rollback"]
    assert bench.device.started[2:] == [(3, False), (2, True)] and bench.card.fat.on_disk("autoboot.txt") == CANONICAL
    assert bench.device.version == goods.OLD and bench.results == [("a", 200)]


@pytest.mark.parametrize("behaviour", [firmware.CRASH, firmware.HANG, firmware.UNFIT])
@pytest.mark.parametrize("causes", [True, False])
def test_a_trial_that_fails(tmp_path, behaviour, causes):
    bench = PiBench(tmp_path, order("dau"), behaviour=behaviour, causes=causes)
    bench.run()
    trials = 1 if causes else 3  # a board that cannot tell why it starts tries three times
    assert bench.results == [("a", 410)] and bench.device.arguments.count("0 tryboot") == trials
    assert bench.device.started.count((3, True)) == trials and bench.device.started[-1] == (2, False)
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL and bench.ends_with() == goods.OLD


def test_an_agent_that_ends_in_its_trial_is_a_reboot(tmp_path):
    bench = PiBench(tmp_path, order("dau"))

    def ask(bench, agent):
        if bench.device.started[-1][1]:
            raise AgentError("a defect of the new firmware")

    bench.ask = ask
    bench.run()
    assert bench.results == [("a", 410)] and bench.device.arguments == ["0 tryboot", None]


@pytest.mark.parametrize("causes", [True, False])
def test_a_kernel_that_does_not_know_the_argument(tmp_path, causes):
    bench = PiBench(tmp_path, order("dau"), causes=causes)
    bench.device.hears_argument = False
    bench.run()
    assert bench.results == [("a", 410)] and set(bench.device.started) == {(2, False)}
    assert bench.device.arguments == ["0 tryboot"] * (1 if causes else 3)


def test_an_agent_that_ends_before_the_reboot_arms_the_same_trial_again(tmp_path):
    bench = PiBench(tmp_path, order("dau"))
    reboot, fails, arms = bench.device.reboot, [2], []

    def failing():
        arms.append(bench.record.job.arms)
        if fails[0]:
            fails[0] -= 1
            raise AgentError("the board does not restart")
        reboot()

    bench.device.reboot = failing
    assert bench.run() == ["reset", IDLE] and bench.results == [("a", 200)]
    assert arms == [1, 1, 1] and bench.device.started == [(2, False), (3, True)]


def test_a_trial_that_nobody_ordered_is_not_kept(tmp_path):
    bench = PiBench(tmp_path)
    for number, part in ((3, IMAGES[goods.NEW][: BOARD.BOOT_SIZE]), (6, IMAGES[goods.NEW][BOARD.BOOT_SIZE :])):
        bench.card.parts["mmcblk0p%d" % number].load(0, part)
    bench.device.rom.flag = True
    assert bench.run() == [IDLE] and bench.device.started == [(3, True)]
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL and bench.results == []
    assert bench.run() == [IDLE] and bench.device.started[-1] == (2, False)


# -- boards that will not do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        ("built", 1669334399, "older than 2022-11-25"),
        ("built", None, "older than 2022-11-25"),
        ("kind", PI3, "only a Raspberry Pi 4, 5"),
        ("mode", 2, "boot-mode 2"),
        ("roots", {2: 6, 3: 5}, "mend cmdline.txt"),
        ("roots", {2: 7, 3: 7}, "no bank"),
        ("mounts", "/dev/mmcblk0p3 /boot/firmware vfat ro 0 0\n", "mounted on /boot/firmware"),
    ],
)
def test_what_is_refused(tmp_path, kind, value, word):
    bench = PiBench(tmp_path, order("dau"))
    setattr(bench.device, kind, value)
    refused(bench, word)
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL


@pytest.mark.parametrize(("kind", "built"), [(None, 1669334400), (PI5, 1), (PI5, None)])
def test_what_is_taken(tmp_path, kind, built):
    bench = PiBench(tmp_path, order("dau"))
    bench.device.built = built
    bench.device.kind = kind or bench.device.kind
    bench.run()
    assert bench.results == [("a", 200)]


def test_a_root_of_the_other_bank_fails_the_trial(tmp_path):
    bench = PiBench(tmp_path, order("dau"))
    bench.device.roots = {2: 5, 3: 5}  # the package brings a cmdline.txt that is not for its bank
    bench.run()
    assert bench.results == [("a", 410)] and bench.device.started == [(2, False), (3, True), (2, False)]
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL
    assert not [
        line for line in bench.said if line.startswith("error")
    ]  # a self-test ends it, not a confirmation that fails


def test_the_bank_that_runs_cannot_be_written(tmp_path):
    bench = PiBench(tmp_path)
    bench.run()
    banks = bench.device.hardware.banks
    for write in (lambda: banks[0].image.program(0, b"x"), lambda: banks[0].image.erase(BOARD.BOOT_SIZE, 4096)):
        with pytest.raises(FlashError, match="bank 0 is the one that runs"):
            write()
    banks[1].image.program(0, b"x")


def test_the_state_is_written_behind_the_banks(tmp_path):
    bench = PiBench(tmp_path)
    bench.run()
    hardware, parts = bench.device.hardware, bench.card.parts
    for addr, name in ((0, "mmcblk0p3"), (BOARD.BOOT_SIZE, "mmcblk0p6")):
        for write in (lambda: hardware.factory.program(0, b"x"), lambda: hardware.journal.erase(0, 4096)):
            hardware.banks[1].image.program(addr, b"x" * 512)
            assert parts[name].pending
            write()
            assert not parts[name].pending


# -- a first partition that will not do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "number", "word"),
    [("open", errno.EROFS, "read-only"), ("write", errno.ENOSPC, "no room"), ("fsync", errno.EIO, "Input/output")],
)
def test_a_first_partition_that_cannot_be_written(tmp_path, where, number, word):
    bench = PiBench(tmp_path, order("dau"))
    bench.card.fat.fault[where] = number
    refused(bench, word)
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL


@pytest.mark.parametrize("where", ["open", "write", "fsync", "rename"])
def test_one_that_cannot_be_written_in_the_end(tmp_path, where):
    """The new firmware cannot be confirmed: it starts the board again, and the old one tells."""
    bench = PiBench(tmp_path, order("dau"))
    powered = bench.powered

    def failing(device):
        powered(device)
        if device.started[-1][1]:
            bench.card.fat.fault[where] = errno.EROFS

    bench.powered = failing
    bench.run()
    assert bench.results == [("a", 410)] and bench.device.started[-1] == (2, False)
    assert [line for line in bench.said if "cannot be confirmed" in line and "read-only" in line]
    assert bench.card.fat.on_disk("autoboot.txt") == CANONICAL and bench.ends_with() == goods.OLD


@pytest.mark.parametrize(
    "data", [None, b"", b"\0" * 70, b"\xee" * 600, CANONICAL + b"#" * 500, CANONICAL[:40], b"[all]\nboot_partition=7\n"]
)
def test_an_autoboot_that_is_lost(tmp_path, data):
    """The ROM looks further and finds the first bank; the agent writes the file anew, and the update goes on."""
    bench = PiBench(tmp_path, order("dau"))
    names, files = bench.card.fat.names, bench.card.fat.data
    for index in (bench.card.fat.disk_names, names):
        if data is None:
            del index["autoboot.txt"]
    for store in (bench.card.fat.disk_data, files):
        store[1] = data or b""
    bench.run()
    assert bench.results == [("a", 200)] and bench.ends_with() == goods.NEW
    assert bench.card.fat.on_disk("autoboot.txt") == SWAPPED
    assert [line for line in bench.said if "written anew" in line]


@pytest.mark.parametrize(
    "data",
    [
        CANONICAL.replace(b"tryboot_a_b=1\n", b""),
        CANONICAL.replace(b"=3", b"=2"),
        b"[tryboot]\nboot_partition=3\n[all]\ntryboot_a_b=1\nboot_partition=2\n",
        b"boot_partition=2\n",
    ],
)
def test_an_autoboot_whose_trial_is_none(tmp_path, data):
    bench = PiBench(tmp_path, order("dau"))
    for store in (bench.card.fat.disk_data, bench.card.fat.data):
        store[1] = data
    bench.run()
    assert bench.results == [("a", 200)] and bench.device.started == [(2, False), (3, True)]


def test_an_autoboot_that_is_lost_in_the_renaming(tmp_path):
    """What FAT is not said to do, and a bad card may: neither name is there. The ROM looks further, both ways."""
    for first in (0, 1):
        bench = PiBench(tmp_path, order("dau"))
        if first:  # confirmed is the second bank, the update goes into the first
            bench.run()
            back = []
            bench.ask = lambda bench, agent, back=back: (
                back or back.append(bench.device.make_control(dict).obey(["rollback"]))
            )
        fat, rename = bench.card.fat, bench.card.fat.rename

        def losing(old, new, fat=fat, rename=rename):
            fat.rename = rename
            rename(old, new)
            fat.pending = []
            fat.disk_names.clear()
            fat.power.off()

        fat.rename = losing
        ends = bench.run()
        assert "cut" in ends and ends[-1] == IDLE and set(bench.results) == {("a", 200)}, (first, ends, bench.said)
        assert bench.card.fat.on_disk("autoboot.txt") == (CANONICAL if first else SWAPPED)


def test_a_bootloader_that_looks_no_further_is_told_of(tmp_path):
    bench = PiBench(tmp_path)
    bench.device.built = 1669334400
    bench.run()
    assert [line for line in bench.said if "looks no further" in line]
    bench.card.fat.disk_names.clear()
    bench.device.rom.walks = False
    with pytest.raises(Dead):
        bench.run()


# -- what the agent does with a boot control that fails -----------------------------------------------------------------------


def test_a_trial_that_cannot_be_armed_fails_at_once():
    """On every board: no starting again and again until the state counts as lost."""
    bench = Bench(order("dau"))

    def look(bench, agent):
        boot = agent.hardware.boot
        boot.set_trial = _cannot

    bench.ask = look
    assert bench.run() == [IDLE] and bench.results == [("a", 410)]
    assert Options.name == ""


def _cannot(bank, attempt):
    raise FlashError("the boot record cannot be written: replace the flash")
