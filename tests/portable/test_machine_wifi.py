"""ports/micropython/wifi.py and net.py over it: several networks, wrong keys, radios that fail, who listens meanwhile."""

from agent.errors import LinkError
from tests.portable.check import raises
from tests.portable.fakes import Fake

_MANY = 4000


def _wifi(fake, *networks, **more):
    board = fake.port()
    board.net = board.network({"wifi": [list(each) for each in networks]}, "wifi", **more)
    return board.net


def _until(fake, net, done, most_ms=300000):
    """Step as a main loop does, in a time that runs as fast as it is asked for; return how long that took."""
    gone_ms = 0
    for _ in range(_MANY):
        if done():
            return gone_ms
        wait_ms = net.step()
        assert 0 <= wait_ms <= 60000
        fake.time.late_ms += wait_ms
        gone_ms += wait_ms
        assert gone_ms <= most_ms, net.link.text
    assert False, net.link.text


def _joins(fake):
    return [name for what, name in fake.network.asked if what == "connect"]


def test_it_comes_up():
    for port in ("rp2", "esp32"):
        with Fake(port=port, wlan={"home": "secret"}) as fake:
            net = _wifi(fake, ("home", "secret"))
            assert not net.up and net.name_servers == ()
            with raises(LinkError):
                net.udp().send(b"x", "127.0.0.1", 9)
            assert _until(fake, net, lambda: net.up) < 5000
            assert net.name_servers == ("127.0.0.1",) and "127.0.0.1" in net.link.text
            net.udp().close()
            assert "secret" not in "".join(fake.said) + net.link.text


def test_who_listens_before_it_is_up_hears_when_it_is():
    with Fake(wlan={"home": "secret"}) as fake:
        net, into, number = _wifi(fake, ("home", "secret")), bytearray(20), 20000 + fake.port().random(30000)
        late, closed = net.udp(number), net.udp(number + 1)
        closed.close()
        closed.close()
        assert late.receive(into) is None and late.port == number
        _until(fake, net, lambda: net.up)
        assert late.receive(into) is None
        talker, found = net.udp(), None
        talker.send(b"hello", "127.0.0.1", number)
        for _ in range(1000):
            found = found or late.receive(into)
        assert found[0] == 5 and into[:5] == b"hello"
        late.close()
        talker.close()
        assert late.receive(into) is None
        with raises(LinkError):
            talker.send(b"x", "127.0.0.1", number)
        net.udp(number).close()  # nobody has it any more


def test_an_open_network_is_joined_without_a_key():
    with Fake(wlan={"cafe": ""}) as fake:
        net = _wifi(fake, ("cafe", ""))
        _until(fake, net, lambda: net.up)


def test_a_wrong_key_says_so_and_connections_say_it_too():
    for port in ("rp2", "esp32"):
        with Fake(port=port, wlan={"home": "right"}) as fake:
            net = _wifi(fake, ("home", "hunter2"))
            _until(fake, net, lambda: "key" in net.link.text)
            with raises(LinkError) as caught:
                net.connect("bench.test", "127.0.0.1", 1, False)
            assert "key is wrong" in str(caught.error) and "WLAN home" in str(caught.error)
            assert "hunter2" not in str(caught.error) + "".join(fake.said)


def test_no_access_point_then_one_that_comes():
    for port in ("rp2", "esp32"):
        with Fake(port=port) as fake:
            fake.network.join_ms = 3000
            net = _wifi(fake, ("home", "k"))
            _until(fake, net, lambda: "not there" in net.link.text)
            fake.network.air["home"] = "k"
            _until(fake, net, lambda: net.up)
            assert len(_joins(fake)) == 2, port


def test_several_networks_in_turn():
    with Fake(wlan={"third": "3", "second": "other"}) as fake:
        net = _wifi(fake, ("first", "1"), ("second", "2"), ("third", "3"))
        _until(fake, net, lambda: net.up, 25000)
        assert _joins(fake) == ["first", "second", "third"]


def test_pauses_grow_and_end_at_a_minute():
    with Fake() as fake:
        net, gaps, last = _wifi(fake, ("home", "k")), [], 0
        for number in range(1, 9):
            last = _until(fake, net, lambda: len(_joins(fake)) > number, 90000)
            gaps.append(last)
        for i in range(1, len(gaps)):
            assert gaps[i] * 5 >= gaps[i - 1] * 4, gaps  # in a time that a busy machine lets jump
        assert gaps[0] < 15000 and 55000 <= gaps[-1] <= 75000, gaps


def test_a_radio_that_hangs_is_switched_off_and_on():
    with Fake() as fake:
        net = _wifi(fake, ("home", "k"))
        _until(fake, net, lambda: len(_joins(fake)) > 4)
        switched = [value for what, value in fake.network.asked if what == "active"]
        assert switched == [True, False, True]


def test_a_network_that_never_answers_is_given_up():
    with Fake(wlan={"slow": "s", "home": "k"}) as fake:
        fake.network.join_ms = 1 << 28
        net = _wifi(fake, ("slow", "s"), ("home", "k"))
        _until(fake, net, lambda: len(_joins(fake)) > 1, 25000)
        assert [text for text in fake.said if "20 s" in text]


def test_lost_and_found():
    for port in ("rp2", "esp32"):
        with Fake(port=port, wlan={"home": "k"}) as fake:
            net = _wifi(fake, ("home", "k"))
            _until(fake, net, lambda: net.up)
            del fake.network.air["home"]
            _until(fake, net, lambda: not net.up, 2000)
            assert net.name_servers == ()
            fake.network.air["home"] = "k"
            _until(fake, net, lambda: net.up, 10000)
            assert [text for text in fake.said if text == "WLAN home: lost"]


def test_the_same_is_not_said_again_and_again():
    with Fake() as fake:
        net = _wifi(fake, ("home", "k"), ("other", "k"))
        _until(fake, net, lambda: len(_joins(fake)) > 12)
        assert len([text for text in fake.said if "not there" in text]) == 2


def test_a_radio_that_fails_is_tried_again():
    with Fake(wlan={"home": "k"}) as fake:
        net = _wifi(fake, ("home", "k"))
        net.step()
        net.link.nic.broken = "no answer"
        _until(fake, net, lambda: "no answer" in net.link.text)
        net.link.nic.broken = ""
        _until(fake, net, lambda: net.up)


def test_a_radio_that_never_answers_ends_nothing():
    for where in ("the chip", "its driver"):
        with Fake(wlan={"home": "k"}) as fake:
            real = fake.network.WLAN

            def broken(interface, where=where):
                if where == "its driver":
                    raise OSError(19, "no radio")
                nic = real(interface)
                nic.broken = "no radio"
                return nic

            fake.network.WLAN = broken
            net = _wifi(fake, ("home", "k"), ("other", "k"))
            for _ in range(2000):
                fake.time.late_ms += net.step()
            assert not net.up and "no radio" in net.link.text and len(fake.said) == 1
            fake.network.WLAN = real
            if net.link.nic:
                net.link.nic.broken = ""
            _until(fake, net, lambda: net.up)


def test_nothing_provisioned():
    with Fake() as fake:
        net = _wifi(fake)
        assert net.step() > 1000 and "--wifi" in net.link.text and not fake.network.asked


def test_what_the_board_file_chooses():
    with Fake(wlan={"home": "k"}) as fake:
        net = _wifi(fake, ("home", "k"), power_save="none", country="DE", hostname="sensor7")
        net.step()
        assert ("country", "DE") in fake.network.asked and ("hostname", "sensor7") in fake.network.asked
        assert net.link.nic.settings == {"reconnects": 0, "pm": fake.network.WLAN.PM_NONE}
