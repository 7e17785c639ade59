"""A device without an account: a bootstrap message brings one, and the session with the new server follows."""

import pytest

from flash_tools.server.dm.push import bootstrap
from tests.host.scripted import Bench, order

_KEY = b"123456"
_MOI = "urn:oma:mo:oma-dm-dmacc:1.0"
_LEAF = "<Node><NodeName>%s</NodeName><RTProperties><Format><%s/></Format></RTProperties><Value>%s</Value></Node>"
_NODE = "<Node><NodeName>%s</NodeName>%s</Node>"
_AUTH = (
    ("AAuthLevel", "chr"),
    ("AAuthType", "chr"),
    ("AAuthName", "chr"),
    ("AAuthSecret", "chr"),
    ("AAuthData", "b64"),
)


def _document():
    """Return the account that the bench's server knows the device by."""
    credentials = (("c", "CLCRED", "u", "s", "bm9uY2UtYw=="), ("s", "SRVCRED", "bench", "t", "bm9uY2Utcw=="))
    auth = ""
    for name, level, user, secret, nonce in credentials:
        values = level, "DIGEST", user, secret, nonce
        auth += _NODE % (name, "".join(_LEAF % (*row, value) for row, value in zip(_AUTH, values, strict=True)))
    address = _NODE % ("1", _LEAF % ("Addr", "chr", "https://bench/dm"))
    inside = _LEAF % ("ServerID", "chr", "bench") + _NODE % ("AppAddr", address) + _NODE % ("AppAuth", auth)
    inside += _LEAF % ("AAuthPref", "chr", "DIGEST")
    kind = "<RTProperties><Format><node/></Format><Type><DDFName>%s</DDFName></Type></RTProperties>" % _MOI
    text = '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>B</NodeName>%s%s</Node></MgmtTree>'
    return (text % (kind, inside)).encode()


def _message(bench, key=_KEY):
    body, headers = bootstrap(bench.accounts["bench"], key, _document(), sec="USERPIN")
    return headers["Content-Type"], body


@pytest.fixture
def nobody():
    """Take the accounts of the provisioned identity away for a while; all benches share it."""
    kept = []

    def take(bench):
        identity = bench.device.identity
        kept.append((identity, identity.accounts, identity.servers))
        identity.accounts, identity.servers = b"", []
        return bench

    yield take
    for identity, accounts, servers in kept:
        identity.accounts, identity.servers = accounts, servers


def test_a_wrong_key_counts_and_the_fourth_is_not_looked_at(nobody):
    bench = nobody(Bench(bootstrap_key=lambda which: _KEY))
    bench.run(5)
    assert [bench.agent.bootstrap(*_message(bench, b"wrong")) for _ in range(4)] == [401, 401, 401, 403]
    assert bench.agent.management.first_account() is None and not bench.sessions


def test_a_device_with_an_account_takes_none_unless_its_button_is_held():
    bench = Bench(bootstrap_key=lambda which: _KEY)
    bench.run(5)
    assert bench.agent.bootstrap(*_message(bench)) == 403
    assert bench.agent.bootstrap(*_message(bench), button=True) == 200


def test_a_device_that_nobody_gave_a_key_takes_none(nobody):
    bench = nobody(Bench())
    bench.run(5)
    assert bench.agent.bootstrap(*_message(bench)) == 401


def test_the_new_server_is_turned_to_and_may_order(nobody):
    asked = []

    def ask(bench, agent):
        if not asked:
            asked.append(agent.bootstrap(*_message(bench)))

    bench = nobody(Bench(order("dau"), ask=ask, bootstrap_key=lambda which: _KEY))
    bench.run(200)
    assert asked == [200] and bench.results == [("a", 200)]
    assert bench.agent.management.first_account().url == "https://bench/dm"
