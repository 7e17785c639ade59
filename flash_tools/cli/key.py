"""`fumo keys`: signing keys."""

from pathlib import Path
from typing import Annotated

import typer

from flash_tools import keys
from flash_tools.cli.output import DryRun, Json, passphrase, people, result, write
from flash_tools.errors import ToolError

app = typer.Typer(no_args_is_help=True, help="Signing keys.")


@app.command("new")
def keys_new(
    path: Annotated[Path, typer.Argument(help="File of the private key; its public half goes beside it as .pub.pem")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a P-256 signing key; a passphrase is taken from FUMO_PASSPHRASE."""
    key = keys.new_key()
    public = keys.public_bytes(key)
    public_path = keys.public_path(path)
    for taken in (path, public_path):
        if taken.exists():
            raise ToolError(f"{taken} exists: a key is not overwritten, choose another name")
    if not dry_run:
        keys.write_key(key, path, passphrase())
        write(public_path, keys.public_pem(key))
    verb = "would write" if dry_run else "wrote"
    people().print(f"{verb} {path} (keep it secret) and {public_path}; key id {keys.key_id(public)}")
    result("keys new", as_json, {"private": str(path), "public": str(public_path), "kid": keys.key_id(public)})
