"""Who the OMA DM server lets in, how it names itself, and what it pushes: formulas by the standard's vectors."""

import base64
import hashlib
import hmac
import json
import pathlib

import pytest

from flash_tools.server.dm import auth as dm_auth
from flash_tools.server.dm.codec import WBXML, decode
from flash_tools.server.dm.commands import Exec, Get
from flash_tools.server.dm.push import bootstrap, notification, session_id_text, wap_push
from flash_tools.server.dm.server import Device
from tests.host.server_client import (
    FINAL,
    Client,
    account,
    chal,
    codes,
    cred,
    header_status,
    mac_value,
    md5_data,
    names,
    next_nonce,
    serve,
    status,
)

VECTORS = pathlib.Path("/work/shared/vectors/omadm-auth-and-package0.json")


def test_challenge_md5_then_212():
    device = account(auth="md5")
    server, policy = serve([Get("./a")], device=device)
    client = Client(server)
    root = client.start()
    assert codes(root) == [("SyncHdr", "0", "407"), ("Alert", "1", "407"), ("Replace", "2", "407")]
    assert root.findtext(".//Chal/Meta/Type") == "syncml:auth-md5" and names(root)[-1] == "Final"
    nonce = next_nonce(root)
    assert policy.session is None
    root = client.start(cred=cred("md5", md5_data("dm", "wrong", nonce)))
    assert codes(root)[0][2] == "401" and next_nonce(root) != nonce
    root = client.start(cred=cred("md5", md5_data("dm", "päss", next_nonce(root))))
    assert codes(root)[0][2] == "212" and "Get" in names(root)
    assert device.client_nonce == next_nonce(root)
    root = client.send(header_status(3), status(3, 4, "Get", 200), FINAL)
    assert codes(root) == [("SyncHdr", "0", "212")] and root.find(".//Chal") is None


def test_md5_per_message():
    device = account(auth="md5", each_message=True, client_nonce=b"n")
    server, policy = serve([Get("./a")], device=device)
    client = Client(server)
    root = client.start(cred=cred("md5", md5_data("dm", "päss", b"n")))
    assert codes(root)[0][2] == "200"
    good = cred("md5", md5_data("dm", "päss", next_nonce(root)))
    root = client.send(header_status(1), status(1, 4, "Get", 200), FINAL, cred=good)
    assert codes(root)[0][2] == "200" and next_nonce(root) == device.client_nonce


def test_basic_and_the_end_of_patience():
    server, policy = serve(device=account(auth="basic"))
    client = Client(server)
    for _ in range(3):
        assert client.start(cred=cred("basic", "AAAA")).find(".//Chal") is not None
    root = client.start(cred=cred("basic", "AAAA"))
    assert codes(root)[0][2] == "401" and root.find(".//Chal") is None
    good = cred("basic", base64.b64encode("dm:päss".encode()).decode())
    assert codes(Client(server, "2").start(cred=good))[0][2] == "212"


def test_unknown_device():
    server, policy = serve()
    root = Client(server).start(device="stranger")
    assert codes(root)[0][2] == "407" and root.find(".//Chal") is None and policy.session is None


def test_mac_both_ways():
    device = account(auth="MAC", server_auth="MAC", server_nonce=b"theirs", client_nonce=b"ours")
    server, policy = serve([Get("./a")], device=device)
    client = Client(server)

    def sign(nonce):
        form = 'mac="%s", algorithm=md5,username=dm'
        return lambda body: form % mac_value("dm", "päss", nonce, body)

    def check(nonce):
        mac = mac_value("srv", "s3", nonce, client.reply.body)
        assert client.reply.headers["x-syncml-hmac"] == 'algorithm=MD5, username="srv", mac=' + mac

    root = client.start(mac=sign(b"ours"))
    check(b"theirs")
    assert codes(root)[0][2] == "200" and root.find(".//Cred") is None
    answers = header_status(1, 200, chal("MAC", b"new one")), status(1, 4, "Get", 200), FINAL
    root = client.send(*answers, mac=sign(b"ours"))  # stale by now
    assert codes(root)[0][2] == "401" and policy.todo[0][0].status is None
    check(b"theirs")
    root = client.send(*answers, mac=sign(next_nonce(root)))
    assert codes(root)[0][2] == "200" and policy.todo[0][0].status == 200


def test_mac_of_another_user():
    server, policy = serve(device=account(auth="MAC", client_nonce=b"n"))
    root = Client(server).start(mac=lambda body: "username=md, mac=" + mac_value("dm", "päss", b"n", body))
    assert codes(root)[0][2] == "401" and policy.session is None


def test_challenge_to_another_message_does_not_count():
    device = account(server_auth="md5", server_nonce=b"n")
    server, policy = serve([Get("./a")], device=device)
    client = Client(server)
    client.start()
    client.send(header_status(9, 401, chal("md5", b"forged")), status(1, 4, "Get", 200), FINAL)
    assert device.server_nonce == b"n" and policy.todo[0][0].status == 200


def test_mac_is_missing():
    server, policy = serve(device=account(auth="MAC"))
    root = Client(server).start()
    assert codes(root)[0][2] == "407" and root.findtext(".//Chal/Meta/Type") == "syncml:auth-MAC"


@pytest.mark.parametrize("code", [401, 407])
def test_client_challenges_the_server(code):
    order = Exec("./x", correlator="c")
    device = account(server_auth="md5", server_nonce=b"old" if code == 401 else None)
    server, policy = serve([order, Get("./a")], device=device)
    client = Client(server)
    root = client.start()
    assert (root.find(".//Cred") is None) == (code == 407)
    challenge = header_status(1, code, chal("md5", b"fresh"))
    root = client.send(challenge, status(1, 4, "Exec", code), status(1, 5, "Get", code), FINAL)
    assert root.findtext(".//Cred/Data") == md5_data("srv", "s3", b"fresh")
    assert [name for name in names(root) if name != "Status"] == ["Exec", "Get", "Final"] and order.status is None
    accepted = header_status(2, 212, chal("md5", b"next session"))
    root = client.send(accepted, status(2, 2, "Exec", 202), status(2, 3, "Get", 200), FINAL)
    assert order.status == 202 and root.find(".//Cred") is None and device.server_nonce == b"next session"


def test_client_that_never_accepts():
    server, policy = serve([Get("./a")], device=account(server_auth="md5", server_nonce=b"n"))
    client = Client(server)
    client.start()
    root = client.send(header_status(1, 401), FINAL)
    assert root.findtext(".//Alert/Data") == "1223" and policy.session.over


def test_zero_nonce_after_a_notification():
    device = account(auth="md5", server_auth="md5", server_nonce=b"lost", client_nonce=b"lost too")
    notification(device, 0x3A, resync=True)
    server, policy = serve([Get("./a")], device=device)
    client, zero = Client(server), bytes(4)
    root = client.start(cred=cred("md5", md5_data("dm", "päss", zero)))
    assert codes(root)[0][2] == "212" and root.findtext(".//Cred/Data") == md5_data("srv", "s3", zero)
    assert next_nonce(root) == device.client_nonce and not device.resync
    assert codes(Client(server, "9").start(cred=cred("md5", md5_data("dm", "päss", zero))))[0][2] == "401"


@pytest.mark.skipif(not VECTORS.exists(), reason="no vectors at " + str(VECTORS))
def test_vectors():
    vectors = json.loads(VECTORS.read_text())
    for each in vectors["auth_basic"]:
        assert dm_auth.basic(each["user"], each["password"]) == each["data"]
    for each in vectors["auth_md5"]:
        assert dm_auth.md5(each["user"], each["password"], bytes.fromhex(each["nonce_hex"])) == each["data"]
    for each in vectors["auth_mac"]:
        body = each["body"].encode() if "body" in each else bytes.fromhex(each["body_hex"])
        assert dm_auth.mac(each["user"], each["password"], bytes.fromhex(each["nonce_hex"]), body) == each["mac"]


@pytest.mark.skipif(not VECTORS.exists(), reason="no vectors at " + str(VECTORS))
def test_notification_vectors():
    for each in json.loads(VECTORS.read_text())["pkg0"]:
        nonce = bytes.fromhex(each["nonce_hex"])
        device = Device("d", server_id=each["server_id"], server_secret=each["password"], server_nonce=nonce)
        vendor = bytes.fromhex(each.get("vendor_hex", ""))
        whole = bytes.fromhex(each["message_hex"])
        if each.get("version"):  # a synchronisation's: its body takes the vendor's place
            vendor = whole[24 + len(each["server_id"]) :]
        made = notification(
            device,
            each["session_id_int"],
            each["ui_mode"],
            each["initiator"],
            vendor,
            version=each.get("version", 11),
        )
        assert made == whole
        assert session_id_text(each["session_id_int"]) == each.get("session_id_text", "0")


def test_push_frames():
    assert wap_push(b"x") == bytes.fromhex("010603C4AF87") + b"x"
    assert wap_push(b"x", sms=True)[:7] == bytes.fromhex("0605040B84C002")


def test_bootstrap():
    body, headers = bootstrap(Device("dev", server_id="srv"), b"1234", b"<MgmtTree/>")
    digest = hmac.new(b"1234", body, hashlib.sha1).hexdigest().upper()
    assert headers["Content-Type"] == WBXML + "; SEC=USERPIN; MAC=" + digest
    item = decode(body, WBXML).find("SyncBody", "Add", "Item")
    assert item.value("Target", "LocURI") == "./Inbox" and item.data("Data") == b"<MgmtTree/>"
