"""Images and packages from anywhere: one kind of error comes out, soon, and never more memory than an image may have."""

import struct
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from flash_tools import images
from flash_tools.errors import ToolError
from flash_tools.images import esp, mcuboot, romfs, zip_image
from flash_tools.images.mcuboot import Signing
from flash_tools.packages import package_show
from flash_tools.packages.package_build import Target, build_package
from tests.host.images import MODULES, esp_image
from tests.host.packages import KEY


@lru_cache
def sample(kind):
    """Return a good image, and what reads it."""
    if kind == "mcuboot":
        return mcuboot.sign(bytes(2000), Signing(KEY, "1.2.3", counter=1)), mcuboot.parse
    if kind == "esp":
        return esp_image(), esp.parse
    if kind == "zip":
        return zip_image.build({name: data[:300] for name, data in MODULES.items()}, True), zip_image.listing
    return romfs.build({name: data[:300] for name, data in MODULES.items()}), romfs.listing


KINDS = st.sampled_from(("mcuboot", "esp", "zip", "romfs"))


def changed(data, original):
    """Flip, cut, repeat and fill in a few places."""
    out = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        at, size = data.draw(st.integers(0, max(len(out) - 1, 0))), data.draw(st.integers(0, 40))
        what = data.draw(st.sampled_from(("flip", "cut", "repeat", "fill", "number")))
        if what == "flip" and out:
            out[at] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "cut":
            out = out[:at] + out[at + size :]
        elif what == "repeat":
            out = out[: at + size] + out[at:]
        elif what == "fill":
            out[at : at + size] = bytes([data.draw(st.sampled_from((0, 0xFF, 0x80)))]) * size
        elif len(out) > at + 4:
            struct.pack_into(
                "<I", out, at, data.draw(st.sampled_from((0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 1, 0x10000)))
            )
    return bytes(out)


@settings(max_examples=600, deadline=None)
@given(KINDS, st.data())
def test_changed_images(kind, data):
    original, parse = sample(kind)
    broken = changed(data, original)
    try:
        assert isinstance(parse(broken), dict)
    except ValueError:
        pass


@settings(max_examples=300, deadline=None)
@given(st.sampled_from((mcuboot.MAGIC, b"\xe9\x02", b"PK\x03\x04", romfs.MAGIC, b"")), st.binary(max_size=600))
def test_noise(magic, data):
    kind = images.guess(magic + data)[0]
    if kind != "lfs2":  # that one in a process of its own, below
        try:
            images.contents(kind, magic + data)
        except ValueError:
            pass


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(("none", "deflate", "delta")), st.data())
def test_changed_packages(encoding, data):
    original = package(encoding)
    broken = changed(data, original)
    try:
        package_show.lines(package_show.describe(broken, SOURCE))
    except ToolError:
        pass


SOURCE = b"firmware one " * 700


@lru_cache
def package(encoding):
    image = SOURCE[:4000] + b"news" + SOURCE[3000:]
    return build_package(image, Target("p", ["m"], "0" * 16, "1", 0), KEY, encoding=encoding, old_image=SOURCE)


def test_packages_whose_image_is_hostile():
    for kind in ("lfs2", "zip", "romfs", "mcuboot", "raw"):
        for image in (b"\xe9", b"\xff" * 8192, b"PK\x03\x04" * 30, bytes(4096), mcuboot.MAGIC + b"\xff" * 100):
            built = build_package(image, Target("p", ["m"], "0" * 16, "1", 0, kind), KEY)
            assert package_show.lines(package_show.describe(built))
