"""Scripted faults over JSON: each name makes what the function of that name makes, and nothing else gets in."""

import pytest

from flash_tools.server import web_faults
from flash_tools.server.admin import faults_api
from flash_tools.server.web_faults import Answer
from tests.host.admin_office import Admin

WHERE = "/api/faults"


@pytest.fixture(scope="module")
def shared():
    with Admin() as admin:
        yield admin


@pytest.fixture
def admin(shared):
    shared.ask("DELETE", WHERE)
    return shared


def post(admin, **fault):
    return admin.ask("POST", WHERE, {"kind": "http", "for": "package", **fault})


MADE = [
    ("status", {"code": 503, "retry_after": 5, "body": "b"}, web_faults.status(503, 5, b"b")),
    ("status", {"code": 401}, web_faults.status(401)),
    ("redirect", {"location": "http://x/"}, web_faults.redirect("http://x/")),
    ("no_range", {}, web_faults.no_range()),
    ("content_range", {"shift": -2, "total": 3}, web_faults.content_range(-2, 3)),
    ("etag", {"value": None}, web_faults.etag(None)),
    ("etag", {"weak": True}, web_faults.etag(weak=True)),
    ("delayed", {"seconds": 0.5}, web_faults.delayed(0.5)),
    ("unanswered", {"end": "stall"}, web_faults.unanswered("stall")),
    ("lost", {}, web_faults.lost()),
    ("cut", {"after": 1024}, web_faults.cut(1024)),
    ("cut", {"after": -1, "end": "close"}, web_faults.cut(-1, "close")),
    ("stall", {"after": 7}, web_faults.stall(7)),
    ("slow", {"rate": 100}, web_faults.slow(100)),
    ("length", {"by": -3}, web_faults.length(-3)),
    ("endless", {}, web_faults.endless()),
    ("twice", {}, web_faults.twice()),
]


@pytest.mark.parametrize(("name", "args", "expected"), MADE)
def test_a_fault_is_what_its_function_makes(admin, name, args, expected):
    answer = post(admin, fault=name, args=args)
    assert answer.status == 201, answer.body
    made = admin.office.web_faults.take("package")
    same = [field for field in vars(expected) if field != "change"]
    assert {field: getattr(made, field) for field in same} == {field: getattr(expected, field) for field in same}
    plain = Answer(206, {"etag": '"a"', "content-range": "bytes 5-9/10"}, b"body")
    assert (made.change is None) == (expected.change is None)
    assert made.change is None or made.change(plain) == expected.change(plain)


def test_every_function_has_a_name():
    not_over_json = {"changed", "do", "_checked", "dataclass", "field", "replace"}
    makers = {
        name for name, each in vars(web_faults).items()
        if callable(each) and getattr(each, "__annotations__", {}).get("return") is web_faults.WebFault
    }  # fmt: skip
    assert makers - not_over_json == set(faults_api.HTTP)


def test_how_often_and_for_whom(admin):
    post(admin, fault="no_range", times=2, skip=1)
    post(admin, fault="twice", times=None, **{"for": "any"})
    take = admin.office.web_faults.take
    assert [take("package").name for _ in range(4)] == ["the answer twice"] + ["200 for 206"] * 2 + ["the answer twice"]
    assert take("dm").name == "the answer twice"
    shown = admin.ask("GET", WHERE).json["http"]
    assert [(each["fault"], each["for"], each["times"], each["skip"], each["used"]) for each in shown] == [
        ("no_range", "package", 2, 1, 2),
        ("twice", "any", None, 0, 3),
    ]


def test_faults_of_the_management_side(admin):
    answer = admin.ask("POST", WHERE, {"kind": "dm", "fault": "stale_nonce", "times": 1})
    assert answer.status == 201 and answer.json["dm"] == {"stale_nonce": 1}
    admin.ask("POST", WHERE, {"kind": "dm", "fault": "no_final", "times": None})
    assert (admin.office.faults.stale_nonce, admin.office.faults.no_final) == (1, True)
    admin.ask("DELETE", WHERE)
    assert not admin.office.faults.stale_nonce and not admin.office.faults.no_final


def test_several_are_scripted_together_or_not_at_all(admin):
    good, bad = {"kind": "http", "for": "dm", "fault": "lost"}, {"kind": "dm", "fault": "nonsense"}
    assert admin.ask("POST", WHERE, {"faults": [good, bad]}).status == 400
    assert admin.ask("GET", WHERE).json["http"] == [] and admin.office.web_faults.take("dm") is None
    assert len(admin.ask("POST", WHERE, {"faults": [good, good]}).json["http"]) == 2


def test_all_are_forgotten(admin):
    post(admin, fault="lost")
    answer = admin.ask("DELETE", WHERE)
    assert (answer.status, answer.json["http"]) == (200, []) and admin.office.web_faults.take("package") is None


def test_there_are_not_too_many(admin):
    many = [{"kind": "http", "for": "dm", "fault": "lost"}] * faults_api.SCRIPT_MAX
    assert admin.ask("POST", WHERE, {"faults": many}).status == 201
    assert "forget them first" in post(admin, fault="lost").error


WRONG = [
    ({"fault": "explode"}, "no http fault 'explode', only status, redirect"),
    ({"fault": "do"}, "no http fault 'do'"),
    ({"fault": "__class__"}, "no http fault"),
    ({"fault": ["cut"]}, "no http fault"),
    ({}, "no http fault None"),
    ({"kind": "tcp", "fault": "cut"}, '"kind": "http" or "dm"'),
    ({"kind": ["dm"], "fault": "cut"}, '"kind": "http" or "dm"'),
    ({"kind": "dm", "fault": "tree"}, "no dm fault 'tree', only bad_digest, stale_nonce"),
    ({"kind": "dm", "fault": "no_final"}, "no field 'for' here"),
    ({"fault": "cut", "for": "coffee"}, "no requests of the kind 'coffee', only dm"),
    ({"fault": "cut", "for": 7}, "for must be a text"),
    ({"fault": "cut"}, "needs the argument after"),
    ({"fault": "cut", "args": []}, "args of cut must be an object"),
    ({"fault": "cut", "args": {"after": "x"}}, "after must be a whole number"),
    ({"fault": "cut", "args": {"after": -2}}, "after must be a whole number"),
    ({"fault": "cut", "args": {"after": 1, "end": "bang"}}, "end must be one of reset"),
    ({"fault": "cut", "args": {"after": 1, "end": ["reset"]}}, "end must be one of reset"),
    ({"fault": "cut", "args": {"after": 1, "rate": 1}}, "no argument 'rate', only after, end"),
    ({"fault": "twice", "args": {"x": 1}}, "no argument 'x', it takes none"),
    ({"fault": "slow", "args": {"rate": 0}}, "rate must be"),
    ({"fault": "delayed", "args": {"seconds": 601}}, "seconds must be"),
    ({"fault": "status", "args": {"code": 99}}, "code must be"),
    ({"fault": "status", "args": {"code": 503, "retry_after": "1\r\nX: y"}}, "retry_after must be printable ASCII"),
    ({"fault": "redirect", "args": {"location": "http://\u00e9"}}, "location must be printable ASCII"),
    ({"fault": "etag", "args": {"value": "a\nb"}}, "value must be printable ASCII"),
    ({"fault": "twice", "times": 0}, "times must be"),
    ({"fault": "twice", "times": True}, "times must be"),
    ({"fault": "twice", "skip": -1}, "skip must be"),
    ({"fault": "twice", "often": 1}, "no field 'often' here"),
]


@pytest.mark.parametrize(("fault", "text"), WRONG)
def test_what_is_wrong_is_said(admin, fault, text):
    answer = post(admin, **fault)
    assert answer.status == 400 and text in answer.error, answer.body
    assert admin.ask("GET", WHERE).json["http"] == [] and admin.office.web_faults.take("package") is None


@pytest.mark.parametrize("body", [[], 7, None, "cut", {"faults": {}}, {"faults": [7]}, {"faults": [], "kind": "dm"}])
def test_what_is_no_fault_at_all(admin, body):
    import json

    assert admin.ask("POST", WHERE, json.dumps(body)).status == 400


def test_what_there_is_can_be_asked(admin):
    known = admin.ask("GET", WHERE).json["known"]
    assert known == {"http": list(faults_api.HTTP), "dm": list(faults_api.DM), "for": list(web_faults.KINDS)}
