"""Devices whose keys are changed: what the tool foretells is what the device does, at every step."""

import pytest

from flash_tools.errors import RefusedError
from flash_tools.server.bench import BenchServer
from flash_tools.signing import key_devices, key_rotation, keys
from flash_tools.sim import sim_files
from tests.host.rotation_rig import NEW, NEW_KID, OLD, OLD_KID, package, trust
from tests.host.sim_devices import INTERPRETERS, QUICK, TIMEOUT_S, device, needs

ID = "sim:1"
PLAN = (
    ("2.0", NEW, [OLD_KID]),
    ("3.0", OLD, []),
    ("3.0", NEW, [OLD_KID]),
    ("4.0", OLD, [NEW_KID]),
    ("4.0", NEW, []),
    ("5.0", OLD, []),
)


def told(server, files, data, micropython=False):
    """Order the package, let the device come; return its result."""
    job = server.order(ID, server.add_package(data))
    with device(files, *QUICK, "--request-update", "--until-idle", micropython=micropython) as process:
        assert process.wait(TIMEOUT_S) == 0
    return job.wait(5).code


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_a_device_goes_the_whole_way(tmp_path, interpreter):
    small = needs(interpreter)
    with BenchServer() as server:
        files = sim_files.make(tmp_path / "device", server.add_device(ID), key=OLD, size=8192)
        trust(files, OLD, NEW)
        foretold = key_devices.read_device(str(files.folder))
        for version, key, revoked in PLAN[: 2 if small else None]:
            signer = keys.key_id(keys.public_bytes(key))
            try:
                foretold, code = key_rotation.after(foretold, signer, revoked), 200
            except RefusedError:
                code = 404
            assert told(server, files, package(files, key, version, revoked), small) == code, (version, code)
            assert key_devices.read_device("sim:%s" % files.folder).trusts == foretold.trusts
        # The last one: a package without the list has given the old key back, as the plan warns.
        assert small or (code, foretold.trusts) == (200, (OLD_KID, NEW_KID))


def test_a_device_that_knows_only_the_old_key_is_left_behind_and_not_harmed(tmp_path):
    with BenchServer() as server:
        files = sim_files.make(tmp_path / "device", server.add_device(ID), key=OLD, size=8192)
        assert told(server, files, package(files, NEW, "2.0", [OLD_KID])) == 404
        assert told(server, files, package(files, OLD, "2.0")) == 200


def test_a_package_that_revokes_its_own_signer_locks_out_for_good(tmp_path):
    """Why the tools refuse to build one."""
    with BenchServer() as server:
        files = sim_files.make(tmp_path / "device", server.add_device(ID), key=OLD, size=8192)
        assert told(server, files, package(files, OLD, "2.0", [OLD_KID])) == 200
        assert told(server, files, package(files, OLD, "3.0")) == 404
