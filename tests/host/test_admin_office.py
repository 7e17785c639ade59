"""The admin app in front of a real server with a real management client: what a rig, a script and a person do over HTTP."""

import csv
import io
import json
import sqlite3
import threading

import pytest

from flash_tools.signing import keys
from tests.host.admin_office import Admin
from tests.host.office_device import ID, KEY, package, place
from tests.host.server_agent import report
from tests.host.test_admin_export import parse
from tests.host.test_admin_live import reading

PACKAGES = "/api/packages?name=new.fup"
CAMPAIGN = '[campaign]\nname = "trial"\npackage = "new.fup"\nstart = "now"\n'


@pytest.fixture
def field():
    with place(unknown="quarantine") as (office, agent):
        with Admin(office) as admin:
            agent.session()
            yield admin, agent
        agent.close()


def public(key):
    """Return a key's public half as PEM."""
    return keys.public_pem(key).decode()


def test_an_update_is_ordered_and_waited_for(field):
    admin, agent = field
    made = admin.ask("POST", PACKAGES, package("2.0"))
    assert (made.status, made.json["version"]) == (201, "2.0")
    order = admin.ask("POST", "/api/orders", {"device": ID, "package": "new.fup", "notify": False}).json
    assert order["state"] == "waiting"
    answers = []
    where = "/api/orders/%s?wait=20" % order["id"]
    waiter = threading.Thread(target=lambda: answers.append(admin.ask("GET", where, timeout=30)))
    waiter.start()
    with reading(admin, "?kinds=offered,accepted,report,result") as reader:
        agent.session()
        assert admin.ask("GET", where.replace("wait=20", "wait=0.1")).json["state"] == "accepted"
        assert admin.ask("DELETE", "/api/orders/" + order["id"]).status == 409
        agent.device.version = "2.0"
        agent.session(report("downloadandupdate", 200, order["correlator"]))
        kinds = [reader.event()[1]["kind"] for _ in range(3)]
    assert kinds[-1] == "result" or "report" in kinds
    waiter.join(20)
    assert (answers[0].json["state"], answers[0].json["success"], answers[0].json["firmware_after"]) == (
        "done",
        True,
        "2.0",
    )
    device = admin.ask("GET", "/api/devices/" + ID).json
    assert device["state"] == "done" and device["firmware"] == "2.0"
    session = admin.ask("GET", "/api/sessions").json[0]
    lines = admin.ask("GET", "/api/sessions/%d?format=jsonl" % session["id"]).body.splitlines()
    assert json.loads(lines[0])["id"] == session["id"] and len(lines) > 2
    found = parse(admin.ask("GET", "/metrics").body.decode())
    assert found["fumo_orders", "done"] == 1 and found["fumo_results_total", "200"] == 1
    assert ID not in str(found)


def test_a_campaign(field):
    admin, agent = field
    admin.ask("POST", PACKAGES, package("2.0"))
    assert admin.ask("POST", "/api/campaigns", CAMPAIGN).status == 201
    assert admin.ask("POST", "/api/campaigns", CAMPAIGN).status == 400
    assert admin.ask("POST", "/api/campaigns/trial/resume").status == 409
    assert admin.ask("POST", "/api/campaigns/none/resume").status == 404
    assert admin.ask("POST", "/api/campaigns/trial/pause").json["state"] == "paused"
    assert admin.ask("DELETE", "/api/campaigns/trial").status == 409
    assert admin.ask("POST", "/api/campaigns/trial/resume").json["state"] == "running"
    agent.session()
    order = admin.ask("GET", "/api/campaigns/trial").json["targets"][0]["order"]
    agent.session(report("downloadandupdate", 410, order))
    head, row = csv.reader(io.StringIO(admin.ask("GET", "/api/campaigns/trial.csv").body.decode()))
    line = dict(zip(head, row, strict=True))
    assert (line["device"], line["state"], line["code"], line["firmware_before"]) == (ID, "failed", "410", "1.0")
    assert line["accepted"] <= line["ended"] and line["ended"].endswith("Z")


def test_commands_for_a_device(field):
    admin, agent = field
    commands = {
        "commands": [{"do": "get", "uri": "./DevInfo/Man"}, {"do": "replace", "uri": "./No/Such", "value": "1"}]
    }
    task = admin.ask("POST", "/api/devices/%s/commands" % ID.replace(":", "%3A"), commands)
    assert task.status == 201
    agent.session()
    done = admin.ask("GET", "/api/tasks/%s?wait=10" % task.json["task"]).json
    assert done["done"] and done["commands"][0]["status"] == 200 and done["commands"][1]["status"] >= 400
    assert done["commands"][0]["results"][0]["uri"] == "./DevInfo/Man"


def test_uploads_that_are_refused_change_nothing(field):
    admin, _ = field
    good = package("2.0")
    for data in (b"x", good[:-1], good[:100], b"\0" * 5000):
        answer = admin.ask("POST", PACKAGES, data)
        assert answer.status == 400 and answer.error
    assert admin.ask("POST", "/api/signers?name=release", public(keys.new_key())).status == 201
    answer = admin.ask("POST", PACKAGES, good)
    assert answer.status == 400 and "key" in answer.error
    assert admin.ask("GET", "/api/packages").json == []
    assert admin.ask("POST", "/api/signers", {"name": "ours", "public_pem": public(KEY)}).status == 201
    assert admin.ask("POST", PACKAGES, good).status == 201
    assert len(admin.ask("GET", "/api/signers").json) == 2


def test_enrolment(field):
    admin, _ = field
    made = admin.ask("POST", "/api/tokens", {"count": 2, "model": "m", "tags": ["a"]}).json
    assert made["count"] == 2 and admin.office.enrol(made["token"], "new-1", "m")["device_id"] == "new-1"
    listed = admin.ask("GET", "/api/tokens").json
    assert len(listed) == 1 and made["token"] not in str(listed)
    assert admin.ask("DELETE", "/api/tokens/" + listed[0]["id"]).status == 200
    assert admin.ask("GET", "/api/tokens").json == []
    assert admin.ask("POST", "/api/quarantine/ghost/accept", {}).status == 404
    assert admin.ask("POST", "/api/devices", {"id": "a\nb"}).status == 400


def test_faults_reach_the_wire(field):
    admin, agent = field
    admin.ask(
        "POST", "/api/faults", {"kind": "http", "for": "dm", "fault": "status", "args": {"code": 503}, "times": 1}
    )
    with pytest.raises(AssertionError):  # 503 instead of an answer
        agent.session()
    assert admin.ask("GET", "/api/faults").json["http"][0]["used"] == 1
    agent.session()


def test_a_copy_of_the_store_is_whole(field, tmp_path):
    admin, _ = field
    path = tmp_path / "copy.db"
    path.write_bytes(admin.ask("GET", "/api/backup").body)
    with sqlite3.connect(path) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert admin.ask("POST", "/api/prune", {"keep_days": 1}).json == {"sessions": 0, "events": 0}
    assert admin.ask("POST", "/api/prune", {"keep_days": 0}).status == 400


def test_a_slot_that_does_not_answer(field):
    admin, _ = field
    assert admin.ask("POST", "/api/slots", {"name": "s/1", "url": "http://127.0.0.1:9"}).status == 201
    assert admin.ask("GET", "/api/slots").json[0]["error"]
    assert "does not answer" in admin.ask("POST", "/api/slots/s%2F1/on").error
    assert admin.ask("POST", "/api/slots/none/on").status == 404
    assert admin.ask("DELETE", "/api/slots/s%2F1").status == 200
