"""Other people's updaters, installing an image into a file that is a slot: RAUC (format plain) and SWUpdate (raw, at once).

What each does before it says that it is done: RAUC checks the signature over the whole bundle, mounts it, copies, syncs the
slot, reads nothing back; its service runs before the clock does, only the client's call is timed. SWUpdate checks the signed
description and the image's digest while it copies; it does not sync, so a sync is added; then it sleeps for a second,
which is not counted: the clock stops at its line of success. Ours is the whole process, from its start to its end.
"""

import datetime
import hashlib
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_WAIT_S = 20
_RAUC_NEEDS = ("rauc", "mksquashfs", "dbus-run-session", "mount")
_SYSTEM = """[system]
compatible=bench
bootloader=noop
mountprefix={0}/mnt
[keyring]
path={0}/cert.pem
[slot.rootfs.0]
device={0}/slot0.img
type=raw
bootname=A
[slot.rootfs.1]
device={0}/slot1.img
type=raw
bootname=B
"""
_MANIFEST = "[update]\ncompatible=bench\nversion=2\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=rootfs.img\n"
_DESCRIPTION = """software = {{ version = "2"; rig = {{ hardware-compatibility: [ "1.0" ]; images: ( {{
 filename = "rootfs.img"; device = "{0}/slot1.img"; type = "raw"; installed-directly = true; sha256 = "{1}"; }} ); }}; }}
"""


class Missing(Exception):
    """The peer cannot be run here; the text says why."""


class Rauc:
    """A folder with a bundle and the service that installs it."""

    def __init__(self, folder, image):
        if os.geteuid() or not all(map(shutil.which, _RAUC_NEEDS)):
            raise Missing("rauc, squashfs-tools, dbus and root are needed")
        self.folder = Path(folder)
        self.slot, self._bundle = self.folder / "slot1.img", self.folder / "new.raucb"
        source = self.folder / "bundle"
        for path in (source, self.folder / "mnt"):
            path.mkdir(parents=True, exist_ok=True)
        make_certificate(self.folder)
        (source / "rootfs.img").write_bytes(image)
        (source / "manifest.raucm").write_text(_MANIFEST)
        for number in (0, 1):
            (self.folder / f"slot{number}.img").write_bytes(bytes(len(image)))
        (self.folder / "system.conf").write_text(_SYSTEM.format(self.folder))
        keys = "--cert=cert.pem", "--key=key.pem", "--keyring=cert.pem"
        self._run("rauc", *keys, "bundle", str(source), str(self._bundle))
        self._start()

    def install(self):
        """Install; return the seconds of the client's call."""
        begun = time.perf_counter()
        self._run("rauc", "install", str(self._bundle))
        return time.perf_counter() - begun

    def close(self):
        """End the service and its bus."""
        os.killpg(self._service.pid, signal.SIGTERM)
        self._service.wait(_WAIT_S)

    def _start(self):
        service = "exec rauc --conf=%s/system.conf --mount=%s/mnt --override-boot-slot=A service"
        before = "echo $DBUS_SESSION_BUS_ADDRESS; export DBUS_STARTER_BUS_TYPE=session; "
        words = ["dbus-run-session", "--", "sh", "-c", before + service % (self.folder, self.folder)]
        with open(self.folder / "rauc.log", "wb") as log:
            self._service = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        if not select.select([self._service.stdout], [], [], _WAIT_S)[0]:
            raise Missing("the session bus does not start")
        self._bus = self._service.stdout.readline().decode().strip()
        end = time.monotonic() + _WAIT_S
        while self._call("status").returncode:
            if time.monotonic() > end:
                self.close()
                raise Missing("the service of rauc does not start, see %s/rauc.log" % self.folder)

    def _call(self, *words):
        env = {**os.environ, "DBUS_STARTER_BUS_TYPE": "session", "DBUS_SESSION_BUS_ADDRESS": self._bus}
        return subprocess.run(["rauc", *words], capture_output=True, env=env, timeout=_WAIT_S)

    def _run(self, *words):
        bus = (
            {"DBUS_SESSION_BUS_ADDRESS": self._bus, "DBUS_STARTER_BUS_TYPE": "session"} if hasattr(self, "_bus") else {}
        )
        done = subprocess.run(words, capture_output=True, cwd=self.folder, env={**os.environ, **bus}, timeout=_WAIT_S)
        if done.returncode:
            raise Missing("%s failed: %s" % (" ".join(words[:2]), done.stderr.decode().strip()[-200:]))


class Swupdate:
    """A folder with a signed .swu."""

    def __init__(self, folder, image):
        if not shutil.which("swupdate") or not shutil.which("cpio") or not shutil.which("openssl"):
            raise Missing("swupdate, cpio and openssl are needed")
        self.folder, self.slot = Path(folder), Path(folder, "slot1.img")
        self.folder.mkdir(parents=True, exist_ok=True)
        make_certificate(self.folder)
        (self.folder / "rootfs.img").write_bytes(image)
        description = _DESCRIPTION.format(self.folder, hashlib.sha256(image).hexdigest())
        (self.folder / "sw-description").write_text(description)
        sign = (
            "openssl cms -sign -in sw-description -out sw-description.sig -signer cert.pem -inkey key.pem -outform DER"
        )
        pack = "printf 'sw-description\\nsw-description.sig\\nrootfs.img\\n' | cpio -o -H crc > new.swu"
        made = subprocess.run(
            ["sh", "-ec", sign + " -nosmimecap -binary; " + pack], capture_output=True, cwd=self.folder, timeout=_WAIT_S
        )
        if made.returncode:
            raise Missing("no .swu could be made: %s" % made.stderr.decode().strip()[-200:])
        self.slot.write_bytes(bytes(len(image)))

    def install(self):
        """Install and sync; return the seconds up to the line of success, with those of the sync."""
        words = ["stdbuf", "-oL", "swupdate", "-v", "-H", "rig:1.0", "-k", "cert.pem", "-i", "new.swu"]
        begun, end, told = time.perf_counter(), None, b""
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": self.folder}
        with subprocess.Popen(words, **more) as process:
            for line in process.stdout:
                told += line
                if end is None and b"successful" in line:
                    end = time.perf_counter()
        if end is None:
            raise Missing("swupdate failed: %s" % told.decode(errors="replace").strip()[-200:])
        fd, synced = os.open(self.slot, os.O_RDWR), time.perf_counter()
        os.fsync(fd)
        end += time.perf_counter() - synced
        os.close(fd)
        return end - begun

    def close(self):
        """There is nothing to end."""


def make_certificate(folder):
    """Write cert.pem, which signs itself, and key.pem."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - datetime.timedelta(1),
                                   now + datetime.timedelta(30))  # fmt: skip
    made = made.add_extension(x509.BasicConstraints(True, None), True)
    made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    cert = made.sign(key, hashes.SHA256())
    Path(folder, "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    Path(folder, "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
