"""`fumo flash`: the flash of a board, looked at, written, read, erased and compared by the names of its regions."""

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.chips import Chip, open_chip
from flash_tools.cli import output
from flash_tools.cli.output import DryRun, Json, say
from flash_tools.errors import StoppedError, UsageError, VerifyError
from flash_tools.flash import flash_info, flash_job, flash_package, flash_place, flash_read
from flash_tools.packages import package_read
from flash_tools.target import Board

app = typer.Typer(no_args_is_help=True, help="The flash of a board.")

Layout = Annotated[str | None, typer.Option("--layout", help="A board file's name, or a JSON file of regions.")]
Name = Annotated[str | None, typer.Argument(metavar="REGION", help="Name of a region; `all` is the whole chip.")]
File = Annotated[Path | None, typer.Argument(metavar="FILE")]
Range = Annotated[str | None, typer.Option("--range", metavar="ADDR:SIZE", help="Instead of a region: 0x10000:64K.")]
Force = Annotated[bool, typer.Option("--force", help="Write what is protected: banks in use, boot record, journal.")]
Interrupt = Annotated[
    bool, typer.Option("--interrupt", help="mpy: stop the program that runs there, start it again at the end.")
]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Do not read back what was written.")]


@app.command()
def info(board: Board, layout: Layout = None, interrupt: Interrupt = False, as_json: Json = False) -> None:
    """Show what the chip is, and what is in each region."""
    with open_chip(board, layout, interrupt=interrupt) as chip:
        facts = flash_info.chip_facts(chip)
        try:
            parts, why = flash_info.parts(chip), ""
        except UsageError as e:  # a chip that nobody has laid out yet is still worth looking at
            if layout:
                raise
            parts, why = [], str(e)
        cut = flash_info.unfinished(chip)
    fields = {"board": board, "chip": facts, "regions": [asdict(part) for part in parts], "unfinished": cut}
    if as_json:
        output.result("flash info", True, fields)
        return
    _show_chip(board, facts)
    if parts:
        columns = ["region", "start", "size", "used", "holds"]
        rows = [[p.name, "0x%06x" % p.start, _size(p.size), _size(p.used), p.holds] for p in parts]
        output.show_table("", columns, rows)
    if why:
        say(why)
    if cut:
        say("not finished: %s. Run it again; what was being written then is not trusted" % cut)


@app.command()
def read(
    board: Board, region: Name = None, file: File = None, address_range: Range = None, layout: Layout = None,
    interrupt: Interrupt = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Read a region into a file; one that was cut is gone on with."""
    region, file = _file(region, file, address_range)
    with open_chip(board, layout, interrupt=interrupt) as chip:
        place = flash_place.find(chip, region, address_range)
        with _progress(as_json) as progress, _stopped("what was read is kept in %s.part" % file):
            taken = flash_read.read(chip, place, file, progress)
    output.result("flash read", as_json, {"board": board, "file": str(file), **asdict(taken)})
    if not as_json:
        more = ", %s of it from the run before" % _size(taken.resumed) if taken.resumed else ""
        say("%s: %s read into %s%s, SHA-256 %s" % (taken.place, _size(taken.size), file, more, taken.sha256))


@app.command()
def write(
    board: Board, region: Name = None, file: File = None, address_range: Range = None, layout: Layout = None,
    force: Force = False, no_verify: NoVerify = False, dry_run: DryRun = False, interrupt: Interrupt = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write a file, or a package, into a region: only what is not there yet; read back."""
    region, file = _file(region, file, address_range)
    data, is_package = _bytes(file)
    with open_chip(board, layout, write=not dry_run, interrupt=interrupt) as chip:
        place = flash_place.find(chip, region, address_range)
        flash_place.guard(chip, place, force)
        content = flash_package.unpack(chip, place, data) if is_package else None
        with _progress(as_json) as progress, _stopped(_AGAIN):
            if content:
                done = _write_package(chip, place, content, dry_run, not no_verify, progress)
            else:
                done = _write(chip, place, data, dry_run, not no_verify, progress)
    fields = {"board": board, "file": str(file), "dry_run": dry_run, **asdict(done)}
    if content:
        fields |= {"package_version": content.version, "signature": content.signature}
    output.result("flash write", as_json, fields)
    if not as_json:
        _tell("write", done, dry_run)
        if not dry_run:
            _tell_more(place, content)


@app.command()
def erase(
    board: Board, region: Name = None, address_range: Range = None, layout: Layout = None, force: Force = False,
    dry_run: DryRun = False, interrupt: Interrupt = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Erase a region, where it is not blank."""
    if not region and not address_range:
        raise UsageError("name the region to erase, or a --range")
    with open_chip(board, layout, write=not dry_run, interrupt=interrupt) as chip:
        place = flash_place.find(chip, region, address_range)
        flash_place.guard(chip, place, force)
        with _progress(as_json) as progress, _stopped(_AGAIN):
            if dry_run:
                todo = flash_job.plan(chip, place, b"\xff" * place.size, progress)
                done = flash_job.summary(chip, place, todo, False)
            else:
                done = flash_job.erase(chip, place, progress=progress)
    output.result("flash erase", as_json, {"board": board, "dry_run": dry_run, **asdict(done)})
    if not as_json:
        _tell("erase", done, dry_run)


@app.command()
def verify(
    board: Board, region: Name = None, file: File = None, address_range: Range = None, layout: Layout = None,
    interrupt: Interrupt = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Compare a region with a file, or a bank with a package; exit code 5 where they differ."""
    region, file = _file(region, file, address_range)
    data, is_package = _bytes(file)
    with open_chip(board, layout, interrupt=interrupt) as chip:
        place = flash_place.find(chip, region, address_range)
        with _progress(as_json) as progress, _stopped("nothing was written"):
            if is_package:
                flash_package.verify(chip, place, flash_package.unpack(chip, place, data), progress, str(file))
            else:
                flash_job.verify(chip, place, data, progress, str(file))
    output.result("flash verify", as_json, {"board": board, "place": place.name, "file": str(file), "size": len(data)})
    if not as_json:
        say("%s holds %s" % (place.name, file))


# -- what is shared ---------------------------------------------------------------------------------------------------

_AGAIN = "run the same command again, it goes on"


def _file(region, file, address_range):
    """Sort out the arguments: with --range there is no region."""
    if address_range and region and not file:
        region, file = None, Path(region)
    if address_range and region:
        raise UsageError("name a region or a --range, not both")
    if not file:
        raise UsageError("name the region and the file: fumo flash ... REGION FILE")
    return region, file


def _bytes(file):
    """Return what is in a file, and whether that is a package; one that only calls itself so is not written as it is."""
    data = output.read(file)
    is_package = package_read.is_package(data)
    if file.suffix == ".fup" and not is_package:
        raise VerifyError("%s does not begin as a package does: fetch or build it again" % file)
    return data, is_package


def _write(chip: Chip, place, data, dry_run, check, progress):
    if dry_run:
        return flash_job.summary(chip, place, flash_job.plan(chip, place, data, progress), False)
    return flash_job.write(chip, place, data, check, progress)


def _write_package(chip: Chip, place, content, dry_run, check, progress):
    if dry_run:
        return flash_package.plan(chip, place, content, progress)
    return flash_package.write(chip, place, content, progress, verify=check)


@contextmanager
def _progress(as_json):
    """Give a progress: a bar with rate and time left on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = output.people()
    columns = ("{task.description}", BarColumn(), DownloadColumn(True), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        tasks = {}

        def progress(what, done, total):
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], total=total)
            bar.advance(tasks[what], done)

        yield progress


@contextmanager
def _stopped(text):
    """Say what a Ctrl-C leaves."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("stopped: " + text) from None


def _show_chip(board, facts):
    units = []
    for unit in facts["erase_units"]:
        typical = "%d ms, " % unit["typical_ms"] if unit["typical_ms"] else ""
        units.append("%s in %sat most %d ms" % (_size(unit["size"]), typical, unit["max_ms"]))
    shown = {
        "board": board,
        "chip": facts["name"] or "not known",
        "JEDEC id": facts["jedec_id"] or "not known",
        "size": "%s (%d bytes)" % (_size(facts["size"]), facts["size"]),
        "erases": "\n".join(units),
    }
    if facts["sfdp"]:
        tables = facts["sfdp"]
        pages = (
            "page of %d bytes in %d us, at most %d" % (tables["page"], *tables["page_us"]) if tables["page_us"] else ""
        )
        shown["SFDP"] = "revision %s, %s%s" % (tables["revision"], _size(tables["size"]), pages and ", " + pages)
    output.show_fields(shown)


def _tell(verb, done, dry_run):
    erases = ", ".join("%d x %s" % (count, _size(unit)) for unit, count in done.erases.items()) or "nothing"
    if dry_run:
        text = "would %s %s: erase %s, program %s, leave %s as they are; about %.1f s of the chip's time"
        say(text % (verb, done.place, erases, _size(done.programmed), _size(done.skipped), done.seconds))
        return
    if not done.erases and not done.programmed:
        there = "blank" if verb == "erase" else "there"
        say("%s: all of it is %s already, nothing was written" % (done.place, there))
        return
    checked = "read back" if done.verified else "not read back"
    text = "%s: erased %s, programmed %s, left %s as they were; %s"
    say(text % (done.place, erases, _size(done.programmed), _size(done.skipped), checked))


def _tell_more(place, content):
    if content:
        say(
            "%s holds %s, its signature: %s; it runs once a trial of it is ordered (`fumo rollback`)"
            % (place.name, content.version, content.signature)
        )
    elif place.name.startswith("bank"):
        say("no header says what is in %s now: write a package (.fup) into a bank that is to boot" % place.name)


def _size(count):
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size and count % size == 0:
            return "%d %s" % (count // size, unit)
    return "%.1f KiB" % (count / 1024) if count >= 1024 else "%d bytes" % count
