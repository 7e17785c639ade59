"""What the tests of key rotation share: three keys, devices that trust some of them, packages by one that revoke another."""

import json

from flash_tools.packages.package_build import Target, build_package
from flash_tools.signing import keys
from flash_tools.sim import sim_files
from hal.region import layout_hash

OLD, NEW, OTHER = (keys.new_key() for _ in range(3))
OLD_KID, NEW_KID, OTHER_KID = (keys.key_id(keys.public_bytes(key)) for key in (OLD, NEW, OTHER))


def trust(files, *trusted):
    """Provision a device with these keys."""
    facts = files.facts()
    facts["anchors"] = [[keys.key_id(keys.public_bytes(key)), keys.public_bytes(key).hex()] for key in trusted]
    files.provision.write_text(json.dumps(facts))
    sim_files.make_factory(files)


def package(files, key, version, revoked=()):
    target = Target(files.product, [files.model], layout_hash(files.layout), version, 1)
    return build_package(files.image(version, size=8192), target, key, revoked=revoked)
