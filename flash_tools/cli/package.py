"""`fumo package`: update packages, built, looked at, and given to a server."""

import functools
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools import keys, package_build, package_read
from flash_tools.cli import order
from flash_tools.cli.output import DryRun, Json, passphrase, people, result, write

app = typer.Typer(no_args_is_help=True, help="Update packages (.fup).")
order.register(app)

_ERASE_64K_S, _PAGE_S = 0.16, 0.0007  # typical, of a W25Q128


@app.command("build")
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
    signer = keys.read_key(key, passphrase())
    package = package_build.build_package(data, target, signer, encoding=encoding, old_image=old_data)
    package_read.inspect(package, keys.public_bytes(signer), old_data)
    seconds = len(data) / 65536 * _ERASE_64K_S + len(data) / 256 * _PAGE_S
    text = f"{len(data)} bytes of image in {len(package)} bytes of package ({100 * len(package) // len(data)} %)"
    people().print(f"{text}; about {seconds:.1f} s of flash time on a W25Q128")
    if not dry_run:
        write(output, package)
        people().print(f"wrote {output}")
    result("package build", as_json, {"package": str(output), "image_bytes": len(data), "package_bytes": len(package)})


@app.command("show")
def package_show(package: Path, as_json: Json = False) -> None:
    """Show what a package says of itself; the signature is not checked."""
    summary = package_read.inspect(package_read.read_file(package))
    say = functools.partial(people().print, markup=False) if as_json else print
    for name, value in summary.manifest.items():
        say(f"{name:14} {', '.join(value) if isinstance(value, list) else value}")
    say(f"{'blocks':14} {summary.blocks}")
    people().print("signature not checked: use `fumo package verify`")
    result("package show", as_json, asdict(summary))


@app.command("verify")
def package_verify(
    package: Path,
    key: Annotated[Path, typer.Option(help="PEM file of the public (or private) key.")],
    old: Annotated[Path | None, typer.Option(help="The image that a delta starts from.")] = None,
    as_json: Json = False,
) -> None:
    """Check signature, blocks and image as a device does."""
    old_data = package_read.read_file(old) if old else None
    summary = package_read.inspect(package_read.read_file(package), keys.read_public_key(key, passphrase()), old_data)
    note = "" if summary.image == "good" else "; the image was not checked, that needs --old"
    people().print(f"{package}: signature good, {summary.blocks} blocks good{note}", markup=False)
    result("package verify", as_json, asdict(summary))
