"""Longer lives: more than one order, more than one server, owners and users with ideas of their own."""

from dataclasses import replace

from ports.sim import firmware
from tests.soak import goods
from tests.soak.plan import Event, Order, Plan, Wire
from tests.soak.reached import CUT_POINTS

_SLOW = Wire("cdn", "rate", (4000,), "/", 0, -1)
_WEB = ("dau", "download", "fetch")
_LATER = 150000


def _plan(settings, *orders, **changes):
    return Plan(orders=orders, **{**settings, **changes})


def _dd(**more):
    return Order(**{"descriptor": True, "notify": True, **more})


def _later(number, ms=_LATER, notified=True):
    return Event(("ms", ms), "release", (number, notified))


def two_updates(random, settings):
    """One update after the other."""
    second = Order("dau", "b", version=goods.OTHER, held_back=True)
    return _plan(settings, Order(random.choice(("dau", "push", "download"))), second, events=(_later(1),), codes=(200,))


def bad_then_good(random, settings):
    """An update that fails, then one that does not."""
    behaviour = random.choice((firmware.CRASH, firmware.HANG, firmware.UNFIT))
    first = Order(random.choice(("dau", "push")), behaviour=behaviour)
    second = Order("dau", "b", version=goods.OTHER, held_back=True, encoding=random.choice(("none", "deflate")))
    return _plan(settings, first, second, events=(_later(1),), codes=(410,))


def failed_then_update(random, settings):
    """A download fails, and then PkgURL is written anew."""
    first = Order("dau", flaw=random.choice(("key", "crc", "counter")))
    second = Order(random.choice(("dau", "push")), "b", version=goods.OTHER, held_back=True)
    return _plan(settings, first, second, events=(_later(1),), codes=tuple({goods.FLAWS[first.flaw]}))


def superseded(random, settings):
    """Another order comes while the first one is carried out; the first is over or goes out as it is."""
    when = ("phase", random.choice(("download", "download", "verify", "ready", "report")), random.randint(0, 4000))
    notified = random.random() < 0.6
    options = {} if notified else {"poll_interval_ms": 60000}
    first = _dd(method=random.choice(_WEB))
    second = _dd(method=random.choice(_WEB), correlator="b", version=goods.OTHER, held_back=True)
    slow = (Wire("cdn", "rate", (random.choice((300, 2000)),), "/0", 0, -1),)
    event = Event(when, "release", (1, notified))
    return _plan(settings, first, second, events=(event,), wires=slow, options=options)


def order_in_trial(random, settings):
    """An order comes between ARM and the end of the trial: it waits or is refused, and is given again."""
    first = _dd(method=random.choice(("dau", "push")), descriptor=False, notify=False)
    second = Order("dau", "b", version=goods.OTHER, held_back=True)
    event = Event(("phase", random.choice(("arm", "trial")), random.randint(0, 4000)), "release", (1,))
    return _plan(settings, first, second, events=(event,), codes=(200,))


def other_server(random, settings):
    """A second server orders something while the first one's order goes on, and is refused."""
    second = Order("dau", "b", "other", version=goods.OTHER, held_back=True, statuses=(403, 202))
    event = Event(("phase", "download", random.randint(0, 3000)), "release", (1,))
    return _plan(settings, _dd(), second, events=(event,), wires=(_SLOW,), codes=(200,))


def other_server_later(random, settings):
    """A second server orders something when the first one's order is over."""
    second = Order("dau", "b", "other", version=goods.OTHER, held_back=True)
    return _plan(settings, _dd(), second, events=(_later(1),), codes=(200,))


def same_again(random, settings):
    """The server gives the same Exec again, in mid-download or when the result waits."""
    when = ("phase", random.choice(("download", "report", "verify")), random.randint(0, 3000))
    events = (Event(when, "again", (0,)), Event(when, "notify"))
    codes = random.choice(((), (500, 500), (408,)))
    return _plan(settings, _dd(), events=events, wires=(_SLOW,), codes=(200,), alert_codes=codes)


def same_image(random, settings):
    """The package's image runs already."""
    method = random.choice(("dau", "download", "push", "fetch"))
    statuses = (200, 202) if method == "push" else (202,)
    return _plan(settings, Order(method, version=goods.OLD, statuses=statuses), codes=(200,))


def nothing_held(random, settings):
    """Exec Update with nothing held."""
    return _plan(settings, Order("update", statuses=(405,)), codes=())


def empty_url(random, settings):
    """Exec Download before anybody wrote a URL."""
    return _plan(settings, Order(random.choice(("dau", "fetch")), replace=False, statuses=(405,)), codes=())


def held_then_update(random, settings):
    """A package is downloaded, and installed long after by an Exec of its own."""
    second = Order("update", "b", held_back=True)
    boots = (Event(("ms", 100000), "cut"),) if random.random() < 0.3 else ()
    return _plan(settings, Order("fetch"), second, events=(_later(1),) + boots, codes=(200,))


def held_then_other(random, settings):
    """A package is held when another URL is written."""
    second = Order(random.choice(("dau", "push")), "b", version=goods.OTHER, held_back=True)
    return _plan(settings, Order("fetch"), second, events=(_later(1),), codes=(200,))


def held_then_same_image(random, settings):
    """A package is held when one comes that runs already, and then Update: nothing of the first may be installed."""
    second = Order("download", "b", version=goods.OLD, held_back=True, statuses=(202,))
    return _plan(settings, Order("fetch"), second, events=(_later(1),), codes=(200,))


def new_url_then_update(random, settings):
    """A package is held when another URL is written: Update finds nothing."""
    second = Order("stale", "b", held_back=True, statuses=(405,))
    return _plan(settings, Order(random.choice(("fetch", "push"))), second, events=(_later(1),), codes=(200,))


def running_image_held(random, settings):
    """The running image is what is held; the power goes in the download that an Exec without a new PkgURL begins."""
    second = Order("push", "b", version=goods.OLD, held_back=True)
    third = Order("fetch", "c", replace=False, held_back=True)
    cut = Event(("phase", "download", random.randint(0, 400), 1), random.choice(("cut", "reset")))
    return _plan(settings, Order("fetch"), second, third, events=(_later(1), _later(2, 2 * _LATER), cut), codes=(200,))


def try_again(random, settings):
    """After a trial that failed the server orders the held package once more."""
    first = Order(random.choice(("dau", "push")), behaviour=random.choice((firmware.CRASH, firmware.UNFIT)))
    again = Order("update", "b", held_back=True, codes=(410,))
    event = Event(("phase", "report", random.randint(0, 300)), random.choice(("cut", "reset")))
    return _plan(settings, first, again, events=(_later(1), event), codes=(410,))


def cleaned(random, settings):
    """The board needs the spare bank."""
    first = Order(random.choice(("dau", "fetch")), behaviour=random.choice((firmware.GOOD, firmware.CRASH)))
    event = Event(("ms", random.choice((_LATER, random.randint(45000, 90000)))), "clean_up")
    return _plan(settings, first, events=(event,), codes=(200, 410))


def cleaned_then_new(random, settings):
    """The board needs the spare bank, and then another order comes."""
    first = Order(random.choice(("dau", "push")), behaviour=random.choice((firmware.GOOD, firmware.CRASH)))
    second = Order(random.choice(("dau", "push")), "b", version=goods.OTHER, held_back=True)
    event = Event(("ms", _LATER), "clean_up")
    return _plan(settings, first, second, events=(event, _later(1, 2 * _LATER)), codes=(200, 410))


def many_cuts(random, settings):
    """The power goes again and again in one and the same phase: a boot without progress is one of ten."""
    phase, code = random.choice((("accepted", 409), ("ready", 409), ("arm", 409), ("trial", 410)))
    method = {"accepted": "push", "ready": "dau"}.get(phase, random.choice(("dau", "push")))
    cuts = (("phase", phase, 0),) * 14
    return _plan(settings, _dd(method=method, descriptor=method == "dau"), cuts=cuts, codes=(code,))


def cut_at_a_place(random, settings):
    """The power goes at a flash operation of one certain kind."""
    place, effect = random.choice(CUT_POINTS), random.choice(("none", "done", "prefix", "half", "weak"))
    first = _dd(method=random.choice(("dau", "download"))) if random.random() < 0.7 else Order("push")
    cut = ("where", place, random.choice((1, 1, 2, 3)), effect)
    return _plan(settings, first, cuts=(cut,), codes=(200,))


def reflashed(random, settings):
    """The owner puts another firmware there, in the middle of anything."""
    phase = random.choice(("download", "verify", "ready", "arm", "trial", "report", "session", "idle"))
    event = Event(("phase", phase, random.randint(0, 3000)), "reflash")
    second = Order("dau", "b", version=goods.OTHER, held_back=True)
    return _plan(settings, _dd(), second, events=(event, _later(1, 300000)))


def factory_reset(random, settings):
    """The owner resets the device, in the middle of anything; then comes another order."""
    phase = random.choice(("download", "verify", "ready", "arm", "trial", "report", "session", "idle"))
    event = Event(("phase", phase, random.randint(0, 3000)), "factory_reset")
    second = Order("dau", "b", version=goods.OTHER, held_back=True)
    behaviour = random.choice((firmware.GOOD, firmware.CRASH))
    return _plan(settings, _dd(behaviour=behaviour), second, events=(event, _later(1, 300000)))


def crashes_later(random, settings):
    """The new firmware passes its trial, and crashes at each start from then on: the old one comes back."""
    phase = random.choice(("report", "session", "idle"))
    ms = random.choice((0, random.randint(0, 1200), random.randint(0, 60000)))
    event = Event(("phase", phase, ms, random.choice((0, 0, 1))), "reset")
    first = Order("dau", behaviour=firmware.CRASH_CONFIRMED)
    return _plan(settings, first, events=(event,), codes=(200, 410))


def watchdog(random, settings):
    """The watchdog bites, once or many times."""
    phase = random.choice(("download", "verify", "ready", "arm", "report", "session", "idle"))
    count = random.choice((1, 2, 4))
    events = tuple(Event(("phase", phase, random.randint(0, 2000), nth), "reset") for nth in range(count))
    return _plan(settings, _dd(), events=events, codes=(200, 410))


def held_and_crashing(random, settings):
    """The old firmware crashes while a package is held or being armed: the first stage takes that one."""
    phase = random.choice(("ready", "accepted", "arm", "report", "idle"))
    events = tuple(Event(("phase", phase, 0, nth), "reset") for nth in range(4))
    if phase == "idle":
        events = tuple(Event(("ms", 120000 + 900 * nth), "reset") for nth in range(4))
    method = "fetch" if phase in ("idle", "report") else random.choice(("dau", "push", "download"))
    cuts = (("where", "fallback", random.randint(1, 4), "none"),) if random.random() < 0.5 else ()
    second = Order("update", "b", held_back=True)
    return _plan(settings, Order(method), second, events=events + (_later(1, 300000),), cuts=cuts)


def refused_push(random, settings):
    """A pushed package is refused: the Status says why."""
    flaw = random.choice(sorted(goods.PUSHED))
    first = Order("push", flaw=flaw, statuses=(goods.PUSHED[flaw],))
    return _plan(settings, first, codes=())


def chatty_user(random, settings):
    """A user asks again and again."""
    events = tuple(Event(("ms", random.randint(0, 200000)), "user") for _ in range(6))
    return _plan(settings, _dd(), events=events, codes=(200,))


def read_errors(random, settings):
    """The flash fails to answer now and then."""
    events = tuple(Event(("ms", random.randint(0, 100000)), "read_error", (1,)) for _ in range(2))
    return _plan(settings, _dd(), events=events, codes=(200, 410))


def _titled(function):
    title = function.__name__.replace("_", " ")

    def made(random, settings):
        plan = function(random, settings)
        plan.title = title
        return plan

    return title, made


_ALL = (
    two_updates, bad_then_good, failed_then_update, superseded, order_in_trial, other_server, other_server_later, same_again,
    same_image, nothing_held, empty_url, held_then_update, held_then_other, held_then_same_image, running_image_held,
    new_url_then_update, try_again, cleaned, cleaned_then_new, many_cuts, cut_at_a_place, reflashed, factory_reset,
    crashes_later, watchdog, held_and_crashing, refused_push, chatty_user, read_errors,
)  # fmt: skip
LIVES = dict(_titled(function) for function in _ALL)


def with_cuts(plan, cuts):
    """Return the plan with power cuts: what is told then depends on when they come."""
    orders = tuple(replace(order, codes=(200, 402, 409, 410), statuses=None) for order in plan.orders)
    return replace(plan, orders=orders, cuts=cuts, codes=None, title=plan.title + ", cuts")
