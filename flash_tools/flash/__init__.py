"""The flash of a board by the names of its regions: looked at, read, written, erased."""
