"""What the page makes of values: text with nothing hidden in it, stages, bars, outlines, words."""

import string

import pytest

from flash_tools.server.page import drawing, text, words
from tests.host import page_samples as samples
from tests.host.page_office import FakeOffice

OFFICE = FakeOffice(1)


def test_nothing_stays_hidden():
    assert text.visible("plain äöü 漢字 \U0001f600") == "plain äöü 漢字 \U0001f600"
    assert text.visible("a\x00b\x1b[1m\u202ec\u200bd\ud800\x85\x7f") == (
        "a\u2039NUL\u203ab\u2039ESC\u203a[1m\u2039U+202E\u203ac\u2039U+200B\u203ad\u2039U+D800\u203a\u2039U+0085\u203a\u2039DEL\u203a"
    )
    assert text.visible("a\nb\t") == "a\u2039LF\u203ab\u2039TAB\u203a" and text.visible(7) == 7
    assert text.visible(text.block("a\nb\t\r\nc\rd")) == "a\nb\t\nc\u2039CR\u203ad"
    for number in range(0x3000):
        assert text.visible(chr(number)).isprintable() or chr(number).isprintable(), hex(number)


def test_the_colours_of_a_console_are_taken_out():
    assert text.block("\x1b[32mgreen\x1b[0m \x1b]0;title\x07ok \x1bM\x1b[?25l.") == "green ok ."
    assert "\x1b" in text.block("\x1b[")  # what is no colour stays, and is made visible


@pytest.mark.parametrize("name", [*samples.HOSTILE[:-1], "%2F", "a b+c", "'()*!~"])
def test_ids_go_round(name):
    if name.isprintable():
        assert text.unquoted(text.quoted(name)) == name
    assert set(text.quoted(name)) <= set(string.ascii_letters + string.digits + "%-_.!'()*~")


def test_addresses_of_devices_stay_below_devices():
    assert text.device_url("a/../b") == "/devices/a%2F..%2Fb"
    assert text.device_url("..") == "/device?id=.." and text.device_url(".") == "/device?id=."


def test_numbers_and_times_are_for_people():
    assert [text.size(each) for each in (0, 1023, 1024, 412000, 3 << 30, None)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "402 KiB",
        "3.0 GiB",
        "–",
    ]
    assert text.number(48211) == "48 211" and text.number(None) == "–"
    assert (text.percent(0.999), text.percent(1.0), text.percent(0)) == ("99 %", "100 %", "0 %")
    assert (text.ago(None), text.ago(100, 100.5), text.ago(40, 100), text.ago(7300, 100)) == (
        "never",
        "now",
        "1 min ago",
        "in 2 h",
    )
    for odd in (1e300, float("-inf"), float("nan"), -1e18):
        assert isinstance(text.stamp(odd) + text.clock(odd) + text.iso(odd), str)


def test_a_dump_has_every_byte_once():
    rows, left = text.hex_rows("00 41 42" + "7f" * 14 + "**")
    assert rows[0] == ("0000", "00 41 42 7f 7f 7f 7f 7f  7f 7f 7f 7f 7f 7f 7f 7f", "·AB" + "·" * 13)
    assert rows[1] == ("0010", "7f **", "··") and left == 0
    rows, left = text.hex_rows("61" * 5000)
    assert len(rows) == 256 and left == 904 and rows[-1][2] == "a" * 16


def test_lines_of_xml_lose_nothing():
    for line in ("<A>b</A>", "   <Data>1 < 2 <x</Data>", "<", "a>b", ""):
        assert "".join(part for _, part in text.markup_parts(line)) == line
    assert text.markup_parts("<A>b</A>") == [("tag", "<A>"), ("value", "b"), ("tag", "</A>")]


def order(state, success=None, code=None, progress=None, **more):
    made = samples.order(OFFICE, 1, state, success, code, progress)
    return {**made, "exec_status": 202 if made["accepted"] else None, **more}


ORDERS = (
    (order("waiting", offered=None, accepted=None, exec_status=None), "Offered", "now"),
    (order("offered", accepted=None, exec_status=None), "Accepted", "now"),
    (order("accepted", progress=0.3), "Download", "now"),
    (order("accepted", progress=1.0), "Verify", "now"),
    (order("failed", False, 503, 0.4), "Download", "failed"),
    (order("failed", False, 404, 1.0), "Verify", "failed"),
    (order("failed", False, 410, 1.0), "Install", "failed"),
    (order("failed", False, 200, 1.0), "Rolled back", "failed"),
    (order("failed", False, None, None, accepted=None, exec_status=405), "Accepted", "failed"),
    (order("cancelled", None, None, None, offered=None, accepted=None), "Offered", "failed"),
)


@pytest.mark.parametrize(("found", "name", "state"), ORDERS)
def test_the_stage_of_an_order(found, name, state):
    rows = drawing.stages(found)
    assert [row["name"] for row in rows if row["state"] == state] == [name]
    reached = [row["name"] for row in rows].index(name)
    assert all(row["state"] == "done" for row in rows[:reached])


def test_an_order_that_is_done_is_through():
    assert {row["state"] for row in drawing.stages(order("done", True, 200, 1.0))} == {"done"}
    assert drawing.stages(order("failed", False, 410, 1.0))[-1]["name"] == "Rolled back"


def test_bars_fill_the_width():
    parts = drawing.bar({"success": 1, "failed": 1, "running": 0, "skipped": None, "waiting": 1, "odd": 7})
    assert [part["name"] for part in parts] == ["success", "failed", "waiting"]
    assert abs(sum(float(part["share"]) for part in parts) - 100) < 0.01 and drawing.bar({}) == []
    parts = drawing.state_bar({"failed": 1, "idle": 2, "done": 1, "new": 0}, lambda name: words.sign_of(name)[1])
    assert [part["name"] for part in parts] == ["done", "failed", "idle"]


def test_a_day_has_every_bucket():
    made = drawing.spread({"at": [3600, 3900, 7200, 1], "done": [1, 2, 4, 9]}, 7300, 3600, 2)
    assert made == {"at": [3600, 7200], "done": [3, 4]}


def test_banks_of_a_rig_are_what_it_says():
    rows = [
        {"name": "b", "state": "runs", "version": 3, "fill": 7},
        {"fill": "x"},
        "bank",
        None,
        {"fill": 0.25, "name": None},
    ]
    assert [(row["name"], row["share"]) for row in drawing.banks(rows)] == [("b", "100.0"), ("", "0.0"), ("", "25.0")]
    assert drawing.banks("nonsense") == drawing.banks(None) == [] and len(drawing.banks([{}] * 99)) == 16


def test_the_outline_keeps_every_leaf_within_its_limits():
    root, left = drawing.outline(
        [{"uri": "./A/B", "value": "1"}, {"uri": "A/B/C"}, {"uri": "./" + "/".join("x" * 4000)}, {"uri": ""}]
    )
    assert root["nodes"]["A"]["nodes"]["B"]["leaf"]["value"] == "1" and left == 0
    assert root["nodes"]["A"]["nodes"]["B"]["nodes"]["C"]["uri"] == "./A/B/C"
    depth, node = 0, root["nodes"]["x"]
    while node["nodes"]:
        node, depth = next(iter(node["nodes"].values())), depth + 1
    assert depth < 24 and node["leaf"]
    assert drawing.outline([{"uri": "./%d" % each} for each in range(5003)])[1] == 3


def test_every_code_has_words():
    for code in (200, 255, 299, 400, 410, 455, 500, 555, 7, -1, "410", "silent"):
        assert words.result_words(code)
    for failed in (words.result_words(200, False), words.result_words("200 (failed)"), words.result_words(250, False)):
        assert "does not run the new firmware" in failed
    assert words.result_words(410, False) == words.result_words(410)
    assert words.result_words("lost") == "" and "trial failed" in words.result_words(410)
    assert [words.status_words(each) for each in (None, 200, 299, 404, 599)] == [
        "waits for the device", "done", "done", "there is no such node", "failed",
    ]  # fmt: skip
    assert {sign for sign, _ in [*words.STATES.values(), *words.EVENTS.values()]} <= set(words.SIGNS)


def event(kind, said="", **data):
    return {"kind": kind, "text": said, "data": data}


def test_events_have_words():
    assert words.event_words(event("result", code=200, firmware="2.0")) == "runs 2.0 now"
    assert words.event_words(event("result", code=404, firmware="1.0")) == "failed, runs 1.0"
    assert words.event_sign(event("result", code=404))[0] == "cross" and words.event_sign(event("result"))[0] == "check"
    assert words.event_sign(event("result", "unchanged", code=200))[0] == "cross"
    assert words.event_words(event("session", "ok", messages=1)) == "1 exchange"
    assert words.event_words(event("session", "gone", messages=3)) == "3 exchanges: gone"
    assert (
        words.event_code(event("report", report={"code": 410})) == 410
        and words.event_code(event("contact", code=1)) is None
    )
    assert words.event_sign(event("campaign", state="paused")) == ("pause", "warn")
    assert words.event_sign(event("never heard of")) == ("dot", "calm")
    assert words.session_word({"result": "", "ended": None, "started": 5}) == "broke off"
