"""ESP images: every sum is checked, whatever is cut or flipped."""

import pytest

from flash_tools.errors import VerifyError
from flash_tools.images import Wish, esp, make
from tests.host.images import esp_image


def test_a_whole_image():
    found = esp.parse(esp_image())
    assert (found["chip"], found["version"], found["project"], found["idf"]) == ("ESP32-S3", "v2.3", "blinky", "v5.2")
    assert [part["address"] for part in found["segments"]] == [0x3C000020, 0x40374000]
    assert found["sha256"] and found["behind"] == 0 and found["entry"] == 0x40375000


def test_without_digest_and_without_description():
    found = esp.parse(esp_image(segments=[(0x1000, b"abc")], digest=False) + b"more")
    assert not found["sha256"] and found["behind"] == 4 and "version" not in found


def test_wherever_the_last_segment_ends():
    for size in range(17):
        assert esp.parse(esp_image(segments=[(0x1000, bytes(range(100, 100 + size)))]))["segments"][0]["size"] == size


def test_every_flip_and_cut():
    whole = esp_image()
    for at in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[at] ^= 0x20
        with pytest.raises(ValueError):
            esp.parse(bytes(broken))
    for size in range(len(whole)):
        with pytest.raises(ValueError):
            esp.parse(whole[:size])


def test_a_checksum_of_its_own():
    """Without a digest behind it, the checksum is all there is."""
    whole = bytearray(esp_image(digest=False))
    whole[60] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        esp.parse(bytes(whole))


def test_sizes_that_lie():
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 10000):
        whole = bytearray(esp_image())
        whole[28:32] = size.to_bytes(4, "little")
        with pytest.raises(ValueError, match="cut off"):
            esp.parse(bytes(whole))


def test_make(tmp_path):
    path = tmp_path / "app.bin"
    path.write_bytes(esp_image())
    made = make(path, Wish())
    assert made.kind == "raw" and made.version == "v2.3" and made.data == esp_image() and "ESP32-S3" in made.notes[1]
    assert make(path, Wish(version="7")).version == "7"
    path.write_bytes(esp_image()[:-1])
    with pytest.raises(VerifyError, match="--kind raw"):
        make(path, Wish(version="7"))
    assert make(path, Wish("raw", "7")).version == "7"
