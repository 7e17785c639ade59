"""Packages and who may sign them: a table, an upload that is checked, an address elsewhere, signers."""

from flash_tools.errors import ToolError
from flash_tools.server.page.endpoints import form, one_line, screen
from flash_tools.server.page.forms import UPLOAD_MAX
from flash_tools.server.page.render import go, page, sure
from flash_tools.server.page.text import clip, unquoted

_QUESTION = "Remove the package? Devices that still fetch it get a 404."


def routes(office) -> list:
    """Return the routes of packages."""
    screens = _Packages(office)
    return [
        screen("/packages", screens.show),
        form("/packages", screens.upload, UPLOAD_MAX),
        form("/packages/remove", screens.remove),
        form("/signers", screens.change_signers),
    ]


class _Packages:
    def __init__(self, office):
        self._office = office

    def show(self, request):
        """Show packages and signers."""
        packages, signers = self._office.packages(), self._office.signers()
        names = {each["kid"]: each["name"] for each in signers}
        values = {"packages": packages, "signers": signers, "signer_names": names}
        return page(request, "packages.html", screen="packages", **values)

    def upload(self, request, sent):
        """Take a package that is uploaded."""
        file_name, data = sent.files.get("file", ("", b""))
        if not data:
            raise ToolError("no file is chosen; make one with: fumo package build")
        name, url = sent.text("name") or file_name or None, sent.text("url")
        package = self._office.add_package(data, name, url=url)
        said = "%s: version %s for %s" % (
            package["name"],
            package["version"],
            ", ".join(package["models"]) or "any model",
        )
        return go(request, "/packages", clip(said, 200))

    def remove(self, request, sent):
        """Remove a package."""
        asked = sure(request, sent, _QUESTION, "Remove the package", "/packages")
        if asked:
            return asked
        self._office.remove_package(unquoted(sent.get("name", "")))
        return go(request, "/packages", "The package is removed.")

    def change_signers(self, request, sent):
        """Trust a key, or trust it no longer."""
        if sent.text("action") == "remove":
            return self._remove_signer(request, sent)
        name, pem = sent.text("name"), sent.text("pem")
        if not name or not pem:
            return go(request, "/packages", "A signer has a name and a public key in PEM.", "error")
        try:
            self._office.add_signer(pem, name)
        except ToolError as error:
            return go(request, "/packages", one_line(error), "error")
        return go(request, "/packages", "The signer is known; packages of unknown keys are refused.")

    def _remove_signer(self, request, sent):
        asked = sure(request, sent, "Trust this key no longer?", "Remove the key", "/packages")
        if asked:
            return asked
        try:
            self._office.remove_signer(unquoted(sent.get("kid", "")))
        except ToolError as error:
            return go(request, "/packages", one_line(error), "error")
        return go(request, "/packages", "The key is not trusted any more.")
