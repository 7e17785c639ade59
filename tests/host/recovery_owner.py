"""An owner with the real smpclient: uploads over a line that fails, and begins again as often as it takes."""

import asyncio
import time
from contextlib import suppress

from smp.exceptions import SMPException
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException, SMPUploadError
from smpclient.generics import error
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import EchoWrite, ResetWrite
from smpclient.transport import SMPTransportDisconnected
from smpclient.transport.serial import SMPSerialTransport

LINE_ERRORS = (OSError, TimeoutError, SMPException, SMPClientException, SMPTransportDisconnected, ValueError)
STEP_S = 0.5


class Refused(Exception):
    """The device said no; the text is what it gave as the reason."""


async def _ask(client, request):
    answer = await client.request(request, timeout_s=STEP_S)
    if error(answer):
        raise Refused(str(answer))
    return answer


async def _connected(link, action):
    client = SMPClient(SMPSerialTransport(), str(link), timeout_s=STEP_S)
    await client.connect()
    try:
        return await action(client)
    finally:
        with suppress(Exception):
            await client.disconnect()


def ask(link, request, tries=20):
    """Return the answer to one request; raise Refused where the device refuses."""
    return _persist(link, lambda client: _ask(client, request), tries)


def echo(link):
    """Return what the device says to `here`."""
    return ask(link, EchoWrite(d="here")).r


def states(link):
    """Return what the device lists."""
    return ask(link, ImageStatesRead()).images


def choose(link, digest, confirm=False):
    """Ask for a trial, or to be confirmed."""
    return ask(link, ImageStatesWrite(hash=digest, confirm=confirm))


def reset(link):
    """Let the device start; that its answer is lost does not matter."""
    with suppress(*LINE_ERRORS):
        ask(link, ResetWrite(), tries=1)


def upload(link, package, slot=0, seen=None, tries=60):
    """Upload as often as it takes; return the number of tries. `seen(offset)` hears each answer."""
    count = []

    async def once(client):
        count.append(1)
        try:
            async for offset in client.upload(package, slot=slot, first_timeout_s=2, subsequent_timeout_s=STEP_S):
                if seen:
                    seen(offset)
        except SMPUploadError as e:
            if "rc=" in str(e):
                raise Refused(str(e)) from e
            raise

    _persist(link, once, tries)
    return len(count)


def _persist(link, action, tries):
    for left in range(tries - 1, -1, -1):
        try:
            return asyncio.run(asyncio.wait_for(_connected(link, action), 120))
        except LINE_ERRORS as e:
            if not left:
                raise
            last = e
            time.sleep(0.05)  # the line comes back at once, or is being plugged in
    raise last
