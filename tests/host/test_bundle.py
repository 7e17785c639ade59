"""A bundled program does what its modules do: odd Python, imports of every kind, what is left out and what must not be."""

import subprocess
import sys

import pytest

from flash_tools.deploy import bundle as bundler
from flash_tools.deploy.bundle import bundle, bundle_one
from flash_tools.deploy.compiled import compile_sources
from flash_tools.errors import UsageError
from tests.host.bundle_odd import ODD
from tests.host.bundle_trees import ARGUMENTS, CIRCLE, COMMANDS, FORGETFUL, OPTIONS, TREE
from tests.host.test_micropython import find_micropython


def run(sources, entry, folder, interpreter):
    """Write the sources, run the entry, return what it said."""
    for place, text in sources.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    head = "import sys; sys.path.insert(0, '.')\n"
    if interpreter == sys.executable:  # MicroPython's compiler knows it
        head += "import builtins; builtins.const = lambda value: value\n"
    words = [interpreter, "-c", head + "import " + entry]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_files(tree):
    """Return the tree as it is, by place."""
    return {
        name.replace(".", "/") + ("/__init__.py" if name == "agent" else ".py"): text for name, text in tree.items()
    }


def interpreters():
    return [sys.executable] + ([find_micropython()] if find_micropython() else [])


@pytest.mark.parametrize("one", [False, True])
def test_odd_python_says_the_same(tmp_path, one):
    image = bundle(TREE, "agent.odd", name="odd", one=one)
    for number, interpreter in enumerate(interpreters()):
        said = run(as_files(TREE), "agent.odd", tmp_path / ("plain%d" % number), interpreter)
        assert (
            len(said.splitlines()) == 41
            and run(image.sources, "odd", tmp_path / ("made%d" % number), interpreter) == said
        )
    assert compile_sources(image.sources), "mpy-cross takes it"


def test_what_nobody_uses_is_left_out_and_names_are_short():
    text = bundle_one(TREE, "agent.odd", "odd").sources["odd.py"]
    assert "never_there" not in text and "unused_function" not in text and "GONE" not in text
    assert "comprehensions" not in text.replace("def ", "") or "def comprehensions" in text, (
        "the entry's own names are kept"
    )
    assert "_quiet" not in text and "_once" not in text and "based" not in text
    assert "deep" not in text.replace("'deep'", "") and "late_one" in text


def test_a_name_in_a_text_an_argument_or_the_runtime_stays():
    tree = {"main": ARGUMENTS}
    text = bundle(tree, "main").sources["main.py"]
    assert ".far" in text and ".near" in text and ".append" in text and ".said" not in text
    assert ".said" in bundle(tree, "main", keep={"said"}).sources["main.py"]


def test_no_short_name_is_given_twice():
    """Names of one or two letters stay what they are, so no other may become one of them."""
    own = ["aa", "ab", "b", "zz"] + ["attribute%d" % number for number in range(400)]
    lines = ["        self.%s = %d" % (name, number) for number, name in enumerate(own)]
    reads = ["    found.append(thing.%s)" % name for name in own]
    text = "class A:\n    def __init__(self):\n%s\n\n\ndef start():\n    thing, found = A(), []\n%s\n    return found\n"
    space = {}
    image = bundle({"main": text % ("\n".join(lines), "\n".join(reads))}, "main")
    exec(image.sources["main.py"], space)
    assert space["start"]() == list(range(404)) and len(image.names) == 400


def test_a_method_that_a_subclass_has_too_is_not_put_in_place(tmp_path):
    base = "class B:\n    def run(self):\n        return self._go()\n\n    def _go(self):\n        return 1\n"
    rare = "from agent.base import B\n\n\nclass A(B):\n    def _go(self):\n        return 2\n"
    main = "from agent.base import B\n\n\ndef start():\n    from agent.rare import A\n\n    print(A().run(), B().run())\n\n\n"
    main += "start()\n"
    sources = bundle({"agent": "", "agent.base": base, "agent.rare": rare, "main": main}, "main").sources
    assert len(sources) == 2 and run(sources, "main", tmp_path, sys.executable) == "2 1\n"


def test_methods_that_only_a_text_names_stay():
    tree = {"main": COMMANDS}
    text = bundle(tree, "main").sources["main.py"]
    assert "_factory_reset" in text and "8" not in text
    space = {}
    exec(text, space)
    assert space["start"]() == 7


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("from agent import other\n\n\ndef f():\n    return other\n\n\nprint(other)\n", "used as a value"),
        ("def f():\n    global x\n    x = 1\n", "`global`"),
        ("import agent.other\n", "write `from"),
        ("from agent.other import *\n", "cannot be bundled"),
        ("from .other import NUMBER\n", "cannot be bundled"),
        ("from agent.other import NOTHING\n", "has no NOTHING"),
        ("from agent import other\n\n\ndef f():\n    return other.nothing\n", "has no nothing"),
    ],
)
def test_what_cannot_be_known_is_refused(text, why):
    with pytest.raises(UsageError, match=why):
        bundle({**TREE, "agent.odd": text}, "agent.odd")


def test_an_option_that_is_a_constant_takes_its_code_along():
    tree = {"main": OPTIONS}
    small = bundle(tree, "main", {"small": True}).sources["main.py"]
    large = bundle(tree, "main", {"small": False}).sources["main.py"]
    assert "many" not in small and "few" in small and "small" not in small
    assert "few" not in large and "many" in large
    space = {}
    exec(small, space)
    assert space["start"]() == 2


def test_lists_of_modules_to_forget_name_what_they_became():
    image = bundle(FORGETFUL, "main")
    places = {tuple(names): place for place, names in image.modules.items()}
    lazy = places["agent.other", "agent.lazy"].removesuffix(".py")
    more = places[("agent.more",)].removesuffix(".py")
    assert "('%s', 'nothing_else')" % lazy in image.sources["main.py"] and "('%s',)" % more in image.sources["main.py"]


def test_modules_that_need_each_other_late_are_in_the_right_order(tmp_path):
    for one in (False, True):
        assert run(bundle(CIRCLE, "main", one=one).sources, "main", tmp_path / str(one), sys.executable) == "c\n"


def test_one_module_may_take_the_place_of_another(tmp_path):
    instead = "from agent.other import hidden\n\n\ndef shallow(x):\n    return hidden\n"
    tree = {**TREE, "agent.instead": instead, "main": "from agent.other import shallow\n\nprint(shallow(1))\n"}
    image = bundle(tree, "main", replace={"agent.other": "agent.instead"})
    assert run(image.sources, "main", tmp_path, sys.executable) == "local name of a global\n"


def test_the_map_leads_back():
    image = bundle(TREE, "agent.odd", name="odd")
    lines = image.sources["odd.py"].splitlines()
    at = next(number for number, line in enumerate(lines, 1) if "10 //" in line)
    told = image.map.split("odd.py:", 1)[1]
    source = ODD.splitlines().index("            y = 10 // x") + 1
    assert any(line.startswith("%d agent/odd.py:" % at) and str(source) in line for line in told.splitlines())
    assert [short for short, long in image.names.items() if long == "x"] == [] and "names\n" in image.map


def test_the_same_sources_make_the_same_bytes():
    assert bundle(TREE, "agent.odd").sources == bundle(dict(reversed(TREE.items())), "agent.odd").sources


def test_a_tree_is_read_with_its_board(tmp_path):
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "b.py").write_text("X = 1\n")
    assert bundler.read_tree(tmp_path, "b")["board.chosen"] == "X = 1\n"
    assert bundler.read_tree(tmp_path, "b", "X = 2\n")["board.chosen"] == "X = 2\n"
