"""The OMA DM server's packages and large objects, seen by a client that is written by hand."""

import base64

import pytest

from flash_tools.server.dm.commands import Add, Alert, Atomic, Exec, Get, Item, Replace, Sequence
from tests.host.server_client import (
    DEVINFO,
    FINAL,
    NEXT,
    START,
    Client,
    codes,
    header_status,
    names,
    serve,
    status,
)

# --- packages


def test_minimal_session_closes_with_statuses_only():
    server, policy = serve()
    root = Client(server).start()
    assert codes(root) == [("SyncHdr", "0", "200"), ("Alert", "1", "200"), ("Replace", "2", "200")]
    assert names(root) == ["Status"] * 3 + ["Final"]
    assert policy.session.devinfo == {"./DevInfo/DevId": "dev", "./DevInfo/Man": "Us"}
    assert policy.session.alerts[0].code == 1201 and policy.session.over


def test_commands_get_their_answers():
    get, order = Get(["./DevDetail/FwV", "./x/State"]), Exec("./x/Update", correlator="c9")
    confirm = Alert(1101, ["MINDT=10", "Install?"])
    server, policy = serve([get, Sequence([confirm, order])], [Replace(Item("./x/PkgURL", "http://a/?b&c"))])
    client = Client(server)
    root = client.start()
    assert names(root)[3:] == ["Get", "Sequence", "Final"]
    assert [child.tag for child in root.find(".//Sequence")] == ["CmdID", "Alert", "Exec"]
    assert root.findtext(".//Exec/Correlator") == "c9"
    ref = "<TargetRef>%s</TargetRef>"
    root = client.send(
        header_status(1),
        status(1, 4, "Get", 200, ref % "./DevDetail/FwV"),
        status(1, 4, "Get", 404, ref % "./x/State"),
        "<Results><CmdID>4</CmdID><MsgRef>1</MsgRef><CmdRef>4</CmdRef><Item><Source><LocURI>./DevDetail/FwV</LocURI>"
        "</Source><Meta><Format>b64</Format></Meta><Data>MS4w</Data></Item></Results>",
        status(1, 5, "Sequence", 200),
        status(1, 6, "Alert", 200, ""),
        status(1, 7, "Exec", 202),
        FINAL,
    )
    assert get.statuses == {"./DevDetail/FwV": 200, "./x/State": 404} and get.status == 404
    assert get.results == [("./DevDetail/FwV", "b64", "", b"1.0")]
    assert (order.status, confirm.status) == (202, 200)
    assert root.findtext(".//Replace/Item/Data") == "http://a/?b&c"
    assert names(client.send(header_status(2), status(2, 2, "Replace", 200), FINAL)) == ["Status", "Final"]
    assert policy.session.over and policy.todo[1][0].status == 200


def test_generic_alert_goes_to_the_policy():
    server, policy = serve()
    policy.alert = 202
    root = Client(server).send(
        START,
        "<Alert><Data>1226</Data><CmdID>u-u-i-d</CmdID><Correlator></Correlator><Item><Source><LocURI>./x</LocURI>"
        "</Source><Meta><Type>\n org.x </Type><Mark>critical</Mark></Meta><Data>410</Data></Item></Alert>",
        "<Alert><CmdID>9</CmdID><Data>7</Data></Alert><Sync><CmdID>10</CmdID></Sync><Odd><CmdID>11</CmdID></Odd>",
        FINAL,
    )
    assert codes(root)[2:] == [
        ("Alert", "u-u-i-d", "202"),
        ("Alert", "9", "406"),
        ("Sync", "10", "406"),
        ("Odd", "11", "400"),
    ]
    assert policy.session.alerts[1] == (1226, "org.x", "./x", "", "critical", "", b"410")


def test_next_message_until_the_client_is_done():
    server, policy = serve([Get("./a")])
    client = Client(server)
    root = client.send(START)
    assert names(root) == ["Status", "Status", "Alert"] and root.findtext(".//Alert/Data") == "1222"
    assert policy.session is None
    assert "Get" in names(client.send(header_status(1), DEVINFO, FINAL))
    part = "<Results><CmdID>4</CmdID><MsgRef>2</MsgRef><CmdRef>3</CmdRef><Item><Data>1</Data></Item></Results>"
    assert names(client.send(header_status(2), status(2, 3, "Get", 200), part)) == ["Status", "Alert"]
    assert names(client.send(header_status(3), part, FINAL)) == ["Status", "Final"]
    assert [result.source for result in policy.session.results] == ["./a", "./a"]


def test_package_is_split_by_the_clients_limit():
    gets = [Get("./node/%03d" % number) for number in range(40)]
    server, policy = serve(gets)
    client = Client(server, limits="<MaxMsgSize>1500</MaxMsgSize>")
    root, messages = client.start(), 1
    while "Final" not in names(root):
        assert len(client.reply.body) <= 1500
        done = [status(messages, get.findtext("CmdID"), "Get", 200) for get in root.iter("Get")]
        root, messages = client.send(header_status(messages), *done, NEXT), messages + 1
        assert ("Alert", "90", "200") in codes(root)
    done = [status(messages, get.findtext("CmdID"), "Get", 200) for get in root.iter("Get")]
    assert names(client.send(header_status(messages), *done, FINAL)) == ["Status", "Final"]
    assert messages > 3 and all(get.status == 200 for get in gets) and policy.session.over


def test_answers_to_a_part_may_take_several_messages():
    server, policy = serve([Get("./node/%03d" % number) for number in range(20)])
    client = Client(server, limits="<MaxMsgSize>1500</MaxMsgSize>")
    first, *others = [get.findtext("CmdID") for get in client.start().iter("Get")]
    root = client.send(header_status(1), status(1, first, "Get", 200))
    assert names(root) == ["Status", "Alert"]
    root = client.send(header_status(2), *(status(1, other, "Get", 200) for other in others))
    assert "Get" in names(root)


def test_what_fits_no_message_is_never_sent():
    wide = Atomic([Replace(Item("./a", "x" * 2000))])
    server, policy = serve([wide], [Get("./a")])
    client = Client(server, limits="<MaxMsgSize>1500</MaxMsgSize><MaxObjSize>3000</MaxObjSize>")
    assert "Get" in names(client.start())
    assert (wide.status, wide.sent) == (413, False)


def test_abort_both_ways():
    server, policy = serve([Get("./a")], [Get("./b")])
    client = Client(server)
    client.start()
    root = client.send(header_status(1), "<Alert><CmdID>5</CmdID><Data>1223</Data></Alert>", FINAL)
    assert names(root) == ["Status", "Status", "Final"] and policy.session.failure == "the client aborted"
    assert policy.asked == 1
    server, policy = serve([Alert(1223)], [Get("./a")])
    assert names(Client(server).start())[3:] == ["Alert", "Final"]
    assert policy.session.over and policy.session.failure == "the server aborted"


def test_repeated_message_gets_the_same_bytes():
    server, policy = serve([Get("./a")], [Get("./b")])
    client = Client(server)
    client.start()
    first = client.reply
    client.post({})
    assert client.reply is first
    client.send(header_status(1), status(1, 4, "Get", 200), FINAL)
    second = client.reply
    client.post({})
    assert client.reply is second and policy.session.msg_id == 2


def test_the_same_session_id_may_come_again():
    server, policy = serve()
    Client(server).start()
    first = policy.session
    Client(server, limits="<MaxMsgSize>2000</MaxMsgSize>").start()
    assert policy.session is not first and policy.session.msg_id == 1


def test_versions_that_are_not_spoken():
    server, policy = serve()
    assert codes(Client(server).start(version="2.0"))[0] == ("SyncHdr", "0", "505")
    assert policy.session is None


def test_resp_uri_and_no_resp():
    server, policy = serve([Get("./a", no_resp=True)], resp_uri="http://dm/?s=1")
    root = Client(server).start()
    assert root.findtext("SyncHdr/RespURI") == "http://dm/?s=1" and root.find(".//Get/NoResp") is not None


# --- large objects


@pytest.mark.parametrize("chunk", [1, 7, 1000, None])
def test_large_object_down(chunk):
    image = bytes(range(256)) * (12 if chunk != 1 else 1)
    push = Replace(Item("./x/Update/PkgData", image, format="bin", type="application/octet-stream"))
    server, policy = serve([Get("./first"), push, Get("./after")])
    client = Client(server, limits="<MaxMsgSize>1400</MaxMsgSize>")
    root, carried, sizes, messages = _start_with_chunk(client, policy, chunk), "", [], 0
    while True:
        messages += 1
        assert len(client.reply.body) <= 1400
        replace = root.find(".//Replace")
        piece = replace.findtext("Item/Data")
        assert 0 < len(piece) <= (chunk or 1400)
        carried += piece
        sizes.append(replace.findtext("Item/Meta/Size"))
        if replace.find("Item/MoreData") is None:
            break
        assert "Final" not in names(root) and names(root)[-1] == "Replace"
        done = status(messages, replace.findtext("CmdID"), "Replace", 213)
        root = client.send(header_status(messages), done, NEXT)
    assert base64.b64decode(carried) == image and "Final" in names(root) and root.find(".//Get") is not None
    assert sizes[0] == str(len(carried)) and set(sizes[1:]) == {None}
    client.send(header_status(messages), status(messages, replace.findtext("CmdID"), "Replace", 200), FINAL)
    assert push.status == 200


def _start_with_chunk(client, policy, chunk):
    original = policy.packages

    def packages(session):
        session.chunk_max = chunk
        yield from original(session)

    policy.packages = packages
    return client.start()


def test_large_object_refused_in_the_middle():
    push, after = Add(Item("./big", "ä&" * 2000)), Get("./after")
    server, policy = serve([push, after])
    client = Client(server, limits="<MaxMsgSize>1400</MaxMsgSize>")
    replace = client.start().find(".//Add")
    root = client.send(header_status(1), status(1, replace.findtext("CmdID"), "Add", 420), NEXT)
    assert push.status == 420 and names(root)[-2:] == ["Get", "Final"]


def test_object_over_the_clients_limit():
    push = Add(Item("./big", b"x" * 100, format="bin"))
    server, policy = serve([push])
    assert names(Client(server, limits="<MaxObjSize>99</MaxObjSize>").start())[-1] == "Final"
    assert (push.status, push.sent) == (413, False)


def upward(data, size=None, more=True):
    return (
        "<Results><CmdID>4</CmdID><MsgRef>1</MsgRef><CmdRef>4</CmdRef>%s<Item><Source><LocURI>./a</LocURI></Source>"
        "<Data>%s</Data>%s</Item></Results>"
        % (
            "<Meta><Size>%d</Size></Meta>" % size if size is not None else "",
            data,
            "<MoreData></MoreData>" if more else "",
        )
    )


def test_large_object_up():
    get = Get("./a")
    server, policy = serve([get])
    client = Client(server)
    client.start()
    root = client.send(header_status(1), status(1, 4, "Get", 200), upward("ab", 5))
    assert codes(root)[1] == ("Results", "4", "213") and root.findtext(".//Alert/Data") == "1222"
    assert codes(client.send(header_status(2), upward("cd")))[1] == ("Results", "4", "213")
    assert names(client.send(header_status(3), upward("e", more=False), FINAL)) == ["Status", "Final"]
    assert [result.data for result in get.results] == [b"abcde"]


@pytest.mark.parametrize(("second", "code"), [(upward("c", more=False), "424"), (upward("x" * 9), "413")])
def test_large_object_up_of_a_wrong_size(second, code):
    get = Get("./a")
    server, policy = serve([get])
    server.object_max = 10
    client = Client(server)
    client.start()
    client.send(header_status(1), status(1, 4, "Get", 200), upward("ab", 5))
    assert ("Results", "4", code) in codes(client.send(header_status(2), second, FINAL))
    assert get.results == []


def test_large_object_up_interrupted():
    server, policy = serve([Get("./a")])
    client = Client(server)
    client.start()
    client.send(header_status(1), status(1, 4, "Get", 200), upward("ab", 5))
    root = client.send(header_status(2), DEVINFO, FINAL)
    assert root.findtext(".//Alert/Data") == "1225" and root.findtext(".//Alert/Item/Source/LocURI") == "./a"
    assert codes(client.send(header_status(3), upward("cd"), FINAL))[1] == ("Results", "4", "411")
