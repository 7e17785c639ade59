"""Says in words what states, results and events mean, and which sign stands beside them; no state is told by colour alone."""

import time

_SILENT_S = 90  # a session that says nothing for so long is over

# word: (sign, tone); the tones are ok, busy, warn, bad and calm, the signs are those of SIGNS
STATES = {
    "new": ("ring", "calm"),
    "idle": ("dot", "calm"),
    "ordered": ("clock", "busy"),
    "accepted": ("half", "busy"),
    "downloading": ("down", "busy"),
    "installing": ("turn", "busy"),
    "done": ("check", "ok"),
    "failed": ("cross", "bad"),
    "paused": ("pause", "warn"),
    "silent": ("dash", "warn"),
    # orders
    "waiting": ("ring", "calm"),
    "offered": ("clock", "busy"),
    "downloaded": ("down", "busy"),
    "cancelled": ("dash", "calm"),
    # campaigns, their groups and their targets
    "ready": ("ring", "calm"),
    "running": ("turn", "busy"),
    "finished": ("check", "ok"),
    "aborted": ("cross", "bad"),
    "error": ("cross", "bad"),
    "success": ("check", "ok"),
    "skipped": ("dash", "calm"),
}
DEVICE_STATES = tuple(STATES)[:10]
UNDER_WAY = ("ordered", "accepted", "downloading", "installing")

EVENTS = {
    "contact": ("dot", "calm"),
    "session": ("swap", "calm"),
    "enrolled": ("plus", "ok"),
    "quarantined": ("warn", "warn"),
    "refused": ("cross", "warn"),
    "offered": ("clock", "busy"),
    "accepted": ("half", "busy"),
    "progress": ("down", "busy"),
    "downloaded": ("down", "busy"),
    "notification": ("bell", "calm"),
    "report": ("swap", "busy"),
    "result": ("check", "ok"),
    "silent": ("dash", "warn"),
    "overdue": ("clock", "warn"),
    "paused": ("pause", "warn"),
    "campaign": ("layers", "busy"),
    "package": ("box", "calm"),
    "ordered": ("plus", "busy"),
    "cancelled": ("dash", "calm"),
    "request": ("bell", "calm"),
    "woken": ("bell", "calm"),
    "resumed": ("turn", "calm"),
    "notice": ("warn", "warn"),
    "fault": ("warn", "bad"),
    "slot": ("power", "calm"),
    "upkeep": ("turn", "calm"),
}

# The signs, drawn in a square of 16
SIGNS = {
    "ring": "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3",
    "dot": "M8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
    "seen": "M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
    "clock": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3",
    "half": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M5.5 8.2l1.8 1.8 3.2-3.6",
    "down": "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3.5 13.3h9",
    "turn": "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.8h-2.8",
    "check": "M3 8.6l3.2 3.2L13 4.8",
    "cross": "M4 4l8 8M12 4l-8 8",
    "pause": "M5.5 3.5v9M10.5 3.5v9",
    "dash": "M3.5 8h2.2M7 8h2M10.3 8h2.2",
    "swap": "M3 5.5h9.5L10 3M13 10.5H3.5L6 13",
    "plus": "M8 3v10M3 8h10",
    "warn": "M8 2.6 14 13H2L8 2.6M8 6.4v3M8 11.2v.2",
    "bell": "M4 11.5V7.5a4 4 0 0 1 8 0v4M2.8 11.5h10.4M7 13.5h2",
    "layers": "M8 2.5 14 5.7 8 9 2 5.7 8 2.5M2.4 9.2 8 12.4l5.6-3.2",
    "box": "M2.8 5 8 2.4 13.2 5v6L8 13.6 2.8 11V5M2.8 5 8 7.6 13.2 5M8 7.6v6",
    "power": "M8 2.5v5M4.7 4.6a5 5 0 1 0 6.6 0",
    "gauge": "M2.5 12a6 6 0 1 1 11 0M8 9.5l2.6-3",
    "chip": "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
    "key": "M5.5 6.5a3 3 0 1 0 0 5 3 3 0 0 0 0-5M8 8l5.5-4.5M11.5 5.2l1.7 1.8",
    "bench": "M2 5.5h12v5H2zM4.5 10.5V13M11.5 10.5V13M5 8h.2M8 8h3",
    "theme": "M8 2.5a5.5 5.5 0 1 0 0 11z M8 2.5a5.5 5.5 0 0 1 0 11",
    "keys": "M2 4.5h12v7H2zM4.5 7h.2M7 7h.2M9.5 7h.2M11.6 7h.2M5 9.4h6",
    "out": "M6.5 3H3.5v10h3M7 8h6.5M11 5.5 13.5 8 11 10.5",
}

RESULTS = {
    200: "the new firmware runs and is confirmed",
    400: "the device's management client failed",
    401: "the user said no",
    402: "the package arrived damaged",
    403: "the package is not for this device",
    404: "the signature does not hold, or the key is unknown to the device",
    405: "the device does not accept the package: an older counter, its policy, or nobody agreed in time",
    406: "the download server wanted a sign-in that failed",
    407: "the download stood still for too long",
    408: "the device cannot do this operation",
    409: "the device gave up and cannot say why",
    410: "the installation or the trial failed; the firmware from before runs",
    411: "the address of the package is wrong, or nothing is there",
    412: "the download server could not be reached",
    500: "the download server failed",
    501: "the package is larger than the bank",
    502: "the firmware is larger than the bank",
    503: "the network failed during the download",
}
_IN_TRUTH = " (failed)"
_RANGES = ((250, 300, "done, as the vendor defines it"), (450, 500, "the vendor's error of the client"))
_RANGES += ((550, 600, "the vendor's error of the download server"), (200, 300, "done"))

STATUSES = {
    200: "done",
    202: "accepted, goes on in the background",
    212: "authenticated",
    213: "a part of it was taken",
    214: "cancelled",
    215: "not carried out",
    216: "not carried out: the others of its Atomic failed",
    304: "not changed",
    401: "not authenticated",
    403: "refused",
    404: "there is no such node",
    405: "the node does not allow this",
    406: "the device cannot do this",
    407: "credentials are wanted",
    413: "too large",
    414: "the address is too long",
    415: "the format or type is wrong",
    416: "the size is wrong",
    418: "the node exists already",
    420: "the device is full",
    425: "the access list does not allow this",
    500: "the device failed",
    507: "its Atomic failed",
    516: "its Atomic failed and could not be rolled back",
}


def result_words(code, success: bool = True) -> str:
    """Return what a result code means; also of words that stand in its place. A success may be none in truth."""
    good = str(code).removesuffix(_IN_TRUTH)
    if (not success or good != str(code)) and good.isdigit() and 200 <= int(good) < 300:
        return "the device says that it is done, and does not run the new firmware"
    if not str(code).lstrip("-").isdigit():
        return {"silent": "nothing was heard of the device"}.get(str(code), "")
    number = int(code)
    ranges = (words for first, end, words in _RANGES if first <= number < end)
    return RESULTS.get(number) or next(ranges, "a code that no standard has")


def status_words(code) -> str:
    """Return what the Status of a command means."""
    if code is None:
        return "waits for the device"
    return STATUSES.get(code, "done" if 200 <= code < 300 else "failed")


def sign_of(word: str) -> tuple[str, str]:
    """Return (sign, tone) of a state."""
    return STATES.get(word, ("dot", "calm"))


def event_sign(event: dict) -> tuple[str, str]:
    """Return (sign, tone) of an event; a result's is how it ended."""
    if event["kind"] == "result":
        return ("check", "ok") if event_good(event) else ("cross", "bad")
    if event["kind"] == "campaign" and event["data"].get("state") in STATES:
        return STATES[event["data"]["state"]]
    return EVENTS.get(event["kind"], ("dot", "calm"))


def event_good(event: dict) -> bool:
    """Tell whether a result is a success."""
    data = event["data"]
    if data.get("success") is not None:
        return data["success"]
    return not event["text"] and 200 <= (data.get("code") or 200) < 300


_EVENT_WORDS = {
    "enrolled": "has an account",
    "contact": "called",
    "offered": "was offered the update",
    "accepted": "accepted it",
    "downloaded": "has all of it",
    "cancelled": "the order is cancelled",
    "paused": "is offered nothing until it is resumed",
    "resumed": "may be offered updates again",
}


def event_words(event: dict) -> str:
    """Return what an event says; its data where there is no text."""
    data, text = event["data"], event["text"]
    if event["kind"] == "result" and not text:
        return _result_words(event, data)
    if event["kind"] == "session" and data.get("messages"):
        several = "exchange" if data["messages"] == 1 else "exchanges"
        return "%s %s%s" % (data["messages"], several, "" if text in ("ok", "") else ": " + text)
    if event["kind"] == "quarantined" and data.get("id"):
        return "%s %s" % (data["id"], text)
    return text or _EVENT_WORDS.get(event["kind"], "")


def _result_words(event, data):
    runs = data.get("firmware")
    if event_good(event):
        return "runs %s now" % runs if runs else "the update is done"
    return "failed" + (", runs %s" % runs if runs else "")


def event_code(event: dict):
    """Return the result code that an event brings."""
    data = event["data"]
    code = data.get("code") if "code" in data else (data.get("report") or {}).get("code")
    told = event["kind"] == "report" and event["text"].endswith(str(code))
    return code if event["kind"] in ("result", "report") and not told else None


def session_word(session: dict) -> str:
    """Return how a session ended, or that it goes on."""
    if session["result"]:
        return session["result"]
    last = session["ended"] or session["started"]
    return "goes on" if time.time() - last < _SILENT_S else "broke off"
