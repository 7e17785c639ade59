"""More sample data for the page: packages, campaigns, sessions, events, charts, a bench."""

CAMPAIGNS = (
    ("trial-7", "running", ""),
    ("rollout <b>1.4.2</b>", "paused", "group early: 3 of 40 devices failed, 5 % is the limit"),
    ("lab", "finished", ""),
    ("night shift", "ready", ""),
    ("bad-idea", "aborted", ""),
)
FAILURES = {410: "trial failed: watchdog reset", 404: "unknown key", 503: "network"}


def packages(office):
    """Make packages: a full one, a delta, one that is elsewhere."""
    text = office.text
    rows = (
        ("fw-1.4.2.fup", "full", "", ""),
        ("fw-1.3-1.4.fup", "delta", "ab12cd34" * 8, ""),
        ("<b>cdn</b>.fup", "full", "", "https://cdn.example/a"),
    )
    made = []
    for name, kind, base, url in rows:
        each = {
            "name": text(name),
            "size": 412000,
            "version": text("1.4.2"),
            "product": text("pump"),
            "kind": text(kind),
        }
        each |= {
            "models": [text("pico2w"), text("esp32-s3")],
            "encoding": text("blocks"),
            "counter": 3,
            "digest": text("9f" * 32),
        }
        each |= {"base": text(base) if base else "", "base_version": text("1.3.2") if base else "", "orders": 42}
        each |= {"kid": text("a1b2c3d4e5f60718"), "signer": text("release key"), "url": text(url) if url else ""}
        made.append(
            each | {"descriptor_url": text("https://bench.example/descriptors/x.dd"), "added": office.now - 5000}
        )
    return made


def campaign(office, name, state, reason):
    """Make a campaign without its targets."""
    text = office.text
    first = {"waiting": 0, "running": 0, "success": 2, "failed": 0, "skipped": 0}
    second = {"waiting": 9, "running": 18, "success": 31, "failed": 4, "skipped": 2}
    third = {"waiting": 236, "running": 0, "success": 0, "failed": 0, "skipped": 0}
    groups = []
    for title, doing, counts in (("canary", "done", first), ("early", "running", second), ("rest", "waiting", third)):
        group = {
            "name": text(title),
            "state": doing,
            "size": sum(counts.values()),
            "dynamic": title == "rest",
            "counts": counts,
        }
        groups.append(group | {"success": text("95%"), "errors": text("5%"), "then": text("next")})
    made = {
        "name": text(name),
        "state": state,
        "package": text("fw-1.4.2.fup"),
        "version": text("1.4.2"),
        "start": text("manual"),
    }
    made |= {"filter": text("model == 'pico2w' and tag == 'field'"), "retries": 2, "window": text("22:00-05:00")}
    made |= {
        "method": text("download-and-update"),
        "reason": text(reason) if reason else "",
        "created": office.now - 9000,
    }
    made |= {
        "started": office.now - 8000,
        "ended": office.now if state == "finished" else None,
        "groups": groups,
        "aborted": None,
    }
    counts = {key: first[key] + second[key] + third[key] for key in first}
    results = {text("200"): 33, "410": 3, "404": 1, "silent": 2}
    return made | {"counts": counts, "results": results, "spec": text('[campaign]\nname = "trial-7"\n')}


def targets(office):
    """Make the targets of a campaign."""
    made, states = [], ("success", "failed", "ordered", "accepted", "waiting", "skipped")
    for at, found in enumerate(office.rows[:60]):
        state = states[at % 6]
        code = (410, 404, 503)[at % 3] if state == "failed" else 200 if state == "success" else None
        failure = office.text(FAILURES[code]) if state == "failed" else ""
        target = {"device": found["id"], "group": office.text("early"), "state": state, "attempts": 1, "order": "o-1"}
        made.append(target | {"code": code, "failure": failure})
    return made


def sessions(office):
    """Make sessions."""
    text = office.text
    made = {"device": text("dev-002"), "session_id": text("1f"), "messages": 4, "bytes_in": 3120, "bytes_out": 2210}
    made |= {"address": text("10.0.0.7"), "tls": True}
    times = [(office.now - 60 * at - 30, office.now - 60 * at if at else None) for at in range(6)]
    results = ("", "ok", "ok", "the device <hung> up", "ok", "ok")
    zipped = zip(range(6, 0, -1), times, results, strict=True)
    return [{"id": at, **made, "started": a, "ended": b, "result": text(said)} for at, (a, b), said in zipped]


def trace(office):
    """Make a session with its messages."""
    lines = [
        "<SyncML>",
        "  <SyncHdr>",
        "    <MsgID>1</MsgID>",
        "    <Source>",
        "      <LocURI>dev-002</LocURI>",
        "    </Source>",
    ]
    lines += ["    <Cred>", "      <Data>(secret)</Data>", "    </Cred>", "  </SyncHdr>", "  <SyncBody>", "    <Alert>"]
    lines += [
        "      <Data>1201</Data>",
        "    </Alert>",
        "    <Final/>",
        "  </SyncBody>",
        "</SyncML>",
        "\u202eodd\x1b[2J",
    ]
    raw = b'<?xml version="1.0"?><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD>'.hex() + "00" * 30
    messages = []
    for n in range(1, 5):
        out = n % 2 == 0
        message = {
            "n": n,
            "at": office.now - 40 + n / 3,
            "direction": "out" if out else "in",
            "size": 812 + n,
            "raw": raw,
        }
        message |= {"content_type": office.text("application/vnd.syncml.dm+xml"), "ms": 3.21 if out else None}
        messages.append(
            message
            | {"lines": [office.text(each) for each in lines], "fault": office.text("dropped") if n == 4 else ""}
        )
    return sessions(office)[1] | {"messages": messages}


def timeline(office):
    """Make events."""
    text, made = office.text, []
    rows = [
        ("enrolled", "has an account now", {}),
        ("contact", "called from 10.0.0.7", {}),
        ("session", "4 messages", {"session": 5}),
    ]
    rows += [
        ("offered", "fw-1.4.2.fup by DownloadAndUpdate", {}),
        ("accepted", "status 202", {}),
        ("downloaded", "412 000 bytes", {}),
    ]
    rows += [("notification", "900 Success", {}), ("report", "downloadandupdate 410", {"code": 410})]
    rows += [
        ("result", "the update failed", {"code": 410, "success": False}),
        ("paused", "group early: too many failed", {}),
    ]
    rows += [("result", "runs 1.4.2", {"code": 200, "success": True}), ("fault", "<script>alert(4)</script>", {})]
    for at, (kind, said, data) in enumerate(rows):
        event = {
            "id": at + 1,
            "at": office.now - 600 + 40 * at,
            "kind": kind,
            "device": text("dev-002"),
            "order": text("o-1"),
        }
        made.append(event | {"campaign": text("trial-7"), "text": text(said), "data": data})
    return made


def history(office):
    """Make a day in quarters of an hour."""
    at = [int(office.now // 900 - 95 + quarter) * 900 for quarter in range(96)]
    load = [max(0, 1400 - abs(each - 56) * 30 + each * 37 % 190) for each in range(96)]
    sizes = [(each * 3 + each * 7919 % 400) << 12 for each in load]
    done = [max(0, each // 120 - 4) for each in load]
    return {"at": at, "messages": load, "bytes": sizes, "done": done, "failed": [each // 4 for each in done]}


def slots(office):
    """Make a bench: one that runs, one without power, one that does not answer."""
    text = office.text
    console = [
        "boot: bank 1, \x1b[32mconfirmed\x1b[0m",
        "agent: session 1f, 4 messages",
        "install: sector 37 of 96",
        "<img src=x onerror=alert(5)>",
    ]
    banks = [{"name": text("bank 0"), "state": text("confirmed"), "version": text("1.3.2"), "fill": 0.71}]
    banks += [{"name": text("bank 1"), "state": text("trial"), "version": text("1.4.2"), "fill": 0.38}]
    banks += [{"name": text("bank 2"), "state": text("empty"), "version": "", "fill": 0}]
    made = []
    for name, power, error in (
        ("slot-1", True, ""),
        ("slot-2", False, ""),
        ("slot-3", None, "http://rig:8000 does not answer"),
    ):
        slot = {"name": text(name), "url": text("http://127.0.0.1:9000/0"), "device": text("dev-002"), "power": power}
        shown = power is not None
        made.append(
            slot
            | {
                "console": [text(each) for each in console] if shown else [],
                "banks": banks if shown else [],
                "error": text(error) if error else "",
            }
        )
    return made
