"""A second opinion about SMP: what the library `smp` can say is understood, and it understands every answer.

Whatever else comes over the line, the recovery neither fails nor answers what cannot be read.
"""

import struct

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smp import header, packet
from smp.image_management import ImageUploadWriteResponse
from smpclient.requests import enumeration_management as enumeration
from smpclient.requests import file_management as files
from smpclient.requests import image_management as images
from smpclient.requests import os_management as system
from smpclient.requests import settings_management as stored
from smpclient.requests import shell_management as shell
from smpclient.requests import statistics_management as statistics

from hal import cbor
from hal.smp import Smp
from hal.smp_frame import Receiver, send
from tests.portable.smp_bench import HASH, SIZE, Target, refused

_NUMBERS = st.integers(0, 2**32 - 1)
_OFFSETS = st.integers(0, 700)
_DATA = st.binary(max_size=600)
_HASHES = st.one_of(st.none(), st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.just(HASH))
_TEXT = st.text(max_size=60)
_BITS = st.one_of(st.none(), st.booleans())
_UPLOAD = {
    "off": st.one_of(_OFFSETS, _NUMBERS),
    "data": _DATA,
    "image": st.one_of(st.none(), st.integers(0, 3)),
    "len": st.one_of(st.none(), _OFFSETS, _NUMBERS),
    "sha": _HASHES,
    "upgrade": _BITS,
}
REQUESTS = (
    (system.EchoWrite, {"d": st.text(max_size=200)}),
    (system.ResetWrite, {"force": st.sampled_from((None, 0, 1)), "boot_mode": st.sampled_from((None, 0, 1, 200))}),
    (system.MCUMgrParametersRead, {}),
    (system.TaskStatisticsRead, {}),
    (system.MemoryPoolStatisticsRead, {}),
    (system.DateTimeRead, {}),
    (system.OSApplicationInfoRead, {"format": st.one_of(st.none(), _TEXT)}),
    (system.BootloaderInformationRead, {"query": st.one_of(st.none(), st.just("mode"), _TEXT)}),
    (images.ImageStatesRead, {}),
    (images.ImageStatesWrite, {"hash": _HASHES, "confirm": st.booleans()}),
    (images.ImageUploadWrite, _UPLOAD),
    (images.ImageErase, {"slot": st.one_of(st.none(), st.integers(0, 9))}),
    (files.FileDownload, {"off": _OFFSETS, "name": _TEXT}),
    (shell.Execute, {"argv": st.lists(_TEXT, max_size=4)}),
    (statistics.ListOfGroups, {}),
    (enumeration.CountSupportedGroups, {}),
    (stored.ReadSetting, {"name": _TEXT}),
)


@st.composite
def requests(draw):
    """Make any request that the library has."""
    kind, fields = draw(st.sampled_from(REQUESTS))
    values = {name: draw(strategy) for name, strategy in fields.items()}
    version = draw(st.sampled_from(header.Version))
    return kind(version=version, sequence=draw(st.integers(0, 255)), **values)


def over_the_line(data, line_length):
    """Return what our receiver makes of the library's lines."""
    found = []
    receiver = Receiver(SIZE, lambda message: found.append(bytes(message)))
    for line in packet.encode(data, line_length):
        receiver.feed(line)
    assert len(found) == 1
    return found[0]


def back_again(answer):
    """Return what the library makes of our lines."""
    lines = []
    send(lines.append, answer)
    decoder = packet.decode()
    next(decoder)
    for line in lines[:-1]:
        assert len(line) <= 127
        decoder.send(line)
    with pytest.raises(StopIteration) as caught:
        decoder.send(lines[-1])
    return caught.value.value


def understood(request, data):
    """Return the answer as smpclient reads it: it tries these three, in this order."""
    for kind in (request._Response, request._ErrorV1, request._ErrorV2):
        try:
            return kind.loads(data)
        except ValueError:
            pass
    raise AssertionError("no client understands %r" % data)


@settings(max_examples=400, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=6), st.sampled_from((8, 64, 127, 128)), st.booleans())
def test_whatever_a_client_says(asked, line_length, fails):
    target = Target()
    smp = Smp(target)
    for request in asked:
        data = request.BYTES
        if len(data) > SIZE - 4:
            continue
        assert over_the_line(data, line_length) == data
        target.error = refused() if fails else None
        answer = back_again(smp.answer(memoryview(data)))
        response = understood(request, answer)
        assert response.header.sequence == request.header.sequence
        assert response.header.version == request.header.version
        assert response.header.command_id == request.header.command_id
        if isinstance(response, ImageUploadWriteResponse):
            assert response.off is not None  # else the client takes an error for a success without an offset


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_else_comes(payload):
    """No exception, and an answer that is whole."""
    for first in (0, 2, 8, 10):
        smp = Smp(Target())
        for group, command in ((0, 0), (0, 5), (0, 8), (1, 0), (1, 1), (7, 7)):
            message = struct.pack(">BBHHBB", first, 0, len(payload), group, 5, command) + payload
            answer = bytes(smp.answer(memoryview(message)))
            assert struct.unpack_from(">H", answer, 2)[0] == len(answer) - 8
            assert isinstance(cbor2.loads(answer[8:]), dict)
        smp.answer(payload)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.integers(8, 600)), max_size=12), st.integers(1, 200))
def test_frames_between_noise(parts, piece):
    """Noise that ends in a newline costs no frame after it."""
    stream, sent, found = b"", [], []
    for at, part in enumerate(parts):
        if isinstance(part, bytes):
            stream += part + b"\n"
        else:
            sent.append(bytes((at,)) * part)
            stream += b"".join(packet.encode(sent[-1], 127))
    receiver = Receiver(SIZE, lambda message: found.append(bytes(message)))
    for at in range(0, len(stream), piece):
        receiver.feed(stream[at : at + piece])
    assert found == sent


def _plain(value):
    """Return what was read with bytes in the place of views."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


_LEAVES = st.one_of(
    st.integers(-(2**32), 2**32 - 1), st.binary(max_size=300), st.text(max_size=300), st.booleans(), st.none()
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=9), inner, max_size=5)),
    max_leaves=12,
)  # fmt: skip


def _depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=400, deadline=None)
@given(_VALUES.filter(lambda value: _depth(value) <= 4), st.booleans())
def test_values_there_and_back(value, canonical):
    into = memoryview(bytearray(65536))
    size = cbor.write(value, into)
    assert cbor2.loads(bytes(into[:size])) == value
    assert _plain(cbor.read(cbor2.dumps(value, canonical=canonical))) == value


@settings(max_examples=2000, deadline=None)
@given(st.binary(max_size=40))
def test_what_we_read_is_what_others_read(data):
    read_alike(data)


def read_alike(data):
    """Read with both; ours may refuse."""
    try:
        value = cbor.read(data)
    except ValueError:
        return
    assert _plain(value) == cbor2.loads(data)


@settings(max_examples=500, deadline=None)
@given(_VALUES.filter(lambda value: _depth(value) <= 4), st.data())
def test_damaged_values_are_refused_or_read_alike(value, more):
    data = bytearray(cbor2.dumps(value))
    for _ in range(more.draw(st.integers(1, 3))):
        data[more.draw(st.integers(0, len(data) - 1))] = more.draw(st.integers(0, 255))
    read_alike(bytes(data))
