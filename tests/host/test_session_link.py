"""What a session does when the link, the address or the server itself fails."""

import pytest

from flash_tools.server.dm.commands import Exec, Get, Item, Replace
from tests.dm.device import URL
from tests.dm.hold import KINDS, Packages, edit, hold, statuses

both = pytest.mark.parametrize("kind", KINDS)
DATA = bytes(range(256)) * 12


def orders():
    """Return three packages that a repetition would show: a value, an Exec, a Get."""
    return Replace(Item("./Area/here/int", 8)), Exec("./FUMO/Run", correlator="c"), Get("./Area/here/int")


def hold_orders(kind, **options):
    """Hold a session with them; everything must be done, once."""
    change, run, get = orders()
    out = hold([change], [run], [get], kind=kind, **options)
    assert (change.status, run.status, get.status) == (200, 202, 200) and get.results[0].data == b"8"
    assert out.device.bank.log == [("exec", b"", "c")] and out.failure is None
    return out


def bodies(out):
    """Return the requests' bytes."""
    return [exchange[0] for exchange in out.transcript["exchanges"]]


@both
@pytest.mark.parametrize("how", ["lost", "unsent", 0, 1, 30])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_answer(kind, how, number):
    """The same bytes with the same MsgID again, and all goes on as if nothing had been."""
    out = hold_orders(kind, network={number: how})
    sent = bodies(out)
    assert sent[number - 1] == sent[number] and len(sent) == 5 and len(set(sent)) == 4
    assert out.transcript["exchanges"][number - 1][1] == out.transcript["exchanges"][number][1]  # the same MAC


@both
@pytest.mark.parametrize("how", ["lost", "unsent", 200])
def test_no_answer_twice(kind, how):
    """At most twice more, counted anew for each message."""
    out = hold_orders(kind, network={1: how, 2: how, 4: how, 5: how, 7: how, 8: how})
    assert [bodies(out).count(body) for body in dict.fromkeys(bodies(out))] == [3, 3, 3, 1]


@both
@pytest.mark.parametrize("number", [1, 3])
def test_no_answer_three_times(kind, number):
    """Then the session is given up."""
    change, run, get = orders()
    out = hold([change], [run], [get], kind=kind, network={number: "lost", number + 1: "lost", number + 2: "lost"})
    assert out.session.over and out.failure == 503 and len(out.sent) == number + 2


@both
@pytest.mark.parametrize("cut", range(40, 1500, 139))
def test_an_answer_that_breaks_anywhere(kind, cut):
    """An answer cut in the middle is as good as none: nothing of it acts before it came whole."""
    hold_orders(kind, network={2: cut, 4: cut}, pieces=97)


@both
@pytest.mark.parametrize("auth", ["MAC", "md5"])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_the_message_before_comes_once_more(kind, auth, number):
    """A proxy's old answer is not acted on again: ours goes out once more."""
    out = hold_orders(kind, network={number: "older"}, auth=auth)
    assert bodies(out)[number - 1] == bodies(out)[number]


@both
def test_the_message_before_comes_for_ever(kind):
    """Old answers are bounded like missing ones."""
    change, run, get = orders()
    out = hold([change], [run], [get], kind=kind, network={2: "older", 3: "older", 4: "older"})
    assert out.session.over and out.failure == 503 and out.device.value("here/int") == b"8" and not out.device.bank.log


@both
@pytest.mark.parametrize("auth", ["MAC", "md5"])
@pytest.mark.parametrize("how", ["lost", "older", 700, 1100])
def test_a_large_object_over_a_bad_link(kind, auth, how):
    """A chunk is taken once, however often its message comes."""
    push = Replace(Item("./FUMO/PkgData", DATA, format="bin"))
    policy = Packages([push], before=lambda session: setattr(session, "chunk_max", 900))
    out = hold(policy=policy, kind=kind, auth=auth, network={2: how, 4: how, 5: how, 7: how})
    assert push.status == 200 and out.device.bank.got == DATA


@both
@pytest.mark.parametrize("body", [b"", b" \r\n"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_empty_answer_ends_the_session(kind, body, number):
    """Nothing more is said; what was done stays."""
    change = Replace(Item("./Area/here/int", 8))
    out = hold([change], [Get("./Area")], kind=kind, network={number: (body, None)}, validate=not body)
    assert out.session.over and len(out.sent) == number
    assert out.failure is None if not body else out.failure == 400


@both
@pytest.mark.parametrize(
    "body", [b"<html><body>Log in first</body></html>", b"\x00\x01\x02", b"\xff" * 600, b"<", b"\x02"]
)
def test_an_answer_that_is_no_message(kind, body):
    """It cannot be answered: the session is given up, nothing more is sent."""
    out = hold([Get("./Area")], kind=kind, network={2: (body, None)}, validate=False)
    assert out.session.over and out.failure == 400 and len(out.sent) == 2


@both
def test_an_answer_that_is_cut_for_the_server(kind):
    """A message that ends early, though the connection says it is whole: 400 and abort, nothing is done."""
    change = Replace(Item("./Area/here/int", 8))
    server = {"faults": edit()}
    server["faults"].body = lambda session, body: body[:-12] if session.msg_id == 1 else body
    out = hold([change], kind=kind, server=server, validate=False)
    assert statuses(out.sent[1], "SyncHdr") == [400] and out.device.value("here/int") == b"7" and out.failure == 400


@both
def test_an_answer_above_what_was_announced(kind):
    """More bytes than our MaxMsgSize: Status 413 for the SyncHdr and abort."""
    server = {"faults": edit()}
    server["faults"] = edit(
        (1, lambda root: setattr(root.find("SyncBody", "Replace", "Item", "Data"), "text", b"y" * 6000))
    )
    out = hold([Replace(Item("./Area/here/int", 8))], kind=kind, server=server, validate=False)
    assert statuses(out.sent[1], "SyncHdr") == [413] and out.failure == 413 and len(out.sent) == 2


@pytest.mark.slow
def test_a_server_that_never_ends():
    """After 2,000 messages the session is aborted."""

    class Endless:
        def packages(self, session):
            while True:
                yield [Get("./Area/here/int")]

    out = hold(policy=Endless(), kind="wbxml", auth="md5", validate=False, most=2100)
    assert out.session.over and out.failure == 408 and len(out.sent) == 2002


PLACES = [  # our URL, RespURI, where the next message goes
    (URL, "http://dm.example/other", "http://dm.example/other"),
    (URL, "http://dm.example/dm?sid=1&x=%20", "http://dm.example/dm?sid=1&x=%20"),
    (URL, "?sid=7", "http://dm.example/dm?sid=7"),
    (URL, "/a/b?c", "http://dm.example/a/b?c"),
    (URL, "b?c", "http://dm.example/b?c"),
    (URL, "https://dm.example/s", "https://dm.example/s"),
    (URL, "https://other.example/s", "https://other.example/s"),
    (URL, "http://other.example/s", URL),
    (URL, "ftp://dm.example/s", URL),
    (URL, "http://user@dm.example/s", URL),
    (URL, "http://dm.example/\u00e9", URL),
    (URL, "http://dm.example/" + "x" * 1024, URL),
    ("https://dm.example/dm", "http://dm.example/dm", "https://dm.example/dm"),
    ("https://dm.example/dm", "//other.example/dm", "https://other.example/dm"),
]


@both
@pytest.mark.parametrize(("url", "resp_uri", "then"), PLACES)
def test_respuri(kind, url, resp_uri, then):
    """Followed where that is allowed, its query included, else ignored; in every message, and not in the next session."""
    out = hold([Get("./Area")], [Get("./Area")], kind=kind, url=url, server={"resp_uri": resp_uri})
    assert out.urls[0] == url and out.urls[1] == then
    assert out.device.session().request().url == url


@both
def test_respuri_holds_until_another_comes(kind):
    """A message without RespURI changes nothing."""

    def forget(session):
        session.resp_uri = None
        return [Get("./Area")]

    out = hold([Get("./Area")], forget, kind=kind, server={"resp_uri": "http://dm.example/sid"})
    assert out.urls == [URL, "http://dm.example/sid", "http://dm.example/sid"]
    assert out.sent[2].value("SyncHdr", "Target", "LocURI") == "http://dm.example/sid"


@both
@pytest.mark.parametrize("auth", ["MAC", "md5"])
def test_respuri_holds_for_the_repeated_package_1(kind, auth):
    """Facts 2.1: the answer to a challenge goes there too."""
    out = hold(
        kind=kind, auth=auth, server={"resp_uri": "http://dm.example/sid", "account": {"client_nonce": b"unknown"}}
    )
    assert out.urls == [URL, "http://dm.example/sid"] and out.failure is None
