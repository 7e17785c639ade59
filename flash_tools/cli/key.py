"""`fumo keys`: signing keys, made, looked at, and changed for the next one."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flash_tools.cli.output import DryRun, Json, passphrase, read, result, say, show_fields, show_table, write
from flash_tools.errors import NotFoundError, ToolError, UsageError
from flash_tools.signing import key_facts, key_rotation, keys, pkcs11_uri

app = typer.Typer(no_args_is_help=True, help="Signing keys, in PEM files and in tokens.")

_PASSPHRASE_MOST = 1024
PassphraseFile = Annotated[
    Path | None, typer.Option(help="File whose first line opens the key; FUMO_PASSPHRASE otherwise.")
]
KeyName = Annotated[str, typer.Argument(help="PEM file, or pkcs11: URI of a key in a token.", metavar="KEY")]


@app.command("new")
def keys_new(
    key: Annotated[str, typer.Argument(help="File of the private key, or pkcs11: URI of a key to make in a token.")],
    public: Annotated[Path | None, typer.Option(help="Where a token's public key goes, too.")] = None,
    passphrase_file: PassphraseFile = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a P-256 signing key. In a file, its public half goes beside it as .pub.pem; in a token, it never leaves."""
    if passphrase_file and pkcs11_uri.is_uri(key):
        raise UsageError("a key in a token has no passphrase: its PIN comes from %s or pin-source" % pkcs11_uri.PIN)
    place, made = _make(key, public, secret(passphrase_file), dry_run)
    kid = keys.key_id(made) if made else None
    verb = "would make" if dry_run else "made"
    note = f"; key id {kid}" if kid else ""
    say(f"{verb} {_shown(key)} (keep it secret){f' and {place}' if place else ''}{note}")
    result("keys new", as_json, {"private": _shown(key), "public": str(place) if place else None, "kid": kid})


@app.command("show")
def keys_show(
    key: KeyName,
    form: Annotated[
        str | None, typer.Option("--format", help="Only the public key: hex, raw, pem, c or python.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Say what a key is: its id, its public half, and what is wrong with it or where it lies."""
    if form:
        return _show_public(key, form, secret(passphrase_file), as_json)
    facts = key_facts.examine(key, secret(passphrase_file))
    if as_json:
        return result("keys show", True, vars(facts))
    shown = {"key": facts.name, "form": facts.form, "curve": facts.curve, "locked": "yes" if facts.locked else "no"}
    show_fields({**shown, "key id": facts.kid, "public": facts.public, **(facts.token or {})})
    for problem in facts.problems:
        say(problem)


@app.command("rotate")
def keys_rotate(
    old: Annotated[str, typer.Argument(help="The key that devices trust today: PEM (the public half will do) or URI.")],
    new: Annotated[str, typer.Argument(help="The next key: one that is there, or one to make.")],
    device: Annotated[list[str] | None, typer.Option(help="A device: KIND:PLACE, or JSON of its facts.")] = None,
    runs: Annotated[Path | None, typer.Option(help="The package that these devices run.")] = None,
    ship: Annotated[Path | None, typer.Option(help="A package to judge before it is shipped to these devices.")] = None,
    passphrase_file: PassphraseFile = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Plan the way from one signing key to the next: what to provision, what to ship, and which device is how far."""
    from flash_tools.signing.key_devices import read_device  # the ways to chips, which no other command on keys needs

    opens = secret(passphrase_file)
    old_public = key_facts.public_of(old, opens)
    devices = [read_device(name, runs) for name in device or ()]
    new_public = _next_key(new, opens, dry_run)
    if new_public is None:
        say("would make %s; the plan needs its key id" % _shown(new))
        return result("keys rotate", as_json, {"old": keys.key_id(old_public), "new": None})
    plan = key_rotation.make_plan(old_public, new_public, devices)
    fields = {"old": plan.old, "new": plan.new, "anchors": plan.anchors, "devices": plan.devices, "steps": plan.steps}
    if ship:
        signer, revoked = key_rotation.check_package(ship, [old_public, new_public], devices)
        fields["ship"] = {"package": str(ship), "signer": signer, "revoked": revoked}
        say(f"{ship} can be shipped: signed by {signer}, revokes {', '.join(revoked) or 'nothing'}")
    if not as_json:
        _show_plan(plan)
    return result("keys rotate", as_json, fields)


def secret(file: Path | None) -> bytes | None:
    """Return what opens a private key: the first line of a file, else what the environment has."""
    if file is None:
        return passphrase()
    line = read(file).split(b"\n", 1)[0].rstrip(b"\r")
    if not 0 < len(line) <= _PASSPHRASE_MOST:
        raise UsageError(f"{file} has no passphrase in its first line")
    return line


def _make(key, public, opens, dry_run):
    """Make a key; return where its public half was written, and its 64 bytes."""
    if pkcs11_uri.is_uri(key):
        return _make_in_token(key, public, dry_run)
    path = Path(key)
    if public:
        raise UsageError("--public is for keys in tokens: the public half of a file's goes beside it")
    if path.name.endswith(".pub.pem"):
        raise UsageError(f"{path} would be a private key with the name of a public one: choose another name")
    place = keys.public_path(path)
    if not dry_run and (found := _finished(path, place, opens)):
        return place, keys.public_bytes(found)
    for taken in (path, place):
        if taken.exists():
            raise ToolError(f"{taken} exists: a key is not overwritten, choose another name")
    if dry_run:
        return place, None
    made = keys.new_key()
    return keys.write_pair(made, path, opens), keys.public_bytes(made)


def _finished(path, place, opens):
    """Finish the pair that an earlier run was cut in; return its key, None where there is nothing to finish."""
    found = keys.finish_pair(path, opens)
    if found:
        say(f"{path} was there without its public half, as of a run that was cut short: {place} is written now")
    return found


def _make_in_token(key, public, dry_run):
    from flash_tools.signing.pkcs11_keys import new_token_key

    if public and public.exists():
        raise ToolError(f"{public} exists: a key is not overwritten, choose another name")
    made = new_token_key(key, dry_run)
    if made is None:
        return public, None
    if public:
        write(public, keys.public_pem(made))
    return public, keys.raw_public(made)


def _next_key(new, opens, dry_run):
    """Return the public half of the next key, which is made where it is not there; None in a dry run then."""
    if not pkcs11_uri.is_uri(new):
        if not dry_run and not new.endswith(".pub.pem"):
            _finished(Path(new), keys.public_path(Path(new)), opens)
        return key_facts.public_of(new, opens) if Path(new).exists() else _make(new, None, opens, dry_run)[1]
    try:
        return key_facts.public_of(new, opens)
    except NotFoundError:
        return _make(new, None, opens, dry_run)[1]


def _show_public(key, form, opens, as_json):
    public = key_facts.public_of(key, opens)
    data = key_facts.render(public, form)
    if as_json:
        text = public.hex() if form == "raw" else data.decode()
        return result("keys show", True, {"kid": keys.key_id(public), "format": form, "text": text})
    if form == "raw" and sys.stdout.isatty():
        raise UsageError("raw bytes do not belong on a terminal: redirect them into a file, or take --format hex")
    sys.stdout.buffer.write(data)
    return sys.stdout.flush()


def _show_plan(plan):
    for number, step in enumerate(plan.steps, 1):
        print("%d. %s" % (number, step))
    if plan.devices:
        rows = [(name, state, key_rotation.STATES[state]) for name, state in plan.devices.items()]
        show_table("devices", ["device", "state", "what that means"], rows)


def _shown(key):
    return str(pkcs11_uri.parse(key)) if pkcs11_uri.is_uri(key) else key
