"""Sample data for the page in the shapes of the Office, with strings that devices and people should not send but may."""

from tests.host.page_samples_more import FAILURES, sessions, timeline

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "dev-\u202egnp.exe",
    "IMEI:35/693803/564380?9#x&y=1",
    "line\nbreak\x1b[31mred\x00nul",
    "..",
    "{{ 7*7 }}{% raw %}",
    "n" * 4096,
    "\u0645\u0631\u062d\u0628\u0627-\ud83d\ude00",
    "half \ud800 pair",
)
_MODELS = ("pico2w", "esp32-s3", "cm4-gateway")


def row(office, draw, at, state, device_id=None):
    """Make a device of the list."""
    device_id = device_id if device_id is not None else office.text("dev-%03d" % at)
    under_way = state in ("downloading", "accepted", "installing", "ordered")
    progress = {"downloading": draw.random(), "installing": 1.0}.get(state)
    shown = {"model": draw.choice(_MODELS), "manufacturer": "Example Works", "hw": "rev " + "ABC"[at % 3]}
    shown |= {"name": "Pump %d, hall %d" % (at, at % 7) if at % 3 else "", "group": ("lab", "field", "")[at % 3]}
    shown |= {
        "firmware": "1.4.2" if state == "done" else "1.3.%d" % (at % 4),
        "address": "10.0.%d.%d" % (at // 200, at % 200),
    }
    made = {name: office.text(value) for name, value in shown.items()}
    made |= {"id": device_id, "state": state, "progress": progress, "target": office.text("1.4.2") if under_way else ""}
    made |= {"code": draw.choice(tuple(FAILURES)) if state == "failed" else 200 if state == "done" else None}
    seen = None if state == "new" else office.now - draw.random() * (200000 if state == "silent" else 4000)
    made |= {"last_seen": seen, "next_due": office.now + draw.randint(-90, 3000), "overdue": at % 50 == 7}
    tags = [office.text(tag) for tag in (("field", "canary"), ("field",), ())[at % 3]]
    made |= {"tags": tags, "paused": state == "paused", "tls": at % 4 > 0, "auth": office.text("hmac")}
    return made | {"order": "o-1" if under_way else None, "campaign": office.text("trial-7") if under_way else ""}


def hostile_rows(office, draw):
    """Make devices whose every string is hostile."""
    rows = []
    for at, text in enumerate(HOSTILE):
        made = row(office, draw, at, ("failed", "downloading", "idle")[at % 3], text)
        rows.append({**made, "name": text, "model": text, "firmware": text, "group": text, "tags": [text, "x"]})
    return rows


def order(office, number, state, success, code, progress, **more):
    """Make an order."""
    at, text = office.now - 900 * number, office.text
    made = {
        "id": text("o-%d" % number),
        "device": text("dev-002"),
        "campaign": text("trial-7"),
        "group": text("canary"),
    }
    made |= {"attempt": number, "package": text("fw-1.4.2.fup"), "version": text("1.4.2"), "state": state, "code": code}
    made |= {"method": "download-and-update", "correlator": text("c0ffee%d" % number), "success": success}
    made |= {"failure": text("the trial failed: <i>watchdog</i>") if success is False else "", "exec_status": 202}
    made |= {
        "progress": progress,
        "bytes": int(412000 * (progress or 0)),
        "size": 412000,
        "created": at,
        "offered": at + 20,
    }
    made |= {"accepted": at + 21, "ended": None if success is None else at + 300, "firmware_before": text("1.3.2")}
    report = {"kind": "downloadandupdate", "code": code or 200, "correlator": text("c0ffee"), "mark": text("warning")}
    made |= {"firmware_after": text("1.3.2"), "reports": [{**report, "copy": True, "at": at + 300, "session": 4}]}
    made |= {"notifications": [text("900 Success")], "conflicts": [text("update 410 after 200")], "sessions": [3, 4]}
    return made | more


def device(office, found):
    """Make the whole of a device."""
    state = {"failed": ("failed", False, 410, 1.0), "done": ("done", True, 200, 1.0)}
    state = state.get(found["state"], ("accepted", None, None, found["progress"]))
    orders = [
        order(office, 1, *state),
        order(office, 2, "failed", False, 410, 1.0),
        order(office, 3, "cancelled", None, None, None),
    ]
    account = {"auth": office.text("hmac"), "server_auth": office.text("md5"), "user": office.text("user-7")}
    account["server_id"] = office.text("fumo-server")
    more = {"first_seen": office.now - 9e5, "order": orders[0], "orders": orders, "timeline": timeline(office)}
    diagnosis = "reset watchdog, up 812 s, crashes 1\nboot running 1, confirmed 1, before 2\nlink: \x1b[31mbroken\u202e"
    more |= {
        "tree": tree(office),
        "diagnosis": office.text(diagnosis),
        "account": account,
        "sessions": sessions(office),
    }
    return (
        found
        | more
        | {"root": office.text("./FUMO/Pkg1"), "notify": office.text("10.0.0.7:2948"), "contact_every_s": 3600}
    )


def tree(office):
    """Make the leaves of a tree."""
    leaves = (
        ("./DevInfo/DevId", "IMEI:356938035643809", "chr"),
        ("./DevInfo/Man", "Example <Works>", "chr"),
        ("./DevInfo/Mod", "pico2w", "chr"),
        ("./DevInfo/DmV", "1.2", "chr"),
        ("./DevDetail/FwV", "1.3.2", "chr"),
        ("./DevDetail/URI/MaxDepth", "16", "int"),
        ("./FUMO/Pkg1/State", "10", "int"),
        ("./FUMO/Pkg1/DownloadAndUpdate/PkgURL", "https://bench.example/packages/fw.fup", "chr"),
        ("./FUMO/Pkg1/Ext/Bank", "1", "chr"),
        ("./Vendor/<script>alert(2)</script>/X", "</script><script>alert(3)</script>", "chr"),
    )
    text = office.text
    made = [
        {"uri": text(uri), "value": text(value), "format": text(kind), "type": text("text/plain")}
        for uri, value, kind in leaves
    ]
    return [{**each, "at": office.now - 60} for each in made]


def task(office):
    """Make a task that is done."""
    text = office.text
    result = {"uri": text("./DevInfo/Man"), "format": text("chr"), "type": text("text/plain"), "value": text("<Works>")}
    done = {"do": "get", "uri": text("./DevInfo"), "status": 200, "results": [result]}
    waits = {"do": "replace", "uri": text("./Vendor/X"), "value": text("1"), "status": None, "results": []}
    return {"id": 3, "device": text("dev-002"), "done": False, "commands": [done, waits]}


def bundle(office, device_id):
    """Make the bundle of a new device."""
    made = {
        "device_id": device_id,
        "server_id": "fumo-server",
        "url": "https://bench.example:8443/dm",
        "ca_pem": "-----BEGIN",
    }
    return {name: office.text(value) for name, value in (made | {"secret": "s3cret", "nonce": "bm9uY2U="}).items()}


def tokens(office):
    """Make tokens that wait."""
    times = {"expires": office.now + 7200, "created": office.now - 60}
    return [
        {
            "id": 1,
            "count": 5,
            "used": [office.text("dev-009")] * 2,
            "model": office.text("pico2w"),
            "tags": [office.text("field")],
            **times,
        }
    ]


def quarantine(office):
    """Make devices that nobody knows."""
    ids = [office.text("IMEI:990000862471854"), office.text("<b>new</b>")]
    more = {"address": office.text("203.0.113.9"), "why": office.text("no such account"), "times": 14}
    return [{"id": each, "first_seen": office.now - 5000, "last_seen": office.now - 50, **more} for each in ids]
