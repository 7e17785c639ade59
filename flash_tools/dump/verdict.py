"""What it all comes to, in plain words: what runs at the next power-on and why, what is owed to whom, what one could do."""

from hal.boot_record import ARMED, FALLBACK, TRIED

_PHASES = {
    "idle": "No update is under way.",
    "accepted": "An update was ordered and has not begun; it begins.",
    "download": "A download goes on at byte %(package_at)d of the package; %(image_at)d bytes of the image are in the bank.",
    "ready": "The package is downloaded and verified; what was ordered with it comes next.",
    "arm": "A trial is about to be set (attempt %(arms)d): the device sets it and restarts.",
    "trial": "The new firmware is on trial: it confirms itself once its tests pass, any reset before that brings back the old one.",
    "report": "The operation is over; its result %(code)d waits to be told.",
}


def of(told: dict, banks: list[dict], boot: list[dict], journal: list, anchors: tuple, layout: str = "") -> dict:
    """Return {runs, why, phase, lines, owed, problems, advice}; `told` is the rehearsal's, `layout` the hash."""
    found = {"runs": told.get("bank"), "trial": told.get("trial", False), "lines": [], "owed": [], "problems": []}
    found["advice"], found["job"] = [], told.get("job")
    if "bank" not in told:
        found["lines"].append(
            "What the next power-on does cannot be told: %s." % told.get("broken", "nothing is known")
        )
        found["advice"].append("Look at the parts below; name the layout with --layout if it is the wrong one.")
    else:
        _power_on(found, told, banks)
        if told["bank"] is not None:
            _update(found, told)
    _layout(found, banks, layout)
    _health(found, boot, journal, anchors)
    return found


def _layout(found, banks, layout):
    others = {bank["manifest"]["layout"] for bank in banks if bank["manifest"]} - {layout}
    if others:
        text = "The firmware is for layout %s, this dump goes by %s: name the right one with --layout."
        found["problems"].append(text % (" and ".join(sorted(others)), layout))


def _power_on(found, told, banks):
    bank = told["bank"]
    if bank is None:
        why = "no bank verifies"
        if told["void"]:
            why = "serial recovery has overwritten the confirmed bank, and nothing is armed that verifies"
        found["lines"].append("Nothing runs at the next power-on: %s. The device waits for serial recovery." % why)
        found["advice"].append("Give it a package over its serial line: fumo recover upload FILE.")
        found["advice"].append("If the banks look good below, the key is wrong: compare it with the factory region.")
        return
    version = (banks[bank]["manifest"] or {}).get("version") if bank < len(banks) else None
    named = "bank %d" % bank + (" (%s)" % version if version else "")
    found["lines"].append(
        "At the next power-on %s runs%s, because %s." % (named, " on trial" * told["trial"], _why(told))
    )
    if bank not in told["checked"] and banks[bank]["image"] != "good":
        text = "Bank %d does not verify (%s) and is started without a check, as always after power came."
        found["problems"].append(text % (bank, banks[bank]["image"] or banks[bank]["header_why_not"] or "no manifest"))
        found["advice"].append(
            "It probably crashes; after three crashes the first stage checks it and takes the other bank."
        )
        found["advice"].append("Put firmware there with `fumo flash write` or `fumo recover upload`.")


def _why(told):
    if told["trial"]:
        return "a trial of it is armed and it verifies"
    if told["state"] == ARMED and told["bank"] == told["confirmed"]:
        return "it is confirmed, and the bank whose trial is armed does not verify"
    if not told["record_found"]:
        text = "there is no boot record, and "
        return text + (
            "bank 0, which is the guess then, verifies" if told["bank"] == 0 else "it is the first that verifies"
        )
    if told["checked"].get(1 - told["bank"]) is False or told["fell_back"] and told["state"] != FALLBACK:
        return "the bank that was confirmed does not verify"
    if told["state"] == TRIED:
        return "it is confirmed; the trial of the other bank is used up"
    if told["state"] == FALLBACK:
        return "the one confirmed after it kept crashing, and the first stage fell back to it"
    return "it is confirmed"


def _update(found, told):
    if told.get("broken"):
        return
    job = told["job"]
    if told["order_void"]:
        found["lines"].append(
            "The owner has flashed other firmware: the order that was under way is void, nobody is told."
        )
    text = _PHASES.get(job["phase"], "The job is in %s." % job["phase"])
    found["lines"].append(text % {**told, **job})
    if job["phase"] == "idle" and job["code"]:
        found["lines"].append("The last one ended with %d (%s)." % (job["code"], job["code_name"]))
    if told["newly_failed"]:
        found["lines"].append("The start itself decides that the update ended with %d." % told["newly_failed"])
    _owed(found, told, job)
    _advise(found, told, job)


def _owed(found, told, job):
    outbox = told["outbox"]
    if outbox["dlota"]:
        found["owed"].append("the download server %s: status %d" % (job["notify"] or "(unknown)", outbox["dlota"]))
    if outbox["code"] and job["kind"] != "local":
        text = "%s: result %d (%s)" % (job["server"] or "(unknown server)", outbox["code"], job["code_name"])
        text += ", correlator %s" % job["correlator"] if job["correlator"] is not None else ""
        found["owed"].append(text + ("; it may have been told already" if told["attempted"] else ""))


def _advise(found, told, job):
    advice = found["advice"]
    if found["owed"]:
        advice.append("Let it run with a network until the server has taken the result; a factory reset drops it.")
    elif job["phase"] in ("accepted", "download", "ready"):
        advice.append("Let it run with a network to go on; `fumo factory-reset` drops the order.")
    elif job["phase"] in ("arm", "trial"):
        advice.append("Leave power on until the trial is over: a reset during it counts as a failed trial.")
    elif told["held"] is not None:
        advice.append("A package is held in bank %d: the server may order Update." % told["held"])


def _health(found, boot, journal, anchors):
    problems, advice = found["problems"], found["advice"]
    if not anchors:
        problems.append("No key is known, so no signature is checked: give --key, or provision the factory region.")
    if not any(record["valid"] for record in boot):
        problems.append("There is no valid boot record: bank 0 is a guess until something is confirmed.")
    marks = max((record["crash_marks"] for record in boot), default=0)
    if marks:
        problems.append("The confirmed firmware has crashed %d times in a row." % marks)
    if journal and not any(copy.counts for copy in journal):
        if all(copy.why_not == "erased" for copy in journal):
            found["lines"].append("The journal is empty: nothing was ever ordered.")
        else:
            problems.append("No copy of the journal is whole.")
            advice.append(
                "What was ordered is lost; the device starts without an order. Erase the journal if that repeats."
            )
    if not advice:
        advice.append("Nothing needs to be done.")
