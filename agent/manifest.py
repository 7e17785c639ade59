"""What a package says of itself, and whether this device may take it: all of it decided before the first erase."""

import binascii

from agent.compat import const
from agent.errors import PackageError
from agent.fields import Fields
from agent.signature import load_json
from agent.sizes import BLOCK_BUFFER

KINDS = ("lfs2", "romfs", "zip", "mcuboot", "raw")
ENCODINGS = ("none", "deflate", "delta")
_MALFORMED = const(402)
_MISMATCH = const(403)
_POLICY = const(405)
_TOO_LARGE = const(502)
_MOST = const(0x3FFFFFFF)  # sizes stay below 1 GiB, a small int on every port


class Manifest:
    """Makes Fields of a verified manifest."""

    @staticmethod
    def parse(payload):
        """Return the manifest in a JSON `payload`; unknown fields are for newer agents and are left alone."""
        fields = load_json(payload)
        if not isinstance(fields, dict):
            raise PackageError("the manifest is not a JSON object", _MALFORMED)
        self = Fields()
        self.product = _text(fields, "product", 64)
        self.models = _texts(fields, "models")
        self.layout = _text(fields, "layout", 16)
        self.version = _text(fields, "version", 64)
        self.built = _number(fields, "built", 0x3FFFFFFFFF)
        self.counter = _number(fields, "counter", _MOST)
        self.kind = _one_of(fields, "kind", KINDS)
        self.encoding = _one_of(fields, "encoding", ENCODINGS)
        self.size = _number(fields, "size", _MOST, 1)
        self.sha256 = _digest(fields, "sha256")
        self.packed_max = _number(fields, "packed_max", _MOST, 1)
        self.package_size = _number(fields, "package_size", _MOST, 1)
        delta = self.encoding == "delta"
        self.source_size = _number(fields, "source_size", _MOST, 1) if delta else 0
        self.source_sha256 = _digest(fields, "source_sha256") if delta else None
        self.revoked = _texts(fields, "revoked") if "revoked" in fields else []
        return self


def check(manifest, identity, bank_size, layout, running, packed_max=BLOCK_BUFFER):
    """Raise PackageError where the device must not take the package; `running` is the confirmed bank's manifest or None."""
    if manifest.product != identity.product:
        raise PackageError(
            "the package is for product %s: build it for %s" % (manifest.product, identity.product), _MISMATCH
        )
    if identity.model not in manifest.models:
        raise PackageError("the package is not for model %s: build it for that one" % identity.model, _MISMATCH)
    if manifest.layout != layout:
        text = "the package is for layout %s, the device has %s: build it for that one"
        raise PackageError(text % (manifest.layout, layout), _MISMATCH)
    if running and manifest.counter < running.counter:
        text = "the package's security counter %d is below the device's %d: build it with that or more"
        raise PackageError(text % (manifest.counter, running.counter), _POLICY)
    if manifest.size > bank_size:
        text = "the image of %d bytes does not fit the bank of %d: make it smaller"
        raise PackageError(text % (manifest.size, bank_size), _TOO_LARGE)
    if manifest.packed_max > packed_max:
        raise PackageError("packed blocks are larger than %d bytes: build with less" % packed_max, _MALFORMED)
    if manifest.encoding == "delta":
        _check_source(manifest, running)


def _check_source(manifest, running):
    fits = running and manifest.source_size == running.size and manifest.source_sha256 == running.sha256
    if not fits:
        raise PackageError("the delta is for another firmware than the running one: offer the full image", _MISMATCH)


def _wrong(name):
    return PackageError("the manifest's field %s is missing or wrong" % name, _MALFORMED)


def _text(fields, name, limit):
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise _wrong(name)
    return value


def _texts(fields, name):
    value = fields.get(name)
    if not isinstance(value, list) or len(value) > 32:
        raise _wrong(name)
    for text in value:
        if not isinstance(text, str):
            raise _wrong(name)
    return value


def _number(fields, name, most, least=0):
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _wrong(name)
    return value


def _one_of(fields, name, allowed):
    value = fields.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise _wrong(name)
    return value


def _digest(fields, name):
    value = _text(fields, name, 64)
    try:
        digest = binascii.unhexlify(value)
    except ValueError:
        raise _wrong(name)
    if len(digest) != 32:
        raise _wrong(name)
    return digest
