"""What `package show` and `package diff` say of packages and images, the damaged ones among them."""

import json
from random import Random

import pytest

from flash_tools.errors import ToolError, VerifyError
from flash_tools.images import lfs2, zip_image
from flash_tools.packages import package_diff, package_make, package_read, package_show
from flash_tools.packages.package_build import Target, build_package
from tests.host.images import MODULES, esp_image
from tests.host.packages import KEY, make_pair, opened


@pytest.fixture
def pair(tmp_path):
    return make_pair(tmp_path)


def shown(image, kind):
    package = build_package(image, Target("p", ["m"], "0" * 16, "1", 0, kind), KEY)
    found = package_show.describe(package)
    json.dumps(found)
    return found, "\n".join("%s %s" % row for row in package_show.lines(found))


def test_show_looks_into_every_kind():
    found, text = shown(lfs2.build(MODULES), "lfs2")
    assert "data/blob.bin" in text and found["contents"]["files"]["data/blob.bin"]["size"] == 19200
    found, text = shown(zip_image.build(MODULES, True), "zip")
    assert "lib/deep/er/table.py" in text and found["block_sizes"]["count"] == found["blocks"]
    found, text = shown(esp_image(), "raw")
    assert "ESP32-S3" in text and "0x3c000020" in text and "v2.3" in text
    found, text = shown(b"just bytes", "raw")
    assert found["contents"] == {} and package_show.words("built", 1795291750) == "2026-11-21 20:09:10 UTC"


def test_show_says_what_is_wrong_inside():
    for kind in ("lfs2", "zip", "romfs", "mcuboot"):
        found, _ = shown(b"not of this kind" * 1000, kind)
        assert found["contents"]["error"]
        package = build_package(b"not of this kind" * 1000, Target("p", ["m"], "0" * 16, "1", 0, kind), KEY)
        with pytest.raises(VerifyError, match="is the one that was signed, but"):
            package_show.check_contents(package_read.open_package(package))


def test_blocks_are_told_as_they_are():
    image = bytes(40000) + Random(4).randbytes(20000)
    found = package_read.open_package(build_package(image, Target("p", ["m"], "0" * 16, "1", 0), KEY))
    assert sum(block.size for block in found.blocks) == len(image) and found.image == image
    assert [block.offset for block in found.blocks] == sorted(block.offset for block in found.blocks)
    assert found.blocks[0].size == 32768 and found.blocks[0].deflated and not found.blocks[-1].deflated
    assert found.summary.blocks == len(found.blocks)


def test_diff_of_packages(pair):
    found = package_diff.diff(pair / "old.fup", pair / "new.fup")
    assert found["fields"]["version"] == ["1.0", "1.1"] and found["fields"]["counter"] == [3, 4]
    assert "product" not in found["fields"]
    what = {path: file["what"] for path, file in found["files"].items()}
    assert what == {
        "lib/answer.py": "changed",
        "lib/new.py": "added",
        "data/tiny.txt": "removed",
        "version.py": "changed",
    }
    assert found["files"]["data/tiny.txt"]["sizes"] == [1, None]
    built = package_make.delta(pair / "old.fup", pair / "new.fup", KEY)
    assert found["delta_bytes"] == sum(block.packed for block in opened(built, (pair / "old.img").read_bytes()).blocks)
    text = "\n".join(package_diff.lines(found))
    assert "removed  data/tiny.txt  1" in text and "a delta would take" in text
    json.dumps(found)


def test_diff_of_a_delta_with_its_source(pair):
    (pair / "d.fup").write_bytes(package_make.delta(pair / "old.fup", pair / "new.fup", KEY).package)
    found = package_diff.diff(pair / "old.fup", pair / "d.fup", False)
    assert len(found["files"]) == 4 and found["delta_bytes"] is None
    other = package_diff.diff(pair / "new.fup", pair / "d.fup")
    assert other["same_image"] is None and other["files"] is None and package_diff.lines(other)


def test_diff_of_raw_images(tmp_path):
    old, new = bytearray(200000), bytearray(200000)
    new[70000:70010] = b"x" * 10
    new[70015:70020] = b"y" * 5  # so near that it is one range
    new[150000] = 1
    (tmp_path / "a").write_bytes(old)
    (tmp_path / "b").write_bytes(new + b"tail")
    found = package_diff.diff(tmp_path / "a", tmp_path / "b")
    assert found["ranges"] == [[70000, 20], [150000, 1], [200000, 4]] and found["fields"] is None
    assert package_diff.diff(tmp_path / "a", tmp_path / "a")["same_image"]
    (tmp_path / "e").write_bytes(b"")
    with pytest.raises(ToolError, match="empty"):
        package_diff.diff(tmp_path / "a", tmp_path / "e")


def test_ranges_across_pieces_and_never_too_many():
    old, new = bytes(300000), bytearray(300000)
    new[65530:65545] = b"z" * 15
    assert package_diff.ranges(old, bytes(new)) == [[65530, 15]]
    noisy = bytes(n % 40 == 0 for n in range(300000))
    assert len(package_diff.ranges(old, noisy)) == 1000
