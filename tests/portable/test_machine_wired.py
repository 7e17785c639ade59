"""ports/micropython/wired.py and bring_up.py: cables that come late, drivers that fail, what NETWORK of a board file means."""

from agent.errors import FlashError, LinkError
from tests.portable.check import raises
from tests.portable.fakes import Fake


def test_a_cable_that_comes_late_and_goes():
    with Fake(port="esp32") as fake:
        fake.network.cable = False
        net = fake.port().network({}, "wired", mdc=23)
        for _ in range(5):
            net.step()
        assert not net.up and "cable" in net.link.text
        fake.network.cable = True
        net.step()
        assert net.up and net.name_servers == ("127.0.0.1",)
        fake.network.cable = False
        net.step()
        with raises(LinkError):
            net.connect("bench.test", "127.0.0.1", 9, False)


def test_a_wiznet_chip_is_asked_for_by_its_chip_select():
    with Fake() as fake:
        net = fake.port().network({}, "wired", cs=17, reset=20, bus=0, sck=18, mosi=19, miso=16)
        net.step()
        assert net.up


def test_a_firmware_without_the_driver_says_so():
    with Fake() as fake:
        net = fake.port().network({}, "wired")
        del fake.network.LAN
        for _ in range(30):
            fake.time.late_ms += net.step()
        assert not net.up and "network.LAN" in net.link.text


def test_a_board_file_may_say_more_than_the_kind():
    with Fake(wlan={"home": "k"}) as fake:
        net = fake.port().network({"wifi": [["home", "k"]]}, ("wifi", {"country": "FR", "power_save": "performance"}))
        net.step()
        assert ("country", "FR") in fake.network.asked
        assert net.link.nic.settings["pm"] == fake.network.WLAN.PM_PERFORMANCE
        wired = fake.port().network({}, ("wired", {"cs": 17, "reset": 20}))
        wired.step()
        assert wired.up


def test_a_driver_that_fails_is_made_anew():
    with Fake(port="esp32") as fake:
        from ports.micropython.clock import Clock
        from ports.micropython.wired import Lan

        made, said = [], []

        def make():
            made.append(1)
            if len(made) < 3:
                raise OSError(5, "no PHY")
            return fake.network.LAN()

        lan = Lan(make, Clock(), lambda *words: said.append(words))
        lan.step()
        assert not lan.up
        for _ in range(60):
            fake.time.late_ms += lan.step()
        assert lan.up and len(made) == 3 and len([words for words in said if "no PHY" in words[-1]]) == 1


# -- what NETWORK means ----------------------------------------------------------------------------------------------------


def test_kinds():
    with Fake() as fake:
        board = fake.port()
        net = board.network({}, None)
        assert net.up and net.step() > 0 and not net.busy
        with raises(FlashError):
            board.network({}, "pigeon")


def test_certificates_become_bytes():
    with Fake():
        from ports.micropython.bring_up import der_of

        one = "-----BEGIN CERTIFICATE-----\nAAEC\nAwQ=\n-----END CERTIFICATE-----\n"
        assert der_of(one) == (b"\x00\x01\x02\x03\x04",)
        assert der_of("text\r\n" + one.replace("\n", "\r\n") + one) == (b"\x00\x01\x02\x03\x04",) * 2
        assert der_of("") == ()


def test_resting_is_short_while_something_may_come():
    with Fake() as fake:
        board, slept = fake.port(), []
        fake.time.sleep_ms = slept.append

        class Net:
            busy = False

        board.rest(10000)
        board.net = Net()
        board.rest(10000)
        board.rest(10000, (1,))
        board.net.busy = True
        board.rest(10000)
        board.rest(3)
        board.rest(0)
        assert slept == [500, 500, 50, 10, 3]
