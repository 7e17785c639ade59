"""Programs drawn from a seed do the same when they are bundled: functions put in place, values split, branches left out."""

import random

from flash_tools.deploy.bundle import bundle

_MOST = 14  # methods


def _expression(draw, names, depth=0):
    kind = draw.randrange(7 if depth < 3 else 2)
    if kind == 0:
        return str(draw.randrange(-3, 9))
    if kind == 1:
        return draw.choice(names)
    if kind == 2:
        return "(%s %s %s)" % (
            _expression(draw, names, depth + 1),
            draw.choice("+-*|&"),
            _expression(draw, names, depth + 1),
        )
    if kind == 3:
        return "(%s if %s else %s)" % tuple(_expression(draw, names, depth + 1) for _ in range(3))
    if kind == 4:
        return "self.%s(%s)" % (_method(draw), _expression(draw, names, depth + 1))
    if kind == 5:
        return "(%s and %s)" % (_expression(draw, names, depth + 1), _expression(draw, names, depth + 1))
    return "self.%s" % draw.choice(("left", "right"))


def _method(draw):
    """Return a method to be called: often a new one, that nobody else calls."""
    if len(draw.methods) < _MOST and draw.random() < 0.7:
        draw.methods.append("_method%d" % len(draw.methods))
        return draw.methods[-1]
    return draw.choice(("one", "two", "three"))


def _block(draw, names, depth):
    lines = []
    for _ in range(draw.randrange(1, 4)):
        lines += _statement(draw, names, depth, "    " * depth)
    return lines


def _statement(draw, names, depth, pad):
    """Return the lines of one."""
    kind, value = draw.randrange(13 if depth < 5 else 8), _expression(draw, names)
    if kind == 0:
        return ["%s%s = %s" % (pad, draw.choice(names), value)]
    if kind == 1:
        return ["%sself.%s, x = %s, %s" % (pad, draw.choice(("left", "right")), value, _expression(draw, names))]
    if kind == 2:
        return ["%sx, a = %s, %s" % (pad, value, draw.choice(names))]
    if kind == 3:
        return ["%sself.log(%s)" % (pad, value)]
    if kind == 4:
        return ["%sself.%s(%s)" % (pad, _method(draw), value)]
    if kind == 5:
        return ["%s%s = self.%s(%s)" % (pad, draw.choice(names), _method(draw), value)]
    if kind == 6:
        return ["%sreturn self.%s(%s)" % (pad, _method(draw), value)]
    if kind == 7:
        return ["%sreturn %s" % (pad, value)]
    inner = _block(draw, names, depth + 1)
    if kind < 10:
        more = [pad + "else:", *_block(draw, names, depth + 1)] if draw.random() < 0.5 else []
        return ["%sif %s:" % (pad, value), *inner, *more]
    if kind == 10:
        return ["%sfor a in range(2):" % pad, *inner]
    last = draw.choice(("finally", "else"))
    caught = [pad + "except ValueError as e:", pad + "    x = 1"]
    return [pad + "try:", *inner, *caught, pad + last + ":", *_block(draw, names, depth + 1)]


def _program(seed):
    """Return a program of methods that call each other, drawn from a seed."""
    draw = random.Random(seed)
    draw.methods = ["one", "two", "three"]
    lines = ["class Thing:", "    def __init__(self):", "        self.left, self.right, self.calls, self.said = 1, 2, 0, []", "",
             "    def log(self, value):", "        self.said.append(value)", "        self.calls += 1",
             "        if self.calls > 60:", '            raise KeyError("enough")', "        return value", ""]  # fmt: skip
    for name in draw.methods:  # which become more meanwhile
        lines += [
            "    def %s(self, x):" % name,
            "        a = b = 0",
            "        self.log(x)",
            *_block(draw, ("x", "a", "b"), 2),
            "",
        ]
    lines += ["", "def start():", "    thing = Thing()", "    for x in range(3):", "        try:",
              "            thing.log((thing.one(x), thing.two(-x)))", "        except (KeyError, RuntimeError, TypeError) as e:",
              "            thing.said.append(str(e)[:6])", "    return thing.said, thing.left, thing.right"]  # fmt: skip
    return "\n".join(lines) + "\n"


def test_drawn_programs_do_the_same():
    """Methods that are put in place, split assignments, returns that become something else: what is said has to be the same."""
    placed = 0
    for seed in range(60):
        text = _program(seed)
        one, other = {}, {}
        exec(text, one)
        made = bundle({"main": text}, "main").sources["main.py"]
        exec(made, other)
        assert one["start"]() == other["start"](), "seed %d" % seed
        placed += made.count("def ") < text.count("def ") - 1
    assert placed > 25, "nearly nothing was put in place: the test has lost its point"
