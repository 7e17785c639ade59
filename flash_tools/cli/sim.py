"""`fumo sim`: make the files of simulated devices, make updates for them, run them behind a power switch."""

import shlex
import signal
import socket
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.chips.image_file import refuse_used
from flash_tools.cli.output import DryRun, Json, result, say, write
from flash_tools.enrolment import keep_bundle, read_bundle
from flash_tools.errors import ToolError
from flash_tools.signing import keys
from flash_tools.sim import sim_files, sim_process
from flash_tools.sim.sim_power import PowerSwitch
from flash_tools.sim.sim_serial import LINK, SerialCable

app = typer.Typer(no_args_is_help=True, help="Simulated devices on real sockets (docs/simulator.md).")

Folder = Annotated[Path, typer.Argument(help="Folder of the device's files.")]
Behaviour = Annotated[str, typer.Option(help="good, crash, hang, crash-confirmed or unfit.")]
Version = Annotated[str, typer.Option("--version", help="Version of the firmware.")]
Size = Annotated[int, typer.Option(help="Size of the firmware in KiB.")]
Key = Annotated[Path | None, typer.Option(help="PEM file of the signing key, the folder's own otherwise.")]

BUNDLE = "bundle.json"
_NOTIFY_PORT = 2948
_USUAL = "--notify-port %d --poll-s 15 --trial-s 5"  # of a device on a bench: it hears orders soon, and is soon content


@app.command("new")
def new(
    folder: Folder,
    bundle: Annotated[Path | None, typer.Option(help="JSON of the account, as a server gives it.")] = None,
    account: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of the bundle; may be given again.")] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM of the authority to trust.")] = None,
    enrol: Annotated[str | None, typer.Option(help="URL of a server to enrol at, instead of a bundle.")] = None,
    token: Annotated[str | None, typer.Option(help="The one-time token of `fumo device enrol-token`.")] = None,
    device_id: Annotated[str, typer.Option("--id", help="DevId, where the bundle has none.")] = "sim:1",
    version: Version = "1.0",
    behaviour: Behaviour = "good",
    size: Size = 64,
    chip_kib: Annotated[int, typer.Option(help="1024, 2048, 4096, 8192 or 16384.")] = 2048,
    product: Annotated[str, typer.Option(help="Product that its updates are for.")] = "bench",
    model: Annotated[str, typer.Option(help="Model of that product.")] = "sim",
    key: Key = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the flash file, the provisioning and the signing key of a device."""
    given = read_bundle(bundle, account or [], ca)
    sim_files.refuse_taken(folder / sim_files.FLASH)
    signer = keys.read_key(key, None) if key else None
    if enrol:
        given = _enrolled(folder, enrol, token, device_id, model, given, dry_run)
    if not key and (folder / sim_files.KEY).exists():
        say("an earlier run was cut short: its key, %s, is taken" % (folder / sim_files.KEY))
    with _place(folder, dry_run) as place:
        files = sim_files.make(
            place, given, key=signer, version=version, behaviour=behaviour, size=size * 1024, chip_kib=chip_kib,
            product=product, model=model, device_id=device_id, keep_key=not key,
            anew=True,
        )  # fmt: skip
        who = files.facts()["device"]["DevId"]
    files.folder = folder
    _told_new(files, who, key or folder / sim_files.KEY, dry_run, as_json)


def _told_new(files, device_id, key, dry_run, as_json):
    """Say what was made, and the line that runs it."""
    run = sim_process.command(files.flash, files.provision)
    say("%s %s and %s" % ("would write" if dry_run else "wrote", files.flash, files.provision))
    fields = {"flash": files.flash, "provision": files.provision, "key": key}
    fields = {name: str(path) for name, path in fields.items()}
    result("sim new", as_json, {**fields, "device": device_id, "run": run, "dry_run": dry_run})
    if not as_json:
        print(shlex.join(run))


@contextmanager
def _place(folder, dry_run):
    """Give the folder to make a device in: a rehearsal has one that goes again."""
    if not dry_run:
        yield folder
        return
    with tempfile.TemporaryDirectory() as other:
        yield Path(other)


def _enrolled(folder, url, token, device_id, model, given, dry_run):
    """Enrol; a token is good for once, hence what it brought is kept before anything else can fail."""
    if not token:
        raise ToolError("--enrol needs --token: `fumo device enrol-token` makes one")
    if (folder / BUNDLE).exists():
        raise ToolError(f"{folder / BUNDLE} exists: use it with --bundle, or remove it")
    if dry_run:
        say("would enrol %s at %s" % (device_id, url))
        return given
    _make_folder(folder)
    bundle = keep_bundle(folder / BUNDLE, url, token, device_id, model, given.get("ca_pem"))
    return {**given, **{name: value for name, value in bundle.items() if value is not None}}


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ToolError(f"cannot make {folder}: {e.strerror}") from None


@app.command("package")
def package(
    folder: Folder,
    output: Annotated[Path, typer.Argument(help="The package to write.")],
    version: Version,
    behaviour: Behaviour = "good",
    size: Size = 64,
    counter: Annotated[int, typer.Option(help="Security counter.")] = 1,
    encoding: Annotated[str, typer.Option(help="none or deflate.")] = "deflate",
    key: Key = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make an update for the device."""
    files = sim_files.read(folder)
    files.key = keys.read_key(key, None) if key else files.key
    if not files.key:
        raise ToolError("the folder has no key: name one with --key")
    data = files.update(version, behaviour, size * 1024, counter=counter, encoding=encoding)
    if not dry_run:
        write(output, data)
    say("%s %s: version %s, %d bytes" % ("would write" if dry_run else "wrote", output, version, len(data)))
    kid = keys.key_id(keys.public_bytes(files.key))
    fields = {"package": str(output), "firmware": version, "package_bytes": len(data), "kid": kid}
    result("sim package", as_json, {**fields, "written": not dry_run, "dry_run": dry_run})


@app.command("run")
def run(
    folders: Annotated[list[Path], typer.Argument(help="Folders of the devices; the first one has index 0.")],
    port: Annotated[int, typer.Option(help="Port of the power switch, 0 for any that is free.")] = 0,
    options: Annotated[
        str | None, typer.Option(help="Options for every device, as one text.", show_default=_USUAL % _NOTIFY_PORT)
    ] = None,
    micropython: Annotated[bool, typer.Option("--micropython", help="Run the devices under MicroPython.")] = False,
    dirty: Annotated[bool, typer.Option("--dirty", help="Take power inside a flash operation.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Begin without power.")] = False,
    back_s: Annotated[float | None, typer.Option(help="Give power again to a device that lost it inside.")] = None,
    serial: Annotated[bool, typer.Option("--serial", help="Give each a serial line, FOLDER/serial.")] = False,
) -> None:
    """Run devices behind a power switch until SIGINT or SIGTERM; each line, in and out, begins with a device's index."""
    devices = [_device(index, folder, options, micropython) for index, folder in enumerate(folders)]
    try:
        switch = PowerSwitch(devices, port, dirty=dirty, back_s=back_s)
    except OSError as e:
        raise ToolError(f"cannot listen on port {port}: {e.strerror}") from None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        for device, folder in zip(devices, folders, strict=True) if serial else ():
            device.plug_in(stack.enter_context(SerialCable(folder / LINK)))
        stack.enter_context(switch)
        print("power", switch.url, flush=True)
        for index, device in enumerate(devices if serial else ()):
            print(index, "serial", device.cable.path, flush=True)
        for index in range(0 if off else len(devices)):
            switch.on(index)
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # in the background a terminal has nothing to say
        with suppress(OSError):
            for line in sys.stdin:
                _obey(switch, line.split())
        threading.Event().wait()


def _device(index, folder, options, micropython):
    files = sim_files.read(folder)
    refuse_used(files.flash)  # before its serial line is taken away from it
    options = _USUAL % _free_port(_NOTIFY_PORT + index) if options is None else options
    words = sim_process.command(files.flash, files.provision, *shlex.split(options), micropython=micropython)
    return sim_process.SimProcess(words, lambda line: print(index, line, flush=True))


def _free_port(port):
    """Return a UDP port that is free: this one, if it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, suppress(OSError):
        sock.bind(("0.0.0.0", port))
        return port
    return 0


def _obey(switch, words):
    if len(words) < 2 or not words[0].isdigit() or int(words[0]) >= len(switch.devices):
        print("error no such device", flush=True)
        return
    index, command = int(words[0]), " ".join(words[1:])
    action = {"on": switch.on, "off": switch.off, "cycle": switch.cycle}.get(command)
    cable = switch.devices[index].cable
    if action:
        action(index)
    elif command == "unplug" and cable:
        print(index, "serial", cable.cut(), flush=True)
    else:
        switch.devices[index].send(command)
