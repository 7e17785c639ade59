"""A selection of the network's faults over real sockets, on both interpreters; test_network_faults.py has all of them.

What has to wait for a pause of the agent goes on after a power cycle instead, which costs no waiting.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from flash_tools.server import web_faults
from flash_tools.server.bench import BenchServer
from tests.host.scenario_runs import CPYTHON, ENGINES, MICROPYTHON, write
from tests.scenarios.download import CUT_AT
from tests.scenarios.sim_rig import K, SimRig

BOTH = (CPYTHON, MICROPYTHON)
_BROKEN_S = 0.3  # by then a device has seen that its connection is gone
NAMES = {CPYTHON: "cpython", MICROPYTHON: "micropython"}


def together(work, *cases):
    """Do `work(case)` for all cases, four at a time; fail with the first one that fails."""
    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(work, *case) for case in cases]:
            job.result()


class Place:
    """A management server, a download server whose certificate may be wrong, and a device."""

    def __init__(self, folder, micropython, *words, certificate="good", relay=False, size=20 * K, **options):
        self._stack = ExitStack()
        self.server = self._stack.enter_context(BenchServer(relay=relay))
        authority = self.server.authority
        self.files = self._stack.enter_context(BenchServer(authority=authority, certificate=certificate))
        folder = folder / NAMES[micropython] / certificate
        self.rig = SimRig(self.server, folder, *words, micropython=micropython, user="yes", size=size, **options)
        self._stack.enter_context(self.rig)

    def package(self):
        """Return a package at the download server that is described, and asks to be told, at the management server."""
        data = self.rig.update("2.0")
        there = self.files.add_package(data, "fw.fup")
        return self.server.add_package(data, "fw.fup", {"objectURI": there.url}), there

    def order(self, method="download-and-update", **options):
        """Order it."""
        return self.rig.order(self.package()[0], method, **options)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()


def test_wrong_certificates_of_the_download_server(tmp_path):
    """The update ends with 503, and 954 for the download server, which can be told: its notification goes elsewhere."""

    def check(kind, micropython):
        with Place(tmp_path, micropython, certificate=kind) as place:
            outcome = place.order().wait(30)
            assert (outcome.code, outcome.notifications) == (503, ["954 Loader Error"]), (
                kind,
                micropython,
                place.rig.heard,
            )
            assert place.files.transcript.count("package") == 0 and outcome.firmware_version == "1.0"
            write(place.server.transcript, "certificate-%s-%s" % (kind, NAMES[micropython]))

    kinds = ("expired", "future", "wrong-name", "other-ca")
    together(check, *[(kind, micropython) for kind in kinds for micropython in BOTH])


@pytest.mark.parametrize("micropython", ENGINES)
def test_the_clock_is_unknown(tmp_path, micropython):
    """A board without the time relies on its firmware's: good certificates are good, those of later times are not."""
    with Place(tmp_path, micropython, "--no-clock", certificate="future") as place:
        assert place.order().wait(30).code == 503
    with Place(tmp_path, micropython, "--no-clock") as place:
        assert place.order().wait(30).code == 200


@pytest.mark.parametrize("micropython", ENGINES)
def test_statuses_of_the_download_server(tmp_path, micropython):
    """One device, one order after the other: each with its code, and the last one with success."""
    with Place(tmp_path, micropython) as place:
        package, there = place.package()
        for status, code in ((404, 411), (401, 406), (400, 409)):
            place.files.web_faults.add("package", web_faults.status(status), times=None)
            order = place.server.order(place.rig.device_id, package)
            place.rig.cycle("so that it listens")
            place.rig.notify()
            outcome = order.wait(30)
            assert (outcome.code, outcome.notifications) == (code, ["954 Loader Error"]), (status, outcome)
            place.files.web_faults.clear()
        place.rig.cycle("so that it listens")
        assert place.rig.order(package, "download-and-update").wait(30).code == 200


def test_a_wrong_length(tmp_path):
    """A server that announces more than the descriptor, and less: fetched twice, 402 and 905."""

    def check(by, micropython):
        with Place(tmp_path / str(by), micropython) as place:
            place.files.web_faults.add("package", web_faults.length(by), times=None)
            outcome = place.order().wait(30)
            assert (outcome.code, outcome.notifications) == (402, ["905 Attribute mismatch"])
            assert place.files.transcript.count("package") == 2

    together(check, *[(by, micropython) for by in (30, -30) for micropython in BOTH])


def test_a_download_that_breaks(tmp_path):
    """It goes on where it was after the power was away; a server that ignores ranges starts over, and all is well, too."""

    def check(at, fault, whole, micropython):
        with Place(tmp_path / str(at), micropython, size=64 * K) as place:
            place.files.web_faults.add("package", web_faults.cut(at, fault))
            if whole:
                place.files.web_faults.add("package", web_faults.no_range(), times=None)
            order = place.order()
            place.rig.wait(*(CUT_AT if at > 40 * K else ("progress",)))
            time.sleep(_BROKEN_S)
            place.rig.cycle("while the device waits")
            assert order.wait(30).code == 200
            asked = [step.fields.get("range") for step in place.files.transcript.steps if step.title.startswith("GET")]
            assert len(asked) >= 2 and any(asked) == (at > 40 * K), asked

    cases = [(20 * K, "close", False), (50 * K, "reset", False), (52 * K, "close", True)]
    together(check, *[(*case, micropython) for case in cases for micropython in BOTH])


def test_management_messages_are_lost(tmp_path):
    """Each time the device says the same again; nothing is done twice."""

    def check(fault, skip, micropython):
        with Place(tmp_path / fault.name.replace(" ", "") / str(skip), micropython) as place:
            place.server.web_faults.add("dm", fault, skip=skip)
            outcome = place.order().wait(30)
            assert (outcome.code, outcome.exec_status, len(outcome.alerts)) == (200, 202, 1), (fault.name, skip)
            assert outcome.notifications == ["900 Success"]
            write(place.server.transcript, "lost-message-%d-%s" % (skip, NAMES[micropython]))

    faults = [
        (web_faults.lost(), 2),
        (web_faults.unanswered("close"), 0),
        (web_faults.cut(-1), 3),
        (web_faults.cut(300), 1),
    ]
    together(check, *[(fault, skip, micropython) for fault, skip in faults for micropython in BOTH])


@pytest.mark.parametrize("micropython", ENGINES)
def test_the_202_is_lost(tmp_path, micropython):
    """Nobody is there after the Exec; the result comes with its correlator all the same."""
    with Place(tmp_path, micropython) as place:
        order = place.order()
        place.rig.wait("state 30")
        place.server.web_faults.add("dm", web_faults.unanswered("reset"), times=1)
        outcome = order.wait(30)
        assert outcome.code == 200 and {report.correlator for report in outcome.alerts} == {order.correlator}


@pytest.mark.parametrize("way", ["up", "down"])
def test_the_line_breaks_in_the_middle_of_tls(tmp_path, way):
    """Wherever it breaks, in the handshake, in a record: the message goes out again."""

    def check(after, micropython):
        with Place(tmp_path / str(after) / way, micropython, relay=True) as place:
            place.server.relay.add(way, after=after)
            place.server.relay.add(way, after=after + 700)
            url = place.package()[1].url  # not behind the relay
            assert place.rig.order(None, "download-and-update", url=url).wait(30).code == 200
            assert place.server.relay.connections >= 3

    together(check, *[(after, micropython) for after in (150, 1900) for micropython in BOTH])


@pytest.mark.parametrize("micropython", ENGINES)
def test_supersede_in_the_middle_of_a_download(tmp_path, micropython):
    """A notification pauses the download; the session brings another order, and only that one is reported."""
    with Place(tmp_path, micropython, size=64 * K) as place:
        place.files.web_faults.add("package", web_faults.slow(60000))
        first = place.server.order(place.rig.device_id, place.package()[0])
        place.rig.press()
        place.rig.wait("progress")
        package = place.server.add_package(place.rig.update("3.0"), "three.fup")
        second = place.rig.order(package, "download-and-update")
        outcome = second.wait(30)
        assert (outcome.code, outcome.firmware_version, first.outcome.result) == (200, "3.0", "waiting")
        assert [report.correlator for _, report in place.server.desk.intake.reports] == [second.correlator]
        write(place.server.transcript, "supersede-" + NAMES[micropython])


@pytest.mark.parametrize("micropython", ENGINES)
def test_stale_nonces_and_a_server_that_forgets(tmp_path, micropython):
    """Both sides find each other again by a challenge, in the same session or in the next one."""
    with Place(tmp_path, micropython) as place:
        account = place.server.device(place.rig.device_id)
        account.client_nonce = b"of another time!"
        place.server.faults.stale_nonce = 1
        place.server.web_faults.add("dm", web_faults.do(place.server.forget_sessions), skip=3)
        place.server.order(place.rig.device_id, place.package()[0], correlator="one")
        place.rig.press()
        assert next(iter(place.server.desk.orders.values())).wait(40).code == 200
        assert (
            "<Data>401</Data>" in place.server.transcript.text() or "<Data>407</Data>" in place.server.transcript.text()
        )
