"""Names and addresses that need no asking, and where the system below has its name servers. See net.py."""


def numeric(name):
    """Return the numeric address of a literal or of localhost, else None."""
    if ":" in name or _is_numeric(name):
        return name
    return "127.0.0.1" if name == "localhost" else None


def system_servers():
    """Return the name servers of resolv.conf, where there is a system below."""
    try:
        with open("/etc/resolv.conf") as file:
            words = [line.split() for line in file]
    except OSError:
        return ()
    return tuple([line[1] for line in words if len(line) > 1 and line[0] == "nameserver" and ":" not in line[1]])


def _is_numeric(name):
    parts = name.split(".")
    return len(parts) == 4 and not [part for part in parts if not part.isdigit() or len(part) > 3 or int(part) > 255]
