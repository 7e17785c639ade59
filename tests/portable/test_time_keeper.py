"""When a time server is asked, and what a refused certificate leads to."""

from agent.errors import LinkError
from agent.time_keeper import TimeKeeper


class _Clock:
    def __init__(self):
        self.now = 0

    def ms(self):
        return self.now

    def since(self, then):
        return self.now - then


class _Sockets:
    """A network whose time server answers with `answer(request)`."""

    def __init__(self, answer):
        self._answer, self.came, self.asked = answer, None, 0

    def udp(self, port=0):
        return self

    def send(self, data, address, port):
        self.asked += 1
        self.came = self._answer(data)

    def receive(self, into):
        came, self.came = self.came, None
        if came is None:
            return None
        into[: len(came)] = came
        return len(came), "192.0.2.9", 123

    def close(self):
        pass


class _Port:
    def __init__(self, answer):
        self.clock, self.net, self.told = _Clock(), _Sockets(answer), []
        self.random = lambda below: 7 % below
        self.set_unix = self.told.append


class _WallTime:
    def __init__(self, known, takes=True):
        self.known, self.takes = known, takes

    def set_by_network(self, seconds):
        self.known = self.known or self.takes
        return self.takes


def _answer(request):
    seconds = 1800000000 + 2208988800
    return bytes([0x24, 1]) + bytes(22) + request[40:48] + bytes(8) + seconds.to_bytes(4, "big") + bytes(4)


def _keeper(port, wall_time, server=("192.0.2.9", 123)):
    return TimeKeeper(port, wall_time, server, lambda *parts: None)


def _finish(keeper, port):
    for _ in range(2000):
        if not keeper.wanted():
            return
        port.clock.now += keeper.step() or 1
    raise AssertionError("no end")


def test_a_board_that_knows_the_time_does_not_ask():
    port = _Port(_answer)
    assert not _keeper(port, _WallTime(True)).wanted()
    assert not _keeper(port, _WallTime(False), None).wanted()


def test_the_time_is_asked_for_and_told_to_the_port():
    port, wall_time = _Port(_answer), _WallTime(False)
    _finish(_keeper(port, wall_time), port)
    assert port.told == [1800000000] and wall_time.known and port.net.asked == 1


def test_a_time_before_what_is_certain_is_not_told():
    port = _Port(_answer)
    keeper = _keeper(port, _WallTime(True, takes=False))
    assert keeper.ask_again()
    _finish(keeper, port)
    assert port.told == []


def test_a_server_that_is_silent_is_asked_again_an_hour_later():
    port = _Port(lambda request: None)
    keeper = _keeper(port, _WallTime(False))
    _finish(keeper, port)
    assert port.net.asked == 3 and not keeper.wanted()
    port.clock.now += 3600001
    assert keeper.wanted()


def test_a_certificate_refused_for_its_dates():
    port = _Port(_answer)
    keeper = _keeper(port, _WallTime(True))
    assert keeper.ask_again() and keeper.wanted()
    _finish(keeper, port)
    assert port.told == [1800000000]
    assert not keeper.ask_again(), "once"
    assert not _keeper(port, _WallTime(True), None).ask_again()


def test_a_network_that_fails_is_no_error():
    port = _Port(lambda request: None)

    def fail(data, address, port):
        raise LinkError("no way")

    port.net.send = fail
    _finish(_keeper(port, _WallTime(False)), port)
