"""What lies where on a board that keeps everything in one flash: single_chip.py makes the hardware of it."""

_SECTOR = 4096
BANK_NAMES = (("bank0", "header0"), ("bank1", "header1"))


def make_layout(flash_size, bank_size):
    """Return a layout that puts the second bank where a chip of half the size would show the first one again."""
    half = flash_size // 2
    return (
        ("boot", 0, 3 * _SECTOR),
        ("journal", 3 * _SECTOR, 3 * _SECTOR),
        ("header0", 6 * _SECTOR, _SECTOR),
        ("header1", 7 * _SECTOR, _SECTOR),
        ("settings", 8 * _SECTOR, 6 * _SECTOR),
        ("factory", 14 * _SECTOR, 2 * _SECTOR),
        ("bank0", 16 * _SECTOR, bank_size),
        ("bank1", half + 16 * _SECTOR, bank_size),
    )


def layout_of(flash_size):
    """Return the layout of a chip of that size: two banks as large as they can be."""
    return make_layout(flash_size, flash_size // 2 - 16 * _SECTOR)


def close_layout(bank_size):
    """Return a layout without a gap, for memory whose size is beyond doubt."""
    regions = make_layout(2 * (16 * _SECTOR + bank_size), bank_size)
    return regions[:-1] + (("bank1", 16 * _SECTOR + bank_size, bank_size),)
