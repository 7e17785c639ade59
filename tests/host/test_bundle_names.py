"""What the bundler may call by one name, and what it must not: families of classes, texts that are names, arguments by `**`."""

import pytest

from flash_tools.deploy import bundle_spoken
from flash_tools.deploy.board_file import read
from flash_tools.deploy.bundle import bundle, read_tree
from flash_tools.deploy.bundle_families import Families
from flash_tools.deploy.bundle_program import Program
from flash_tools.deploy.bundle_resolve import resolve
from flash_tools.deploy.files import ROOT
from tests.host.test_bundle import as_files, interpreters, run

_FAMILIES = """
class A:
    def __init__(self):
        self._hidden_one = 1
        self.shown = 2

    def go(self):
        return self._read_all(3) + self._hidden_one

    def _read_all(self, x):
        if x > 1:
            return self._own_way() + x
        return 0

    def _own_way(self):
        return 10


class B(A):
    def _own_way(self):
        return 20


class C:
    def __init__(self, other):
        self._hidden_two, self._other = 5, other

    def go(self):
        return self._read_all() + self._hidden_two

    def _read_all(self):
        found = self._other.shown
        return found * 100


    def look(self):
        return self._look_all()

    def _look_all(self):
        return 6


class D:
    def __init__(self):
        self._third, self.shown = 7, 8

    def _look_all(self):
        return self._third

    def peek(self, other):
        return other._look_all() + other._third


def start():
    d = D()
    print(A().go(), B().go(), C(A()).go(), C(d).look(), d.peek(D()), d.peek(d))


start()
"""
_SPOKEN = """
class Job:
    def __init__(self):
        self.server, self.plain_one, self.asked_for = "s", 1, 2
        self.given = {"plain_one": 3}

    def by_text(self, name):
        return getattr(self, name)

    def __getattr__(self, name):
        if name == "later_on":
            return 9
        if name == "is_rare":
            return lambda: Rare.is_rare(self)
        raise AttributeError(name)


class Rare(Job):
    def is_rare(self):
        return 4


def start():
    job = Job()
    job.asked_for += 1
    print(%s, job.plain_one, job.given, job.later_on, job.is_rare(), hasattr(job, "asked_for"), job.asked_for, job.server)


start()
"""
_OPEN = """
class Options:
    def __init__(self, width=1, height=2, **more):
        self.area, self.more = width * height, sorted(more)


class Plain:
    def __init__(self, width, height):
        self.area = width - height


def total(width, height=0):
    return width + height


def product(width, height=0):
    return width * height


def kept(width, height=0):
    return width - height


def start():
    given = {"width": 3, "height": 4, "aa": 5}
    made = Options(**given)
    two = {"width": 3, "height": 4}
    call = [product, kept][0]
    print(made.area, made.more, Plain(5, 1).area, total(1, 2), call(**two), kept(**two))


start()
"""


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("text", [_FAMILIES, _SPOKEN % 'job.by_text("server")', _SPOKEN % 1, _OPEN])
def test_the_same_is_said(tmp_path, text, one):
    tree = {"agent": "", "agent.a": text, "main": "from agent.a import start\n\nstart()\n"}
    image = bundle(tree, "main", one=one)
    for number, interpreter in enumerate(interpreters()):
        said = run(as_files(tree), "main", tmp_path / ("plain%d" % number), interpreter)
        assert said and run(image.sources, "main", tmp_path / ("made%d" % number), interpreter) == said


def test_attributes_of_self_share_names_between_families_only():
    names = bundle({"main": _FAMILIES}, "main").names
    assert names["_hidden_one"] in (names["_hidden_two"], names["_other"]), "nobody sees both in one object"
    assert len({names["_hidden_one"], names["shown"], names["_third"]}) == 3, "others are asked of anything"


def test_methods_of_one_name_are_put_in_place_in_each_family():
    text = bundle({"main": _FAMILIES}, "main").sources["main.py"]
    assert text.count("def ") == _FAMILIES.count("def ") - 2, (
        "_read_all; not what B has anew, nor _look_all, which D is asked for"
    )


def test_texts_are_names_where_something_works_them_out():
    """A module that is not known to do that: every text may be a name. Without it, only those in getattr and its like are."""
    every = bundle({"main": _SPOKEN % 'job.by_text("server")'}, "main").names
    assert not {"server", "plain_one", "asked_for", "later_on"} & set(every)
    text = (_SPOKEN % 1).replace("return getattr(self, name)", "return 0")
    some = bundle({"main": text}, "main").names
    assert {"server", "plain_one"} <= set(some) and not {"asked_for", "is_rare"} & set(some)


@pytest.mark.parametrize("board", ["pico_w_nor", "rig_mps2", "esp32_ota", "stm32_mcuboot"])
def test_the_firmware_has_no_name_that_is_worked_out_elsewhere(board):
    """Whoever adds one says in bundle_spoken.py what it is made of; until then images are larger."""
    file = read(board, ROOT / "board" / (board + ".py"))
    program = Program(read_tree(ROOT, board, file.text), ["ports.micropython.main"])
    resolve(program)
    assert set(bundle_spoken.working_out(program)) <= set(bundle_spoken.ORIGINS)


def test_arguments_that_a_text_may_name_keep_theirs():
    text = bundle({"main": _OPEN}, "main").sources["main.py"]
    assert text.count("width") == 8, "Options, product, kept, and the dictionaries"


def test_classes_with_a_base_of_somebody_else_are_in_no_family():
    text = (
        "import io\n\n\nclass A(io.IOBase):\n    pass\n\n\nclass B(A):\n    pass\n\n\nclass C(Exception):\n    pass\n"
    )
    program = Program({"main": text}, ["main"])
    resolve(program)
    assert set(Families(program).of) == {"main:C"}


def test_a_module_of_the_application_keeps_its_name():
    tree = {
        "agent": "",
        "main": "def start():\n    from agent.b import x\n\n    return x()\n",
        "agent.b": "def x():\n    return 1\n",
    }
    assert set(bundle(tree, "main").sources) == {"main.py", "a.py"}
    assert set(bundle(tree, "main", keep={"a", "b"}).sources) == {"main.py", "c.py"}


_ERRORS = """
class PackageError(Exception):
    def __init__(self, text="", code=0):
        super().__init__(text)
        self.code = code
"""
_JUDGE = """
from agent.errors import PackageError


def judge(size):
    if size > 9:
        text = "%d is too long"
        raise PackageError(text % size, 402)
    if size > 5:
        raise PackageError("nobody is shown that", code=405)
    kept = "kept"
    if size > 3:
        raise PackageError(str(size) + kept)
    raise ValueError("shown")
"""
_SAYS = """
from agent.errors import PackageError
from agent.manifest import judge


def start():
    for size in (10, 6, 4, 1):
        try:
            judge(size)
        except PackageError as e:
            print(e.code, str(e)[-5:])
        except ValueError as e:
            print(e)


start()
"""


def test_texts_of_errors_that_nobody_is_shown_go(tmp_path):
    tree = {"agent": "", "agent.errors": _ERRORS, "agent.manifest": _JUDGE, "main": _SAYS}
    said = []
    for hushed in ((), ("agent.manifest", "agent.not_there")):
        image = bundle(tree, "main", hushed=hushed)
        said.append(run(image.sources, "main", tmp_path / str(len(hushed)), interpreters()[-1]).split("\n"))
    assert said[0] == ["402  long", "405  that", "0 4kept", "shown", ""]
    assert said[1] == ["402 ", "405 ", "0 4kept", "shown", ""]
    text = image.sources["main.py"]
    assert "too long" not in text and "nobody" not in text and text.count("kept") == 1
