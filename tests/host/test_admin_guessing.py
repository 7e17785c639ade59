"""Guessing the admin token: how often, from where, who is not locked out by it, and that the memory for it is bounded."""

import pytest

from flash_tools.server.admin.limiter import ALL_BURST, EACH_BURST, EACH_S, Limiter, network
from tests.host.admin_office import TOKEN, Admin


@pytest.fixture
def fresh():
    with Admin() as admin:
        yield admin


def test_guessing_ends(fresh):
    cookie = fresh.cookie()
    statuses = [fresh.ask("GET", "/api/devices", token="guess-%d" % each).status for each in range(EACH_BURST + 3)]
    assert statuses == [401] * EACH_BURST + [429] * 3
    answer = fresh.ask("GET", "/api/devices")
    assert answer.status == 429 and 1 <= int(answer.headers["retry-after"]) <= EACH_S, "the right one is not told apart"
    form = fresh.ask("POST", "/sign-in", "token=" + TOKEN, token=None)
    assert form.status == 429 and b"wait" in form.body and "set-cookie" not in form.headers
    assert fresh.ask("GET", "/?token=" + TOKEN, token=None).status == 429
    assert fresh.ask("GET", "/api/devices", token=None, cookie=cookie).status == 200, "who is in stays in"


def test_the_same_wrong_token_is_no_guess(fresh):
    statuses = {fresh.ask("GET", "/api/devices", token="old").status for _ in range(EACH_BURST * 3)}
    assert statuses == {401}
    assert fresh.ask("GET", "/api/devices").status == 200


def test_the_limits():
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    for number in range(EACH_BURST):
        assert limiter.wait_s("10.0.0.1") == 0
        limiter.wrong("10.0.0.1", b"%d" % number)
    assert 0 < limiter.wait_s("10.0.0.1") <= EACH_S
    assert limiter.wait_s("10.0.0.2") == 0
    now[0] += EACH_S
    assert limiter.wait_s("10.0.0.1") == 0
    limiter.right("192.168.0.9")
    for number in range(ALL_BURST):
        limiter.wrong("10.1.%d.1" % number, b"x%d" % number)
    assert limiter.wait_s("10.9.9.9") > 0, "many addresses are bounded together"
    assert limiter.wait_s("192.168.0.9") == 0, "who had the right token is not locked out by others"
    assert limiter.is_known(b"x%d" % (ALL_BURST - 1)) and not limiter.is_known(b"y")


def test_the_limits_stay_small():
    limiter = Limiter(lambda: 0.0)
    for number in range(5000):
        limiter.wrong("2001:db8:%x::1" % number, b"%d" % number)
        limiter.right("10.0.%d.%d" % divmod(number % 65536, 256))
    assert len(limiter._each) <= 1024 and len(limiter._wrong) <= 256 and len(limiter._trusted) <= 64


def test_what_counts_as_one_address():
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("10.0.0.1") != network("10.0.0.2")
    assert network("fe80::1%eth0") == network("fe80::2") and network("nonsense") == network("?")
