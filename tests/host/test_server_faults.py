"""Faults by script: the switches and hooks do what they say, and are signed or forged as they say."""

from flash_tools.server.dm.commands import Get
from flash_tools.server.dm.element import leaf, node
from flash_tools.server.dm.server import Faults
from tests.host.server_client import (
    FINAL,
    Client,
    account,
    chal,
    header_status,
    mac_value,
    md5_data,
    names,
    serve,
)


def test_switches():
    device = account(server_auth="md5", server_nonce=b"n")
    faults = Faults(bad_digest=1, no_final=1)
    server, policy = serve([Get("./a")], device=device, faults=faults)
    client = Client(server)
    root = client.start()
    assert root.findtext(".//Cred/Data") == md5_data("srv", "not s3", b"n") and names(root)[-1] == "Get"
    assert (faults.bad_digest, faults.no_final) == (0, 0)
    first, faults.duplicate = client.reply, 1
    answers = header_status(1, 401, chal("md5", b"m")), FINAL
    client.send(*answers)
    assert client.reply is first
    client.post({})
    assert client.reply is not first
    faults.stale_nonce = True
    root = client.send(header_status(2, 401, chal("md5", b"o")), FINAL)
    assert root.findtext(".//Cred/Data") == md5_data("srv", "s3", b"m")


def test_hooks_forge():
    device = account(server_auth="MAC", server_nonce=b"n")

    def add_unknown(session, message):
        message.find("SyncBody").children.append(node("Teleport", leaf("CmdID", 77)))

    faults = Faults(
        tree=add_unknown,
        body=lambda session, body: body.replace(b"./a", b"./b"),
        headers=lambda session, headers: {**headers, "X-Odd": "1"},
    )
    server, policy = serve([Get("./a")], device=device, faults=faults)
    client = Client(server)
    root = client.start()
    assert names(root)[-1] == "Teleport" and root.findtext(".//Get//LocURI") == "./b"
    honest = client.reply.body.replace(b"./b", b"./a")
    assert client.reply.headers["x-syncml-hmac"].endswith(mac_value("srv", "s3", b"n", honest))
    assert client.reply.headers["X-Odd"] == "1"
