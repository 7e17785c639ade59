"""A program of odd Python, for the tests of the bundler: it says what all of it comes to."""

ODD = '''"""Odd things."""

from agent.compat import const
from agent.other import NUMBER as number_of, Base, shown
from agent import other

_HIDDEN = const(7)
HUGE = const(1 << 70)
TABLE = ((1, "one"), (2, "two"))
_own = str("not the class's")
first, (second, *rest) = 1, (2, 3, 4)


class Thing(Base):
    """Attributes, properties, names that are defined by others."""

    kind = other_kind = "thing"
    size = 3
    _own = 8
    double = size * 2

    def __init__(self, value=_HIDDEN, *more, key=None, **others):
        super().__init__()
        self.value, self.more, self._key = value, more, key
        self._never_read = 0
        for name, each in others.items():
            setattr(self, name, each)

    @property
    def total(self):
        return self.value + sum(self.more)

    @staticmethod
    def plain(number_of):
        return number_of + 1

    @classmethod
    def made(cls):
        return cls(1, 2, 3, key="k", extra=4)

    def __getitem__(self, at):
        return self.more[at]

    def __getattr__(self, name):
        if name in ("late_one", "late_two"):
            return name
        raise AttributeError(name)

    def walk(self):
        for value in self.more:
            yield value
        else:
            yield "end"

    def _once(self, value):
        if value < 0:
            return "negative"
        if not value:
            return "none"
        value += 1
        return "value %d" % value

    def once(self, value):
        self._never_read += 1
        return [self._once(value), self.value]

    def _twice(self, x):
        try:
            y = 10 // x
        except ZeroDivisionError as e:
            return str(type(e) is ZeroDivisionError)
        return y

    def _low(self, x):
        if x > 1:
            if x > 2:
                return "large"
            x = -x
        return "end %d" % x

    def low_down(self, x):
        found = self._low(x)
        return [found, x]

    def _single(self):
        self.value += 1
        return self.value

    def in_order(self):
        return [self.quiet(5), self._single(), _own, self._own]

    def swapped(self, a, b):
        a, b = b, a
        return a, b

    def decided(self, x):
        if self.quiet(x) and 0:
            return "never"
        if x and 0:
            return "never either"
        return self.value if x or 1 else "nor this"

    def _alone(self, x):
        if x > 1:
            return "more"

    def all_alone(self, x):
        if x and 7:
            return self._alone(x)
        return "none"

    def twice(self, value):
        found = self._twice(value)
        y = 5
        return found, y

    def _quiet(self, x):
        if x:
            self.value = x
            return
        self.value = -1

    def quiet(self, x):
        self._quiet(x)
        return self.value


def closures():
    found = []
    for value in range(3):
        found.append(lambda add=value: add + value)
    def inner(a):
        nonlocal found
        found = found + [a]
        return len(found)
    return inner(4), [f() for f in found[:3]]


def comprehensions(number_of):
    other = [number_of for number_of in range(3) if number_of]
    return other, {a: b for a, b in TABLE}, sum(x for x in other), [[y for y in range(x)] for x in other]


def shadow(other, shown=4):
    def first():
        return other
    return first() + shown


def walrus(values):
    return [last for value in values if (last := value * 2) > 2]


def late():
    from agent import lazy
    from agent.lazy import deep as deeper

    return lazy.deep(2), deeper(3), lazy.CONSTANT


def either(flag):
    if flag:
        from agent.lazy import deep as chosen
    else:
        from agent.other import shallow as chosen
    return chosen(1)


def loops():
    found = []
    while True:
        try:
            if len(found) > 3:
                break
            found.append(len(found))
        finally:
            found.append(-1)
    else:
        found.append("never")
    with Managed() as m:
        found.append(m)
    return found


class Managed:
    def __enter__(self):
        return "in"

    def __exit__(self, *args):
        return True


def start():
    """Say all that is to be compared."""
    thing = Thing.made()
    answers = [
        thing.total, thing.plain(2), thing[1], list(thing.walk()), thing.extra, thing.kind + thing.other_kind, thing.double,
        thing.late_one, thing.once(-1), thing.once(0), thing.once(5), thing.twice(0), thing.twice(3), thing.quiet(0),
        [thing.low_down(x) for x in range(4)], [thing.all_alone(x) for x in range(3)],
        [thing.decided(x) for x in range(3)], thing.in_order(), thing.swapped(1, 2),
        thing.quiet(8), closures(), comprehensions(5), shadow(1), walrus([1, 2, 3]), late(), either(True), either(False), loops(),
        number_of, other.NUMBER, other.shallow(2), shown(), HUGE, first, second, rest, getattr(thing, "hidden" + "_name", "no"),
        hasattr(thing, "nothing"), isinstance(thing, Base), thing.based, Thing(5, key=2).value,
    ]  # fmt: skip
    for answer in answers:
        print(sorted(answer.items()) if isinstance(answer, dict) else answer)


start()
'''
