"""What leaves for other programs: metrics in the form of Prometheus, a campaign as CSV, and texts made harmless."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flash_tools.errors import ToolError
from flash_tools.server.admin import metrics
from flash_tools.server.admin.csv_export import COLUMNS, table
from flash_tools.server.admin.texts import cell, one_line, visible
from tests.host.admin_office import Admin

SAMPLE = re.compile(
    r'([a-z_:][a-z0-9_:]*)(?:\{([a-z_]+)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)\n'
)


def parse(text):
    """Read the text format as Prometheus does; return {(name, label value): number}."""
    found, types, helped = {}, {}, set()
    for line in text.splitlines(keepends=True):
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("counter", "gauge", "untyped") and name in helped
            types[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, _, value, number = match.groups()
            assert name in types and list(types)[-1] == name, "samples stand behind their head"
            assert (name, value) not in found
            assert (types[name] == "counter") == name.endswith("_total")
            found[name, value] = float(number)
    assert text.endswith("\n")
    return found


def test_metrics():
    with Admin() as admin:
        admin.ask("GET", "/api/devices", token="wrong")
        answer = admin.ask("GET", "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = parse(answer.body.decode())
    assert found["fumo_devices", "idle"] == 2 and found["fumo_results_total", "200"] == 3
    assert found["fumo_messages_total", None] == 5 and found["fumo_devices_overdue", None] == 1
    assert found["fumo_admin_wrong_tokens_total", None] == 1


def test_labels_are_escaped_and_bounded():
    hostile = {'a"} 1\nfumo_x 7': 1, "back\\slash": 2, "\ud800": 3, "x" * 65: 4, "y" * 66: 5}
    codes = {str(code): 1 for code in range(-5, 99999)} | {"\u0662\u0660\u0660": 1, "": 1}
    counters = {"refused": hostile, "results": codes, "devices": {"state-%d" % each: 1 for each in range(500)}}
    found = parse(metrics.exposition(counters, {}))
    assert found["fumo_refused_total", 'a\\"} 1\\nfumo_x 7'] == 1
    assert found["fumo_refused_total", "back\\\\slash"] == 2 and found["fumo_refused_total", "other"] == 9
    results = {label: number for (name, label), number in found.items() if name == "fumo_results_total"}
    assert len(results) < 64 and sum(results.values()) == len(codes) and results["200"] == 1
    devices = {label: number for (name, label), number in found.items() if name == "fumo_devices"}
    assert len(devices) == metrics.LABELS_MAX and sum(devices.values()) == 500


def test_a_count_that_is_not_known_and_odd_numbers():
    counters = {"New Thing": 1, "more": {"a": 0.25}, "messages": None, "sessions": True, "bytes_served": 1 << 60}
    found = parse(metrics.exposition(counters, {}))
    assert found["fumo_new_thing", None] == 1 and found["fumo_more", "a"] == 0.25
    assert found["fumo_messages_total", None] == 0 and found["fumo_bytes_served_total", None] == 1 << 60


# -- CSV --------------------------------------------------------------------------------------------------------------

HOSTILE = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("http://x";"y")', "a,b", 'a"b',
    "a\nb", "a\r\nb", "\x1b[31m", "\0", "\u202egnp", "", "plain", "\u00fc\u4e2d", "\ud800", "'quoted", "a;b", "\u2028",
]  # fmt: skip


def campaign(texts):
    """Make a campaign whose targets have these texts as ids and failures."""
    rows = [{"device": each, "group": each, "state": "failed", "attempts": 2, "order": "o%d" % number, "code": 410, "failure": each}
            for number, each in enumerate(texts)]  # fmt: skip
    return {"name": "c", "targets": rows}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_is_harmless(text):
    data = table(campaign([text]), [{"id": "o0", "firmware_before": text, "firmware_after": None, "ended": 86400.5}])
    assert data.count(b"\r\n") == 2 and data.count(b"\n") == 2 and data.count(b"\r") == 2
    head, row = csv.reader(io.StringIO(data.decode(), newline=""))
    assert head[: len(COLUMNS)] == list(COLUMNS) and len(row) == len(head)
    assert row[2:4] == ["failed", "2"] and row[5] == "410" and row[-1] == "1970-01-02T00:00:00Z"
    for each in (row[0], row[1], row[6], row[7]):
        assert each.isprintable() and not each.lstrip().startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))
        assert each in (text, "'" + visible(text), visible(text).encode("utf-8", "replace").decode())


def test_numbers_stay_numbers_and_nothing_stays_empty():
    assert (cell(-5), cell(0.5), cell(None), cell("-5")) == (-5, 0.5, "", "'-5")


def test_a_campaign_as_csv():
    with Admin() as admin:
        admin.office.answers |= {"campaign": campaign(["d1", "d2"]), "orders": [{"id": "o1", "accepted": 0}]}
        answer = admin.ask("GET", "/api/campaigns/a%22%2F%0D%0A%C3%A9.csv")
        assert admin.office.calls == [
            ("campaign", ('a"/\r\n\u00e9',), {}),
            ("orders", (), {"campaign": 'a"/\r\n\u00e9', "limit": 10**9}),
        ]
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"a_____.csv\"; filename*=UTF-8''a%22%2F%0D%0A%C3%A9.csv"
        )
        assert len(answer.body.splitlines()) == 3 and b"1970-01-01T00:00:00Z" in answer.body.splitlines()[2]
        admin.office.errors["campaign"] = ToolError("there is no campaign x")
        assert admin.ask("GET", "/api/campaigns/x.csv").status == 404


@given(st.text())
def test_a_line_is_a_line(text):
    line = one_line(text)
    assert len(line) <= 500 and len(line.splitlines()) <= 1 and line.isprintable()
    shown = str(cell(text))
    assert not shown.lstrip().startswith(("=", "+", "-", "@")) and "\n" not in shown and "\r" not in shown
