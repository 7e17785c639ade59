"""The command `fumo`: thin wrappers of functions that scripts can call themselves. Data on stdout, words for people on stderr."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools import campaign_cli, device_cli, keys, order_cli, package_build, package_read, server_cli, sim_cli
from flash_tools.cli_output import VERSION, Json, people, result, say, write
from flash_tools.errors import ToolError

app = typer.Typer(
    no_args_is_help=True, help="Keys, packages, servers and simulated devices.", pretty_exceptions_enable=False
)
keys_app = typer.Typer(no_args_is_help=True, help="Signing keys.")
package_app = typer.Typer(no_args_is_help=True, help="Update packages (.fup).")
app.add_typer(keys_app, name="keys")
app.add_typer(package_app, name="package")
order_cli.register(package_app)
app.add_typer(server_cli.app, name="server")
app.add_typer(device_cli.app, name="device")
app.command("order")(order_cli.order)
app.add_typer(order_cli.orders_app, name="orders")
app.add_typer(campaign_cli.app, name="campaign")
app.add_typer(sim_cli.app, name="sim")

_PASSPHRASE = "FUMO_PASSPHRASE"
_ERASE_64K_S, _PAGE_S = 0.16, 0.0007  # typical, of a W25Q128

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]


def _passphrase() -> bytes | None:
    text = os.environ.get(_PASSPHRASE)
    return text.encode() if text else None


@keys_app.command("new")
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
        keys.write_key(key, path, _passphrase())
        write(public_path, keys.public_pem(key))
    verb = "would write" if dry_run else "wrote"
    people().print(f"{verb} {path} (keep it secret) and {public_path}; key id {keys.key_id(public)}")
    result("keys new", as_json, {"private": str(path), "public": str(public_path), "kid": keys.key_id(public)})


@package_app.command("build")
def package_build_command(
    image: Annotated[Path, typer.Argument(help="The firmware image.")],
    output: Annotated[Path, typer.Argument(help="The package to write.")],
    key: Annotated[Path, typer.Option(help="PEM file of the signing key.")],
    product: Annotated[str, typer.Option(help="Product that the package is for.")],
    model: Annotated[list[str], typer.Option(help="Model that may take it; may be given more than once.")],
    layout: Annotated[str, typer.Option(help="Hash of the device's flash layout, 16 hexadecimal digits.")],
    version: Annotated[str, typer.Option(help="Version of the firmware.")],
    counter: Annotated[int, typer.Option(help="Security counter; a device never goes below its own.")] = 0,
    kind: Annotated[str, typer.Option(help="lfs2, romfs, zip, mcuboot or raw.")] = "raw",
    encoding: Annotated[str, typer.Option(help="none, deflate or delta.")] = "deflate",
    old: Annotated[Path | None, typer.Option(help="The running image that a delta starts from.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Build and sign an update package."""
    data = package_read.read_file(image)
    old_data = package_read.read_file(old) if old else None
    target = package_build.Target(product, model, layout, version, counter, kind)
    signer = keys.read_key(key, _passphrase())
    package = package_build.build_package(data, target, signer, encoding=encoding, old_image=old_data)
    package_read.inspect(package, keys.public_bytes(signer), old_data)
    seconds = len(data) / 65536 * _ERASE_64K_S + len(data) / 256 * _PAGE_S
    text = f"{len(data)} bytes of image in {len(package)} bytes of package ({100 * len(package) // len(data)} %)"
    people().print(f"{text}; about {seconds:.1f} s of flash time on a W25Q128")
    if not dry_run:
        write(output, package)
        people().print(f"wrote {output}")
    result("package build", as_json, {"package": str(output), "image_bytes": len(data), "package_bytes": len(package)})


@package_app.command("show")
def package_show(package: Path, as_json: Json = False) -> None:
    """Show what a package says of itself; the signature is not checked."""
    summary = package_read.inspect(package_read.read_file(package))
    for name, value in summary.manifest.items():
        people().print(f"{name:14} {value}", markup=False)
    people().print(f"{'blocks':14} {summary.blocks}\nsignature not checked: use `fumo package verify`")
    result("package show", as_json, asdict(summary))


@package_app.command("verify")
def package_verify(
    package: Path,
    key: Annotated[Path, typer.Option(help="PEM file of the public (or private) key.")],
    old: Annotated[Path | None, typer.Option(help="The image that a delta starts from.")] = None,
    as_json: Json = False,
) -> None:
    """Check signature, blocks and image as a device does."""
    old_data = package_read.read_file(old) if old else None
    summary = package_read.inspect(package_read.read_file(package), keys.read_public_key(key, _passphrase()), old_data)
    note = "" if summary.image == "good" else "; the image was not checked, that needs --old"
    people().print(f"{package}: signature good, {summary.blocks} blocks good{note}", markup=False)
    result("package verify", as_json, asdict(summary))


def main() -> None:
    """Run `fumo`; what the user can mend is one line and an exit code."""
    try:
        try:
            app()
        except OSError as e:
            raise ToolError(f"cannot use {e.filename}: {e.strerror}" if e.filename else str(e)) from e
    except ToolError as e:
        if "--json" in sys.argv:
            print(json.dumps({"version": VERSION, "ok": False, "error": str(e), "exit_code": e.exit_code}))
        say(f"fumo: {e}")
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
