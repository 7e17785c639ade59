"""A board that does not let its flash be written for a while: the update waits, whatever happens in the wait, and goes on."""

from agent.diagnosis import diagnosis
from agent.errors import ProtocolError
from agent.job import DOWNLOAD, IDLE
from hal.temperature import Gate
from ports.sim.device import CUT
from ports.sim.device import IDLE as DONE
from ports.sim.power import PowerCut
from tests.data import vectors
from tests.dm.firmware import Firmware
from tests.dm.objects import DictJournal
from tests.portable.check import raises
from tests.portable.i2c_chips import ThermometerChip
from tests.portable.test_push import MANIFEST_END, STORED, feed, push_all
from tests.portable.test_update import LAYOUT, make_device

BANK = [start for name, start, _ in LAYOUT if name == "bank1"][0]
HEADER = [start for name, start, _ in LAYOUT if name == "header1"][0]


class Weather:
    """What the device's board says when it is asked: `answers` is a function of the count of questions, "" allows."""

    def __init__(self, device, answers):
        self._device, self._answers = device, answers
        self.asked, self.said, self.when = 0, [], []
        self.written_when_forbidden = 0
        self._forbidden = False
        device.server.powered = self._powered
        device.server.log = self.said.append
        self._satisfied, device.server.satisfied = device.server.satisfied, self._look
        for name in ("program", "erase"):
            setattr(device.flash, name, self._watch(getattr(device.flash, name)))

    def _powered(self, device):
        device.server.device = device
        device.hardware.may_write = self.ask
        self._forbidden = False

    def ask(self):
        """Be the board's `may_write`."""
        self.asked += 1
        self.when.append(self._device.clock.ms())
        answer = self._answers(self.asked)
        self._forbidden = bool(answer)
        return answer

    def _look(self, update):
        """Between two steps: who waits keeps nobody else from the link."""
        assert not self._forbidden or (update.fetch is None and update.pause() and update.state in (30, 60))
        return self._satisfied(update)

    def _watch(self, do):
        def watched(addr, what):
            banks = addr >= BANK or HEADER <= addr < HEADER + 4096
            self.written_when_forbidden += banks and self._forbidden
            return do(addr, what)

        return watched


def _boot_to_the_end(device, most=30):
    for _ in range(most):
        if device.boot() == DONE:
            return
    assert False, "no end"


def _slow(device, encoding):
    """Give the device a slow link: writing takes longer than what lies between two questions."""
    device.server.piece, device.server.pause = max(1, len(vectors.PACKAGES[encoding]) // 1000), 2


def test_it_is_not_begun_while_it_is_forbidden():
    device = make_device(vectors.PACKAGES["deflate"])
    weather = Weather(device, lambda count: "at 90 C" if count <= 50 else "")
    opened = []
    give = device.server.open
    device.server.open = lambda job, offset, capacity: opened.append(weather.asked) or give(job, offset, capacity)
    _boot_to_the_end(device)
    assert device.server.reports == [("a", 200, "2")]
    assert min(opened) > 50 and weather.written_when_forbidden == 0
    assert [b - a for a, b in zip(weather.when, weather.when[1:50])] == [10000] * 49
    assert weather.said == ["the update waits: at 90 C", "the update goes on"]
    assert device.longest_gap_ms < 8388 // 2


def test_it_is_interrupted_and_goes_on_at_its_block():
    for encoding in ("none", "deflate", "delta"):
        device = make_device(vectors.PACKAGES[encoding])
        _slow(device, encoding)
        weather = Weather(device, lambda count: "at -30 C" if count % 2 == 0 else "")
        _boot_to_the_end(device)
        assert device.server.reports == [("a", 200, "2")], encoding
        assert weather.written_when_forbidden == 0 and len(weather.said) >= 2, encoding
        pauses = [b - a for a, b in zip(weather.when, weather.when[1:])]
        assert min(pauses) >= 5000, encoding


def test_days_of_waiting_are_not_the_downloads():
    device = make_device(vectors.PACKAGES["deflate"])
    device.server.pause = 2
    weather = Weather(device, lambda count: "too hot" if count <= 30000 else "")
    _boot_to_the_end(device)
    assert device.server.reports == [("a", 200, "2")] and device.clock.ms() > 3 * 86400000
    assert len(weather.said) == 2


def test_the_power_fails_in_the_wait():
    for number in (1, 2, 5):

        def answer(count):
            if count % 6 == number and count < 40:
                raise PowerCut()
            return "too cold" if count < 40 else ""

        device = make_device(vectors.PACKAGES["deflate"])
        weather = Weather(device, answer)
        ends = []
        for _ in range(20):
            ends.append(device.boot())
            if ends[-1] == CUT:
                record = device.update.record
                assert record.job.phase == DOWNLOAD and record.job.code == 0
                assert record.progress.package_at == 0 and device.server.reports == []
            if ends[-1] == DONE:
                break
        assert ends.count(CUT) >= 6 and device.server.reports == [("a", 200, "2")], ends
        assert weather.written_when_forbidden == 0


def test_cuts_at_operations_with_weather_that_changes():
    for number in range(3, 420, 23):
        for effect in ("none", "prefix", "half", "weak"):
            device = make_device(vectors.PACKAGES["deflate"])
            _slow(device, "deflate")
            weather = Weather(device, lambda count: "too cold" if count % 3 == number % 3 else "")
            device.flash.faults.plan(device.flash.ops + number, effect, number)
            _boot_to_the_end(device)
            assert device.server.reports == [("a", 200, "2")], (number, effect)
            assert weather.written_when_forbidden == 0, (number, effect)


def test_a_real_gate_over_a_sensor():
    device = make_device(vectors.PACKAGES["deflate"])
    chip = ThermometerChip(90000)
    gate = Gate(chip, -20, 85, device.clock, device.log)

    def answer(count):
        chip.milli_c = 90000 if count < 4 else 40000
        return gate.ask()

    weather = Weather(device, answer)
    _boot_to_the_end(device)
    assert device.server.reports == [("a", 200, "2")] and len(weather.said) == 2
    assert "90 C" in weather.said[0]
    device = make_device(vectors.PACKAGES["deflate"])
    chip.silent = True
    gate = Gate(chip, -20, 85, device.clock, device.log)
    weather = Weather(device, lambda count: gate.ask())
    _boot_to_the_end(device)
    assert device.server.reports == [("a", 200, "2")] and len(weather.said) == 1


def test_a_board_that_never_forbids_is_asked_seldom():
    device = make_device(vectors.PACKAGES["none"])
    weather = Weather(device, lambda count: "")
    _boot_to_the_end(device)
    assert device.server.reports == [("a", 200, "2")] and weather.asked < 20 and weather.said == []


def test_the_diagnosis_says_it():
    fw = Firmware(DictJournal(), {})
    assert "flash" not in diagnosis(fw.hardware, fw.record, fw.facts)
    fw.hardware.may_write = lambda: ""
    assert diagnosis(fw.hardware, fw.record, fw.facts).endswith("\nflash may be written")
    fw.hardware.may_write = lambda: "at 90 C\n" + "x" * 5000
    text = diagnosis(fw.hardware, fw.record, fw.facts)
    assert "\nupdate waits: at 90 C?xxx" in text and len(text) < 1024


def test_a_push_is_to_come_later_and_touches_nothing():
    fw = Firmware(DictJournal(), {"job": {"state": 50}, "held": 1})
    fw.hardware.may_write = lambda: "at 90 C"
    push, before = fw.make_push(), fw.flash.ops
    feed(push, STORED[:MANIFEST_END])
    with raises(ProtocolError) as caught:
        feed(push, STORED, 192, MANIFEST_END)
    assert caught.error.code == 417 and "90 C" in str(caught.error)
    push.abandon()
    assert fw.flash.ops == before and fw.kept[:3] == (IDLE, 50, 1)
    fw.hardware.may_write = lambda: ""
    assert push_all(fw, STORED) == 200 and fw.whole() == "2"
