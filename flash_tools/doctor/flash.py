"""What the flash of a board says of its health: layout, factory region, banks, boot record, journal. Only reads."""

from collections.abc import Iterator

from flash_tools.doctor.check import Check, fail, ok, skip, warn

_PROVISION = "fumo provision writes the factory region"


def checks(document: dict) -> Iterator[Check]:
    """Judge a dump."""
    yield from _layout(document)
    yield from _factory(document)
    yield from _banks(document)
    yield _boot(document["boot"])
    for name in ("journal", "settings"):
        yield _journal(name, document[name])
    yield from _next(document["verdict"])


def _layout(document):
    flash = document["flash"]
    if flash["unreadable_sectors"]:
        text = "%d sectors cannot be read" % len(flash["unreadable_sectors"])
        yield fail("flash", text, "check wiring and supply of the chip, then its life")
    if not flash["layout"]:
        yield fail(
            "layout", "the flash does not say how it is laid out", "name it with --layout, or provision the board"
        )
        return
    if flash["missing_bytes"]:
        do = "check the part, or name the right layout with --layout"
        yield fail("layout", "it needs %d bytes more than there are" % flash["missing_bytes"], do)
        return
    wrong = {bank["manifest"]["layout"] for bank in document["banks"] if bank["manifest"]} - {flash["layout_hash"]}
    if wrong:
        text = "%s (%s), the firmware is for %s" % (
            flash["layout_hash"],
            flash["layout_found_by"],
            ", ".join(sorted(wrong)),
        )
        yield fail("layout", text, "name the right one with --layout, or build the firmware for this one")
    else:
        yield ok("layout", "%s (%s)" % (flash["layout_hash"], flash["layout_found_by"]))


def _factory(document):
    factory = document["factory"]
    if not factory:
        yield skip("factory region", "the layout has none")
        return
    bad = [copy for copy in factory["copies"] if not copy["valid"]]
    if len(bad) == len(factory["copies"]):
        yield fail("factory region", "no copy is good: %s" % bad[0]["why_not"], _PROVISION)
    elif bad:
        text = "copy %d is not good: %s" % (bad[0]["copy"], bad[0]["why_not"])
        yield warn("factory region", text, "provision the board again while the other copy is good")
    elif factory["differences"]:
        text = "the copies differ in %s" % ", ".join(factory["differences"])
        yield warn("factory region", text, "provision the board again: a cut came between the two")
    else:
        yield ok("factory region", "both copies are good and the same")
    anchors = (factory["identity"] or {}).get("anchors", [])
    if anchors:
        yield ok("keys", "the board trusts %s" % ", ".join(anchors))
    else:
        yield fail("keys", "the board trusts no key: it takes no update", _PROVISION)


def _banks(document):
    runs = document["verdict"]["runs"]
    for bank in document["banks"]:
        name = "bank %d" % bank["bank"]
        manifest = bank["manifest"]
        if not manifest:
            why = bank["header_why_not"]
            if bank["bank"] == runs:
                yield fail(name, "it runs, and has no manifest: %s" % why, "put firmware there: fumo recover upload")
            else:
                yield ok(name, "no firmware (%s)" % why.partition(":")[0])
            continue
        text = "%s, security counter %d" % (manifest["version"], manifest["counter"])
        if bank["image"] == "good" and bank["signature"] == "good":
            yield ok(name, text)
        elif bank["image"] == "good" and bank["signature"].startswith("not checked"):
            yield warn(name, text + ", its signature was not checked", "give the key with --key")
        else:
            bad = bank["image"] if bank["image"] != "good" else bank["signature"]
            judge = fail if bank["bank"] == runs else warn
            yield judge(name, "%s: %s" % (text, bad), "put firmware there: fumo recover upload, or an update")


def _boot(records):
    valid = [record for record in records if record["valid"]]
    marks = max((record["crash_marks"] for record in records), default=0)
    if not records:
        return skip("boot record", "the layout has none")
    if not valid:
        return fail(
            "boot record", "no sector holds a record: bank 0 is a guess", "start the board, an update confirms it"
        )
    newest = next(record for record in records if record["counts"])
    text = "record %d: %s" % (newest["sequence"], newest["state"])
    if marks:
        return warn("boot record", "%s, %d crash marks" % (text, marks), "look why the firmware crashes; see fumo dump")
    if newest["state"] == "fallen back":
        return warn("boot record", text + ": the firmware before kept crashing", "update it to firmware that does not")
    torn = [record for record in records if record["why_not"].startswith("torn")]
    return ok("boot record", text + (", the remains of a cut beside it" if torn else ""))


def _journal(name, copies):
    if not copies:
        return skip(name, "the layout has none")
    counts = [copy for copy in copies if copy["counts"]]
    if counts:
        text = "revision %d, %d of %d slots" % (counts[0]["revision"], counts[0]["used"], counts[0]["slots"])
        whole = sum(not copy["why_not"] for copy in copies)
        return ok(name, "%s, %d of 3 copies are whole" % (text, whole))
    if all(copy["why_not"] == "erased" for copy in copies):
        return ok(name, "empty")
    return fail(name, "no copy is whole: what was noted is lost", "start the board: it begins a new one; see fumo dump")


def _next(verdict):
    if verdict["trial"]:
        yield warn("trial", "a trial is pending", "leave power on until it is over")
    elif verdict["runs"] is None:
        yield fail("next start", verdict["lines"][0], "see fumo dump; fumo recover upload brings firmware")
    else:
        yield ok("next start", "bank %d runs" % verdict["runs"])
    for text in verdict["owed"]:
        yield warn("result", "owed to " + text, "let the board reach its server")
