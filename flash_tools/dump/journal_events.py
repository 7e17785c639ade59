"""What the copies of a journal tell of the past: each snapshot is a put, each appended slot a note, oldest revision first."""

from flash_tools.dump import nodes, slots, values


def of(copies: list) -> list[dict]:
    """Return the events of the update's journal; `job` is the job as it stood then."""
    return list(_events(copies, "journal", values.decode, _update_texts))


def of_settings(copies: list) -> list[dict]:
    """Return the events of the settings' journal."""
    return list(_events(copies, "settings", nodes.decode, _settings_texts))


def _events(copies, source, decode, texts):
    before, seen = {}, None
    for copy in sorted((copy for copy in copies if copy.revision is not None), key=lambda copy: copy.revision):
        whole = "" if not copy.why_not else " (%s)" % copy.why_not
        now = decode(_snapshot(copy))
        if seen is None or now != before or whole:
            text = "; ".join(texts({} if seen is None else before, now)) or "the same again"
            whole += "" if seen else ", the oldest that is left"
            yield _event(source, "revision %d%s: %s" % (copy.revision, whole, text), now)
        seen, before = copy, now
        yield from _notes(copy, source, decode, texts, now)
        before = decode(copy.newest())
    for copy in copies:
        if copy.revision is None and copy.why_not != "erased":
            yield _event(source, "writing copy %d of the %s was cut: %s" % (copy.number, source, copy.why_not), {})


def _snapshot(copy):
    return {
        value.key: value for value in copy.values if value.whole and not value.appended and value.key != slots.CLEAN
    }


def _notes(copy, source, decode, texts, now):
    """Yield the notes behind a snapshot, a run of the same key as one event."""
    run, count = None, 0
    for value in [value for value in copy.values if value.appended and value.whole] + [None]:
        if run and (value is None or value.key != run.key):
            yield _note(run, count, source, decode, texts, now)
            count = 0
        run, count = value, count + 1


def _note(value, count, source, decode, texts, now):
    if value.key == slots.CLEAN:
        return _event(source, "nothing was in flight: a reset was planned", {})
    said = decode({value.key: value})
    text = "; ".join(texts({}, said)) or "%s noted" % next(iter(said))
    event = _event(source, "%s%s" % ("%d notes, the last: " % count if count > 1 else "note: ", text), said)
    event["at"] = said.get("time", {}).get("seconds")
    return event


def _event(source, text, said):
    return {"source": source, "text": text, "job": said.get("job")}


def _update_texts(before, now):
    """Return what has changed, one text a value."""
    for name in sorted({*before, *now}):
        if before.get(name) == now.get(name):
            continue
        if name not in now:
            yield "%s is gone" % name
        elif "not_understood" in now[name]:
            yield "%s: %s" % (name, now[name]["not_understood"])
        else:
            yield _TEXTS.get(name, _plain)(name, now[name])


def job_text(job: dict) -> str:
    """Return a job in a few words."""
    if job["phase"] == "idle" and not job["server"]:
        return "no order, State %d" % job["state"]
    whose = "of %s" % job["server"] if job["server"] else "of the owner"
    text = "order %d (%s %s) %s, State %d" % (job["serial"], job["kind"], whose, job["phase"], job["state"])
    if job["arms"]:
        text += ", attempt %d" % job["arms"]
    return text + (", result %d" % job["code"] if job["code"] else "")


def _job(name, job):
    return job_text(job)


def _package(name, said):
    text = "no package held" if said["bank"] is None else "package in bank %d" % said["bank"]
    return text + ("" if said["suspect_from"] is None else ", suspect from %d" % said["suspect_from"])


def _outbox(name, said):
    text = "owed: %d" % said["code"] if said["code"] else "nothing owed"
    return text + (", download server %d" % said["dlota"] if said["dlota"] else "")


def _progress(name, said):
    return "image written to %d" % said["image_at"] + (
        ", erasing to %d" % said["erase_end"] if said["erase_end"] else ""
    )


def _session(name, said):
    return "session %d" % said["counter"]


def _upload(name, said):
    return "serial recovery takes a file of %d bytes" % said["file_bytes"]


def _floor(name, said):
    return "security counter %d is kept for what serial recovery installs" % said["counter"]


def _time(name, said):
    return "the clock said %s" % said["at"]


def _plain(name, said):
    if name.startswith("nonce"):
        return "a nonce for the next session"
    return {"attempted": "the result may have left", "told": "a server was told of the firmware"}.get(name, name)


_TEXTS = {
    "job": _job, "package": _package, "outbox": _outbox, "progress": _progress, "session": _session, "time": _time,
    "upload": _upload, "floor": _floor,
}  # fmt: skip


def _settings_texts(before, now):
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            said = now.get(name, {})
            yield "%s: %d nodes" % (name, len(said["nodes"])) if "nodes" in said else "%s changed" % name
