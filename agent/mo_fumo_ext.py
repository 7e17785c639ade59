"""What lies below Ext of the FUMO object: what a fleet wants to know of a device, and one text for whoever has to find a fault.

Every value is text and is asked for when it is read.
"""


def details(hardware, record, facts):
    """Return the leaves as (path, function); `facts`: see facts.py."""
    boot = hardware.boot
    return (
        ("AgentVersion", facts.agent_version),
        ("Board", facts.board),
        ("Bank", lambda: str(boot.running())),
        ("Confirmed", lambda: str(boot.confirmed())),
        ("Attempts", lambda: str(record.job.arms)),
        ("SecurityCounter", lambda: _counter(facts.manifest())),
        ("LastResult", lambda: str(record.job.code or "")),
        ("PollInterval", str(facts.poll_interval_ms // 1000)),
        ("Diag", lambda: _diagnosis(hardware, record, facts)),
    )


def _counter(manifest):
    return str(manifest.counter) if manifest else ""


def _diagnosis(hardware, record, facts):
    from agent.diagnosis import diagnosis

    return diagnosis(hardware, record, facts)
