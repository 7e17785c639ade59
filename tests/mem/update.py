"""Run a complete scenario 2 against the bench server, with a heap of a given size: package 0, session, descriptor, download,
install, reset, trial, install notification, alert. Plain HTTP with MAC, or TLS with md5.
"""

import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

from flash_tools.packages.package_build import Target, build_package
from flash_tools.server.bench import BenchServer
from flash_tools.signing.keys import key_id, new_key, public_bytes
from hal.boot_record import BootRecord
from hal.region import carve, layout_hash
from ports.sim.clock import Clock
from ports.sim.nor import Geometry, Nor
from tests.host.test_micropython import find_micropython

FOLDERS = ("agent", "hal", "ports/micropython")
DEVICE = tuple("tests/mem/%s.py" % name for name in ("update_device", "update_parts", "update_wiring", "flash"))
IMAGE, LARGE_IMAGE = 64 << 10, 512 << 10
_BANK = 1 << 20
_SECTOR = 4096
_TYPES = {"md5": "DIGEST", "MAC": "HMAC"}
LAYOUT = (
    ("boot", 0, 3 * _SECTOR), ("journal", 3 * _SECTOR, 3 * _SECTOR), ("header0", 6 * _SECTOR, _SECTOR),
    ("header1", 7 * _SECTOR, _SECTOR), ("settings", 8 * _SECTOR, 6 * _SECTOR), ("bank0", 16 * _SECTOR, _BANK),
    ("bank1", (1 << 21) + 16 * _SECTOR, _BANK),
)  # fmt: skip
_SIZE = 1 << 22
_CHIP = Geometry("chip", _SIZE, ((4096, 1, 1), (65536, 1, 1)), (1, 1), (1, 1))
_BOOTS, _BOOT_S = 4, 60
STEP = 2  # KiB
_MOST = 512


def _make_flash(path, key, size):
    """Write the flash of a new device; return the package for its update."""
    flash = Nor(_CHIP, Clock())
    packages = []
    for version in ("1.0", "2.0"):
        image = version.encode() + os.urandom(size - 3)
        packages.append((build_package(image, Target("p", ["m"], layout_hash(LAYOUT), version, 1), key), image))
    data = bytearray(b"\xff" * _SIZE)
    BootRecord(carve(flash, LAYOUT)["boot"]).confirm()
    package, image = packages[0]
    head = int.from_bytes(package[4:8], "little")
    from agent.bank_header import HeaderWriter

    writer = HeaderWriter(carve(flash, LAYOUT)["header0"], package[8 : 8 + head])
    while not writer.step():
        pass
    for start in range(0, 16 * _SECTOR, _SECTOR):
        piece = bytearray(_SECTOR)
        flash.read(start, piece)
        data[start : start + _SECTOR] = piece
    data[16 * _SECTOR : 16 * _SECTOR + len(image)] = image
    Path(path).write_bytes(data)
    return packages[1][0]


def _provision(path, bundle, key, tls):
    public = public_bytes(key)
    account = {
        "server_id": bundle["server_id"], "url": bundle["url"], "auth": _TYPES[bundle["auth"]],
        "server_auth": _TYPES[bundle["server_auth"]], "user": bundle["user"], "secret": bundle["secret"],
        "nonce": _hex(bundle["nonce"]), "server_user": bundle["server_user"], "server_secret": bundle["server_secret"],
        "server_nonce": _hex(bundle["server_nonce"]),
    }  # fmt: skip
    device = dict.fromkeys(("Man", "Mod", "DmV", "Lang", "DevTyp", "OEM", "SwV", "HwV"), "1") | {"DevId": "mem:1"}
    facts = {
        "product": "p", "model": "m", "device": device, "device_key": "00" * 16, "accounts": [account],
        "anchors": [[key_id(public), public.hex()]], "layout": LAYOUT, "size": _SIZE,
    }  # fmt: skip
    Path(path).write_text(json.dumps(facts))


def _hex(text):
    import base64

    return base64.b64decode(text).hex()


def update(folder, heap, size=IMAGE, tls=False, *options, device="update_device"):
    """Return (whether the update was reported with 200, what the device said)."""
    key, said = new_key(), ""
    with BenchServer(tls=tls) as server, tempfile.TemporaryDirectory() as place:
        flash, facts = place + "/flash", place + "/facts.json"
        package = server.add_package(_make_flash(flash, key, size))
        _provision(facts, server.add_device("mem:1"), key, tls)
        if tls:
            Path(facts + ".der").write_bytes(server.ca_der)
            options += ("tls",)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        order = server.order("mem:1", package, confirm="Update?")
        for boot in range(_BOOTS):
            command = [find_micropython(), "-X", "heapsize=%d" % heap, "-m", device, flash, facts, str(port)]
            command.append(str(1 + (boot > 0)))
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = subprocess.Popen(
                command + list(options), **pipes, cwd=folder, env={"MICROPYPATH": folder + ":.frozen"}
            )
            if not boot:
                _notify(server, port, process)
            try:
                said += process.communicate(timeout=_BOOT_S)[1].decode()
            except subprocess.TimeoutExpired:
                process.kill()
                return False, said + process.communicate()[1].decode()
            if process.returncode != 3:
                break
        outcome = order.wait(2)
        return process.returncode == 0 and outcome.code == 200, said


def _notify(server, port, process):
    """Send package 0 as soon as the device listens."""
    for line in process.stdout:
        if line == b"ready\n":
            return server.notify("mem:1", ("127.0.0.1", port))
    return None


def smallest(folder, size, tls=False, at_least=0):
    """Return the smallest heap in KiB in which the update completes, to STEP; `at_least`: it surely needs no less."""
    low, high = max(64, at_least - STEP), _MOST
    if at_least and update(folder, at_least << 10, size, tls)[0]:
        return at_least
    good, said = update(folder, high << 10, size, tls)
    if not good:
        raise SystemExit("the update does not complete: " + said)
    while high - low > STEP:
        middle = (low + high) // 2
        if update(folder, middle << 10, size, tls)[0]:
            high = middle
        else:
            low = middle
    return high
