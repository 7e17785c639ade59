"""Packages from a hostile server: whatever the bytes, only PackageError and LinkError come out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent import package
from agent.errors import LinkError, PackageError
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
