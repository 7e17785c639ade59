"""Other people's clients, unchanged: smpclient, and smpmgr where it is installed, against the loop of hal/recovery.py."""

import asyncio
import hashlib
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from smp.error import MGMT_ERR
from smp.image_management import IMG_MGMT_ERR
from smpclient import SMPClient
from smpclient.exceptions import SMPUploadError
from smpclient.generics import error_v1, error_v2, success
from smpclient.requests.image_management import ImageErase, ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import BootloaderInformationRead, EchoWrite, OSApplicationInfoRead, ResetWrite
from smpclient.transport.serial import BufferParams, SMPSerialTransport

from flash_tools.packages.package_build import Target as For
from flash_tools.packages.package_build import build_package
from flash_tools.signing.keys import new_key
from hal.recovery import RESET, TIMEOUT
from tests.host.recovery_bench import Bench, K, keeps
from tests.host.recovery_rig import Faults, Rig
from tests.portable import smp_bench

IMAGE = random.Random(2).randbytes(20000)
FILE = build_package(IMAGE, For("p", ["m"], "0" * 16, "2.5", 3, "raw"), new_key())
TRIES = 200


def talk(rig, conversation, transport=None):
    """Run `conversation(client)`."""

    async def run():
        async with SMPClient(transport or SMPSerialTransport(), rig.path, 1.0) as client:
            return await conversation(client)

    return asyncio.run(run())


async def offsets(client, data, **more):
    return [offset async for offset in client.upload(data, **more)]


def test_upload_test_reset():
    async def conversation(client):
        found = await offsets(client, FILE, slot=1)
        assert found[-1] == len(FILE) and found[0] > 900
        states = await client.request(ImageStatesRead())
        assert [image.slot for image in states.images] == [0, 1] and states.images[1].hash == hashlib.sha256(
            IMAGE
        ).digest()
        after = await client.request(ImageStatesWrite(hash=states.images[1].hash))
        assert after.images[1].pending and after.images[1].bootable and not after.images[1].confirmed
        assert success(await client.request(ResetWrite()))

    with Rig() as rig:
        talk(rig, conversation)
        assert rig.ended() == RESET
        assert bytes(rig.target.data) == FILE and rig.target.pending and rig.target.resets == 1


@pytest.mark.parametrize("sha", [True, False])
def test_upload_to_slot_0_is_enough(sha):
    with Rig() as rig:
        talk(rig, lambda client: offsets(client, FILE, use_sha=sha))
        assert bytes(rig.target.data) == FILE and rig.target.pending


@pytest.mark.parametrize("strategy", [BufferParams(128, 2), BufferParams(64, 8), BufferParams(16, 80)])
def test_small_messages_and_lines(strategy):
    with Rig(smp_bench.Target()) as rig:
        talk(rig, lambda client: offsets(client, FILE[:3000]), SMPSerialTransport(strategy))
        assert bytes(rig.target.data) == FILE[:3000]


def test_what_is_refused():
    async def conversation(client):
        await offsets(client, FILE, slot=1)
        answer = await client.request(ImageStatesWrite(hash=hashlib.sha256(IMAGE).digest(), confirm=True))
        assert error_v2(answer) and answer.err.rc == IMG_MGMT_ERR.IMAGE_CONFIRMATION_DENIED
        answer = await client.request(ImageStatesWrite(hash=bytes(32)))
        assert error_v2(answer) and answer.err.rc == IMG_MGMT_ERR.HASH_NOT_FOUND
        for request in (ImageErase(slot=1), OSApplicationInfoRead()):
            answer = await client.request(request)
            assert error_v1(answer) and answer.rc == MGMT_ERR.ENOTSUP and answer.rsn
        assert (await client.request(BootloaderInformationRead())).bootloader == "fumo"
        assert error_v2(await client.request(BootloaderInformationRead(query="mode")))
        assert (await client.request(EchoWrite(d="still there"))).r == "still there"

    with Rig() as rig:
        talk(rig, conversation)
        assert not rig.target.pending


def test_a_refused_package():
    async def conversation(client):
        with pytest.raises(SMPUploadError) as caught:
            await offsets(client, FILE)
        return caught.value.args[0]

    with Rig() as rig:
        rig.target.error = smp_bench.refused()
        answer = talk(rig, conversation)
        assert answer.rc == MGMT_ERR.EACCESSDENIED and answer.rsn == str(rig.target.error)


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line(seed):
    """The library gives up at the first fault; whoever calls it again goes on where it was."""
    faults = Faults(seed, lose=1 / 12000, change=1 / 12000, cuts=[(random.Random(seed).randrange(5000, 20000), 0.3)])
    with Rig(faults=faults) as rig:
        tried = 0
        while bytes(rig.target.data) != FILE and tried < TRIES:
            tried += 1
            try:
                again = {"first_timeout_s": 0.15, "subsequent_timeout_s": 0.15}
                talk(rig, lambda client: offsets(client, FILE, **again), SMPSerialTransport())
            except Exception:  # whatever a library makes of a bad line
                continue
        assert bytes(rig.target.data) == FILE and rig.target.begun == 1
    assert tried > 1 and faults.hurt


def test_nobody_comes():
    with Rig(until_ms=100) as rig:
        assert rig.ended() == TIMEOUT


# -- smpmgr -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def smpmgr(tmp_path):
    """Give a function that runs smpmgr on a rig."""
    own = Path(sys.executable).parents[1] / "smpmgr" / "bin" / "smpmgr"  # where the Makefile puts it
    path = str(own) if own.exists() else shutil.which("smpmgr")
    if not path:
        pytest.skip("no smpmgr: `make test` installs it, or pip install smpmgr, anywhere on the PATH")
    (tmp_path / "new.fup").write_bytes(FILE)

    def run(rig, *arguments, code=0):
        command = [path, "--port", rig.path, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_smpmgr_upgrades_a_simulated_device(smpmgr, tmp_path):
    """All of it: its first stage takes the package over a pseudo-terminal, its agent tries and keeps it."""
    with Bench(tmp_path / "bench").in_recovery() as bench:
        (tmp_path / "new.fup").write_bytes(bench.update(size=32 * K))
        assert "Upgrade complete" in smpmgr(SimpleNamespace(path=str(bench.link)), "upgrade", "--format=any", "new.fup")
        keeps(bench, "2.0")


@pytest.mark.parametrize("slot", [(), ("--slot", "1")])
def test_smpmgr_upgrade(smpmgr, slot):
    with Rig() as rig:
        assert "Upgrade complete" in smpmgr(rig, "upgrade", "--format=any", "new.fup", *slot)
        assert rig.ended() == RESET
        assert bytes(rig.target.data) == FILE and rig.target.pending


def test_smpmgr_step_by_step(smpmgr):
    with Rig() as rig:
        smpmgr(rig, "image", "upload", "--format=any", "new.fup", "--slot", "1")
        assert not rig.target.pending
        assert "2.5" in smpmgr(rig, "image", "state-read")
        smpmgr(rig, "image", "state-write", hashlib.sha256(IMAGE).hexdigest())
        assert rig.target.pending
        assert "hello" in smpmgr(rig, "os", "echo", "hello")
        smpmgr(rig, "os", "reset")
        assert rig.ended() == RESET


def test_smpmgr_may_not_confirm(smpmgr):
    with Rig() as rig:
        said = smpmgr(rig, "upgrade", "--format=any", "--confirm", "--slot", "1", "new.fup", code=1)
        assert "DENIED" in said and not rig.target.pending and rig.target.resets == 0
