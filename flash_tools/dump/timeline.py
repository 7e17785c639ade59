"""What must have happened in which order, as far as the flash shows it.

Each source (boot record, journal, settings, clock) keeps its own order. Between them only what an update cannot do
otherwise counts: a trial is put before it is set, set before it is tried, confirmed before its success is put.
`sure` says of an event that it came after the one before it in the list; otherwise the flash does not tell.
"""

from flash_tools.dump import boot, journal_events, values

_RANK = ("clock", "boot", "settings", "journal")


def of(records: list[dict], journal: list, settings: list, banks: list[dict]) -> list[dict]:
    """Return the events in an order that they can have had."""
    events = [*_built(banks), *_boot(records), *journal_events.of_settings(settings), *journal_events.of(journal)]
    edges = [set() for _ in events]  # of each event: those that came before it
    for source in _RANK:
        chain = [i for i, event in enumerate(events) if event["source"] == source]
        for before, after in zip(chain, chain[1:], strict=False):
            edges[after].add(before)
    _add_clock(events, edges)
    _add_updates(events, edges)
    return _sorted(events, edges)


def _built(banks):
    found = [(bank["manifest"]["built"], bank) for bank in banks if bank["manifest"] and bank["manifest"]["built"]]
    for built, bank in sorted(found, key=lambda pair: pair[0]):
        text = "%s, which is in bank %d, was built" % (bank["manifest"]["version"], bank["bank"])
        yield {"source": "clock", "text": text, "at": built}


def _boot(records):
    valid = sorted((record for record in records if record["valid"]), key=lambda record: record["sequence"])
    for record in valid:
        kept = "no bank confirmed" if record["void"] else "bank %d confirmed" % record["bank"]
        text = "boot record %d: %s, %s" % (record["sequence"], record["state"], kept)
        if record["trial"] is not None:
            number = record["attempt_of"]
            text += ", bank %d on trial (order %d, attempt %d)" % (record["trial"], number["order"], number["arms"])
        yield {"source": "boot", "text": text, "record": record}
    for record in records:
        if not record["valid"] and record["why_not"].startswith("torn"):
            yield {
                "source": "boot",
                "text": "writing sector %d of the boot record was cut" % record["sector"],
                "record": None,
            }


def _add_clock(events, edges):
    """Times that were noted come after the builds whose time is before them."""
    for i, event in enumerate(events):
        for j, other in enumerate(events):
            if (
                event["source"] == "clock"
                and other.get("at")
                and other["source"] != "clock"
                and event["at"] <= other["at"]
            ):
                edges[j].add(i)


def _add_updates(events, edges):
    """Order the boot record against the journal, where both speak of the same attempt."""
    for i, event in enumerate(events):
        if event["source"] != "boot" or not event["record"]:
            continue
        for j, other in enumerate(events):
            job = other.get("job")
            if not job or "phase" not in job:
                continue
            if _before(job, event["record"]) and not _reaches(edges, i, j):
                edges[i].add(j)
            elif _before_record(event["record"], job) and not _reaches(edges, j, i):
                edges[j].add(i)


def _before(job, record):
    """Tell whether the journal said this before the boot record could say that."""
    same = record["attempt"] == boot.attempt_of(job)
    same_order = job["serial"] & 31 == record["attempt"] >> 3
    if record["state"] in ("armed", "tried"):
        return same and job["phase"] == "arm" or same_order and job["phase"] in ("accepted", "download", "ready")
    if record["state"] != "confirmed" or not same or not record["attempt"]:
        return False
    return (
        job["phase"] == "arm" or job["phase"] == "trial" and not job["boots"]
    )  # put again where the confirming was cut


def _before_record(record, job):
    """Tell whether the boot record said this before the journal could say that."""
    if job["serial"] & 31 != record["attempt"] >> 3 or not record["attempt"]:
        return False
    if record["state"] == "confirmed":
        return job["phase"] in ("report", "idle") and job["code"] == 200
    if record["state"] == "tried" and job["phase"] == "arm":
        return job["arms"] > record["attempt"] & 7
    return record["state"] in ("armed", "tried") and job["phase"] in ("trial", "report", "idle")


def _reaches(edges, early, late):
    """Tell whether `early` is known to be `late` or to have come before it."""
    seen, todo = set(), [late]
    while todo:
        at = todo.pop()
        if at == early:
            return True
        if at not in seen:
            seen.add(at)
            todo.extend(edges[at])
    return False


def _sorted(events, edges):
    done, order = set(), []
    while len(order) < len(events):
        ready = [i for i in range(len(events)) if i not in done and edges[i] <= done]
        best = min(ready, key=lambda i: (_RANK.index(events[i]["source"]), i))
        order.append(best)
        done.add(best)
    out = []
    for place, i in enumerate(order):
        event = {"number": place + 1, "source": events[i]["source"], "text": events[i]["text"]}
        if events[i].get("at"):
            event["at"] = events[i]["at"]
            if event["source"] == "clock":
                event["text"] = "%s, %s" % (values.stamp(event["at"]), event["text"])
        event["sure"] = place > 0 and _reaches(edges, order[place - 1], i)
        out.append(event)
    return out
