"""The packages that a server has: which are genuine, and which one a device gets: a delta from what it runs, or the full one.

Whoever calls holds the desk's lock, except for `examine`, which takes long and touches nothing.
"""

import time

from flash_tools.errors import RefusedError, ToolError
from flash_tools.packages import package_read
from flash_tools.server.packages import PACKAGE_TYPE, Package
from flash_tools.server.store import Store
from flash_tools.signing import keys
from flash_tools.signing.jws import signer_of

PACKAGE_MOST = 64 << 20  # bytes
_NAME_MOST = 128
_DELTA = "delta"


class Shelf:
    """`base()` gives the URL that packages are below."""

    def __init__(self, store: Store, base):
        self._store, self._base = store, base
        self.packages = {name: self._load(name, data, record) for name, data, record in store.packages()}
        self.signers = dict(store.records("signer"))  # key id -> {"name", "public"}

    def _load(self, name, data, record):
        descriptor = record["descriptor"]
        descriptor = descriptor.encode("latin-1") if isinstance(descriptor, str) else descriptor
        package = Package(name, data, descriptor, self._base, record["content_type"])
        package.facts, package.external, package.added = record["facts"], record["external"], record["added"]
        return package

    def add(self, name, data: bytes, descriptor=None, content_type=PACKAGE_TYPE, facts=None, external="") -> Package:
        """Add a package, or put another in its place; without `facts` nobody has looked whether it is one."""
        kept = descriptor.decode("latin-1") if isinstance(descriptor, bytes) else descriptor
        record = {"descriptor": kept, "content_type": content_type, "facts": facts or {}, "external": external}
        record["added"] = time.time()
        self._store.put_package(name, data, record)
        self._store.commit()
        self.packages[name] = self._load(name, data, {**record, "descriptor": descriptor})
        return self.packages[name]

    def remove(self, name: str):
        """Take a package out."""
        self.get(name)
        self._store.drop_package(name)
        self._store.commit()
        del self.packages[name]

    def get(self, name: str) -> Package:
        """Return a package, or say that it is not there."""
        if name not in self.packages:
            raise ToolError("there is no package %s" % name[:_NAME_MOST])
        return self.packages[name]

    def add_signer(self, pem: str, name: str) -> str:
        """Trust a key from now on; return its id."""
        public = keys.read_public_pem(pem)
        kid = keys.key_id(public)
        record = {"name": name[:_NAME_MOST], "public": public.hex()}
        self._store.put("signer", kid, record)
        self._store.commit()
        self.signers[kid] = record
        return kid

    def remove_signer(self, kid: str):
        """Trust a key no longer."""
        if kid not in self.signers:
            raise ToolError("there is no signer %s" % kid[:_NAME_MOST])
        self._store.drop("signer", kid)
        self._store.commit()
        del self.signers[kid]

    def examine(self, data: bytes) -> dict:
        """Look through an upload; say what it is, or why it cannot be taken."""
        if len(data) > PACKAGE_MOST:
            raise ToolError("a package has at most %d bytes" % PACKAGE_MOST)
        kid = signer_of(data)
        known = self.signers.get(kid)
        if self.signers and known is None:
            raise RefusedError(
                "the package is signed by the unknown key %s: add that key as a signer first (`fumo package trust KEY.pub.pem`)"
                % kid
            )
        summary = package_read.inspect(data, bytes.fromhex(known["public"]) if known else None)
        return {**summary.manifest, "kid": kid}

    # -- which one ----------------------------------------------------------------------------------------------------

    def choose(self, package: Package, firmware: str, full_only: bool = False) -> Package:
        """Return what a device that runs `firmware` gets so that it runs what is in `package`: the smallest that it can take."""
        digest = package.facts.get("sha256")
        if digest is None:
            return package
        same = [each for each in self.packages.values() if _same(each, package)]
        base = self._digests(package, firmware)
        full = [each for each in same if each.facts["encoding"] != _DELTA]
        deltas = [each for each in same if each.facts.get("source_sha256") in base]
        fitting = full if full_only and full else full + deltas
        return min(fitting, key=lambda each: each.facts["package_size"], default=package)

    def _digests(self, package, firmware):
        """Return the digests of the images that have that version."""
        return {
            each.facts["sha256"]
            for each in self.packages.values()
            if each.facts.get("version") == firmware and _for_same(each, package)
        }

    def base_version(self, package: Package) -> str:
        """Return the version that a delta starts from, where that image's package is here."""
        source = package.facts.get("source_sha256")
        found = (
            each.facts["version"] for each in self.packages.values() if source and each.facts.get("sha256") == source
        )
        return next(found, "")

    def view(self, package: Package, orders: int = 0) -> dict:
        """Return a package for people."""
        facts = package.facts
        return {
            "name": package.name, "size": package.size, "orders": orders,
            "version": facts.get("version", ""), "product": facts.get("product", ""), "models": facts.get("models", []),
            "kind": facts.get("kind", ""), "encoding": facts.get("encoding", ""), "counter": facts.get("counter", 0),
            "digest": facts.get("sha256", ""), "base": facts.get("source_sha256", ""),
            "base_version": self.base_version(package), "kid": facts.get("kid", ""), "image_size": facts.get("size", 0),
            "signer": self.signers.get(facts.get("kid", ""), {}).get("name", ""), "url": package.external,
            "descriptor_url": package.descriptor_url, "added": package.added,
        }  # fmt: skip


def _same(one, other):
    return all(one.facts.get(name) == other.facts.get(name) for name in ("sha256", "version", "counter", "kid")) and (
        _for_same(one, other)
    )


def _for_same(one, other):
    """Tell whether two packages are for the same devices."""
    return all(one.facts.get(name) == other.facts.get(name) for name in ("product", "layout")) and (
        set(one.facts.get("models", ())) == set(other.facts.get("models", ()))
    )


def check_name(name: str) -> str:
    """Return a package's name, or say why it is none: it becomes a part of URLs."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if not plain.isascii() or not plain.isalnum() or not name[0].isalnum() or len(name) > _NAME_MOST:
        raise ToolError("a package's name has letters, digits, dot, minus and underscore, not %r" % name[:_NAME_MOST])
    return name
