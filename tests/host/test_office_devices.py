"""Devices of a field server: enrolment, quarantine, what is known of them, waking, what is overdue; nothing leaks secrets."""

import json
import socket
import time

import pytest

from flash_tools.errors import RefusedError, ToolError
from flash_tools.server.office import Office
from tests.dm import device as portable
from tests.host.office_device import ID, place
from tests.host.server_agent import TIMEOUT_S, Agent, report


@pytest.fixture
def field():
    with place(unknown="quarantine") as (office, agent):
        yield office, agent
        agent.close()


def test_what_a_device_says_of_itself(field):
    office, agent = field
    assert office.device(ID)["state"] == "new"
    agent.session()
    device = office.device(ID)
    assert (device["state"], device["firmware"], device["address"], device["tls"]) == ("idle", "1.0", "127.0.0.1", True)
    assert (
        device["manufacturer"] and device["root"] and device["last_seen"] == pytest.approx(time.time(), abs=TIMEOUT_S)
    )
    assert {node["uri"]: node["value"] for node in device["tree"]}["./DevDetail/FwV"] == "1.0"
    messages = device["sessions"][0]["messages"]
    agent.session()
    assert office.device(ID)["sessions"][0]["messages"] < messages  # it is not asked again


def test_search_sort_and_pages():
    office = Office(url="https://x")
    for number in range(30):
        office.add_device("d%02d" % number, tags=["even"] if number % 2 == 0 else [], name="N%d" % number)
    assert office.devices(text="d1")["total"] == 10 and office.devices(text="n29")["total"] == 1
    assert office.devices(tag="even")["total"] == 15 and office.devices(state="idle")["total"] == 0
    page = office.devices(order_by="-id", start=5, limit=3)
    assert [row["id"] for row in page["devices"]] == ["d24", "d23", "d22"] and page["total"] == 30
    office.close()


@pytest.mark.parametrize("bad", ["", "x" * 256, "a\nb", "a\x00b", "\u202e" + "a", 7, None])
def test_ids_that_are_none(bad):
    office = Office(url="https://x")
    with pytest.raises(ToolError, match="id has"):
        office.add_device(bad)
    assert office.devices()["total"] == 0
    office.close()


def test_plain_http_takes_nothing_below_mac():
    office = Office(url="http://x", tls=False)
    assert office.add_device("a")["auth"] == "MAC" and office.add_device("a")["server_auth"] == "MAC"
    office.close()


def test_changes_are_checked_and_kept(tmp_path):
    office = Office(str(tmp_path / "s.db"), url="https://x")
    office.add_device("a")
    for bad in (
        {"tags": "x"},
        {"paused": 1},
        {"notify": "host:x"},
        {"contact_every_s": -1},
        {"secret": "x"},
        {"name": 1},
    ):
        with pytest.raises(ToolError):
            office.change_device("a", **bad)
    office.change_device("a", name="N", tags=["t"], group="g", notify="192.0.2.1:2948", contact_every_s=60, paused=True)
    office.close()
    office = Office(str(tmp_path / "s.db"), url="https://x")
    shown = office.device("a")
    assert (shown["name"], shown["tags"], shown["group"], shown["paused"]) == ("N", ["t"], "g", True)
    office.remove_device("a")
    with pytest.raises(ToolError, match="there is no device"):
        office.device("a")
    office.close()
    assert Office(str(tmp_path / "s.db"), url="https://x").devices()["total"] == 0


def test_a_device_without_account_waits_in_quarantine(field):
    office, agent = field
    agent.session()
    agent.server.office.remove_device(ID)
    agent.session()
    (found,) = office.quarantine()
    assert (found["id"], found["address"], found["times"] >= 1) == (ID, "127.0.0.1", True)
    assert office.counters()["refused"]["unknown"] >= 1 and office.devices()["total"] == 0
    bundle = office.accept(ID, tags=["late"])
    assert bundle["secret"] and office.quarantine() == [] and office.device(ID)["tags"] == ["late"]
    for call in (office.accept, office.dismiss):
        with pytest.raises(ToolError, match="not in quarantine"):
            call(ID)


def test_strangers_are_refused_and_not_remembered():
    with place() as (office, agent):
        office.remove_device(ID)
        agent.session()
        agent.close()
        assert office.quarantine() == [] and office.sessions() == [] and office.counters()["refused"] == {"unknown": 1}


def test_the_quarantine_is_bounded(field):
    office, _ = field
    for number in range(500):
        office._note_stranger("s%d" % number, "192.0.2.1")
    assert len(office.quarantine()) == 200 and office.quarantine()[0]["id"] == "s499"


def test_a_token_lets_so_many_in():
    office = Office(url="https://x")
    token = office.new_token(count=2, model="sim", tags=["new"])["token"]
    assert office.enrol(token, "a", "sim")["device_id"] == "a" and office.device("a")["tags"] == ["new"]
    with pytest.raises(RefusedError, match="model"):
        office.enrol(token, "b", "other")
    first = office.enrol(token, "b", "sim")
    assert office.enrol(token, "b", "sim")["secret"] != first["secret"]  # its answer was lost
    with pytest.raises(RefusedError, match="used up"):
        office.enrol(token, "c", "sim")
    assert office.tokens() == [] and token not in json.dumps(office.store.records("token"))
    with pytest.raises(RefusedError, match="unknown"):
        office.enrol("guess", "c")
    office.close()


def test_who_came_already_is_not_let_in_again():
    with place() as (office, agent):
        token = office.new_token(count=2)["token"]
        with pytest.raises(RefusedError, match="known already"):
            office.enrol(token, ID)
        agent.session()
        agent.close()


def test_old_tokens_are_no_good(monkeypatch):
    office = Office(url="https://x")
    token = office.new_token(valid_s=1)["token"]
    later = time.time() + 2
    monkeypatch.setattr("flash_tools.server.office.enrolment.time.time", lambda: later)
    with pytest.raises(RefusedError, match="too old"):
        office.enrol(token, "a")
    for bad in ({"count": 0}, {"count": 10**9}, {"valid_s": 0}, {"valid_s": 1e12}, {"count": 1.5}):
        with pytest.raises(ToolError):
            office.new_token(**bad)
    office.close()


def test_package_0_goes_where_the_device_is(field):
    office, agent = field
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(TIMEOUT_S)
        port = sock.getsockname()[1]
        office.change_device(ID, notify=str(port))
        with pytest.raises(ToolError, match="never heard"):
            office.send_notification(ID)
        agent.session()
        session = int(office.send_notification(ID), 16)
        told = session.to_bytes(2, "big") + bytes((len(portable.SERVER),)) + portable.SERVER.encode()
        assert sock.recv(2000).endswith(told)
    for name in ("host.invalid:2948", "localhost:2948", ":2948:", "127.0.0.1:0", "127.0.0.1:99999"):
        with pytest.raises(ToolError, match="numeric"):
            office.change_device(ID, notify=name)


def test_overdue_devices_are_listed_and_told_once(field):
    office, agent = field
    office.change_device(ID, contact_every_s=60)
    agent.session()
    office.tick()
    assert (
        office.device(ID)["next_due"] == pytest.approx(time.time() + 60, abs=TIMEOUT_S)
        and office.counters()["overdue"] == 0
    )
    office.desk.profiles[ID].last_seen -= 100
    for _ in range(3):
        office.tick()
    assert len(office.timeline(kinds=["overdue"])) == 1 and office.devices(state="overdue")["total"] == 1
    agent.session()
    office.tick()
    assert office.devices(state="overdue")["total"] == 0


def test_no_secret_is_in_a_trace_or_in_the_store_of_traces(field):
    office, agent = field
    secret = "very/secret-value"
    office.command_device(ID, [{"do": "replace", "uri": "./DMAcc/a/AppAuth/c/AAuthSecret", "value": secret}])
    agent.session()
    account = office.desk.devices[ID]
    shown = json.dumps([office.trace(each["id"]) for each in office.sessions()] + [office.device(ID)])
    for text in (account.client_secret, account.server_secret, secret):
        assert text not in shown and text.encode().hex() not in shown
    assert "(secret)" in shown and "SyncHdr" in shown
    rows = list(office.store._db.execute("SELECT request, answer FROM message"))
    assert rows and not any(account.client_secret.encode() in body for row in rows for body in row)


def test_digests_and_nonces_are_blanked_in_the_bytes_too(field):
    office, agent = field
    agent.session()
    first = office.trace(office.sessions()[-1]["id"])["messages"][0]
    assert first["direction"] == "in" and "<Data>(secret)</Data>" in "".join(first["lines"]).replace(" ", "")
    assert b"*" * 24 in bytes.fromhex(first["raw"]) and len(bytes.fromhex(first["raw"])) == first["size"]


def test_basic_credentials_never_reach_the_store():
    with place() as (office, agent):
        office.add_device("b", "basic", None, client_secret="open sesame")
        agent = Agent(agent.server, "b", auth="basic")
        agent.session()
        agent.close()
        dump = "".join(office.store._db.iterdump())
        body = next(iter(office.store._db.execute("SELECT hex(request) FROM message")))[0]
        import base64

        for text in (
            portable.SECRET,
            base64.b64encode(b"%s:%s" % (portable.USER.encode(), portable.SECRET.encode())).decode(),
        ):
            if len(text) > 4:
                assert text.encode().hex().upper() not in body
        assert dump


def test_wrong_credentials_are_told_once_a_minute_and_fill_nothing(field):
    office, agent = field
    office.desk.devices[ID].client_secret = "another"
    for _ in range(5):
        agent.session(report("update", 200, None))
    assert len(office.timeline(kinds=["refused"])) <= 1 and office.counters()["refused"]["credentials"] >= 5
    assert office.timeline(kinds=["report", "contact"]) == [] and office.device(ID)["last_seen"] is None
    office.logbook._refusals = 10**6
    before = len(office.sessions())
    agent.session()
    assert len(office.sessions()) == before


def test_old_history_goes_and_the_rest_stays(field):
    office, agent = field
    agent.session()
    office.store._db.execute("UPDATE session SET ended = 1")
    office.store._db.execute("UPDATE event SET at = 1 WHERE kind = 'enrolled'")
    assert office.prune(1) == {"sessions": 1, "events": 1}
    assert office.sessions() == [] and list(office.store._db.execute("SELECT * FROM message")) == []
    assert office.devices()["total"] == 1
    with pytest.raises(ToolError):
        office.prune(0)


def test_a_backup_is_a_store(tmp_path, field):
    office, agent = field
    agent.session()
    path = tmp_path / "copy.db"
    office.backup(str(path))
    assert path.stat().st_mode & 0o077 == 0
    again = Office(str(path), url="https://x")
    assert again.device(ID)["firmware"] == "1.0" and len(again.sessions()) == 1
    again.close()
    with pytest.raises(ToolError, match="cannot write"):
        office.backup(str(tmp_path / "no" / "copy.db"))


def test_listeners_hear_what_is_kept_only(field):
    office, agent = field
    heard = []
    stop = office.subscribe(lambda event: heard.append((event["kind"], event["id"] > 0)))
    agent.session()
    assert [("contact", False), ("session", False)] == [
        each for each in heard if each[0] != "message"
    ]  # told, not kept
    office.change_device(ID, paused=True)
    assert heard[-1] == ("paused", True)
    stop()
    count = len(heard)
    agent.session()
    assert len(heard) == count
    events = office.timeline(limit=2)
    assert [event["id"] for event in office.timeline(after=events[0]["id"])] == [events[1]["id"]]
