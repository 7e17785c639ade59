"""Methods in modules of their own, modules that are forgotten, and work that is done where the stack is not deep."""

import gc
import sys

from agent.compat import unload
from agent.errors import PackageError, ProtocolError
from agent.late import late, later
from tests.portable.check import Skip, raises


class Owner:
    """Has one method of its own."""

    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        return late(Part, self, name)

    def own(self):
        return "own"


class Part(Owner):
    """Has the others."""

    def own(self):
        return "not asked"

    def put(self, key, more=0):
        self.seen.append((key, more))
        return self._count()

    def _count(self):
        return len(self.seen)


def test_a_late_method_is_one_of_its_owner():
    owner = Owner()
    assert owner.put(1) == 1 and owner.put(2, more=3) == 2
    assert owner.seen == [(1, 0), (2, 3)] and owner.own() == "own"


def test_what_nobody_has_is_missing():
    owner = Owner()
    with raises(AttributeError):
        owner.nothing()
    assert not hasattr(owner, "nothing") and getattr(owner, "nothing", 7) == 7


def test_the_class_of_the_owner_keeps_nothing_of_it():
    if not hasattr(gc, "mem_alloc"):
        return Skip("only MicroPython counts its heap")
    parts = []

    class Host(Owner):
        def __getattr__(self, name):
            return late(parts[-1], self, name)

    host, names = Host(), "abcdefghijklmnop"
    for change in (lambda name: setattr(Host, name, 0), lambda name: delattr(Host, name)):
        for name in names:  # the table of the class has a place for each, then
            change(name)
    for name in names:
        parts.append(_large_part(name))
        assert getattr(host, name)() == _LARGE
    gc.collect()
    full = gc.mem_alloc()
    parts.clear()
    gc.collect()
    assert full - gc.mem_alloc() > (len(names) - 1) * _LARGE - 500, "the last one may still be found on the stack"


_LARGE = 20000


def _large_part(name):
    data = bytearray(_LARGE)

    class Large(Owner):
        """Has one method, which holds the data."""

    setattr(Large, name, lambda self: len(data))
    return Large


def test_what_is_handed_out_is_looked_for_at_each_call():
    owner = Owner()
    call = later(owner, "own")
    assert call() == "own"
    owner.own = lambda: "another"
    assert call() == "another"


def test_a_module_is_forgotten_and_comes_back():
    import agent
    from agent import ddf_tags

    unload(("ddf_tags", "no_such_module"))
    assert "agent.ddf_tags" not in sys.modules and not hasattr(agent, "ddf_tags")
    from agent import ddf_tags as again

    assert again is not ddf_tags and "agent.ddf_tags" in sys.modules


def test_an_order_is_taken_at_the_next_step():
    from agent.agent import Agent

    agent = Agent.__new__(Agent) if hasattr(Agent, "__new__") else None
    if agent is None:
        return
    calls = []
    agent._wish, agent._wished = None, 0
    assert agent.shallow(lambda: calls.append(1) or 202) == 0 and not calls
    agent._wished, agent._wish = agent._wish(), None  # what its step does
    assert agent.shallow(lambda: calls.append(2) or 500) == 202 and calls == [1]
    assert agent.shallow(lambda: 403) == 0  # that was told once


# -- what a board leaves out gets a defined answer ----------------------------------------------------------------------


def test_a_board_without_descriptors_neither_asks_for_one_nor_takes_it():
    from tests.portable.web_script import DATA, TYPES, URL, Bench, describe, described, serve

    bench = Bench({URL: serve(DATA)})
    bench.source.descriptor = False
    assert bench.all() == DATA and bench.web.requests[0][2] == {"Accept": ", ".join(TYPES)}
    bench = described(serve(DATA), describe())
    bench.source.descriptor = False
    with raises(PackageError) as caught:
        bench.all()
    assert (caught.error.code, caught.error.dlota) == (405, 953) and bench.user.asked == []


def test_a_board_without_device_descriptions_says_so():
    from agent.dm_property import check_query
    from tests.portable.dm_trees import filled

    tree = filled()
    assert check_query(tree, "App", "list", "TNDS", "boss") == 200
    tree.tnds = False
    assert check_query(tree, "App", "list", "StructData", "boss") == 200
    with raises(ProtocolError) as caught:
        check_query(tree, "App", "list", "TNDS", "boss")
    assert caught.error.code == 406
