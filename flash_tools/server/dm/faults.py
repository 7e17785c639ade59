"""Faults by script: what a server does wrong on purpose, between its decision and the wire.

A switch is True for always or the number of messages it is still good for. Hooks see the tree before it is encoded and
the reply after it was signed, so what they change there is forged.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flash_tools.server.dm.element import Element


@dataclass
class Faults:
    """All off."""

    bad_digest: bool | int = False  # our credentials are made with a wrong secret
    stale_nonce: bool | int = False  # our credentials are made with the nonce before the last one
    no_final: bool | int = False  # Final is left out
    duplicate: bool | int = False  # the reply before is sent again, the client's message is not looked at
    tree: Callable[[object, Element], Element | None] | None = None  # (session, message) -> another one, None: as it is
    body: Callable[[object, bytes], bytes] | None = None  # (session, signed bytes) -> what is sent
    headers: Callable[[object, dict], dict] | None = None  # (session, HTTP headers) -> what is sent

    def active(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return getattr(self, name) > 0

    def message_sent(self):
        """Count down after a message; `duplicate` is counted where it is done."""
        for name in ("bad_digest", "stale_nonce", "no_final"):
            self.count_down(name)

    def count_down(self, name: str):
        """Use up one message of a switch."""
        value = getattr(self, name)
        if value is not True and value > 0:
            setattr(self, name, value - 1)

    def change_tree(self, session, message: Element) -> Element:
        """Return what is to be encoded."""
        if self.active("no_final"):
            body = message.children[1]
            body.children = [child for child in body.children if child.tag_name != "Final"]
        return (self.tree and self.tree(session, message)) or message
