"""The module `rp2` of the fake board."""

import fake_state as state

if state.folder:
    from rp2_flash import Flash  # noqa: F401  its own name


def bootsel_button():
    """Tell whether the button is held."""
    return state.read_json("pins.json", {}).get("bootsel", 0)


def country(code=None):
    """Set or tell where the board is."""
