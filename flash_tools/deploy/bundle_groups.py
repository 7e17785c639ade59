"""Which modules become one: those that are always in memory together, so that a small board never holds more than it did before.

Together are what the entry imports at once with what is `RESIDENT` soon after, and then, within a row of agent/phases.py, what the
same imports inside of functions bring. Larger groups, a row for instance, would save 4 KiB of file and cost 30 KiB of heap.
"""

import ast
import keyword
import string

from flash_tools.deploy.bundle_drop import is_definition
from flash_tools.deploy.bundle_program import own_nodes, walk
from flash_tools.errors import UsageError

PHASES = "agent.phases"
_PACKAGE = "agent"
_BUILT_IN = ("gc", "io", "os", "re", "js")  # modules of interpreters
RESIDENT = (
    "backoff dm_nonces dm_store errors fields job journal late management meetings progress record reset seconds sizes "
    "update web agent options"
)
_LASTING = (  # of other folders, whoever imports them
    "hal.lines hal.watchdog ports.micropython.bank_device ports.micropython.clock ports.micropython.console ports.micropython.pin "
    "ports.micropython.port ports.micropython.scratch ports.micropython.spi ports.micropython.uart ports.micropython.watchdog"
)
_BOARD = "board.chosen"
UNLOAD = "agent.compat:unload"


class Group:
    """Modules in the order in which their statements run; `place` is the file, `name` the module that it makes."""

    def __init__(self, modules, name):
        self.modules, self.name = modules, name

    @property
    def place(self) -> str:
        """Return where it lies in the image."""
        return self.name.replace(".", "/") + ".py"


def needs_of(program) -> dict[str, set[str]]:
    """Return {module: modules that have to be there when it is}, of what is left of the program."""
    found = {}
    for module in program.modules.values():
        used = {name.partition(":")[0] for name in globals_used(module.tree.body)}
        found[module.name] = {name for name in used if name in program.modules} - {module.name}
    return found


def globals_used(body, there=frozenset()) -> set[str]:
    """Return each `module:name` that statements use and no import around them brings."""
    found, todo = set(), [(part, there) for part in body]
    while todo:
        node, brought = todo.pop()
        if isinstance(node, ast.FunctionDef):
            todo += [
                (part, brought) for part in node.decorator_list + node.args.defaults + node.args.kw_defaults if part
            ]
            brought = brought | imported(node)
            todo += [(part, brought) for part in node.body]
            continue
        if isinstance(node, ast.Name) and ":" in node.id and node.id not in brought:
            found.add(node.id)
        todo += [(child, brought) for child in ast.iter_child_nodes(node)]
    return found


def _before(program) -> dict[str, set[str]]:
    """Return {module: modules whose statements have to be executed before its own}: what it imports at once.

    Where a statement of a module calls something, that may need whatever functions import.
    """
    found = {}
    for module in program.modules.values():
        calls = not all(map(is_definition, module.tree.body))
        found[module.name] = set(module.needs | module.later if calls else module.needs)
    for name in program.entries:
        found[name] |= program.modules.keys() - {name}
    return found


def imported(function) -> set[str]:
    """Return each `module:name` that a function imports itself."""
    parts = [part for part in own_nodes(function.body) if getattr(part, "ours", False)]
    return {alias.name for part in parts for alias in part.names}


def rows(program) -> dict[str, int]:
    """Return {module: number of its row} as agent/phases.py says."""
    if PHASES not in program.modules:
        return {}
    found = {}
    for number, words in enumerate(_lists(program.modules[PHASES].tree, program)):
        found.update({_PACKAGE + "." + word: number for word in words})
    return found


def _lists(tree, program):
    for node in walk(tree):
        if is_list(node, program):
            yield from (words for _, words in rows_of(node.value))


def is_list(node, program) -> bool:
    """Tell whether a text is a list of modules, with numbers between rows of them."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    words = [word for _, words in rows_of(node.value) for word in words]
    return bool(words) and all(_PACKAGE + "." + word in program.sources for word in words)


def rows_of(text: str) -> list[tuple[str, list[str]]]:
    """Return [(number, words)] of a list, the number "" where it has none."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for word in text.split():
        if word.isdigit():
            found.append((word, []))
        else:
            found[-1][1].append(word)
    return [row for row in found if row[1]]


def group(program, row: dict[str, int], main: str, taken=()) -> list[Group]:
    """Return the groups, the entry's first; `taken` are names of modules that the application may have."""
    needs = needs_of(program)
    keys = _keys(program, row, needs)
    circle = _circle(keys, needs)
    if circle:
        raise UsageError("modules need each other in a circle: %s" % sorted(map(str, circle)))
    groups: dict = {}
    for name in program.modules:
        if name in keys:
            groups.setdefault(keys[name], []).append(name)
    before = _before(program)
    first = _ordered(groups.pop("", []), before)
    made = sorted((_ordered(names, before) for names in groups.values()), key=lambda names: names[-1])
    letters = _letters({main, *taken})
    return [Group(first, main)] + [Group(names, next(letters)) for names in made]


def _keys(program, row, needs):
    """Return {module: key of its group}, "" for what the entry brings; modules that nothing brings are left out."""
    resident = [_PACKAGE + "." + word for word in RESIDENT.split()] + _LASTING.split() + _of_board(program, needs)
    core = _reach(program.entries + [name for name in resident if _is_there(program, name)], needs) - program.whole
    keys: dict = dict.fromkeys(core, "")
    brought: dict[str, set] = {}
    for root in sorted(_lazy_roots(program, core)):
        for name in _reach([root], needs) - core:
            brought.setdefault(name, set()).add(root)
    for name, roots in brought.items():
        keys[name] = name if name in program.whole else (row.get(name, -1), *sorted(roots))
    return keys


def _of_board(program, needs):
    """Return what the board file brings without what is forgotten after the start: the classes of its objects, which last."""
    passing = {name for names in _forgotten(program) for name in names}
    return [name for name in _reach([_BOARD], needs) if name not in passing]


def _forgotten(program):
    """Yield the names in each call that forgets modules."""
    for module in program.modules.values():
        for node in walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == UNLOAD
                and isinstance(node.args[0], ast.Tuple)
            ):
                yield [part.value for part in node.args[0].elts if isinstance(part, ast.Constant)]


def _is_there(program, name):
    return bool(program.modules.get(name) and program.modules[name].tree.body)


def _circle(keys, needs):
    """Return the keys of groups that need each other in a circle, none where there is no such thing."""
    left: dict = {}
    for name, key in keys.items():
        left.setdefault(key, set()).update(keys[other] for other in needs[name] if other in keys and keys[other] != key)
    while True:
        free = [key for key, others in left.items() if not any(other in left for other in others)]
        if not free:
            return set(left)
        for key in free:
            del left[key]


def single(program, name: str) -> list[Group]:
    """Return one group of all modules."""
    return [Group(_ordered(list(program.modules), _before(program)), name)]


def without_empty(program, groups: list[Group]) -> list[Group]:
    """Return the groups in which something is left; the entry's stays."""
    return [
        each for each in groups if each is groups[0] or any(program.modules[name].tree.body for name in each.modules)
    ]


def _reach(names, needs):
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found


def _lazy_roots(program, core):
    """Return the modules that functions import, those that the entry has anyway left out."""
    found = set()
    for module in program.modules.values():
        for node in walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                found.update(name.partition(":")[0] for name in imported(node))
    return found - core


def _ordered(names, needs):
    """Return modules such that each comes behind those that it needs."""
    found: list[str] = []

    def add(name, above):
        if name in names and name not in found and name not in above:
            for other in sorted(needs.get(name, ())):
                add(other, (*above, name))
            found.append(name)

    for name in sorted(names):
        add(name, ())
    return found


def _letters(taken):
    """Yield names of modules; attributes have names like these, which MicroPython keeps once for both."""
    letters = string.ascii_lowercase
    names = [*letters, *(one + other for one in letters for other in letters)]
    yield from (name for name in names if not keyword.iskeyword(name) and name not in _BUILT_IN and name not in taken)
