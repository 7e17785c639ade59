"""Management messages that come at the same time share one transaction: all are kept, or none was taken."""

import pytest

from flash_tools.server.office import Office
from flash_tools.server.store import StoreError
from tests.bench.server_device import SmallDevice


@pytest.fixture
def office():
    made = Office(url="http://server", tls=False, inventory=False)
    yield made
    made.close()


def open_sessions(office, count):
    """Return the sessions of so many devices, and their first messages as requests."""
    devices = [SmallDevice(office.add_device("dev-%d" % at, "md5", "md5"), at % 2 == 1) for at in range(count)]
    sessions = [device.session("idle") for device in devices]
    types = [device.content_type for device in devices]
    requests = [(next(each), kind, {}, "192.0.2.1") for each, kind in zip(sessions, types, strict=True)]
    return sessions, requests


def accept(session, reply):
    """Let the device check the answer: it raises where the server is another or does not know it."""
    with pytest.raises(StopIteration):
        session.send(reply.body)


def count_commits(office, monkeypatch, fail=False):
    commits, real = [], office.store.commit

    def commit():
        commits.append(1)
        if fail and len(commits) == 1:
            raise StoreError("database or disk is full")
        real()

    monkeypatch.setattr(office.store, "commit", commit)
    return commits


def test_one_transaction_for_all(office, monkeypatch):
    sessions, requests = open_sessions(office, 5)
    commits = count_commits(office, monkeypatch)
    for session, reply in zip(sessions, office.dm_messages(requests), strict=True):
        accept(session, reply)
    assert len(commits) == 1 and len(office.sessions()) == 5


def test_what_cannot_be_kept_is_taken_back_for_all(office, monkeypatch):
    sessions, requests = open_sessions(office, 3)
    before = [office.desk.devices["dev-%d" % at].client_nonce for at in range(3)]
    count_commits(office, monkeypatch, fail=True)
    assert [reply.status for reply in office.dm_messages(requests)] == [503] * 3
    assert [office.desk.devices["dev-%d" % at].client_nonce for at in range(3)] == before and office.sessions() == []
    for session, reply in zip(sessions, office.dm_messages(requests), strict=True):
        accept(session, reply)
    assert len(office.sessions()) == 3
