"""An Alert that the device sends: the ones that run the session, and Generic Alerts with what they report."""

from agent.fields import Fields

FUMO_TYPE = "org.openmobilealliance.dm.firmwareupdate."  # what the types of FUMO's Generic Alerts begin with


def own_alert(
    code, source="", target="", kind="", form="", mark="", data=None, correlator=None, on_status=None
):  # as it is plain, it outlives this module
    """Return the Alert; `on_status` is called with the server's Status, and whether what brought it was authentic."""
    alert, parts = Fields(), (source, target, kind, form, mark, data)
    alert.code, alert.correlator, alert.on_status = code, correlator, on_status
    alert.item = parts if any(parts) or data is not None else None  # where there is none to be sent
    return alert


def generic(kind, data, source="", correlator=None, mark="", form="int", on_status=None):
    """Return a Generic Alert; a correlator that is None is left out, an empty one cannot be."""
    return own_alert("1226", source, "", kind, form, mark, data, correlator, on_status)
