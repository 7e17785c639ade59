"""From what a user has to a package: for whom, of what, as a delta, and what it costs before it is written."""

import json
from pathlib import Path
from random import Random

import pytest

from agent import factory
from agent.compat import crc32
from flash_tools.errors import RefusedError, ToolError, UsageError, VerifyError
from flash_tools.images import Wish
from flash_tools.packages import package_make, package_read, package_target
from flash_tools.packages.package_build import Target, build_package
from flash_tools.packages.package_estimate import PROTOCOL_BYTES, W25Q128, Speed, estimate, flash_seconds, of_sfdp
from flash_tools.packages.package_target import Whom
from flash_tools.sim import sim_files
from hal.region import layout_hash
from tests.data.sfdp_tables import TABLES
from tests.host.packages import KEY, WHOM, make_pair, opened

K = 1024


@pytest.fixture
def pair(tmp_path):
    return make_pair(tmp_path)


# -- delta ------------------------------------------------------------------------------------------------------------


def test_a_delta_of_two_packages(pair):
    built = package_make.delta(pair / "old.fup", pair / "new.fup", KEY)
    full, old = package_read.open_package((pair / "new.fup").read_bytes()), (pair / "old.img").read_bytes()
    found = opened(built, old)
    assert found.image == full.image and found.manifest.encoding == "delta"
    for name in ("product", "models", "layout", "version", "counter", "kind", "built", "sha256"):
        assert getattr(found.manifest, name) == getattr(full.manifest, name), name
    assert len(built.package) < full.summary.package_bytes / 3
    assert abs(built.estimate.full_package_bytes - full.summary.package_bytes) < 8
    assert not built.notes


def test_a_delta_of_images_and_folders(pair):
    from_packages = package_make.delta(pair / "old.fup", pair / "new.fup", KEY)
    for new, wish in (("new", Wish("lfs2", "1.1")), ("new.img", Wish())):
        built = package_make.delta(pair / "old.img", pair / new, KEY, whom=WHOM, wish=wish, counter=4)
        assert opened(built, (pair / "old.img").read_bytes()).image == (pair / "new.img").read_bytes()
        assert opened(built, (pair / "old.img").read_bytes()).manifest.counter == 4
        assert built.estimate.image_bytes == from_packages.estimate.image_bytes
    with pytest.raises(UsageError, match="for whom"):
        package_make.delta(pair / "old.fup", pair / "new.img", KEY)


def test_a_delta_that_does_not_pay_is_said(tmp_path):
    (tmp_path / "a").write_bytes(Random(1).randbytes(30000))
    (tmp_path / "b").write_bytes(b"".join(b"%d " % (n * 7919) for n in range(9000)))
    built = package_make.delta(tmp_path / "a", tmp_path / "b", KEY, whom=WHOM, wish=Wish("raw", "1"))
    assert any("not smaller" in note for note in built.notes)
    same = package_make.delta(tmp_path / "a", tmp_path / "a", KEY, whom=WHOM, wish=Wish("raw", "1"))
    assert any("nothing to update" in note for note in same.notes)


def test_pairs_that_no_device_takes(pair):
    def package(name, **changes):
        fields = {
            "product": "p",
            "models": ["m"],
            "layout": "0" * 16,
            "version": "2",
            "counter": 9,
            "kind": "lfs2",
            **changes,
        }
        image = (pair / "new.img").read_bytes()
        (pair / name).write_bytes(build_package(image, Target(**fields), KEY))
        return pair / name

    for changes, why in (({"product": "q"}, "product"), ({"layout": "1" * 16}, "layout"), ({"kind": "raw"}, "kind"),
                         ({"counter": 2}, "below")):  # fmt: skip
        with pytest.raises(RefusedError, match=why):
            package_make.delta(pair / "old.fup", package("x.fup", **changes), KEY)
    delta = package_make.delta(pair / "old.fup", pair / "new.fup", KEY)
    (pair / "d.fup").write_bytes(delta.package)
    with pytest.raises(ToolError, match="is a delta"):
        package_make.delta(pair / "d.fup", pair / "new.fup", KEY)
    with pytest.raises(ToolError, match="is a delta"):
        package_make.delta(pair / "old.fup", pair / "d.fup", KEY)


def test_what_is_said_of_a_package_must_be_what_it_says(pair):
    package_make.delta(pair / "old.fup", pair / "new.fup", KEY, whom=WHOM, wish=Wish("lfs2", "1.1"))
    for whom in (Whom("q", ("m",), "0" * 16), Whom("p", ("m",), "1" * 16), Whom("p", ("m",), "0" * 16, 4096)):
        with pytest.raises(RefusedError):
            package_make.delta(pair / "old.fup", pair / "new.fup", KEY, whom=whom)
    for wish in (Wish("zip"), Wish(version="1.2")):
        with pytest.raises(UsageError, match="says"):
            package_make.delta(pair / "old.fup", pair / "new.fup", KEY, wish=wish)
    with pytest.raises(RefusedError, match="below"):
        package_make.delta(pair / "old.fup", pair / "new.fup", KEY, counter=2)


def test_options_of_another_kind(pair):
    (pair / "fw.bin").write_bytes(b"x" * 9000)
    for source, wish in (("new", Wish("lfs2", "1.1", deflated=True)), ("new", Wish("zip", "1.1", 8192)),
                         ("new.img", Wish("lfs2", "1.1", 8192)), ("fw.bin", Wish(None, "1.1", slot_size=8192))):  # fmt: skip
        with pytest.raises(UsageError, match="is for"):
            package_make.build(pair / source, wish, WHOM, KEY)
    slot = Whom("p", ("m",), "0" * 16, 64 * K)
    assert package_make.build(pair / "fw.bin", Wish("mcuboot", "1.1"), slot, KEY).image.kind == "mcuboot"
    (pair / "fw.bin").write_bytes(b"x" * 61000)  # fits the bank, and not beside the trailer
    with pytest.raises(VerifyError, match="the slot room"):
        package_make.build(pair / "fw.bin", Wish("mcuboot", "1.1"), slot, KEY)


def test_numbers_and_names_that_no_manifest_can_hold(pair):
    for version, counter in (("", 0), ("v" * 65, 0), ("1", -1), ("1", 1 << 30)):
        with pytest.raises(UsageError, match="use"):
            package_make.build(pair / "new", Wish("zip", version), WHOM, KEY, counter=counter)


def test_revoked_keys_go_on_into_the_delta(pair):
    built = package_make.build(pair / "new", Wish("lfs2", "1.1"), WHOM, KEY, revoked=["aa" * 8])
    (pair / "r.fup").write_bytes(built.package)
    assert opened(built).manifest.revoked == ["aa" * 8]
    delta = package_make.delta(pair / "old.img", pair / "r.fup", KEY)
    assert opened(delta, (pair / "old.img").read_bytes()).manifest.revoked == ["aa" * 8]


def test_build_with_old(pair):
    built = package_make.build(
        pair / "new", Wish("lfs2", "1.1"), WHOM, KEY, encoding="delta", old=pair / "old.fup", built=5
    )
    found = opened(built, (pair / "old.img").read_bytes())
    assert found.manifest.encoding == "delta" and found.manifest.built == 5
    with pytest.raises(ToolError, match="--old"):
        package_make.build(pair / "new", Wish("lfs2", "1.1"), WHOM, KEY, encoding="delta")
    with pytest.raises(UsageError, match="--old"):
        package_make.build(pair / "new", Wish("lfs2", "1.1"), WHOM, KEY, old=pair / "old.fup")


def test_an_image_larger_than_the_bank_is_refused(pair):
    size = (pair / "new.img").stat().st_size
    whom = Whom("p", ("m",), "0" * 16, size)
    package_make.build(pair / "new.img", Wish(), whom, KEY)
    with pytest.raises(RefusedError, match="does not fit the bank"):
        package_make.build(pair / "new.img", Wish(), Whom("p", ("m",), "0" * 16, size - 4096), KEY)


# -- for whom ---------------------------------------------------------------------------------------------------------


def test_layouts_by_hash_name_and_file(tmp_path):
    from board.sim_nor import layout_of

    layout = layout_of(2048 * K)
    assert package_target.of_layout("0123456789abcdef") == ("0123456789abcdef", None)
    assert package_target.of_layout("sim_nor", "2M") == (layout_hash(layout), 2048 * K // 2 - 64 * K)
    (tmp_path / "l.json").write_text(json.dumps(layout))
    assert package_target.of_layout(str(tmp_path / "l.json")) == package_target.of_layout("sim_nor", "2048K")
    for wrong, size in (
        ("sim_nor", None),
        ("nothing", "2M"),
        ("0123456789ABCDEF", None),
        ("sim_nor", "2G"),
        ("sim_nor", "0"),
    ):
        with pytest.raises(UsageError):
            package_target.of_layout(wrong, size)


def test_a_simulated_device_says_for_whom(tmp_path):
    files = sim_files.make(tmp_path / "dev0", product="lamp", model="l2")
    whom = package_target.of_board("sim:%s" % files.folder)
    assert (whom.product, whom.models, whom.layout) == ("lamp", ("l2",), layout_hash(files.layout))
    assert whom.bank_size == 2048 * K // 2 - 64 * K
    flash = bytearray(files.flash.read_bytes())
    flash[14 * 4096 : 16 * 4096] = b"\xff" * 8192  # a provisioning that is too large for the factory region
    files.flash.write_bytes(flash)
    assert package_target.of_board("sim:%s" % files.folder) == whom
    told = package_target.combine("sim:%s" % files.folder, "other", ["a", "b"], None, None)
    assert (told.product, told.models, told.layout) == ("other", ("a", "b"), whom.layout)
    with pytest.raises(UsageError, match="leave one"):
        package_target.combine("sim:%s" % files.folder, None, None, "0" * 16, None)


def test_a_flash_image_says_for_whom(tmp_path):
    from board.sim_nor import layout_of

    layout, flash = layout_of(2048 * K), bytearray(b"\xff" * 2048 * K)
    (tmp_path / "flash.bin").write_bytes(flash)
    with pytest.raises(ToolError, match="how it is laid out"):
        package_target.of_board("file:%s" % (tmp_path / "flash.bin"))
    with pytest.raises(ToolError, match="provision it first"):
        package_target.of_board("file:%s" % (tmp_path / "flash.bin"), "sim_nor")
    text = json.dumps({"product": "lamp", "model": "l3", "layout": layout}).encode()
    head = factory.MAGIC + len(text).to_bytes(4, "little") + crc32(text).to_bytes(4, "little")
    flash[14 * 4096 : 14 * 4096 + len(head) + len(text)] = head + text
    (tmp_path / "flash.bin").write_bytes(flash)
    whom = package_target.of_board("file:%s" % (tmp_path / "flash.bin"))
    assert (whom.product, whom.models, whom.layout) == ("lamp", ("l3",), layout_hash(layout))


def test_what_is_missing_is_said():
    with pytest.raises(UsageError, match="--product, --model, --layout"):
        package_target.combine(None, None, None, None, None)
    with pytest.raises(UsageError, match="say --layout"):
        package_target.combine(None, "p", ["m"], None, None)


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_the_time_is_the_chips_own():
    """64 + 32 + 4 KiB in the largest units, the header's sector, 400 + 4 pages, one read-back."""
    bus = (404 * 2104 + 102400 * 8) / 24e6
    assert flash_seconds(100 * K, W25Q128) == pytest.approx(0.160 + 0.128 + 2 * 0.064 + 404 * 0.000704 + bus)
    assert flash_seconds(100 * K, W25Q128, 1) == pytest.approx(2.240 + 1.792 + 2 * 0.896 + 404 * 0.004224 + bus)
    small = Speed("x", ((4096, 10, 20),), (100, 200))
    assert flash_seconds(5000, small) == pytest.approx(0.03 + 24 * (0.0001 + 2104 / 24e6) + 40000 / 24e6)


def test_the_numbers_come_from_the_chips_table():
    table = next(bytes.fromhex(entry[4]) for entry in TABLES if entry[0] == "MX25R6435F")
    speed = of_sfdp(table, "MX25R6435F")
    assert (4096, 48, 384) in speed.erases and estimate(1 << 20, 5, speed).chip == "MX25R6435F"
    for broken in (b"", b"\xff" * 256, table[:20], b"SFDP" + b"\x00" * 100):
        assert of_sfdp(broken) is None


def test_what_goes_over_the_air():
    found = estimate(1000, 500)
    assert found.air_bytes == 500 + PROTOCOL_BYTES and found.percent == 50 and found.chip == "W25Q128"
    recorded = Path(__file__).resolve().parents[2] / "build" / "bench.json"
    if not recorded.exists():
        pytest.skip("no build/bench.json: `make bench` measures what is claimed here")
    measured = json.loads(recorded.read_text()).get("air_bytes_overhead", PROTOCOL_BYTES)
    assert abs(measured - PROTOCOL_BYTES) < 600
