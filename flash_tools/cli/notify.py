"""`fumo notify`: package 0, so that a device comes to its server."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from flash_tools import target
from flash_tools.cli.output import Ca, DryRun, Folder, Json, Token, Url, connect, result, say, seconds
from flash_tools.errors import UsageError
from flash_tools.waking import notify
from flash_tools.waking.sms import check_number

SECRET, NONCE = "FUMO_SERVER_SECRET", "FUMO_SERVER_NONCE"
_READ_S = 0.2


Device = Annotated[str | None, typer.Argument(help="Device of a server, which is asked for its notification.")]
To = Annotated[str | None, typer.Option(help="HOST:PORT that package 0 goes to by UDP; port 2948 otherwise.")]
Modem = Annotated[str | None, typer.Option(help="Modem to send SMS by: serial:/dev/ttyUSB2@115200.")]
Number = Annotated[str | None, typer.Option(help="Telephone number of the device, with --modem.")]
Bundle = Annotated[Path | None, typer.Option(help="Bundle of an account, instead of a server.")]
ServerId = Annotated[str | None, typer.Option(help="Server's id, instead of a server or a bundle.")]
SecretFile = Annotated[Path | None, typer.Option(help=f"File with the server's secret; {SECRET} otherwise.")]
NonceFile = Annotated[Path | None, typer.Option(help=f"File with the nonce, base64; {NONCE} otherwise.")]
UiMode = Annotated[str, typer.Option(help="unspecified, background, informative or interaction.")]
Resync = Annotated[bool, typer.Option("--resync", help="Sign with the zero nonce: the nonces are lost.")]
Wap = Annotated[bool, typer.Option("--wap", help="Frame it as a WAP push by UDP, too.")]
Valid = Annotated[str, typer.Option(help="For how long the network tries to deliver an SMS: 90m, 24h, 7d.")]


def register(app) -> None:
    """Add the commands to `fumo`."""
    app.command("notify")(notify_command)


def notify_command(
    device_id: Device = None, to: To = None, modem: Modem = None, number: Number = None, bundle: Bundle = None,
    server_id: ServerId = None, secret_file: SecretFile = None, nonce_file: NonceFile = None,
    ui_mode: UiMode = "unspecified", resync: Resync = False, wap: Wap = False, valid: Valid = "24h",
    folder: Folder = None, url: Url = None, token: Token = None, ca: Ca = None, dry_run: DryRun = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Send a device package 0, by UDP or SMS, so that it opens a session. Without --to or --modem the server sends it."""
    place = _place(to, modem, number)
    account = _account(device_id, bundle, server_id, secret_file, nonce_file)
    if place is None and (account or wap or resync or dry_run or ui_mode != "unspecified"):
        text = "where to? say --to HOST:PORT, or --modem serial:PORT --number +49…; without one of them the server sends its own"
        raise UsageError(text)
    valid_s = seconds(valid)
    with _line(modem, dry_run) as line, _source(account, device_id, (folder, url, token, ca)) as source:
        if place is None:
            return _let_server(source, device_id, as_json)
        package = source.make("" if dry_run else place, ui_mode, resync)
        fields = _by_sms(package, line, number, valid_s) if modem else _by_udp(package, to, wap, dry_run)
    if dry_run and not as_json:
        print("\n".join(fields["hex"]))
    did = "would send" if dry_run else "sent"
    say("%s package 0 of %s to %s, for session %s" % (did, package.server_id, place, package.session))
    fields = {"to": place, "session": package.session, "server_id": package.server_id, **fields}
    return result("notify", as_json, fields)


def _by_udp(package, to, wap, dry_run):
    body = package.framed() if wap else package.body
    if not dry_run:
        notify.send_udp(body, to)
    return {"transport": "udp", "bytes": len(body), **({"hex": [body.hex()]} if dry_run else {})}


def _by_sms(package, line, number, valid_s):
    """Send by an open line; without one, show."""
    pdus = notify.messages(package, number, valid_s)
    fields = {"transport": "sms", "bytes": len(package.framed()), "messages": len(pdus)}
    if line is None:
        return {**fields, "hex": [pdu.text for pdu in pdus]}
    return {**fields, "references": notify.send_sms(pdus, line)}


@contextmanager
def _line(modem, dry_run):
    """Give the modem's line, before a server notes that it was asked; None where there is nothing to send by it."""
    if not modem or dry_run:
        yield None
        return
    from flash_tools.serial_line import open_line  # pyserial is wanted only here

    line = open_line(target.parse(modem, "serial"), _READ_S)
    try:
        yield line
    finally:
        line.close()


def _place(to, modem, number):
    """Return where it goes, in words that a log may have."""
    if to and (modem or number):
        raise UsageError("--to is UDP, --modem is SMS: say one of them")
    if to:
        host, port = notify.udp_address(to)
        return "udp:%s" % ("[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port))
    if not modem and not number:
        return None
    if not (modem and number):
        raise UsageError("an SMS needs --modem serial:PORT and --number +49…")
    target.parse(modem, "serial")
    return "sms:" + check_number(number)


def _account(device_id, bundle, server_id, secret_file, nonce_file):
    """Return the account where no server is asked."""
    if bundle:
        if device_id or server_id or secret_file or nonce_file:
            raise UsageError("--bundle has the whole account: say nothing else of it")
        return notify.read_bundle(bundle)
    if server_id is None:
        if secret_file or nonce_file:
            raise UsageError("--secret-file and --nonce-file go with --server-id")
        if not device_id:
            raise UsageError("which device? name it, or say --bundle FILE, or --server-id ID")
        return None
    if device_id:
        raise UsageError("a device is named to a server, --server-id does without one: say one of them")
    secret = _first_line(secret_file) if secret_file else os.environ.get(SECRET, "")
    nonce = _first_line(nonce_file) if nonce_file else os.environ.get(NONCE, "")
    if not secret:
        raise UsageError(f"which secret? set {SECRET}, or name its file by --secret-file")
    return notify.Account(server_id, secret, notify.read_nonce(nonce))


def _first_line(file):
    return notify.read_text(file).split("\n", 1)[0].rstrip("\r")


@contextmanager
def _source(account, device_id, way):
    if account:
        yield notify.FromAccount(account)
        return
    with connect(*way) as client:
        yield notify.FromServer(client, device_id)


def _let_server(source, device_id, as_json):
    session = source.send()
    say("the server sent package 0 to %s, for session %s" % (device_id, session))
    return result("notify", as_json, {"to": device_id, "session": session, "transport": "server"})
