"""What FUMO's numbers mean, in words for people: states of an update, result codes."""

STATES = {
    10: "idle, no update",
    20: "the download failed",
    30: "downloading",
    40: "downloaded, the image is being checked",
    50: "ready, the package is held",
    60: "update in progress",
    70: "the update failed, its package is still there",
    80: "the update failed",
    90: "the update is done",
    100: "the update is done, the bank is free",
}


def state(number: int) -> str:
    """Return what a State means."""
    return STATES.get(number, "a state of the vendor's")


def result(code: int) -> str:
    """Return what a result code means."""
    from flash_tools.server.page.words import RESULTS  # brings the page's engine along

    return RESULTS.get(code) or ("done" if 200 <= code < 300 else "failed")
