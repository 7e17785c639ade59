"""The simulated board, itself in the MicroPython subset."""
