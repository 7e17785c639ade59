"""A dump for people: the verdict first, then the timeline, then everything by its place on the flash."""

from flash_tools.cli.output import plain
from flash_tools.dump.values import stamp

_OTHERWISE = {"built": stamp, "start": "0x{:06x}".format}  # numbers that people read in another way


def lines(dump: dict) -> list[str]:
    """Return the lines."""
    out = _verdict(dump["verdict"]) + _timeline(dump["timeline"])
    out += _title("flash") + _fields(dump["flash"])
    out += _title("boot record") + [_record(record) for record in dump["boot"]]
    for name in ("journal", "settings"):
        out += _journal(name, dump[name])
    for bank in dump["banks"]:
        out += _title("bank %d" % bank["bank"]) + _fields({k: v for k, v in bank.items() if k != "bank"})
    if dump["factory"]:
        out += _title("factory region") + _fields(_without_layout(dump["factory"]))
    if dump["areas"]:
        out += _title("outside of the layout" if dump["flash"]["layout"] else "what stands on it")
        out += ["  0x%06x  %8d  %s" % (area["start"], area["size"], area["what"]) for area in dump["areas"]]
    return [plain(line) for line in out]


def _without_layout(factory):
    """Leave out what the flash section shows."""
    identity = factory["identity"] or {}
    return {**factory, "identity": {name: value for name, value in identity.items() if name != "layout"}}


def fields(values: dict) -> list[str]:
    """Return names and values, one a line."""
    return [plain(line) for line in _fields(values, "")]


def _title(text, more=""):
    return ["", text.upper() + more]


def _verdict(verdict):
    out = list(verdict["lines"])
    out += ["Owed to " + text for text in verdict["owed"]]
    out += ["! " + text for text in verdict["problems"]]
    return out + ["> " + text for text in verdict["advice"]]


def _timeline(events):
    out = _title("timeline", " (?: the flash does not tell whether it came after the line above)") if events else []
    for event in events:
        mark = " " if event["sure"] or event["number"] == 1 else "?"
        out.append("%s %3d  %-8s  %s" % (mark, event["number"], event["source"], event["text"]))
    return out


def _record(record):
    text = "  sector %d  " % record["sector"]
    if not record["valid"]:
        return text + record["why_not"] + _marks(record)
    trial = ""
    if record["trial"] is not None:
        trial = ", trial of bank %d, attempt %d" % (record["trial"], record["attempt_of"]["arms"])
    bank = "no bank" if record["void"] else "bank %d" % record["bank"]
    text += "%d: %s, %s%s" % (record["sequence"], record["state"], bank, trial)
    return text + (" <- counts" if record["counts"] else "") + _marks(record)


def _marks(record):
    return ", %d crash marks" % record["crash_marks"] if record["crash_marks"] else ""


def _journal(name, copies):
    out = _title(name)
    for copy in copies:
        head = "  copy %d  " % copy["copy"]
        if copy["revision"] is not None:
            head += "revision %d, %d of %d slots" % (copy["revision"], copy["used"], copy["slots"])
        out.append(
            head + (": " + copy["why_not"] if copy["why_not"] else "") + (" <- counts" if copy["counts"] else "")
        )
        if copy["torn"]:
            out.append("    %d torn slots" % copy["torn"])
        for value, said in copy["values"].items() if copy["counts"] else ():
            out += ["    " + line for line in _fields({value: said})]
    return out


def _fields(fields, indent="  "):
    out = []
    for name, value in fields.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            out += [indent + str(name), *_fields(value, indent + "  ")]
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            out.append(indent + str(name))
            out += [indent + "  " + _one_line(each) for each in value]
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else _shown(name, value)
            out.append("%s%-18s  %s" % (indent, name, shown))
    return out


def _shown(name, value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in _OTHERWISE:
        return _OTHERWISE[name](value)
    return value


def _one_line(each):
    if not isinstance(each, dict):
        return str(each)
    return ", ".join("%s %s" % (name, _shown(name, value)) for name, value in each.items() if value not in (None, ""))
