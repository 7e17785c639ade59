"""Orders and tasks that are waited for: the end is told at once, nobody waits for ever, and waiting takes no thread."""

import socket
import threading
import time

import pytest

from flash_tools.server.admin import waiting
from tests.host.admin_office import TOKEN, Admin, event, wait_until


@pytest.fixture
def admin():
    with Admin() as made:
        yield made


def timed(admin, path):
    began = time.monotonic()
    return admin.ask("GET", path), time.monotonic() - began


def test_an_order_that_has_ended_is_not_waited_for(admin):
    for state, success in (("failed", False), ("cancelled", False), ("done", True)):
        admin.office.states["o1"] = {"state": state, "success": success}
        answer, took = timed(admin, "/api/orders/o1?wait=30")
        assert answer.json["state"] == state and took < 1


def test_the_end_is_told_at_once(admin, monkeypatch):
    monkeypatch.setattr(waiting, "_LOOK_S", 60)
    admin.office.states["o1"] = {}

    def end():
        wait_until(lambda: admin.office.listeners)
        admin.office.tell(event(1, device="dev-1"))  # something, not the end
        admin.office.states["o1"] = {"state": "done", "success": None}  # the firmware is still to be looked at
        admin.office.tell(event(2, device="dev-1"))
        time.sleep(0.2)
        admin.office.states["o1"] = {"state": "done", "success": True}
        admin.office.tell(event(3, device="dev-2"))  # another device's
        time.sleep(0.1)
        admin.office.tell(event(4, device="dev-1"))

    thread = threading.Thread(target=end)
    thread.start()
    answer, took = timed(admin, "/api/orders/o1?wait=30")
    thread.join()
    assert answer.json["success"] is True and 0.25 < took < 5


def test_the_end_is_seen_without_an_event(admin, monkeypatch):
    monkeypatch.setattr(waiting, "_LOOK_S", 0.05)
    admin.office.states["o1"] = {}
    threading.Timer(0.2, lambda: admin.office.states.update(o1={"state": "cancelled"})).start()
    answer, took = timed(admin, "/api/orders/o1?wait=30")
    assert answer.json["state"] == "cancelled" and took < 5


def test_the_time_is_over(admin):
    admin.office.states["o1"] = {}
    answer, took = timed(admin, "/api/orders/o1?wait=0.3")
    assert (answer.status, answer.json["state"]) == (200, "waiting") and 0.3 <= took < 3


def test_an_order_that_is_not_there(admin):
    answer, took = timed(admin, "/api/orders/nope?wait=30")
    assert answer.status == 404 and took < 1


def test_a_task_is_waited_for(admin, monkeypatch):
    monkeypatch.setattr(waiting, "_LOOK_S", 0.05)
    admin.office.states["t1"] = {}
    threading.Timer(0.2, lambda: admin.office.states.update(t1={"done": True})).start()
    answer, took = timed(admin, "/api/tasks/t1?wait=30")
    assert answer.json["done"] and took < 5


def test_many_wait_and_the_rest_is_answered(admin):
    admin.office.states["o1"] = {}
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(admin.ask("GET", "/api/orders/o1?wait=30", timeout=30)))
        for _ in range(60)
    ]
    for thread in threads:
        thread.start()
    hub = admin.live.hub
    wait_until(lambda: hub.count == 60)
    assert timed(admin, "/api/devices")[1] < 1, "they take no thread"
    admin.office.states["o1"] = {"state": "failed"}
    admin.office.tell(event(1))
    for thread in threads:
        thread.join(20)
    assert [answer.json["state"] for answer in answers] == ["failed"] * 60
    assert hub.count == 0


def test_too_many_wait(admin):
    admin.office.states["o1"] = {}
    admin.live.waiting.bound.limit = 0
    assert admin.ask("GET", "/api/orders/o1?wait=9").status == 503
    assert admin.ask("GET", "/api/orders/o1").status == 200


def test_who_no_longer_waits_is_forgotten(admin):
    admin.office.states["o1"] = {}
    hub = admin.live.hub
    with socket.create_connection(("127.0.0.1", admin.port)) as sock:
        head = "GET /api/orders/o1?wait=60 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n" % TOKEN
        sock.sendall(head.encode())
        wait_until(lambda: hub.count == 1)
    wait_until(lambda: hub.count == 0)
