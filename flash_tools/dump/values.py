"""The values of the update's journal in words: docs/flash-format.md, table of keys. Tolerates whatever may stand there.

Nonces are never shown, URLs without what may be secret in them. A value that is not understood shows its size.
"""

import hashlib
import struct
import time
import zlib
from types import SimpleNamespace

from agent import job as jobs
from agent.causes import ROWS
from agent.dm_nonces import NONCES, SESSION
from agent.lifecycle import PHASES
from agent.progress import Progress
from agent.requests import FIRMWARE
from agent.wall_time import TIME
from flash_tools.dump.hide import hidden, text, url

NAMES = {
    jobs.JOB: "job", jobs.PACKAGE: "package", jobs.OUTBOX: "outbox", jobs.PROGRESS: "progress", SESSION: "session",
    jobs.ATTEMPT: "attempted", TIME: "time", FIRMWARE: "told",
    jobs.UPLOAD: "upload", jobs.FLOOR: "floor", **{NONCES + i: "nonce%d" % i for i in range(4)},
}  # fmt: skip
KINDS = {
    jobs.DOWNLOAD_ONLY: "Download", jobs.UPDATE_ONLY: "Update", jobs.DOWNLOAD_AND_UPDATE: "DownloadAndUpdate",
    jobs.LOCAL: "local",
}  # fmt: skip
STATES = {
    jobs.STATE_IDLE: "idle", jobs.STATE_DOWNLOAD_FAILED: "download failed", jobs.STATE_DOWNLOADING: "downloading",
    jobs.STATE_DOWNLOADED: "downloaded", jobs.STATE_READY: "ready to update", jobs.STATE_UPDATING: "updating",
    jobs.STATE_FAILED_HELD: "failed, package held", jobs.STATE_FAILED: "failed",
    jobs.STATE_DONE_HELD: "done, package held", jobs.STATE_DONE: "done",
}  # fmt: skip
_SESSION = "<IB8HHIHIHIHI"
_PROGRESS_SIZE = 21


def name_of(key: int) -> str:
    """Return what a key is called."""
    return NAMES.get(key, "key %d" % key)


def decode(values: dict) -> dict:
    """Return the values of {key: slots.Value} by name."""
    return {name_of(key): decode_one(value) for key, value in sorted(values.items())}


def decode_one(value) -> dict:
    """Return one value in words."""
    reader = _READERS.get(value.key)
    try:
        if reader:
            return reader(value)
        if NONCES <= value.key < NONCES + 4:
            return {"account_check": "%04x" % struct.unpack_from("<H", value.data)[0], "nonce": hidden(value.data[2:])}
    except (struct.error, ValueError, IndexError, OverflowError, OSError):
        pass
    return {"not_understood": "%d bytes" % len(value.data)}


def words_of(code: int) -> str:
    """Return what a result code of FUMO means."""
    if 200 <= code < 300:
        return "success"
    causes = [cause for cause, _, fumo, _ in ROWS if fumo == code]
    return "; or: ".join(causes) if causes else "unknown"


def explain(decoded: dict, names: list[str], banks: list[dict]) -> None:
    """Add what short checks stand for: accounts by their names, the firmware that a server was told of."""
    by_check = {"%04x" % (zlib.crc32(name.encode()) & 0xFFFF or 1): name for name in names}
    places = [*decoded.get("session", {}).get("accounts", ()), *(decoded.get("nonce%d" % i, {}) for i in range(4))]
    for place in places:
        if place.get("account_check") in by_check:
            place["account"] = by_check[place["account_check"]]
    told = decoded.get("told", {})
    for bank in banks:
        manifest = bank["manifest"]
        if manifest and _firmware_check(manifest) == told.get("firmware_check"):
            told["firmware"] = "%s, bank %d" % (manifest["version"], bank["bank"])


def _firmware_check(manifest):
    """Return what agent/requests.py notes."""
    told = manifest["version"].encode() + b"\x00" + bytes.fromhex(manifest["sha256"])
    return hashlib.sha256(told).hexdigest()[:32]


def stamp(seconds: int) -> str:
    """Return a time for people, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _job(value):
    job = jobs.Job.load(_journal(value))
    if value.data[:1] != b"\x01":
        return {"not_understood": "format %d, %d bytes" % (value.data[0], len(value.data))}
    phase = PHASES[job.phase] if job.phase < len(PHASES) else ""
    return {
        "phase": phase or "phase %d" % job.phase,
        "kind": KINDS.get(job.kind, "none" if not job.kind else "kind %d" % job.kind),
        "state": job.state,
        "state_name": STATES.get(job.state, "unknown"),
        "serial": job.serial,
        "arms": job.arms,
        "boots": job.boots,
        "restarts": job.restarts,
        "mark": job.mark,
        "code": job.code,
        "code_name": words_of(job.code) if job.code else "",
        "image": job.digest.hex() if any(job.digest) else "",
        "server": job.server,
        "node": job.node,
        "correlator": job.correlator,
        "url": url(job.url) if job.url else "",
        "validator": job.validator,
        "notify": url(job.notify) if job.notify else "",
        "base": job.base,
        "agreed": job.agreed,
    }


def _package(value):
    package = jobs.Package.load(_journal(value))
    return {
        "bank": None if package.bank == jobs.NO_BANK else package.bank,
        "image": package.digest.hex() if any(package.digest) else "",
        "suspect_from": None if package.dirty_from == jobs.CLEAN else package.dirty_from,
    }


def _outbox(value):
    outbox = jobs.Outbox.load(_journal(value))
    return {"code": outbox.code, "code_name": words_of(outbox.code) if outbox.code else "", "dlota": outbox.dlota}


def _progress(value):
    if len(value.data) != _PROGRESS_SIZE:
        return {"not_understood": "%d bytes" % len(value.data)}
    noted = struct.unpack_from("<BII", value.data)
    found = Progress(_journal(value))
    return {
        "package_at": found.package_at,
        "image_at": found.image_at,
        "noted_package_at": noted[1],
        "noted_image_at": noted[2],
        "erase_end": found.erase_end,
        "image": found.image.hex(),
    }


def _session(value):
    fields = struct.unpack_from(_SESSION, value.data)
    accounts = [
        {
            "account_check": "%04x" % name,
            "session": number >> 8,
            "message": number & 255,
            "used": bool(fields[1] >> i & 1),
        }
        for i, (name, number) in enumerate(zip(fields[10::2], fields[11::2], strict=True))
        if name
    ]
    return {"counter": fields[0], "session_ids": [each for each in fields[2:10] if each], "accounts": accounts}


def _attempted(value):
    return {"result_may_have_left": True}


def _time(value):
    form, seconds = struct.unpack_from("<BQ", value.data)
    if form != 1 or seconds > 1 << 40:
        return {"not_understood": "format %d" % form}
    return {"seconds": seconds, "at": stamp(seconds)}


def _upload(value):
    form, size, sha = struct.unpack_from("<BI32s", value.data)
    if form != 1:
        return {"not_understood": "format %d" % form}
    return {"file_bytes": size, "file": sha.hex() if any(sha) else ""}


def _floor(value):
    form, counter = struct.unpack_from("<BI", value.data)
    if form != 1:
        return {"not_understood": "format %d" % form}
    return {"counter": counter, "revoked": text(value.data[5:]).split()}


def _told(value):
    return {"firmware_check": value.data[1:17].hex()}


_READERS = {
    jobs.JOB: _job, jobs.PACKAGE: _package, jobs.OUTBOX: _outbox, jobs.PROGRESS: _progress, SESSION: _session,
    jobs.ATTEMPT: _attempted, jobs.UPLOAD: _upload, jobs.FLOOR: _floor, TIME: _time, FIRMWARE: _told,
}  # fmt: skip


def _journal(value):
    """Return what the agent's own readers take for a journal, with this value in it."""

    def get(key, into):
        data = value.data[: len(into)]
        into[: len(data)] = data
        return len(data)

    def tail(key, into):
        into[: len(value.tail)] = value.tail
        return len(value.tail)

    return SimpleNamespace(get=get, tail=tail)
