"""autoboot.txt: read as the boot ROM reads it, refused where nobody knows what it makes of it, never more than a sector."""

from agent.errors import FlashError
from hal.autoboot import MOST, evaluate, partitions, render
from tests.portable.check import raises

GOOD = b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"


def test_the_usual_file():
    assert evaluate(GOOD, False) == {"tryboot_a_b": 1, "boot_partition": 2}
    assert evaluate(GOOD, True) == {"tryboot_a_b": 1, "boot_partition": 3}
    assert partitions(GOOD) == (2, 3) and render(2, 3) == GOOD
    assert partitions(render(3, 2)) == (3, 2)


def test_what_comes_last_holds():
    assert partitions(b"[tryboot]\nboot_partition=3\n[all]\ntryboot_a_b=1\nboot_partition=2\n") == (2, 0)
    assert partitions(b"boot_partition=9\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3") == (2, 3)
    assert partitions(b"boot_partition=2\r\n[none]\r\nboot_partition=7\r\n[all]\r\n") == (2, 0)


def test_a_trial_that_is_none():
    assert partitions(GOOD.replace(b"tryboot_a_b=1\n", b"")) == (2, 0)
    assert partitions(GOOD.replace(b"tryboot_a_b=1", b"tryboot_a_b=0")) == (2, 0)
    assert partitions(GOOD.replace(b"=3", b"=2")) == (2, 0)
    assert partitions(b"[all]\ntryboot_a_b=1\nboot_partition=2\n") == (2, 0)


def test_comments_and_blanks():
    assert partitions(
        b"# ours\n\n  [all]  \n\ttryboot_a_b = 1\nboot_partition= 2\n[tryboot]\nboot_partition=3\n\n"
    ) == (2, 3)


def test_what_is_refused():
    for data in (
        b"",
        b"\n\n",
        b"tryboot_a_b=1\n",
        b"[tryboot]\nboot_partition=3\n",
        b"[pi4]\nboot_partition=2\n",
        b"[all\nboot_partition=2\n",
        b"boot_partition=two\n",
        b"boot_partition=-2\n",
        b"boot_partition=2.0\n",
        b"boot_partition=\n",
        b"boot_partition\n",
        b"=2\n",
        b"Boot_partition=2\n",
        b"boot_partition=2\n\x00\x00\x00",
        b"\xff\xfe" + GOOD,
        b"boot_partition=1234567890\n",
        GOOD + b"\x00" * 30,
        GOOD + b"#" * (MOST - len(GOOD) + 1),
    ):
        with raises(FlashError):
            partitions(data)
    assert partitions(GOOD + b"#" * (MOST - len(GOOD))) == (2, 3)


def test_other_settings_stay():
    before = b"[all]\npartition_walk=1\nboot_partition=3\n[tryboot]\nboot_partition=2\nuart_2ndstage=1\n[none]\nx=1\n"
    data = render(2, 3, before)
    assert partitions(data) == (2, 3)
    assert evaluate(data, False) == {"tryboot_a_b": 1, "boot_partition": 2, "partition_walk": 1}
    assert evaluate(data, True)["uart_2ndstage"] == 1
    assert render(2, 3, data) == data


def test_too_much_is_not_written():
    before = b"".join([b"setting_number_%d=1\n" % number for number in range(20)])
    with raises(FlashError):
        render(2, 3, before + b"[tryboot]\n" + before.replace(b"=1", b"=2")[:200])


def test_every_beginning_and_every_flipped_byte_is_taken_or_refused():
    for size in range(len(GOOD)):
        _taken_or_refused(GOOD[:size])
    for at in range(len(GOOD)):
        for flip in (1, 0x20, 0x80, 0xFF):
            _taken_or_refused(GOOD[:at] + bytes([GOOD[at] ^ flip]) + GOOD[at + 1 :])


def _taken_or_refused(data):
    try:
        normal, trial = partitions(data)
        assert normal != trial and render(normal, trial or 9, data)
    except FlashError as e:
        assert str(e)
