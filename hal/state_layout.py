"""What lies where in the state of a board whose banks are elsewhere: in partitions, slots, another chip."""

_SECTOR = 4096
_PARTS = (("journal", 3), ("header0", 1), ("header1", 1), ("settings", 6), ("factory", 2))


def layout_of_state(record, size, banks):
    """Return the regions; `record` is what the first one is called, for which bank boots.

    The last one is there for its name alone, `banks`, which goes into the hash: how large the banks are belongs to a layout.
    """
    found, start = [], 0
    for name, sectors in ((record, 3),) + _PARTS:
        found.append((name, start, sectors * _SECTOR))
        start += sectors * _SECTOR
    found.append((banks, size - _SECTOR, _SECTOR))
    return tuple(found)
