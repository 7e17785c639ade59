"""ports/micropython/system.py: what each port tells of a reset, and what the mark makes of it."""

from agent import reset
from tests.portable.check import raises
from tests.portable.fakes import Ended, Fake

_PORTS = (("rp2", "rp2"), ("rp2350", "rp2"), ("esp32", "esp32"), ("stm32", "pyboard"), ("mimxrt", "mimxrt"))
# what ended the boot before -> what may be said of it where nobody left a mark
_ALLOWED = {
    "power": (reset.POWER,),
    "watchdog": (reset.WATCHDOG,),
    "reset": (reset.WATCHDOG, reset.UNKNOWN),  # a program that gave up
    "panic": (reset.WATCHDOG, reset.UNKNOWN),
    "button": (reset.POWER, reset.UNKNOWN),
}


def _kept(port, platform, planned, **settings):
    """Return the memory that a boot leaves that ends with a reset, wanted or not."""
    with Fake(port=port, **settings) as fake:
        board = fake.port(platform=platform)
        board.take_cause()
        if board.scratch:
            board.scratch.set(0x21)
        with raises(Ended) as ended:
            board.reboot() if planned else fake.machine.reset()
        assert ended.error.cause == "reset"
        return fake.kept


def test_what_nobody_wanted_is_never_taken_for_normal():
    for port, platform in _PORTS:
        for cause in _ALLOWED:
            with Fake(cause=cause, port=port) as fake:
                found = fake.port(platform=platform).take_cause()
                assert found in _ALLOWED[cause], (port, cause, found)
                assert reset.is_normal(found) == (found == reset.POWER)


def test_a_reset_that_was_wanted_counts_once():
    for port, platform in _PORTS:
        kept = _kept(port, platform, True)
        with Fake(cause="reset", port=port, kept=kept) as fake:
            board = fake.port(platform=platform)
            assert board.take_cause() == reset.COMMANDED and board.cause == reset.COMMANDED, port
            kept = fake.kept
        with Fake(cause="reset", port=port, kept=kept) as fake:
            assert fake.port(platform=platform).take_cause() in _ALLOWED["reset"], port


def test_a_reset_that_nobody_marked_does_not_count_as_wanted():
    for port, platform in _PORTS:
        with Fake(cause="reset", port=port, kept=_kept(port, platform, False)) as fake:
            assert fake.port(platform=platform).take_cause() in _ALLOWED["reset"], port


def test_power_that_came_is_power_whatever_was_marked():
    with Fake(cause="power", kept=_kept("stm32", "pyboard", True), port="stm32") as fake:
        board = fake.port(platform="pyboard")
        fake.machine.mem_backup()[-1] = 0x5C  # a battery has kept it
        assert board.take_cause() == reset.POWER and not board.scratch.take_planned()


def test_nobody_sleeps_by_mistake():
    with Fake(cause="deepsleep", port="esp32") as fake:
        assert fake.port(platform="esp32").take_cause() == reset.COMMANDED


def test_scratch_keeps_a_number_until_the_power_goes():
    for port, platform in _PORTS:
        kept = _kept(port, platform, True)
        for cause, value in (("reset", 0x21), ("watchdog", 0x21), ("power", 0)):
            with Fake(cause=cause, port=port, kept=kept) as fake:
                scratch = fake.port(platform=platform).scratch
                assert scratch.remembers and scratch.get() == value, (port, cause)


def test_every_number_and_no_garbage():
    with Fake() as fake:
        scratch, items = fake.port().scratch, fake.machine.mem_backup()
        for value in range(256):
            scratch.set(value)
            assert scratch.get() == value
        for fill in (0, 0xFF, 0xFFFFFFFF):
            for at in range(len(items)):
                items[at] = fill
            assert scratch.get() == 0 and not scratch.take_planned()
        scratch.set(7)
        items[-3] = 9  # half of a set
        assert scratch.get() == 0


def test_programs_that_begin_at_the_first_item_do_no_harm():
    with Fake(port="rp2") as fake:
        scratch, items = fake.port().scratch, fake.machine.mem_backup()
        scratch.set(5)
        scratch.mark_planned()
        for at in range(len(items) - 3):
            items[at] = 0x12345678
        assert scratch.get() == 5 and scratch.take_planned()


def test_memory_too_small_is_none():
    for port, platform, backup in (("samd", "samd", None), ("rp2", "rp2", [2, 4]), ("mimxrt", "mimxrt", [0, 1])):
        with Fake(port=port, backup=backup) as fake:
            assert fake.port(platform=platform).scratch is None, port


def test_a_board_without_such_memory_tells_what_it_can():
    for cause, found in (("power", reset.POWER), ("watchdog", reset.WATCHDOG), ("reset", reset.UNKNOWN)):
        with Fake(cause=cause, port="samd") as fake:
            assert fake.port(platform="samd").take_cause() == found


def test_firmware_before_mem_backup():
    for port, platform in (("rp2", "rp2"), ("esp32", "esp32")):
        kept = _kept_old(port, platform)
        with Fake(cause="reset", port=port, kept=kept, backup=[0, 1]) as fake:
            scratch = _old_scratch(platform)
            assert scratch.get() == 0x42 and scratch.take_planned() and not scratch.take_planned(), port
            assert fake.state.settings["backup"] == [0, 1]


def _old_scratch(platform):
    from ports.micropython.system import find_scratch

    return find_scratch(platform, "Raspberry Pi Pico W with RP2040")


def _kept_old(port, platform):
    with Fake(port=port, backup=[0, 1]) as fake:
        scratch = _old_scratch(platform)
        assert scratch.get() == 0
        scratch.set(0x42)
        scratch.mark_planned()
        return fake.kept


def test_on_an_rp2_both_ways_lead_to_the_same_registers():
    for port, chip, base in (("rp2", "Pico W with RP2040", 0x4005800C), ("rp2350", "Pico 2 W with RP2350", 0x400D800C)):
        with Fake(port=port, backup=[0, 1]) as fake:
            from ports.micropython.system import find_scratch

            find_scratch("rp2", chip).set(0x21)
            assert [fake.machine.mem32[base + 4 * i] for i in range(4)] == [0, 0x21, 0x21 ^ 0xA5, 0]
        with Fake(port=port) as fake:
            fake.port().scratch.set(0x21)
            assert [fake.machine.mem_backup()[i] for i in range(4)] == [0, 0x21, 0x21 ^ 0xA5, 0]


def test_an_unknown_chip_gets_no_registers_poked():
    with Fake(backup=[0, 1]):
        from ports.micropython.system import find_scratch

        assert find_scratch("rp2", "something else") is None


def test_who_it_is():
    with Fake() as fake:
        board = fake.port()
        assert board.unique_id() == "e661401020304050"
        assert len(board.random_bytes(33)) == 33 and board.random_bytes(16) != board.random_bytes(16)
        assert sorted({board.random(4) for _ in range(200)}) == [0, 1, 2, 3]
