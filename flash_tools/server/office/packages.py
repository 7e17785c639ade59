"""Packages and the keys that sign them."""

import logging
from urllib.parse import urlsplit

from flash_tools.errors import ToolError
from flash_tools.server.office.base import Base, locked
from flash_tools.server.shelf import check_name

_LOG = logging.getLogger("fumo")
_URL_MOST = 255


class Packages(Base):
    """What people do with packages."""

    def add_package(self, data: bytes, name: str | None = None, *, url: str = "") -> dict:
        """Add a package that is one; with `url` it is served there, and the server writes the descriptor only."""
        facts = self._examined(data, name)  # takes long, hence without the lock
        name = check_name(name or "%s-%s.fup" % (facts["product"], facts["version"]))
        if url and (urlsplit(url).scheme not in ("http", "https") or len(url) > _URL_MOST or not url.isascii()):
            raise ToolError("a package is elsewhere at an http or https URL of at most %d characters" % _URL_MOST)
        return self._shelve(name, data, facts, url)

    def _examined(self, data, name):
        try:
            return self.desk.shelf.examine(data)
        except ToolError as error:
            self.refused["package"] += 1
            _LOG.warning("refused the package %s: %s", (name or "")[:128], error)
            raise

    @locked
    def _shelve(self, name, data, facts, url):
        here = self.desk.packages.get(name)
        if here is not None and here.facts.get("sha256") != facts["sha256"] and self._users(name):
            raise ToolError("%s is another package, and orders for it are under way: take another name" % name)
        package = self.desk.shelf.add(name, b"" if url else data, facts=facts, external=url)
        self.desk.events.add("package", "%s: version %s" % (name, facts["version"]), name=name)
        self.desk.commit()
        return self.desk.shelf.view(package)

    def _users(self, name):
        return sum(order.package == name for order in self.desk.open.values())

    @locked
    def packages(self) -> list[dict]:
        """Return all packages, the newest first."""
        shelf = self.desk.shelf
        found = [shelf.view(package, self._users(package.name)) for package in shelf.packages.values()]
        return sorted(found, key=lambda each: -each["added"])

    @locked
    def package(self, name: str) -> dict:
        """Return a package."""
        return self.desk.shelf.view(self.desk.shelf.get(name), self._users(name))

    @locked
    def remove_package(self, name: str):
        """Take out a package that no order needs."""
        if self._users(name):
            raise ToolError("orders for %s are under way: cancel them first" % name)
        self.desk.shelf.remove(name)
        self.desk.events.add("package", "%s removed" % name, name=name)
        self.desk.commit()

    @locked
    def add_signer(self, public_pem: str, name: str = "") -> dict:
        """Trust a key; from then on packages of unknown keys are refused."""
        kid = self.desk.shelf.add_signer(public_pem, name)
        self.desk.events.add("package", "signer %s added" % kid, kid=kid)
        self.desk.commit()
        return {"kid": kid, "name": name}

    @locked
    def remove_signer(self, kid: str):
        """Trust a key no longer."""
        self.desk.shelf.remove_signer(kid)

    @locked
    def signers(self) -> list[dict]:
        """Return the keys that are trusted."""
        return [{"kid": kid, "name": record["name"]} for kid, record in self.desk.shelf.signers.items()]
