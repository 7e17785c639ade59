"""`fumo server`: make the folder of a server, run it, and look after it."""

import os
import shlex
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli.output import DryRun, Folder, Json, clock, new_file, plain, result, say, served, show_fields, usual
from flash_tools.errors import ToolError

app = typer.Typer(no_args_is_help=True, help="A management and download server of your own (docs/server.md).")

Where = Annotated[Path | None, typer.Argument(help="Folder of the server.", show_default=False)]
_LISTEN, _PAGE = "127.0.0.1:8443", "127.0.0.1:8420"


@app.command("init")
def init_command(
    where: Where = None,
    folder: Folder = None,
    name: Annotated[str, typer.Option(help="What devices know the server as; this machine's name otherwise.")] = "",
    public_url: Annotated[str, typer.Option(help="What devices are told, https://NAME:PORT.")] = "",
    listen: Annotated[str, typer.Option(help="Where devices are answered.")] = _LISTEN,
    page: Annotated[str, typer.Option(help="Where people and scripts are answered.")] = _PAGE,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="No TLS: devices must use MAC.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the folder: settings, an authority, a certificate, a token."""
    from flash_tools.server import settings

    made = settings.init(
        where or usual(folder), name=name, public_url=public_url, listen=listen, page=page, plain_http=plain_http,
        dry_run=dry_run,
    )  # fmt: skip
    for text in () if dry_run else made.warnings():
        say("warning: " + text)
    facts = {"folder": str(made.folder), "public_url": made.public_url, "names": made.names, "dry_run": dry_run}
    result("server init", as_json, facts)
    if dry_run:
        return say("would make %s: %s, an authority, a certificate, a token" % (made.folder, settings.TOML))
    if not as_json:
        print(_next_steps(made, where or folder))


def _next_steps(made, given):
    option = " --dir %s" % shlex.quote(str(made.folder)) if given else ""
    steps = [
        "server run%s &" % option,
        "device add sim:1 -o bundle.json%s" % option,
        "sim new dev0 --bundle bundle.json",
        "sim run dev0 > dev0.log &",
        "sim package dev0 fw.fup --version 2.0",
        "package add fw.fup%s" % option,
        "order sim:1 fw.fup --wait%s" % option,
    ]
    head = "The server is in %s: settings in server.toml, secrets in the rest. Next, a simulated device:" % made.folder
    return "\n".join([plain(head), *("  fumo " + step for step in steps)])


@app.command("run")
def run_command(
    where: Where = None,
    folder: Folder = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each event.")] = False,
    as_json: Json = False,
) -> None:
    """Run the server until SIGINT or SIGTERM."""
    from flash_tools.server.field import FieldServer
    from flash_tools.server.listener import calm_collector, take_files
    from flash_tools.server.settings import Settings

    settings = Settings.read(where or usual(folder))
    for text in settings.warnings():
        say("warning: " + text)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    take_files()
    with FieldServer(settings, log=None if quiet else _log) as server:
        calm_collector()
        other = "" if settings.folder == usual(None) else " --dir %s" % settings.folder
        say(
            "devices: %s; people: %s, sign in with the link of `fumo server token%s --link`"
            % (server.url, server.page_url, other)
        )
        result("server run", as_json, {"url": server.url, "page": server.page_url, "pid": os.getpid()})
        sys.stdout.flush()
        stop.wait()
    say("stopped")


def _log(line):
    print(line, file=sys.stderr, flush=True)


@app.command("token")
def token_command(
    where: Where = None,
    folder: Folder = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make another one; a server that runs must be started again.")
    ] = False,
    link: Annotated[bool, typer.Option("--link", help="Print the address of the page that signs in.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Print what the page and the API are signed in with."""
    from flash_tools.server.settings import Settings

    settings = Settings.read(where or usual(folder))
    if new and dry_run:
        say("would make another token in %s" % settings.folder)
        return result("server token", as_json, {"dry_run": True})
    token = settings.new_token() if new else settings.token
    host = settings.page[0].replace("0.0.0.0", "127.0.0.1")
    address = "%s://%s:%d/?token=%s" % ("https" if settings.page_tls else "http", host, settings.page[1], token)
    result("server token", as_json, {"token": token, "link": address})
    if not as_json:
        print(address if link else token)
    if new:
        say("a server that runs on this folder wants it only after a restart")


@app.command("show")
@served("server show")
def show_command(server) -> None:
    """Show what the server counts, and its settings where the folder is here."""
    client = server.client
    counters, facts = client.get("/api/counters"), _folder_facts(client)
    state = "runs at %s" % client.url if client.runs else "does not run"
    counted = {name.replace("_", " "): _counts(value) for name, value in counters.items()}
    fields = {"runs": client.runs, **facts, "counters": counters}
    server.show(fields, lambda: show_fields({"server": state, **facts, **counted}))


def _counts(value):
    if isinstance(value, float):
        return "%.0f" % value
    if isinstance(value, dict):
        return ", ".join("%s %s" % pair for pair in value.items()) or "none"
    return value


def _folder_facts(client):
    settings = client.settings
    if settings is None:
        return {}
    from flash_tools.server import certificates, pki

    facts = {"folder": str(settings.folder), "server_id": settings.server_id, "public_url": settings.public_url}
    facts |= {"listen": "%s:%d" % settings.listen, "page": "%s:%d" % settings.page}
    if settings.secure:
        facts["authority"] = pki.fingerprint(certificates.authority_pem(settings.folder))
        kept = settings.folder / certificates.SERVER
        facts["certificate_until"] = clock(pki.end_of(kept.read_text())) if kept.exists() else "missing"
    return facts


@app.command("backup")
@served("server backup", writes=True)
def backup_command(
    server,
    file: Annotated[Path, typer.Argument(help="File of the copy; it is not overwritten.")],
) -> None:
    """Copy the store, also while the server runs; settings and keys are in the folder and are copied by you."""
    if file.exists():
        raise ToolError("%s exists: choose another name" % file)
    if server.dry_run:
        say("would write %s" % file)
        return result(server.command, server.as_json, {"file": str(file), "dry_run": True})
    with new_file(file, 0o600) as out:
        size = server.client.save("/api/backup", out)
    say("wrote %s, %d bytes, with devices' secrets in it. Keys and settings are not: copy server.toml, *.pem and "
        "admin-token of the server's folder too" % (file, size))  # fmt: skip
    result(server.command, server.as_json, {"file": str(file), "bytes": size})


@app.command("prune")
@served("server prune", writes=True)
def prune_command(
    server,
    keep_days: Annotated[int, typer.Option(min=1, help="Days that are kept.")] = 90,
) -> None:
    """Forget old sessions and events; devices, orders and packages stay."""
    gone = server.client.post("/api/prune", {"keep_days": keep_days})
    server.show(gone, lambda: print("forgotten: %s" % ", ".join("%s %s" % (gone[name], name) for name in gone)))
