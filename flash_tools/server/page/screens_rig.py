"""The bench, its slots with power, console and banks; enrolment: tokens, accounts, and devices that nobody knows."""

from flash_tools.errors import ToolError
from flash_tools.server.page.endpoints import form, screen
from flash_tools.server.page.render import go, page, sure
from flash_tools.server.page.text import unquoted

_POWER = {"on": "has power", "off": "has no power", "cycle": "lost power and has it again"}


def routes(office, once) -> list:
    """Return the routes of the bench and of enrolment."""
    bench, enrolment = _Bench(office), _Enrolment(office, once)
    return [
        screen("/bench", bench.show),
        form("/bench", bench.act),
        screen("/quarantine", enrolment.show),
        form("/quarantine", enrolment.act),
    ]


class _Bench:
    def __init__(self, office):
        self._office = office

    def show(self, request):
        """Show every slot."""
        return page(request, "bench.html", screen="bench", slots=self._office.slots())

    def act(self, request, sent):
        """Switch power; add or remove a slot."""
        action, name = sent.text("action"), sent.get("slot", "")
        if action in _POWER:
            self._office.slot_power(unquoted(name), action)
            return go(request, said="%s %s." % (unquoted(name), _POWER[action]))
        if action == "add":
            self._office.add_slot(sent.text("name"), sent.text("url"), sent.text("device"))
            return go(request, said="The slot is there.")
        if action == "remove":
            asked = sure(request, sent, "Remove the slot? The device keeps its account.", "Remove the slot")
            if asked:
                return asked
            self._office.remove_slot(unquoted(name))
            return go(request, said="The slot is removed.")
        raise ToolError("there is no such action for a slot")


class _Enrolment:
    def __init__(self, office, once):
        self._office, self._once = office, once

    def show(self, request):
        """Show tokens and the quarantine, and once what was just made."""
        made = self._once.take(request.query_params.get("once", ""))
        values = {"tokens": self._office.tokens(), "quarantine": self._office.quarantine(), "made": made}
        return page(request, "enrolment.html", screen="enrolment", **values)

    def act(self, request, sent):
        """Make a token or an account, accept or dismiss a device."""
        action = sent.text("action")
        if action == "token":
            return self._shown_once(request, {"token": self._new_token(sent)})
        if action == "add":
            return self._shown_once(request, {"bundle": self._office.add_device(sent.text("id"), **_details(sent))})
        if action == "accept":
            bundle = self._office.accept(unquoted(sent.get("device", "")), **_details(sent))
            return self._shown_once(request, {"bundle": bundle})
        if action == "dismiss":
            self._office.dismiss(unquoted(sent.get("device", "")))
            return go(request, said="Dismissed; it is listed again should it call again.")
        if action == "drop":
            asked = sure(request, sent, "Take the token back? Nobody gets in by it any more.", "Take it back")
            if asked:
                return asked
            self._office.drop_token(sent.text("token"))
            return go(request, said="The token is taken back.")
        raise ToolError("there is no such action for enrolment")

    def _new_token(self, sent):
        count, hours = sent.number("count", 1), sent.number("hours", 24)
        if not 1 <= count <= 1_000_000 or not 0 < hours <= 8760:
            raise ToolError("a token is for 1 to 1000000 devices and holds for up to 8760 hours")
        return self._office.new_token(int(count), int(hours * 3600), sent.text("model"), _tags(sent))

    def _shown_once(self, request, made):
        return go(request, "/quarantine?once=" + self._once.put(made))


def _tags(sent):
    return tuple(each for each in (part.strip() for part in sent.text("tags").split(",")) if each)


def _details(sent):
    return {"name": sent.text("name"), "group": sent.text("group"), "tags": _tags(sent)}
