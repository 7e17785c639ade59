"""An Alert that the device sends: the ones that run the session, and Generic Alerts with what they report."""

FUMO_TYPE = "org.openmobilealliance.dm.firmwareupdate."  # what the types of FUMO's Generic Alerts begin with


class OwnAlert:
    """`answered` is called with the server's Status, and with whether the message that brought it was authentic."""

    def __init__(
        self, code, source="", target="", kind="", form="", mark="", data=None, correlator=None, on_status=None
    ):
        self.code, self.correlator = code, correlator
        self._parts = (source, target, kind, form, mark, data)
        self._on_status = on_status

    def item(self, account):
        """Return the parts of its Item, None where it has none."""
        parts = self._parts
        return parts if any(parts) or parts[5] is not None else None

    def answered(self, code, authentic):
        """Take the server's Status."""
        if self._on_status:
            self._on_status(code, authentic)


def generic(kind, data, source="", correlator=None, mark="", form="int", on_status=None):
    """Return a Generic Alert; a correlator that is None is left out, an empty one cannot be."""
    return OwnAlert("1226", source, "", kind, form, mark, data, correlator, on_status)
