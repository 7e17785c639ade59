"""Firmware over a serial line, into a board whose recovery waits for it.

The package is looked at before anything is sent; a line that drops costs time, and what the board has need not come again.
"""

import asyncio
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from smp.error import MGMT_ERR, ErrorV1
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import ResetWrite

from flash_tools.boards.board_line import Console
from flash_tools.cli.output import plain
from flash_tools.errors import RefusedError, SilentError, ToolError, VerifyError
from flash_tools.packages import package_read
from flash_tools.recovery.smp_session import Answered, Patience, Session
from flash_tools.target import Target

_SLOT = 1
_REFUSALS = (MGMT_ERR.EACCESSDENIED, MGMT_ERR.ECORRUPT)
_RESET_S = 4.0
_SHORT_HELLO_S = 1.0  # where firmware is more likely to be heard than a recovery


@dataclass(frozen=True)
class Image:
    """An image that the board could start."""

    slot: int  # 0: starts if nothing comes, 1: was uploaded
    version: str
    hash: str
    bootable: bool
    pending: bool
    confirmed: bool
    active: bool


@dataclass(frozen=True)
class Upload:
    """What became of an upload."""

    board: str
    package: str
    package_bytes: int
    firmware: str  # its version
    signature: str
    images: list[Image]  # as the board has them now
    started_at: int = 0  # the offset where it went on
    faults: int = 0  # answers that were lost or damaged
    seconds: float = 0.0
    pending: bool = False  # the board will try it
    reset: str = "no"  # or "done", or "unanswered": it has been told, and did not say that it heard
    dry_run: bool = False

    def fields(self) -> dict:
        """Return it as a dict."""
        return asdict(self)


def status(target: Target, patience: Patience | None = None) -> list[Image]:
    """Return the images that the board has."""

    async def talk() -> list[Image]:
        async with Session(target, patience or Patience()) as session:
            return await _images(session)

    return _run(talk())


def enter(target: Target, patience: Patience | None = None) -> bool:
    """Have firmware that runs go into recovery, and wait until that answers; tell whether it had to be asked."""
    patience = patience or Patience()
    try:
        status(target, replace(patience, hello_s=_SHORT_HELLO_S))
        return False
    except SilentError:
        pass
    with Console(target) as console:
        console.command("recovery")
    status(target, replace(patience, hello_s=patience.silence_s))
    return True


def reset(target: Target, patience: Patience | None = None) -> bool:
    """Let the board start; tell whether it said that it heard."""

    async def talk() -> bool:
        async with Session(target, patience or Patience()) as session:
            return await _reset(session)

    return _run(talk())


def upload(
    target: Target,
    path: Path,
    *,
    public: bytes | None = None,
    progress=None,
    reset: bool = True,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> Upload:
    """Send a package, have it marked for its trial, and let the board start; `progress` is called with (bytes, all)."""
    data = package_read.read_file(path)
    summary = package_read.inspect(data, public)
    job = _Job(str(target), str(path), data, summary, progress, reset, dry_run)

    async def talk() -> Upload:
        async with Session(target, patience or Patience()) as session:
            return await job.run(session)

    return _run(talk())


@dataclass
class _Job:
    board: str
    path: str
    data: bytes
    summary: package_read.Summary
    progress: object
    reset: bool
    dry_run: bool

    async def run(self, session: Session) -> Upload:
        if self.dry_run:
            return self._report(await _images(session), dry_run=True)
        began = time.monotonic()
        first = await session.upload(self.data, self.progress)
        seconds = time.monotonic() - began
        images = await self._mark(session)
        return self._report(
            images,
            started_at=first,
            faults=session.faults,
            seconds=round(seconds, 2),
            pending=True,
            reset=("done" if await _reset(session) else "unanswered") if self.reset else "no",
        )

    async def _mark(self, session: Session) -> list[Image]:
        digest = bytes.fromhex(self.summary.manifest["sha256"])
        uploaded = [image for image in await _images(session) if image.slot == _SLOT]
        if not uploaded or uploaded[0].hash != digest.hex():
            raise VerifyError("the board does not show the image that was sent: send it again")
        images = _listed(await session.ask(ImageStatesWrite(hash=digest)))
        if not any(image.pending and image.hash == digest.hex() for image in images):
            raise ToolError("the board has the image and does not mark it for a trial: look with `fumo recover status`")
        return images

    def _report(self, images: list[Image], **more) -> Upload:
        manifest, size = self.summary.manifest, len(self.data)
        return Upload(self.board, self.path, size, manifest["version"], self.summary.signature, images, **more)


async def _images(session: Session) -> list[Image]:
    return _listed(await session.ask(ImageStatesRead()))


def _listed(response) -> list[Image]:
    return [
        Image(
            image.slot,
            plain(image.version),
            bytes(image.hash or b"").hex(),
            *(bool(getattr(image, name)) for name in ("bootable", "pending", "confirmed", "active")),
        )
        for image in response.images
    ]


async def _reset(session: Session) -> bool:
    """Tell whether the answer came: after it, or without it, nobody is there to ask again."""
    try:
        await session.ask(ResetWrite(), _RESET_S)
    except SilentError:
        return False
    return True


def _run(talk):
    """Run a conversation; what the board refuses becomes the error of a tool."""
    try:
        return asyncio.run(talk)
    except Answered as e:
        raise _refusal(e.response) from None


def _refusal(response) -> ToolError:
    if isinstance(response, ErrorV1):
        why = plain(response.rsn or response.rc.name)
        if response.rc in _REFUSALS:
            return RefusedError("the board refuses the package: %s" % why)
        return ToolError("the board could not do it: %s" % why)
    return ToolError("the board could not do it: %s" % plain(getattr(response.err.rc, "name", response.err.rc)))
