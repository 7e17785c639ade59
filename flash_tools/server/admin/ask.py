"""One request as the routes see it: names in the path, the query, the body; read strictly, with errors of one line."""

import math
from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.requests import Request

from flash_tools.server.admin import json_text
from flash_tools.server.admin.refusals import Wrong

TEXT_MAX, LIST_MAX, FIELDS_MAX = 4096, 1000, 64
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")

Kind = Callable[[object, str], object]  # (value, name) -> the value, or Wrong


def text(value, name):
    """Demand a text."""
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise Wrong("%s must be a text of at most %d characters" % (name, TEXT_MAX))
    return value


def texts(value, name):
    """Demand a list of texts; in a query they are separated by commas."""
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise Wrong("%s must be a list of at most %d texts" % (name, LIST_MAX))
    return [text(each, name) for each in value]


def flag(value, name):
    """Demand true or false."""
    if not isinstance(value, bool):
        raise Wrong("%s must be true or false" % name)
    return value


def number(low: float, high: float, whole: bool = True) -> Kind:
    """Demand a number between two, both included."""

    def check(value, name):
        good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high:
            raise Wrong("%s must be a %snumber from %g to %g" % (name, "whole " if whole else "", low, high))
        return value

    return check


def anything(value, name):
    """Take what comes; the office looks at it."""
    return value


def optional(kind: Kind) -> Kind:
    """Also take null."""
    return lambda value, name: None if value is None else kind(value, name)


def fields(value, known: dict[str, Kind], needed=()) -> dict:
    """Return the fields of an object that are there, checked; refuse others."""
    if not isinstance(value, dict):
        raise Wrong("the body must be a JSON object with %s" % ", ".join(known))
    for name in value:
        if name not in known:
            raise Wrong("there is no field %r here, only %s" % (name, ", ".join(known)))
    for name in needed:
        if name not in value:
            raise Wrong("the field %s is missing" % name)
    return {name: known[name](each, name) for name, each in value.items()}


def read_pairs(raw: bytes, what: str) -> dict[str, str]:
    """Return names and values of a query or a form."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Wrong("the %s is malformed" % what) from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Wrong("the %s says something twice" % what)
    return values


class Ask:
    """`known` are the query's parameters that the route knows."""

    def __init__(self, request: Request, body: bytes = b"", known=()):
        self.path: dict[str, str] = request.path_params
        self.body, self.accept = body, request.headers.get("accept", "")
        self.query = read_pairs(request.scope.get("query_string", b""), "query")
        for name in self.query:
            if name not in known:
                only = ", only " + ", ".join(known) if known else ""
                raise Wrong("there is no parameter %r here%s" % (name, only))

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return text(self.query.get(name, default), name)

    def number(self, name: str, default, low: float, high: float, whole: bool = True):
        """Return a number of the query."""
        given = self.query.get(name)
        if given is None:
            return default
        try:
            value = int(given) if whole and given.isascii() and len(given) < 20 else float(given)
        except ValueError:
            value = math.nan
        return number(low, high, whole)(value, name)

    def flag(self, name: str) -> bool:
        """Return a yes or no of the query."""
        given = self.query.get(name, "").lower()
        if given not in _TRUE + _FALSE:
            raise Wrong("%s must be 1 or 0" % name)
        return given in _TRUE

    def names(self, name: str) -> tuple[str, ...]:
        """Return texts of the query that commas separate."""
        return tuple(each for each in self.text(name).split(",") if each)

    @property
    def json(self):
        """Return what the body says; {} where there is none."""
        return json_text.read(self.body) if self.body.strip() else {}

    def fields(self, known: dict[str, Kind], needed=()) -> dict:
        """Return the fields of the body."""
        return fields(self.json, known, needed)
