"""Real packages that a server pushes into the bank of a simulated chip, with TLS and with MAC, on both interpreters."""

import pytest

from agent.job import ACCEPTED, CLEAN, DOWNLOAD, IDLE, NO_BANK, REPORT
from flash_tools.server.dm.commands import Exec, Get, Item, Replace
from flash_tools.server.dm.element import Element, leaf
from tests.data import vectors
from tests.dm.hold import KINDS, alerts, edit, hold, statuses
from tests.host.fumo_packages import PACKAGE, PACKED, REFUSED, TRUST
from tests.host.session_chunks import BREAKS, hold_chunks, push, resize

both = pytest.mark.parametrize("kind", KINDS)
ways = pytest.mark.parametrize("auth", ["MAC", "md5"])  # in RAM until the MAC holds; while it arrives
DATA = "./FUMO/Update/PkgData"
FIRMWARE = {"key": TRUST}
HELD = {"key": TRUST, "job": {"state": 50}, "held": 1}
NOTHING, WHOLE = (IDLE, 10, NO_BANK, CLEAN), (IDLE, 50, 1, CLEAN)


def session(*packages, size=1500, firmware=None, **options):
    """Push in chunks of that size; leave out the strict judge where the session is long."""
    return hold_chunks(*packages, size=size, firmware=firmware or FIRMWARE, validate=False, **options)


@both
@ways
@pytest.mark.parametrize(
    ("data", "size"), [(PACKAGE, 700), (PACKAGE, 2000), (PACKED, 1500), (vectors.PACKAGES["delta"], 100)]
)
def test_a_package(kind, auth, data, size):
    """Facts 1.4: 213 for each chunk but the last, then 200, and 10 becomes 50 without an alert."""
    before, command, after = Get("./FUMO/State"), push(data, DATA), Get("./FUMO/State")
    out = session([before], [command], [after], kind=kind, auth=auth, size=size)
    assert command.status == 200 and (before.results[0].data, after.results[0].data) == (b"10", b"50")
    assert out.device.firmware.whole() == "2" and out.device.firmware.kept == WHOLE
    codes = [code for message in out.sent for code in statuses(message, "Replace")]
    assert set(codes[:-1]) == {213} and codes[-1] == 200 and len(codes) > 2
    assert 1226 not in [code for message in out.sent for code in alerts(message)]


@both
@ways
def test_a_small_board(kind, auth):
    """Code that is not needed for a while is not in memory: what a push knows does not depend on it."""
    out = session([command := push(PACKED, DATA)], [order := Exec("./FUMO/Update")], kind=kind, auth=auth, small=True)
    assert (command.status, order.status) == (200, 202) and out.device.firmware.whole() == "2"


@both
@ways
def test_the_judge_agrees(kind, auth):
    """The validator sees one whole push."""
    out = hold([command := push(vectors.PACKAGES["delta"], DATA)], kind=kind, auth=auth, firmware=FIRMWARE)
    assert command.status == 200 and out.device.firmware.kept == WHOLE


@both
@ways
@pytest.mark.parametrize("cut", [300, 1200, 1900])
def test_chunks_that_break_on_their_way(kind, auth, cut):
    """M7: what came twice is written once."""
    network = {2: cut, 4: cut, 5: "lost", 8: cut}
    out = session([command := push(PACKAGE, DATA)], kind=kind, auth=auth, network=network, pieces=64)
    assert command.status == 200 and out.device.firmware.whole() == "2" and out.device.firmware.pushes == 1


@both
@ways
@pytest.mark.parametrize("name", list(REFUSED))
def test_a_package_that_is_refused(kind, auth, name):
    """415, 403, 420 before anything is touched, what was held stays; 424 and 500 behind that, and nothing is held."""
    data, code, touched = REFUSED[name]
    command, state = push(data, DATA), Get("./FUMO/State")
    out = session([command], [state], kind=kind, auth=auth, firmware=HELD)
    firmware = out.device.firmware
    assert command.status == code and state.results[0].data == (b"10" if touched else b"50")
    assert firmware.kept[:3] == (NOTHING if touched else WHOLE)[:3] and firmware.whole() is None
    assert firmware.record.progress.erase_end == 0 and 1226 not in alerts(out.sent[-1])


@both
@ways
@pytest.mark.parametrize("name", ["larger than the bank", "forged"])
def test_it_is_refused_as_soon_as_it_is_known(kind, auth, name):
    """The server need not send the rest of what will not be taken."""
    out = session([command := push(REFUSED[name][0], DATA)], kind=kind, auth=auth, size=1000)
    assert command.status == REFUSED[name][1] and len(out.sent) <= 4


@both
@ways
@pytest.mark.parametrize("size", [5000, None, 1 << 25])
def test_a_size_that_is_wrong(kind, auth, size):
    """424 where more comes than was announced, 411 without Size, 413 above MaxObjSize."""
    command, state = push(PACKAGE, DATA), Get("./FUMO/State")
    out = session([command], [state], kind=kind, auth=auth, server=resize(1, size))
    assert command.status == {5000: 424, None: 411, 1 << 25: 413}[size] and state.results[0].data == b"10"
    assert out.device.firmware.kept[:3] == NOTHING[:3] and out.device.firmware.whole() is None


@both
@ways
@pytest.mark.parametrize("name", list(BREAKS))
def test_a_push_that_is_broken_off(kind, auth, name):
    """1225 for the object; State 10, nothing held, nothing to report; the next push begins from the start."""
    fault = {"faults": edit((3, BREAKS[name]))}
    out = session([push(PACKAGE, DATA)], kind=kind, auth=auth, server=fault, firmware=HELD, aborted=True)
    firmware = out.device.firmware
    assert 1225 in alerts(out.sent[3]) and firmware.kept[:3] == NOTHING[:3] and firmware.record.outbox.code == 0
    assert firmware.fumo._push is None and firmware.record.progress.package_at == 0


@both
@ways
@pytest.mark.parametrize("how", ["abort", "silence"])
def test_a_session_that_ends_in_the_middle(kind, auth, how):
    """M8: a push does not outlive its session."""
    abort = Element("Alert", [leaf("CmdID", "9"), leaf("Data", "1223")])
    server = {"faults": edit((3, lambda root: root.find("SyncBody").children.__setitem__(-1, abort)))}
    network = {3: "lost", 4: "lost", 5: "lost"} if how == "silence" else {}
    server = {} if how == "silence" else server
    out = session([push(PACKAGE, DATA)], kind=kind, auth=auth, server=server, network=network, firmware=HELD)
    firmware = out.device.firmware
    assert out.session.over and firmware.kept[:3] == NOTHING[:3] and firmware.fumo._push is None


@both
@ways
def test_the_same_image_once_more(kind, auth):
    """PROTOCOL 1: the flash is left alone, the package counts as held, in the bank that runs."""
    command, names = push(vectors.OLD_PACKAGE, DATA), Get(["./FUMO/State", "./FUMO/PkgVersion"])
    out = session([command], [names], kind=kind, auth=auth)
    firmware = out.device.firmware
    assert command.status == 200 and firmware.kept[:3] == (IDLE, 50, 0)
    assert [result.data for result in names.results] == [b"50", b"1"]
    assert max(firmware.flash.pages) * 256 < firmware.hardware.banks[1].image.start


@both
@ways
@pytest.mark.parametrize("phase", [ACCEPTED, DOWNLOAD])
def test_not_while_an_update_runs(kind, auth, phase):
    """403, and the update goes on."""
    firmware = {"key": TRUST, "job": {"phase": phase, "state": 30, "server": "srv"}, "held": 1}
    out = session([command := push(PACKAGE, DATA)], kind=kind, auth=auth, firmware=firmware)
    assert command.status == 403 and out.device.firmware.kept[0] == phase and not out.device.firmware.pushes


@both
@ways
def test_while_a_result_waits(kind, auth):
    """A result that was not told yet does not stand in the way, and is told all the same."""
    job = {"phase": REPORT, "state": 20, "code": 404, "server": "srv", "correlator": "c"}
    out = session([command := push(PACKAGE, DATA)], kind=kind, auth=auth, firmware={"key": TRUST, "job": job})
    firmware = out.device.firmware
    assert command.status == 200 and firmware.kept == (REPORT, 50, 1, CLEAN) and firmware.record.outbox.code == 404


@both
@ways
@pytest.mark.parametrize("options", [{"writes": 30}, {"writes": 55}, {"shadow": True}, {"refuses": ["hold"]}])
def test_flash_that_breaks(kind, auth, options):
    """500; nothing is held."""
    command, state = push(PACKAGE, DATA), Get("./FUMO/State")
    session([command], [state], kind=kind, auth=auth, firmware={"key": TRUST, **options})
    assert command.status == 500 and state.results[0].data == b"10"


@both
@ways
def test_once_more_after_a_failure(kind, auth):
    """A server that tries again in the same session gets what it wants."""
    bad, good, order = push(REFUSED["another digest"][0], DATA), push(PACKAGE, DATA), Exec("./FUMO/Update")
    out = session([bad], [good], [order], kind=kind, auth=auth)
    assert (bad.status, good.status, order.status) == (500, 200, 202) and out.device.firmware.whole() == "2"


@both
@ways
def test_something_that_is_no_value(kind, auth):
    """415 for nothing at all, and for a format that bytes do not have; what was held stays."""
    empty, text = Replace(Item(DATA, b"", format="bin")), Replace(Item(DATA, "text", format="chr"))
    out = session([empty], [text], kind=kind, auth=auth, firmware=HELD)
    assert (empty.status, text.status) == (415, 415) and out.device.firmware.kept == WHOLE
