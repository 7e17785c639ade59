"""What the server reads: large values in pieces, lists in several messages, values that change."""

import base64

import pytest

from flash_tools.server.dm.commands import Get, Item, Replace
from tests.dm.hold import KINDS, edit, hold, is_final, statuses
from tests.dm.objects import Big

both = pytest.mark.parametrize("kind", KINDS)
LIMITS = {"xml": 1400, "wbxml": 530}


def items(message):
    """Return the Items of a message's Results."""
    return [item for results in message.find("SyncBody").find_all("Results") for item in results.find_all("Item")]


def sizes(out):
    """Return the sizes of the messages behind the first."""
    return [len(exchange[0]) // 2 for exchange in out.transcript["exchanges"][1:]]


@both
@pytest.mark.parametrize("auth", ["MAC", "md5"])
@pytest.mark.parametrize("count", [1, 60, 150, 400, 1500])
@pytest.mark.parametrize("name", ["text", "bin"])
def test_a_value_of_any_size(kind, auth, count, name):
    """Facts 2.5: whole where it fits, else in pieces below the server's MaxMsgSize; the same value arrives."""
    get, limit = Get("./Big/%s-%d" % (name, count)), LIMITS[kind]
    out = hold([get], kind=kind, auth=auth, server={"message_max": limit}, validate=name == "text" or count < 1000)
    assert get.status == 200 and get.results[0].data == Big().value("%s-%d" % (name, count)) and len(get.results) == 1
    assert max(sizes(out)) <= limit and out.failure is None


@both
@pytest.mark.parametrize("name", ["text", "bin"])
def test_the_rules_of_pieces(kind, name):
    """Size in the first piece only, counting what is carried; MoreData in all but the last; no Final before that; 213 each."""
    out = hold([Get("./Big/%s-900" % name)], kind=kind, server={"message_max": LIMITS[kind]})
    pieces = [item for message in out.sent for item in items(message)]
    carried = b"".join(item.data("Data") for item in pieces)
    value = Big().value("%s-900" % name)
    assert carried == (base64.b64encode(value) if (name, kind) == ("bin", "xml") else value) and len(pieces) > 2
    assert [item.size("Meta", "Size") for item in pieces] == [len(carried)] + [None] * (len(pieces) - 1)
    assert [item.find("MoreData") is not None for item in pieces] == [True] * (len(pieces) - 1) + [False]
    assert [is_final(message) for message in out.sent[-len(pieces) :]] == [False] * (len(pieces) - 1) + [True]
    assert all(statuses(came, "Results") == [213] for came in out.came[-len(pieces) : -1])


@both
@pytest.mark.parametrize("limit", range(0, 70, 7))
def test_no_character_is_torn(kind, limit):
    """Each piece of a text is text: no character of two to four bytes is divided, and no escape in XML."""
    out = hold([Get("./Big/text-700")], kind=kind, server={"message_max": LIMITS[kind] + limit}, validate=False)
    pieces = [item for message in out.sent for item in items(message)]
    assert "".join([item.data("Data").decode() for item in pieces]).encode() == Big().value("text-700")


@both
def test_large_values_among_others(kind):
    """Every command has its Status, every Get its Results behind it, in the order of the commands."""
    gets = [
        Get("./DevInfo/Man"),
        Get(["./Big/text-500", "./Big/bin-500", "./nope"]),
        Get("./Big/text-300"),
        Get("./DevInfo/Mod"),
    ]
    change = Replace(Item("./Area/fixed", "x"))
    out = hold([*gets, change], kind=kind, server={"message_max": LIMITS[kind]})
    assert [len(get.results) for get in gets] == [1, 2, 1, 1] and change.status == 200
    assert [len(result.data) for result in gets[1].results] == [len(Big().value("text-500")), 500]
    assert max(sizes(out)) <= LIMITS[kind]


@both
@pytest.mark.parametrize("how", ["lost", 40, "older"])
def test_pieces_over_a_bad_link(kind, how):
    """A piece goes out again as it was; the object is whole at the server."""
    out = hold(
        [get := Get("./Big/text-700")],
        kind=kind,
        server={"message_max": LIMITS[kind]},
        network={3: how, 5: how, 6: how},
    )
    assert get.results[0].data == Big().value("text-700") and out.failure is None


@both
@pytest.mark.parametrize("size", [100, 1199, 1200, 5000])
def test_the_servers_maxobjsize(kind, size):
    """Facts 2.5: what is larger than the server's MaxObjSize is not sent: the Get is 413."""
    get = Get("./Big/text-600")  # 1,200 bytes
    hold([get], kind=kind, server={"object_max": size})
    assert len(Big().value("text-600")) == 1200
    assert (get.status, len(get.results)) == ((413, 0) if size < 1200 else (200, 1))


@both
def test_the_servers_maxobjsize_counts_what_is_carried(kind):
    """Base64 in XML is longer than the value."""
    hold([get := Get("./Big/bin-900")], kind=kind, server={"object_max": 1000})
    assert get.status == (413 if kind == "xml" else 200)


@both
@pytest.mark.parametrize("code", [413, 424, 500])
def test_the_server_wants_no_more_pieces(kind, code):
    """A Status other than 213 for a piece: the rest is not sent, the other answers are."""

    def refuse(root):
        for status in root.find("SyncBody").find_all("Status"):
            if status.value("Cmd") == "Results":
                status.find("Data").text = b"%d" % code

    get, last = Get("./Big/text-700"), Get("./DevInfo/Man")
    out = hold([get, last], kind=kind, server={"message_max": LIMITS[kind], "faults": edit((3, refuse))}, aborted=True)
    assert (
        len(
            [
                item
                for message in out.sent
                for item in items(message)
                if item.value("Source", "LocURI") == "./Big/text-700"
            ]
        )
        <= 2
    )
    assert out.session.over and len(last.results) == 1


LISTS = [
    ("./DevDetail?list=Struct", 11),
    ("./DevDetail?list=StructData", 11),
    ("./Area?list=StructData", 5),
    ("./DevDetail/URI?list=StructData", 4),
    ("./DevInfo/Man?list=StructData", 1),
]


@both
@pytest.mark.parametrize("limit", [None, 0])
@pytest.mark.parametrize(("uri", "count"), LISTS)
def test_a_subtree(kind, uri, count, limit):
    """Facts 2.11: a Results for each node that the server may read, itself included, in as many messages as it takes."""
    server = {"message_max": LIMITS[kind]} if limit == 0 else {}
    out = hold([get := Get(uri)], kind=kind, server=server)
    assert get.status == 200 and len(get.results) == count and len({result.source for result in get.results}) == count
    assert not any(result.source.startswith(("./Area/locked", "./Area/secret")) for result in get.results)
    assert "StructData" in uri or not any(result.data for result in get.results)
    assert (len(out.sent) > 2) == (limit == 0 and count > 1)


@both
@pytest.mark.parametrize("limit", [None, 0])
def test_a_serialised_subtree(kind, limit):
    """Facts 2.11: ?list=TNDS gives one object, in pieces where it is larger than a message."""
    server = {"message_max": LIMITS[kind]} if limit == 0 else {}
    hold([get := Get("./DevDetail?list=TNDS")], kind=kind, server=server)
    assert get.status == 200 and len(get.results) == 1 and b"LrgObj" in get.results[0].data
    assert get.results[0].type.startswith("application/vnd.syncml.dmtnds+")


@both
def test_a_value_that_changes_by_itself(kind):
    """M10: a volatile leaf is read once a session: the same in both passes, in each message, and in a repetition."""
    first, second = Get("./Clock/now"), Get(["./Clock/now", "./Clock?list=StructData"])
    out = hold([first], [second], kind=kind, network={2: "lost"})
    assert {result.data for get in (first, second) for result in get.results} == {
        b"00000001",
        b"",
    } and out.device.clock.readings == 1


@both
def test_a_value_that_changes_is_new_in_the_next_session(kind):
    """The sample is dropped when a session begins."""
    out = hold([Get("./Clock/now")], kind=kind)
    out.device.session()
    assert bytes(out.client.tree.value("Clock/now")) == b"00000002"


@both
def test_a_value_that_changes_by_command(kind):
    """The Results show what was read, though the leaf changed before the answer was sent, and in a later message."""
    get, large = Get("./Area/here/text"), Get("./Big/text-500")
    change = Replace(Item("./Area/here/text", "new" * 100))
    hold(
        [large, get, change], kind=kind, nodes=[["here/text", 2, "\u20ac" * 100]], server={"message_max": LIMITS[kind]}
    )
    assert get.results[0].data == ("\u20ac" * 100).encode() and (large.status, change.status) == (200, 200)


@both
def test_an_empty_value(kind):
    """A leaf without value gives empty Data."""
    hold([get := Get("./Area/fixed")], kind=kind)
    assert get.results[0].data == b"" and get.status == 200


@both
def test_a_server_that_takes_next_to_nothing(kind):
    """Less than 512 bytes are taken as 512; where nothing can be said in them, the session ends."""
    fault = edit((1, lambda root: setattr(root.find("SyncHdr", "Meta", "MaxMsgSize"), "text", b"300")))
    out = hold([Get("./DevInfo/Man")], kind=kind, server={"faults": fault}, validate=False)
    assert out.session.over and out.failure == (413 if kind == "xml" else None) and max([0, *sizes(out)]) <= 512
