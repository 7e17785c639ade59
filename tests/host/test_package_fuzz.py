"""Packages from a hostile server: whatever the bytes, only PackageError and LinkError come out."""

import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import package
from agent.delta import DeltaBlock
from agent.errors import LinkError, PackageError
from agent.inflate import inflated
from flash_tools.errors import ToolError
from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing.keys import new_key
from tests.data import vectors
from tests.portable.test_package import _unpack

_DATA = list(vectors.PACKAGES.values())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 5000))
def test_noise(data, piece):
    _refused(package.MAGIC + data, piece)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_DATA), st.data(), st.integers(64, 5000))
def test_changed_bytes(original, data, piece):
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    if changed != original:
        _refused(bytes(changed), piece)


def _refused(data, piece):
    try:
        image = _unpack(data, piece)
    except (PackageError, LinkError):
        return
    assert image == vectors.NEW and data.startswith(bytes(vectors.PACKAGES["none"][:4]))


@pytest.mark.parametrize("packed_max", [0, 4095, 8192, 70000])
def test_no_package_is_built_that_a_device_cannot_buffer(packed_max):
    with pytest.raises(ToolError):
        build_package(bytes(9000), Target("p", ["m"], "0" * 16, "1", 0), new_key(), packed_max=packed_max)


def test_a_block_of_empty_rounds_is_refused_before_it_is_read_through():
    """Zeros shrink a thousandfold: four megabytes of them, a million rounds, fit into one block of right CRC."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(bytes(4_000_000)) + packer.flush()
    assert len(packed) <= 4096
    plain = inflated(BytesIO(packed))
    asked = []
    readinto = plain.readinto
    plain.readinto = lambda into: asked.append(1) or readinto(into)
    with pytest.raises(PackageError):
        DeltaBlock(plain, None, 9000, 0, 4096).readinto(memoryview(bytearray(256)))
    assert len(asked) < 10
