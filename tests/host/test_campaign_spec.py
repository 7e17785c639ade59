"""A campaign's TOML: what is read, and that everything wrong is one line that names the key."""

import json
import math
import pathlib
import re
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash_tools.errors import ToolError
from flash_tools.server.campaigns.groups import read_threshold, sizes
from flash_tools.server.campaigns.spec import Spec, read
from flash_tools.server.campaigns.window import in_window, read_window

WHOLE = """
[campaign]
name = "trial-7"
package = "fw-1.4.2.fup"
filter = "model == 'pico2w' and tag == 'field'"
start = 2026-12-01T22:00:00
method = "download"
retries = 2
window = "22:00-05:00"
silent_h = 12.5
confirm = "Update now?"
notify = false
parallel = 50
group = [
  { name = "canary", count = 2,    success = "100%", then = "pause", errors = "1" },
  { name = "early",  percent = 20, success = "90%",  then = "next",  errors = "5%" },
  { name = "rest",   percent = 80, success = 95, errors = "", dynamic = true },
]
"""


def test_everything_is_read():
    spec = read(WHOLE)
    assert (spec.name, spec.package, spec.method, spec.retries) == ("trial-7", "fw-1.4.2.fup", "download", 2)
    assert (spec.start, spec.window, spec.silent_h, spec.parallel) == ("2026-12-01T22:00:00", "22:00-05:00", 12.5, 50)
    assert (spec.confirm, spec.notify, spec.text) == ("Update now?", False, WHOLE)
    canary, early, rest = spec.groups
    assert (canary.name, canary.count, canary.percent, canary.then, canary.errors) == ("canary", 2, None, "pause", "1")
    assert (early.percent, early.success, rest.success, rest.errors, rest.dynamic) == (20, "90%", "95", "", True)
    assert Spec.from_record(json.loads(json.dumps(spec.record()))) == spec


def test_what_is_left_out_has_defaults():
    spec = read('name = "a"\npackage = "p"')
    assert (
        spec
        == read({"campaign": {"name": "a", "package": "p", "confirm": None}})
        == read({"name": "a", "package": "p"})
    )
    assert (spec.start_at, spec.retries, spec.window, spec.parallel, spec.notify) == (None, 0, "", 0, True)
    [group] = spec.groups
    assert (group.success, group.errors, group.then, group.dynamic) == ("100%", "10%", "next", False)
    assert read({"name": "a", "package": "p", "start": "now"}).start_at == 0
    assert read({"name": "a", "package": "p", "start": "1970-01-02T00:00Z"}).start_at == 86400


BASE = '[campaign]\nname = "a"\npackage = "p"\n'
WRONG = (
    (BASE + "retries = -1", ("campaign.retries, line 4", "whole number from 0 to 100", "-1")),
    (BASE + "retries = 1.5", ("campaign.retries",)),
    (BASE + "retries = true", ("campaign.retries",)),
    (BASE + "retires = 1", ("campaign.retires, line 4", "did you mean retries?")),
    (BASE + '"x\\ny" = 1', ("'x\\ny'", "the keys are")),
    (BASE + "parallel = -1", ("campaign.parallel",)),
    (BASE + "silent_h = nan", ("campaign.silent_h",)),
    (BASE + "silent_h = inf", ("campaign.silent_h",)),
    (BASE + 'start = "tomorrow"', ("campaign.start, line 4", '"manual", "now" or a time')),
    (BASE + 'start = "2026-13-01"', ("campaign.start",)),
    (BASE + "start = 22:00:00", ("campaign.start",)),
    (BASE + 'method = "magic"', ("campaign.method", '"download-and-update"')),
    (BASE + "method = []", ("campaign.method",)),
    (BASE + 'window = "22-5"', ("campaign.window", "22:00-05:00")),
    (BASE + 'window = "22:00-22:00"', ("campaign.window", "two different times")),
    (BASE + 'window = "22:00-24:30"', ("campaign.window",)),
    (BASE + "window = 5", ("campaign.window", "not 5")),
    (BASE + "notify = 1", ("campaign.notify", "true or false")),
    (BASE + "filter = \"modell == '1'\"", ("campaign.filter, line 4", "character 1", "there is no 'modell'")),
    (BASE + "filter = 5", ("campaign.filter",)),
    (BASE + 'confirm = ""', ("campaign.confirm",)),
    (BASE + "group = []", ("campaign.group", "1 to 100")),
    (BASE + "group = 5", ("campaign.group",)),
    (BASE + "group = [5]", ("campaign.group 1", "not 5")),
    (BASE + "group = [{ count = 5 }]", ("campaign.group 1.name is missing",)),
    (BASE + 'group = [{ name = "a", count = 5 }]', ("campaign.group 1.count, line 4", "all that are left")),
    (BASE + 'group = [{ name = "a" }, { name = "b" }]', ("campaign.group 1: write a count or a percent",)),
    (BASE + 'group = [{ name = "a", count = 1 }, { name = "a" }]', ("campaign.group 2.name", "already")),
    (
        BASE + 'group = [{ name = "a", count = 1, percent = 5 }, { name = "b" }]',
        ("campaign.group 1.percent", "not both"),
    ),
    (
        BASE + 'group = [{ name = "a", percent = 20 }, { name = "b", percent = 70 }]',
        ("campaign.group", "90, not to 100"),
    ),
    (BASE + 'group = [{ name = "a", percent = 70 }, { name = "b", percent = 70 }, { name = "c" }]', ("140",)),
    (BASE + 'group = [{ name = "a", percent = nan }, { name = "b" }]', ("campaign.group 1.percent",)),
    (BASE + 'group = [{ name = "a", count = 1, dynamic = true }, { name = "b" }]', ("campaign.group 1.dynamic",)),
    (
        BASE + '[[campaign.group]]\nname = "a"\nsuccess = "0%"',
        ("campaign.group 1.success, line 6", 'part of the group as "5%"'),
    ),
    (BASE + 'group = [{ name = "a", success = "" }]', ("campaign.group 1.success",)),
    (BASE + 'group = [{ name = "a", success = "101%" }]', ("campaign.group 1.success", "'101%'")),
    (BASE + 'group = [{ name = "a", errors = "0" }]', ("campaign.group 1.errors",)),
    (BASE + 'group = [{ name = "a", errors = -1 }]', ("campaign.group 1.errors",)),
    (BASE + 'group = [{ name = "a", errors = "5 %%" }]', ("campaign.group 1.errors",)),
    (BASE + 'group = [{ name = "a", then = "stop" }]', ("campaign.group 1.then", '"next" or "pause"')),
    (BASE + 'group = [{ name = "a", them = "next" }]', ("campaign.group 1.them", "did you mean then?")),
    ('[campaign]\nname = "a b"\npackage = "p"', ("campaign.name, line 2", "letters, digits")),
    ('[campaign]\nname = "a"', ("campaign.package is missing",)),
    ('[campaign]\npackage = "p"', ("campaign.name is missing",)),
    ("", ("begins with [campaign]",)),
    ("campaign = 5", ("begins with [campaign]",)),
    ('[campaign]\nname = "a"\n[other]\n', ("everything belongs below [campaign], other too",)),
    ("[campaign]\nname = a", ("no TOML", "line 2")),
    ("[" * 3000, ("no TOML",)),
    ("x = " + "[" * 3000, ("no TOML",)),
    (BASE + "retries = " + "9" * 5000, ("no TOML",)),
    (BASE + "retries = 0x" + "f" * 5000, ("campaign.retries", "not that")),
    (BASE + "filter = '''" + "x" * 9000 + "'''", ("campaign.filter", "at most 8000")),
    ("#" * 70000, ("70000 characters",)),
    (5, ("a campaign is a table, not 5",)),
    (b"[campaign]", ("a campaign is a table",)),
    ({"campaign": {}}, ("begins with [campaign]",)),
    ({"name": "a", "package": ["p"]}, ("campaign.package",)),
)


@pytest.mark.parametrize(("source", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_in_one_line(source, words):
    with pytest.raises(ToolError) as error:
        read(source)
    text = str(error.value)
    for word in words:
        assert word in text
    assert text.isprintable() and len(text) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "count", "success", "x\n"]), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = [
    "name",
    "package",
    "filter",
    "start",
    "method",
    "retries",
    "window",
    "silent_h",
    "confirm",
    "notify",
    "parallel",
    "group",
]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JSON, max_size=6) | JSON | st.text(max_size=200))
def test_whatever_comes_is_a_spec_or_a_tool_error(source):
    if isinstance(source, dict):
        source = {"name": "a", "package": "p", **source}
    try:
        assert isinstance(read(source), Spec)
    except ToolError as error:
        assert str(error).isprintable()


# -- groups -----------------------------------------------------------------------------------------------------------


def group(count=None, percent=None):
    return types.SimpleNamespace(count=count, percent=percent)


@pytest.mark.parametrize(
    ("groups", "devices", "expected"),
    [
        ([group(count=2), group(percent=20), group(percent=80)], 100, [2, 20, 78]),
        ([group(count=2), group(percent=20), group(percent=80)], 1, [1, 0, 0]),
        ([group(percent=20), group(percent=80)], 3, [1, 2]),
        ([group(percent=1), group()], 10, [1, 9]),
        ([group(percent=10)] * 9 + [group()], 11, [2] + [1] * 9),
        ([group(percent=29), group()], 100, [29, 71]),
        ([group(percent=33.3), group(percent=33.3), group()], 1000, [333, 333, 334]),
        ([group()], 0, [0]),
    ],
)
def test_sizes_of_groups(groups, devices, expected):
    assert sizes(groups, devices) == expected


PARTS = st.lists(
    st.builds(group, count=st.integers(1, 50)) | st.builds(group, percent=st.floats(0.001, 30)), max_size=6
)


@given(PARTS, st.integers(0, 500))
def test_no_device_is_lost_or_doubled(parts, devices):
    found = sizes([*parts, group()], devices)
    assert sum(found) == devices and min(found) >= 0
    if parts and devices and all(part.percent for part in parts):
        assert found[0] >= 1
        percent = math.fsum(part.percent for part in parts)
        if percent <= 100:
            assert abs(sum(found[:-1]) - devices * percent / 100) <= 1


@pytest.mark.parametrize(
    ("text", "size", "wanted"), [("95%", 20, 19), ("95%", 10, 10), ("3", 2, 3), ("29%", 100, 29), ("0.1%", 10, 1)]
)
def test_thresholds(text, size, wanted):
    assert read_threshold(text).of(size) == wanted


# -- window -----------------------------------------------------------------------------------------------------------

H = 3600


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("22:00-05:00 UTC", [22 * H, 23 * H, 0, 5 * H - 1], [5 * H, 12 * H, 22 * H - 1]),
        ("08:30-09:00 UTC", [8.5 * H, 9 * H - 1], [0, 9 * H, 8.5 * H - 1]),
        ("0:00-24:00 UTC", [0, 12 * H, 24 * H - 1], []),
        ("22:00-24:00UTC", [], []),
        ("", [0, 12 * H], []),
    ],
)
def test_a_window_is_open_from_its_first_minute_to_its_last(window, inside, outside):
    if window.endswith("0UTC"):
        with pytest.raises(ToolError):
            read_window(window)
        return
    assert all(in_window(window, 86400 * 20000 + at) for at in inside)
    assert not any(in_window(window, 86400 * 20000 + at) for at in outside)


def test_a_window_is_local_time_unless_it_says_utc(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "XYZ-3")  # three hours east
    time.tzset()
    try:
        assert in_window("12:00-13:00", 9.5 * H) and not in_window("12:00-13:00", 12.5 * H)
        assert in_window("12:00-13:00 UTC", 12.5 * H) and not in_window("12:00-13:00 UTC", 9.5 * H)
        assert read({"name": "a", "package": "p", "start": "1970-01-01T12:00"}).start_at == 9 * H
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_example_of_the_page_is_read():
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/campaigns.md").read_text()
    example = re.search(r"(?:^    .*\n)+", page, re.MULTILINE)[0]
    assert [each.name for each in read(example).groups] == ["canary", "early", "rest"]
    with pytest.raises(ToolError) as error:
        read(example.replace("retries", "retires"))
    assert "`%s`" % error.value in page
    for key in [*KEYS, "count", "percent", "success", "then", "errors", "dynamic"]:
        assert "`%s`" % key in page
