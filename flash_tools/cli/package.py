"""`fumo package`: update packages, built, looked at, compared, and given to a server."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli import order
from flash_tools.cli.output import DryRun, Json, passphrase, plain, result, say, write
from flash_tools.images import Wish
from flash_tools.images.mcuboot import PublicKey
from flash_tools.packages import package_diff, package_make, package_read, package_show, package_target
from flash_tools.signing import keys

app = typer.Typer(no_args_is_help=True, help="Update packages (.fup).")
order.register_packages(app)

_SHOWN = 200  # files of an image that `show` lists for people

Key = Annotated[str, typer.Option(help="What signs it: a PEM file, or the pkcs11: URI of a key in a token.")]
For = Annotated[str | None, typer.Option("--for", help="Board to read product, model and layout off, KIND:PLACE.")]
Product = Annotated[str | None, typer.Option(help="Product that the package is for.")]
Model = Annotated[list[str] | None, typer.Option(help="Model that may take it; may be given more than once.")]
Layout = Annotated[
    str | None, typer.Option(help="Flash layout: its hash, a board file's name with --flash-size, or a JSON file.")
]
FlashSize = Annotated[str | None, typer.Option(help="Size of the flash, 2M or 16M, for a board file's layout.")]
Version = Annotated[str | None, typer.Option(help="Version of the firmware; needed where the image does not say it.")]
Kind = Annotated[str | None, typer.Option(help="lfs2, romfs, zip, mcuboot or raw; a file's kind is guessed otherwise.")]
Revoke = Annotated[list[str] | None, typer.Option(help="Id of a key to trust no longer once this is confirmed.")]
Size = Annotated[str | None, typer.Option(help="lfs2: make the image that large, 64K or 1M.")]
Old = Annotated[Path | None, typer.Option(help="What a delta starts from: the running image, or its package.")]
Slot = Annotated[str | None, typer.Option(help="mcuboot: size of the slot, 512K.")]
ImageKey = Annotated[str | None, typer.Option(help="mcuboot: key of the image where it is not that of the package.")]
Compiled = Annotated[
    bool, typer.Option("--compiled", help="zip: bytecode of this very Python beside each module, for slow boards.")
]
Large = Annotated[
    bool, typer.Option("--large-blocks", help="For a Linux board whose banks are files or partitions: much faster.")
]


@app.command("build")
def package_build_command(
    image: Annotated[Path, typer.Argument(help="A folder of modules, or a file: any image, MCUboot's and ESP's too.")],
    output: Annotated[Path, typer.Argument(help="The package to write.")],
    key: Key,
    board: For = None,
    product: Product = None,
    model: Model = None,
    layout: Layout = None,
    flash_size: FlashSize = None,
    version: Version = None,
    counter: Annotated[
        int | None,
        typer.Option(help="Security counter; a device never goes below its own. That of --for's board, 0 otherwise."),
    ] = None,
    kind: Kind = None,
    encoding: Annotated[str, typer.Option(help="none, deflate or delta.")] = "deflate",
    old: Old = None,
    revoke: Revoke = None,
    large: Large = False,
    image_size: Size = None,
    deflated: Annotated[bool, typer.Option("--deflated", help="zip: deflate the files in it.")] = False,
    compiled: Compiled = False,
    header_size: Annotated[str, typer.Option(help="mcuboot: size of the header of a binary to be signed.")] = "512",
    slot_size: Slot = None,
    align: Annotated[int, typer.Option(help="mcuboot: what the bootloader programs at once.")] = 8,
    image_key: ImageKey = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Build and sign an update package."""
    whom = package_target.combine(board, product, model, layout, flash_size)
    sizes = [package_target.size_of(text) if text else None for text in (image_size, header_size, slot_size)]
    wish = Wish(
        kind, version, sizes[0], deflated, _image_key(image_key), sizes[1], sizes[2] or 0, align, counter or None,
        compiled=compiled,
    )  # fmt: skip
    built = package_make.build(
        image, wish, whom, _signer(key), counter=counter, encoding=encoding, old=old, revoked=revoke or (), large=large
    )
    _finish("package build", built, output, dry_run, as_json)


@app.command("delta")
def package_delta(
    old: Annotated[Path, typer.Argument(help="What runs on the devices: its image, or its package.")],
    new: Annotated[Path, typer.Argument(help="What shall run: its package, its image, or a folder.")],
    output: Annotated[Path, typer.Argument(help="The package to write.")],
    key: Key,
    board: For = None,
    product: Product = None,
    model: Model = None,
    layout: Layout = None,
    flash_size: FlashSize = None,
    version: Version = None,
    counter: Annotated[int | None, typer.Option(help="Security counter, that of NEW's package otherwise.")] = None,
    kind: Kind = None,
    revoke: Revoke = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Build the package of what changed from OLD to NEW; NEW's package says for whom it is."""
    named = any((board, product, model, layout))
    whom = package_target.combine(board, product, model, layout, flash_size) if named else None
    built = package_make.delta(
        old, new, _signer(key), whom=whom, wish=Wish(kind, version), counter=counter, revoked=revoke or ()
    )
    _finish("package delta", built, output, dry_run, as_json)


@app.command("show")
def package_show_command(package: Path, old: Old = None, as_json: Json = False) -> None:
    """Show what a package says of itself and what its image holds; the signature is not checked."""
    found = package_show.describe(package_read.read_file(package), _old_image(old))
    if as_json:
        result("package show", True, found)
    else:
        rows = package_show.lines(found)
        for name, value in rows[:_SHOWN]:
            print(f"{name:14} {plain(value)}")
        if len(rows) > _SHOWN:
            print(f"{'':14} {len(rows) - _SHOWN} more with --json")
    say("signature not checked: use `fumo package verify`")


@app.command("verify")
def package_verify(
    package: Path,
    key: Annotated[str, typer.Option(help="PEM file of the public (or private) key, or pkcs11: URI.")],
    old: Old = None,
    as_json: Json = False,
) -> None:
    """Check signature, blocks and image as a device does, and that the image is of its kind."""
    public = keys.open_public(key, passphrase())
    opened = package_read.open_package(package_read.read_file(package), public, _old_image(old))
    package_show.check_contents(opened)
    summary = opened.summary
    note = "" if summary.image == "good" else "; the image was not checked, that needs --old"
    say(f"{package}: signature good, {summary.blocks} blocks good{note}")
    result("package verify", as_json, asdict(summary))


@app.command("diff")
def package_diff_command(
    old: Annotated[Path, typer.Argument(help="A package or an image.")],
    new: Annotated[Path, typer.Argument(help="Another one; a delta from OLD will do.")],
    delta: Annotated[bool, typer.Option("--delta/--no-delta", help="Say what a delta would take.")] = True,
    as_json: Json = False,
) -> None:
    """Show what differs between two packages or images."""
    found = package_diff.diff(old, new, delta)
    if not as_json:
        for line in package_diff.lines(found):
            print(plain(line))
    result("package diff", as_json, found)


def _signer(text):
    return keys.open_signer(text, passphrase())


def _image_key(text):
    """Return the key of an MCUboot image: the public half is enough to check it."""
    if text is None:
        return None
    if text.startswith("pkcs11:") or b"PRIVATE" in package_read.read_file(Path(text)):
        return _signer(text)
    return PublicKey(keys.open_public(text, passphrase()))


def _old_image(path):
    return package_read.load_image(path)[0] if path else None


def _finish(command, built, output, dry_run, as_json):
    """Say what it is and what it costs before it is written."""
    for line in (*built.notes, *built.estimate.lines()):
        say(line)
    if not dry_run:
        write(output, built.package)
        say(f"wrote {output}")
    result(command, as_json, {"package": str(output), "written": not dry_run, **built.result()})
