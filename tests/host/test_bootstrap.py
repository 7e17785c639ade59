"""The bootstrap message of our server, taken by our client: both sides know nothing of each other's code."""

import pytest

from agent import bootstrap
from flash_tools.server.dm.device import Device
from flash_tools.server.dm.push import bootstrap as build
from tests.portable.test_bootstrap import Client, account

KEYS = (b"\x29\x62\x01\x00\x10\x32\x54\x76", b"123456")


@pytest.mark.parametrize("sec", ["NETWORKID", "USERPIN"])
@pytest.mark.parametrize("server", ["srv", "https://dm.example.org/a&b<c>"])
def test_our_servers_message_makes_an_account(sec, server):
    device = Device("dev", server_id="srv")
    document = account(server.replace("&", "&amp;").replace("<", "&lt;").replace("b&lt;c>", "bc")).encode()
    body, headers = build(device, KEYS[sec == "USERPIN"], document, sec=sec)
    client = Client()
    code, names = bootstrap.accept(client, headers["Content-Type"], body, KEYS.__getitem__)
    assert (code, names) == (200, ["Acc"])
    assert client.accounts.account("Acc").url == "http://dm.example.org"
    other = build(device, b"wrong", document, sec=sec)[1]["Content-Type"]
    assert bootstrap.accept(Client(), other, body, KEYS.__getitem__) == (401, ())
